//! Sets of constituents: which are kept when more arrive than are computed.

use heapless::Vec;

/// The hardest `P` of the constituents pushed so far, in their order of arrival.
///
/// Of equally hard ones those that came first are kept.
#[derive(Clone, Debug)]
pub struct Hardest<T, const P: usize> {
    kept: Vec<(T, i32), P>,
}

/// What became of a pushed constituent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed<T> {
    /// It is kept, and none had to go.
    Kept,
    /// It is kept in the place of this one.
    Displaced(T),
    /// `P` harder ones are kept already.
    Dropped,
}

impl<T, const P: usize> Default for Hardest<T, P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, const P: usize> Hardest<T, P> {
    /// No constituent yet.
    pub const fn new() -> Self {
        Self { kept: Vec::new() }
    }

    /// Takes a constituent of a given hardness.
    #[inline]
    pub fn push(&mut self, constituent: T, hardness: i32) -> Pushed<T> {
        let Err(arrived) = self.kept.push((constituent, hardness)) else {
            return Pushed::Kept;
        };
        // The softest goes; of equally soft ones the last, which arrived latest.
        let mut softest: Option<(usize, i32)> = None;
        for (index, (_, h)) in self.kept.iter().enumerate() {
            if softest.is_none_or(|(_, least)| *h <= least) {
                softest = Some((index, *h));
            }
        }
        match softest {
            Some((index, least)) if hardness > least => {
                let (gone, _) = self.kept.remove(index);
                // There is room: one was just removed.
                let _ = self.kept.push(arrived);
                Pushed::Displaced(gone)
            }
            _ => Pushed::Dropped,
        }
    }

    /// The kept constituents, in their order of arrival.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.kept.iter().map(|(constituent, _)| constituent)
    }

    /// Number of kept constituents.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Forgets all constituents.
    pub fn clear(&mut self) {
        self.kept.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;
    use std::vec::Vec as List;

    /// The definition: a stable sort by hardness, cut, and put back in order.
    fn by_definition(arrivals: &[i32], capacity: usize) -> List<usize> {
        let mut order: List<usize> = (0..arrivals.len()).collect();
        order.sort_by_key(|i| core::cmp::Reverse(arrivals[*i]));
        order.truncate(capacity);
        order.sort_unstable();
        order
    }

    #[test]
    fn the_hardest_stay_whatever_the_order_of_arrival() {
        let mut state = 1u32;
        for round in 0..2000 {
            let count = round % 9;
            let arrivals: List<i32> = (0..count)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 29) as i32
                })
                .collect();
            let mut hardest = Hardest::<usize, 4>::new();
            for (index, hardness) in arrivals.iter().enumerate() {
                hardest.push(index, *hardness);
            }
            let kept: List<usize> = hardest.iter().copied().collect();
            assert_eq!(kept, by_definition(&arrivals, 4), "{arrivals:?}");
        }
    }

    #[test]
    fn a_push_says_what_became_of_it() {
        let mut hardest = Hardest::<char, 2>::new();
        assert_eq!(hardest.push('a', 5), Pushed::Kept);
        assert_eq!(hardest.push('b', 5), Pushed::Kept);
        assert_eq!(hardest.push('c', 5), Pushed::Dropped);
        assert_eq!(hardest.push('d', 6), Pushed::Displaced('b'));
        assert_eq!(hardest.len(), 2);
    }
}
