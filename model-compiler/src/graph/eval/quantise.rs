//! Quantisers.

use super::{
    View,
    elementwise::{Walk, stretch},
};
use crate::graph::{FixedPoint, Quantiser, Tensor};

/// The integer of every element.
pub(super) fn quantise(q: &Quantiser, x: View<'_>, out: &mut [f32]) {
    each(&q.scale, &q.zero_point, x, out, |x, s, z| q.apply(x, s, z));
}

/// (q − zero point)·scale.
pub(super) fn dequantise(scale: &Tensor, zero_point: &Tensor, x: View<'_>, out: &mut [f32]) {
    each(scale, zero_point, x, out, |x, s, z| (x - z) * s);
}

/// Every element as a number of its type.
pub(super) fn fixed_point(q: &FixedPoint, x: &[f32], out: &mut [f32]) {
    for ((o, &v), ty) in out.iter_mut().zip(x).zip(&q.types) {
        *o = q.apply(v, *ty);
    }
}

fn each(
    scale: &Tensor,
    zero_point: &Tensor,
    x: View<'_>,
    out: &mut [f32],
    f: impl Fn(f32, f32, f32) -> f32,
) {
    let strides = [
        stretch(&scale.shape, x.shape),
        stretch(&zero_point.shape, x.shape),
    ];
    let mut walk = Walk::new(x.shape, strides);
    for (o, &v) in out.iter_mut().zip(x.data) {
        let [s, z] = walk.offsets;
        *o = f(v, scale.data[s], zero_point.data[z]);
        walk.advance();
    }
}

/// y\[o\] = Σ_i step·q(weights\[o, i\]·x\[i\]) for each row of x.
pub(super) fn stepwise(weights: &Tensor, q: &Quantiser, x: &[f32], out: &mut [f32]) {
    let (outputs, inputs) = (weights.shape[0], weights.shape[1]);
    let (step, zero) = (q.scale.data[0], q.zero_point.data[0]);
    for (x, y) in x.chunks_exact(inputs).zip(out.chunks_exact_mut(outputs)) {
        for (y, row) in y.iter_mut().zip(weights.data.chunks_exact(inputs)) {
            let product = |(w, x): (&f32, &f32)| (q.apply(w * x, step, zero) - zero) * step;
            *y = row.iter().zip(x).map(product).sum();
        }
    }
}
