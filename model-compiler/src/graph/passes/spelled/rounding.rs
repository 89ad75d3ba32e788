//! round(x·2^frac)·2^−frac: a number on a grid, by each rounding of `ap_fixed` that arithmetic can spell.

use super::reader::Reader;
use crate::graph::{Binary, RoundingMode, Unary, ValueId};

/// A number on a grid.
pub(super) struct Rounded {
    pub x: ValueId,
    /// Binary digits behind the point, one for each element.
    pub fracs: Vec<i32>,
    pub mode: RoundingMode,
}

impl Reader<'_> {
    /// What is rounded, and how.
    pub fn rounded(&self, value: ValueId) -> Option<Rounded> {
        if let Some((integer, back)) = self.scaled(value) {
            let (counts, mode) = self.integer(integer)?;
            if let Some((x, fracs)) = self.scaled(counts)
                && fracs
                    .iter()
                    .zip(&back)
                    .all(|(there, back)| there + back == 0)
            {
                return Some(Rounded { x, fracs, mode });
            }
        }
        // A grid of whole numbers needs no factors.
        let (x, mode) = self.integer(value)?;
        let fracs = vec![0; self.shape.iter().product()];
        Some(Rounded { x, fracs, mode })
    }

    /// What becomes an integer, and how.
    fn integer(&self, value: ValueId) -> Option<(ValueId, RoundingMode)> {
        if let Some(x) = self.unary(value, Unary::Round) {
            return Some((x, RoundingMode::HalfEven));
        }
        if let Some(x) = self.unary(value, Unary::Trunc) {
            return Some((x, RoundingMode::Down));
        }
        if let Some(up) = self.unary(value, Unary::Floor) {
            return Some(match self.plus_half(up) {
                Some(x) => (x, RoundingMode::HalfCeil),
                None => (up, RoundingMode::Floor),
            });
        }
        let (a, b) = self.binary(value, Binary::Mul)?;
        let (size, x) = match (self.unary(b, Unary::Sign), self.unary(a, Unary::Sign)) {
            (Some(x), _) => (a, x),
            (_, Some(x)) => (b, x),
            _ => return None,
        };
        let of_size = |value| self.unary(value, Unary::Abs) == Some(x);
        let mode = match self.unary(size, Unary::Floor) {
            Some(inner) if of_size(inner) => RoundingMode::Down,
            Some(inner) if self.plus_half(inner).is_some_and(of_size) => RoundingMode::HalfUp,
            Some(_) => return None,
            // −⌊−|x| + ½⌋.
            None => {
                let floor = self.unary(size, Unary::Neg)?;
                let below = self.plus_half(self.unary(floor, Unary::Floor)?)?;
                of_size(self.unary(below, Unary::Neg)?).then_some(RoundingMode::HalfDown)?
            }
        };
        Some((x, mode))
    }

    fn plus_half(&self, value: ValueId) -> Option<ValueId> {
        let (x, numbers) = self.shifted(value)?;
        numbers.iter().all(|n| *n == 0.5).then_some(x)
    }
}
