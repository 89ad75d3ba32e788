//! Exact binary fractions: mantissa · 2^exponent. Every float is one; sums and products stay exact.

use std::cmp::Ordering;

/// mantissa · 2^exponent, the mantissa odd, or zero with the exponent 0: equal numbers are equal values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Dyadic {
    mantissa: i128,
    exponent: i32,
}

/// Exponents stay far inside of i32, so that sums of them do.
const EXPONENT: std::ops::RangeInclusive<i32> = -2000..=2000;

impl Dyadic {
    pub const ZERO: Self = Self {
        mantissa: 0,
        exponent: 0,
    };
    pub const ONE: Self = Self {
        mantissa: 1,
        exponent: 0,
    };

    /// mantissa · 2^exponent; none where the exponent is out of all proportion.
    pub fn new(mantissa: i128, exponent: i32) -> Option<Self> {
        if mantissa == 0 {
            return Some(Self::ZERO);
        }
        let zeros = mantissa.trailing_zeros();
        let exponent = exponent + zeros as i32;
        EXPONENT.contains(&exponent).then_some(Self {
            mantissa: mantissa >> zeros,
            exponent,
        })
    }

    pub fn integer(value: i64) -> Self {
        Self::new(value.into(), 0).unwrap_or(Self::ZERO)
    }

    /// 2^exponent.
    pub fn power(exponent: i32) -> Option<Self> {
        Self::new(1, exponent)
    }

    /// The value of a finite float.
    pub fn of(value: f64) -> Option<Self> {
        let bits = value.to_bits();
        let (biased, fraction) = ((bits >> 52) & 0x7ff, bits & ((1 << 52) - 1));
        let (mantissa, exponent) = match biased {
            0x7ff => return None,
            0 => (fraction, -1074),
            _ => (fraction | 1 << 52, biased as i32 - 1075),
        };
        let mantissa = i128::from(mantissa);
        let signed = if bits >> 63 == 1 { -mantissa } else { mantissa };
        Self::new(signed, exponent)
    }

    /// The nearest double.
    pub fn to_f64(self) -> f64 {
        libm::scalbn(self.mantissa as f64, self.exponent)
    }

    pub fn mantissa(self) -> i128 {
        self.mantissa
    }

    pub fn exponent(self) -> i32 {
        self.exponent
    }

    pub fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    pub fn is_power_of_two(self) -> bool {
        self.mantissa == 1
    }

    pub fn is_negative(self) -> bool {
        self.mantissa < 0
    }

    pub fn times(self, other: Self) -> Option<Self> {
        let mantissa = self.mantissa.checked_mul(other.mantissa)?;
        Self::new(mantissa, self.exponent + other.exponent)
    }

    pub fn plus(self, other: Self) -> Option<Self> {
        let exponent = match (self.is_zero(), other.is_zero()) {
            (true, _) => return Some(other),
            (_, true) => return Some(self),
            _ => self.exponent.min(other.exponent),
        };
        let sum = self
            .counts(exponent)?
            .checked_add(other.counts(exponent)?)?;
        Self::new(sum, exponent)
    }

    pub fn negated(self) -> Self {
        Self {
            mantissa: -self.mantissa,
            ..self
        }
    }

    pub fn minus(self, other: Self) -> Option<Self> {
        self.plus(other.negated())
    }

    /// The number in units of 2^exponent, which must be as fine as it.
    pub fn counts(self, exponent: i32) -> Option<i128> {
        let shift = u32::try_from(self.exponent - exponent).ok();
        match shift {
            _ if self.is_zero() => Some(0),
            Some(shift) if shift < 126 => {
                let counts = self.mantissa.checked_mul(1i128 << shift)?;
                Some(counts)
            }
            _ => None,
        }
    }

    /// self / other as an exact binary fraction, where it is one.
    pub fn over(self, other: Self) -> Option<Self> {
        if other.is_zero() || self.mantissa % other.mantissa != 0 {
            return None;
        }
        let quotient = self.mantissa / other.mantissa;
        Self::new(quotient, self.exponent - other.exponent)
    }

    /// self / other, where it is an integer.
    pub fn integer_over(self, other: Self) -> Option<i128> {
        self.over(other)?.counts(0)
    }

    /// ⌊self / other⌋ for a positive other.
    pub fn floor_over(self, other: Self) -> Option<i128> {
        if self.is_zero() {
            return Some(0);
        }
        let exponent = self.exponent.min(other.exponent);
        let (a, b) = (self.counts(exponent)?, other.counts(exponent)?);
        Some(a.div_euclid(b))
    }

    /// The integer nearest to self / other for a positive other.
    pub fn nearest_over(self, other: Self) -> Option<i128> {
        let twice = Self::new(2, 0)?;
        let doubled = self.times(twice)?.plus(other)?;
        doubled.floor_over(other.times(twice)?)
    }
}

impl PartialOrd for Dyadic {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.minus(*other)?.mantissa.cmp(&0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_exact_and_equal_numbers_are_one_value() {
        for value in [
            0.0,
            -0.0,
            1.0,
            -1.5,
            0.1,
            1e-40,
            f64::MIN_POSITIVE / 8.0,
            3e38,
        ] {
            assert_eq!(Dyadic::of(value).unwrap().to_f64(), value);
        }
        assert_eq!(Dyadic::new(4, -2), Some(Dyadic::ONE));
        assert_eq!(Dyadic::of(f64::NAN), None);
    }

    #[test]
    fn quotients_are_exact_or_absent() {
        let n = |v: f64| Dyadic::of(v).unwrap();
        assert_eq!(n(0.75).over(n(3.0)), Some(n(0.25)));
        assert_eq!(n(1.0).over(n(3.0)), None);
        assert_eq!(n(-0.5).floor_over(n(0.375)), Some(-2));
        assert_eq!(n(-0.5).nearest_over(n(0.375)), Some(-1));
        assert_eq!(n(0.75).integer_over(n(0.25)), Some(3));
        assert_eq!(n(0.75).integer_over(n(0.5)), None);
    }
}
