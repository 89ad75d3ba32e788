//! Dense ranks: 0 for the smallest score, equal ranks for equal scores.

use super::MetricsError;

/// Dense ranks of scores.
pub(super) struct Ranks {
    /// Rank of each event.
    pub(super) of: Vec<u32>,
    /// Number of different scores.
    pub(super) distinct: usize,
}

impl Ranks {
    /// Ranks of scores; −0 and 0 are equal.
    pub(super) fn new<T: PartialOrd + Copy>(scores: &[T]) -> Result<Self, MetricsError> {
        // Only a NaN is not equal to itself.
        #[allow(clippy::eq_op)]
        if let Some(event) = scores.iter().position(|score| score != score) {
            return Err(MetricsError::NotANumber { event });
        }
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_unstable_by(|&a, &b| {
            scores[a]
                .partial_cmp(&scores[b])
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        let mut of = vec![0; scores.len()];
        let mut distinct = 0;
        for (position, &event) in order.iter().enumerate() {
            if position > 0 && scores[order[position - 1]] != scores[event] {
                distinct += 1;
            }
            of[event] = distinct;
        }
        Ok(Self {
            of,
            distinct: if scores.is_empty() {
                0
            } else {
                distinct as usize + 1
            },
        })
    }

    /// Signal and background events at each rank.
    pub(super) fn counts(&self, is_signal: &[bool]) -> Vec<[u64; 2]> {
        let mut counts = vec![[0, 0]; self.distinct];
        for (&rank, &signal) in self.of.iter().zip(is_signal) {
            counts[rank as usize][usize::from(!signal)] += 1;
        }
        counts
    }
}

/// Twice the number of pairs in which the signal is higher, a tie counting ½, from the signal and
/// background events at each rank.
pub(super) fn twice_pairs_won(counts: impl IntoIterator<Item = [u64; 2]>) -> u64 {
    let mut below = 0;
    let mut twice = 0;
    for [signal, background] in counts {
        twice += signal * (2 * below + background);
        below += background;
    }
    twice
}
