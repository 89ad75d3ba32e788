//! Which of its exact layouts each dense layer takes: all of them together, since flash is one.

use std::{fmt, str::FromStr};

use hodoscope_program::ValueId;

use super::layout::{Candidate, Storage};
use super::{Kernel, Plan, PlanError};

/// What the choice of layouts is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layouts {
    /// Few cycles: a second byte per weight has to save more than a 32nd of a layer's.
    #[default]
    Fastest,
    /// Few bytes: a 32nd more of a layer's only where that saves cycles.
    Smallest,
    /// Few cycles, with constants of all dense layers that take at most so many bytes.
    Within(u64),
}

/// Neither the name of a purpose nor a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected fastest, smallest or a number of bytes")]
pub struct UnknownLayouts;

impl FromStr for Layouts {
    type Err = UnknownLayouts;

    fn from_str(text: &str) -> Result<Self, UnknownLayouts> {
        match text {
            "fastest" => Ok(Self::Fastest),
            "smallest" => Ok(Self::Smallest),
            _ => text.parse().map(Self::Within).map_err(|_| UnknownLayouts),
        }
    }
}

/// As it is read.
impl fmt::Display for Layouts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fastest => f.write_str("fastest"),
            Self::Smallest => f.write_str("smallest"),
            Self::Within(bytes) => bytes.fmt(f),
        }
    }
}

/// The choice of a layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The layer's result.
    pub result: ValueId,
    /// What was considered, the one that was taken first.
    pub candidates: Vec<Candidate>,
}

impl Choice {
    /// Bytes of the constants in the layout that was taken.
    pub fn bytes(&self) -> u64 {
        self.candidates.first().map_or(0, |taken| taken.bytes)
    }

    /// The exact candidates of fewer bytes than the one that was taken, by their numbers.
    fn smaller(&self) -> impl Iterator<Item = (usize, &Candidate)> {
        let all = self.candidates.iter().enumerate();
        all.filter(|(_, candidate)| candidate.verdict.is_ok() && candidate.bytes < self.bytes())
    }

    /// The number of the fastest of those that take a 32nd more bytes than the smallest, at most; nothing where none is exact.
    fn smallest(&self) -> Option<usize> {
        let all = self.candidates.iter().enumerate();
        let exact = all.filter(|(_, candidate)| candidate.verdict.is_ok());
        let least = exact.clone().map(|(_, candidate)| candidate.bytes).min()?;
        let close = exact.filter(|(_, candidate)| candidate.bytes <= least + least / 32);
        let fastest = close.min_by_key(|(_, candidate)| candidate.verdict.as_ref().ok().copied());
        fastest.map(|(number, _)| number)
    }

    /// Takes another candidate.
    fn take(&mut self, number: usize) {
        self.candidates[..=number].rotate_right(1);
    }
}

impl Plan<'_> {
    /// Bytes of the constants of all dense layers: weights, biases and shifts, as they are held; of a layer that is code, of
    /// its instructions.
    pub fn layout_bytes(&self) -> u64 {
        self.choices.iter().map(Choice::bytes).sum()
    }

    /// Takes layouts as asked, and stores values for them.
    pub(super) fn settle(&mut self, layouts: Layouts) -> Result<(), PlanError> {
        match layouts {
            Layouts::Fastest => {}
            Layouts::Smallest => {
                for choice in &mut self.choices {
                    if let Some(number) = choice.smallest() {
                        choice.take(number);
                    }
                }
            }
            Layouts::Within(most) => self.shrink(most)?,
        }
        for choice in std::mem::take(&mut self.choices) {
            self.apply(&choice);
            self.choices.push(choice);
        }
        Ok(())
    }

    /// Gives up cycles for bytes, where a byte costs least first, until `most` are left.
    fn shrink(&mut self, most: u64) -> Result<(), PlanError> {
        while self.layout_bytes() > most {
            let prices = self.choices.iter().enumerate().flat_map(|(layer, choice)| {
                let runs = self.runs(choice.result);
                let cycles = |c: &Candidate| c.verdict.as_ref().map_or(0, |cycles| *cycles);
                let now = choice.candidates.first().map_or(0, cycles);
                choice.smaller().map(move |(number, candidate)| {
                    let lost = u128::from(cycles(candidate).saturating_sub(now) * runs);
                    let saved = u128::from(choice.bytes() - candidate.bytes);
                    (lost, saved, layer, number)
                })
            });
            // Of equal prices the one that saves most.
            let cheapest = prices.min_by(|(lost, saved, ..), (other_lost, other_saved, ..)| {
                let price = (lost * other_saved).cmp(&(other_lost * saved));
                price.then(other_saved.cmp(saved))
            });
            let Some((_, _, layer, number)) = cheapest else {
                return Err(PlanError::LayoutBytes {
                    isa: self.isa,
                    least: self.layout_bytes(),
                    most,
                });
            };
            self.choices[layer].take(number);
        }
        Ok(())
    }

    /// Modelled cycles of the dense layers of an event, those of a set left out.
    pub(super) fn event_cycles(&self) -> u64 {
        let own = |choice: &&Choice| self.program.value(choice.result).shape.set().is_none();
        let cycles = self.choices.iter().filter(own).map(|choice| {
            let taken = choice.candidates.first();
            let cycles = taken.and_then(|taken| taken.verdict.as_ref().ok());
            self.runs(choice.result) * cycles.copied().unwrap_or(0)
        });
        cycles.sum()
    }

    /// How often a layer runs in an event, at most.
    fn runs(&self, id: ValueId) -> u64 {
        let shape = &self.program.value(id).shape;
        let rows = match shape.set() {
            Some(set) => self.program.set(set).capacity,
            None => shape.rows(1),
        };
        rows as u64
    }

    /// Writes a choice into its step, and stores operand and result for it.
    fn apply(&mut self, choice: &Choice) {
        let Some(taken) = choice.candidates.first().filter(|c| c.verdict.is_ok()) else {
            return;
        };
        let mut steps = self.constituent.iter_mut().chain(&mut self.event);
        let Some(step) = steps.find(|step| step.result == choice.result) else {
            return;
        };
        let (Kernel::Dense { x, layout, .. } | Kernel::DenseRescale { x, layout, .. }) =
            &mut step.kernel
        else {
            return;
        };
        *layout = taken.layout;
        let (x, layout) = (*x, *layout);
        let step = step.clone();
        let result = self.layer(&step).map(|layer| layer.stored_by(layout));
        self.store(x, layout.operand());
        if let Some(result) = result {
            self.store(choice.result, result);
        }
    }

    /// Stores a value as one of its kernels asks; the others read it all the same.
    fn store(&mut self, id: ValueId, storage: Storage) {
        if storage != Storage::Narrowest && !self.is_plain(id) {
            self.storage[id.index()] = storage;
        }
    }
}
