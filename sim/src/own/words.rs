//! Words for events of a verification's own.

use hodoscope_interpreter::Event;
use hodoscope_program::{Field, Input, Live, Program, SetId, WordRef};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

/// From what range the words of an event are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// The field's smallest word, or beyond: what firmware clamps.
    Low,
    /// The field's largest word, or beyond.
    High,
    /// One end or the other.
    Ends,
    /// The word of an empty slot.
    Empty,
    /// The word next to 0.
    Zero,
    /// Any word of the field.
    Uniform,
    /// Any word that the payload can carry.
    Stored,
    /// Small words more often than large ones.
    Small,
    /// Mostly empty.
    Sparse,
}

pub(super) const STYLES: [Style; 9] = [
    Style::Low,
    Style::High,
    Style::Ends,
    Style::Empty,
    Style::Zero,
    Style::Uniform,
    Style::Stored,
    Style::Small,
    Style::Sparse,
];

/// Random words of a program, the same on every host.
pub(super) struct Source<'p> {
    pub program: &'p Program,
    pub random: ChaCha8Rng,
}

impl Source<'_> {
    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.between(0, end.max(1) as i64 - 1) as usize
    }

    pub fn between(&mut self, minimum: i64, maximum: i64) -> i64 {
        let words = (i128::from(maximum) - i128::from(minimum) + 1).max(1);
        let offset = (i128::from(self.random.next_u64()) * words) >> 64;
        (i128::from(minimum) + offset) as i64
    }

    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// A word of a field of `input`.
    pub fn word(&mut self, input: &Input, field: &Field, style: Style) -> i64 {
        let stored = input.element().storage();
        let (low, high) = (field.minimum, field.maximum);
        match style {
            Style::Low => self.pick(&[low, low, (low - 1).max(stored.minimum()), stored.minimum()]),
            Style::High => self.pick(&[
                high,
                high,
                (high + 1).min(stored.maximum()),
                stored.maximum(),
            ]),
            Style::Ends => self.pick(&[
                low,
                high,
                low + i64::from(low < high),
                high - i64::from(low < high),
            ]),
            Style::Empty => field.empty,
            Style::Zero => 0i64.clamp(low, high),
            Style::Uniform => self.between(low, high),
            Style::Stored => self.between(stored.minimum(), stored.maximum()),
            Style::Small => {
                let bits = self.below(33);
                let magnitude = self.between(0, (1i64 << bits) - 1);
                let sign = self.pick(&[1, -1]);
                (field.zero_point() + sign * magnitude).clamp(low, high)
            }
            Style::Sparse => match self.below(4) {
                0 => self.between(low, high),
                _ => field.empty,
            },
        }
    }

    /// Words of an input: `rows` rows, or one where it belongs to no set.
    fn input(&mut self, input: &Input, rows: usize, style: Style) -> Vec<i64> {
        let rows = if input.set.is_some() { rows } else { 1 };
        let channels = (0..rows).flat_map(|_| 0..input.channels);
        channels
            .map(|channel| self.word(input, input.field(channel), style))
            .collect()
    }

    /// An event of so many slots of every set.
    pub fn event(&mut self, rows: usize, style: Style) -> Event {
        let program = self.program;
        let inputs = program.inputs.iter();
        Event {
            inputs: inputs.map(|input| self.input(input, rows, style)).collect(),
        }
    }

    /// Words at and beside what a set's live rule compares with, or for a set without such a rule any of these.
    pub fn at_the_rule(&mut self, event: &mut Event) {
        let program = self.program;
        for index in 0..program.sets.len() {
            let (words, around) = match program.sets[index].live {
                Live::Always => continue,
                Live::Above { word, threshold } => (vec![word], Some(threshold)),
                Live::NotEqual { word, empty } => (vec![word], Some(empty)),
                Live::NotEmpty { input } => {
                    let channels = 0..program.input(input).channels;
                    let word = |channel| WordRef { input, channel };
                    (channels.map(word).collect(), None)
                }
            };
            for row in 0..slots(program, event, SetId::new(index)) {
                // Of several words one differs from its empty code, or none.
                let which = self.below(words.len() + 1);
                for (position, at) in words.iter().enumerate() {
                    let input = program.input(at.input);
                    let (stored, field) = (input.element().storage(), input.field(at.channel));
                    let middle = around.unwrap_or(field.empty);
                    let near = match around.is_some() || position == which {
                        true => middle.saturating_add(self.pick(&[0, 1, -1])),
                        false => middle,
                    };
                    let words = &mut event.inputs[at.input.index()];
                    words[row * input.channels + at.channel] =
                        near.clamp(stored.minimum(), stored.maximum());
                }
            }
        }
    }

    /// The same order word in every slot, or one of two: ties.
    pub fn tied(&mut self, event: &mut Event) {
        let program = self.program;
        for (index, set) in program.sets.iter().enumerate() {
            let Some(at) = set.order else { continue };
            let input = program.input(at.input);
            let field = input.field(at.channel);
            let pair = [
                self.between(field.minimum, field.maximum),
                self.between(field.minimum, field.maximum),
            ];
            for row in 0..slots(program, event, SetId::new(index)) {
                let word = self.pick(&pair);
                event.inputs[at.input.index()][row * input.channels + at.channel] = word;
            }
        }
    }

    /// Another event beside `parent`: some words, a channel, a row, or all words by a factor.
    pub fn mutant(&mut self, parent: &Event, other: &Event) -> Event {
        let mut event = parent.clone();
        for _ in 0..1 + self.below(4) {
            self.mutate(&mut event, other);
        }
        event
    }

    fn mutate(&mut self, event: &mut Event, other: &Event) {
        let program = self.program;
        if program.inputs.is_empty() {
            return;
        }
        let index = self.below(program.inputs.len());
        let input = &program.inputs[index];
        let (style, stored) = (self.pick(&STYLES), input.element().storage());
        let rows = event.inputs[index].len() / input.channels;
        let channel = self.below(input.channels);
        let field = input.field(channel);
        match self.below(8) {
            // A word.
            0 | 1 if rows > 0 => {
                let row = self.below(rows);
                event.inputs[index][row * input.channels + channel] =
                    self.word(input, field, style);
            }
            // A word, by a little.
            2 if rows > 0 => {
                let row = self.below(rows);
                let delta = self.pick(&[1, -1, 2, -2, 7, -7, 31, -31]);
                let word = &mut event.inputs[index][row * input.channels + channel];
                *word = (*word + delta).clamp(stored.minimum(), stored.maximum());
            }
            // A channel of all rows.
            3 => {
                for row in 0..rows {
                    event.inputs[index][row * input.channels + channel] =
                        self.word(input, field, style);
                }
            }
            // All words, by a factor from their zeros.
            4 => {
                let (factor, divisor) =
                    self.pick(&[(2, 1), (1, 2), (-1, 1), (3, 2), (1, 4), (4, 1)]);
                for (position, word) in event.inputs[index].iter_mut().enumerate() {
                    let field = input.field(position % input.channels);
                    let zero = field.zero_point();
                    *word = (zero + (*word - zero) * factor / divisor)
                        .clamp(field.minimum, field.maximum);
                }
            }
            // A row of another event, in every input.
            5 => {
                let Some(set) = input.set else {
                    event.inputs[index].clone_from(&other.inputs[index]);
                    return;
                };
                let (own, theirs) = (slots(program, event, set), slots(program, other, set));
                if own > 0 && theirs > 0 {
                    let (to, from) = (self.below(own), self.below(theirs));
                    self.rows(event, set, |words, channels, index| {
                        let row = &other.inputs[index][from * channels..][..channels];
                        words[to * channels..][..channels].copy_from_slice(row);
                    });
                }
            }
            // One row less, or one that is there twice.
            6 | 7 => {
                let Some(set) = input.set else { return };
                let rows = slots(program, event, set);
                if rows == 0 {
                    return;
                }
                let (row, is_less) = (self.below(rows), self.below(2) == 0);
                let room = 2 * program.set(set).capacity + 1;
                self.rows(event, set, |words, channels, _| {
                    let range = row * channels..(row + 1) * channels;
                    if is_less {
                        words.drain(range);
                    } else if rows < room {
                        words.extend_from_within(range);
                    }
                });
            }
            _ => {}
        }
    }

    /// Calls `change` for the words of every input of a set.
    fn rows(&self, event: &mut Event, set: SetId, change: impl Fn(&mut Vec<i64>, usize, usize)) {
        for (index, input) in self.program.inputs.iter().enumerate() {
            if input.set == Some(set) {
                change(&mut event.inputs[index], input.channels, index);
            }
        }
    }
}

/// Slots of a set that an event fills.
pub(super) fn slots(program: &Program, event: &Event, set: SetId) -> usize {
    let mut inputs = program.inputs.iter().zip(&event.inputs);
    let own = inputs.find(|(input, _)| input.set == Some(set));
    own.map_or(0, |(input, words)| words.len() / input.channels)
}
