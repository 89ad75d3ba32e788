//! Reading constants.

use super::{
    ImportError,
    proto::{TensorProto, data_type},
    value::{Ints, MAX_INTS},
};
use crate::graph::{Kind, Tensor, element_count};
use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Component, Path},
};

/// A constant of the file.
#[derive(Clone, Debug)]
pub(super) enum Constant {
    Float(Tensor),
    Ints(Kind, Ints),
}

/// Reads a constant, which messages call `name`; `folder` is where its external data may be.
pub(super) fn decode(
    name: &str,
    proto: &TensorProto,
    folder: Option<&Path>,
) -> Result<Constant, ImportError> {
    let fail = |detail: String| ImportError::Tensor {
        tensor: name.to_owned(),
        detail,
    };
    let shape = proto
        .dims
        .iter()
        .map(|&d| usize::try_from(d).map_err(|_| fail(format!("has a negative extent {d}"))))
        .collect::<Result<Vec<usize>, _>>()?;
    let count = element_count(&shape).ok_or_else(|| {
        fail(format!(
            "shape {shape:?} has more elements than are supported"
        ))
    })?;
    let external;
    let raw = if proto.data_location == 1 {
        external = read_external(name, proto, folder, count)?;
        &external
    } else {
        &proto.raw_data
    };
    let elements = Elements {
        name,
        proto,
        raw,
        count,
    };
    let is_float = matches!(
        proto.data_type,
        data_type::FLOAT | data_type::DOUBLE | data_type::FLOAT16 | data_type::BFLOAT16
    );
    if is_float {
        let data = elements.floats()?;
        check_finite(name, &data)?;
        return Ok(Constant::Float(Tensor { shape, data }));
    }
    if count > MAX_INTS {
        return Err(fail(format!(
            "has {count} integers, more than the {MAX_INTS} that are supported"
        )));
    }
    let data = elements.ints()?;
    let kind = if proto.data_type == data_type::BOOL {
        Kind::Bool
    } else {
        Kind::Int
    };
    Ok(Constant::Ints(kind, Ints { shape, data }))
}

/// Refuses NaN, and infinities unless the tensor has one element: ±∞ is a fill value before a maximum, or a bound.
fn check_finite(name: &str, data: &[f32]) -> Result<(), ImportError> {
    let bad = |v: &f32| v.is_nan() || (v.is_infinite() && data.len() > 1);
    match data.iter().position(bad) {
        Some(index) => Err(ImportError::NonFinite {
            tensor: name.to_owned(),
            index,
            value: data[index],
        }),
        None => Ok(()),
    }
}

struct Elements<'a> {
    name: &'a str,
    proto: &'a TensorProto,
    raw: &'a [u8],
    count: usize,
}

