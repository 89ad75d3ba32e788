//! Row-major: y = weights · x + bias, rows of weights one after the other. Any width, any core.

use crate::number::{Accumulator, Element, Narrow};
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

/// Calls `finish` with the number of each row, bias + Σ weights · x, and where the result goes.
#[inline(always)]
fn each<A, X, W, B, Y>(
    x: &[X],
    weights: &[W],
    bias: &[B],
    y: &mut [Y],
    mut finish: impl FnMut(usize, A) -> Y,
) where
    A: Accumulator,
    X: Element + Into<A>,
    W: Element + Into<A>,
    B: Copy + Into<A>,
{
    #[cfg(target_arch = "x86_64")]
    if A::BITS == 32 && X::IS_HALF && W::IS_HALF && weights.len() == x.len() * bias.len() {
        return in_vectors(x, weights, bias, y, finish);
    }
    let rows = weights.chunks_exact(stride(x.len())).zip(bias);
    for (index, (y, (weights, bias))) in y.iter_mut().zip(rows).enumerate() {
        *y = finish(index, row(x, weights, *bias));
    }
}

/// As [`each`], eight rows at a time, of sums that 32 bits hold and elements of 16.
///
/// Sums first, then what is done with them: both become vectors.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn in_vectors<A, X, W, B, Y>(
    x: &[X],
    weights: &[W],
    bias: &[B],
    y: &mut [Y],
    mut finish: impl FnMut(usize, A) -> Y,
) where
    A: Accumulator,
    X: Element,
    W: Element,
    B: Copy + Into<A>,
{
    use crate::arch::x86_64::dots;

    /// Sums that are held at once.
    const HELD: usize = 64;
    let mut dots_held = [0; HELD];
    for (block, (y, bias)) in y.chunks_mut(HELD).zip(bias.chunks(HELD)).enumerate() {
        let first = HELD * block;
        let dots_held = &mut dots_held[..y.len()];
        dots(x, weights, first, dots_held);
        for (index, ((y, bias), dot)) in y.iter_mut().zip(bias).zip(dots_held).enumerate() {
            // Products alone may leave 32 bits on their way: what counts is the sum with the bias, modulo 2^32.
            let sum = (*bias).into().wrapping_add((*dot).into());
            *y = finish(first + index, sum);
        }
    }
}

/// A dense layer whose accumulators are the result.
///
/// `x`: `[in]`, `weights`: `[out, in]`, `bias`, `y`: `[out]`.
#[inline(always)]
pub fn dense<A, X, W, B, Y>(x: &[X], weights: &[W], bias: &[B], y: &mut [Y])
where
    A: Accumulator,
    X: Element + Into<A>,
    W: Element + Into<A>,
    B: Copy + Into<A>,
    Y: Narrow<A>,
{
    each(x, weights, bias, y, |_, sum| Y::narrow(sum));
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
    X: Element + Into<A>,
    W: Element + Into<A>,
    B: Copy + Into<A>,
    Y: Narrow<A>,
{
    each(x, weights, bias, y, |channel, sum| {
        let exact = requantise.apply(channel, sum);
        Y::narrow(exact.within(limits.0, limits.1))
    });
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;
    use crate::rescale::Shift;

    /// Numbers of a type, its ends among them.
    fn numbers<T: TryFrom<i64>>(count: usize, ends: [i64; 2], state: &mut u64) -> Vec<T> {
        let one = |_| {
            *state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let number = match *state >> 60 {
                0 => ends[0],
                1 => ends[1],
                _ => ((*state >> 40) as i64 % (ends[1] - ends[0])) + ends[0],
            };
            T::try_from(number).ok()
        };
        (0..count).filter_map(one).collect()
    }

    fn compare<X, W>(columns: usize, rows: usize, ends: [[i64; 2]; 2])
    where
        X: Element + Into<i32> + Into<i64> + TryFrom<i64>,
        W: Element + Into<i32> + Into<i64> + TryFrom<i64>,
    {
        let state = &mut (1 + columns as u64 * 64 + rows as u64);
        let x: Vec<X> = numbers(columns, ends[0], state);
        let weights: Vec<W> = numbers(rows * columns, ends[1], state);
        let sums: Vec<i64> = (0..rows)
            .map(|row| {
                let products = x.iter().zip(&weights[row * columns..]);
                let product = |(x, w): (&X, &W)| Into::<i64>::into(*x) * Into::<i64>::into(*w);
                products.map(product).sum()
            })
            .collect();
        // The sum with the bias fits, whatever the products alone do.
        let bias = sums.iter().map(|sum| match i32::try_from(*sum) {
            Ok(_) => 0,
            Err(_) => -(sum.signum() * i64::from(i32::MAX)) as i32,
        });
        let bias: Vec<i32> = bias.collect();
        let expected = sums
            .iter()
            .zip(&bias)
            .map(|(sum, bias)| sum + i64::from(*bias));
        let expected: Vec<i64> = expected.collect();
        let mut y = std::vec![0_i64; rows];
        let fits = expected.iter().all(|sum| i32::try_from(*sum).is_ok());
        if fits {
            dense::<i32, _, _, _, _>(&x, &weights, &bias, &mut y);
            assert_eq!(y, expected, "{rows} rows of {columns}");
        }
        dense::<i64, _, _, _, _>(&x, &weights, &bias, &mut y);
        assert_eq!(y, expected, "{rows} rows of {columns}, 64 bits");
        let shifts: Vec<u8> = (0..rows).map(|row| 3 + row as u8 % 12).collect();
        let mut narrow = std::vec![0_i8; rows];
        let half = |shift: u8| 1_i64 << (shift - 1);
        if expected
            .iter()
            .all(|sum| i32::try_from(*sum + half(15)).is_ok())
        {
            dense_rescale::<i32, _, _, _, _>(
                &x,
                &weights,
                &bias,
                Shift(&shifts),
                (-100, 127),
                &mut narrow,
            );
            for (channel, (y, sum)) in narrow.iter().zip(&expected).enumerate() {
                let shift = shifts[channel];
                let exact = ((sum + half(shift)) >> shift).clamp(-100, 127);
                assert_eq!(
                    i64::from(*y),
                    exact,
                    "{rows} rows of {columns}, row {channel}"
                );
            }
        }
    }

    #[test]
    fn sums_are_those_of_their_products() {
        let (bytes, halves) = ([-128, 127], [-32_768, 32_767]);
        for columns in (1..=36).chain([47, 48, 49, 63, 64, 65, 100]) {
            for rows in (1..=19).chain([24, 33]) {
                compare::<i8, i8>(columns, rows, [bytes, bytes]);
                compare::<i16, i8>(columns, rows, [halves, bytes]);
                compare::<i8, i16>(columns, rows, [bytes, halves]);
                compare::<i16, i16>(columns, rows, [halves, halves]);
            }
        }
    }
}
