//! Functions of one raw, and of two raws of the same place.

use crate::number::{Accumulator, Narrow};
use crate::order::Order;

/// y = max(x, 0).
#[inline(always)]
pub fn relu<X: Order + Default, Y: Narrow<X>>(x: &[X], y: &mut [Y]) {
    for (x, y) in x.iter().zip(y) {
        *y = Y::narrow((*x).larger(X::default()));
    }
}

/// y = min(max(x, minimum), maximum).
#[inline(always)]
pub fn clip<A, X, Y>(x: &[X], minimum: A, maximum: A, y: &mut [Y])
where
    A: Accumulator,
    X: Copy + Into<A>,
    Y: Narrow<A>,
{
    for (x, y) in x.iter().zip(y) {
        *y = Y::narrow((*x).into().within(minimum, maximum));
    }
}

/// y = x for x ≥ 0, else ⌊x·multiplier / 2^shift + ½⌋, without a branch on the data.
#[inline(always)]
pub fn leaky_relu<A, X, Y>(x: &[X], multiplier: A, shift: u8, y: &mut [Y])
where
    A: Accumulator,
    X: Copy + Into<A>,
    Y: Narrow<A>,
{
    let shift = u32::from(shift);
    let half = (A::ONE << shift) >> 1;
    for (x, y) in x.iter().zip(y) {
        let x: A = (*x).into();
        let negative = x.smaller(A::ZERO);
        let scaled = (negative * multiplier + half) >> shift;
        *y = Y::narrow(x.larger(A::ZERO) + scaled);
    }
}

/// y = entries\[x − first\].
///
/// # Panics
/// Never where the table covers the type of x, as the verifier proved.
#[inline(always)]
pub fn table<X, E, Y>(x: &[X], first: i32, entries: &[E], y: &mut [Y])
where
    X: Copy + Into<i32>,
    E: Copy,
    Y: Narrow<E>,
{
    for (x, y) in x.iter().zip(y) {
        let x: i32 = (*x).into();
        *y = Y::narrow(entries[(x - first) as usize]);
    }
}

/// y = x, stored in another width.
#[inline(always)]
pub fn copy<X: Copy, Y: Narrow<X>>(x: &[X], y: &mut [Y]) {
    for (x, y) in x.iter().zip(y) {
        *y = Y::narrow(*x);
    }
}

/// y = a·b; an operand of one element serves all.
#[inline(always)]
pub fn mul<A, X, Z, Y>(a: &[X], b: &[Z], y: &mut [Y])
where
    A: Accumulator,
    X: Copy + Into<A>,
    Z: Copy + Into<A>,
    Y: Narrow<A>,
{
    for (channel, y) in y.iter_mut().enumerate() {
        let a: A = a[if a.len() == 1 { 0 } else { channel }].into();
        let b: A = b[if b.len() == 1 { 0 } else { channel }].into();
        *y = Y::narrow(a * b);
    }
}

/// y = a + b.
#[inline(always)]
pub fn add<A, X, Z, Y>(a: &[X], b: &[Z], y: &mut [Y])
where
    A: Accumulator,
    X: Copy + Into<A>,
    Z: Copy + Into<A>,
    Y: Narrow<A>,
{
    for ((a, b), y) in a.iter().zip(b).zip(y) {
        *y = Y::narrow((*a).into() + (*b).into());
    }
}

/// y = a − b.
#[inline(always)]
pub fn sub<A, X, Z, Y>(a: &[X], b: &[Z], y: &mut [Y])
where
    A: Accumulator,
    X: Copy + Into<A>,
    Z: Copy + Into<A>,
    Y: Narrow<A>,
{
    for ((a, b), y) in a.iter().zip(b).zip(y) {
        *y = Y::narrow((*a).into() - (*b).into());
    }
}

/// y = max(a, b).
#[inline(always)]
pub fn larger<A, X, Z, Y>(a: &[X], b: &[Z], y: &mut [Y])
where
    A: Accumulator,
    X: Copy + Into<A>,
    Z: Copy + Into<A>,
    Y: Narrow<A>,
{
    for ((a, b), y) in a.iter().zip(b).zip(y) {
        *y = Y::narrow((*a).into().larger((*b).into()));
    }
}

/// y = min(a, b).
#[inline(always)]
pub fn smaller<A, X, Z, Y>(a: &[X], b: &[Z], y: &mut [Y])
where
    A: Accumulator,
    X: Copy + Into<A>,
    Z: Copy + Into<A>,
    Y: Narrow<A>,
{
    for ((a, b), y) in a.iter().zip(b).zip(y) {
        *y = Y::narrow((*a).into().smaller((*b).into()));
    }
}
