//! HDF5: each dataset of a group is a column.

use std::path::{Path, PathBuf};

use half::f16;
use hdf5_pure::{DType, Dataset, File};
use hodoscope_sim::npz::{Room, Values};

use crate::FilesError;
use crate::column::Column;
use crate::error::listed;
use crate::guard::guarded;
use crate::kind::Kind;

/// A group of a file.
#[derive(Debug)]
pub(crate) struct Hdf5 {
    path: PathBuf,
    file: File,
    /// Path of the group, empty for the root.
    group: String,
    names: Vec<String>,
}

impl Hdf5 {
    /// Opens a group, or else the root.
    ///
    /// # Errors
    /// When the file is damaged or there is no such group.
    pub fn open(path: &Path, group: Option<&str>) -> Result<Self, FilesError> {
        let wrong = |reason: String| damaged(path, &reason);
        let file = guarded(|| File::open_streaming(path)).map_err(wrong)?;
        let file = file.map_err(|error| wrong(error.to_string()))?;
        let found = {
            let file = std::panic::AssertUnwindSafe(&file);
            guarded(move || match group {
                Some(group) => file.group(group).map(|group| group.datasets()),
                None => Ok(file.root().datasets()),
            })
        };
        let names = match found.map_err(wrong)? {
            Ok(names) => names.map_err(|error| wrong(error.to_string()))?,
            Err(_) => {
                let groups = file.root().groups().unwrap_or_default();
                return Err(FilesError::NoTree {
                    path: path.into(),
                    kind: Kind::Hdf5.name(),
                    what: "group",
                    tree: group.unwrap_or_default().to_owned(),
                    there: format!("; it holds {}", listed(&groups)),
                });
            }
        };
        let mut names = names;
        names.sort_unstable();
        if names.is_empty() && group.is_none() {
            let groups = file.root().groups().unwrap_or_default();
            return Err(wrong(format!(
                "no dataset lies outside of groups; name one, FILE:GROUP, of {}",
                listed(&groups)
            )));
        }
        Ok(Self {
            path: path.into(),
            file,
            group: group.unwrap_or_default().trim_matches('/').to_owned(),
            names,
        })
    }

    /// Names of the datasets, sorted.
    pub fn names(&self) -> Vec<String> {
        self.names.clone()
    }

    /// A dataset of the group, or of one below it: `NAME` or `GROUP/NAME`.
    ///
    /// # Errors
    /// When there is none, or it holds no numbers, or not all of them can be read.
    pub fn column(&self, name: &str, room: &mut Room) -> Result<Column, FilesError> {
        let full = match &self.group[..] {
            "" => name.to_owned(),
            group => format!("{group}/{name}"),
        };
        let file = std::panic::AssertUnwindSafe(&self.file);
        let found = guarded(move || file.dataset(&full)).map_err(|e| damaged(&self.path, &e))?;
        let Ok(dataset) = found else {
            return Err(FilesError::NoColumn {
                path: self.path.clone(),
                column: name.to_owned(),
                there: listed(&self.names),
            });
        };
        let wrong = |reason: String| FilesError::Column {
            path: self.path.clone(),
            column: name.to_owned(),
            reason,
        };
        let unread = |error: &dyn std::fmt::Display| {
            wrong(format!(
                "cannot be read: {error}; written with libver=\"earliest\", as h5py does by default, it can, or in Python: hodoscope.convert"
            ))
        };
        let shape = dataset.shape().map_err(|error| unread(&error))?;
        let shape: Vec<usize> = shape.iter().map(|&extent| extent as usize).collect();
        let dtype = dataset.dtype().map_err(|error| unread(&error))?;
        let (described, bytes) = described(&dtype)
            .ok_or_else(|| wrong(format!("has dtype {dtype}; expected numbers")))?;
        let Some((&rows, row)) = shape.split_first() else {
            return Err(wrong(
                "is a single number; expected one for each event".to_owned(),
            ));
        };
        let elements = shape.iter().map(|&extent| extent as u64);
        let elements = elements.fold(1, u64::saturating_mul);
        room.take(elements.saturating_mul(bytes), &self.path, name)?;
        let values = {
            let (dataset, dtype) = (std::panic::AssertUnwindSafe(&dataset), &dtype);
            guarded(move || values(&dataset, dtype)).map_err(|error| unread(&error))?
        };
        let values = values.map_err(|error| unread(&error))?;
        if values.len() as u64 != elements {
            return Err(unread(&format!(
                "{} elements where its shape says {elements}",
                values.len()
            )));
        }
        let values = match values {
            Read::Values(values) => values,
            Read::Unsigned(values) => Values::from_unsigned(values, &self.path, name)?,
        };
        Ok(Column {
            dtype: described.to_owned(),
            offsets: None,
            rows,
            row: row.to_vec(),
            values,
        })
    }
}

