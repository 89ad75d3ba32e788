//! Two rows in a word: one multiply for two weights, on cores without packed arithmetic.
//!
//! A word is a·2^16 + b. Times x, and summed over columns, it holds the sums A and B of both rows as
//! S = A·2^16 + B modulo 2^32. While both are within ±2^15 they come apart: A = (S + 2^15) >> 16.
//! So the columns are cut into blocks that keep every sum of eight rows within, whatever the
//! operand; the compiler finds the longest from the weights and the operand's interval. Of each block A is
//! added to one register and S to another: in the end B is the sum of all S less the sum of all A
//! times 2^16, modulo 2^32, where it is exact if B fits 32 bits.
//!
//! Two bytes per weight. With eight rows at once a column costs an 8-bit load, four word loads, four
//! multiplies and four adds: 1.6 instructions per weight, and 21 more per block.

use super::groups::{self, ROWS};
use crate::number::Narrow;
use crate::rescale::Shift;

#[cfg(hodoscope_isa = "rv32im")]
use crate::arch::rv32im::packed_words::{self as arch, Output};

#[cfg(not(hodoscope_isa = "rv32im"))]
use super::groups::Output;

/// Words of a column of a group.
const WORDS: usize = ROWS / 2;

/// The sums of one group of eight rows.
///
/// `x`: `[in]`, `words`: `[in, 4]`, word p = rows 2p + 1 and 2p, `blocks`: lengths of blocks until
/// they add up to `in`. `sums` are the biases at first: 2p + 1 holds that of row 2p + 1, and 2p that
/// of the word, b + a·2^16. They are the rows' sums in the end. Returns the number of blocks.
#[inline(always)]
pub fn portable(x: &[i8], words: &[i32], blocks: &[u8], sums: &mut [i32; ROWS]) -> usize {
    let (mut x, mut words) = (x, words.as_chunks::<WORDS>().0);
    let mut used = 0;
    for length in blocks {
        if x.is_empty() {
            break;
        }
        let length = usize::from(*length).min(x.len());
        let mut packed = [0i32; WORDS];
        for (x, words) in x.iter().zip(words).take(length) {
            for (sum, word) in packed.iter_mut().zip(words) {
                *sum = sum.wrapping_add(word.wrapping_mul((*x).into()));
            }
        }
        for (sums, packed) in sums.as_chunks_mut::<2>().0.iter_mut().zip(packed) {
            sums[1] = sums[1].wrapping_add(packed.wrapping_add(1 << 15) >> 16);
            sums[0] = sums[0].wrapping_add(packed);
        }
        x = x.get(length..).unwrap_or_default();
        words = words.get(length..).unwrap_or_default();
        used += 1;
    }
    for sums in sums.as_chunks_mut::<2>().0 {
        sums[0] = sums[0].wrapping_sub(sums[1] << 16);
    }
    used
}

/// Calls `finish` with the first row and the sums of each group.
#[inline(always)]
fn each_group(
    x: &[i8],
    (mut words, mut blocks): (&[i32], &[u8]),
    bias: &[i32],
    mut finish: impl FnMut(usize, &[i32; ROWS]),
) {
    for (index, bias) in bias.as_chunks::<ROWS>().0.iter().enumerate() {
        let mut sums = *bias;
        let used = portable(x, words, blocks, &mut sums);
        words = words.get(WORDS * x.len()..).unwrap_or_default();
        blocks = blocks.get(used..).unwrap_or_default();
        finish(ROWS * index, &sums);
    }
}

/// A dense layer whose sums are the result.
///
/// `x`: `[in]`, `weights`: words of all groups, `[groups, in, 4]`, and the lengths of their blocks;
/// `bias`: `[groups, 8]`, as in [`portable`]; `y`: `[out]`.
#[inline(never)]
pub fn dense<Y: Narrow<i32>>(x: &[i8], weights: (&[i32], &[u8]), bias: &[i32], y: &mut [Y]) {
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
    weights: (&[i32], &[u8]),
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
    weights: (&[i32], &[u8]),
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
    weights: (&[i32], &[u8]),
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
