//! Two rows in a word: one multiply for two weights, at two bytes each. For cores without packed
//! arithmetic.
//!
//! Exact where no sum of a block of columns leaves 16 bits: blocks are cut so that none does.

use super::groups::{self, ROWS};
use super::{Constants, Definition, Layer, Packed, Storage};
use crate::plan::cost::Mix;
use crate::plan::{Accumulator, Isa};

pub(super) struct PackedWords;

impl Definition for PackedWords {
    fn name(&self) -> &'static str {
        "packed_words"
    }

    fn suits(&self, isa: Isa) -> bool {
        isa == Isa::Rv32im
    }

    fn prove(&self, layer: &Layer<'_>) -> Result<(), String> {
        groups::prove(layer, 8)?;
        groups::blocks(layer).map(drop)
    }

    /// As the assembly stands.
    fn mix(&self, layer: &Layer<'_>, isa: Isa) -> Mix {
        let blocks: usize = groups::blocks(layer)
            .unwrap_or_default()
            .iter()
            .map(Vec::len)
            .sum();
        let columns = layer.rows().div_ceil(ROWS) * layer.columns();
        let first = Mix {
            arithmetic: 21,
            multiplies: 5,
            loads: 6,
            branches: 2,
            ..Mix::default()
        };
        let other = Mix {
            arithmetic: 4,
            multiplies: 4,
            loads: 5,
            ..Mix::default()
        };
        groups::sum(&[
            (1, groups::frame(layer, isa)),
            (blocks, first),
            (columns - blocks, other),
        ])
    }

    fn constants(&self, layer: &Layer<'_>) -> Constants {
        let mut words = vec![];
        for group in groups::groups(layer) {
            for column in 0..layer.columns() {
                for row in (0..ROWS).step_by(2) {
                    let of = |row| groups::weight(&group, row, column);
                    words.push((of(row + 1) << 16) + of(row));
                }
            }
        }
        let mut bias = groups::biases(layer);
        for pair in bias.as_chunks_mut::<2>().0 {
            pair[0] = wrapped(pair[0] + (pair[1] << 16));
        }
        let weights = Packed {
            element: "i32",
            data: words,
        };
        let blocks = groups::blocks(layer).unwrap_or_default();
        groups::constants(layer, weights, bias, Some(&blocks))
    }

    fn weight_bytes(&self) -> u64 {
        2
    }

    fn generics(&self, _accumulator: Accumulator) -> String {
        String::new()
    }

    fn operand(&self) -> Storage {
        Storage::Narrowest
    }

    fn result(&self, _rescaled: bool) -> Storage {
        Storage::Narrowest
    }
}

/// Modulo 2^32, as the kernel adds it up.
pub(super) fn wrapped(value: i64) -> i64 {
    i64::from(value as i32)
}
