//! The integers in which kernels compute and values are stored.

use hodoscope_program::{IntType, Rounding};

/// The integer in which a kernel computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Accumulator {
    /// 32 bits.
    I32,
    /// 64 bits.
    I64,
}

impl Accumulator {
    /// The Rust type.
    pub fn name(self) -> &'static str {
        match self {
            Self::I32 => "i32",
            Self::I64 => "i64",
        }
    }

    /// The narrowest that every one of `elements`, as it is stored, converts to.
    pub(super) fn for_all(elements: impl IntoIterator<Item = IntType>) -> Self {
        let of = |element: IntType| match element.storage().width {
            64 => Self::I64,
            _ => Self::I32,
        };
        elements.into_iter().map(of).max().unwrap_or(Self::I32)
    }

    /// `raw`, or the end of this type that it lies behind: for a limit, the same.
    pub(super) fn limit(self, raw: i64) -> i64 {
        match self {
            Self::I32 => raw.clamp(i32::MIN.into(), i32::MAX.into()),
            Self::I64 => raw,
        }
    }
}

/// Bits in which a crate stores a type: 8, 16, 32 or 64.
pub fn storage_bits(element: IntType) -> u8 {
    element.storage().width
}

/// The accumulator that holds `bound` with the rounding term of any of the shifts. A shift of 31
/// bits has no rounding term of 32 bits.
pub(super) fn holding(bound: i128, shifts: &[u8], rounding: Rounding) -> Accumulator {
    let shift = shifts.iter().copied().max().unwrap_or(0);
    // Halves to even adds one more, and TRN_ZERO all low bits, though to negative numbers only.
    let half = match rounding {
        Rounding::Rnd => (1i128 << shift) >> 1,
        _ => 1i128 << shift,
    };
    if shift <= 30 && bound + half <= i128::from(i32::MAX) {
        Accumulator::I32
    } else {
        Accumulator::I64
    }
}
