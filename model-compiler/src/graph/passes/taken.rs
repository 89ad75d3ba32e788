//! Channels that are taken from a layer's result are those that the layer computes.

use super::affine::Affine;
use super::rewrite::rewrite;
use crate::graph::{Graph, GraphError, Node, Op, Tensor};

pub(super) fn run(graph: &Graph) -> Result<Option<Graph>, GraphError> {
    rewrite(graph, |r, node| {
        let Some((axis, indices)) = taken(&node.op) else {
            return Ok(None);
        };
        let Some(before) = r.sole_producer(node.inputs[0]) else {
            return Ok(None);
        };
        let shape = graph.shape(before.output);
        if indices.len() >= shape[axis] {
            return Ok(None);
        }
        let last = axis + 1 == shape.len();
        let Some((op, takes_first)) = of_taken(before, axis, last, &indices) else {
            return Ok(None);
        };
        let mut x = r.mapped(before.inputs[0])?;
        if takes_first {
            let name = format!("{}.taken", node.name);
            x = r.push(&name, Op::Select { axis, indices }, &[x])?;
        }
        // What is left has the elements of the node that took them.
        r.push(&node.name, op, &[x]).map(Some)
    })
}

/// The elements that a node keeps of one axis.
fn taken(op: &Op) -> Option<(usize, Vec<usize>)> {
    match op {
        Op::Select { axis, indices } => Some((*axis, indices.clone())),
        Op::Slice {
            axis,
            start,
            step,
            len,
        } => {
            let at = |i: usize| start.checked_add_signed(step.checked_mul(i.try_into().ok()?)?);
            let indices = (0..*len).map(at).collect::<Option<_>>()?;
            Some((*axis, indices))
        }
        _ => None,
    }
}

/// The operation that gives the kept elements alone, and whether they are taken from its operand first.
fn of_taken(before: &Node, axis: usize, last: bool, indices: &[usize]) -> Option<(Op, bool)> {
    match &before.op {
        Op::Unary(function) => Some((Op::Unary(*function), true)),
        Op::ScaleShift { .. } => {
            let affine = Affine::of(&before.op)?;
            if affine.is_uniform() {
                return Some((before.op.clone(), true));
            }
            let own = affine.axis == axis;
            own.then(|| {
                let (scale, shift) = indices.iter().map(|i| affine.at(*i)).unzip();
                (Op::ScaleShift { axis, scale, shift }, true)
            })
        }
        Op::Dense { weights, bias } if last => {
            let width = weights.shape[1];
            let row = |o: &usize| weights.data[o * width..][..width].iter().copied();
            let data = indices.iter().flat_map(row).collect();
            let weights = Tensor {
                shape: vec![indices.len(), width],
                data,
            };
            let bias = indices.iter().map(|o| bias[*o]).collect();
            Some((Op::Dense { weights, bias }, false))
        }
        _ => None,
    }
}
