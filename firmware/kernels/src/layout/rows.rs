//! Row-major: y = weights · x + bias, rows of weights one after the other. Any width, any core.

use crate::number::{Accumulator, Narrow};
use crate::rescale::Requantise;

/// bias + Σ weights · x of one row.
#[inline(always)]
fn row<A, X, W, B>(x: &[X], weights: &[W], bias: B) -> A
where
    A: Accumulator,
    X: Copy + Into<A>,
    W: Copy + Into<A>,
    B: Into<A>,
{
    let mut sum = bias.into();
    for (x, w) in x.iter().zip(weights) {
        sum += (*w).into() * (*x).into();
    }
    sum
}

/// From row to row of weights. Where x86-64's vectors are, the compiler must not know it: it would compute eight rows at a
/// time, and gather their bytes one by one, which takes nearly twice as long as one row after the other.
#[inline(always)]
fn stride(columns: usize) -> usize {
    if cfg!(target_arch = "x86_64") {
        core::hint::black_box(columns)
    } else {
        columns
    }
}

/// A dense layer whose accumulators are the result.
///
/// `x`: `[in]`, `weights`: `[out, in]`, `bias`, `y`: `[out]`.
#[inline(always)]
pub fn dense<A, X, W, B, Y>(x: &[X], weights: &[W], bias: &[B], y: &mut [Y])
where
    A: Accumulator,
    X: Copy + Into<A>,
    W: Copy + Into<A>,
    B: Copy + Into<A>,
    Y: Narrow<A>,
{
    let rows = weights.chunks_exact(stride(x.len()));
    for ((y, weights), bias) in y.iter_mut().zip(rows).zip(bias) {
        *y = Y::narrow(row(x, weights, *bias));
    }
}

/// A dense layer with its rescale, saturated into `limits`: \[0, maximum\] is a relu too.
///
/// `x`: `[in]`, `weights`: `[out, in]`, `bias`, `y`: `[out]`.
#[inline(always)]
pub fn dense_rescale<A, X, W, B, Y>(
    x: &[X],
    weights: &[W],
    bias: &[B],
    requantise: impl Requantise<A>,
    limits: (A, A),
    y: &mut [Y],
) where
    A: Accumulator,
    X: Copy + Into<A>,
    W: Copy + Into<A>,
    B: Copy + Into<A>,
    Y: Narrow<A>,
{
    let rows = weights.chunks_exact(stride(x.len())).zip(bias);
    for (channel, (y, (weights, bias))) in y.iter_mut().zip(rows).enumerate() {
        let exact = requantise.apply(channel, row(x, weights, *bias));
        *y = Y::narrow(exact.within(limits.0, limits.1));
    }
}
