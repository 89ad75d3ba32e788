//! Roundings and overflows of imported networks, named as in `ap_fixed`, without a branch on the data.
//!
//! A halfway case, or a sign, becomes an addend of zero or one that is computed from the value's own
//! bits; the shift that follows rounds down.

use core::marker::PhantomData;

use crate::number::Accumulator;
use crate::rescale::Requantise;

/// How a division by a power of two rounds.
pub trait Rounding: Copy {
    /// x / 2^shift, rounded. A shift of 0 changes nothing.
    fn shift<A: Accumulator>(x: A, shift: u32) -> A;
}

/// Half of 2^shift, less one: 0 for a shift of 0.
#[inline(always)]
fn below_half<A: Accumulator>(shift: u32) -> A {
    ((A::ONE << shift) - A::ONE) >> 1
}

/// 1 where there is something to round, else 0.
#[inline(always)]
fn rounds<A: Accumulator>(shift: u32) -> A {
    ((A::ONE << shift) >> 1).smaller(A::ONE)
}

/// −1 below zero, else 0.
#[inline(always)]
fn sign<A: Accumulator>(x: A) -> A {
    x >> (A::BITS - 1)
}

macro_rules! rounding {
    ($($(#[$doc:meta])* $name:ident($x:ident, $shift:ident) = $body:expr;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default)]
        pub struct $name;

        impl Rounding for $name {
            #[inline(always)]
            fn shift<A: Accumulator>($x: A, $shift: u32) -> A {
                $body
            }
        }
    )+};
}

rounding! {
    /// Towards −∞.
    Trn(x, shift) = x >> shift;
    /// Towards zero.
    TrnZero(x, shift) = (x + (sign(x) & ((A::ONE << shift) - A::ONE))) >> shift;
    /// To the nearest, halves towards +∞.
    Rnd(x, shift) = (x + ((A::ONE << shift) >> 1)) >> shift;
    /// To the nearest, halves to even.
    RndConv(x, shift) = (x + below_half(shift) + ((x >> shift) & rounds(shift))) >> shift;
    /// To the nearest, halves towards zero.
    RndZero(x, shift) = (x + below_half(shift) + (sign(x) & rounds(shift))) >> shift;
    /// To the nearest, halves away from zero.
    RndInf(x, shift) = (x + ((A::ONE << shift) >> 1) - (sign(x) & rounds(shift))) >> shift;
    /// To the nearest, halves towards −∞.
    RndMinInf(x, shift) = (x + below_half(shift)) >> shift;
}

#[inline(always)]
fn pick<T: Copy>(entries: &[T], channel: usize) -> T {
    entries[if entries.len() == 1 { 0 } else { channel }]
}

/// A shift per channel, or one for all, in a rounding of its own.
#[derive(Clone, Copy, Debug)]
pub struct Rounded<'a, R> {
    shifts: &'a [u8],
    rounding: PhantomData<R>,
}

impl<'a, R: Rounding> Rounded<'a, R> {
    /// x / 2^shift.
    #[inline(always)]
    pub fn new(_: R, shifts: &'a [u8]) -> Self {
        Self {
            shifts,
            rounding: PhantomData,
        }
    }
}

impl<A: Accumulator, R: Rounding> Requantise<A> for Rounded<'_, R> {
    #[inline(always)]
    fn apply(&self, channel: usize, x: A) -> A {
        R::shift(x, pick(self.shifts, channel).into())
    }
}

/// Multiplier, offset and shift per channel, or one each for all, in a rounding of its own.
#[derive(Clone, Copy, Debug)]
pub struct RoundedAffine<'a, A, R> {
    multipliers: &'a [A],
    offsets: &'a [A],
    shifts: &'a [u8],
    rounding: PhantomData<R>,
}

impl<'a, A, R: Rounding> RoundedAffine<'a, A, R> {
    /// (x·multiplier + offset) / 2^shift.
    #[inline(always)]
    pub fn new(_: R, multipliers: &'a [A], offsets: &'a [A], shifts: &'a [u8]) -> Self {
        Self {
            multipliers,
            offsets,
            shifts,
            rounding: PhantomData,
        }
    }
}

