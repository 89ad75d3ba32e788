//! Reductions and the softmax.

use super::{View, elementwise::Walk};
use crate::graph::{op::Reduction, tensor::strides};

/// Reduces the given axes; `out` has the elements of the other axes, in order.
pub(super) fn reduce(op: Reduction, axes: &[usize], x: View<'_>, out: &mut [f32]) {
    out.fill(match op {
        Reduction::Max => f32::NEG_INFINITY,
        Reduction::Min => f32::INFINITY,
        Reduction::Prod => 1.0,
        _ => 0.0,
    });
    // Walking the input in its own order visits the terms of each result in ascending order.
    let kept: Vec<usize> = (0..x.shape.len()).filter(|i| !axes.contains(i)).collect();
    let kept_shape: Vec<usize> = kept.iter().map(|&i| x.shape[i]).collect();
    let mut target = vec![0; x.shape.len()];
    for (&axis, stride) in kept.iter().zip(strides(&kept_shape)) {
        target[axis] = stride;
    }
    let mut walk = Walk::new(x.shape, [target]);
    for &v in x.data {
        let o = &mut out[walk.offsets[0]];
        *o = match op {
            Reduction::Sum | Reduction::Mean => *o + v,
            Reduction::Max => o.max(v),
            Reduction::Min => o.min(v),
            Reduction::Prod => *o * v,
            Reduction::SumSquare | Reduction::L2 => *o + v * v,
            Reduction::L1 => *o + v.abs(),
        };
        walk.advance();
    }
    match op {
        Reduction::Mean => {
            let count = (x.data.len() / out.len()) as f32;
            out.iter_mut().for_each(|o| *o /= count);
        }
        Reduction::L2 => out.iter_mut().for_each(|o| *o = libm::sqrtf(*o)),
        _ => {}
    }
}

/// Exponentials normalised along an axis.
pub(super) fn softmax(axis: usize, x: View<'_>, out: &mut [f32]) {
    along(axis, x, |x, column| {
        let max = column.clone().fold(f32::NEG_INFINITY, |m, j| m.max(x[j]));
        let mut sum = 0.0;
        for j in column.clone() {
            out[j] = libm::expf(x[j] - max);
            sum += out[j];
        }
        for j in column {
            out[j] /= sum;
        }
    });
}

/// Logarithms of the normalised exponentials, which do not vanish where those do.
pub(super) fn log_softmax(axis: usize, x: View<'_>, out: &mut [f32]) {
    along(axis, x, |x, column| {
        let max = column.clone().fold(f32::NEG_INFINITY, |m, j| m.max(x[j]));
        let sum = column
            .clone()
            .fold(0.0f32, |sum, j| sum + libm::expf(x[j] - max));
        let log = libm::logf(sum);
        for j in column {
            out[j] = x[j] - max - log;
        }
    });
}

/// Calls `each` with the positions of every line along an axis, in ascending order.
pub(super) fn along<'a>(
    axis: usize,
    x: View<'a>,
    mut each: impl FnMut(&'a [f32], std::iter::StepBy<std::ops::Range<usize>>),
) {
    let inner: usize = x.shape[axis + 1..].iter().product();
    let block = inner * x.shape[axis];
    for start in (0..x.data.len()).step_by(block) {
        for i in 0..inner {
            each(x.data, (start + i..start + block).step_by(inner));
        }
    }
}
