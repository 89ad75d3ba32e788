//! Events beyond what calibration saw: what no format may lose where the words can take it.
//!
//! An anomaly is what calibration has not seen. So the sample events are taken again with their words twice, four, six and
//! ten times as large, as far as the words go, and the program is compared with the float network on them.

use std::collections::BTreeSet;

use hodoscope_interpreter::Event;
use hodoscope_program::{Encoding, FieldOverflow, Input, Program};

use super::{Activations, Options, QuantiseError, Reach, precision};

/// By how much words are multiplied.
const FACTORS: [i64; 4] = [2, 4, 6, 10];
/// Each has every third event, most other ones than its neighbour.
const STRIDE: usize = 3;
/// Events of each factor.
const EVENTS: usize = 24;
/// Values that a column takes at least, so that they are measured numbers and no codes, truths or counts of few.
const NUMBERS: usize = 17;
/// What an output may miss of its range on events of a factor, with operands of 16 bits and of 8; or so many times what it
/// misses of the calibration's.
const BAR: f64 = 1.0 / 512.0;
const BAR_OF_FEW: f64 = 1.0 / 32.0;
const TIMES: f64 = 2.0;

/// Sample events whose words are larger.
#[derive(Debug)]
pub(super) struct Beyond {
    levels: Vec<Level>,
    bar: f64,
}

#[derive(Debug)]
struct Level {
    factor: i64,
    sample: Vec<Event>,
    outputs: Vec<Vec<Vec<f32>>>,
}

impl Beyond {
    /// Of a sample of `inputs`; `float` gives the outputs of the float network, where they exist.
    pub fn of<E>(
        inputs: &[&Input],
        sample: &[Event],
        options: &Options,
        mut float: impl FnMut(&[&[f32]]) -> Result<Vec<Vec<f32>>, E>,
    ) -> Self {
        let grows = growing(inputs, sample);
        let mut levels: Vec<Level> = vec![];
        for (start, factor) in FACTORS.into_iter().enumerate() {
            let mut level = Level {
                factor,
                sample: vec![],
                outputs: vec![],
            };
            let events = sample.iter().skip(start.min(STRIDE - 1)).step_by(STRIDE);
            for event in events.take(EVENTS) {
                let larger = multiplied(inputs, &grows, event, factor);
                let decoded = decoded(inputs, &larger);
                let slices: Vec<&[f32]> = decoded.iter().map(Vec::as_slice).collect();
                // A code that is larger may be none.
                let Ok(outputs) = float(&slices) else {
                    continue;
                };
                level.outputs.resize(outputs.len(), vec![]);
                for (rows, row) in level.outputs.iter_mut().zip(outputs) {
                    rows.push(row);
                }
                level.sample.push(larger);
            }
            if !level.sample.is_empty() && grows.iter().flatten().any(|grows| *grows) {
                levels.push(level);
            }
        }
        let bar = match options.activations {
            Activations::Sixteen => BAR,
            Activations::Widened | Activations::Eight => BAR_OF_FEW,
        };
        Self { levels, bar }
    }

    /// The largest factor up to which `program` gives what the float network does, if it misses `missed` on the sample
    /// events themselves: 1 where it does not at twice as large words. And what it misses at the next factor, 0 where there
    /// is none.
    pub fn reach(&self, program: &Program, missed: f64) -> Result<(i64, f64), QuantiseError> {
        let mut reached = 1;
        for level in &self.levels {
            let own = precision::missed(program, &level.sample, &level.outputs)?;
            if own > self.bar.max(TIMES * missed) {
                return Ok((reached, own));
            }
            reached = level.factor;
        }
        Ok((reached, 0.0))
    }

    /// What is told of a factor that was reached, and of what is missed beyond it.
    pub fn told(&self, held: i64, missed: f64) -> Reach {
        let mut factors = self.levels.iter().map(|level| level.factor);
        let lost = factors.find(|factor| *factor > held);
        Reach { held, lost, missed }
    }

