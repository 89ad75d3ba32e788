//! Layers that no output needs: what a mask was computed from, heads that a score replaces.

use super::{Layer, Network, NodeIndex};

/// Drops every node that no output reads; inputs stay, since events carry them.
pub(super) fn prune(network: &mut Network) {
    let mut needed: Vec<bool> = network
        .nodes
        .iter()
        .map(|node| matches!(node.layer, Layer::Input(_)))
        .collect();
    for (_, node) in &network.outputs {
        needed[*node] = true;
    }
    for index in (0..network.nodes.len()).rev() {
        if needed[index] {
            for operand in network.nodes[index].layer.operands() {
                needed[*operand] = true;
            }
        }
    }
    let mut position = 0;
    let renumbered: Vec<NodeIndex> = needed
        .iter()
        .map(|needed| {
            position += usize::from(*needed);
            position.saturating_sub(1)
        })
        .collect();
    let mut keep = needed.iter();
    network
        .nodes
        .retain(|_| keep.next().copied().unwrap_or(true));
    for node in &mut network.nodes {
        for operand in node.layer.operands_mut() {
            *operand = renumbered[*operand];
        }
    }
    for (_, node) in &mut network.outputs {
        *node = renumbered[*node];
    }
}

macro_rules! operands {
    ($layer:expr) => {
        match $layer {
            Layer::Input(_) => vec![],
            Layer::Affine { x, .. }
            | Layer::Dense { x, .. }
            | Layer::Activation { x, .. }
            | Layer::Sum { x, .. }
            | Layer::Max { x, .. }
            | Layer::PerCount { x, .. }
            | Layer::ArgMax { x }
            | Layer::Trees { x, .. }
            | Layer::Lookup { x, .. }
            | Layer::SumSquares { x, .. }
            | Layer::Select { x, .. } => vec![x],
            Layer::Mul { a, b } | Layer::SquaredError { a, b, .. } => vec![a, b],
            Layer::Concat { parts } => parts.into_iter().collect(),
        }
    };
}

impl Layer {
    /// The nodes that it reads.
    fn operands(&self) -> Vec<&NodeIndex> {
        operands!(self)
    }

    fn operands_mut(&mut self) -> Vec<&mut NodeIndex> {
        operands!(self)
    }
}
