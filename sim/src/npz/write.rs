//! Writing.

use std::fs::{self, File};
use std::io::{BufWriter, Seek, Write};
use std::path::Path;

use ndarray::{ArrayViewD, IxDyn};
use ndarray_npy::{WritableElement, WriteNpyExt};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{NpzError, Values};
use crate::ending::Passing;

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

    fn shape(&self) -> Vec<usize> {
        vec![self.values.len() / self.width.max(1), self.width]
    }

    /// One scale for all is a scalar.
    fn scale_shape(&self) -> Vec<usize> {
        match &self.quantised {
            Some(quantised) if quantised.scale.len() > 1 => vec![self.width],
            _ => vec![],
        }
    }

    /// Name of the output.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its raws, event after event, where it has any.
    pub fn raws(&self) -> Option<&[i64]> {
        let quantised = self.quantised.as_ref()?;
        Some(&quantised.raws)
    }

    /// Name, shape and elements of each array: `NAME` (float64), and `NAME.raw` (int64), `NAME.scale` and
    /// `NAME.zero_point` where it has raws.
    pub fn into_arrays(self) -> Vec<(String, Vec<usize>, Values)> {
        let (shape, scale_shape) = (self.shape(), self.scale_shape());
        let name = |what: &str| format!("{}.{what}", self.name);
        let mut arrays = vec![(self.name.clone(), shape.clone(), Values::Float(self.values))];
        if let Some(quantised) = self.quantised {
            let zero_point = Values::Integer(vec![quantised.zero_point]);
            arrays.extend([
                (name("raw"), shape, Values::Integer(quantised.raws)),
                (name("scale"), scale_shape, Values::Float(quantised.scale)),
                (name("zero_point"), vec![], zero_point),
            ]);
        }
        arrays
    }
}

/// Writes the arrays of each output.
///
/// The file appears under its name when it is complete.
///
/// # Errors
/// When the file cannot be written.
pub fn write_outputs(path: &Path, outputs: &[OutputArrays]) -> Result<(), NpzError> {
    write_whole(path, |file| archive(file, outputs))
}

/// Writes the arrays of each output as an archive to wherever bytes go, such as a pipe.
///
/// # Errors
/// When it takes no more.
pub fn write_outputs_to(sink: &mut impl Write, outputs: &[OutputArrays]) -> std::io::Result<()> {
    // An archive's parts are written in another order than they lie in.
    let mut file = tempfile::tempfile()?;
    archive(&file, outputs).map_err(std::io::Error::other)?;
    file.rewind()?;
    std::io::copy(&mut file, sink)?;
    sink.flush()
}

/// Writes a file that appears under its name when `write` has written all of it; one that is there is replaced.
///
/// # Errors
/// When it cannot be written, or `path` is no file but a folder, a device or a pipe.
pub fn write_whole(
    path: &Path,
    write: impl FnOnce(&File) -> Result<(), String>,
) -> Result<(), NpzError> {
    let failed = |reason: String| NpzError::Write {
        path: path.into(),
        reason,
    };
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        return Err(failed("it is there and no file".to_owned()));
    }
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    // As any file that a program creates; a temporary file is its owner's only.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let file = builder
        .tempfile_in(parent)
        .map_err(|e| failed(e.to_string()))?;
    let _passing = Passing::new(file.path());
    write(file.as_file()).map_err(failed)?;
    file.persist(path).map_err(|e| failed(e.to_string()))?;
    Ok(())
}

/// As `numpy.savez` does it, uncompressed: what a scan writes is read soon, and compressing it takes as long as computing it.
fn archive(file: &File, outputs: &[OutputArrays]) -> Result<(), String> {
    let mut writer = ZipWriter::new(BufWriter::new(file));
    for output in outputs {
        let shape = output.shape();
        add(&mut writer, &output.name, &shape, &output.values)?;
        if let Some(quantised) = &output.quantised {
            let name = |what: &str| format!("{}.{what}", output.name);
            add(&mut writer, &name("raw"), &shape, &quantised.raws)?;
            let scale = &quantised.scale;
            add(&mut writer, &name("scale"), &output.scale_shape(), scale)?;
            let zero_point = [quantised.zero_point];
            add(&mut writer, &name("zero_point"), &[], &zero_point)?;
        }
    }
    let mut inner = writer.finish().map_err(|e| e.to_string())?;
    inner.flush().map_err(|e| e.to_string())
}

fn add<T: WritableElement>(
    writer: &mut ZipWriter<BufWriter<&File>>,
    name: &str,
    shape: &[usize],
    values: &[T],
) -> Result<(), String> {
    /// More than a header has.
    const HEADER: usize = 1 << 16;
    let array = ArrayViewD::from_shape(IxDyn(shape), values).map_err(|e| e.to_string())?;
    let is_large = u32::try_from(size_of_val(values) + HEADER).is_err();
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .large_file(is_large);
    let started = writer.start_file(format!("{name}.npy"), options);
    started.map_err(|e| e.to_string())?;
    array.write_npy(writer).map_err(|e| e.to_string())
}
