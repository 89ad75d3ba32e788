//! A Poisson process.

use rand_chacha::ChaCha8Rng;

use super::uniform;
use crate::stream::{Rate, Timebase};

/// Independent, exponentially distributed distances; an arrival counts for the tick in which it
/// falls.
pub(super) struct Poisson {
    now: u64,
    /// Where in its tick the last arrival fell: whole ticks are exact, and this is less than one.
    fraction: f64,
    /// Mean distance in ticks.
    mean: f64,
    random: ChaCha8Rng,
}

impl Poisson {
    pub(super) fn new(rate: Rate, timebase: Timebase, random: ChaCha8Rng) -> Self {
        Self {
            now: 0,
            fraction: 0.0,
            mean: timebase.per_second() as f64 / rate.hz(),
            random,
        }
    }
}

impl Iterator for Poisson {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        // libm: the logarithm of the host's library is not the same everywhere.
        let distance = -libm::log(uniform(&mut self.random)) * self.mean + self.fraction;
        let whole = distance.floor();
        self.fraction = distance - whole;
        self.now = self.now.checked_add(whole as u64)?;
        Some(self.now)
    }
}
