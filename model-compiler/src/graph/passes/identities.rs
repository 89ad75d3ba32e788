//! Operations that change nothing disappear; successive ones of a kind become one.

use super::rewrite::{Rewriter, rewrite};
use crate::graph::{Graph, GraphError, Node, Op, Tensor, Unary, ValueId, broadcast};

pub(super) fn run(graph: &Graph) -> Result<Option<Graph>, GraphError> {
    rewrite(graph, |r, node| {
        if let Some(&x) = node
            .inputs
            .first()
            .filter(|&&x| changes_nothing(graph, node, x))
        {
            return r.mapped(x).map(Some);
        }
        if let Some(inputs) = without_broadcasts(graph, node) {
            let inputs = inputs
                .into_iter()
                .map(|v| r.mapped(v))
                .collect::<Result<Vec<_>, _>>()?;
            return r.push(&node.name, node.op.clone(), &inputs).map(Some);
        }
        if let Some(small) = without_repetition(r, node)? {
            return Ok(Some(small));
        }
        merged(r, node)
    })
}

fn changes_nothing(graph: &Graph, node: &Node, x: ValueId) -> bool {
    let shape = graph.shape(x);
    match &node.op {
        Op::Reshape { shape: new } | Op::Broadcast { shape: new } => shape == new,
        Op::Transpose { perm } => perm.is_sorted(),
        Op::Slice {
            axis,
            start: 0,
            step: 1,
            len,
        } => shape[*axis] == *len,
        Op::Select { axis, indices } => indices.iter().copied().eq(0..shape[*axis]),
        Op::Concat { .. } => node.inputs.len() == 1,
        Op::Reduce { axes, keepdims, op } => {
            use crate::graph::Reduction::{Max, Mean, Min, Prod, Sum};
            // Summing over an axis of one element, the batch axis for instance.
            let trivial = axes.iter().all(|&a| shape[a] == 1) && (*keepdims || axes.is_empty());
            trivial && matches!(op, Sum | Mean | Max | Min | Prod)
        }
        Op::Unary(Unary::Relu) => {
            matches!(
                graph.producing_node(x),
                Some(Node {
                    op: Op::Unary(Unary::Relu),
                    ..
                })
            ) || graph.is_boolean(x)
        }
        Op::Unary(Unary::Abs) => graph.is_boolean(x),
        Op::Unary(Unary::Clip { min, max }) => {
            let (low, high) = if graph.is_boolean(x) {
                (0.0, 1.0)
            } else {
                (f32::NEG_INFINITY, f32::INFINITY)
            };
            *min <= low && *max >= high
        }
        Op::Unary(Unary::Floor | Unary::Ceil | Unary::Round | Unary::Trunc) => graph.is_boolean(x),
        _ => false,
    }
}

/// The inputs of an operation that broadcasts by itself, taken before explicit broadcasts; `None` if nothing is gained.
fn without_broadcasts(graph: &Graph, node: &Node) -> Option<Vec<ValueId>> {
    if !matches!(
        node.op,
        Op::Binary(_) | Op::Compare(_) | Op::Logic(_) | Op::Where
    ) {
        return None;
    }
    let mut inputs = node.inputs.clone();
    let mut gained = false;
    for i in 0..inputs.len() {
        let Some(Node {
            op: Op::Broadcast { .. },
            inputs: source,
            ..
        }) = graph.producing_node(inputs[i])
        else {
            continue;
        };
        let mut trial = inputs.clone();
        trial[i] = *source.first()?;
        let shapes: Vec<&[usize]> = trial.iter().map(|&v| graph.shape(v)).collect();
        if broadcast(&shapes).as_deref() == Some(graph.shape(node.output)) {
            inputs = trial;
            gained = true;
        }
    }
    gained.then_some(inputs)
}

/// The node with constants whose elements are all equal replaced by one number, where broadcasting restores them; a mask's
/// fill value then looks the same whichever exporter wrote it.
fn without_repetition(r: &mut Rewriter<'_>, node: &Node) -> Result<Option<ValueId>, GraphError> {
    if !matches!(
        node.op,
        Op::Binary(_) | Op::Compare(_) | Op::Logic(_) | Op::Where
    ) {
        return Ok(None);
    }
    let scalar: &[usize] = &[];
    let mut shapes: Vec<&[usize]> = node.inputs.iter().map(|&v| r.old.shape(v)).collect();
    let mut fills = vec![None; shapes.len()];
    for (i, &input) in node.inputs.iter().enumerate() {
        let Some(fill) = r
            .old
            .constant(input)
            .filter(|t| !t.shape.is_empty())
            .and_then(repeated)
        else {
            continue;
        };
        let full = std::mem::replace(&mut shapes[i], scalar);
        if broadcast(&shapes).as_deref() == Some(r.old.shape(node.output)) {
            fills[i] = Some(fill);
        } else {
            shapes[i] = full;
        }
    }
    if fills.iter().all(Option::is_none) {
        return Ok(None);
    }
    let mut inputs = Vec::new();
    for (&input, fill) in node.inputs.iter().zip(fills) {
        inputs.push(match fill {
            Some(value) => r.push(
                r.old.value_name(input),
                Op::Constant(Tensor::scalar(value)),
                &[],
            )?,
            None => r.mapped(input)?,
        });
    }
    r.push(&node.name, node.op.clone(), &inputs).map(Some)
}

/// The value that all elements have.
fn repeated(tensor: &Tensor) -> Option<f32> {
    let first = *tensor.data.first()?;
    // Bits, because 0 and −0 differ as divisors.
    tensor
        .data
        .iter()
        .all(|v| v.to_bits() == first.to_bits())
        .then_some(first)
}

/// A node together with the one before it, when both are of a kind that composes.
fn merged(r: &mut Rewriter<'_>, node: &Node) -> Result<Option<ValueId>, GraphError> {
    let [x] = node.inputs[..] else {
        return Ok(None);
    };
    let Some(before) = r.old.producing_node(x) else {
        return Ok(None);
    };
    let [source] = before.inputs[..] else {
        return Ok(None);
    };
    let op = match (&before.op, &node.op) {
        (Op::Reshape { .. }, Op::Reshape { .. }) | (Op::Broadcast { .. }, Op::Broadcast { .. }) => {
            node.op.clone()
        }
        (Op::Transpose { perm: first }, Op::Transpose { perm }) => Op::Transpose {
            perm: perm.iter().map(|&p| first[p]).collect(),
        },
        // A reduction that keeps its axes, squeezed afterwards, is the same reduction that drops them.
        (
            Op::Reduce {
                op,
                axes,
                keepdims: true,
            },
            Op::Reshape { shape },
        ) => {
            let dropped = Op::Reduce {
                op: *op,
                axes: axes.clone(),
                keepdims: false,
            };
            // Another reader of the unsqueezed result would make the reduction run twice.
            if r.uses[x.index()] != 1
                || dropped.infer(&[r.old.shape(source)]).ok().as_ref() != Some(shape)
            {
                return Ok(None);
            }
            dropped
        }
        (Op::Unary(Unary::Not), Op::Unary(Unary::Not)) if r.old.is_boolean(source) => {
            return r.mapped(source).map(Some);
        }
        _ => return Ok(None),
    };
    let source = r.mapped(source)?;
    r.push(&node.name, op, &[source]).map(Some)
}
