//! A reshape that merges leading axes around layers which act on the last axis, and is undone after them, disappears:
//! exporters flatten `[batch, particles, features]` to two axes around every per-particle layer.

use super::rewrite::{Rewriter, rewrite};
use crate::graph::{Graph, GraphError, Node, Op, ValueId};

pub(super) fn run(graph: &Graph) -> Result<Option<Graph>, GraphError> {
    rewrite(graph, |r, node| {
        let Some((source, chain)) = pair(graph, r, node) else {
            return Ok(None);
        };
        let mut x = r.mapped(source)?;
        for link in chain.iter().rev() {
            let op = match &link.op {
                Op::ScaleShift { scale, shift, .. } => Op::ScaleShift {
                    axis: graph.shape(source).len().saturating_sub(1),
                    scale: scale.clone(),
                    shift: shift.clone(),
                },
                Op::Softmax { .. } => Op::Softmax {
                    axis: graph.shape(source).len().saturating_sub(1),
                },
                op => op.clone(),
            };
            x = r.push(&link.name, op, &[x])?;
        }
        debug_assert_eq!(r.new_shape(x), graph.shape(node.output));
        Ok(Some(x))
    })
}

/// For the second reshape of a pair: the first one's source, and the nodes between, last first.
fn pair<'g>(graph: &'g Graph, r: &Rewriter<'g>, node: &Node) -> Option<(ValueId, Vec<&'g Node>)> {
    let (Op::Reshape { shape: restored }, [x]) = (&node.op, &node.inputs[..]) else {
        return None;
    };
    if graph.shape(*x).last() != restored.last() {
        return None;
    }
    let mut chain = Vec::new();
    let mut link = r.sole_producer(*x)?;
    while acts_on_last_axis(graph, link) {
        chain.push(link);
        link = r.sole_producer(*link.inputs.first()?)?;
    }
    let (Op::Reshape { shape: merged }, [source]) = (&link.op, &link.inputs[..]) else {
        return None;
    };
    let original = graph.shape(*source);
    let (_, leading) = original.split_last()?;
    let same = merged.last() == original.last() && restored.split_last()?.1 == leading;
    (same && !chain.is_empty()).then_some((*source, chain))
}

fn acts_on_last_axis(graph: &Graph, node: &Node) -> bool {
    let last = |axis: usize| axis + 1 == graph.shape(node.output).len();
    match &node.op {
        Op::Dense { .. } | Op::Unary(_) => true,
        Op::ScaleShift { axis, scale, .. } => scale.len() == 1 || last(*axis),
        Op::Softmax { axis } => last(*axis),
        _ => false,
    }
}
