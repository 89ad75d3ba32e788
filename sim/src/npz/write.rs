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
    /// Name, as in the model.
    pub name: String,
    /// Elements of one event.
    pub width: usize,
    /// Raws, event after event.
    pub raws: Vec<i64>,
    /// Value of one count: one for all elements, or one each.
    pub scale: Vec<f64>,
    /// Raw of the value 0.
    pub zero_point: i64,
}

impl OutputArrays {
    /// value = (raw − zero_point) · scale, event after event.
    pub fn values(&self) -> Vec<f64> {
        self.raws
            .iter()
            .enumerate()
            .map(|(index, &raw)| {
                let scale = match self.scale.as_slice() {
                    [one] => *one,
                    each => each[index % self.width],
                };
                (raw - self.zero_point) as f64 * scale
            })
            .collect()
    }
}

/// Writes `NAME` (float64), `NAME.raw` (int64), `NAME.scale` and `NAME.zero_point` of each output.
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
        let events = output.raws.len() / output.width.max(1);
        let shape = [events, output.width];
        let scale_shape: &[usize] = match output.scale.len() {
            1 => &[],
            _ => &[output.width],
        };
        let name = &output.name;
        add(&mut writer, path, name, &shape, output.values())?;
        add(
            &mut writer,
            path,
            &format!("{name}.raw"),
            &shape,
            output.raws.clone(),
        )?;
        add(
            &mut writer,
            path,
            &format!("{name}.scale"),
            scale_shape,
            output.scale.clone(),
        )?;
        add(
            &mut writer,
            path,
            &format!("{name}.zero_point"),
            &[],
            vec![output.zero_point],
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
