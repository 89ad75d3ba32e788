//! Nested pairs: rows a and b in one half, 256·a + b; an upper sum A needs |A| < 2²³.

use super::stream::{self, Form};
use super::{Constants, Definition, Layer, Storage};
use crate::plan::cost::Mix;
use crate::plan::{Accumulator, Isa};

pub(super) struct NestedPairs;

/// An upper sum is what 32 bits hold above the lower eight.
const LIMIT: i128 = 1 << 23;

const FORM: Form = Form {
    quad: |[a, b, c, d], words| {
        for column in [0, 2] {
            for (upper, lower) in [(a, b), (c, d)] {
                let nested = |column: usize| 256 * upper[column] + lower[column];
                words.push(stream::word(nested(column), nested(column + 1)));
            }
        }
    },
    start: |[a, b, c, d]| {
        // Modulo 2³², as the sums are.
        let nested = |upper: i64, lower: i64| (256 * upper + lower) as i32;
        [nested(a, b), nested(c, d), b as i32, d as i32]
    },
    upper_shift: 8,
};

impl Definition for NestedPairs {
    fn name(&self) -> &'static str {
        "nested_pairs"
    }

    fn suits(&self, isa: Isa) -> bool {
        isa == Isa::ArmV7eDsp
    }

    fn prove(&self, layer: &Layer<'_>) -> Result<(), String> {
        stream::prove(layer)?;
        let starts = stream::starts(layer);
        let shifts = stream::shifts(layer);
        let magnitude = layer.interval.magnitude();
        for (row, weights) in layer.each_row().enumerate() {
            if let Some(weight) = weights.iter().find(|w| !(-128..=127).contains(*w)) {
                return Err(format!("a weight of {weight} has more than 8 bits"));
            }
            // The rows b and d are lower ones: whole sums of 32 bits.
            if row % 2 == 1 {
                continue;
            }
            if weights.contains(&-128) {
                return Err(format!(
                    "row {row} has a weight of −128: 256·a + b exceeds 16 bits"
                ));
            }
            let norm: i128 = weights.iter().map(|w| i128::from(w.abs())).sum();
            let bound = norm * magnitude + i128::from(starts[row].abs());
            if bound >= LIMIT {
                return Err(format!(
                    "the sum of row {row} may reach {bound}, 2^23 or more"
                ));
            }
            if shifts[row] > 23 {
                return Err(format!("the shift of row {row} is above 23"));
            }
        }
        Ok(())
    }

    fn mix(&self, layer: &Layer<'_>, _isa: Isa) -> Mix {
        let quad = match layer.twins {
            false => Mix {
                arithmetic: 4,
                multiplies: 8,
                multiple_loads: 2,
                loaded_words: 6,
                ..Mix::default()
            },
            true => Mix {
                arithmetic: 4,
                multiplies: 16,
                loads: 4,
                multiple_loads: 2,
                loaded_words: 4,
                ..Mix::default()
            },
        };
        stream::mix(layer, &quad, 4)
    }

    fn constants(&self, layer: &Layer<'_>) -> Constants {
        stream::pack(layer, &FORM)
    }

    fn generics(&self, _accumulator: Accumulator) -> String {
        String::new()
    }

    fn block_rows(&self) -> Option<usize> {
        Some(stream::ROWS)
    }

    fn operand(&self) -> Storage {
        Storage::Pairs
    }

    fn result(&self, rescaled: bool) -> Storage {
        stream::result(rescaled)
    }

    fn twins(&self) -> bool {
        true
    }
}
