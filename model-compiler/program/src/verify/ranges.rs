//! The smallest and largest entry of any part of a table, without reading the part.

use super::Interval;

/// Hulls of 1, 2, 4, … entries.
pub(super) struct Ranges {
    levels: Vec<Vec<(i64, i64)>>,
}

impl Ranges {
    pub(super) fn new(entries: &[i64]) -> Self {
        let mut levels = vec![entries.iter().map(|e| (*e, *e)).collect::<Vec<_>>()];
        while let Some(last) = levels.last()
            && last.len() > 1
        {
            let next = last
                .chunks(2)
                .map(|pair| hull(pair[0], pair[pair.len() - 1]));
            let next = next.collect();
            levels.push(next);
        }
        Self { levels }
    }

    /// The hull of the entries `first..=last`; they exist.
    pub(super) fn of(&self, first: usize, last: usize) -> Interval {
        let (mut first, mut last) = (first, last);
        let mut found = self.levels[0][first];
        for level in &self.levels {
            if first > last {
                break;
            }
            // Ends that their pair does not cover.
            found = hull(hull(found, level[first]), level[last]);
            let Some(before) = last.checked_sub(1) else {
                break;
            };
            (first, last) = (first.div_ceil(2), before / 2);
        }
        Interval::between(found.0.into(), found.1.into())
    }
}

fn hull(a: (i64, i64), b: (i64, i64)) -> (i64, i64) {
    (a.0.min(b.0), a.1.max(b.1))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test that unwraps fails with the line that is wrong.
mod tests {
    use super::*;

    #[test]
    fn every_part_has_the_hull_of_its_entries() {
        for length in 1..20 {
            let entries: Vec<i64> = (0..length).map(|i| (i * 7 + 3) % 11 - i % 3).collect();
            let ranges = Ranges::new(&entries);
            for first in 0..entries.len() {
                for last in first..entries.len() {
                    let part = &entries[first..=last];
                    let (low, high) = (part.iter().min().unwrap(), part.iter().max().unwrap());
                    let hull = Interval::between((*low).into(), (*high).into());
                    assert_eq!(ranges.of(first, last), hull, "{first}..={last} of {length}");
                }
            }
        }
    }
}
