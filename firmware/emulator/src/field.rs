//! The rule from a physical value to a detector word, and back.

use crate::soft::{DOUBLE, SINGLE, Soft, Whole};
use crate::table::Field;

/// A word made from a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The word.
    pub word: i32,
    /// Whether the value lay outside of the range and was saturated.
    pub saturated: bool,
}

/// Values of [`Field::rounding`]: ⌊value / lsb + ½⌋ in double precision.
pub const NEAREST: i32 = 0;
/// In single precision, as a quantiser does it, towards −∞.
pub const TRN: i32 = 1;
/// Towards zero.
pub const TRN_ZERO: i32 = 2;
/// Nearest, halves towards +∞.
pub const RND: i32 = 3;
/// Nearest, halves to even.
pub const RND_CONV: i32 = 4;
/// Nearest, halves towards zero.
pub const RND_ZERO: i32 = 5;
/// Nearest, halves away from zero.
pub const RND_INF: i32 = 6;
/// Nearest, halves towards −∞.
pub const RND_MIN_INF: i32 = 7;
/// Towards +∞.
pub const CEIL: i32 = 8;
/// Away from zero.
pub const UP: i32 = 9;

impl Field {
    /// The word of `value`; nothing for NaN, infinities, and values of infinitely many counts.
    #[inline]
    #[must_use]
    pub fn encode(&self, value: f64) -> Option<Encoded> {
        let raw = match self.rounding {
            NEAREST => self.nearest(value)?,
            _ => self.quantised(value)?,
        };
        if self.wraps != 0 {
            return Some(Encoded {
                word: self.wrapped(raw),
                saturated: false,
            });
        }
        let word = raw.clamp(self.minimum, self.maximum);
        Some(Encoded {
            word: word as i32,
            saturated: word != raw,
        })
    }

    /// ⌊value / lsb + ½⌋, each step rounded to a double.
    #[inline]
    fn nearest(&self, value: f64) -> Option<i64> {
        // What the processor computes is right to one part in 10^15 in every rounding mode; and small numbers that it flushes
        // to zero are none beside these LSBs. Where that cannot move the floor, it is the floor.
        const BOUND: f64 = 1e9;
        const MARGIN: f64 = 1e-5;
        let moved = value / self.lsb + 0.5;
        if self.lsb > 1e-290 && moved < BOUND && moved > -BOUND {
            let whole = moved as i64;
            let floor = whole - i64::from(moved < whole as f64);
            let above = moved - floor as f64;
            if above > MARGIN && above < 1.0 - MARGIN {
                return Some(floor);
            }
        }
        self.nearest_exactly(value)
    }

    #[cold]
    fn nearest_exactly(&self, value: f64) -> Option<i64> {
        let quotient = Soft::of(value)?.over(Soft::of(self.lsb)?, DOUBLE)?;
        Some(quotient.plus(Soft::HALF, DOUBLE)?.whole(Whole::Floor))
    }

    /// As the model's own quantiser does it, in single precision.
    fn quantised(&self, value: f64) -> Option<i64> {
        let value = Soft::of(value)?.to(SINGLE)?;
        let quotient = match Soft::of(self.lsb)?.to(SINGLE) {
            Some(lsb) => value.over(lsb, SINGLE)?,
            // Over infinity.
            None => Soft::ZERO,
        };
        let (first, later) = if self.zero_first != 0 {
            (self.zero_point, 0)
        } else {
            (0, self.zero_point)
        };
        let moved = quotient.plus(Soft::of_integer(first, SINGLE), SINGLE)?;
        let half = Soft::HALF;
        let whole = match self.rounding {
            TRN => moved.whole(Whole::Floor),
            TRN_ZERO => moved.whole(Whole::Truncate),
            RND => moved.plus(half, SINGLE)?.whole(Whole::Floor),
            RND_CONV => moved.whole(Whole::TiesEven),
            RND_ZERO => {
                let size = moved.abs().plus(half.negated(), SINGLE)?;
                match moved.is_negative() {
                    true => size.negated().whole(Whole::Floor),
                    false => size.whole(Whole::Ceil),
                }
            }
            RND_INF => moved.whole(Whole::TiesAway),
            RND_MIN_INF => moved.plus(half.negated(), SINGLE)?.whole(Whole::Ceil),
            CEIL => moved.whole(Whole::Ceil),
            _ => moved.whole(Whole::Away),
        };
        Some(whole.saturating_add(later))
    }

    fn wrapped(&self, raw: i64) -> i32 {
        let period = i128::from(self.maximum) - i128::from(self.minimum) + 1;
        let offset = (i128::from(raw) - i128::from(self.minimum)).rem_euclid(period);
        (i128::from(self.minimum) + offset) as i32
    }
}

/// raw · lsb, each step rounded to a double.
#[must_use]
pub fn value(raw: i64, lsb: f64) -> f64 {
    let product = Soft::of(lsb).and_then(|lsb| Soft::of_integer(raw, DOUBLE).times(lsb, DOUBLE));
    let infinite = if raw < 0 {
        f64::NEG_INFINITY
    } else {
        f64::INFINITY
    };
    product.map_or(infinite, Soft::double)
}
