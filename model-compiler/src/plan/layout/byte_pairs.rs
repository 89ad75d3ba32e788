//! Byte pairs: weights of 8 bits, four columns in a word; exact modulo 2³², whatever the activations.

use super::stream::{self, Form};
use super::{Constants, Definition, Layer, Storage};
use crate::plan::cost::Mix;
use crate::plan::{Accumulator, Isa};

pub(super) struct BytePairs;

const FORM: Form =
    Form {
        quad: |rows, words| {
            // The even bytes are one pair of columns, the odd ones the next.
            let byte = |weight: i64| weight as u8;
            words.extend(rows.map(|[w0, w1, w2, w3]| {
                i32::from_le_bytes([byte(w0), byte(w2), byte(w1), byte(w3)])
            }));
        },
        start: |[a, b, c, d]| [a, c, b, d].map(|start| start as i32),
        upper_shift: 0,
    };

impl Definition for BytePairs {
    fn name(&self) -> &'static str {
        "byte_pairs"
    }

    fn suits(&self, isa: Isa) -> bool {
        isa == Isa::ArmV7eDsp
    }

    fn prove(&self, layer: &Layer<'_>) -> Result<(), String> {
        stream::prove(layer)?;
        let mut weights = layer.weights.data.iter();
        match weights.find(|w| !(-128..=127).contains(*w)) {
            Some(weight) => Err(format!("a weight of {weight} has more than 8 bits")),
            None => Ok(()),
        }
    }

    fn mix(&self, layer: &Layer<'_>, _isa: Isa) -> Mix {
        let quad = Mix {
            arithmetic: 8,
            multiplies: 8,
            multiple_loads: 2,
            loaded_words: 6,
            ..Mix::default()
        };
        stream::mix(layer, &quad, 0)
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
}