impl<A: Accumulator, R: Rounding> Requantise<A> for RoundedAffine<'_, A, R> {
    #[inline(always)]
    fn apply(&self, channel: usize, x: A) -> A {
        let product = x * pick(self.multipliers, channel) + pick(self.offsets, channel);
        R::shift(product, pick(self.shifts, channel).into())
    }
}

/// The result modulo 2^bits, with a sign.
#[derive(Clone, Copy, Debug)]
pub struct Wrapped<Q> {
    /// What is wrapped.
    pub inner: Q,
    /// Bits of the type, fewer than the accumulator has.
    pub bits: u32,
}

impl<A: Accumulator, Q: Requantise<A>> Requantise<A> for Wrapped<Q> {
    #[inline(always)]
    fn apply(&self, channel: usize, x: A) -> A {
        let unused = A::BITS - self.bits;
        (self.inner.apply(channel, x) << unused) >> unused
    }
}

/// The result modulo 2^bits, without a sign.
#[derive(Clone, Copy, Debug)]
pub struct WrappedUnsigned<Q> {
    /// What is wrapped.
    pub inner: Q,
    /// Bits of the type, fewer than the accumulator has but for its sign.
    pub bits: u32,
}

impl<A: Accumulator, Q: Requantise<A>> Requantise<A> for WrappedUnsigned<Q> {
    #[inline(always)]
    fn apply(&self, channel: usize, x: A) -> A {
        // Without 2^bits, which the accumulator may not hold.
        let highest = A::ONE << (self.bits - 1);
        self.inner.apply(channel, x) & ((highest - A::ONE) + highest)
    }
}

/// The result where it is within limits, else zero.
#[derive(Clone, Copy, Debug)]
pub struct OrZero<Q, A> {
    /// What is limited.
    pub inner: Q,
    /// Smallest and largest result.
    pub limits: (A, A),
}

impl<A: Accumulator, Q: Requantise<A>> Requantise<A> for OrZero<Q, A> {
    #[inline(always)]
    fn apply(&self, channel: usize, x: A) -> A {
        let result = self.inner.apply(channel, x);
        let outside = result - result.within(self.limits.0, self.limits.1);
        // −1 where anything lies outside, and 0 where nothing does.
        let outside = sign(outside.smaller(A::ZERO - outside));
        result * (A::ONE + outside)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rescale::Shift;

    fn all<R: Rounding>(_: R, expected: [i32; 13]) {
        // −1.5, −1.25, …, 1.5 in quarters.
        let quarters = [-6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6];
        assert_eq!(quarters.map(|q| R::shift(q, 2)), expected);
        assert_eq!(quarters.map(|q| R::shift(i64::from(q), 2) as i32), expected);
        assert_eq!(quarters.map(|q| R::shift(q, 0)), quarters);
    }

    #[test]
    fn every_rounding_by_its_definition() {
        all(Trn, [-2, -2, -1, -1, -1, -1, 0, 0, 0, 0, 1, 1, 1]);
        all(TrnZero, [-1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1]);
        all(Rnd, [-1, -1, -1, -1, 0, 0, 0, 0, 1, 1, 1, 1, 2]);
        all(RndConv, [-2, -1, -1, -1, 0, 0, 0, 0, 0, 1, 1, 1, 2]);
        all(RndZero, [-1, -1, -1, -1, 0, 0, 0, 0, 0, 1, 1, 1, 1]);
        all(RndInf, [-2, -1, -1, -1, -1, 0, 0, 0, 1, 1, 1, 1, 2]);
        all(RndMinInf, [-2, -1, -1, -1, -1, 0, 0, 0, 0, 1, 1, 1, 1]);
    }

    #[test]
    fn every_overflow_by_its_definition() {
        let raws = [-10, -9, -8, -7, 0, 7, 8, 9];
        let inner = Shift(&[0]);
        let wrapped = Wrapped { inner, bits: 4 };
        assert_eq!(
            raws.map(|x| wrapped.apply(0, x)),
            [6, 7, -8, -7, 0, 7, -8, -7]
        );
        let unsigned = WrappedUnsigned { inner, bits: 4 };
        assert_eq!(raws.map(|x| unsigned.apply(0, x)), [6, 7, 8, 9, 0, 7, 8, 9]);
        let limits = (-8, 7);
        let zero = OrZero { inner, limits };
        assert_eq!(raws.map(|x| zero.apply(0, x)), [0, 0, -8, -7, 0, 7, 0, 0]);
    }
}
