//! What queueing theory says of one server with Poisson arrivals and any service times.
//!
//! Sources: L. Kleinrock, *Queueing Systems*, volume 1, chapter 5 (Pollaczek–Khinchine and the chain
//! of departures); D. Gross and C. M. Harris, *Fundamentals of Queueing Theory*, chapter 5 (M/G/1/K);
//! G. F. Knoll, *Radiation Detection and Measurement*, section 4.VII (dead time). M/D/1 and M/D/1/K
//! are the same with one service time.

/// Service times in ticks, each with its probability.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceTimes {
    /// Time and probability.
    times: Vec<(f64, f64)>,
}

impl ServiceTimes {
    /// Of events that are drawn with equal probability.
    pub fn of(services: impl IntoIterator<Item = u64>) -> Self {
        let mut counts = std::collections::BTreeMap::<u64, u64>::new();
        for service in services {
            *counts.entry(service).or_default() += 1;
        }
        let all: u64 = counts.values().sum();
        Self {
            times: counts
                .into_iter()
                .map(|(time, count)| (time as f64, count as f64 / all as f64))
                .collect(),
        }
    }

    /// Mean of a power of the time.
    fn moment(&self, power: i32) -> f64 {
        self.times.iter().map(|(t, p)| t.powi(power) * p).sum()
    }

    /// Mean.
    pub fn mean(&self) -> f64 {
        self.moment(1)
    }
}

/// Mean time in an M/G/1 queue before service: λ E\[S²\] / 2(1 − ρ) (Pollaczek–Khinchine); nothing
/// where ρ = λ E\[S\] ≥ 1. `rate` is in events per tick.
pub fn mean_wait(rate: f64, service: &ServiceTimes) -> Option<f64> {
    let load = rate * service.mean();
    (load < 1.0).then(|| rate * service.moment(2) / (2.0 * (1.0 - load)))
}

/// An M/G/1 queue with a limited number of places, in equilibrium.
#[derive(Clone, Debug, PartialEq)]
pub struct Limited {
    /// Probability, at any time, that as many events are there as the index says.
    pub probabilities: Vec<f64>,
    /// Fraction of the events that is lost: the probability that all places are taken.
    pub lost: f64,
    /// Mean time in the queue before service, of events that are not lost.
    pub mean_wait: f64,
}

/// M/G/1/K: `places` counts the event in service; `rate` is in events per tick.
///
/// Between two departures j events arrive with probability aⱼ, the Poisson probability averaged over
/// service times. Up to a factor, the probabilities πᵢ that i events are left behind follow from the
/// balance of steps between ≤ j and > j: π₍ⱼ₊₁₎ a₀ = π₀ P(A > j) + Σᵢ πᵢ P(A > j − i + 1), all terms
/// positive. Then pᵢ = πᵢ / (π₀ + ρ), and the rest is lost.
///
/// Nothing without a place, or where a₀ underflows: a load above some 700.
pub fn limited(rate: f64, service: &ServiceTimes, places: usize) -> Option<Limited> {
    let load = rate * service.mean();
    if places == 0 || load.is_nan() || load <= 0.0 {
        return None;
    }
    let (none, more) = arrivals_in_service(rate, service, places);
    if none < f64::MIN_POSITIVE {
        return None;
    }
    let mut left = vec![1.0];
    for j in 0..places - 1 {
        let mut up = left[0] * more[j];
        for (i, behind) in left.iter().enumerate().skip(1) {
            up += behind * more[j + 1 - i];
        }
        left.push(up / none);
        // Only ratios count, and at high loads they grow fast.
        let largest = left[j + 1];
        if largest > 1e100 {
            left.iter_mut().for_each(|p| *p /= largest);
        }
    }
    let all: f64 = left.iter().sum();
    left.iter_mut().for_each(|p| *p /= all);
    let scale = left[0] + load;
    let mut probabilities: Vec<f64> = left.iter().map(|p| p / scale).collect();
    let lost = 1.0 - 1.0 / scale;
    probabilities.push(lost.max(0.0));
    let there: f64 = (0..)
        .zip(&probabilities)
        .map(|(n, p)| f64::from(n) * p)
        .sum();
    // Little: events that are there = rate of those that enter × their time.
    let mean_wait = there / (rate * (1.0 - lost)) - service.mean();
    Some(Limited {
        probabilities,
        lost,
        mean_wait,
    })
}

