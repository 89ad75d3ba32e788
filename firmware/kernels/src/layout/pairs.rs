//! Activations as the DSP instructions read them: 16-bit halves, two to a word.

use core::ops::{Deref, DerefMut};

/// One row: `N` halves, a multiple of four, in whole words. Halves beyond the row's length meet
/// weights of zero: their values do not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(4))]
pub struct Pairs<const N: usize>([i16; N]);

impl<const N: usize> Pairs<N> {
    /// All zero.
    pub const ZERO: Self = Self([0; N]);
}

impl<const N: usize> From<[i16; N]> for Pairs<N> {
    fn from(halves: [i16; N]) -> Self {
        Self(halves)
    }
}

impl<const N: usize> Deref for Pairs<N> {
    type Target = [i16; N];

    #[inline(always)]
    fn deref(&self) -> &[i16; N] {
        &self.0
    }
}

impl<const N: usize> DerefMut for Pairs<N> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [i16; N] {
        &mut self.0
    }
}

/// The rows of two constituents, pair by pair in turn: `N` halves in all, a multiple of eight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(4))]
pub struct Twins<const N: usize>([i16; N]);

/// Where element `channel` of constituent `which` is.
#[inline(always)]
pub(super) fn twin(channel: usize, which: usize) -> usize {
    4 * (channel / 2) + 2 * which + channel % 2
}

impl<const N: usize> Twins<N> {
    /// All zero.
    pub const ZERO: Self = Self([0; N]);

    /// The rows `a` and `b`.
    #[inline(always)]
    pub fn of<X: Copy + Into<i16>>(a: &[X], b: &[X]) -> Self {
        let mut twins = Self::ZERO;
        for (channel, (a, b)) in a.iter().zip(b).enumerate() {
            twins.0[twin(channel, 0)] = (*a).into();
            twins.0[twin(channel, 1)] = (*b).into();
        }
        twins
    }

    /// The row of one of them.
    #[inline(always)]
    pub fn row<const M: usize>(&self, which: usize) -> [i16; M] {
        core::array::from_fn(|channel| self.0[twin(channel, which)])
    }

    /// sums += the rows of both.
    #[inline(always)]
    pub fn add_to<A: crate::number::Accumulator + From<i16>>(&self, sums: &mut [A]) {
        for (channel, sum) in sums.iter_mut().enumerate() {
            *sum += A::from(self.0[twin(channel, 0)]) + A::from(self.0[twin(channel, 1)]);
        }
    }
}

impl<const N: usize> Deref for Twins<N> {
    type Target = [i16; N];

    #[inline(always)]
    fn deref(&self) -> &[i16; N] {
        &self.0
    }
}

impl<const N: usize> DerefMut for Twins<N> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [i16; N] {
        &mut self.0
    }
}
