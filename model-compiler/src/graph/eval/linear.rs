//! Matrix products.

use super::{View, elementwise::stretch};
use crate::graph::Tensor;

/// A dense layer's weights, laid out so that the inner loop runs over outputs: then it vectorises, while every output
/// still sums its products in ascending order of the input.
#[derive(Clone, Debug)]
pub(in crate::graph) struct DenseWeights {
    /// `[in, out]`.
    transposed: Vec<f32>,
    bias: Vec<f32>,
    width: usize,
}

impl DenseWeights {
    /// From weights `[out, in]`.
    pub fn new(weights: &Tensor, bias: &[f32]) -> Self {
        let (out, width) = (weights.shape[0], weights.shape[1]);
        let mut transposed = vec![0.0; out * width];
        for (o, row) in weights.data.chunks_exact(width).enumerate() {
            for (i, &w) in row.iter().enumerate() {
                transposed[i * out + o] = w;
            }
        }
        Self {
            transposed,
            bias: bias.to_vec(),
            width,
        }
    }

    /// Applies the layer to every row of `x`.
    pub fn apply(&self, x: &[f32], out: &mut [f32]) {
        let width = self.bias.len();
        for (x, y) in x.chunks_exact(self.width).zip(out.chunks_exact_mut(width)) {
            row_times_matrix(x, &self.transposed, y);
            for (y, b) in y.iter_mut().zip(&self.bias) {
                *y += b;
            }
        }
    }
}

/// `y = x·matrix` for a matrix `[x.len(), y.len()]`.
fn row_times_matrix(x: &[f32], matrix: &[f32], y: &mut [f32]) {
    const BLOCK: usize = 16;
    let n = y.len();
    let mut start = 0;
    // Blocks of outputs stay in registers over the whole sum.
    while start + BLOCK <= n {
        let mut acc = [0.0f32; BLOCK];
        for (&x, row) in x.iter().zip(matrix.chunks_exact(n)) {
            for (a, w) in acc.iter_mut().zip(&row[start..start + BLOCK]) {
                *a += x * w;
            }
        }
        y[start..start + BLOCK].copy_from_slice(&acc);
        start += BLOCK;
    }
    if start < n {
        let rest = &mut y[start..];
        rest.fill(0.0);
        for (&x, row) in x.iter().zip(matrix.chunks_exact(n)) {
            for (a, w) in rest.iter_mut().zip(&row[start..]) {
                *a += x * w;
            }
        }
    }
}

/// `[..., m, k]` times `[..., k, n]`, leading axes broadcast.
pub(super) fn matmul(a: View<'_>, b: View<'_>, shape: &[usize], out: &mut [f32]) {
    let split = shape.len() - 2;
    let (m, n) = (shape[split], shape[split + 1]);
    let k = a.shape[a.shape.len() - 1];
    let batch = &shape[..split];
    let strides_a = stretch(&a.shape[..a.shape.len() - 2], batch);
    let strides_b = stretch(&b.shape[..b.shape.len() - 2], batch);
    let mut walk = super::elementwise::Walk::new(batch, [strides_a, strides_b]);
    for block in out.chunks_exact_mut(m * n) {
        let [i, j] = walk.offsets;
        let a = &a.data[i * m * k..(i + 1) * m * k];
        let b = &b.data[j * k * n..(j + 1) * k * n];
        for (x, y) in a.chunks_exact(k).zip(block.chunks_exact_mut(n)) {
            row_times_matrix(x, b, y);
        }
        walk.advance();
    }
}
