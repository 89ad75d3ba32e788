//! A constant distance.

use crate::stream::{Rate, Timebase};

/// Arrival k is at ⌊k · ticks per second / rate⌋: exact, however long it takes.
pub(super) struct Fixed {
    now: u64,
    /// Ticks between two arrivals: `whole + part / rate`.
    whole: u64,
    part: u64,
    rate: u64,
    /// Of a tick, in units of 1 / `rate`.
    remainder: u64,
    first: bool,
}

impl Fixed {
    pub(super) fn new(rate: Rate, timebase: Timebase) -> Self {
        let rate = rate.micro_hz();
        let ticks = u128::from(timebase.per_second()) * 1_000_000;
        let whole = ticks / u128::from(rate);
        Self {
            now: 0,
            whole: u64::try_from(whole).unwrap_or(u64::MAX),
            part: (ticks % u128::from(rate)) as u64,
            rate,
            remainder: 0,
            first: true,
        }
    }
}

impl Iterator for Fixed {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        if std::mem::take(&mut self.first) {
            return Some(0);
        }
        self.now = self.now.checked_add(self.whole)?;
        match self.remainder.checked_add(self.part) {
            Some(sum) if sum < self.rate => self.remainder = sum,
            // Both are less than the rate: their sum is less than twice that.
            _ => {
                self.remainder = self
                    .remainder
                    .wrapping_add(self.part)
                    .wrapping_sub(self.rate);
                self.now = self.now.checked_add(1)?;
            }
        }
        Some(self.now)
    }
}
