//! Live words that saturate, by field.

use anyhow::Result;
use hodoscope_interpreter::Event;
use hodoscope_program::{Input, Live, Program, WordRef};

use super::Events;

/// Words of one field.
#[derive(Clone, Debug, PartialEq)]
pub struct Saturated {
    /// Name of the input.
    pub input: String,
    /// Name of the field.
    pub field: String,
    /// Words of slots that hold something.
    pub live: u64,
    /// Of them those whose value is outside of the field's range.
    pub saturated: u64,
}

impl Saturated {
    /// Saturated of live words.
    pub fn fraction(&self) -> f64 {
        self.saturated as f64 / self.live.max(1) as f64
    }
}

/// Counts over all calibration events; a slot that is empty has no live word.
///
/// # Errors
/// When a value has no word.
pub fn saturated(program: &Program, events: &Events) -> Result<Vec<Saturated>> {
    let of = |input: &Input, field: usize| Saturated {
        input: input.name.clone(),
        field: input.fields[field].name.clone(),
        live: 0,
        saturated: 0,
    };
    let mut counts: Vec<Vec<Saturated>> = program
        .inputs
        .iter()
        .map(|input| {
            (0..input.fields.len())
                .map(|field| of(input, field))
                .collect()
        })
        .collect();
    for event in 0..events.len() {
        let words = events.words(program, event)?;
        for (place, input) in program.inputs.iter().enumerate() {
            let values = events.named(&input.name, event)?;
            for (slot, row) in values.chunks(input.channels).enumerate() {
                if !is_live(program, &words, place, slot, row) {
                    continue;
                }
                for (channel, value) in row.iter().enumerate() {
                    let fields = input.fields.len();
                    let Some(count) = counts[place].get_mut(channel % fields.max(1)) else {
                        continue;
                    };
                    count.live += 1;
                    let encoded = input.field(channel).encode(f64::from(*value));
                    count.saturated += u64::from(encoded.is_ok_and(|word| word.saturated));
                }
            }
        }
    }
    Ok(counts.into_iter().flatten().collect())
}

/// Whether a row holds something: by its set's rule, and else not if it holds one number alone, as padding does.
fn is_live(program: &Program, words: &Event, input: usize, slot: usize, row: &[f32]) -> bool {
    let own = &program.inputs[input];
    let Some(set) = own.set else {
        return row.len() < 2 || row.iter().any(|value| *value != row[0]);
    };
    let word = |at: WordRef| {
        let channels = program.inputs[at.input.index()].channels;
        words.inputs[at.input.index()]
            .get(slot * channels + at.channel)
            .copied()
    };
    match program.set(set).live {
        Live::Always => row.len() < 2 || row.iter().any(|value| *value != row[0]),
        Live::NotEmpty { input } => {
            let fields = &program.inputs[input.index()];
            (0..fields.channels).any(|channel| {
                word(WordRef { input, channel }).is_some_and(|w| w != fields.field(channel).empty)
            })
        }
        Live::Above {
            word: at,
            threshold,
        } => word(at).is_some_and(|w| w > threshold),
        Live::NotEqual { word: at, empty } => word(at).is_some_and(|w| w != empty),
    }
}
