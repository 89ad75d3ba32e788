//! Decision trees: their features as they are, their leaves in few bits.

use super::{Held, HeldKind, Insert, Insertion};
use crate::exact::leaf_frac;
use crate::graph::{Aggregate, Forest, Graph, Node, Op, TreeNode};

impl Insertion<'_> {
    /// Words are compared as they came; of what was computed, 16 bits.
    pub(super) fn trees(&mut self, node: &Node, forest: &Forest) -> Insert<Held> {
        let Some(x) = node.inputs.first().copied() else {
            return self.pushed(node, &[], HeldKind::Sums);
        };
        let operand = match self.deciding[x.index()] {
            true => self.held(x)?.wide,
            false => self.uniform(x)?.0,
        };
        let rounded = Op::Trees(Box::new(rounded(forest)));
        let wide = self.new.push(&node.name, rounded, &[operand])?;
        Ok(Held {
            wide,
            narrow: None,
            kind: HeldKind::Sums,
        })
    }
}

/// The forest with its leaves on one grid of few bits; an average is a sum of smaller leaves.
fn rounded(forest: &Forest) -> Forest {
    let frac = leaf_frac(forest);
    let factor = match forest.aggregate {
        Aggregate::Average => 1.0 / forest.trees.len() as f64,
        _ => 1.0,
    };
    // Halves away from zero, as on the other road: what is negated stays so.
    let round = |value: f64| libm::ldexp(libm::round(libm::ldexp(value, frac)), -frac) as f32;
    let mut own = forest.clone();
    for leaf in own.trees.iter_mut().flatten() {
        if let TreeNode::Leaf(values) = leaf {
            let scaled = values.iter().map(|v| round(f64::from(*v) * factor));
            *values = scaled.collect();
        }
    }
    own.base.iter_mut().for_each(|b| *b = round(f64::from(*b)));
    own.aggregate = match own.aggregate {
        Aggregate::Average => Aggregate::Sum,
        other => other,
    };
    own
}

/// Of each value whether it is detector words, moved or scaled, that nothing but trees read: no format of theirs may
/// move a threshold.
pub(super) fn deciding(graph: &Graph) -> Vec<bool> {
    let mut words = vec![false; graph.value_count()];
    for input in graph.inputs() {
        words[input.value.index()] = true;
    }
    for node in graph.nodes() {
        words[node.output.index()] =
            keeps(&node.op) && node.inputs.iter().all(|v| words[v.index()]);
    }
    let mut decides = vec![true; graph.value_count()];
    for output in graph.outputs() {
        decides[output.value.index()] = false;
    }
    for node in graph.nodes().iter().rev() {
        let hands_on = match &node.op {
            Op::Trees(_) => true,
            op => keeps(op) && decides[node.output.index()] && words[node.output.index()],
        };
        for value in &node.inputs {
            decides[value.index()] &= hands_on;
        }
    }
    let both = words.into_iter().zip(decides);
    both.map(|(words, decides)| words && decides).collect()
}

/// Whether an operation moves or scales elements one by one.
fn keeps(op: &Op) -> bool {
    op.moves() || matches!(op, Op::ScaleShift { .. })
}
