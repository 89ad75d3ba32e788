//! Dense layers whose products are rounded one by one before they are summed: `ap_fixed` accumulators.

use crate::number::{Accumulator, Narrow};
use crate::rounding::Rounding;

/// y\[o\] = bias\[o\] + Σ round(weights\[o, i\]·x\[i\] / 2^shift). Products are of type `P`, sums of type `A`.
///
/// `x`: `[in]`, `weights`: `[out, in]`, `bias`, `y`: `[out]`.
#[inline(always)]
pub fn dense<P, A, X, W, B, Y, R>(_: R, x: &[X], weights: &[W], bias: &[B], shift: u32, y: &mut [Y])
where
    P: Accumulator,
    A: Accumulator + Narrow<P>,
    X: Copy + Into<P>,
    W: Copy + Into<P>,
    B: Copy + Into<A>,
    Y: Narrow<A>,
    R: Rounding,
{
    for ((y, weights), bias) in y.iter_mut().zip(weights.chunks_exact(x.len())).zip(bias) {
        let mut sum: A = (*bias).into();
        for (x, w) in x.iter().zip(weights) {
            sum += A::narrow(R::shift((*w).into() * (*x).into(), shift));
        }
        *y = Y::narrow(sum);
    }
}

/// As [`dense`], each product saturated into `limits` behind its rounding.
#[inline(always)]
pub fn dense_saturated<P, A, X, W, B, Y, R>(
    _: R,
    x: &[X],
    weights: &[W],
    bias: &[B],
    shift: u32,
    limits: (P, P),
    y: &mut [Y],
) where
    P: Accumulator,
    A: Accumulator + Narrow<P>,
    X: Copy + Into<P>,
    W: Copy + Into<P>,
    B: Copy + Into<A>,
    Y: Narrow<A>,
    R: Rounding,
{
    for ((y, weights), bias) in y.iter_mut().zip(weights.chunks_exact(x.len())).zip(bias) {
        let mut sum: A = (*bias).into();
        for (x, w) in x.iter().zip(weights) {
            let product = R::shift((*w).into() * (*x).into(), shift);
            sum += A::narrow(product.within(limits.0, limits.1));
        }
        *y = Y::narrow(sum);
    }
}
