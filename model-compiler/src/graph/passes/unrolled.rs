//! A layer that an exporter wrote once for each constituent becomes one layer of all of them: Keras unrolls
//! `TimeDistributed` into a slice, the layers and a concatenation.

use super::rewrite::rewrite;
use crate::graph::{Graph, GraphError, Node, Op, ValueId};

pub(super) fn run(graph: &Graph) -> Result<Option<Graph>, GraphError> {
    rewrite(graph, |r, node| {
        let Some((source, chain)) = rolled(graph, node) else {
            return Ok(None);
        };
        let mut x = r.mapped(source)?;
        for link in chain {
            let op = match &link.op {
                Op::ScaleShift { scale, shift, .. } => Op::ScaleShift {
                    axis: graph.shape(source).len() - 1,
                    scale: scale.clone(),
                    shift: shift.clone(),
                },
                op => op.clone(),
            };
            x = r.push(&link.name, op, &[x])?;
        }
        Ok(Some(x))
    })
}

/// For a concatenation of the same layers of every element of an axis: the tensor, and the layers.
fn rolled<'g>(graph: &'g Graph, node: &Node) -> Option<(ValueId, Vec<&'g Node>)> {
    let Op::Concat { axis } = node.op else {
        return None;
    };
    let count = node.inputs.len();
    let part = graph.shape(*node.inputs.first()?);
    // Rows follow one another: nothing but the slot is wider than one before the last axis.
    let rows = |shape: &[usize], slot: usize| {
        slot + 1 < shape.len() && (0..shape.len() - 1).all(|a| a == slot || shape[a] == 1)
    };
    if count < 2 || !rows(part, axis) || part[axis] != 1 {
        return None;
    }
    let (source, slot, first) = chain(graph, node.inputs[0])?;
    let shape = graph.shape(source);
    let whole = rows(shape, slot) && shape[slot] == count && shape.len() == part.len();
    if !whole || slot != axis {
        return None;
    }
    for (index, input) in node.inputs.iter().enumerate() {
        let (own, own_slot, links) = chain(graph, *input)?;
        let same = links.len() == first.len() && links.iter().zip(&first).all(|(a, b)| same(a, b));
        let start = slice_start(graph, *input)?;
        if (own, own_slot) != (source, slot) || start != index || !same {
            return None;
        }
    }
    Some((source, first))
}

/// The layers between a slice of one element and `value`, first to last, without reshapes; the slice's source and axis.
fn chain(graph: &Graph, mut value: ValueId) -> Option<(ValueId, usize, Vec<&Node>)> {
    let mut links = Vec::new();
    loop {
        let node = graph.producing_node(value)?;
        let shape = graph.shape(node.output);
        match &node.op {
            Op::Slice { axis, len: 1, .. } => {
                links.reverse();
                return Some((*node.inputs.first()?, *axis, links));
            }
            Op::Dense { .. } | Op::Unary(_) => links.push(node),
            Op::ScaleShift { axis, scale, .. } if scale.len() == 1 || axis + 1 == shape.len() => {
                links.push(node);
            }
            // The row stays the last axis.
            Op::Reshape { .. }
                if shape.last() == graph.shape(*node.inputs.first()?).last()
                    && shape.iter().rev().skip(1).all(|d| *d == 1) => {}
            _ => return None,
        }
        value = *node.inputs.first()?;
    }
}

/// Index of the slice that a chain begins with.
fn slice_start(graph: &Graph, mut value: ValueId) -> Option<usize> {
    loop {
        let node = graph.producing_node(value)?;
        if let Op::Slice { start, .. } = node.op {
            return Some(start);
        }
        value = *node.inputs.first()?;
    }
}

/// Whether two layers compute the same, whatever the axis count of their operands.
fn same(a: &Node, b: &Node) -> bool {
    match (&a.op, &b.op) {
        (
            Op::ScaleShift { scale, shift, .. },
            Op::ScaleShift {
                scale: scale_b,
                shift: shift_b,
                ..
            },
        ) => (scale, shift) == (scale_b, shift_b),
        (a, b) => a == b,
    }
}
