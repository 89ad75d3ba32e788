//! What moves numbers, chooses among them or counts them.

use hodoscope_program::{Dim, Operation, SetId, Shape, ValueId};

use super::Maker;

impl Maker {
    pub(super) fn reshape(&mut self, x: ValueId) -> bool {
        let shape = self.shape(x);
        if shape.set().is_some() {
            return false;
        }
        let elements = shape.elements(1);
        let divisors: Vec<usize> = (1..=elements)
            .filter(|rows| elements.is_multiple_of(*rows))
            .collect();
        let rows = self.pick(&divisors);
        let shape = match self.below(6) {
            0 => Shape::row(elements),
            1 => Shape(vec![
                Dim::Fixed(rows),
                Dim::Fixed(1),
                Dim::Fixed(elements / rows),
            ]),
            _ => Shape(vec![Dim::Fixed(rows), Dim::Fixed(elements / rows)]),
        };
        self.settled(shape, Operation::Reshape { x })
    }

    pub(super) fn gather(&mut self, x: ValueId) -> bool {
        let shape = self.shape(x);
        if shape.set().is_some() {
            return false;
        }
        let rows = 1 + self.below(3);
        let channels = 1 + self.below(4);
        let of_x = shape.elements(1);
        let elements = (0..rows * channels).map(|_| self.below(of_x)).collect();
        let shape = Shape(vec![Dim::Fixed(rows), Dim::Fixed(channels)]);
        self.settled(shape, Operation::Gather { x, elements })
    }

    pub(super) fn top_k(&mut self, x: ValueId) -> bool {
        let channels = self.shape(x).channels();
        let count = 1 + self.below(channels);
        let shape = self.with_channels(x, count);
        self.settled(shape, Operation::TopK { x, count })
    }

    /// Rows that are the largest somewhere.
    pub(super) fn take(&mut self, x: ValueId) -> bool {
        let shape = self.shape(x);
        if shape.set().is_some() {
            return false;
        }
        let (rows, channels) = (shape.rows(0), shape.channels());
        let list = Shape(vec![Dim::Fixed(rows), Dim::Fixed(channels)]);
        let mut list_of = x;
        if shape != list {
            if !self.settled(list, Operation::Reshape { x }) {
                return false;
            }
            list_of = ValueId::new(self.program.values.len() - 1);
        }
        let ids: Vec<ValueId> = self.program.values().map(|(id, _)| id).collect();
        let keys: Vec<ValueId> = ids
            .into_iter()
            .filter(|id| self.shape(*id).set().is_none() && self.shape(*id).channels() <= rows)
            .collect();
        if keys.is_empty() {
            return false;
        }
        let key = self.pick(&keys);
        if !self.top_k(key) {
            return false;
        }
        let indices = ValueId::new(self.program.values.len() - 1);
        let taken = self.shape(indices).elements(0);
        let shape = Shape(vec![Dim::Fixed(taken), Dim::Fixed(channels)]);
        let operation = Operation::Take {
            x: list_of,
            indices,
        };
        taken * channels <= 64 && self.settled(shape, operation)
    }

    pub(super) fn max(&mut self, x: ValueId) -> bool {
        let shape = self.shape(x);
        if shape.set().is_none() {
            return false;
        }
        let channels = shape.channels();
        let element = self.program.value(x).element;
        let ends = [element.minimum(), element.maximum(), 0, -1, 1];
        let empty: Vec<i64> = (0..channels)
            .map(|_| self.pick(&ends).max(element.minimum()))
            .collect();
        let empty = self.constant(vec![channels], element, empty);
        self.settled(Shape::row(channels), Operation::Max { x, empty })
    }

    pub(super) fn arg_max(&mut self, x: ValueId) -> bool {
        let shape = self.shape(x);
        if shape.0.len() > 1 + usize::from(shape.set().is_some()) {
            return false;
        }
        self.reduced(x, Operation::ArgMax { x })
    }

    pub(super) fn count(&mut self) -> bool {
        if self.program.sets.is_empty() {
            return false;
        }
        let set = SetId::new(self.below(self.program.sets.len()));
        self.settled(Shape::row(1), Operation::Count { set })
    }

    pub(super) fn select(&mut self, x: ValueId) -> bool {
        let channels = self.shape(x).channels();
        let count = 1 + self.below(4);
        let channels: Vec<usize> = (0..count).map(|_| self.below(channels)).collect();
        let shape = self.with_channels(x, channels.len());
        self.settled(shape, Operation::Select { x, channels })
    }

    pub(super) fn concat(&mut self, x: ValueId) -> bool {
        let one = self.with_channels(x, 1);
        let ids: Vec<ValueId> = self.program.values().map(|(id, _)| id).collect();
        let same: Vec<ValueId> = ids
            .into_iter()
            .filter(|id| self.with_channels(*id, 1) == one)
            .collect();
        let mut parts = vec![x];
        for _ in 0..self.below(3) {
            parts.push(self.pick(&same));
        }
        let channels = parts.iter().map(|p| self.shape(*p).channels()).sum();
        if channels > 16 {
            return false;
        }
        let shape = self.with_channels(x, channels);
        self.settled(shape, Operation::Concat { parts })
    }
}
