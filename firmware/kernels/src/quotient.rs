//! Division of one activation by another, bit by bit: as many steps as the result has bits, whatever
//! the operands are. Cores divide in a number of cycles that depends on the operands, or not at all.

use core::ops::{BitOr, Shl, Shr};

use crate::divide::{Rest, Rounding};
use crate::number::Narrow;
use crate::order::{Order, sign};

/// The integer that holds a remainder: `u32` for divisors below 2^31, `u64` for those below 2^62.
pub trait Remainder:
    Copy + BitOr<Output = Self> + Shl<u32, Output = Self> + Shr<u32, Output = Self>
{
    /// The low bits.
    fn cut(value: u64) -> Self;
    /// The same number.
    fn wide(self) -> u64;
    /// self − other and 1 where that is not negative, else self and 0. Both lie below half of the type's range,
    /// or at least their difference does.
    fn take(self, other: Self) -> (Self, u32);
}

macro_rules! remainder {
    ($($ty:ty),+) => {$(
        impl Remainder for $ty {
            #[inline(always)]
            fn cut(value: u64) -> Self {
                value as Self
            }

            #[inline(always)]
            fn wide(self) -> u64 {
                self.into()
            }

            #[inline(always)]
            fn take(self, other: Self) -> (Self, u32) {
                let difference = self.wrapping_sub(other);
                let negative = sign((difference >> (Self::BITS - 32)) as i32);
                // Sign-extended where the remainder is wider.
                let restored = difference.wrapping_add(other & i64::from(negative) as Self);
                (restored, !negative as u32 & 1)
            }
        }
    )+};
}

remainder!(u32, u64);

/// How a quotient is formed.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// The dividend is multiplied by 2^shift.
    pub shift: u32,
    /// Bits of the magnitude of the largest result; 1 to 32.
    pub bits: u32,
    /// How the division rounds.
    pub rounding: Rounding,
    /// Smallest and largest result.
    pub limits: (i64, i64),
}

/// 1 where x is not 0, else 0; x below 2^63.
#[inline(always)]
fn any(x: u64) -> u64 {
    (sign((x.wrapping_neg() >> 32) as i32) & 1) as u64
}

/// round(a·2^shift / b) within the limits. The dividend's magnitude is below 2^63.
#[inline(always)]
fn divided<R: Remainder>(a: i64, b: i64, form: Form) -> i64 {
    let negative = i64::from(sign(((a ^ b) >> 32) as i32));
    // 0 has no sign of its own: 0 / −3 is 0.
    let below = (negative & 1) as u64;
    let magnitude = |x: i64| ((x ^ (x >> 63)) - (x >> 63)) as u64;
    let dividend = magnitude(a) << form.shift;
    // 0 / 0 is 0 / 1.
    let divisor = magnitude(b) | (1 - any(dividend));
    let head = dividend >> form.bits;
    // 1 where the quotient has more bits, and for a divisor of 0: then nothing is left to divide.
    let (_, too_large) = head.take(divisor);
    let mut rest = R::cut(head & u64::from(too_large).wrapping_sub(1));
    let divisor = R::cut(divisor);
    let mut low = (dividend as u32) << (32 - form.bits);
    let mut quotient = 0u32;
    for _ in 0..form.bits {
        let next = (rest << 1) | R::cut((low >> 31).into());
        low <<= 1;
        let (left, digit) = next.take(divisor);
        rest = left;
        quotient = quotient << 1 | digit;
    }
    let largest = too_large.wrapping_neg() >> (32 - form.bits);
    let quotient = u64::from(quotient | largest);
    // Of a divisor of 0 nothing counts but the end that it is cut to.
    let (missing, _) = divisor.take(rest);
    let (at_most_half, half_or_more) = (missing.take(rest).1, rest.take(missing).1);
    let rest = Rest {
        some: any(rest.wide()),
        half: (at_most_half & half_or_more).into(),
        over: (1 - at_most_half).into(),
    };
    let grown = quotient + rest.up(form.rounding, below, quotient);
    let signed = (grown as i64 ^ negative) - negative;
    signed.within(form.limits.0, form.limits.1)
}

/// y = round(a·2^shift / b), the nearest raw within the limits; a divisor of one element serves all.
#[inline(always)]
pub fn quotient<R, X, Z, Y>(a: &[X], b: &[Z], form: Form, y: &mut [Y])
where
    R: Remainder,
    X: Copy + Into<i64>,
    Z: Copy + Into<i64>,
    Y: Narrow<i64>,
{
    for (channel, (a, y)) in a.iter().zip(y).enumerate() {
        let b = b[if b.len() == 1 { 0 } else { channel }];
        *y = Y::narrow(divided::<R>((*a).into(), b.into(), form));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition: a floor, and one more where the remainder asks for it.
    fn by_definition(a: i64, b: i64, form: Form) -> i64 {
        let (n, d) = (i128::from(a) << form.shift, i128::from(b));
        let (n, d) = if d < 0 { (-n, -d) } else { (n, d) };
        let exact = match (d, n) {
            (0, 0) => 0,
            (0, n) => i128::from(i64::MAX) * n.signum(),
            _ => {
                let (floor, rest) = (n.div_euclid(d), n.rem_euclid(d));
                let (twice, tie) = (2 * rest, 2 * rest == d);
                let up = match form.rounding {
                    _ if rest == 0 => false,
                    Rounding::Trn => false,
                    Rounding::TrnZero => n < 0,
                    Rounding::Rnd => twice >= d,
                    Rounding::RndConv => twice > d || tie && floor % 2 != 0,
                    Rounding::RndZero => twice > d || tie && n < 0,
                    Rounding::RndInf => twice > d || tie && n > 0,
                    Rounding::RndMinInf => twice > d,
                };
                floor + i128::from(up)
            }
        };
        exact.clamp(form.limits.0.into(), form.limits.1.into()) as i64
    }

    #[test]
    fn every_quotient_by_its_definition() {
        let roundings = [
            Rounding::Trn,
            Rounding::TrnZero,
            Rounding::Rnd,
            Rounding::RndConv,
            Rounding::RndZero,
            Rounding::RndInf,
            Rounding::RndMinInf,
        ];
        let ends = [
            0,
            1,
            2,
            3,
            6,
            7,
            100,
            32_767,
            65_536,
            (1 << 31) - 1,
            1 << 31,
            (1 << 40) + 5,
        ];
        let both = || ends.iter().flat_map(|n: &i64| [*n, -*n]);
        for rounding in roundings {
            for (shift, bits, limits) in [
                (0, 8, (-128, 127)),
                (15, 15, (0, 32_767)),
                (16, 16, (-32_768, 32_767)),
                (20, 32, (-(1 << 31), (1 << 31) - 1)),
                (1, 1, (0, 1)),
            ] {
                let form = Form {
                    shift,
                    bits,
                    rounding,
                    limits,
                };
                for a in both() {
                    for b in both() {
                        let expected = by_definition(a, b, form);
                        let wide = divided::<u64>(a, b, form);
                        assert_eq!(wide, expected, "{a} / {b}, {form:?}");
                        if b.abs() < 1 << 31 {
                            let narrow = divided::<u32>(a, b, form);
                            assert_eq!(narrow, expected, "{a} / {b}, {form:?}");
                        }
                    }
                }
            }
        }
    }
}
