//! Whole numbers, steps and several outputs: named kinds of what once was wrong in silence, and random
//! graphs, each held to the float executor.
#![allow(clippy::unwrap_used)] // A test that unwraps fails with the line that is wrong.

mod graphs;
mod judge;
mod kinds;
mod masks;
mod observables;
mod random;
mod tails;

use hodoscope_compiler::quantise::{Activations, Options};

const SIXTEEN: Options = Options {
    weights: 16,
    activations: Activations::Sixteen,
};

/// SplitMix64.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Between 0 and 1.
    fn uniform(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 24) as f32
    }

    /// Mean 0, variance 1, near enough to a Gaussian: twelve uniform numbers.
    fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.uniform()).sum::<f32>() - 6.0
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}
