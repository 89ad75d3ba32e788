//! The largest elements in order, without a branch on the data: k nearest neighbours.

use crate::number::{Accumulator, Narrow};

/// Indices of the largest elements, the largest first; of equal ones the lower index comes first.
///
/// An element and its index make one key: x·2^bits + (2^bits − 1 − index), so that keys differ, and the lower of
/// two equal elements has the larger one. Each key sinks through the `held` ones: it keeps its place where it is
/// larger, and what it displaces goes on.
///
/// `held` starts as the smallest keys, as many as `y` is long; x has 2^bits elements at most.
#[inline(always)]
pub fn top_k<A, X, Y>(x: &[X], bits: u32, held: &mut [A], y: &mut [Y])
where
    A: Accumulator,
    X: Copy + Into<A>,
    Y: Narrow<A>,
{
    let mut last = (A::ONE << bits) - A::ONE;
    let mask = last;
    for x in x {
        let mut key = ((*x).into() << bits) + last;
        last -= A::ONE;
        for held in held.iter_mut() {
            let larger = held.larger(key);
            key = held.smaller(key);
            *held = larger;
        }
    }
    for (held, y) in held.iter().zip(y) {
        *y = Y::narrow(mask - (*held & mask));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;
    use std::vec::Vec;

    fn ranked(x: &[i8], k: usize) -> Vec<i8> {
        let mut held = std::vec![i32::MIN; k];
        let mut y = std::vec![0i8; k];
        top_k::<i32, _, _>(x, 3, &mut held, &mut y);
        y
    }

    #[test]
    fn the_largest_first_and_the_lower_index_of_equal_ones() {
        assert_eq!(ranked(&[3, 1, 4, 1, 5], 5), [4, 2, 0, 1, 3]);
        assert_eq!(ranked(&[7, 7, 7], 2), [0, 1]);
        assert_eq!(ranked(&[-128, 127, -128, 127], 3), [1, 3, 0]);
        assert_eq!(ranked(&[0], 1), [0]);
    }
}
