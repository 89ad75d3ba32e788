//! Eight rows at a time, a byte per weight: every load of the operand serves eight rows. Operands of
//! 8 and 16 bits, exact wherever the verifier's accumulators of 32 bits are.

use super::groups::{self, ROWS};
use super::{Constants, Definition, Layer, Packed, Storage};
use crate::plan::cost::Mix;
use crate::plan::{Accumulator, Isa};

pub(super) struct RowBlocks;

impl Definition for RowBlocks {
    fn name(&self) -> &'static str {
        "row_blocks"
    }

    fn suits(&self, isa: Isa) -> bool {
        matches!(isa, Isa::Rv32im | Isa::ArmV6m)
    }

    fn prove(&self, layer: &Layer<'_>) -> Result<(), String> {
        groups::prove(layer, 16)
    }

    /// As the assembly stands.
    fn mix(&self, layer: &Layer<'_>, isa: Isa) -> Mix {
        let groups = layer.rows().div_ceil(ROWS);
        let (columns, passes, column) = match isa {
            // Four columns are written out.
            Isa::Rv32im => (
                layer.columns(),
                layer.columns() / 4 + layer.columns() % 4,
                Mix {
                    arithmetic: 8,
                    multiplies: 8,
                    loads: 9,
                    ..Mix::default()
                },
            ),
            _ => (
                layer.columns(),
                layer.columns(),
                Mix {
                    arithmetic: 19,
                    multiplies: 8,
                    loads: 3,
                    ..Mix::default()
                },
            ),
        };
        let pass = Mix {
            arithmetic: 2,
            branches: 1,
            ..Mix::default()
        };
        groups::sum(&[
            (1, groups::frame(layer, isa)),
            (groups * columns, column),
            (groups * passes, pass),
        ])
    }

    fn constants(&self, layer: &Layer<'_>) -> Constants {
        let mut words = vec![];
        for group in groups::groups(layer) {
            for column in 0..layer.columns() {
                for first in (0..ROWS).step_by(4) {
                    let byte =
                        |k: usize| (groups::weight(&group, first + k, column) & 0xff) << (8 * k);
                    words.push((0..4).map(byte).sum());
                }
            }
        }
        let weights = Packed {
            element: "u32",
            data: words,
        };
        groups::constants(layer, weights, groups::biases(layer), None)
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
