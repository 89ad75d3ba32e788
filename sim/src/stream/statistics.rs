//! What is counted of a stream.

use hdrhistogram::Histogram;

use super::{Fate, Occupancy};

/// Batches of consecutive events from whose means errors are taken.
const BATCHES: u64 = 64;

/// What became of a stream's events.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Events that arrived.
    pub arrivals: u64,
    /// Events that were lost.
    pub lost: u64,
    /// Decisions that were there after their release.
    pub late: u64,
    /// From arrival to decision, in ticks.
    pub latencies: Latencies,
    /// Mean of it.
    pub latency: BatchMean,
    /// Fraction of the events that was lost.
    pub drop_fraction: BatchMean,
    /// How full the board was.
    pub occupancy: Occupancy,
}

impl Outcome {
    /// Events that were computed.
    pub fn decided(&self) -> u64 {
        self.arrivals - self.lost
    }
}

/// Quantiles of ticks, to four digits, rounded up; the largest is exact.
#[derive(Clone, Debug)]
pub struct Latencies {
    /// Nothing when it could not be made: its resolution is a constant that it takes.
    histogram: Option<Histogram<u64>>,
    largest: u64,
    smallest: u64,
}

impl Latencies {
    fn new() -> Self {
        Self {
            histogram: Histogram::new(4).ok(),
            largest: 0,
            smallest: u64::MAX,
        }
    }

    #[inline]
    fn record(&mut self, ticks: u64) {
        self.largest = self.largest.max(ticks);
        self.smallest = self.smallest.min(ticks);
        if let Some(histogram) = &mut self.histogram {
            // It grows with what it holds: there is no tick that it refuses.
            let _ = histogram.record(ticks);
        }
    }

    /// The least latency that at least the fraction `q` of all do not exceed; nothing of none.
    pub fn quantile(&self, q: f64) -> Option<u64> {
        let histogram = self.histogram.as_ref()?;
        (!histogram.is_empty()).then(|| histogram.value_at_quantile(q).min(self.largest))
    }

    /// The largest; nothing of none.
    pub fn largest(&self) -> Option<u64> {
        (self.smallest <= self.largest).then_some(self.largest)
    }

    /// The smallest; nothing of none.
    pub fn smallest(&self) -> Option<u64> {
        (self.smallest <= self.largest).then_some(self.smallest)
    }
}

/// A mean with an error that allows for correlation: the standard error of the means of batches of
/// consecutive events (A. M. Law, *Simulation Modeling and Analysis*, section 9.5.3). Batches must be
/// longer than the memory of the queue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchMean {
    /// Mean of all events; NaN of none.
    pub mean: f64,
    /// Its standard error; nothing of fewer than two whole batches.
    pub standard_error: Option<f64>,
}

#[derive(Clone, Debug, Default)]
struct Batches {
    length: u64,
    sum: u128,
    count: u64,
    total: u128,
    counted: u64,
    means: Vec<f64>,
}

impl Batches {
    fn new(expected: u64) -> Self {
        Self {
            length: (expected / BATCHES).max(1),
            ..Self::default()
        }
    }

    #[inline]
    fn add(&mut self, value: u64) {
        self.sum += u128::from(value);
        self.count += 1;
        if self.count == self.length {
            self.close();
        }
    }

    fn close(&mut self) {
        self.total += self.sum;
        self.counted += self.count;
        if self.count == self.length {
            self.means.push(self.sum as f64 / self.count as f64);
        }
        self.sum = 0;
        self.count = 0;
    }

    fn finish(mut self) -> BatchMean {
        self.close();
        let batches = self.means.len() as f64;
        let mean = self.means.iter().sum::<f64>() / batches;
        let squares: f64 = self.means.iter().map(|m| (m - mean) * (m - mean)).sum();
        BatchMean {
            mean: self.total as f64 / self.counted as f64,
            standard_error: (self.means.len() > 1)
                .then(|| (squares / (batches - 1.0) / batches).sqrt()),
        }
    }
}

/// Counts fates.
#[derive(Debug)]
pub(super) struct Tally {
    arrivals: u64,
    lost: u64,
    late: u64,
    latencies: Latencies,
    latency: Batches,
    drops: Batches,
}

impl Tally {
    /// Of about `expected` events.
    pub(super) fn new(expected: u64) -> Self {
        Self {
            arrivals: 0,
            lost: 0,
            late: 0,
            latencies: Latencies::new(),
            latency: Batches::new(expected),
            drops: Batches::new(expected),
        }
    }

    #[inline]
    pub(super) fn add(&mut self, at: u64, fate: &Fate) {
        self.arrivals += 1;
        match fate {
            Fate::Lost => {
                self.lost += 1;
                self.drops.add(1);
            }
            Fate::Decided(served) => {
                self.late += u64::from(served.late);
                self.latencies.record(served.decision - at);
                self.latency.add(served.decision - at);
                self.drops.add(0);
            }
        }
    }

    pub(super) fn arrivals(&self) -> u64 {
        self.arrivals
    }

    pub(super) fn finish(self, occupancy: Occupancy) -> Outcome {
        Outcome {
            arrivals: self.arrivals,
            lost: self.lost,
            late: self.late,
            latencies: self.latencies,
            latency: self.latency.finish(),
            drop_fraction: self.drops.finish(),
            occupancy,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::stream::Served;

    #[test]
    fn quantiles_are_those_of_a_sorted_list() {
        let mut tally = Tally::new(20_000);
        let latency = |k: u64| (k * 7919) % 20_000 * 1_000_003;
        for k in 0..20_000 {
            let decision = 5 + latency(k);
            let served = Served {
                end: decision,
                decision,
                release: decision,
                late: false,
            };
            tally.add(5, &Fate::Decided(served));
        }
        let outcome = tally.finish(Occupancy::default());
        // The k-th of the sorted latencies is k · 1,000,003.
        for q in [0.5, 0.99, 0.9999] {
            let exact = ((q * 20_000.0f64).ceil() - 1.0) * 1_000_003.0;
            let got = outcome.latencies.quantile(q).unwrap() as f64;
            assert!(got >= exact && got <= exact * 1.0001, "{q}: {got} {exact}");
        }
        assert_eq!(outcome.latencies.largest(), Some(19_999 * 1_000_003));
        assert_eq!(outcome.latencies.smallest(), Some(0));
        let mean = 19_999.0 / 2.0 * 1_000_003.0;
        assert!((outcome.latency.mean - mean).abs() < 1e-6 * mean);
        assert_eq!(outcome.drop_fraction.mean, 0.0);
    }

    #[test]
    fn nothing_has_no_quantiles() {
        let mut tally = Tally::new(10);
        tally.add(1, &Fate::Lost);
        let outcome = tally.finish(Occupancy::default());
        assert_eq!(outcome.latencies.quantile(0.5), None);
        assert_eq!(outcome.latencies.largest(), None);
        assert!(outcome.latency.mean.is_nan());
        assert_eq!(outcome.drop_fraction.mean, 1.0);
        assert_eq!(outcome.drop_fraction.standard_error, None);
    }
}
