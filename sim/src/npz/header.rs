//! A look at an array's header, before anything is allocated for it.

use std::io::{self, Read};

use super::Values;

/// A header has its shape and type in it: far less than this.
const LONGEST: u64 = 1 << 20;

/// Reads an array up to the end of its header.
pub(super) fn read(npy: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    npy.take(8).read_to_end(&mut head)?;
    let length_bytes = if head.get(6) == Some(&1) { 2 } else { 4 };
    npy.take(length_bytes).read_to_end(&mut head)?;
    let length = head.get(8..).unwrap_or_default().iter().rev();
    let length = length.fold(0, |length, byte| length << 8 | u64::from(*byte));
    npy.take(length.min(LONGEST)).read_to_end(&mut head)?;
    Ok(head)
}

/// Checks that an array of `bytes` can hold the elements of the shape in its header, which `npy` begins with.
///
/// The reader allocates that many elements before it reads one: a damaged header must not ask for
/// terabytes.
pub(super) fn check_length(npy: &[u8], bytes: u64) -> Result<(), String> {
    let elements = shape(npy)
        .ok_or("its header is damaged")?
        .iter()
        .try_fold(1usize, |product, &extent| product.checked_mul(extent));
    match elements {
        // An element has a byte at least.
        Some(elements) if elements as u64 <= bytes => Ok(()),
        _ => Err(format!(
            "its header promises more elements than its {bytes} bytes can hold"
        )),
    }
}

/// Bytes of memory that the elements of a header's array take once they are read; none where their type is not read.
pub(super) fn held_bytes(npy: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(npy);
    let element = match text
        .split_once("'descr':")
        .map(|(_, rest)| rest.trim_start())
    {
        Some(rest) if matches!(rest.get(2..4), Some("f2" | "f4")) => 4,
        Some(rest) if READ.iter().any(|kind| rest.get(2..4) == Some(kind)) => 8,
        _ => return 0,
    };
    let extents = shape(npy).unwrap_or_default();
    let elements = extents.iter().map(|&extent| extent as u64);
    elements.fold(element, u64::saturating_mul)
}

/// Types that become integers or doubles, without their order of bytes.
const READ: [&str; 10] = ["f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"];

/// The header of an array of half floats as that of integers of 16 bits, which hold their bits.
pub(super) fn as_bits(npy: &[u8]) -> Vec<u8> {
    let mut npy = npy.to_vec();
    let half = npy
        .windows(4)
        .position(|text| text == b"f2'," || text == b"f2\",");
    if let Some(place) = half {
        npy[place] = b'u';
    }
    npy
}

/// How the elements of an array lie in its file.
#[derive(Debug)]
pub(super) struct Layout {
    /// NumPy's description of an element, such as `<f4`.
    dtype: String,
    /// Bytes of an element.
    width: u64,
    /// Extents, one at least.
    pub shape: Vec<usize>,
}

impl Layout {
    /// Bytes of so many events.
    pub fn bytes(&self, events: usize) -> Option<u64> {
        let extents = self.shape[1..].iter().map(|&extent| extent as u64);
        let elements = extents
            .chain([self.width])
            .try_fold(events as u64, u64::checked_mul);
        elements.filter(|bytes| i64::try_from(*bytes).is_ok())
    }

    /// NumPy's description of an element.
    pub fn dtype(&self) -> &str {
        &self.dtype
    }

    /// The shape of so many events.
    pub fn extents(&self, events: usize) -> Vec<usize> {
        [&[events], &self.shape[1..]].concat()
    }

    /// Elements that are floats in the usual order of bytes.
    pub fn floats(&self, bytes: &[u8]) -> Option<Values> {
        match self.dtype.as_str() {
            "<f4" => {
                let values = bytes.as_chunks().0.iter();
                Some(Values::Single(
                    values.map(|b| f32::from_le_bytes(*b)).collect(),
                ))
            }
            "<f8" => {
                let values = bytes.as_chunks().0.iter();
                Some(Values::Float(
                    values.map(|b| f64::from_le_bytes(*b)).collect(),
                ))
            }
            _ => None,
        }
    }

    /// The header of an array of so many events.
    pub fn head(&self, events: usize) -> Vec<u8> {
        let mut extents = format!("{events},");
        for extent in &self.shape[1..] {
            extents += &format!(" {extent},");
        }
        let text = format!(
            "{{'descr': '{}', 'fortran_order': False, 'shape': ({extents}), }}\n",
            self.dtype
        );
        let length = (text.len() as u32).to_le_bytes();
        [&b"\x93NUMPY\x02\x00"[..], &length, text.as_bytes()].concat()
    }
}

/// The layout of the array that `npy` begins with; nothing where its events do not lie one after the other, or its elements
/// are of no type that is read.
pub(super) fn layout(npy: &[u8]) -> Option<Layout> {
    let shape = shape(npy).filter(|shape| !shape.is_empty())?;
    let text = String::from_utf8_lossy(npy);
    let after = |key: &str| {
        let (_, rest) = text.split_once(&format!("'{key}':"))?;
        Some(rest.trim_start().to_owned())
    };
    let descr = after("descr")?;
    let dtype = descr.strip_prefix('\'')?.split_once('\'')?.0.to_owned();
    let kind = dtype
        .get(1..)
        .filter(|kind| READ.contains(kind) || ["f2", "f4"].contains(kind))?;
    let width = kind[1..].parse().ok()?;
    after("fortran_order")?
        .starts_with("False")
        .then_some(Layout {
            dtype,
            width,
            shape,
        })
}

/// The extents in a header: `{'descr': '<f4', 'fortran_order': False, 'shape': (2000, 32, 3), }`.
fn shape(npy: &[u8]) -> Option<Vec<usize>> {
    let rest = npy.strip_prefix(b"\x93NUMPY")?;
    let (start, length) = match rest.first()? {
        1 => (4, u16::from_le_bytes([*rest.get(2)?, *rest.get(3)?]).into()),
        _ => {
            let length = rest.get(2..6)?.try_into().ok()?;
            (6, usize::try_from(u32::from_le_bytes(length)).ok()?)
        }
    };
    let header = std::str::from_utf8(rest.get(start..)?.get(..length)?).ok()?;
    let (_, after) = header
        .split_once("'shape':")
        .or_else(|| header.split_once("\"shape\":"))?;
    let (extents, _) = after.trim_start().strip_prefix('(')?.split_once(')')?;
    extents
        .split(',')
        .map(str::trim)
        .filter(|extent| !extent.is_empty())
        .map(|extent| extent.trim_end_matches('L').parse().ok())
        .collect()
}
