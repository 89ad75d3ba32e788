//! Sums and largest values: over constituents, over rows, over channels.

use hodoscope_program::{Interval, Operation, Value, ValueId};

use super::Lowering;
use super::rescale::{product, times};
use crate::circuit::WireId;

impl Lowering<'_> {
    pub(super) fn pool(&mut self, value: &Value) -> Vec<WireId> {
        match &value.operation {
            Operation::Count { .. } => vec![self.count()],
            Operation::Sum { x } => {
                let of_set = self.program.value(*x).shape.set().is_some();
                match of_set {
                    true => self.sums_over_a_set(*x),
                    false => self.sums_over_rows(*x, value.shape.elements(1)),
                }
            }
            Operation::Max { x, empty } => {
                let empty = &self.program.constant(*empty).data;
                let x = self.of(*x).into_iter().zip(empty);
                x.map(|(x, empty)| self.most(x, (*empty).into())).collect()
            }
            Operation::SquaredError { a, b } => {
                let rows: Vec<_> = self.rows(*a).into_iter().zip(self.rows(*b)).collect();
                let error = |(a, b): (Vec<WireId>, Vec<WireId>)| {
                    let both = a.into_iter().zip(b);
                    let differences: Vec<_> = both.map(|(a, b)| self.b.sub(a, b)).collect();
                    self.squares(&differences)
                };
                rows.into_iter().map(error).collect()
            }
            Operation::SumSquares { x } => {
                let rows = self.rows(*x).into_iter();
                rows.map(|row| self.squares(&row)).collect()
            }
            _ => unreachable!("no pool"),
        }
    }

    fn capacity(&self) -> usize {
        self.program.sets.first().map_or(0, |set| set.capacity)
    }

    fn count(&mut self) -> WireId {
        let capacity = self.capacity();
        self.b.count(capacity)
    }

    fn sums_over_a_set(&mut self, x: ValueId) -> Vec<WireId> {
        let capacity = self.capacity() as i128;
        let x = self.of(x);
        let sum = |x: WireId| {
            if let Some(constant) = self.b.value_of(x) {
                let count = self.count();
                return times(&mut self.b, count, constant);
            }
            let range = self.b.range(x);
            let range = Interval::between(
                (range.minimum * capacity).min(0),
                (range.maximum * capacity).max(0),
            );
            self.b.sum(x, range)
        };
        x.into_iter().map(sum).collect()
    }

    fn sums_over_rows(&mut self, x: ValueId, elements: usize) -> Vec<WireId> {
        let x = self.of(x);
        (0..elements)
            .map(|element| {
                let column: Vec<_> = x.iter().skip(element).step_by(elements).copied().collect();
                self.b.total(&column)
            })
            .collect()
    }

    /// The largest x, and `empty` among them where a slot is.
    fn most(&mut self, x: WireId, empty: i128) -> WireId {
        let capacity = self.capacity() as i128;
        let (count, padding) = (self.count(), self.b.constant(empty));
        let most = match self.b.value_of(x) {
            Some(constant) => {
                let none = self.b.equals(count, 0);
                let constant = self.b.constant(constant);
                self.b.choose(none, padding, constant)
            }
            None => {
                let least = self.b.range(x).minimum.min(empty);
                self.b.most(x, least)
            }
        };
        let full = self.b.equals(count, capacity);
        let padded = self.b.larger(most, padding);
        self.b.choose(full, most, padded)
    }

    fn squares(&mut self, x: &[WireId]) -> WireId {
        let squares: Vec<_> = x.iter().map(|x| product(&mut self.b, *x, *x)).collect();
        self.b.total(&squares)
    }
}
