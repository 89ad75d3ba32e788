//! Multipliers, offsets and shifts that stand for quotients of scales.

use hodoscope_program::Rounding;

use super::{Factors, Lowered, PROPORTION};
use crate::exact::dyadic::Dyadic;

/// Largest shift of a rescale.
const SHIFT: i32 = 62;

/// From raws to integers: (raw·multiplier + offset) / 2^shift, one per element.
#[derive(Default)]
pub(super) struct Quotients {
    pub multipliers: Vec<i128>,
    pub offsets: Vec<i128>,
    pub shifts: Vec<i32>,
}

impl Quotients {
    /// The next element's.
    pub fn push(&mut self, (multiplier, offset, shift): (i128, i128, i32)) {
        self.multipliers.push(multiplier);
        self.offsets.push(offset);
        self.shifts.push(shift);
    }

    /// As a rescale has them.
    ///
    /// # Errors
    /// When one is none of its integers.
    pub fn factors(self) -> Lowered<Factors> {
        Ok(Factors {
            multipliers: integers(self.multipliers)?,
            offsets: integers(self.offsets)?,
            shifts: integers(self.shifts)?,
        })
    }
}

fn integers<A, B: TryFrom<A>>(values: Vec<A>) -> Lowered<Vec<B>> {
    let narrow = values.into_iter().map(|value| B::try_from(value).ok());
    let narrow: Option<_> = narrow.collect();
    narrow.ok_or(PROPORTION.into())
}

/// The floor of a value plus a half is its rounding to the nearest, for which a plain shift has a kernel.
pub(super) fn half_up(mut factors: Factors, rounding: Rounding) -> (Factors, Rounding) {
    let halves = factors
        .offsets
        .iter()
        .zip(&factors.shifts)
        .all(|(offset, shift)| *offset == (1i64 << shift) >> 1);
    if rounding == Rounding::Trn && halves {
        factors.offsets.fill(0);
        return (factors, Rounding::Rnd);
    }
    (factors, rounding)
}

/// raw·ratio + offset = (raw·m + o) / 2^shift. Bits of the offset that only say "a little more" become one: no
/// rounding can tell the difference.
pub(super) fn sticky(ratio: Dyadic, offset: Dyadic) -> Option<(i128, i128, i32)> {
    let own = (-ratio.exponent()).max(0);
    let shift = own.max(-offset.exponent());
    let (multiplier, counts) = (ratio.counts(-shift)?, offset.counts(-shift)?);
    let spare = (multiplier.trailing_zeros() as i32 - 1).min(shift - 2);
    if shift == own || spare <= 0 {
        return (shift <= SHIFT).then_some((multiplier, counts, shift));
    }
    let low = counts & ((1i128 << spare) - 1);
    let kept = counts >> spare | i128::from(low != 0);
    let shift = shift - spare;
    (shift <= SHIFT).then_some((multiplier >> spare, kept, shift))
}

/// Whether a multiplier has so many digits at most, the zeros behind them left out: those are a shift.
pub(super) fn is_of_few_bits(multiplier: i128, digits: i32) -> bool {
    let magnitude = multiplier.unsigned_abs();
    // Zero has none.
    magnitude == 0
        || 128 - magnitude.leading_zeros() as i32 - magnitude.trailing_zeros() as i32 <= digits
}

/// Whether a rescale holds a multiplier and an offset exactly, for an operand of a magnitude.
pub(super) fn fits(multiplier: i128, offset: i128, shift: i32, magnitude: i128) -> bool {
    let (multiplier, offset) = (multiplier.unsigned_abs(), offset.unsigned_abs());
    let product = multiplier.saturating_mul(magnitude.unsigned_abs());
    let half = (1u128 << shift.clamp(0, 63)) >> 1;
    multiplier < 1 << 31
        && offset < 1 << 62
        && product.saturating_add(offset).saturating_add(half) <= i64::MAX as u128
}

/// The multiplier of `bits` bits and the shift that are nearest to step / scale, and the offset with them, for raws of a
/// magnitude.
///
/// Where a raw is zero as a number, it stays that: what varies beside a large offset loses by the multiplier a part of
/// itself, not of the offset.
pub(super) fn approximate(
    (step, offset): (Dyadic, Dyadic),
    magnitude: i128,
    scale: Dyadic,
    added: Dyadic,
    bits: i32,
) -> Option<(i128, i128, i32)> {
    let ratio = step.to_f64() / scale.to_f64();
    let shift = match step.is_zero() {
        true => 0,
        false => (bits - 1 - libm::ilogb(ratio)).clamp(0, SHIFT),
    };
    let unit = scale.times(Dyadic::power(-shift)?)?;
    let multiplier = step.nearest_over(unit)?;
    let about_zero = about_zero(step, offset, magnitude, (multiplier, unit));
    let counts = about_zero.or_else(|| offset.nearest_over(unit))?;
    let added = added.counts(-shift)?;
    Some((multiplier, counts + added, shift))
}

/// The offset in units by which the raw whose number is zero stays that; none where no raw of the magnitude is.
fn about_zero(
    step: Dyadic,
    offset: Dyadic,
    magnitude: i128,
    (multiplier, unit): (i128, Dyadic),
) -> Option<i128> {
    if step.is_zero() || step.is_negative() || offset.is_zero() {
        return None;
    }
    let raw = offset.nearest_over(step)?;
    if raw.abs() > magnitude {
        return None;
    }
    // The rest is less than a raw.
    let rest = offset.minus(step.times(Dyadic::new(raw, 0)?)?)?;
    raw.checked_mul(multiplier)?
        .checked_add(rest.nearest_over(unit)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_a_multiplier_leave_its_shift_out() {
        assert!(is_of_few_bits(0, 15) && is_of_few_bits(3 << 40, 2) && is_of_few_bits(-8, 1));
        assert!(!is_of_few_bits(5, 2));
    }
}