impl Elements<'_> {
    fn fail(&self, detail: String) -> ImportError {
        ImportError::Tensor {
            tensor: self.name.to_owned(),
            detail,
        }
    }

    /// Elements of `N` bytes each.
    fn raw<const N: usize, T>(&self, read: impl Fn([u8; N]) -> T) -> Result<Vec<T>, ImportError> {
        let (chunks, rest) = self.raw.as_chunks::<N>();
        if chunks.len() != self.count || !rest.is_empty() {
            return Err(self.fail(format!(
                "holds {} bytes where shape {:?} needs {} elements of {N} bytes",
                self.raw.len(),
                self.proto.dims,
                self.count
            )));
        }
        Ok(chunks.iter().map(|&c| read(c)).collect())
    }

    /// Elements from a typed field.
    fn typed<S: Copy, T>(&self, field: &[S], read: impl Fn(S) -> T) -> Result<Vec<T>, ImportError> {
        if field.len() != self.count {
            return Err(self.fail(format!(
                "holds {} elements where shape {:?} needs {}",
                field.len(),
                self.proto.dims,
                self.count
            )));
        }
        Ok(field.iter().map(|&v| read(v)).collect())
    }

    fn is_raw(&self) -> bool {
        self.proto.data_location == 1 || !self.proto.raw_data.is_empty()
    }

    fn floats(&self) -> Result<Vec<f32>, ImportError> {
        let p = self.proto;
        match (p.data_type, self.is_raw()) {
            (data_type::FLOAT, true) => self.raw(f32::from_le_bytes),
            (data_type::FLOAT, false) => self.typed(&p.float_data, |v| v),
            (data_type::DOUBLE, true) => self.raw(|b| f64::from_le_bytes(b) as f32),
            (data_type::DOUBLE, false) => self.typed(&p.double_data, |v| v as f32),
            (data_type::FLOAT16, true) => self.raw(|b| half(u16::from_le_bytes(b))),
            (data_type::FLOAT16, false) => self.typed(&p.int32_data, |v| half(v as u16)),
            (data_type::BFLOAT16, true) => self.raw(|b| brain(u16::from_le_bytes(b))),
            (data_type::BFLOAT16, false) => self.typed(&p.int32_data, |v| brain(v as u16)),
            _ => Err(self.unsupported()),
        }
    }

    fn ints(&self) -> Result<Vec<i64>, ImportError> {
        let p = self.proto;
        let narrow = |v: i32| i64::from(v);
        match (p.data_type, self.is_raw()) {
            (data_type::INT64, true) => self.raw(i64::from_le_bytes),
            (data_type::INT64, false) => self.typed(&p.int64_data, |v| v),
            (data_type::INT32, true) => self.raw(|b| i32::from_le_bytes(b).into()),
            (data_type::INT16, true) => self.raw(|b| i16::from_le_bytes(b).into()),
            (data_type::INT8, true) => self.raw(|[b]| (b as i8).into()),
            (data_type::UINT8, true) => self.raw(|[b]| b.into()),
            (data_type::UINT16, true) => self.raw(|b| u16::from_le_bytes(b).into()),
            (data_type::UINT32, true) => self.raw(|b| u32::from_le_bytes(b).into()),
            (data_type::UINT32, false) => self.typed(&p.uint64_data, |v| i64::from(v as u32)),
            (data_type::BOOL, true) => self.raw(|[b]| i64::from(b != 0)),
            (data_type::BOOL, false) => self.typed(&p.int32_data, |v| i64::from(v != 0)),
            (data_type::UINT4 | data_type::INT4, true) => self.nibbles(self.raw),
            (data_type::UINT4 | data_type::INT4, false) => {
                let bytes: Vec<u8> = p.int32_data.iter().map(|&v| v as u8).collect();
                self.nibbles(&bytes)
            }
            (data_type::UINT64, raw) => {
                let wide = if raw {
                    self.raw(u64::from_le_bytes)?
                } else {
                    self.typed(&p.uint64_data, |v| v)?
                };
                let narrow = wide
                    .into_iter()
                    .map(i64::try_from)
                    .collect::<Result<Vec<_>, _>>();
                narrow.map_err(|_| self.fail("holds a uint64 above the range of int64".to_owned()))
            }
            (
                data_type::INT32
                | data_type::INT16
                | data_type::INT8
                | data_type::UINT8
                | data_type::UINT16,
                false,
            ) => self.typed(&p.int32_data, narrow),
            _ => Err(self.unsupported()),
        }
    }

    /// Two 4-bit integers per byte, the first in its low half.
    fn nibbles(&self, bytes: &[u8]) -> Result<Vec<i64>, ImportError> {
        if bytes.len() != self.count.div_ceil(2) {
            return Err(self.fail(format!(
                "holds {} bytes where shape {:?} needs two elements of 4 bits in each",
                bytes.len(),
                self.proto.dims
            )));
        }
        let signed = self.proto.data_type == data_type::INT4;
        let integer = |i: usize| {
            let nibble = i64::from(bytes[i / 2] >> (i % 2 * 4) & 15);
            nibble - if signed && nibble > 7 { 16 } else { 0 }
        };
        Ok((0..self.count).map(integer).collect())
    }

    fn unsupported(&self) -> ImportError {
        let name = data_type::name(self.proto.data_type);
        self.fail(format!(
            "element type {name} is not supported; export the model in float32"
        ))
    }
}

