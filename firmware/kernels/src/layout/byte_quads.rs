//! Four rows in a word, a byte each: two multiplies for four weights, on cores without packed
//! arithmetic.
//!
//! A word W holds the bytes r + 128 of four rows r. U_k stands for Σ (r_k + 128)·x. Summed over
//! columns, modulo 2^32, W·x gives S = U3·2^24 + U2·2^16 + U1·2^8 + U0, and the odd bytes alone, moved to the places of
//! the even ones, give T = U3·2^16 + U1. So S − T·2^8 = U2·2^16 + U0. With X = Σ x, subtracting
//! X·(128·2^16 + 128) from both leaves the signed sums of two rows each, which come apart as those of
//! [`super::packed_words`] do, in blocks of the same kind: the offset of the bytes costs no room.
//!
//! One byte per weight. With eight rows at once a column costs an 8-bit load, an add, and twice a word
//! load, a shift, a mask, two multiplies and two adds: two instructions per weight, and 29 more per
//! block.

use super::groups::{self, ROWS};
use crate::number::Narrow;
use crate::rescale::Shift;

#[cfg(hodoscope_isa = "armv6m")]
use crate::arch::armv6m::byte_quads::group;
#[cfg(hodoscope_isa = "rv32im")]
use crate::arch::rv32im::byte_quads::{self as arch, Output};
#[cfg(not(hodoscope_isa = "armv6m"))]
use portable as group;

#[cfg(not(hodoscope_isa = "rv32im"))]
use super::groups::Output;

/// Words of a column of a group.
const WORDS: usize = ROWS / 4;

/// The even bytes of a word.
const EVEN: u32 = 0x00ff_00ff;

/// 128 in the places of two even bytes.
const OFFSETS: u32 = 0x0080_0080;

/// The sums of one group of eight rows.
///
/// `x`: `[in]`, `words`: `[in, 2]`, byte k of word q = row 4q + k, plus 128, `blocks`: lengths of
/// blocks until they add up to `in`. `sums` are the biases at first, `[4q + k]` with k = 0, 2 for
/// rows 4q and 4q + 2 and k = 1, 3 for rows 4q + 1 and 4q + 3: of each of these two pairs the second holds the
/// bias a of its row, and the first b + a·2^16 − 2^15·blocks. They are the rows' sums in the end.
/// Returns the number of blocks.
#[inline(always)]
pub fn portable(x: &[i8], words: &[u32], blocks: &[u8], sums: &mut [i32; ROWS]) -> usize {
    let (mut x, mut words) = (x, words.as_chunks::<WORDS>().0);
    let mut used = 0;
    for length in blocks {
        if x.is_empty() {
            break;
        }
        let length = usize::from(*length).min(x.len());
        let mut packed = [[0u32; 2]; WORDS];
        let mut x_sum = 0u32;
        for (x, words) in x.iter().zip(words).take(length) {
            let x = i32::from(*x).cast_unsigned();
            x_sum = x_sum.wrapping_add(x);
            for ([all, odd], word) in packed.iter_mut().zip(words) {
                *all = all.wrapping_add(word.wrapping_mul(x));
                *odd = odd.wrapping_add((word >> 8 & EVEN).wrapping_mul(x));
            }
        }
        let offset = x_sum.wrapping_mul(OFFSETS).wrapping_sub(1 << 15);
        for (sums, [all, odd]) in sums.as_chunks_mut::<4>().0.iter_mut().zip(packed) {
            let even = all.wrapping_sub(odd << 8);
            for (first, pair) in [even, odd].into_iter().enumerate() {
                let pair = pair.wrapping_sub(offset).cast_signed();
                sums[first] = sums[first].wrapping_add(pair);
                sums[first + 2] = sums[first + 2].wrapping_add(pair >> 16);
            }
        }
        x = x.get(length..).unwrap_or_default();
        words = words.get(length..).unwrap_or_default();
        used += 1;
    }
    for sums in sums.as_chunks_mut::<4>().0 {
        for first in 0..2 {
            sums[first] = sums[first].wrapping_sub(sums[first + 2] << 16);
        }
    }
    used
}

/// Calls `finish` with the first row and the sums of each group.
#[inline(always)]
fn each_group(
    x: &[i8],
    (mut words, mut blocks): (&[u32], &[u8]),
    bias: &[i32],
    mut finish: impl FnMut(usize, &[i32; ROWS]),
) {
    for (index, bias) in bias.as_chunks::<ROWS>().0.iter().enumerate() {
        let mut sums = *bias;
        let used = group(x, words, blocks, &mut sums);
        words = words.get(WORDS * x.len()..).unwrap_or_default();
        blocks = blocks.get(used..).unwrap_or_default();
        finish(ROWS * index, &sums);
    }
}

/// A dense layer whose sums are the result.
///
/// `x`: `[in]`, `weights`: words of all groups, `[groups, in, 2]`, and the lengths of their blocks;
/// `bias`: `[groups, 8]`, as in [`portable`]; `y`: `[out]`.
#[inline(never)]
pub fn dense<Y: Narrow<i32>>(x: &[i8], weights: (&[u32], &[u8]), bias: &[i32], y: &mut [Y]) {
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
pub fn dense_rescale<Y: Output>(
    x: &[i8],
    weights: (&[u32], &[u8]),
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
pub fn portable_dense<Y: Narrow<i32>>(
    x: &[i8],
    weights: (&[u32], &[u8]),
    bias: &[i32],
    y: &mut [Y],
) {
    each_group(x, weights, bias, |first, sums| {
        groups::store(sums, y.get_mut(first..).unwrap_or_default());
    });
}

/// The portable body of [`dense_rescale`].
pub fn portable_dense_rescale<Y: Narrow<i32>>(
    x: &[i8],
    weights: (&[u32], &[u8]),
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