fn damaged(path: &Path, reason: &str) -> FilesError {
    FilesError::Damaged {
        path: path.into(),
        kind: Kind::Hdf5.name(),
        reason: reason.to_owned(),
    }
}

/// NumPy's description of a type, and bytes that an element takes once it is read; nothing where it is no number.
fn described(dtype: &DType) -> Option<(&'static str, u64)> {
    Some(match dtype {
        DType::F32 => ("<f4", 4),
        DType::F64 => ("<f8", 8),
        DType::I8 => ("|i1", 8),
        DType::I16 => ("<i2", 8),
        DType::I32 => ("<i4", 8),
        DType::I64 => ("<i8", 8),
        DType::U8 => ("|u1", 8),
        DType::U16 => ("<u2", 8),
        DType::U32 => ("<u4", 8),
        DType::U64 => ("<u8", 8),
        DType::Enum(names) if is_bool(names) => ("|b1", 8),
        DType::Other(_) if half_order(dtype).is_some() => ("<f2", 4),
        _ => return None,
    })
}

/// As h5py writes NumPy's booleans.
fn is_bool(names: &[String]) -> bool {
    names == ["FALSE", "TRUE"]
}

/// Whether bytes of a half-precision float come most significant first; nothing where it is none.
fn half_order(dtype: &DType) -> Option<bool> {
    use hdf5_pure::{Datatype, DatatypeByteOrder};
    let DType::Other(other) = dtype else {
        return None;
    };
    match &**other {
        Datatype::FloatingPoint {
            size: 2,
            byte_order,
            layout,
        } if layout.exponent_size == 5 && layout.mantissa_size == 10 => match byte_order {
            DatatypeByteOrder::LittleEndian => Some(false),
            DatatypeByteOrder::BigEndian => Some(true),
            _ => None,
        },
        _ => None,
    }
}

enum Read {
    Values(Values),
    Unsigned(Vec<u64>),
}

impl Read {
    fn len(&self) -> usize {
        match self {
            Self::Values(values) => values.len(),
            Self::Unsigned(values) => values.len(),
        }
    }
}

fn values(dataset: &Dataset, dtype: &DType) -> Result<Read, hdf5_pure::Error> {
    Ok(Read::Values(match dtype {
        DType::F32 => Values::Single(dataset.read_f32()?),
        DType::F64 => Values::Float(dataset.read_f64()?),
        DType::U64 => return Ok(Read::Unsigned(dataset.read_u64()?)),
        DType::Other(_) => {
            let is_big = half_order(dtype) == Some(true);
            let raw = dataset.read_raw()?;
            let halves = raw.as_chunks::<2>().0.iter().map(|&bytes| {
                f16::from_bits(match is_big {
                    true => u16::from_be_bytes(bytes),
                    false => u16::from_le_bytes(bytes),
                })
            });
            Values::Single(halves.map(f16::to_f32).collect())
        }
        // Enumerations are the integers of their base.
        _ => Values::Integer(dataset.read_i64()?),
    }))
}
