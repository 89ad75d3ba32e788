//! Division by a constant that is no power of two, without a branch on the data: a mean.

use crate::number::Narrow;
use crate::order::sign;

/// How a quotient is rounded; the names are those of `ap_fixed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// Towards −∞.
    Trn,
    /// Towards zero.
    TrnZero,
    /// To the nearest, halves towards +∞.
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

/// A divisor and its reciprocal: `const { Divisor::new(100) }` leaves no division to a target.
#[derive(Clone, Copy, Debug)]
pub struct Divisor {
    value: u16,
    /// 2^48 / value, rounded up.
    reciprocal: u64,
}

impl Divisor {
    /// From 1 to 65,535.
    ///
    /// # Panics
    /// On zero.
    pub const fn new(value: u16) -> Self {
        Self {
            value,
            reciprocal: (1u64 << 48).div_ceil(value as u64),
        }
    }
}

/// Quotient and remainder by limbs of 16 bits, each a product with 2^48 / divisor, rounded up: exact for
/// divisors below 2^16, since the error of a limb's quotient stays below 1 / divisor.
#[inline(always)]
fn quotient(magnitude: u64, divisor: Divisor) -> (u64, u32) {
    let (mut quotient, mut rest) = (0, 0);
    for limb in [48, 32, 16, 0] {
        let part = rest << 16 | (magnitude >> limb & 0xffff);
        let own = (part * divisor.reciprocal) >> 48;
        rest = part - own * u64::from(divisor.value);
        quotient = quotient << 16 | own;
    }
    (quotient, rest as u32)
}

/// 1 where a < b, both below 2^31, else 0.
#[inline(always)]
fn less(a: u32, b: u32) -> u64 {
    u64::from(a.wrapping_sub(b) >> 31)
}

/// x / divisor, rounded; the magnitude of x has 63 bits at most.
#[inline(always)]
fn divided(x: i64, divisor: Divisor, rounding: Rounding) -> i64 {
    let negative = i64::from(sign((x >> 32) as i32));
    let below = (negative & 1) as u64;
    let (quotient, rest) = quotient(((x ^ negative) - negative) as u64, divisor);
    let (twice, whole) = (2 * rest, u32::from(divisor.value));
    let over = less(whole, twice);
    let half = 1 - less(twice, whole) - over;
    let rest = Rest {
        some: less(0, rest),
        half,
        over,
    };
    let up = rest.up(rounding, below, quotient);
    (((quotient + up) as i64) ^ negative) - negative
}

/// What a division of magnitudes leaves, as truth values of 0 and 1.
pub(crate) struct Rest {
    /// Anything.
    pub some: u64,
    /// Half of the divisor.
    pub half: u64,
    /// More than that.
    pub over: u64,
}

impl Rest {
    /// By how much rounding makes the magnitude of the quotient grow; `below` is 1 where it is negative.
    #[inline(always)]
    pub fn up(&self, rounding: Rounding, below: u64, quotient: u64) -> u64 {
        let Self { some, half, over } = self;
        match rounding {
            Rounding::Trn => some & below,
            Rounding::TrnZero => 0,
            Rounding::Rnd => over + (half & (1 - below)),
            Rounding::RndConv => over + (half & quotient & 1),
            Rounding::RndZero => *over,
            Rounding::RndInf => over + half,
            Rounding::RndMinInf => over + (half & below),
        }
    }
}

/// y = round(x / divisor).
#[inline(always)]
pub fn divide<X, Y>(x: &[X], divisor: Divisor, rounding: Rounding, y: &mut [Y])
where
    X: Copy + Into<i64>,
    Y: Narrow<i64>,
{
    for (x, y) in x.iter().zip(y) {
        *y = Y::narrow(divided((*x).into(), divisor, rounding));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotients_are_exact_at_the_ends_of_their_range() {
        let largest = i64::MAX as u64 - (1 << 16);
        for value in [1, 2, 3, 7, 100, 255, 256, 257, 32_767, 65_535] {
            let (own, divisor) = (u64::from(value), Divisor::new(value));
            for magnitude in [0, 1, own - 1, own, own + 1, 1 << 31, 1 << 48, largest] {
                let expected = (magnitude / own, (magnitude % own) as u32);
                assert_eq!(
                    quotient(magnitude, divisor),
                    expected,
                    "{magnitude} / {value}"
                );
            }
        }
    }

    /// Against the definition, which compares the remainder with what is missing.
    #[test]
    fn every_rounding_of_a_quotient() {
        let by_definition = |x: i64, d: i64, rounding: Rounding| {
            let (floor, rest) = (x.div_euclid(d), x.rem_euclid(d));
            let missing = d - rest;
            let up = match rounding {
                _ if rest == 0 => false,
                Rounding::Trn => false,
                Rounding::TrnZero => x < 0,
                Rounding::Rnd => rest >= missing,
                Rounding::RndConv => rest > missing || rest == missing && floor % 2 != 0,
                Rounding::RndZero => rest > missing || rest == missing && x < 0,
                Rounding::RndInf => rest > missing || rest == missing && x > 0,
                Rounding::RndMinInf => rest > missing,
            };
            floor + i64::from(up)
        };
        for rounding in [
            Rounding::Trn,
            Rounding::TrnZero,
            Rounding::Rnd,
            Rounding::RndConv,
            Rounding::RndZero,
            Rounding::RndInf,
            Rounding::RndMinInf,
        ] {
            for divisor in [1, 3, 6, 100] {
                for x in -650..=650 {
                    let expected = by_definition(x, divisor, rounding);
                    let got = divided(x, Divisor::new(divisor as u16), rounding);
                    assert_eq!(got, expected, "{x} / {divisor} {rounding:?}");
                }
            }
        }
    }
}
