//! Writing.

use std::fmt::Display;
use std::io::{BufWriter, Write};
use std::path::Path;

use ndarray::{ArrayD, IxDyn};
use ndarray_npy::{NpzWriter, WritableElement};
use tempfile::NamedTempFile;

use super::NpzError;

/// One output of every event.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputArrays {
    name: String,
    width: usize,
    values: Vec<f64>,
    quantised: Option<Quantised>,
}

#[derive(Clone, Debug, PartialEq)]
struct Quantised {
    raws: Vec<i64>,
    scale: Vec<f64>,
    zero_point: i64,
}

impl OutputArrays {
    /// An output of `width` raws per event, event after event. `scale` is the value of one count,
    /// one for all elements or one each; value = (raw − `zero_point`) · scale.
    ///
    /// # Panics
    /// If `scale` has neither one element nor `width`.
    pub fn from_raws(
        name: &str,
        width: usize,
        raws: Vec<i64>,
        scale: Vec<f64>,
        zero_point: i64,
    ) -> Self {
        assert!(scale.len() == 1 || scale.len() == width, "{name}");
        let value = |(index, &raw): (usize, &i64)| {
            let scale = scale[if scale.len() == 1 { 0 } else { index % width }];
            (raw - zero_point) as f64 * scale
        };
        Self {
            name: name.to_owned(),
            width,
            values: raws.iter().enumerate().map(value).collect(),
            quantised: Some(Quantised {
                raws,
                scale,
                zero_point,
            }),
        }
    }

    /// An output of `width` floats per event, event after event: it has no raws.
    pub fn from_floats(name: &str, width: usize, values: Vec<f64>) -> Self {
        Self {
            name: name.to_owned(),
            width,
            values,
            quantised: None,
        }
    }
}

/// Writes `NAME` (float64) of each output, and `NAME.raw` (int64), `NAME.scale` and
/// `NAME.zero_point` where it has raws.
///
/// The file appears under its name when it is complete.
///
/// # Errors
/// When the file cannot be written.
pub fn write_outputs(path: &Path, outputs: &[OutputArrays]) -> Result<(), NpzError> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    // As any file that a program creates; a temporary file is its owner's only.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let file = builder.tempfile_in(parent).map_err(|e| failed(path, e))?;
    let mut writer = NpzWriter::new_compressed(BufWriter::new(file));
    for output in outputs {
        let shape = [output.values.len() / output.width.max(1), output.width];
        let name = &output.name;
        add(&mut writer, path, name, &shape, output.values.clone())?;
        let Some(quantised) = &output.quantised else {
            continue;
        };
        let (raws, scale) = (quantised.raws.clone(), quantised.scale.clone());
        // One scale for all is a scalar.
        let scale_shape: &[usize] = if scale.len() == 1 {
            &[]
        } else {
            &[output.width]
        };
        add(&mut writer, path, &format!("{name}.raw"), &shape, raws)?;
        add(
            &mut writer,
            path,
            &format!("{name}.scale"),
            scale_shape,
            scale,
        )?;
        let zero_point = vec![quantised.zero_point];
        add(
            &mut writer,
            path,
            &format!("{name}.zero_point"),
            &[],
            zero_point,
        )?;
    }
    let mut inner = writer.finish().map_err(|e| failed(path, e))?;
    inner.flush().map_err(|e| failed(path, e))?;
    let file = inner.into_inner().map_err(|e| failed(path, e))?;
    file.persist(path).map_err(|e| failed(path, e))?;
    Ok(())
}

fn add<T: WritableElement>(
    writer: &mut NpzWriter<BufWriter<NamedTempFile>>,
    path: &Path,
    name: &str,
    shape: &[usize],
    values: Vec<T>,
) -> Result<(), NpzError> {
    let array = ArrayD::from_shape_vec(IxDyn(shape), values).map_err(|e| failed(path, e))?;
    writer.add_array(name, &array).map_err(|e| failed(path, e))
}

fn failed(path: &Path, reason: impl Display) -> NpzError {
    NpzError::Write {
        path: path.into(),
        reason: reason.to_string(),
    }
}
