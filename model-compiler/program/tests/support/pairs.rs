//! Two values at once, and reductions of channels.

use hodoscope_program::{IntType, Operation, Shape, ValueId};

use super::{Maker, proof_holds};

impl Maker {
    /// Another value of the same shape.
    pub(super) fn partner(&mut self, x: ValueId, one_channel_too: bool) -> ValueId {
        let shape = self.shape(x);
        let one = self.with_channels(x, 1);
        let ids: Vec<ValueId> = self.program.values().map(|(id, _)| id).collect();
        let fits = |id: &ValueId| {
            let other = self.shape(*id);
            other == shape || one_channel_too && other == one
        };
        let fitting: Vec<ValueId> = ids.into_iter().filter(fits).collect();
        self.pick(&fitting)
    }

    pub(super) fn pair(
        &mut self,
        a: ValueId,
        operation: fn(ValueId, ValueId) -> Operation,
    ) -> bool {
        let b = self.partner(a, false);
        self.settle(a, operation(a, b))
    }

    pub(super) fn mul(&mut self, x: ValueId) -> bool {
        let other = self.partner(x, true);
        let (a, b) = match self.below(2) {
            0 => (x, other),
            _ => (other, x),
        };
        let channels = self.shape(a).channels().max(self.shape(b).channels());
        let shape = self.with_channels(x, channels);
        self.settled(shape, Operation::Mul { a, b })
    }

    pub(super) fn error(&mut self, a: ValueId) -> bool {
        let b = self.partner(a, false);
        self.reduced(a, Operation::SquaredError { a, b })
    }

    pub(super) fn reduced(&mut self, x: ValueId, operation: Operation) -> bool {
        let shape = self.with_channels(x, 1);
        self.settled(shape, operation)
    }

    pub(super) fn sum(&mut self, x: ValueId) -> bool {
        let shape = self.shape(x);
        if shape.0.len() < 2 {
            return false;
        }
        self.settled(Shape(shape.0[1..].to_vec()), Operation::Sum { x })
    }

    pub(super) fn quotient(&mut self, a: ValueId) -> bool {
        let shape = self.shape(a);
        let b = self.partner(a, true);
        let types = [
            IntType::signed(16),
            IntType::unsigned(15),
            IntType::signed(8),
            IntType::signed(32),
            IntType::unsigned(1),
            IntType::signed(1),
            IntType::unsigned(32),
        ];
        let element = self.pick(&types);
        let shift = self.pick(&[15, 0, 1, 8, 20, 30]);
        let rounding = self.rounding();
        let operation = Operation::Quotient {
            a,
            b,
            shift,
            rounding,
        };
        self.push(shape, element, operation);
        proof_holds(&self.program)
    }

    pub(super) fn square_root(&mut self, x: ValueId) -> bool {
        let shift = self.pick(&[0, 1, 2, 15, 16, 31, 40]);
        self.settle(x, Operation::SquareRoot { x, shift })
    }
}