/// The probability that nothing arrives during a service, and of more than j arrivals for j <
/// `count`.
fn arrivals_in_service(rate: f64, service: &ServiceTimes, count: usize) -> (f64, Vec<f64>) {
    let mut none = 0.0;
    let mut more = vec![0.0; count];
    for &(time, probability) in &service.times {
        let mean = rate * time;
        let mut term = libm::exp(-mean);
        none += probability * term;
        // Terms beyond `count` are summed from the smallest, so that small tails keep their digits.
        let last = count + 64 + (mean + 12.0 * mean.sqrt()) as usize;
        let mut terms = vec![0.0; last + 1];
        for (j, place) in terms.iter_mut().enumerate() {
            if j > 0 {
                term *= mean / j as f64;
            }
            *place = term;
        }
        let mut tail = 0.0;
        for j in (0..last).rev() {
            tail += terms[j + 1];
            if j < count {
                more[j] += probability * tail;
            }
        }
    }
    (none, more)
}

/// Rate of events that a paralysable counter of dead time τ registers: λ e^(−λτ).
pub fn paralysable(rate: f64, dead_time: f64) -> f64 {
    rate * libm::exp(-rate * dead_time)
}

/// Rate of events that a non-paralysable counter of dead time τ registers: λ / (1 + λτ).
pub fn non_paralysable(rate: f64, dead_time: f64) -> f64 {
    rate / (1.0 + rate * dead_time)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() <= 1e-12 * b.abs().max(1e-3), "{a} {b}");
    }

    #[test]
    fn one_place_is_a_non_paralysable_counter() {
        for services in [vec![100], vec![10, 300], vec![1, 2, 3, 4000]] {
            let service = ServiceTimes::of(services);
            let got = limited(0.004, &service, 1).unwrap();
            // Erlang's loss of one server depends on the mean only.
            let counted = non_paralysable(0.004, service.mean());
            close(got.lost, 1.0 - counted / 0.004);
            close(got.mean_wait + 1.0, 1.0);
        }
    }

    #[test]
    fn two_places_by_hand() {
        // M/D/1/2: π₀ = a₀, so p₀ = a₀ / (a₀ + ρ) and the loss is 1 − 1 / (a₀ + ρ).
        let (rate, time) = (0.007, 100);
        let got = limited(rate, &ServiceTimes::of([time]), 2).unwrap();
        let (load, none) = (0.7, (-0.7f64).exp());
        close(got.probabilities[0], none / (none + load));
        close(got.lost, 1.0 - 1.0 / (none + load));
        close(got.probabilities.iter().sum(), 1.0);
    }

    #[test]
    fn many_places_are_no_limit() {
        for services in [vec![100], vec![20, 180], vec![10, 10, 10, 370]] {
            let service = ServiceTimes::of(services);
            let rate = 0.008;
            let got = limited(rate, &service, 1500).unwrap();
            let wait = mean_wait(rate, &service).unwrap();
            assert!((got.mean_wait / wait - 1.0).abs() < 1e-9, "{got:?}");
            assert!(got.lost.abs() < 1e-12);
            close(got.probabilities[0], 1.0 - rate * service.mean());
        }
    }

    #[test]
    fn an_overloaded_server_loses_the_excess() {
        let service = ServiceTimes::of([100]);
        assert_eq!(mean_wait(0.01, &service), None);
        let got = limited(0.02, &service, 200).unwrap();
        assert!((got.lost - 0.5).abs() < 1e-9, "{}", got.lost);
        assert_eq!(limited(0.02, &service, 0), None);
        assert_eq!(limited(10.0, &service, 3), None);
    }
}
