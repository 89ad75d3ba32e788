//! Rounding, overflow and multiplication by numbers.

use hodoscope_program::{IntType, Overflow, Rounding};

use crate::build::Builder;
use crate::circuit::WireId;
use crate::matrix::digits;

/// round(x / 2^shift).
pub(crate) fn round_shift(b: &mut Builder, x: WireId, shift: u8, rounding: Rounding) -> WireId {
    if shift == 0 {
        return x;
    }
    let half = 1i128 << (shift - 1);
    match rounding {
        Rounding::Trn => b.right(x, shift),
        Rounding::Rnd => {
            let moved = b.add_constant(x, half);
            b.right(moved, shift)
        }
        Rounding::RndMinInf => {
            let moved = b.add_constant(x, half - 1);
            b.right(moved, shift)
        }
        Rounding::RndConv => {
            // Of a tie that was rounded up to an odd number the last bit is taken away.
            let moved = b.add_constant(x, half);
            let rounded = b.right(moved, shift);
            let rest = b.wrap(moved, shift, false);
            let tie = b.equals(rest, 0);
            let last = b.wrap(rounded, 1, false);
            let no_tie = b.not(tie);
            let last = b.and(last, no_tie);
            let high = b.right(rounded, 1);
            b.join(high, last, 1)
        }
        Rounding::TrnZero => {
            let negative = b.less_than(x, 0);
            let (all, none) = (b.constant((1 << shift) - 1), b.constant(0));
            let more = b.choose(negative, all, none);
            let moved = b.add(x, more);
            b.right(moved, shift)
        }
        Rounding::RndZero => {
            // Half of the divisor for what is negative, one less for what is not.
            let negative = b.less_than(x, 0);
            let moved = b.add_constant(x, half - 1);
            let moved = b.add(moved, negative);
            b.right(moved, shift)
        }
        Rounding::RndInf => {
            let negative = b.less_than(x, 0);
            let moved = b.add_constant(x, half);
            let moved = b.sub(moved, negative);
            b.right(moved, shift)
        }
    }
}

/// x as a value of type `ty`.
pub(crate) fn overflow(b: &mut Builder, x: WireId, ty: IntType, overflow: Overflow) -> WireId {
    let (minimum, maximum) = (i128::from(ty.minimum()), i128::from(ty.maximum()));
    match overflow {
        Overflow::Sat => b.clamp(x, minimum, maximum),
        Overflow::SatSym => b.clamp(x, minimum.max(-maximum), maximum),
        Overflow::Wrap => b.wrap(x, ty.width, ty.signed),
        Overflow::SatZero => {
            let below = b.less_than(x, minimum);
            let top = b.constant(maximum);
            let above = b.less(top, x);
            let outside = b.or(below, above);
            let inside = b.clamp(x, minimum, maximum);
            let zero = b.constant(0);
            b.choose(outside, zero, inside)
        }
    }
}

/// x · factor: shifts and adders.
pub(crate) fn times(b: &mut Builder, x: WireId, factor: i128) -> WireId {
    if factor == 0 {
        return b.constant(0);
    }
    // What was added before is added behind, where it meets the next constant.
    let ((bare, left), constant) = b.bare(x);
    if constant != 0 {
        let product = times(b, bare, factor << left);
        return b.add_constant(product, constant * factor);
    }
    let mut terms: Vec<(u8, bool)> = digits::signed(factor);
    // A positive term first, so that nothing is negated.
    terms.sort_by_key(|(shift, minus)| (*minus, *shift));
    let mut sum: Option<(WireId, bool)> = None;
    for (shift, minus) in terms {
        sum = Some(match sum {
            None => (b.left(x, shift), minus),
            Some((sum, negated)) => (b.combine((sum, 0), (x, shift), minus != negated), negated),
        });
    }
    match sum {
        Some((sum, false)) => sum,
        Some((sum, true)) => {
            let zero = b.constant(0);
            b.sub(zero, sum)
        }
        None => b.constant(0),
    }
}

/// a · b, by adders where one of them is a number.
pub(super) fn product(b: &mut Builder, x: WireId, y: WireId) -> WireId {
    match (b.value_of(x), b.value_of(y)) {
        (Some(c), _) => times(b, y, c),
        (_, Some(c)) => times(b, x, c),
        _ => b.multiply(x, y),
    }
}
