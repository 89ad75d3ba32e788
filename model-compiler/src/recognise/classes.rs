//! What each value of the graph is, seen without its batch and padding axes.

use super::{NodeIndex, Rule};
use crate::graph::ValueId;

/// A graph value's class.
#[derive(Clone, Debug)]
pub(super) enum Class {
    /// A constant.
    Constant,
    /// A row per event, or per slot of the set.
    Row {
        /// The network node.
        node: NodeIndex,
        /// Whether there is one per slot.
        per_constituent: bool,
        /// What guarantees zero in slots that are not live.
        zero: Option<Rule>,
    },
    /// A truth value per slot.
    Mask(Rule),
    /// A truth value per slot and feature: whether it is the value (or is not).
    Features {
        /// Input by index.
        input: usize,
        /// The value.
        value: f32,
        /// Whether it is true where the feature is not the value.
        differs: bool,
    },
    /// A number per slot: how many features are not the value.
    Differing {
        /// Input by index.
        input: usize,
        /// The value.
        value: f32,
    },
    /// x where the mask holds, a constant elsewhere; only a maximum can read it.
    Filled {
        /// x, per slot.
        node: NodeIndex,
        /// The mask.
        rule: Rule,
        /// What stands in slots that are not live.
        fill: f32,
    },
    /// max(n, minimum) + offset, n the number of live constituents.
    Count {
        /// The mask that is counted.
        rule: Rule,
        /// Smallest divisor.
        minimum: f64,
        /// What is added, against a division by zero.
        offset: f64,
    },
    /// a − b, not yet squared.
    Difference {
        /// Minuend.
        a: NodeIndex,
        /// Subtrahend.
        b: NodeIndex,
    },
    /// (a − b)², not yet summed.
    SquaredDifference {
        /// Minuend.
        a: NodeIndex,
        /// Subtrahend.
        b: NodeIndex,
    },
    /// x², not yet summed.
    Square {
        /// Operand.
        x: NodeIndex,
    },
}

/// Where the padded axis of a set's tensor is: only extents of 1 before it, so that row-major
/// order is slot by slot.
pub(super) fn slot_axis(shape: &[usize], capacity: usize) -> Option<usize> {
    let axis = shape.iter().position(|extent| *extent != 1)?;
    (shape[axis] == capacity).then_some(axis)
}

/// The one axis behind `first` that is wider than 1, or the last.
pub(super) fn channel_axis(shape: &[usize], first: usize) -> Option<usize> {
    let mut wide = (first..shape.len()).filter(|axis| shape[*axis] != 1);
    match (wide.next(), wide.next()) {
        (Some(axis), None) => Some(axis),
        (None, None) => shape.len().checked_sub(1),
        _ => None,
    }
}

/// Classes by graph value.
#[derive(Debug, Default)]
pub(super) struct Classes(Vec<Option<Class>>);

impl Classes {
    pub(super) fn new(values: usize) -> Self {
        Self(vec![None; values])
    }

    pub(super) fn get(&self, value: ValueId) -> Option<&Class> {
        self.0.get(value.index()).and_then(Option::as_ref)
    }

    pub(super) fn set(&mut self, value: ValueId, class: Class) {
        self.0[value.index()] = Some(class);
    }
}
