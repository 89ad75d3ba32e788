//! The constituents of a set: which are live, which are kept, and their sums.

use hodoscope_compiler::plan::Accumulator;
use hodoscope_kernels::reduce;
use hodoscope_kernels::set::{Hardest, Pushed};
use hodoscope_program::{Live, SetId, WordRef};

use crate::{Array, Constituent, Executor};

impl Executor<'_> {
    pub(crate) fn push_all<const P: usize>(&self, inputs: &[Vec<i64>], sums: &mut Vec<Array>) {
        let mut held = Hardest::<Constituent, P>::new();
        for constituent in self.live(inputs) {
            let arrived = self.constituent(&constituent);
            let hardness = self.hardness(&constituent);
            match held.push(constituent, hardness) {
                Pushed::Kept => {}
                Pushed::Displaced(_) if self.plan.has_maximum() => {
                    *sums = self.zero();
                    for kept in held.iter() {
                        self.add(sums, &self.constituent(kept), false);
                    }
                    continue;
                }
                Pushed::Displaced(gone) => self.add(sums, &self.constituent(&gone), true),
                Pushed::Dropped => continue,
            }
            self.add(sums, &arrived, false);
        }
    }

    pub(crate) fn kept(&self, inputs: &[Vec<i64>]) -> Vec<Constituent> {
        let Some(set) = self.plan.program.sets.first() else {
            return vec![];
        };
        match set.capacity {
            1 => self.hardest::<1>(inputs),
            2 => self.hardest::<2>(inputs),
            3 => self.hardest::<3>(inputs),
            4 => self.hardest::<4>(inputs),
            5 => self.hardest::<5>(inputs),
            16 => self.hardest::<16>(inputs),
            8 => self.hardest::<8>(inputs),
            32 => self.hardest::<32>(inputs),
            other => panic!("a capacity of {other}"),
        }
    }

    pub(crate) fn hardest<const P: usize>(&self, inputs: &[Vec<i64>]) -> Vec<Constituent> {
        let mut held = Hardest::<Constituent, P>::new();
        for constituent in self.live(inputs) {
            let hardness = self.hardness(&constituent);
            held.push(constituent, hardness);
        }
        held.iter().cloned().collect()
    }

    /// Words of all inputs by index: of one constituent, or of the event. Words are stored, not
    /// clamped yet.
    pub(crate) fn words(&self, inputs: &[Vec<i64>], row: Option<usize>) -> Constituent {
        let program = self.plan.program;
        let inputs = program.inputs.iter().zip(inputs);
        inputs
            .map(|(input, words)| match (input.set, row) {
                (Some(_), Some(row)) => {
                    let own = &words[row * input.channels..][..input.channels];
                    Array::new(input.element(), own)
                }
                (None, None) => Array::new(input.element(), words),
                _ => Array::I8(vec![]),
            })
            .collect()
    }

    pub(crate) fn live(&self, inputs: &[Vec<i64>]) -> Vec<Constituent> {
        let program = self.plan.program;
        let of_set = |index: &usize| program.inputs[*index].set == Some(SetId::new(0));
        let Some(first) = (0..program.inputs.len()).find(of_set) else {
            return vec![];
        };
        let rows = inputs[first].len() / program.inputs[first].channels;
        let constituents = (0..rows).map(|row| self.words(inputs, Some(row)));
        constituents
            .filter(|words| match program.sets[0].live {
                Live::Always => true,
                Live::NotEmpty { input } => (0..program.input(input).channels).any(|channel| {
                    let word = WordRef { input, channel };
                    self.word(words, word) != program.input(input).field(channel).empty
                }),
                Live::Above { word, threshold } => self.word(words, word) > threshold,
                Live::NotEqual { word, empty } => self.word(words, word) != empty,
            })
            .collect()
    }

    pub(crate) fn word(&self, words: &Constituent, at: WordRef) -> i64 {
        let field = self.plan.program.input(at.input).field(at.channel);
        words[at.input.index()].raws()[at.channel].clamp(field.minimum, field.maximum)
    }

    pub(crate) fn hardness(&self, words: &Constituent) -> i32 {
        match self.plan.program.sets[0].order {
            Some(word) => i32::try_from(self.word(words, word)).expect("words have 32 bits"),
            None => 0,
        }
    }

    pub(crate) fn zero(&self) -> Vec<Array> {
        let sums = self.plan.pooled.iter();
        sums.map(|sum| {
            let channels = self.plan.program.value(sum.result).shape.channels();
            match (sum.accumulator, sum.empty) {
                (Accumulator::I32, None) => Array::I32(vec![0; channels]),
                (Accumulator::I64, None) => Array::I64(vec![0; channels]),
                (Accumulator::I32, Some(_)) => Array::I32(vec![i32::MIN; channels]),
                (Accumulator::I64, Some(_)) => Array::I64(vec![i64::MIN; channels]),
            }
        })
        // Last stands the number of constituents.
        .chain([Array::I32(vec![0])])
        .collect()
    }

    pub(crate) fn add(&self, sums: &mut [Array], values: &[Option<Array>], subtract: bool) {
        if let Some(Array::I32(multiplicity)) = sums.last_mut() {
            multiplicity[0] += if subtract { -1 } else { 1 };
        }
        for (sum, pooled) in sums.iter_mut().zip(&self.plan.pooled) {
            let x = values[pooled.x.index()]
                .as_ref()
                .expect("summands are visible");
            if pooled.empty.is_some() {
                match sum {
                    Array::I32(sum) => each32!(x, x => reduce::maximum(sum, x)),
                    Array::I64(sum) => each!(x, x => reduce::maximum(sum, x)),
                    _ => panic!("a maximum has 32 or 64 bits"),
                }
                continue;
            }
            match (sum, subtract) {
                (Array::I32(sum), false) => each32!(x, x => reduce::add(sum, x)),
                (Array::I32(sum), true) => each32!(x, x => reduce::subtract(sum, x)),
                (Array::I64(sum), false) => each!(x, x => reduce::add(sum, x)),
                (Array::I64(sum), true) => each!(x, x => reduce::subtract(sum, x)),
                _ => panic!("a sum has 32 or 64 bits"),
            }
        }
    }
}
