//! From the float graph to a network: sets and masks made explicit, padding and batch gone.
//!
//! A graph computes on padded tensors. A [`Network`] computes on rows: one per live constituent,
//! or one per event. That is the same function only where padding cannot reach a result, so every
//! pooling is checked: what is summed must be zero in every slot that is not live, by a mask or by
//! a weight that is an input word.

mod classes;
mod mask;
mod prune;
mod score;
mod walk;

use crate::graph::{Forest, Graph, Unary, ValueId};
use crate::inputs::InputsSpec;
pub use mask::{Predicate, Rule};
pub use score::Score;

/// Index of a node of a network.
pub type NodeIndex = usize;

/// A float network over rows.
#[derive(Clone, Debug)]
pub struct Network {
    /// Name of the model.
    pub name: String,
    /// The set of constituents, where there is one.
    pub set: Option<NetworkSet>,
    /// Inputs, in the model's order.
    pub inputs: Vec<NetworkInput>,
    /// Layers, each after its operands.
    pub nodes: Vec<NetworkNode>,
    /// Outputs: name and node.
    pub outputs: Vec<(String, NodeIndex)>,
}

/// A set of constituents.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkSet {
    /// Its name.
    pub name: String,
    /// Largest multiplicity: the extent of the padded axis.
    pub capacity: usize,
    /// Which slots are live.
    pub live: Rule,
    /// Field (input, channel) by which the hardest are kept.
    pub order: Option<(usize, usize)>,
}

/// An input.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkInput {
    /// Name, as in the model.
    pub name: String,
    /// Values per row.
    pub channels: usize,
    /// Whether there is a row per constituent.
    pub in_set: bool,
}

/// A layer with its shape.
#[derive(Clone, Debug)]
pub struct NetworkNode {
    /// The graph node's name, for messages and reports.
    pub name: String,
    /// What it computes.
    pub layer: Layer,
    /// Whether it has a row per constituent.
    pub per_constituent: bool,
    /// Values per row.
    pub channels: usize,
    /// The graph's value with the same numbers, `[slots, channels]`, for calibration.
    pub value: Option<ValueId>,
}

/// What a node computes, row by row.
#[derive(Clone, Debug)]
pub enum Layer {
    /// Input by index.
    Input(usize),
    /// y\[c\] = x\[c\] · scale\[c\] + shift\[c\]; one entry serves all.
    Affine {
        /// Operand.
        x: NodeIndex,
        /// Factors.
        scale: Vec<f64>,
        /// Offsets.
        shift: Vec<f64>,
    },
    /// y\[o\] = Σ_i weights\[o, i\]·x\[i\] + bias\[o\].
    Dense {
        /// Operand.
        x: NodeIndex,
        /// `[out, in]`, row-major.
        weights: Vec<f32>,
        /// `[out]`.
        bias: Vec<f32>,
    },
    /// A function of one value.
    Activation {
        /// Operand.
        x: NodeIndex,
        /// The function.
        function: Unary,
    },
    /// Sum over live constituents, or over all slots.
    Sum {
        /// Operand.
        x: NodeIndex,
        /// Whether empty slots count: each adds what x is for empty words.
        padded: bool,
    },
    /// Largest over all slots.
    Max {
        /// Operand.
        x: NodeIndex,
        /// What a slot that is not live holds; none stands for what x is for empty words.
        empty: Option<f32>,
    },
    /// y = x / (max(n, minimum) + offset), n the number of live constituents; 0 where that is no number.
    PerCount {
        /// Operand, of the event.
        x: NodeIndex,
        /// Smallest divisor.
        minimum: f64,
        /// What is added to it.
        offset: f64,
    },
    /// y = entries\[x\], for an x that is an index.
    Lookup {
        /// Operand.
        x: NodeIndex,
        /// Whole numbers.
        entries: Vec<i64>,
    },
    /// Index of the largest value; of equal ones the first.
    ArgMax {
        /// Operand.
        x: NodeIndex,
    },
    /// Decision trees.
    Trees {
        /// Operand.
        x: NodeIndex,
        /// The trees.
        forest: Box<Forest>,
    },
    /// Product; an operand with one channel serves all.
    Mul {
        /// First factor.
        a: NodeIndex,
        /// Second factor.
        b: NodeIndex,
    },
    /// Σ_c (a\[c\] − b\[c\])² / divisor.
    SquaredError {
        /// First operand.
        a: NodeIndex,
        /// Second operand.
        b: NodeIndex,
        /// Number of channels for a mean, 1 for a sum.
        divisor: f64,
    },
    /// Σ_c x\[c\]² / divisor.
    SumSquares {
        /// Operand.
        x: NodeIndex,
        /// Number of channels for a mean, 1 for a sum.
        divisor: f64,
    },
    /// y\[c\] = x\[channels\[c\]\].
    Select {
        /// Operand.
        x: NodeIndex,
        /// Channels of the operand.
        channels: Vec<usize>,
    },
    /// Channels of all parts, one after the other.
    Concat {
        /// Operands.
        parts: Vec<NodeIndex>,
    },
}

/// Why a graph is no network that this version lowers.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RecogniseError {
    /// An operation, or an operation in this place.
    #[error("node '{node}': {operation}: {reason}; {instead}")]
    Node {
        /// The graph node's name.
        node: String,
        /// Its operation.
        operation: String,
        /// What is not supported.
        reason: String,
        /// What to do.
        instead: String,
    },
    /// Several inputs that look like sets, of which none is stated to be one.
    #[error("input '{input}': a second set is not supported yet")]
    Sets {
        /// The second one's name.
        input: String,
    },
    /// An input.
    #[error("input '{input}': {reason}")]
    Input {
        /// Its name.
        input: String,
        /// What is wrong.
        reason: String,
    },
    /// A score that the model does not have.
    #[error("--score {score}: {reason}")]
    Score {
        /// As the user wrote it.
        score: String,
        /// What is wrong.
        reason: String,
    },
}

/// Recognises a simplified graph.
///
/// # Errors
/// The first node, input or score that this version does not lower, and what to do.
pub fn recognise(
    graph: &Graph,
    spec: &InputsSpec,
    score: Option<&Score>,
) -> Result<Network, RecogniseError> {
    let mut network = walk::walk(graph, spec)?;
    if let Some(score) = score {
        score::apply(&mut network, score)?;
    }
    prune::prune(&mut network);
    Ok(network)
}

/// The entry of `channel`, where one entry may serve all channels.
pub(crate) fn of_channel<T: Copy>(entries: &[T], channel: usize) -> T {
    entries[if entries.len() == 1 { 0 } else { channel }]
}
