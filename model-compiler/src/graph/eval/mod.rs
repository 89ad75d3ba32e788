//! The arithmetic of every operation, in `f32`.
//!
//! Reductions run in one fixed order, transcendental functions come from `libm`, and nothing is fused: the results are the
//! same bits on every host, because calibration decides integers from them.

mod conv;
mod elementwise;
mod linear;
mod moves;
mod order;
mod quantise;
mod reduce;

pub(super) use linear::DenseWeights;

use super::{Graph, GraphError, Op, Tensor, tensor::element_count};

/// A tensor that is read: its shape and elements.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    pub shape: &'a [usize],
    pub data: &'a [f32],
}

/// Computes an operation whose inputs fit it (as [`Op::infer`] checked) into `out`, which has the result's size.
pub(super) fn eval(op: &Op, inputs: &[View<'_>], shape: &[usize], out: &mut [f32]) {
    match (op, inputs) {
        (Op::Constant(t), _) => out.copy_from_slice(&t.data),
        (Op::Dense { weights, bias }, [x]) => DenseWeights::new(weights, bias).apply(x.data, out),
        (Op::MatMul, [a, b]) => linear::matmul(*a, *b, shape, out),
        (Op::ScaleShift { axis, scale, shift }, [x]) => {
            elementwise::scale_shift(*x, *axis, scale, shift, out)
        }
        (Op::Unary(u), [x]) => elementwise::unary(*u, x.data, out),
        (Op::Binary(b), [x, y]) => elementwise::binary(*b, *x, *y, shape, out),
        (Op::Compare(c), [x, y]) => elementwise::compare(*c, *x, *y, shape, out),
        (Op::Logic(l), [x, y]) => elementwise::logic(*l, *x, *y, shape, out),
        (Op::Where, [c, x, y]) => elementwise::select(*c, *x, *y, shape, out),
        (Op::Reduce { op, axes, .. }, [x]) => reduce::reduce(*op, axes, *x, out),
        (Op::Softmax { axis }, [x]) => reduce::softmax(*axis, *x, out),
        (Op::LogSoftmax { axis }, [x]) => reduce::log_softmax(*axis, *x, out),
        (
            Op::Conv {
                weights,
                bias,
                groups,
                window,
            },
            [x],
        ) => conv::conv(weights, bias, *groups, window, *x, shape, out),
        (
            Op::ConvTranspose {
                weights,
                bias,
                groups,
                window,
                ..
            },
            [x],
        ) => conv::transposed(weights, bias, *groups, window, *x, shape, out),
        (Op::Pool { op, window, .. }, [x]) => conv::pool(*op, window, *x, shape, out),
        (Op::Pad { pads, padding }, [x]) => moves::pad(pads, *padding, *x, shape, out),
        (
            Op::ArgMax {
                axis,
                largest,
                last,
            },
            [x],
        ) => order::arg_max(*axis, *largest, *last, *x, out),
        (
            Op::TopK {
                axis,
                k,
                largest,
                indices,
            },
            [x],
        ) => order::top_k(*axis, *k, *largest, *indices, *x, out),
        (Op::Gather { axis }, [x, indices]) => moves::pick_at(*axis, *x, *indices, out),
        (Op::Reshape { .. }, [x]) => out.copy_from_slice(x.data),
        (Op::Broadcast { .. }, [x]) => moves::broadcast(*x, shape, out),
        (Op::Transpose { perm }, [x]) => moves::transpose(perm, *x, shape, out),
        (
            Op::Slice {
                axis,
                start,
                step,
                len,
            },
            [x],
        ) => moves::slice(*axis, *start, *step, *len, *x, out),
        (Op::Select { axis, indices }, [x]) => moves::select(*axis, indices, *x, out),
        (Op::Quantise(q), [x]) => quantise::quantise(q, *x, out),
        (Op::Dequantise { scale, zero_point }, [x]) => {
            quantise::dequantise(scale, zero_point, *x, out)
        }
        (Op::FixedPoint(q), [x]) => quantise::fixed_point(q, x.data, out),
        (Op::DenseStepwise { weights, product }, [x]) => {
            quantise::stepwise(weights, product, x.data, out)
        }
        (Op::Trees(forest), [x]) => {
            let rows = x.data.chunks(forest.features);
            for (x, out) in rows.zip(out.chunks_mut(forest.targets)) {
                forest.evaluate(x, out);
            }
        }
        (Op::Concat { axis }, parts) => moves::concat(*axis, parts, out),
        // A graph's nodes have the inputs that their operation takes: the builder checked it.
        _ => {}
    }
}

/// A function of every number.
pub(crate) fn apply_unary(function: super::Unary, x: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0; x.len()];
    elementwise::unary(function, x, &mut out);
    out
}

/// Multiplications that an operation takes, roughly; used to bound the work of folding constants.
fn work(op: &Op, inputs: &[View<'_>], elements: usize) -> usize {
    let depth = match (op, inputs) {
        (Op::Dense { weights, .. }, _) => weights.shape.get(1).copied().unwrap_or(1),
        (Op::MatMul, [a, ..]) => a.shape.last().copied().unwrap_or(1),
        // Where the window lies is written down first: that takes room, too.
        (
            Op::Conv {
                weights, window, ..
            },
            _,
        ) => (weights.data.len() / weights.shape[0].max(1)).max(window.elements() * 16),
        (Op::ConvTranspose { weights, .. }, [x]) => {
            weights.data.len().saturating_mul(x.data.len()) / elements.max(1) * 16
        }
        (Op::Pool { window, .. }, _) => window.elements().saturating_mul(16),
        (Op::TopK { axis, .. }, [x, ..]) => x.shape[*axis],
        // A path may take every node.
        (Op::Trees(forest), _) => forest.trees.iter().map(Vec::len).sum(),
        _ => 1,
    };
    let read = inputs.iter().map(|v| v.data.len()).sum::<usize>();
    elements.saturating_mul(depth).saturating_add(read)
}

/// Computes an operation on constants. `None` when an input is not a constant, or the work exceeds `budget`, which is
/// reduced by what was used: a small file must not be able to ask for hours of folding.
pub(crate) fn eval_constant(
    graph: &Graph,
    op: &Op,
    inputs: &[super::ValueId],
    budget: &mut usize,
) -> Result<Option<Tensor>, GraphError> {
    if inputs.is_empty() {
        return Ok(None);
    }
    let Some(tensors) = inputs
        .iter()
        .map(|&v| graph.constant(v))
        .collect::<Option<Vec<_>>>()
    else {
        return Ok(None);
    };
    let views: Vec<View<'_>> = tensors
        .iter()
        .map(|t| View {
            shape: &t.shape,
            data: &t.data,
        })
        .collect();
    let shapes: Vec<&[usize]> = views.iter().map(|v| v.shape).collect();
    let shape = op.infer(&shapes)?;
    let elements = element_count(&shape).unwrap_or(usize::MAX);
    let Some(rest) = budget.checked_sub(work(op, &views, elements)) else {
        return Ok(None);
    };
    *budget = rest;
    let mut data = vec![0.0; elements];
    eval(op, &views, &shape, &mut data);
    Ok(Some(Tensor { shape, data }))
}
