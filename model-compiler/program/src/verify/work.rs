//! Limits of a program's size: what keeps the time and the memory of a proof, and of an event, within bounds whatever a
//! text says.

use crate::{Dim, Operation, Program, Shape, Value, ValueId};

/// Axes of a shape, at most.
pub(super) const MAX_AXES: usize = 8;

/// Elements of a value when its set is full, at most.
pub(super) const MAX_ELEMENTS: usize = 1 << 24;

/// Elements of all values of an event together, at most.
const MAX_ELEMENTS_OF_EVENT: u64 = 1 << 27;

/// Channels of all values together, at most: each has an interval.
const MAX_CHANNELS: u64 = 1 << 22;

/// Intervals that a proof computes, at most: one for each weight of each dense layer, entry of each table that is looked
/// into, element that is moved, node that a walk through a tree reaches.
const MAX_WORK: u64 = 1 << 28;

/// Steps for an element that is moved: two divisions.
const PER_MOVE: u64 = 4;

/// What a proof has taken so far.
#[derive(Debug, Default)]
pub(super) struct Work {
    elements: u64,
    channels: u64,
    steps: u64,
}

impl Work {
    /// Adds a value whose shape and operands are known to be right.
    pub(super) fn add(&mut self, program: &Program, value: &Value) -> Result<(), String> {
        self.elements = (self.elements).saturating_add(elements(program, &value.shape));
        if self.elements > MAX_ELEMENTS_OF_EVENT {
            return Err(format!(
                "an event has more than {MAX_ELEMENTS_OF_EVENT} elements up to here"
            ));
        }
        self.channels = (self.channels).saturating_add(value.shape.channels() as u64);
        if self.channels > MAX_CHANNELS {
            return Err(format!(
                "the values have more than {MAX_CHANNELS} channels up to here"
            ));
        }
        self.steps(steps(program, value))
    }

    /// Adds intervals that are computed.
    pub(super) fn steps(&mut self, count: u64) -> Result<(), String> {
        self.steps = self.steps.saturating_add(count);
        match self.steps > MAX_WORK {
            true => Err(format!(
                "the proof takes more than {MAX_WORK} steps up to here: weights, table entries, moved elements and tree nodes"
            )),
            false => Ok(()),
        }
    }
}

/// Elements of a shape when its set is full.
pub(super) fn elements(program: &Program, shape: &Shape) -> u64 {
    let extents = shape.0.iter().map(|dim| match dim {
        Dim::Fixed(n) => *n as u64,
        Dim::Multiplicity(set) => program.set(*set).capacity as u64,
    });
    extents.fold(1, u64::saturating_mul)
}

/// Intervals that the proof of a value computes; walks through trees count their own.
fn steps(program: &Program, value: &Value) -> u64 {
    let channels = |id: &ValueId| program.value(*id).shape.channels() as u64;
    let entries = |id: &crate::ConstantId| program.constant(*id).data.len() as u64;
    let operands: u64 = value.operation.operands().iter().map(channels).sum();
    let own = value.shape.channels() as u64;
    let more = match &value.operation {
        // Once for the intervals, once for the partial sums.
        Operation::Dense { weights, .. } => 2 * entries(weights),
        Operation::DenseStepwise { weights, .. } => 4 * entries(weights),
        Operation::Table { table, .. } => 2 * entries(table) + 32 * own,
        Operation::Trees(trees) => {
            let constants = [&trees.nodes, &trees.roots, &trees.leaves];
            constants.into_iter().map(entries).sum()
        }
        Operation::Reshape { .. } | Operation::Gather { .. } => {
            PER_MOVE * elements(program, &value.shape)
        }
        _ => 0,
    };
    own + operands + more
}
