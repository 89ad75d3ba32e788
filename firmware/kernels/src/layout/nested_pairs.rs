//! Nested pairs: two rows a, b in one half v = 256·a + b, two columns in a word.
//!
//! `SMLAD` over v and a pair of x accumulates S = 256·A + B; `SXTB16` keeps the b of both columns,
//! and a second `SMLAD` accumulates B; A = (S − B) / 256, exact while |A| < 2²³. One byte per weight.
//! A word of a pair of columns holds a and b, the next one c and d.

use crate::layout::stream::{self, Ending, functions};

functions!(nested_pairs, 4, twins);

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
        let mut nested = [start[0], start[1]];
        let mut lower = [start[2], start[3]];
        for pair in 0..2 * quads {
            for half in 0..2 {
                let weights = weights[2 * pair + half];
                nested[half] = stream::multiply_pairs(weights, x(pair), nested[half]);
                let even = stream::even_bytes(weights);
                lower[half] = stream::multiply_pairs(even, x(pair), lower[half]);
            }
        }
        for half in 0..2 {
            let upper = nested[half].wrapping_sub(lower[half]);
            // A shift divides by 256 on the way.
            let upper = match ending {
                Ending::Shifted => upper,
                Ending::Sums | Ending::Even => upper >> 8,
            };
            let shift = |byte| stream::shift(block[block.len() - 1], byte);
            let (b, a) = (shift(2 * half as u32), shift(2 * half as u32 + 1));
            result(4 * index + 2 * half, ending.of(upper, a));
            result(4 * index + 2 * half + 1, ending.of(lower[half], b));
        }
    }
}
