//! An array and its elements.

use std::path::{Path, PathBuf};

use super::NpzError;

/// One array.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    pub(super) path: PathBuf,
    pub(super) name: String,
    pub(super) dtype: String,
    pub(super) shape: Vec<usize>,
    pub(super) values: Values,
}

/// Elements of an array, row-major.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Floats of 64 bits.
    Float(Vec<f64>),
    /// Floats of 16 and 32 bits, each exactly a float of 64.
    Single(Vec<f32>),
    /// Integers of any width, and booleans as 0 and 1.
    Integer(Vec<i64>),
}

impl Values {
    /// Integers without a sign.
    ///
    /// # Errors
    /// When one is larger than 2^63 − 1.
    pub fn from_unsigned(values: Vec<u64>, path: &Path, name: &str) -> Result<Self, NpzError> {
        let signed = |(index, value): (usize, u64)| {
            i64::try_from(value).map_err(|_| NpzError::TooLarge {
                path: path.into(),
                name: name.to_owned(),
                index,
                value,
            })
        };
        let signed: Result<_, _> = values.into_iter().enumerate().map(signed).collect();
        Ok(Self::Integer(signed?))
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        match self {
            Self::Float(values) => values.len(),
            Self::Single(values) => values.len(),
            Self::Integer(values) => values.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Array {
    /// An array of the file `path`.
    ///
    /// # Panics
    /// If there are not as many elements as the shape says.
    pub(super) fn new(
        path: &Path,
        name: &str,
        dtype: &str,
        shape: &[usize],
        values: Values,
    ) -> Self {
        let elements = shape.iter().product::<usize>();
        assert_eq!(values.len(), elements, "elements of {name}");
        Self {
            path: path.into(),
            name: name.to_owned(),
            dtype: dtype.to_owned(),
            shape: shape.to_vec(),
            values,
        }
    }

    /// One of the same name and type, and no element.
    pub(super) fn like(&self) -> Self {
        Self::new(
            &self.path,
            &self.name,
            &self.dtype,
            &[0],
            Values::Float(vec![]),
        )
    }

    /// Name in the archive.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Extents; the first are the events.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// NumPy's description of the elements' type, such as `<f4`.
    pub fn dtype(&self) -> &str {
        &self.dtype
    }

    /// Elements, row-major.
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// Extent of the first axis.
    pub fn event_count(&self) -> usize {
        self.shape.first().copied().unwrap_or(0)
    }

    /// Elements of one event.
    pub fn per_event(&self) -> usize {
        self.shape.iter().skip(1).product()
    }

    /// Elements as floats, each checked to be finite.
    ///
    /// # Errors
    /// The first element that is NaN or infinite.
    pub fn floats(&self) -> Result<Vec<f64>, NpzError> {
        match &self.values {
            Values::Integer(values) => Ok(values.iter().map(|&v| v as f64).collect()),
            Values::Float(values) => match values.iter().position(|v| !v.is_finite()) {
                Some(index) => Err(self.not_finite(index)),
                None => Ok(values.clone()),
            },
            Values::Single(values) => match values.iter().position(|v| !v.is_finite()) {
                Some(index) => Err(self.not_finite(index)),
                None => Ok(values.iter().map(|&v| v.into()).collect()),
            },
        }
    }

    /// Elements as integers: of an integer array, or of a float array with whole values only.
    ///
    /// # Errors
    /// When an element is not whole.
    pub fn integers(&self) -> Result<Vec<i64>, NpzError> {
        let whole = |(index, value): (usize, f64)| {
            if !value.is_finite() {
                Err(self.not_finite(index))
            } else if value.fract() != 0.0 || value.abs() >= 9.0e18 {
                Err(self.bad_value(index, format!("{value} is not a whole number")))
            } else {
                Ok(value as i64)
            }
        };
        match &self.values {
            Values::Integer(values) => Ok(values.clone()),
            Values::Float(values) => values.iter().copied().enumerate().map(whole).collect(),
            Values::Single(values) => {
                let values = values.iter().map(|&value| value.into());
                values.enumerate().map(whole).collect()
            }
        }
    }

    /// The error that this array has another shape than `expected`.
    pub fn wrong_shape(&self, expected: &str) -> NpzError {
        NpzError::Shape {
            path: self.path.clone(),
            name: self.name.clone(),
            got: self.shape.clone(),
            expected: expected.to_owned(),
        }
    }

    /// The error that the element at row-major `index` is NaN or infinite.
    pub fn not_finite(&self, index: usize) -> NpzError {
        let per_event = self.per_event().max(1);
        NpzError::NotFinite {
            path: self.path.clone(),
            name: self.name.clone(),
            event: index / per_event,
            index: index % per_event,
            value: match &self.values {
                Values::Float(values) => values.get(index).copied().unwrap_or(f64::NAN),
                Values::Single(values) => values.get(index).map_or(f64::NAN, |&v| v.into()),
                Values::Integer(_) => f64::NAN,
            },
        }
    }

    /// The error that the element at row-major `index` makes no sense here.
    pub fn bad_value(&self, index: usize, reason: String) -> NpzError {
        NpzError::Value {
            path: self.path.clone(),
            name: self.name.clone(),
            event: index / self.per_event().max(1),
            reason,
        }
    }
}
