//! Four rows in a word, a byte each: two multiplies for four weights. For cores without packed
//! arithmetic.
//!
//! Exact where no sum of a block of columns leaves 16 bits: blocks are cut so that none does.

use super::groups::{self, ROWS};
use super::packed_words::wrapped;
use super::{Constants, Definition, Layer, Packed, Storage};
use crate::plan::cost::Mix;
use crate::plan::{Accumulator, Isa};

pub(super) struct ByteQuads;

impl Definition for ByteQuads {
    fn name(&self) -> &'static str {
        "byte_quads"
    }

    fn suits(&self, isa: Isa) -> bool {
        matches!(isa, Isa::Rv32im | Isa::ArmV6m)
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
        let (first, other) = match isa {
            Isa::Rv32im => (
                Mix {
                    arithmetic: 35,
                    multiplies: 4,
                    loads: 4,
                    branches: 2,
                    ..Mix::default()
                },
                Mix {
                    arithmetic: 9,
                    multiplies: 4,
                    loads: 3,
                    ..Mix::default()
                },
            ),
            _ => (
                Mix {
                    arithmetic: 50,
                    multiplies: 4,
                    loads: 14,
                    multiple_loads: 1,
                    loaded_words: 2,
                    stores: 5,
                    branches: 2,
                },
                Mix {
                    arithmetic: 10,
                    multiplies: 4,
                    loads: 1,
                    multiple_loads: 1,
                    loaded_words: 2,
                    ..Mix::default()
                },
            ),
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
                for first in (0..ROWS).step_by(4) {
                    let byte =
                        |k: usize| (groups::weight(&group, first + k, column) + 128) << (8 * k);
                    words.push((0..4).map(byte).sum());
                }
            }
        }
        let blocks = groups::blocks(layer).unwrap_or_default();
        let mut bias = groups::biases(layer);
        for (group, blocks) in bias.as_chunks_mut::<ROWS>().0.iter_mut().zip(&blocks) {
            // Each block adds a half that rounds, 2^15, to the sum of the words.
            let halves = (blocks.len() as i64) << 15;
            for quad in group.as_chunks_mut::<4>().0 {
                for row in 0..2 {
                    quad[row] = wrapped(quad[row] + (quad[row + 2] << 16) - halves);
                }
            }
        }
        let weights = Packed {
            element: "u32",
            data: words,
        };
        groups::constants(layer, weights, bias, Some(&blocks))
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
