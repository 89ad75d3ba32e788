//! Runs a `Plan` on the host by calling the kernels as an emitted crate does: the same functions,
//! storage types and accumulators, step by step. Only the lengths are no constants.
//!
//! For tests: whatever cannot be is a panic that says what it found. It is a crate of its own so that the kernels are
//! built once in each combination of types, and not in each test program again.
#![allow(clippy::useless_conversion)] // An accumulator of 64 bits is an i64 already.

use std::collections::BTreeMap;

use hodoscope_compiler::plan::Plan;
use hodoscope_compiler::plan::layout::{Adders, Layout};
use hodoscope_program::ValueId;

#[macro_use]
mod array;
#[macro_use]
mod rules;
mod blocks;
mod elementwise;
mod event;
mod forest;
mod groups;
mod layers;
mod numbers;
mod reductions;
mod rescales;
mod row;
mod rows;
mod set;
mod streams;
mod words;

pub use array::Array;

/// What one event gave: the raws of each visible value, row-major.
pub type Seen = Vec<Option<Vec<i64>>>;

/// Runs one plan.
pub struct Executor<'a> {
    plan: &'a Plan<'a>,
    visible: Vec<bool>,
    /// Of the layers that are additions, by their results.
    adders: BTreeMap<ValueId, Adders>,
}

/// Words of one constituent, by input.
type Constituent = Vec<Array>;

impl<'a> Executor<'a> {
    /// An executor of `plan`.
    pub fn new(plan: &'a Plan<'a>) -> Self {
        let steps = plan.constituent.iter().chain(&plan.event);
        let adders = steps.filter(|step| step.layout() == Some(Layout::ShiftAdds));
        let adders = adders.filter_map(|step| Some((step.result, Adders::new(&plan.layer(step)?))));
        Self {
            plan,
            visible: plan.visible(),
            adders: adders.collect(),
        }
    }

    /// A whole event at once, as `run` and `infer` of an emitted crate.
    pub fn run(&self, inputs: &[Vec<i64>]) -> Seen {
        let mut seen: Seen = vec![None; self.plan.program.values.len()];
        for (value, visible) in seen.iter_mut().zip(&self.visible) {
            *value = visible.then(Vec::new);
        }
        let mut sums = self.zero();
        for constituent in self.kept(inputs) {
            let values = self.constituent(&constituent);
            for (into, value) in seen.iter_mut().zip(&values) {
                if let (Some(into), Some(value)) = (into, value) {
                    into.extend(value.raws());
                }
            }
            self.add(&mut sums, &values, false);
        }
        self.event(inputs, &sums, &mut seen);
        seen
    }

    /// Constituent by constituent, as `push` and `finish`: only what is computed at the end.
    pub fn stream(&self, inputs: &[Vec<i64>]) -> Vec<Vec<i64>> {
        let mut sums = self.zero();
        if let Some(set) = self.plan.program.sets.first() {
            match set.capacity {
                1 => self.push_all::<1>(inputs, &mut sums),
                2 => self.push_all::<2>(inputs, &mut sums),
                3 => self.push_all::<3>(inputs, &mut sums),
                4 => self.push_all::<4>(inputs, &mut sums),
                8 => self.push_all::<8>(inputs, &mut sums),
                32 => self.push_all::<32>(inputs, &mut sums),
                other => panic!("a capacity of {other}"),
            }
        }
        let mut seen: Seen = vec![Some(vec![]); self.plan.program.values.len()];
        self.event(inputs, &sums, &mut seen);
        self.outputs(&seen)
    }

    /// The outputs among what one event gave.
    ///
    /// # Panics
    /// If an output was not seen.
    pub fn outputs(&self, seen: &Seen) -> Vec<Vec<i64>> {
        let outputs = self.plan.program.outputs.iter();
        outputs
            .map(|o| seen[o.value.index()].clone().expect("outputs are visible"))
            .collect()
    }

    /// The outputs of one event.
    pub fn infer(&self, inputs: &[Vec<i64>]) -> Vec<Vec<i64>> {
        self.outputs(&self.run(inputs))
    }
}
