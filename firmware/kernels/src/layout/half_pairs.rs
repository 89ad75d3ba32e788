//! Half pairs: weights of 16 bits, two columns in a word, and `SMLAD` over them.
//!
//! Exact wherever sums fit in 32 bits, modulo 2³² on the way; weights of up to 16 bits, two bytes
//! each. A pair of columns is four words: those of a, b, c and d.

use crate::layout::stream::{self, Ending, functions};

functions!(half_pairs, 8, twins);

/// Computes `4·quads` columns; `x` gives the pair of the columns 2·i and 2·i + 1.
fn body(
    quads: usize,
    x: impl Fn(usize) -> i32,
    stream: &[i32],
    ending: Ending,
    mut result: impl FnMut(usize, i32),
) {
    let block = 4 + 8 * quads + ending.words();
    for (index, block) in stream.chunks_exact(block).enumerate() {
        let (start, weights) = block.split_at(4);
        // The accumulators start in the order a, c, b, d.
        let mut sums = [start[0], start[2], start[1], start[3]];
        for pair in 0..2 * quads {
            for (row, sum) in sums.iter_mut().enumerate() {
                *sum = stream::multiply_pairs(weights[4 * pair + row], x(pair), *sum);
            }
        }
        for (row, sum) in sums.into_iter().enumerate() {
            let shift = stream::shift(block[block.len() - 1], row as u32 ^ 1);
            result(4 * index + row, ending.of(sum, shift));
        }
    }
}
