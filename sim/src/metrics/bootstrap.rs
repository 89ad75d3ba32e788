//! Paired bootstrap of a difference between two areas under the curve.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::ranks::{Ranks, twice_pairs_won};
use super::{Classes, MetricsError, auc};

/// How to resample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BootstrapOptions {
    /// Number of replicas.
    pub replicas: usize,
    /// Seed of the generator (ChaCha with 8 rounds).
    pub seed: u64,
}

impl Default for BootstrapOptions {
    fn default() -> Self {
        Self {
            replicas: 200,
            seed: 1,
        }
    }
}

/// A difference of two areas with its uncertainty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bootstrap {
    /// AUC(first) − AUC(second) of the events themselves.
    pub difference: f64,
    /// Standard deviation over the replicas.
    pub standard_error: f64,
    /// Lower end of the central 95 % of the replicas.
    pub lower: f64,
    /// Upper end of the central 95 % of the replicas.
    pub upper: f64,
    /// What was done.
    pub options: BootstrapOptions,
}

/// AUC(`first`) − AUC(`second`) and its uncertainty by a paired bootstrap: every replica draws
/// signal and background events with replacement, each class as often as it has events, and
/// computes both areas from the same draw. Quantiles are interpolated linearly between replicas.
///
/// Ranks are computed once, so that a replica is O(N).
///
/// # Errors
/// When a score is NaN, or there are not as many as labels.
pub fn auc_difference<A: PartialOrd + Copy, B: PartialOrd + Copy>(
    first: &[A],
    second: &[B],
    classes: &Classes,
    options: BootstrapOptions,
) -> Result<Bootstrap, MetricsError> {
    let difference = auc(first, classes)? - auc(second, classes)?;
    let first = Ranks::new(first)?;
    let second = Ranks::new(second)?;
    let of_class = |class: bool| -> Vec<usize> {
        (0..classes.is_signal().len())
            .filter(|&event| classes.is_signal()[event] == class)
            .collect()
    };
    let strata = [of_class(true), of_class(false)];
    let pairs = (2 * classes.pairs()) as f64;
    let mut random = ChaCha8Rng::seed_from_u64(options.seed);
    let mut counts = [
        vec![[0u64; 2]; first.distinct],
        vec![[0u64; 2]; second.distinct],
    ];
    let mut replicas = Vec::with_capacity(options.replicas);
    for _ in 0..options.replicas {
        counts.iter_mut().for_each(|counts| counts.fill([0, 0]));
        for (class, events) in strata.iter().enumerate() {
            for _ in 0..events.len() {
                let event = events[index_below(events.len(), &mut random)];
                counts[0][first.of[event] as usize][class] += 1;
                counts[1][second.of[event] as usize][class] += 1;
            }
        }
        let [a, b] = counts
            .each_ref()
            .map(|counts| twice_pairs_won(counts.iter().copied()) as f64 / pairs);
        replicas.push(a - b);
    }
    replicas.sort_unstable_by(f64::total_cmp);
    Ok(Bootstrap {
        difference,
        standard_error: standard_deviation(&replicas),
        lower: quantile(&replicas, 0.025),
        upper: quantile(&replicas, 0.975),
        options,
    })
}

/// An index below `bound`, uniform up to bound / 2^64: the high word of a product.
fn index_below(bound: usize, random: &mut ChaCha8Rng) -> usize {
    ((u128::from(random.next_u64()) * bound as u128) >> 64) as usize
}

fn standard_deviation(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return f64::NAN;
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / (values.len() - 1) as f64).sqrt()
}

fn quantile(sorted: &[f64], probability: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let position = probability * last as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(last);
    sorted[below] + (sorted[above] - sorted[below]) * (position - below as f64)
}
