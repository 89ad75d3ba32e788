//! Byte pairs: weights of 8 bits, four columns in a word, and `SMLAD` over what `SXTB16` takes out.
//!
//! Exact wherever sums fit in 32 bits, modulo 2³² on the way, whatever the activations: one byte
//! per weight. The bytes of a word are the columns 0, 2, 1, 3, so that its even bytes are a pair of
//! columns, and its odd bytes the next; four columns are four words: those of a, b, c and d.

use crate::layout::stream::{self, Ending, functions};

functions!(byte_pairs, 4);

/// Computes `4·quads` columns; `x` gives the pair of the columns 2·i and 2·i + 1.
fn body(
    quads: usize,
    x: impl Fn(usize) -> i32,
    stream: &[i32],
    ending: Ending,
    mut result: impl FnMut(usize, i32),
) {
    let block = 4 + 4 * quads + ending.words();
    for (index, block) in stream.chunks_exact(block).enumerate() {
        let (start, weights) = block.split_at(4);
        // The accumulators start in the order a, c, b, d.
        let mut sums = [start[0], start[2], start[1], start[3]];
        for quad in 0..quads {
            for (row, sum) in sums.iter_mut().enumerate() {
                let weights = weights[4 * quad + row];
                let (first, second) = (
                    stream::even_bytes(weights),
                    stream::even_bytes(weights >> 8),
                );
                *sum = stream::multiply_pairs(first, x(2 * quad), *sum);
                *sum = stream::multiply_pairs(second, x(2 * quad + 1), *sum);
            }
        }
        for (row, sum) in sums.into_iter().enumerate() {
            let shift = stream::shift(block[block.len() - 1], row as u32 ^ 1);
            result(4 * index + row, ending.of(sum, shift));
        }
    }
}
