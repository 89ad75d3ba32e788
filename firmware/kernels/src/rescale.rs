//! From one format to another.

use crate::arch::HAS_VECTORS;
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

/// One multiplier for all channels: ⌊(x·multiplier / 2^32 + offset) / 2^shift⌋, rounded once. Of a product only the upper
/// half is read.
#[derive(Clone, Copy, Debug)]
pub struct Scaled {
    /// Multiplier.
    pub multiplier: i32,
    /// Offset of the product's upper half: 2^30 at most, as is that half.
    pub offset: i32,
    /// Shift, below 32.
    pub shift: u8,
}

/// A rescale behind another, whose results saturate into `limits`, both included.
#[derive(Clone, Copy, Debug)]
pub struct Then<A, P, Q> {
    /// The one before.
    pub first: P,
    /// Smallest and largest of its results.
    pub limits: (A, A),
    /// The one behind.
    pub second: Q,
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

impl<A: Accumulator, P: Requantise<A>, Q: Requantise<A>> Requantise<A> for Then<A, P, Q> {
    #[inline(always)]
    fn apply(&self, channel: usize, x: A) -> A {
        let between = self.first.apply(channel, x);
        self.second
            .apply(channel, between.within(self.limits.0, self.limits.1))
    }
}

impl Requantise<i32> for Scaled {
    #[inline(always)]
    fn apply(&self, _: usize, x: i32) -> i32 {
        let upper = (i64::from(x) * i64::from(self.multiplier)) >> 32;
        (upper as i32 + self.offset) >> self.shift
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

/// Scales a row of sums by one multiplier: ⌊(x·multiplier + offset) / 2^shift⌋, saturated into `MINIMUM` to `MAXIMUM`. The
/// multiplier fits in 32 bits, and the shift is 32 at least: only the upper half of a product is shifted.
///
/// Called, not inlined: a network whose layers all end so has its code once.
#[inline(never)]
pub fn scaled<const MINIMUM: i32, const MAXIMUM: i32, Y: Narrow<i32>>(
    x: &[i32],
    multiplier: i64,
    offset: i64,
    shift: u8,
    y: &mut [Y],
) {
    // What is known of the constants of all layers together must not widen the product: 32 bits by 32 is one
    // instruction, 64 by 64 are many.
    let multiplier = core::hint::black_box(multiplier as i32);
    let shift = u32::from(shift) & 31;
    let scale = |x: i32| {
        let product = i64::from(x) * i64::from(multiplier) + offset;
        let upper = (product >> 32) as i32;
        Y::narrow((upper >> shift).within(MINIMUM, MAXIMUM))
    };
    // Four at once: less time, and less code than what the compiler unrolls by itself.
    let (fours, rest) = x.as_chunks::<4>();
    let (y_fours, y_rest) = y.as_chunks_mut::<4>();
    for (x, y) in fours.iter().zip(y_fours) {
        *y = x.map(scale);
    }
    for (x, y) in rest.iter().zip(y_rest) {
        *y = scale(*x);
    }
}

/// Clamps detector words into their fields' ranges, one per channel, one for all, or repeating along the row. The
/// result may be wider: a layout that reads halves has bytes stored as such.
#[inline(always)]
pub fn words<T, Y>(x: &[T], minimum: &[T], maximum: &[T], y: &mut [Y])
where
    T: Order + Into<Y>,
{
    if let ([minimum], [maximum]) = (minimum, maximum) {
        for (x, y) in x.iter().zip(y) {
            *y = x.within(*minimum, *maximum).into();
        }
        return;
    }
    if HAS_VECTORS {
        // Rows of the same ranges become vectors; a range that begins again does not.
        let width = minimum.len().max(1);
        for (x, y) in x.chunks(width).zip(y.chunks_mut(width)) {
            for ((x, y), (minimum, maximum)) in x.iter().zip(y).zip(minimum.iter().zip(maximum)) {
                *y = x.within(*minimum, *maximum).into();
            }
        }
        return;
    }
    let ranges = minimum.iter().zip(maximum).cycle();
    for ((x, y), (minimum, maximum)) in x.iter().zip(y).zip(ranges) {
        *y = x.within(*minimum, *maximum).into();
    }
}

/// Clamps detector words into their fields' ranges, as [`words`] does, and rescales them at once, as [`rescale`] does.
#[inline(always)]
pub fn words_rescaled<A, T, Y>(
    x: &[T],
    (minimum, maximum): (&[T], &[T]),
    requantise: impl Requantise<A>,
    limits: (A, A),
    y: &mut [Y],
) where
    A: Accumulator,
    T: Order + Into<A>,
    Y: Narrow<A>,
{
    if let ([minimum], [maximum]) = (minimum, maximum) {
        for (channel, (x, y)) in x.iter().zip(y).enumerate() {
            let exact = requantise.apply(channel, x.within(*minimum, *maximum).into());
            *y = Y::narrow(exact.within(limits.0, limits.1));
        }
        return;
    }
    let ranges = minimum.iter().zip(maximum).cycle();
    for (channel, ((x, y), (minimum, maximum))) in x.iter().zip(y).zip(ranges).enumerate() {
        let exact = requantise.apply(channel, x.within(*minimum, *maximum).into());
        *y = Y::narrow(exact.within(limits.0, limits.1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_multiplier_scales_as_its_definition_says() {
        let sums = [
            i32::MIN,
            -9_000_001,
            -65_536,
            -3,
            -1,
            0,
            1,
            2,
            77_777,
            8_388_607,
            i32::MAX,
        ];
        let mut inside = 0;
        for multiplier in [1, 819_000_860, i64::from(i32::MAX), i64::from(i32::MIN)] {
            for offset in [0, -35_046_933_135_360, 1 << 37, (1 << 61) - 1] {
                for shift in [32, 33, 38, 61, 62] {
                    let mut y = [0i16; 11];
                    scaled::<-128, 127, _>(&sums, multiplier, offset, shift, &mut y);
                    for (x, y) in sums.iter().zip(y) {
                        let exact = i128::from(*x) * i128::from(multiplier) + i128::from(offset);
                        let rounded = exact >> shift;
                        assert_eq!(
                            i128::from(y),
                            rounded.clamp(-128, 127),
                            "{x} {multiplier} {offset} {shift}"
                        );
                        inside += usize::from((-127..127).contains(&rounded) && rounded != 0);
                    }
                }
            }
        }
        assert!(inside > 50, "{inside}");
    }

    #[test]
    fn a_rescale_behind_another_reads_what_saturated() {
        let x = [-128i8, -77, -5, 9, 100, 127];
        let (mut between, mut expected, mut y) = ([0i8; 6], [0i8; 6], [0i8; 6]);
        let (first, second) = (Shift(&[1]), Shift(&[0, 1, 2, 3, 1, 0]));
        rescale::<i32, _, _>(&x, first, (-20, 30), &mut between);
        rescale::<i32, _, _>(&between, second, (-9, 11), &mut expected);
        let limits = (-20, 30);
        let both = Then {
            first,
            limits,
            second,
        };
        rescale::<i32, _, _>(&x, both, (-9, 11), &mut y);
        assert_eq!(y, expected);
    }

    #[test]
    fn words_are_clamped_before_they_are_rescaled() {
        let x = [-128i8, -5, 9, 127, 3, -100];
        for (minimum, maximum) in [(&[-100i8][..], &[100i8][..]), (&[-100, 0], &[0, 100])] {
            let mut clamped = [0i8; 6];
            words(&x, minimum, maximum, &mut clamped);
            for shifts in [&[2u8][..], &[0, 1, 2, 3, 4, 5]] {
                let (mut expected, mut y) = ([0i8; 6], [0i8; 6]);
                rescale::<i32, _, _>(&clamped, Shift(shifts), (-20, 30), &mut expected);
                let ranges = (minimum, maximum);
                words_rescaled::<i32, _, _>(&x, ranges, Shift(shifts), (-20, 30), &mut y);
                assert_eq!(y, expected, "{minimum:?} {shifts:?}");
            }
        }
    }

    #[test]
    fn words_are_clamped_and_widened() {
        let mut wide = [0i16; 4];
        words(&[-128i8, -5, 9, 127], &[-100], &[100], &mut wide);
        assert_eq!(wide, [-100, -5, 9, 100]);
        let mut narrow = [0i8; 4];
        words(&[-128i8, -5, 9, 127], &[-100, 0], &[0, 100], &mut narrow);
        assert_eq!(narrow, [-100, 0, 0, 100]);
    }
}