/// IEEE binary16.
fn half(bits: u16) -> f32 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = ((bits >> 10) & 0x1f, f32::from(bits & 0x3ff));
    match exponent {
        0 => sign * fraction * 2f32.powi(-24),
        0x1f if fraction == 0.0 => sign * f32::INFINITY,
        0x1f => f32::NAN,
        e => sign * (1024.0 + fraction) * 2f32.powi(i32::from(e) - 25),
    }
}

/// The upper half of an `f32`.
fn brain(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// Reads a constant's bytes from the file beside the model that it names.
fn read_external(
    name: &str,
    proto: &TensorProto,
    folder: Option<&Path>,
    count: usize,
) -> Result<Vec<u8>, ImportError> {
    let fail = |detail: String| ImportError::Tensor {
        tensor: name.to_owned(),
        detail,
    };
    let entry = |key: &str| {
        proto
            .external_data
            .iter()
            .find(|e| e.key == key)
            .map(|e| e.value.as_str())
    };
    let number = |key: &str| match entry(key) {
        None => Ok(None),
        Some(v) => v
            .trim()
            .parse::<u64>()
            .map(Some)
            .map_err(|_| fail(format!("external {key} '{v}' is no number"))),
    };
    let location =
        entry("location").ok_or_else(|| fail("external data without a location".to_owned()))?;
    let Some(folder) = folder else {
        return Err(fail(format!(
            "its data are in the file '{location}', which cannot be found from bytes alone"
        )));
    };
    let relative = Path::new(location);
    // A model must not be able to read files outside its own folder.
    if !relative
        .components()
        .all(|c| matches!(c, Component::Normal(_) | Component::CurDir))
    {
        return Err(fail(format!(
            "its data are in '{location}', outside the model's folder: refused"
        )));
    }
    let path = folder.join(relative);
    let io = |source| {
        fail(format!(
            "cannot read its data from {}: {source}; keep that file beside the model",
            path.display()
        ))
    };
    let real = path.canonicalize().map_err(io)?;
    if !real.starts_with(folder.canonicalize().map_err(io)?) {
        return Err(fail(format!(
            "its data are in '{location}', a link out of the model's folder: refused"
        )));
    }
    // To open a pipe would wait for whoever writes into it.
    if !real.is_file() {
        return Err(fail(format!(
            "its data are in '{location}', which is no file but a folder, pipe or device: refused"
        )));
    }
    let mut file = File::open(&real).map_err(io)?;
    let size = file.metadata().map_err(io)?.len();
    let offset = number("offset")?.unwrap_or(0);
    let length = number("length")?.unwrap_or(size.saturating_sub(offset));
    // Sixteen bytes are more than any element has: the file's own numbers must not decide how much is allocated.
    if offset.checked_add(length).is_none_or(|end| end > size)
        || length > (count as u64).saturating_mul(16)
    {
        return Err(fail(format!(
            "bytes {offset}+{length} of '{location}', which has {size}, do not hold {count} elements"
        )));
    }
    file.seek(SeekFrom::Start(offset)).map_err(io)?;
    let mut data = vec![0; usize::try_from(length).map_err(|_| fail("is too large".to_owned()))?];
    file.read_exact(&mut data).map_err(io)?;
    Ok(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_read_exactly() {
        let cases = [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x0001, 2f32.powi(-24)),
            (0x7bff, 65504.0),
            (0x3555, 0.333_251_95),
        ];
        for (bits, value) in cases {
            assert_eq!(half(bits), value);
        }
        assert_eq!(half(0xfc00), f32::NEG_INFINITY);
        assert!(half(0x7e00).is_nan());
        assert_eq!(brain(0x3f80), 1.0);
    }
}
