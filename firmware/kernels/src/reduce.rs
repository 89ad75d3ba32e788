//! Sums and maxima: over constituents, and over a row.

use crate::number::{Accumulator, Narrow};

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

/// largest = max(largest, x): one more constituent.
#[inline(always)]
pub fn maximum<A: Accumulator, X: Copy + Into<A>>(largest: &mut [A], x: &[X]) {
    for (largest, x) in largest.iter_mut().zip(x) {
        *largest = largest.larger((*x).into());
    }
}

/// What the maxima are once all constituents came: where not every slot `is_full`, an empty one counts, too.
///
/// The branch is on the multiplicity, not on data.
#[inline(always)]
pub fn maximum_with_empty<A, E, Y>(largest: &[A], empty: &[E], is_full: bool, y: &mut [Y])
where
    A: Accumulator,
    E: Copy + Into<A>,
    Y: Narrow<A>,
{
    for ((y, largest), empty) in y.iter_mut().zip(largest).zip(empty) {
        let padded = largest.larger((*empty).into());
        *y = Y::narrow(if is_full { *largest } else { padded });
    }
}

/// The largest element.
#[inline(always)]
pub fn largest<A: Accumulator, X: Copy + Into<A>>(x: &[X]) -> A {
    let x = x.iter().map(|x| (*x).into());
    x.reduce(|a: A, b| a.larger(b)).unwrap_or(A::ZERO)
}

/// The lowest index of the largest element.
#[inline(always)]
pub fn arg_max<A: Accumulator, X: Copy + Into<A>>(x: &[X]) -> i32 {
    let largest: A = largest(x);
    let mut index = 0;
    let mut sought = 1;
    for x in x {
        let x: A = (*x).into();
        // 1 until the largest has come: no branch on the data.
        sought &= i32::from(x != largest);
        index += sought;
    }
    index
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_slot_counts_where_there_is_one() {
        let mut largest = [i32::MIN; 2];
        let mut y = [0i8; 2];
        maximum_with_empty(&largest, &[-3i8, 5], false, &mut y);
        assert_eq!(y, [-3, 5]);
        maximum(&mut largest, &[-7i8, 9]);
        maximum(&mut largest, &[-8i8, 2]);
        maximum_with_empty(&largest, &[-3i8, 5], false, &mut y);
        assert_eq!(y, [-3, 9]);
        maximum_with_empty(&largest, &[-3i8, 5], true, &mut y);
        assert_eq!(y, [-7, 9]);
    }

    #[test]
    fn the_first_of_the_largest() {
        for (x, index) in [
            (&[3i8, 1][..], 0),
            (&[1, 3, 3], 1),
            (&[-9, -9, -8], 2),
            (&[7, 7, 7], 0),
            (&[-128], 0),
        ] {
            assert_eq!(arg_max::<i32, _>(x), index, "{x:?}");
        }
        assert_eq!(arg_max::<i64, _>(&[i64::MIN, i64::MAX]), 1);
    }
}
