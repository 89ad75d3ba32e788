//! Half pairs: weights of 16 bits, two columns in a word; exact modulo 2³².

use super::stream::{self, Form};
use super::{Constants, Definition, Layer, Storage};
use crate::plan::cost::Mix;
use crate::plan::{Accumulator, Isa};

pub(super) struct HalfPairs;

const FORM: Form = Form {
    quad: |rows, words| {
        for column in [0, 2] {
            words.extend(rows.map(|row| stream::word(row[column], row[column + 1])));
        }
    },
    start: |[a, b, c, d]| [a, c, b, d].map(|start| start as i32),
    upper_shift: 0,
};

impl Definition for HalfPairs {
    fn name(&self) -> &'static str {
        "half_pairs"
    }

    fn suits(&self, isa: Isa) -> bool {
        isa == Isa::ArmV7eDsp
    }

    fn prove(&self, layer: &Layer<'_>) -> Result<(), String> {
        stream::prove(layer)?;
        let mut weights = layer.weights.data.iter();
        match weights.find(|w| !(-32_768..=32_767).contains(*w)) {
            Some(weight) => Err(format!("a weight of {weight} has more than 16 bits")),
            None => Ok(()),
        }
    }

    fn mix(&self, layer: &Layer<'_>, _isa: Isa) -> Mix {
        let quad = match layer.twins {
            false => Mix {
                multiplies: 8,
                multiple_loads: 3,
                loaded_words: 10,
                ..Mix::default()
            },
            true => Mix {
                multiplies: 16,
                loads: 8,
                multiple_loads: 2,
                loaded_words: 4,
                ..Mix::default()
            },
        };
        stream::mix(layer, &quad, 0)
    }

    fn constants(&self, layer: &Layer<'_>) -> Constants {
        stream::pack(layer, &FORM)
    }

    fn weight_bytes(&self) -> u64 {
        2
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
