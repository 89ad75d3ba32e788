//! Average decision ordering between two scores (arXiv:2010.11998).

use super::ranks::Ranks;
use super::{Classes, MetricsError};

/// How often two scores order a signal and a background event the same way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DecisionOrdering {
    /// Mean over all signal × background pairs of 1 where both scores order the pair the same way,
    /// 0 where they order it oppositely, ½ where either of them ties. Not inverted when below ½.
    pub ordering: f64,
    /// Fraction of pairs in which either score ties.
    pub tie_fraction: f64,
    /// Pairs that both scores order the same way.
    pub same: u64,
    /// Pairs that they order oppositely.
    pub opposite: u64,
    /// All pairs.
    pub pairs: u64,
}

/// Average decision ordering of `first` and `second` over all signal × background pairs; the
/// counts are exact, O(N log N).
///
/// # Errors
/// When a score is NaN, or there are not as many as labels.
pub fn decision_ordering<A: PartialOrd + Copy, B: PartialOrd + Copy>(
    first: &[A],
    second: &[B],
    classes: &Classes,
) -> Result<DecisionOrdering, MetricsError> {
    classes.check(first.len())?;
    classes.check(second.len())?;
    let first = Ranks::new(first)?;
    let second = Ranks::new(second)?;
    let mut order: Vec<usize> = (0..first.of.len()).collect();
    order.sort_unstable_by_key(|&event| first.of[event]);

    // In ascending order of the first score: of the pairs whose other event came earlier (which
    // the first score thus places lower), count those that the second score places lower, higher.
    let mut seen = [Tally::new(second.distinct), Tally::new(second.distinct)];
    let (mut same, mut opposite) = (0, 0);
    for tied in order.chunk_by(|&a, &b| first.of[a] == first.of[b]) {
        for &event in tied {
            let other = &seen[usize::from(classes.is_signal()[event])];
            let rank = second.of[event] as usize;
            same += other.below(rank);
            opposite += other.total - other.below(rank + 1);
        }
        for &event in tied {
            // `seen[1]` are the backgrounds: a signal looks them up.
            let tally = &mut seen[usize::from(!classes.is_signal()[event])];
            tally.add(second.of[event] as usize);
        }
    }
    let pairs = classes.pairs();
    let ties = pairs - same - opposite;
    Ok(DecisionOrdering {
        ordering: (2 * same + ties) as f64 / (2 * pairs) as f64,
        tie_fraction: ties as f64 / pairs as f64,
        same,
        opposite,
        pairs,
    })
}

/// Counts by rank with their prefix sums: a Fenwick tree.
struct Tally {
    tree: Vec<u64>,
    total: u64,
}

impl Tally {
    fn new(ranks: usize) -> Self {
        Self {
            tree: vec![0; ranks + 1],
            total: 0,
        }
    }

    fn add(&mut self, rank: usize) {
        self.total += 1;
        let mut node = rank + 1;
        while node < self.tree.len() {
            self.tree[node] += 1;
            node += node & node.wrapping_neg();
        }
    }

    /// Number of entries with a rank less than `rank`.
    fn below(&self, rank: usize) -> u64 {
        let mut node = rank;
        let mut sum = 0;
        while node > 0 {
            sum += self.tree[node];
            node &= node - 1;
        }
        sum
    }
}
