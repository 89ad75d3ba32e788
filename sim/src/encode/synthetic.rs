//! Events that are made up, to measure what depends on the multiplicity only.

use hodoscope_interpreter::Event;
use hodoscope_program::{Input, Live, Program};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::{EncodeReport, Events, InputWords};

impl Events {
    /// Events whose words are given. Nothing is encoded: the report stays empty.
    pub fn of_words(program: &Program, events: &[Event]) -> Self {
        let mut inputs: Vec<InputWords> = program.inputs.iter().map(InputWords::new).collect();
        for event in events {
            for (words, own) in inputs.iter_mut().zip(&event.inputs) {
                words.words.extend(own);
                words.rows.push(words.words.len() / words.channels);
            }
        }
        Self {
            inputs,
            count: events.len(),
            report: EncodeReport::new(program, events.len()),
        }
    }

    /// One event for each of `multiplicities`, with as many live constituents in every set and
    /// words drawn uniformly from their fields' ranges (ChaCha with 8 rounds).
    ///
    /// Nothing is encoded: the report stays empty.
    pub fn synthetic(program: &Program, multiplicities: &[usize], seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut between = |minimum: i64, maximum: i64| {
            let words = (i128::from(maximum) - i128::from(minimum) + 1).max(1);
            let offset = (i128::from(random.next_u64()) * words) >> 64;
            (i128::from(minimum) + offset) as i64
        };
        let mut inputs: Vec<InputWords> = program.inputs.iter().map(InputWords::new).collect();
        for &multiplicity in multiplicities {
            for (input, words) in program.inputs.iter().zip(&mut inputs) {
                let rows = if input.set.is_some() { multiplicity } else { 1 };
                for channel in (0..rows).flat_map(|_| 0..input.channels) {
                    let field = input.field(channel);
                    words.words.push(between(field.minimum, field.maximum));
                }
                words.rows.push(words.words.len() / input.channels);
            }
        }
        for set in &program.sets {
            if let Live::NotEmpty { input } = set.live {
                fill(program.input(input), &mut inputs[input.index()].words);
            }
            let (Live::Above { word, .. } | Live::NotEqual { word, .. }) = set.live else {
                continue;
            };
            let channels = program.input(word.input).channels;
            let field = program.input(word.input).field(word.channel);
            let words = &mut inputs[word.input.index()].words;
            for word in words.iter_mut().skip(word.channel).step_by(channels) {
                let dead = match set.live {
                    Live::Always | Live::NotEmpty { .. } => false,
                    Live::Above { threshold, .. } => *word <= threshold,
                    Live::NotEqual { empty, .. } => *word == empty,
                };
                if dead {
                    *word = match set.live {
                        // As the empty code is a word of the field, one end of it is another.
                        Live::NotEqual { empty, .. } if empty == field.maximum => field.minimum,
                        _ => field.maximum,
                    };
                }
            }
        }
        Self {
            inputs,
            count: multiplicities.len(),
            report: EncodeReport::new(program, multiplicities.len()),
        }
    }
}

/// Makes a word of every row differ from its empty code, where one can.
fn fill(input: &Input, words: &mut [i64]) {
    for row in words.chunks_mut(input.channels) {
        let is_empty = |(channel, word): (usize, &i64)| *word == input.field(channel).empty;
        if !row.iter().enumerate().all(is_empty) {
            continue;
        }
        for (channel, word) in row.iter_mut().enumerate() {
            let field = input.field(channel);
            *word = match field.empty == field.maximum {
                true => field.minimum,
                false => field.maximum,
            };
        }
    }
}
