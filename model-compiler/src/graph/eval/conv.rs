//! Convolutions and pooling.

use super::View;
use crate::graph::{op::Pooling, tensor::Tensor, window::Window};

/// Pairs (window, place) for each element of a window, those in the padding left out.
fn places(window: &Window, x: &[usize], windows: &[usize]) -> Vec<Vec<(usize, usize)>> {
    let mut places = vec![Vec::new(); window.elements()];
    window.visit(x, windows, |e, w, at| places[e].push((w, at)));
    places
}

fn add_bias(bias: &[f32], size: usize, out: &mut [f32]) {
    for (image, b) in out.chunks_exact_mut(size).zip(bias.iter().cycle()) {
        image.iter_mut().for_each(|o| *o += b);
    }
}

/// A convolution.
pub(super) fn conv(
    weights: &Tensor,
    bias: &[f32],
    groups: usize,
    window: &Window,
    x: View<'_>,
    shape: &[usize],
    out: &mut [f32],
) {
    let (width, elements) = (weights.shape[1], window.elements());
    let (from, to): (usize, usize) = (x.shape[2..].iter().product(), shape[2..].iter().product());
    let places = places(window, &x.shape[2..], &shape[2..]);
    let in_group = shape[1] / groups;
    out.fill(0.0);
    for (x, out) in x
        .data
        .chunks_exact(from * x.shape[1])
        .zip(out.chunks_exact_mut(to * shape[1]))
    {
        for (o, out) in out.chunks_exact_mut(to).enumerate() {
            let first = o / in_group * width;
            let rows = weights.data[o * width * elements..].chunks_exact(elements);
            for (c, row) in rows.take(width).enumerate() {
                let image = &x[(first + c) * from..][..from];
                for (w, pairs) in row.iter().zip(&places) {
                    for &(window, at) in pairs {
                        out[window] += w * image[at];
                    }
                }
            }
        }
    }
    add_bias(bias, to, out);
}

/// A transposed convolution: the roles of windows and places are exchanged.
pub(super) fn transposed(
    weights: &Tensor,
    bias: &[f32],
    groups: usize,
    window: &Window,
    x: View<'_>,
    shape: &[usize],
    out: &mut [f32],
) {
    let (width, elements) = (weights.shape[1], window.elements());
    let (from, to): (usize, usize) = (x.shape[2..].iter().product(), shape[2..].iter().product());
    let places = places(window, &shape[2..], &x.shape[2..]);
    let in_group = x.shape[1] / groups;
    out.fill(0.0);
    for (x, out) in x
        .data
        .chunks_exact(from * x.shape[1])
        .zip(out.chunks_exact_mut(to * shape[1]))
    {
        for (c, image) in x.chunks_exact(from).enumerate() {
            let first = c / in_group * width;
            let rows = weights.data[c * width * elements..].chunks_exact(elements);
            for (o, row) in rows.take(width).enumerate() {
                let out = &mut out[(first + o) * to..][..to];
                for (w, pairs) in row.iter().zip(&places) {
                    for &(window, at) in pairs {
                        out[at] += w * image[window];
                    }
                }
            }
        }
    }
    add_bias(bias, to, out);
}

/// Pooling within each channel.
pub(super) fn pool(op: Pooling, window: &Window, x: View<'_>, shape: &[usize], out: &mut [f32]) {
    let (from, to): (usize, usize) = (x.shape[2..].iter().product(), shape[2..].iter().product());
    let (extents, windows) = (&x.shape[2..], &shape[2..]);
    let places = places(window, extents, windows);
    let divisors = match op {
        Pooling::Max => Vec::new(),
        Pooling::Average { padding_counts } => divisors(window, extents, windows, padding_counts),
    };
    for (image, out) in x.data.chunks_exact(from).zip(out.chunks_exact_mut(to)) {
        if op == Pooling::Max {
            out.fill(f32::NEG_INFINITY);
            for &(w, at) in places.iter().flatten() {
                out[w] = out[w].max(image[at]);
            }
        } else {
            out.fill(0.0);
            for &(w, at) in places.iter().flatten() {
                out[w] += image[at];
            }
            for (o, n) in out.iter_mut().zip(&divisors) {
                *o /= n;
            }
        }
    }
}

/// How many elements of each window count.
fn divisors(window: &Window, extents: &[usize], windows: &[usize], padding: bool) -> Vec<f32> {
    let mut counted = window.clone();
    let mut extents = extents.to_vec();
    if padding {
        // The padding becomes part of the tensor; what lies behind it does not.
        for (extent, pads) in extents.iter_mut().zip(&mut counted.pads) {
            *extent += pads.0 + pads.1;
            *pads = (0, 0);
        }
    }
    let mut counts = vec![0.0; windows.iter().product()];
    counted.visit(&extents, windows, |_, w, _| counts[w] += 1.0);
    counts
}