    /// The largest factor that is tried: 1 where nothing of the inputs grows.
    pub fn farthest(&self) -> i64 {
        self.levels.last().map_or(1, |level| level.factor)
    }
}

/// Of each input's words in a row whether they are measured numbers, which may be larger.
fn growing(inputs: &[&Input], sample: &[Event]) -> Vec<Vec<bool>> {
    let of_input = |(index, input): (usize, &&Input)| {
        let numbers = |channel: usize| {
            let words = sample.iter().flat_map(|event| {
                let words = event.inputs[index].iter();
                words.skip(channel).step_by(input.channels)
            });
            let mut seen = BTreeSet::new();
            words.into_iter().any(|word| {
                seen.insert(*word);
                seen.len() >= NUMBERS
            })
        };
        let grows = |channel: usize| {
            let field = input.field(channel);
            field.overflow == FieldOverflow::Saturate
                && matches!(field.encoding, Encoding::Nearest | Encoding::Calibrated)
                && numbers(channel)
        };
        (0..input.channels).map(grows).collect()
    };
    inputs.iter().enumerate().map(of_input).collect()
}

fn multiplied(inputs: &[&Input], grows: &[Vec<bool>], event: &Event, factor: i64) -> Event {
    let mut larger = event.clone();
    for ((input, grows), words) in inputs.iter().zip(grows).zip(&mut larger.inputs) {
        for (position, word) in words.iter_mut().enumerate() {
            let channel = position % input.channels;
            let field = input.field(channel);
            if grows[channel] && *word != field.empty {
                *word = (*word * factor).clamp(field.minimum, field.maximum);
            }
        }
    }
    larger
}

fn decoded(inputs: &[&Input], event: &Event) -> Vec<Vec<f32>> {
    let of_input = |(input, words): (&&Input, &Vec<i64>)| {
        let values = words.iter().enumerate();
        let value = |(position, word): (usize, &i64)| {
            input.field(position % input.channels).decode(*word) as f32
        };
        values.map(value).collect()
    };
    inputs.iter().zip(&event.inputs).map(of_input).collect()
}

#[cfg(test)]
mod tests {
    use hodoscope_program::{ExactF64, Field};

    use super::*;

    fn field(overflow: FieldOverflow, maximum: i64) -> Field {
        Field {
            name: "pt".into(),
            unit: String::new(),
            lsb: ExactF64(0.5),
            minimum: -maximum,
            maximum,
            overflow,
            empty: 7,
            encoding: Encoding::Nearest,
        }
    }

    #[test]
    fn measured_words_grow_as_far_as_they_go_and_nothing_else_does() {
        let input = Input {
            name: "x".into(),
            set: None,
            channels: 3,
            fields: vec![
                field(FieldOverflow::Saturate, 100),
                field(FieldOverflow::Wrap, 100),
                field(FieldOverflow::Saturate, 100),
            ],
        };
        let event = |i: i64| Event {
            inputs: vec![vec![i, i, i % 2]],
        };
        let sample: Vec<Event> = (0..72).map(event).collect();
        let float = |x: &[&[f32]]| Ok::<_, QuantiseError>(vec![x[0].to_vec()]);
        let options = Options::default();
        let beyond = Beyond::of(&[&input], &sample, &options, float);
        assert_eq!(beyond.farthest(), 10);
        let last = &beyond.levels[3];
        // Events 2, 5, 8, …; 7 and its like are empty words.
        assert_eq!(last.sample[0].inputs[0], [20, 2, 0]);
        assert_eq!(last.sample[10].inputs[0], [100, 32, 0]);
        assert_eq!(last.outputs[0][0], [10.0, 1.0, 0.0]);
        let few = Beyond::of(&[&input], &sample[..9], &options, float);
        assert_eq!(few.farthest(), 1);
        let none = |_: &[&[f32]]| Err(());
        assert_eq!(Beyond::of(&[&input], &sample, &options, none).farthest(), 1);
    }
}
