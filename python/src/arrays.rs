//! Arrays of events, from numpy and back.

use std::path::PathBuf;

use hodoscope::Failure;
use hodoscope_sim::npz::{Npz, OutputArrays, Values};
use numpy::{Element, PyArray1, PyArrayDyn, PyArrayMethods, PyUntypedArrayMethods};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::{Outcome, outcome};

/// Arrays of events by name, for one call.
///
/// Elements are copied once: while a call computes, other threads may write into the arrays that they came from.
#[pyclass(module = "hodoscope._native")]
pub struct Arrays(Option<Npz>);

type Put = Option<(String, u8)>;

#[pymethods]
impl Arrays {
    /// No array yet; `source` says in messages where they come from.
    #[new]
    fn new(source: PathBuf) -> Self {
        Self(Some(Npz::named(&source)))
    }

    /// Those of a file.
    #[staticmethod]
    fn read(py: Python<'_>, path: PathBuf) -> Outcome<Self> {
        outcome(py, || {
            let npz = Npz::read(&path).map_err(failure)?;
            Ok(Self(Some(npz)))
        })
    }

    /// Whether there is an array of this name.
    fn contains(&self, name: &str) -> bool {
        self.0.as_ref().is_some_and(|npz| npz.contains(name))
    }

    /// Puts in an array of float32, float64, int64 or uint64, row-major and aligned.
    fn put(&mut self, name: &str, dtype: &str, array: &Bound<'_, PyAny>) -> PyResult<Put> {
        let (shape, values) = elements(name, array)?;
        let npz = self.npz()?;
        Ok(values
            .and_then(|values| npz.put(name, dtype, &shape, values).map_err(failure))
            .err()
            .map(told))
    }

    /// Puts in rows of all events, one event after the other: event e has those from `offsets[e]` to `offsets[e + 1]`.
    fn put_rows(
        &mut self,
        name: &str,
        dtype: &str,
        content: &Bound<'_, PyAny>,
        offsets: &Bound<'_, PyArray1<i64>>,
    ) -> PyResult<Put> {
        let (shape, values) = elements(name, content)?;
        let offsets = offsets.readonly();
        let offsets = offsets.as_slice()?;
        let npz = self.npz()?;
        let mut put = |values| {
            let put = npz.put_jagged(name, dtype, &shape, values, offsets);
            put.map_err(failure)
        };
        Ok(values.and_then(&mut put).err().map(told))
    }

    /// Says that there is an array of another type.
    fn put_unread(&mut self, name: &str, dtype: &str) -> PyResult<()> {
        self.npz()?.put_unread(name, dtype);
        Ok(())
    }
}

impl Arrays {
    fn npz(&mut self) -> PyResult<&mut Npz> {
        let gone = || PyValueError::new_err("these arrays were used up by a call");
        self.0.as_mut().ok_or_else(gone)
    }

    /// The arrays, once.
    pub fn take(arrays: &Bound<'_, Self>) -> PyResult<Npz> {
        let mut arrays = arrays.borrow_mut();
        arrays.npz()?;
        Ok(arrays.0.take().unwrap_or_else(|| Npz::named("".as_ref())))
    }
}

/// The command's message and exit code: whatever is wrong with arrays is bad input.
pub fn failure(error: impl std::error::Error + Send + Sync + 'static) -> Failure {
    Failure::input(error)
}

fn told(failure: Failure) -> (String, u8) {
    (failure.message, failure.exit_code)
}

/// Shape and elements.
fn elements(
    name: &str,
    array: &Bound<'_, PyAny>,
) -> PyResult<(Vec<usize>, Result<Values, Failure>)> {
    if let Some((shape, values)) = copied::<f32>(array)? {
        return Ok((shape, Ok(Values::Single(values))));
    }
    if let Some((shape, values)) = copied::<f64>(array)? {
        return Ok((shape, Ok(Values::Float(values))));
    }
    if let Some((shape, values)) = copied::<i64>(array)? {
        return Ok((shape, Ok(Values::Integer(values))));
    }
    if let Some((shape, values)) = copied::<u64>(array)? {
        return Ok((
            shape,
            Values::from_unsigned(values, "arrays".as_ref(), name).map_err(failure),
        ));
    }
    Err(PyTypeError::new_err(format!(
        "array `{name}` is no row-major array of float32, float64, int64 or uint64"
    )))
}

fn copied<T: Element + Copy>(array: &Bound<'_, PyAny>) -> PyResult<Option<(Vec<usize>, Vec<T>)>> {
    let Ok(array) = array.cast::<PyArrayDyn<T>>() else {
        return Ok(None);
    };
    let array = array.readonly();
    Ok(Some((array.shape().to_vec(), array.as_slice()?.to_vec())))
}

/// Outputs as a dictionary of arrays, without a copy.
pub fn outputs(py: Python<'_>, outputs: Vec<OutputArrays>) -> PyResult<Bound<'_, PyDict>> {
    let arrays = PyDict::new(py);
    for (name, shape, values) in outputs.into_iter().flat_map(OutputArrays::into_arrays) {
        match values {
            Values::Float(values) => arrays.set_item(name, shaped(py, values, shape)?)?,
            Values::Single(values) => arrays.set_item(name, shaped(py, values, shape)?)?,
            Values::Integer(values) => arrays.set_item(name, shaped(py, values, shape)?)?,
        }
    }
    Ok(arrays)
}

fn shaped<T: Element>(
    py: Python<'_>,
    values: Vec<T>,
    shape: Vec<usize>,
) -> PyResult<Bound<'_, PyArrayDyn<T>>> {
    PyArray1::from_vec(py, values).reshape(shape)
}
