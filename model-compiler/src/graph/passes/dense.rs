//! Products with a constant matrix become dense layers, and dense layers absorb the affine maps around them.

use super::{affine::Affine, rewrite::rewrite};
use crate::graph::{Graph, GraphError, Node, Op, Tensor, ValueId};

pub(super) fn run(graph: &Graph) -> Result<Option<Graph>, GraphError> {
    rewrite(graph, |r, node| {
        let (source, op, name) = match &node.op {
            Op::MatMul => {
                let Some(op) = constant_product(graph, node) else {
                    return Ok(None);
                };
                (node.inputs[0], op, &node.name)
            }
            Op::ScaleShift { .. } => {
                let Some(before) = r.sole_producer(node.inputs[0]) else {
                    return Ok(None);
                };
                let Some(op) = scaled_after(graph, before, node) else {
                    return Ok(None);
                };
                (before.inputs[0], op, &before.name)
            }
            Op::Dense { .. } => {
                let Some(before) = r.sole_producer(node.inputs[0]) else {
                    return Ok(None);
                };
                // The normalisation of the network's inputs stays apart: inside the weights it would give the columns
                // the spread of the inputs' units, which few-bit weights cannot hold.
                let normalised = before.inputs.first().is_none_or(|&x| is_input(graph, x));
                let both = match normalised {
                    true => composed(before, node),
                    false => scaled_before(graph, before, node).or_else(|| composed(before, node)),
                };
                let Some(op) = both else {
                    return Ok(None);
                };
                (before.inputs[0], op, &node.name)
            }
            _ => return Ok(None),
        };
        let source = r.mapped(source)?;
        r.push(name, op, &[source]).map(Some)
    })
}

/// `x·W` for a constant matrix `W` (axes of extent 1 before it do not matter while `x` has as many axes).
fn constant_product(graph: &Graph, node: &Node) -> Option<Op> {
    let [a, b] = node.inputs[..] else { return None };
    let matrix = graph.constant(b).filter(|t| t.is_finite())?;
    let (leading, &[width, out]) = matrix.shape.split_last_chunk()?;
    if leading.iter().any(|&d| d != 1) || leading.len() + 2 > graph.shape(a).len() {
        return None;
    }
    let mut weights = Tensor {
        shape: vec![out, width],
        data: Vec::with_capacity(out * width),
    };
    for o in 0..out {
        weights
            .data
            .extend((0..width).map(|i| matrix.data[i * out + o]));
    }
    Some(Op::Dense {
        weights,
        bias: vec![0.0; out],
    })
}

/// A dense layer followed by an affine map of its outputs.
fn scaled_after(graph: &Graph, dense: &Node, node: &Node) -> Option<Op> {
    let (Op::Dense { weights, bias }, affine) = (&dense.op, Affine::of(&node.op)?) else {
        return None;
    };
    if !affine.is_uniform() && affine.axis + 1 != graph.shape(node.output).len() {
        return None;
    }
    let (mut weights, mut bias) = (weights.clone(), bias.clone());
    let width = weights.shape[1];
    for (o, (row, b)) in weights
        .data
        .chunks_exact_mut(width)
        .zip(&mut bias)
        .enumerate()
    {
        let (scale, shift) = affine.at(o);
        row.iter_mut()
            .for_each(|w| *w = (f64::from(*w) * scale) as f32);
        *b = (f64::from(*b) * scale + shift) as f32;
    }
    finite(weights, bias)
}

/// An affine map of a dense layer's inputs.
fn scaled_before(graph: &Graph, before: &Node, dense: &Node) -> Option<Op> {
    let (Op::Dense { weights, bias }, affine) = (&dense.op, Affine::of(&before.op)?) else {
        return None;
    };
    if !affine.is_uniform() && affine.axis + 1 != graph.shape(before.output).len() {
        return None;
    }
    let (mut weights, mut bias) = (weights.clone(), bias.clone());
    let width = weights.shape[1];
    for (row, b) in weights.data.chunks_exact_mut(width).zip(&mut bias) {
        let mut sum = f64::from(*b);
        for (i, w) in row.iter_mut().enumerate() {
            let (scale, shift) = affine.at(i);
            sum += f64::from(*w) * shift;
            *w = (f64::from(*w) * scale) as f32;
        }
        *b = sum as f32;
    }
    finite(weights, bias)
}

/// Two dense layers with nothing between them, where one takes no more multiplications than both.
fn composed(before: &Node, dense: &Node) -> Option<Op> {
    let (
        Op::Dense { weights, bias },
        Op::Dense {
            weights: inner,
            bias: inner_bias,
        },
    ) = (&dense.op, &before.op)
    else {
        return None;
    };
    let (out, middle, width) = (weights.shape[0], weights.shape[1], inner.shape[1]);
    if out * width > middle * width + out * middle {
        return None;
    }
    let mut product = Tensor {
        shape: vec![out, width],
        data: Vec::with_capacity(out * width),
    };
    let mut offsets = Vec::with_capacity(out);
    for (row, b) in weights.data.chunks_exact(middle).zip(bias) {
        let sum = |value: &dyn Fn(usize) -> f32| {
            let terms = row.iter().enumerate();
            terms
                .map(|(m, w)| f64::from(*w) * f64::from(value(m)))
                .sum::<f64>()
        };
        product
            .data
            .extend((0..width).map(|i| sum(&|m| inner.data[m * width + i]) as f32));
        offsets.push((f64::from(*b) + sum(&|m| inner_bias[m])) as f32);
    }
    finite(product, offsets)
}

/// Products may overflow `f32`; then the affine map stays apart.
fn finite(weights: Tensor, bias: Vec<f32>) -> Option<Op> {
    (weights.is_finite() && bias.iter().all(|b| b.is_finite()))
        .then_some(Op::Dense { weights, bias })
}

/// Whether a value is a network input, moved and scaled at most.
fn is_input(graph: &Graph, mut value: ValueId) -> bool {
    while let Some(node) = graph.producing_node(value) {
        let moved = node.op.moves() || matches!(node.op, Op::ScaleShift { .. });
        match node.inputs.first() {
            Some(&x) if moved => value = x,
            _ => return false,
        }
    }
    true
}
