//! Types of values: shape, integer type, scale, rounding and overflow.

use std::fmt;

use crate::SetId;

/// A two's complement or unsigned integer type of up to 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IntType {
    /// Whether it has a sign bit.
    pub signed: bool,
    /// Width in bits, 1 to 64 (an unsigned type has at most 63, so that every raw fits an `i64`).
    pub width: u8,
}

impl IntType {
    /// A signed type of `width` bits.
    pub const fn signed(width: u8) -> Self {
        Self {
            signed: true,
            width,
        }
    }

    /// An unsigned type of `width` bits.
    pub const fn unsigned(width: u8) -> Self {
        Self {
            signed: false,
            width,
        }
    }

    /// Whether the width is one that a program may use.
    pub const fn is_valid(self) -> bool {
        self.width >= 1 && self.width <= if self.signed { 64 } else { 63 }
    }

    /// Smallest raw.
    pub const fn minimum(self) -> i64 {
        if self.signed {
            -1 << (self.width - 1)
        } else {
            0
        }
    }

    /// Largest raw.
    pub const fn maximum(self) -> i64 {
        if self.signed {
            !(-1 << (self.width - 1))
        } else {
            !(-1 << self.width)
        }
    }

    /// Whether `raw` is of this type.
    pub const fn contains(self, raw: i64) -> bool {
        self.minimum() <= raw && raw <= self.maximum()
    }

    /// The narrowest of `i8`, `i16`, `i32` and `i64` that holds every raw of this type: what a
    /// crate stores.
    pub const fn storage(self) -> Self {
        let bits = self.width + !self.signed as u8;
        Self::signed(match bits {
            0..=8 => 8,
            9..=16 => 16,
            17..=32 => 32,
            _ => 64,
        })
    }
}

impl fmt::Display for IntType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.signed { 'i' } else { 'u' }, self.width)
    }
}

/// One extent of a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dim {
    /// A constant extent.
    Fixed(usize),
    /// The number of live constituents of a set.
    Multiplicity(SetId),
}

/// Extents of a value, outermost first; the last axis holds the channels.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Shape(pub Vec<Dim>);

impl Shape {
    /// A row of `channels` values per event.
    pub fn row(channels: usize) -> Self {
        Self(vec![Dim::Fixed(channels)])
    }

    /// A row of `channels` values per constituent of `set`.
    pub fn per_constituent(set: SetId, channels: usize) -> Self {
        Self(vec![Dim::Multiplicity(set), Dim::Fixed(channels)])
    }

    /// The set whose multiplicity is the first extent.
    pub fn set(&self) -> Option<SetId> {
        match self.0.first() {
            Some(Dim::Multiplicity(set)) => Some(*set),
            _ => None,
        }
    }

    /// Extent of the last axis; 1 for a scalar.
    pub fn channels(&self) -> usize {
        match self.0.last() {
            Some(Dim::Fixed(n)) => *n,
            _ => 1,
        }
    }

    /// Number of rows (all axes but the last) at `multiplicity`.
    pub fn rows(&self, multiplicity: usize) -> usize {
        let outer = self.0.len().saturating_sub(1);
        product(&self.0[..outer], multiplicity)
    }

    /// Number of elements at `multiplicity`.
    pub fn elements(&self, multiplicity: usize) -> usize {
        product(&self.0, multiplicity)
    }
}

fn product(dims: &[Dim], multiplicity: usize) -> usize {
    dims.iter()
        .map(|dim| match dim {
            Dim::Fixed(n) => *n,
            Dim::Multiplicity(_) => multiplicity,
        })
        .product()
}

/// A double that is compared, hashed and printed exactly.
///
/// Scales are metadata of the host: no operation computes with them.
#[derive(Clone, Copy)]
pub struct ExactF64(pub f64);

impl PartialEq for ExactF64 {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for ExactF64 {}

impl fmt::Debug for ExactF64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The shortest decimal that reads back as the same double.
        write!(f, "{:?}", self.0)
    }
}

/// What a raw means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scale {
    /// value = raw · 2^−frac, for every channel.
    Pow2(i32),
    /// value = raw · 2^−frac\[channel\].
    Pow2PerChannel(Vec<i32>),
    /// value = raw · lsb, one for all channels or one each.
    Lsb(Vec<ExactF64>),
}

impl Scale {
    /// Value of one count in `channel`.
    pub fn lsb(&self, channel: usize) -> f64 {
        match self {
            Self::Pow2(frac) => pow2(-frac),
            Self::Pow2PerChannel(fracs) => pow2(-fracs[channel]),
            Self::Lsb(lsbs) if lsbs.len() == 1 => lsbs[0].0,
            Self::Lsb(lsbs) => lsbs[channel].0,
        }
    }
}

/// 2^`exponent`, exactly; `exponent` within the range of a double.
fn pow2(exponent: i32) -> f64 {
    f64::from_bits(((1023 + i64::from(exponent)) as u64) << 52)
}

/// How a shift to the right rounds, named as in `ap_fixed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rounding {
    /// Towards −∞.
    Trn,
    /// Towards zero.
    TrnZero,
    /// To the nearest, halves towards +∞: what our own quantiser uses.
    Rnd,
    /// To the nearest, halves to even.
    RndConv,
    /// To the nearest, halves towards zero.
    RndZero,
    /// To the nearest, halves away from zero.
    RndInf,
    /// To the nearest, halves towards −∞.
    RndMinInf,
}

/// What becomes of a result that its type does not hold, named as in `ap_fixed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Overflow {
    /// The nearest raw of the type.
    Sat,
    /// As `Sat`, with −maximum as the smallest raw.
    SatSym,
    /// Zero.
    SatZero,
    /// Modulo 2^width.
    Wrap,
}
