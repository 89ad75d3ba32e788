//! Sums: over constituents, and over a row.

use crate::number::Accumulator;

/// sums += x: one more constituent.
#[inline(always)]
pub fn add<A: Accumulator, X: Copy + Into<A>>(sums: &mut [A], x: &[X]) {
    for (sum, x) in sums.iter_mut().zip(x) {
        *sum += (*x).into();
    }
}

/// sums −= x: a constituent that a harder one displaces, exactly.
#[inline(always)]
pub fn subtract<A: Accumulator, X: Copy + Into<A>>(sums: &mut [A], x: &[X]) {
    for (sum, x) in sums.iter_mut().zip(x) {
        *sum -= (*x).into();
    }
}

/// Σ (a − b)²: an autoencoder's error.
#[inline(always)]
pub fn squared_error<A, X, Z>(a: &[X], b: &[Z]) -> A
where
    A: Accumulator,
    X: Copy + Into<A>,
    Z: Copy + Into<A>,
{
    let mut sum = A::ZERO;
    for (a, b) in a.iter().zip(b) {
        let difference = (*a).into() - (*b).into();
        sum += difference * difference;
    }
    sum
}

/// Σ x².
#[inline(always)]
pub fn sum_squares<A: Accumulator, X: Copy + Into<A>>(x: &[X]) -> A {
    let mut sum = A::ZERO;
    for x in x {
        let x: A = (*x).into();
        sum += x * x;
    }
    sum
}
