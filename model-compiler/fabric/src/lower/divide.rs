//! Quotients and roots, digit by digit.

use hodoscope_program::{Interval, Rounding, Value, ValueId};

use super::Lowering;
use super::rescale::times;
use crate::build::Builder;
use crate::circuit::WireId;

/// A dividend of more bits is divided digit by digit even by a number.
const BITS_OF_A_RECIPROCAL: u32 = 40;

impl Lowering<'_> {
    pub(super) fn divide(&mut self, x: ValueId, divisor: i64, rounding: Rounding) -> Vec<WireId> {
        let divisor = self.b.constant(divisor.into());
        self.map(x, |b, x| rounded(b, x, divisor, rounding))
    }

    pub(super) fn quotient(
        &mut self,
        value: &Value,
        (dividend, divisor): (ValueId, ValueId),
        shift: u8,
        rounding: Rounding,
    ) -> Vec<WireId> {
        let channels = value.shape.channels();
        let (a, d) = (self.of(dividend), self.of(divisor));
        let one_for_all = self.channels(divisor) == 1;
        let (minimum, maximum) = (
            value.element.minimum().into(),
            value.element.maximum().into(),
        );
        let one = |(index, a): (usize, WireId)| {
            let divisor = d[if one_for_all { index / channels } else { index }];
            let b = &mut self.b;
            let dividend = b.left(a, shift);
            let quotient = rounded(b, dividend, divisor, rounding);
            let quotient = b.clamp(quotient, minimum, maximum);
            // Over zero: the end on the dividend's side.
            let none = b.equals(divisor, 0);
            let negative = b.less_than(dividend, 0);
            let (low, high) = (b.constant(minimum), b.constant(maximum));
            let end = b.choose(negative, low, high);
            let (is_zero, zero) = (b.equals(dividend, 0), b.constant(0));
            let end = b.choose(is_zero, zero, end);
            b.choose(none, end, quotient)
        };
        a.into_iter().enumerate().map(one).collect()
    }

    pub(super) fn square_root(&mut self, x: ValueId, shift: u8) -> Vec<WireId> {
        self.map(x, |b, x| {
            let x = b.clamp(x, 0, i128::MAX);
            let x = b.left(x, shift);
            root(b, x)
        })
    }
}

fn bits(b: &Builder, x: WireId) -> u32 {
    b.range(x).signed_bits() - 1
}

fn magnitude(b: &mut Builder, x: WireId) -> WireId {
    let range = b.range(x);
    let negative = b.less_than(x, 0);
    let zero = b.constant(0);
    let opposite = b.sub(zero, x);
    let result = b.choose(negative, opposite, x);
    if b.value_of(result).is_some() {
        return result;
    }
    let least = match range.minimum <= 0 && range.maximum >= 0 {
        true => 0,
        false => range.minimum.abs().min(range.maximum.abs()),
    };
    let most = range.minimum.abs().max(range.maximum.abs());
    b.narrow(result, Interval::between(least, most))
}

/// round(x / divisor); anything where the divisor is 0.
fn rounded(b: &mut Builder, x: WireId, divisor: WireId, rounding: Rounding) -> WireId {
    let (below, other) = (b.less_than(x, 0), b.less_than(divisor, 0));
    let negative = {
        let (not_below, not_other) = (b.not(below), b.not(other));
        let (one, two) = (b.and(below, not_other), b.and(not_below, other));
        b.or(one, two)
    };
    let (dividend, divisor) = (magnitude(b, x), magnitude(b, divisor));
    let (quotient, rest) = floors(b, dividend, divisor);
    // Whether the magnitude goes one further, by twice the rest against the divisor.
    let twice = b.left(rest, 1);
    let above = b.less(divisor, twice);
    let half = b.equal(divisor, twice);
    let up = match rounding {
        Rounding::TrnZero => b.constant(0),
        Rounding::Trn => {
            let exact = b.equals(rest, 0);
            let inexact = b.not(exact);
            b.and(negative, inexact)
        }
        Rounding::Rnd => {
            let positive = b.not(negative);
            let half = b.and(half, positive);
            b.or(above, half)
        }
        Rounding::RndMinInf => {
            let half = b.and(half, negative);
            b.or(above, half)
        }
        Rounding::RndConv => {
            let odd = b.wrap(quotient, 1, false);
            let half = b.and(half, odd);
            b.or(above, half)
        }
        Rounding::RndZero => above,
        Rounding::RndInf => b.or(above, half),
    };
    let size = b.add(quotient, up);
    let zero = b.constant(0);
    let opposite = b.sub(zero, size);
    b.choose(negative, opposite, size)
}

/// Quotient and rest of what is not negative.
fn floors(b: &mut Builder, x: WireId, divisor: WireId) -> (WireId, WireId) {
    let digits = bits(b, x);
    if let Some(d) = b.value_of(divisor).filter(|d| *d > 0)
        && digits <= BITS_OF_A_RECIPROCAL
    {
        // The reciprocal, rounded up: its error times x stays below 1 / divisor.
        let shift = digits + (128 - d.leading_zeros());
        let reciprocal = (1i128 << shift) / d + 1;
        let product = times(b, x, reciprocal);
        let quotient = b.right(product, shift as u8);
        let back = times(b, quotient, d);
        let rest = b.sub(x, back);
        let rest = within(b, rest, d - 1);
        return (quotient, rest);
    }
    let mut quotient = b.constant(0);
    let mut rest = b.constant(0);
    let most = b.range(divisor).maximum.max(1);
    for digit in (0..digits as u8).rev() {
        let bit = b.right(x, digit);
        let bit = b.wrap(bit, 1, false);
        rest = b.join(rest, bit, 1);
        let less = b.less(rest, divisor);
        let fits = b.not(less);
        // What is left is less than the divisor; where that is 0, or does not fit, it does not matter.
        let left = b.sub(rest, divisor);
        rest = b.choose(less, rest, left);
        rest = match most {
            1 => b.constant(0),
            _ => b.wrap(rest, 128 - (most - 1).leading_zeros() as u8, false),
        };
        quotient = b.join(quotient, fits, 1);
    }
    (quotient, rest)
}

fn within(b: &mut Builder, x: WireId, maximum: i128) -> WireId {
    match b.value_of(x) {
        Some(_) => x,
        None => b.narrow(x, Interval::between(0, maximum)),
    }
}

/// ⌊√x⌋ of what is not negative, two digits of x for one of the root.
fn root(b: &mut Builder, x: WireId) -> WireId {
    let digits = bits(b, x).div_ceil(2);
    let mut root = b.constant(0);
    let mut rest = b.constant(0);
    for digit in (0..digits as u8).rev() {
        let two = b.right(x, 2 * digit);
        let two = b.wrap(two, 2, false);
        rest = b.join(rest, two, 2);
        let one = b.constant(1);
        let trial = b.join(root, one, 2);
        let less = b.less(rest, trial);
        let fits = b.not(less);
        let left = b.sub(rest, trial);
        rest = b.choose(less, rest, left);
        // It is twice the root at most.
        let most = 2 * ((b.range(root).maximum << 1) + 1);
        rest = within(b, rest, most);
        root = b.join(root, fits, 1);
    }
    root
}
