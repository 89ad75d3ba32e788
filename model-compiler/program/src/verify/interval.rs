//! Intervals of raws, and how each operation maps them.

use std::fmt;

use crate::{Field, IntType, Overflow};

/// All raws that a channel of a value can take lie in `minimum..=maximum`.
///
/// Bounds saturate: what exceeds 128 bits exceeds every type too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Smallest raw.
    pub minimum: i128,
    /// Largest raw.
    pub maximum: i128,
}

impl Interval {
    /// The interval between two bounds, in either order.
    pub fn between(a: i128, b: i128) -> Self {
        Self {
            minimum: a.min(b),
            maximum: a.max(b),
        }
    }

    /// A single raw.
    pub fn point(raw: i128) -> Self {
        Self::between(raw, raw)
    }

    /// Every raw of a type.
    pub fn of_type(ty: IntType) -> Self {
        Self::between(ty.minimum().into(), ty.maximum().into())
    }

    /// Every word of a field.
    pub fn of_field(field: &Field) -> Self {
        Self::between(field.minimum.into(), field.maximum.into())
    }

    /// Whether every raw is of the type.
    pub fn fits(self, ty: IntType) -> bool {
        self.minimum >= ty.minimum().into() && self.maximum <= ty.maximum().into()
    }

    /// The largest absolute raw.
    pub fn magnitude(self) -> i128 {
        self.minimum
            .saturating_abs()
            .max(self.maximum.saturating_abs())
    }

    /// Bits of the narrowest signed type that holds the interval.
    pub fn signed_bits(self) -> u32 {
        let bits = |x: i128| 129 - if x < 0 { !x } else { x }.leading_zeros();
        bits(self.minimum).max(bits(self.maximum))
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            minimum: self.minimum.saturating_add(other.minimum),
            maximum: self.maximum.saturating_add(other.maximum),
        }
    }

    pub(super) fn minus(self, other: Self) -> Self {
        Self {
            minimum: self.minimum.saturating_sub(other.maximum),
            maximum: self.maximum.saturating_sub(other.minimum),
        }
    }

    pub(super) fn times(self, other: Self) -> Self {
        let ends = [
            self.minimum.saturating_mul(other.minimum),
            self.minimum.saturating_mul(other.maximum),
            self.maximum.saturating_mul(other.minimum),
            self.maximum.saturating_mul(other.maximum),
        ];
        ends.into_iter()
            .map(Self::point)
            .reduce(Self::hull)
            .unwrap_or(self)
    }

    /// Times a number.
    pub(super) fn scaled(self, factor: i128) -> Self {
        Self::between(
            self.minimum.saturating_mul(factor),
            self.maximum.saturating_mul(factor),
        )
    }

    pub(super) fn squared(self) -> Self {
        let square = |end: i128| end.saturating_mul(end);
        let ends = Self::between(square(self.minimum), square(self.maximum));
        if self.minimum <= 0 && self.maximum >= 0 {
            Self::between(0, ends.maximum)
        } else {
            ends
        }
    }

    /// The smallest interval that holds both.
    pub fn hull(self, other: Self) -> Self {
        Self {
            minimum: self.minimum.min(other.minimum),
            maximum: self.maximum.max(other.maximum),
        }
    }

    pub(super) fn clamp(self, minimum: i128, maximum: i128) -> Self {
        Self {
            minimum: self.minimum.clamp(minimum, maximum),
            maximum: self.maximum.clamp(minimum, maximum),
        }
    }

    /// Between zero and `count` terms of this interval.
    pub(super) fn summed(self, count: usize) -> Self {
        let count = count as i128;
        Self {
            minimum: self.minimum.saturating_mul(count).min(0),
            maximum: self.maximum.saturating_mul(count).max(0),
        }
    }

    /// x / 2^shift under any rounding: one count wider than the exact quotients at most.
    pub(super) fn shifted(self, shift: u8) -> Self {
        let ceil = |x: i128| -((-x) >> shift);
        Self {
            minimum: self.minimum >> shift,
            maximum: ceil(self.maximum),
        }
    }

    /// x / divisor under any rounding: one count wider than the exact quotients at most.
    pub(super) fn divided(self, divisor: i128) -> Self {
        Self {
            minimum: self.minimum.div_euclid(divisor),
            maximum: -((-self.maximum).div_euclid(divisor)),
        }
    }

    /// x / divisor under any rounding; without bounds where the divisor can be 0.
    pub(super) fn over(self, divisor: Self) -> Self {
        if divisor.minimum <= 0 && divisor.maximum >= 0 {
            let positive = self.minimum >= 0 && divisor.minimum >= 0;
            return Self {
                minimum: if positive { 0 } else { i128::MIN },
                maximum: i128::MAX,
            };
        }
        let ends = [
            (self.minimum, divisor.minimum),
            (self.minimum, divisor.maximum),
            (self.maximum, divisor.minimum),
            (self.maximum, divisor.maximum),
        ];
        let floor = |(x, d): (i128, i128)| {
            if d < 0 {
                (-x).div_euclid(-d)
            } else {
                x.div_euclid(d)
            }
        };
        let ceil = |(x, d): (i128, i128)| -floor((-x, d));
        let minimum = ends.iter().copied().map(floor).min().unwrap_or(i128::MIN);
        let maximum = ends.iter().copied().map(ceil).max().unwrap_or(i128::MAX);
        Self { minimum, maximum }
    }

    /// The floors of the roots of what is not negative.
    pub(super) fn root(self) -> Self {
        Self::between(self.minimum.max(0).isqrt(), self.maximum.max(0).isqrt())
    }

    /// Numbers of binary digits; 0 for what is not positive.
    pub(super) fn digits(self) -> Self {
        let digits = |x: i128| i128::from(128 - x.max(0).leading_zeros());
        Self::between(digits(self.minimum), digits(self.maximum))
    }

    /// What `overflow` into `ty` leaves.
    pub(super) fn overflowed(self, ty: IntType, overflow: Overflow) -> Self {
        let (low, high) = (i128::from(ty.minimum()), i128::from(ty.maximum()));
        match overflow {
            Overflow::Sat => self.clamp(low, high),
            // Without the smallest raw of a signed type.
            Overflow::SatSym => self.clamp(low.max(-high), high),
            _ if self.fits(ty) => self,
            Overflow::SatZero => self.clamp(low, high).hull(Self::point(0)),
            Overflow::Wrap => Self::of_type(ty),
        }
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..={}", self.minimum, self.maximum)
    }
}
