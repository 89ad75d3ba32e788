//! Transposes move towards the end of the network, where they meet their opposite or a reduction: what exporters of
//! channels-first convolutions write around layers that are channels-last.

use super::rewrite::rewrite;
use crate::graph::{Graph, GraphError, Node, Op, ValueId};

pub(super) fn run(graph: &Graph) -> Result<Option<Graph>, GraphError> {
    rewrite(graph, |r, node| {
        let [x] = node.inputs[..] else {
            return Ok(None);
        };
        // Moving axes of extent 1 moves no element.
        if let Op::Transpose { perm } = &node.op
            && keeps_order(graph.shape(x), perm)
            && !perm.is_sorted()
        {
            let shape = graph.shape(node.output).to_vec();
            let x = r.mapped(x)?;
            return r.push(&node.name, Op::Reshape { shape }, &[x]).map(Some);
        }
        let Some(Node {
            name,
            op: Op::Transpose { perm },
            inputs,
            ..
        }) = r.sole_producer(x)
        else {
            return Ok(None);
        };
        let source = inputs[0];
        let Some((op, perm)) = swapped(graph, node, source, perm) else {
            return Ok(None);
        };
        let source = r.mapped(source)?;
        let y = r.push(&node.name, op, &[source])?;
        r.push(name, Op::Transpose { perm }, &[y]).map(Some)
    })
}

/// Whether a permutation leaves the axes of more than one element in their order.
fn keeps_order(shape: &[usize], perm: &[usize]) -> bool {
    perm.iter().filter(|p| shape[**p] != 1).is_sorted()
}

/// For `node` behind a transpose of `source`: the operation before it, and the transpose behind that.
fn swapped(
    graph: &Graph,
    node: &Node,
    source: ValueId,
    perm: &[usize],
) -> Option<(Op, Vec<usize>)> {
    match &node.op {
        Op::Unary(_) => Some((node.op.clone(), perm.to_vec())),
        Op::Reduce { op, axes, keepdims } => {
            let mut own: Vec<usize> = axes.iter().map(|a| perm[*a]).collect();
            own.sort_unstable();
            let kept = match keepdims {
                true => perm.to_vec(),
                false => {
                    let left: Vec<usize> = (0..perm.len()).filter(|a| !own.contains(a)).collect();
                    let place = |axis: &usize| left.iter().position(|l| l == axis);
                    perm.iter().filter_map(place).collect()
                }
            };
            let op = Op::Reduce {
                op: *op,
                axes: own,
                keepdims: *keepdims,
            };
            Some((op, kept))
        }
        Op::Reshape { shape } => around_ones(graph.shape(source), perm, shape),
        _ => None,
    }
}

/// A reshape that only adds or removes axes of extent 1, done before the transpose instead.
fn around_ones(source: &[usize], perm: &[usize], target: &[usize]) -> Option<(Op, Vec<usize>)> {
    let wide: Vec<usize> = perm.iter().copied().filter(|p| source[*p] != 1).collect();
    let extents = wide.iter().map(|p| source[*p]);
    if !target.iter().copied().filter(|d| *d != 1).eq(extents) {
        return None;
    }
    let ones = target.iter().filter(|d| **d == 1).count();
    let mut shape = vec![1; ones];
    shape.extend(source.iter().copied().filter(|d| *d != 1));
    // Where each wide axis of the source stands among them.
    let mut sorted = wide.clone();
    sorted.sort_unstable();
    let place = |axis: usize| sorted.iter().position(|s| *s == axis).map(|i| ones + i);
    let (mut next_one, mut next_wide) = (0..ones, wide.iter());
    let perm = target
        .iter()
        .map(|d| match d {
            1 => next_one.next(),
            _ => next_wide.next().and_then(|axis| place(*axis)),
        })
        .collect::<Option<Vec<usize>>>()?;
    Some((Op::Reshape { shape }, perm))
}
