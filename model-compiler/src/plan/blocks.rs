//! The layer before a squared error, a block of rows at a time: the array of its result is never there.
//!
//! An autoencoder's reconstruction that nothing else reads is compared block by block with what it reconstructs.

use hodoscope_program::ValueId;

use super::cost::{Cost, Mix};
use super::layout::{Layout, Parts};
use super::{Kernel, Layouts, Plan, Step};

/// Fewer bytes are not worth a loop, whose code takes a hundred bytes and more.
pub(super) const LEAST: usize = 128;

/// Of a block besides its layer's call: where its constants are, and its squared error's first and last instructions.
const LOOP: Mix = Mix {
    arithmetic: 20,
    multiplies: 0,
    loads: 6,
    multiple_loads: 0,
    loaded_words: 0,
    stores: 6,
    branches: 3,
};

/// A dense layer whose rows are computed in blocks, each of which is compared at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocks {
    /// The squared error.
    pub error: ValueId,
    /// The layer's result: one block of it is there at a time.
    pub result: ValueId,
    /// Rows of a block; the last may have fewer.
    pub rows: usize,
    /// Bytes of activations that it saves.
    pub saved: usize,
    /// Modelled cycles that it costs.
    pub cycles: u64,
}

impl Plan<'_> {
    /// The blocks in which the dense layer of `step` is computed, where it is.
    pub fn blocks_of(&self, step: &Step) -> Option<&Blocks> {
        self.blocks
            .iter()
            .find(|blocks| blocks.result == step.result)
    }

    /// The blocks that the squared error of `step` adds up, with the step that computes them.
    pub fn compared(&self, step: &Step) -> Option<(&Blocks, &Step)> {
        let blocks = self
            .blocks
            .iter()
            .find(|blocks| blocks.error == step.result)?;
        let layer = self
            .event
            .iter()
            .find(|step| step.result == blocks.result)?;
        Some((blocks, layer))
    }

    /// The constants of a dense layer that is computed in blocks.
    pub fn parts(&self, step: &Step) -> Option<Parts> {
        let blocks = self.blocks_of(step)?;
        Some(Parts::new(step.layout()?, &self.layer(step)?, blocks.rows))
    }

    /// The values that are read where `step` is computed: a layer in blocks is computed with its squared error.
    pub(super) fn reads(&self, step: &Step) -> Vec<ValueId> {
        if self.blocks_of(step).is_some() {
            return vec![];
        }
        let mut operands = step.kernel.operands();
        if let Some((blocks, layer)) = self.compared(step) {
            operands.retain(|id| *id != blocks.result);
            operands.extend(layer.kernel.operands());
        }
        operands
    }

    /// Takes blocks where these save memory, and cost a 32nd of the cycles of an event's dense layers at most.
    pub(super) fn compare_in_blocks(&mut self, cost: &Cost, layouts: Layouts) {
        let errors = self.event.iter().filter_map(|step| match step.kernel {
            Kernel::SquaredError { a, b, .. } => Some((step.result, a, b)),
            _ => None,
        });
        for (error, a, b) in errors.collect::<Vec<_>>() {
            for result in [a, b] {
                let steps = self.event.iter();
                let Some(step) = steps.clone().find(|step| step.result == result).cloned() else {
                    continue;
                };
                if self.is_read_once(result) && self.take_blocks(error, &step, cost, layouts) {
                    break;
                }
            }
        }
    }

    /// Whether a value of one row has one reader, and is no output.
    fn is_read_once(&self, id: ValueId) -> bool {
        let shape = &self.program.value(id).shape;
        let is_row = shape.set().is_none() && shape.rows(1) == 1;
        let operands = self
            .program
            .values
            .iter()
            .flat_map(|v| v.operation.operands());
        let is_output = self.program.outputs.iter().any(|output| output.value == id);
        is_row && !is_output && operands.filter(|operand| *operand == id).count() == 1
    }

    /// The best blocks for the layer of `step`; whether there are any.
    fn take_blocks(&mut self, error: ValueId, step: &Step, cost: &Cost, layouts: Layouts) -> bool {
        let (Some(layout), whole) = (step.layout(), self.activation_bytes()) else {
            return false;
        };
        let most = self.event_cycles() / 32;
        let candidates = self.candidate_blocks(error, step, layout, cost, (most, layouts));
        let mut best: Option<Blocks> = None;
        for blocks in candidates {
            self.blocks.push(blocks);
            let saved = whole.saturating_sub(self.activation_bytes());
            self.blocks.pop();
            // Of equal ones the longest blocks, which come first.
            if saved >= LEAST && best.is_none_or(|best| saved > best.saved) {
                best = Some(Blocks { saved, ..blocks });
            }
        }
        self.blocks.extend(best);
        best.is_some()
    }

    /// Blocks that cost few enough cycles, the longest first.
    fn candidate_blocks(
        &self,
        error: ValueId,
        step: &Step,
        layout: Layout,
        cost: &Cost,
        (most, layouts): (u64, Layouts),
    ) -> Vec<Blocks> {
        let (Some(layer), Some(unit)) = (self.layer(step), layout.block_rows()) else {
            return vec![];
        };
        if layer.copies(layout) != (None, None) || layer.is_apart(layout) {
            return vec![];
        }
        let mix = |rows: usize| Parts::mix(layout, &layer, rows, self.isa);
        let whole = cost.cycles(&mix(layer.rows()));
        let bytes = |rows: usize| Parts::new(layout, &layer, rows).constants.bytes();
        let mut candidates: Vec<Blocks> = vec![];
        for number in 2..=layer.rows() {
            let rows = layer.rows().div_ceil(number).next_multiple_of(unit);
            if rows >= layer.rows() || candidates.last().is_some_and(|last| last.rows == rows) {
                continue;
            }
            let number = layer.rows().div_ceil(rows) as u64;
            let cycles = cost.cycles(&mix(rows).plus(&LOOP.times(number)));
            let cycles = cycles.saturating_sub(whole);
            // More blocks cost more.
            if cycles > most {
                break;
            }
            // Flash comes first where it was asked for.
            if layouts != Layouts::Fastest && bytes(rows) > bytes(layer.rows()) {
                continue;
            }
            candidates.push(Blocks {
                error,
                result: step.result,
                rows,
                saved: 0,
                cycles,
            });
        }
        candidates
    }
}
