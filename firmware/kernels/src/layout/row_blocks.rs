//! Eight rows at a time, a byte per weight: every load of the operand serves eight rows. Operands of
//! 8 and 16 bits, no condition beyond the verifier's.

use super::groups::{self, ROWS};
use crate::number::Narrow;
use crate::rescale::Shift;

#[cfg(hodoscope_isa = "armv6m")]
use crate::arch::armv6m::row_blocks::{Element, group};
#[cfg(hodoscope_isa = "rv32im")]
use crate::arch::rv32im::row_blocks::{self as arch, Element, Output};
#[cfg(not(hodoscope_isa = "armv6m"))]
use portable as group;

#[cfg(not(any(hodoscope_isa = "armv6m", hodoscope_isa = "rv32im")))]
use super::groups::Element;
#[cfg(not(hodoscope_isa = "rv32im"))]
use super::groups::ResultOf as Output;

/// Words of a column of a group.
const WORDS: usize = ROWS / 4;

/// The sums of one group of eight rows.
///
/// `x`: `[in]`, `weights`: `[in, 2]`, byte k of word q = row 4q + k; `sums` are the biases at first.
#[inline(always)]
pub fn portable<X: Copy + Into<i32>>(x: &[X], weights: &[u32], sums: &mut [i32; ROWS]) {
    for (x, words) in x.iter().zip(weights.as_chunks::<WORDS>().0) {
        let x: i32 = (*x).into();
        for (sums, word) in sums.as_chunks_mut::<4>().0.iter_mut().zip(words) {
            for (sum, weight) in sums.iter_mut().zip(word.to_le_bytes()) {
                *sum = sum.wrapping_add(i32::from(weight.cast_signed()).wrapping_mul(x));
            }
        }
    }
}

/// Calls `finish` with the sums of each group.
#[inline(always)]
fn each_group<X: Element>(
    x: &[X],
    mut weights: &[u32],
    bias: &[i32],
    mut finish: impl FnMut(usize, &[i32; ROWS]),
) {
    for (index, bias) in bias.as_chunks::<ROWS>().0.iter().enumerate() {
        let mut sums = *bias;
        group(x, weights, &mut sums);
        weights = weights.get(WORDS * x.len()..).unwrap_or_default();
        finish(ROWS * index, &sums);
    }
}

/// A dense layer whose sums are the result.
///
/// `x`: `[in]`, `weights`: `[groups, in, 2]`, `bias`: `[groups, 8]`, `y`: `[out]`. The last group
/// is filled up with rows of zeros.
#[inline(never)]
pub fn dense<X: Element, Y: Narrow<i32>>(x: &[X], weights: &[u32], bias: &[i32], y: &mut [Y]) {
    #[cfg(hodoscope_isa = "rv32im")]
    arch::dense(x, weights, bias, y);
    #[cfg(not(hodoscope_isa = "rv32im"))]
    portable_dense(x, weights, bias, y);
}

/// A dense layer with its rescale, saturated into `limits`.
///
/// As [`dense`], with a shift for each row of each group; the half that rounds, and the upper limit,
/// are in the bias: a row's is bias + half − limits.1·2^shift.
#[inline(never)]
pub fn dense_rescale<X: Element, Y: Output<X>>(
    x: &[X],
    weights: &[u32],
    bias: &[i32],
    Shift(shifts): Shift<'_>,
    limits: (i32, i32),
    y: &mut [Y],
) {
    #[cfg(hodoscope_isa = "rv32im")]
    arch::dense_rescale(x, weights, bias, shifts, limits, y);
    #[cfg(not(hodoscope_isa = "rv32im"))]
    portable_dense_rescale(x, weights, bias, Shift(shifts), limits, y);
}

/// The portable body of [`dense`].
pub fn portable_dense<X: Element, Y: Narrow<i32>>(
    x: &[X],
    weights: &[u32],
    bias: &[i32],
    y: &mut [Y],
) {
    each_group(x, weights, bias, |first, sums| {
        groups::store(sums, y.get_mut(first..).unwrap_or_default());
    });
}

/// The portable body of [`dense_rescale`].
pub fn portable_dense_rescale<X: Element, Y: Narrow<i32>>(
    x: &[X],
    weights: &[u32],
    bias: &[i32],
    Shift(shifts): Shift<'_>,
    limits: (i32, i32),
    y: &mut [Y],
) {
    each_group(x, weights, bias, |first, sums| {
        let shifts = shifts.get(first..).unwrap_or_default();
        groups::rescale(sums, shifts, limits, y.get_mut(first..).unwrap_or_default());
    });
}
