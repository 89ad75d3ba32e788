//! From one format to another.

use crate::number::{Accumulator, Narrow};
use crate::order::Order;

/// y = ⌊(x·multiplier + offset) / 2^shift + ½⌋ per channel, of which parts may be left out.
pub trait Requantise<A> {
    /// The result of `channel`, not yet saturated.
    fn apply(&self, channel: usize, x: A) -> A;
}

/// A shift per channel, or one for all: ⌊x / 2^shift + ½⌋.
#[derive(Clone, Copy, Debug)]
pub struct Shift<'a>(pub &'a [u8]);

/// Multiplier, offset and shift per channel, or one each for all.
#[derive(Clone, Copy, Debug)]
pub struct Affine<'a, A> {
    /// Multipliers.
    pub multipliers: &'a [A],
    /// Offsets.
    pub offsets: &'a [A],
    /// Shifts.
    pub shifts: &'a [u8],
}

#[inline(always)]
fn pick<T: Copy>(entries: &[T], channel: usize) -> T {
    entries[if entries.len() == 1 { 0 } else { channel }]
}

/// Rounds to the nearest, halves towards +∞. A shift of 0 has no half: (1 << 0) >> 1 = 0.
#[inline(always)]
fn round_shift<A: Accumulator>(x: A, shift: u8) -> A {
    let shift = u32::from(shift);
    (x + ((A::ONE << shift) >> 1)) >> shift
}

impl<A: Accumulator> Requantise<A> for Shift<'_> {
    #[inline(always)]
    fn apply(&self, channel: usize, x: A) -> A {
        round_shift(x, pick(self.0, channel))
    }
}

impl<A: Accumulator> Requantise<A> for Affine<'_, A> {
    #[inline(always)]
    fn apply(&self, channel: usize, x: A) -> A {
        let product = x * pick(self.multipliers, channel) + pick(self.offsets, channel);
        round_shift(product, pick(self.shifts, channel))
    }
}

/// Rescales a row and saturates it into `limits`, both included.
#[inline(always)]
pub fn rescale<A, X, Y>(x: &[X], requantise: impl Requantise<A>, limits: (A, A), y: &mut [Y])
where
    A: Accumulator,
    X: Copy + Into<A>,
    Y: Narrow<A>,
{
    for (channel, (x, y)) in x.iter().zip(y).enumerate() {
        let exact = requantise.apply(channel, (*x).into());
        *y = Y::narrow(exact.within(limits.0, limits.1));
    }
}

/// Clamps detector words into their fields' ranges, one per channel or repeating along the row.
#[inline(always)]
pub fn words<T: Order>(x: &[T], minimum: &[T], maximum: &[T], y: &mut [T]) {
    let ranges = minimum.iter().zip(maximum).cycle();
    for ((x, y), (minimum, maximum)) in x.iter().zip(y).zip(ranges) {
        *y = x.within(*minimum, *maximum);
    }
}
