//! Sums that rows have in common.
//!
//! Hartley's elimination of common subexpressions of two terms (IEEE Trans. Circuits Syst. II 43, 1996): the pair
//! of terms that saves most becomes an operand of its own, until none saves anything.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::Term;

/// Pairs of terms that are looked at together: more rows are taken in groups.
const MOST_PAIRS: usize = 1 << 18;

/// Two terms up to a common shift and sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Pattern {
    operands: [usize; 2],
    /// One of them is 0.
    shifts: [u8; 2],
    /// Whether their signs differ.
    opposite: bool,
}

impl Pattern {
    /// That of two terms, which are in order.
    fn of(a: Place, a_negative: bool, b: Place, b_negative: bool) -> Self {
        let base = a.1.min(b.1);
        Self {
            operands: [a.0, b.0],
            shifts: [a.1 - base, b.1 - base],
            opposite: a_negative != b_negative,
        }
    }

    /// What it saves if it stands at `count` places: an addition each, less its own.
    fn gain(&self, count: usize) -> usize {
        let shifted = self.shifts != [0, 0];
        count.saturating_sub(1 + usize::from(shifted))
    }
}

/// Operand and shift: no row has two terms at one place.
type Place = (usize, u8);
/// Terms of a row: whether each is negative.
type Row = BTreeMap<Place, bool>;

/// Rows, and how often each pattern stands in them.
#[derive(Default)]
struct Search {
    rows: Vec<Row>,
    counts: BTreeMap<Pattern, usize>,
    /// Patterns that save something, by what they save.
    best: BTreeSet<(usize, Reverse<Pattern>)>,
}

impl Search {
    fn new(rows: &[Vec<Term>]) -> Self {
        let mut search = Self {
            rows: vec![Row::new(); rows.len()],
            ..Self::default()
        };
        for (row, terms) in rows.iter().enumerate() {
            for term in terms {
                search.insert(row, (term.operand, term.shift), term.negative);
            }
        }
        search
    }

    fn insert(&mut self, row: usize, place: Place, negative: bool) {
        self.count(row, place, negative, |count| count + 1);
        self.rows[row].insert(place, negative);
    }

    fn remove(&mut self, row: usize, place: Place) {
        if let Some(negative) = self.rows[row].remove(&place) {
            self.count(row, place, negative, |count| count - 1);
        }
    }

    /// Counts the pairs of a term with those of `row`.
    fn count(&mut self, row: usize, place: Place, negative: bool, change: fn(usize) -> usize) {
        for (other, other_negative) in &self.rows[row] {
            let pattern = match *other < place {
                true => Pattern::of(*other, *other_negative, place, negative),
                false => Pattern::of(place, negative, *other, *other_negative),
            };
            let count = self.counts.entry(pattern).or_default();
            let before = pattern.gain(*count);
            *count = change(*count);
            let gain = pattern.gain(*count);
            // Most stand at one place only.
            if before > 0 {
                self.best.remove(&(before, Reverse(pattern)));
            }
            if gain > 0 {
                self.best.insert((gain, Reverse(pattern)));
            }
        }
    }

    /// Where a pattern stands, no term twice: row, shift and sign.
    fn occurrences(&self, pattern: &Pattern) -> Vec<(usize, u8, bool)> {
        let [a, b] = pattern.operands;
        let [a_shift, b_shift] = pattern.shifts;
        let mut found = vec![];
        for (index, row) in self.rows.iter().enumerate() {
            let mut taken: BTreeSet<Place> = BTreeSet::new();
            for ((_, shift), negative) in row.range((a, 0)..=(a, u8::MAX)) {
                let Some(base) = shift.checked_sub(a_shift) else {
                    continue;
                };
                let (first, second) = ((a, *shift), (b, base + b_shift));
                let matches = row
                    .get(&second)
                    .is_some_and(|other| (other != negative) == pattern.opposite);
                if matches && first != second && !taken.contains(&first) && !taken.contains(&second)
                {
                    taken.extend([first, second]);
                    found.push((index, base, *negative));
                }
            }
        }
        found
    }

    /// Takes the best pattern as operand `operand`; none when nothing is saved any more.
    fn take(&mut self, operand: usize) -> Option<[Term; 2]> {
        while let Some((gain, Reverse(pattern))) = self.best.pop_last() {
            let places = self.occurrences(&pattern);
            // Overlaps were counted too: it may save less.
            let own = pattern.gain(places.len());
            if own < gain {
                let next = self.best.last().map_or(0, |(gain, _)| *gain);
                if own == 0 || own < next {
                    if own > 0 {
                        self.best.insert((own, Reverse(pattern)));
                    }
                    continue;
                }
            }
            let [a, b] = pattern.operands;
            let [a_shift, b_shift] = pattern.shifts;
            for (row, base, negative) in places {
                self.remove(row, (a, base + a_shift));
                self.remove(row, (b, base + b_shift));
                self.insert(row, (operand, base), negative);
            }
            let term = |operand, shift, negative| Term {
                operand,
                shift,
                negative,
            };
            return Some([term(a, a_shift, false), term(b, b_shift, pattern.opposite)]);
        }
        None
    }
}

/// Shared sums, and the rows that read them. Operands from `columns` on are the shared sums.
pub(super) fn share(columns: usize, rows: Vec<Vec<Term>>) -> (Vec<[Term; 2]>, Vec<Vec<Term>>) {
    let mut shared = vec![];
    let mut shorter = vec![];
    let mut rest = &rows[..];
    while !rest.is_empty() {
        let mut pairs = 0;
        let taken = rest.iter().take_while(|row| {
            pairs += row.len() * row.len() / 2;
            pairs <= MOST_PAIRS
        });
        let (group, others) = rest.split_at(taken.count().max(1));
        rest = others;
        let mut search = Search::new(group);
        while let Some(pair) = search.take(columns + shared.len()) {
            shared.push(pair);
        }
        shorter.extend(search.rows.into_iter().map(|row| {
            let terms = row.into_iter().map(|((operand, shift), negative)| Term {
                operand,
                shift,
                negative,
            });
            terms.collect()
        }));
    }
    (shared, shorter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(operand: usize, shift: u8, negative: bool) -> Term {
        Term {
            operand,
            shift,
            negative,
        }
    }

    #[test]
    fn a_pair_of_several_rows_is_summed_once_whatever_its_shift_and_sign() {
        let rows = vec![
            vec![term(0, 0, false), term(1, 2, true), term(2, 0, false)],
            vec![term(0, 3, true), term(1, 5, false)],
            vec![term(0, 1, false), term(1, 3, true)],
        ];
        let (shared, rows) = share(3, rows);
        assert_eq!(shared, [[term(0, 0, false), term(1, 2, true)]]);
        assert_eq!(rows[0], [term(2, 0, false), term(3, 0, false)]);
        assert_eq!(rows[1], [term(3, 3, true)]);
        assert_eq!(rows[2], [term(3, 1, false)]);
    }

    #[test]
    fn what_saves_nothing_stays() {
        let rows = vec![
            vec![term(0, 0, false), term(1, 0, false)],
            vec![term(0, 0, false), term(1, 0, true)],
        ];
        assert_eq!(share(2, rows.clone()), (vec![], rows));
    }
}
