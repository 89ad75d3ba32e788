//! Layers and what follows them: products, rescales, activations.

use hodoscope_program::{IntType, Operation, Overflow, Product, Rounding, Shape, ValueId};

use super::{Maker, proof, proof_holds};

impl Maker {
    pub(super) fn dense(&mut self, x: ValueId) -> bool {
        let inputs = self.shape(x).channels();
        let outputs = 1 + self.below(4);
        let weights = IntType::signed(self.pick(&[8, 4, 16, 5, 32, 1]));
        let data = (0..inputs * outputs).map(|_| self.raw(weights)).collect();
        let weights = self.constant(vec![outputs, inputs], weights, data);
        let bias = IntType::signed(self.pick(&[32, 64, 8, 20]));
        let data = (0..outputs)
            .map(|_| self.raw(bias) >> (bias.width / 3))
            .collect();
        let bias = self.constant(vec![outputs], bias, data);
        let shape = self.with_channels(x, outputs);
        let settled = self.settled(shape, Operation::Dense { x, weights, bias });
        // Mostly with the rescale and the relu that planners fuse.
        let dense = ValueId::new(self.program.values.len() - 1);
        if !settled || self.below(4) == 0 {
            return settled;
        }
        let before = self.program.clone();
        if !self.rescale(dense) {
            self.program = before;
            return true;
        }
        if self.below(2) == 0 {
            let before = self.program.clone();
            let x = ValueId::new(self.program.values.len() - 1);
            if !self.settle(x, Operation::Relu { x }) {
                self.program = before;
            }
        }
        true
    }

    pub(super) fn stepwise(&mut self, x: ValueId) -> bool {
        let inputs = self.shape(x).channels();
        let outputs = 1 + self.below(3);
        let weights = IntType::signed(self.pick(&[8, 16, 5, 20, 1]));
        let data = (0..inputs * outputs).map(|_| self.raw(weights)).collect();
        let weights = self.constant(vec![outputs, inputs], weights, data);
        let bias = IntType::signed(self.pick(&[16, 8, 30]));
        let data = (0..outputs).map(|_| self.raw(bias)).collect();
        let bias = self.constant(vec![outputs], bias, data);
        let overflow = match self.style.wrapping_products {
            true => self.overflow(),
            false => self.pick(&[Overflow::Sat, Overflow::SatSym]),
        };
        let types = [
            IntType::signed(16),
            IntType::signed(26),
            IntType::unsigned(12),
            IntType::signed(40),
        ];
        let product = Product {
            shift: self.pick(&[4, 0, 1, 11, 17, 31, 40]),
            rounding: self.rounding(),
            element: self.pick(&types),
            overflow,
        };
        let shape = self.with_channels(x, outputs);
        let operation = Operation::DenseStepwise {
            x,
            weights,
            bias,
            product,
        };
        self.settled(shape, operation)
    }

    pub(super) fn rescale(&mut self, x: ValueId) -> bool {
        let types = [
            IntType::signed(8),
            IntType::signed(16),
            IntType::unsigned(8),
            IntType::signed(5),
            IntType::signed(1),
            IntType::signed(32),
            IntType::signed(33),
            IntType::unsigned(63),
            IntType::signed(12),
        ];
        let element = self.pick(&types);
        self.rescale_to(x, element)
    }

    pub(super) fn rescale_to(&mut self, x: ValueId, element: IntType) -> bool {
        let shape = self.shape(x);
        let bits = u8::try_from(proof(&self.program).unwrap().interval(x).signed_bits()).unwrap();
        let count = match self.below(2) {
            0 => 1,
            _ => shape.channels(),
        };
        let plain = self.below(2) == 0;
        let mut multipliers = vec![1];
        let mut offsets = vec![0];
        if !plain {
            let word = IntType::signed(32);
            let factor = [1, 0, -1, 19_661, -32_768, word.maximum(), word.minimum()];
            multipliers = (0..count).map(|_| self.pick(&factor)).collect();
            let offset = [0, 1, -1, 1000, -(1 << 20), 1 << 40, i64::MIN >> 2];
            offsets = (0..count).map(|_| self.pick(&offset)).collect();
        }
        let near = bits.saturating_sub(8).min(62);
        let choices = [near, 0, near / 2, 1, 30, 31, 40, 62];
        let shifts = (0..count).map(|_| self.pick(&choices)).collect();
        let (rounding, overflow) = (self.rounding(), self.overflow());
        let operation = Operation::Rescale {
            x,
            multipliers,
            offsets,
            shifts,
            rounding,
            overflow,
        };
        let id = self.push(shape, element, operation);
        if proof_holds(&self.program) {
            return true;
        }
        // The product is too wide: only the shift.
        self.program.values[id.index()].operation = Operation::Rescale {
            x,
            multipliers: vec![1],
            offsets: vec![0],
            shifts: vec![near],
            rounding,
            overflow,
        };
        proof_holds(&self.program)
    }

    pub(super) fn rounding(&mut self) -> Rounding {
        self.pick(&[
            Rounding::Rnd,
            Rounding::Trn,
            Rounding::TrnZero,
            Rounding::RndConv,
            Rounding::RndZero,
            Rounding::RndInf,
            Rounding::RndMinInf,
        ])
    }

    pub(super) fn overflow(&mut self) -> Overflow {
        self.pick(&[
            Overflow::Sat,
            Overflow::SatSym,
            Overflow::SatZero,
            Overflow::Wrap,
        ])
    }

    pub(super) fn leaky(&mut self, x: ValueId) -> bool {
        let multiplier = self.pick(&[328, 0, 1, 32_768, i64::from(i32::MAX)]);
        let shift = self.pick(&[15, 0, 1, 30, 31, 62]);
        let rounding = match self.style.leaky_roundings {
            true => self.rounding(),
            false => Rounding::Rnd,
        };
        let operation = Operation::LeakyRelu {
            x,
            multiplier,
            shift,
            rounding,
        };
        self.settle(x, operation)
    }

    pub(super) fn clip(&mut self, x: ValueId) -> bool {
        let ty = self.program.value(x).element;
        let (a, b) = (self.raw(ty), self.raw(ty));
        let beyond = self.pick(&[0, 0, 200, -70_000, 1 << 33]);
        let operation = Operation::Clip {
            x,
            minimum: a.min(b).saturating_add(beyond),
            maximum: a.max(b).saturating_add(beyond),
        };
        self.settle(x, operation)
    }

    pub(super) fn table(&mut self, x: ValueId) -> bool {
        let mut x = x;
        if self.program.value(x).element.width > 12 {
            let index = self.pick(&[
                IntType::signed(8),
                IntType::unsigned(5),
                IntType::signed(10),
            ]);
            if !self.rescale_to(x, index) {
                return false;
            }
            x = ValueId::new(self.program.values.len() - 1);
        }
        let ty = self.program.value(x).element;
        let entry = IntType::signed(self.pick(&[8, 16, 3, 32, 40]));
        let entries: Vec<i64> = match self.below(2) {
            0 => (0..1i64 << ty.width)
                .map(|i| i.wrapping_mul(0x9E37_79B9_7F4A_7C15u64 as i64))
                .collect(),
            _ => vec![self.raw(entry); 1 << ty.width],
        };
        let entries = entries
            .into_iter()
            .map(|e| e >> (64 - entry.width))
            .collect();
        let table = self.constant(vec![1 << ty.width], entry, entries);
        self.settle(x, Operation::Table { x, table })
    }

    /// A table with entries from below the operand's interval to above it.
    pub(super) fn interpolate(&mut self, x: ValueId) -> bool {
        let Some(x) = self.thirty_two_bits(x) else {
            return false;
        };
        let Some(proof) = proof(&self.program) else {
            return false;
        };
        let interval = proof.interval(x);
        let (minimum, maximum) = (interval.minimum as i64, interval.maximum as i64);
        let before = self.pick(&[0, 1, 5]);
        let span = maximum - minimum + before;
        // A few cells, whatever the operand's width.
        let digits = 64 - span.leading_zeros() as usize;
        let shift = (digits.saturating_sub(1 + self.below(5))).min(30) as u8;
        let cells = (span >> shift) as usize + 1;
        if cells > 4096 || span > i64::from(i32::MAX) {
            return false;
        }
        let entry = IntType::signed(self.pick(&[8, 16, 32, 3]));
        let entries: Vec<i64> = (0..=cells).map(|_| self.raw(entry)).collect();
        let table = self.constant(vec![entries.len()], entry, entries);
        let first = minimum - before;
        self.settle(
            x,
            Operation::Interpolate {
                x,
                table,
                first,
                shift,
            },
        )
    }

    pub(super) fn mantissa(&mut self, x: ValueId) -> bool {
        let bits = self.pick(&[12, 1, 2, 8, 24, 31]);
        let Some(x) = self.thirty_two_bits(x) else {
            return false;
        };
        self.settle(x, Operation::Mantissa { x, bits })
    }

    pub(super) fn exponent(&mut self, x: ValueId) -> bool {
        let Some(x) = self.thirty_two_bits(x) else {
            return false;
        };
        self.settle(x, Operation::Exponent { x })
    }

    /// A value of 32 bits at most: the operand, or what a rescale makes of it.
    fn thirty_two_bits(&mut self, x: ValueId) -> Option<ValueId> {
        if self.program.value(x).element.width <= 32 {
            return Some(x);
        }
        let to = self.pick(&[
            IntType::signed(32),
            IntType::unsigned(32),
            IntType::signed(20),
        ]);
        let rescaled = self.rescale_to(x, to);
        rescaled.then(|| ValueId::new(self.program.values.len() - 1))
    }

    pub(super) fn divide(&mut self, x: ValueId) -> bool {
        let divisor = self.pick(&[3, 1, 100, 16, 255, 65_535, 7]);
        let rounding = self.rounding();
        let operation = Operation::Divide {
            x,
            divisor,
            rounding,
        };
        self.settle(x, operation)
    }

    /// Rows of a value times those of itself or of another that has as many channels.
    pub(super) fn mat_mul(&mut self, x: ValueId) -> bool {
        let ids: Vec<ValueId> = self.program.values().map(|(id, _)| id).collect();
        let of_event = |id: &ValueId| self.shape(*id).set().is_none();
        let fixed: Vec<ValueId> = ids.into_iter().filter(of_event).collect();
        if fixed.is_empty() {
            return false;
        }
        let mut a = match fixed.contains(&x) {
            true => x,
            false => self.pick(&fixed),
        };
        // Narrow enough for most products, and with rows.
        let narrow = self.pick(&[IntType::signed(8), IntType::signed(16)]);
        if self.program.value(a).element.width > 20 {
            if !self.rescale_to(a, narrow) {
                return false;
            }
            a = ValueId::new(self.program.values.len() - 1);
        }
        if self.shape(a).0.len() < 2 {
            let reshaped = self.reshape(a);
            a = ValueId::new(self.program.values.len() - 1);
            if !reshaped || self.shape(a).0.len() < 2 {
                return false;
            }
        }
        let shape = self.shape(a);
        let (outer, inner) = (shape.0[..shape.0.len() - 2].to_vec(), shape.channels());
        let ids: Vec<ValueId> = self.program.values().map(|(id, _)| id).collect();
        let fits = |id: &ValueId| {
            let other = self.shape(*id);
            let rank = other.0.len();
            other.set().is_none()
                && rank == shape.0.len()
                && other.0[..rank - 2] == outer[..]
                && other.channels() == inner
        };
        let fitting: Vec<ValueId> = ids.into_iter().filter(fits).collect();
        let b = self.pick(&fitting);
        let columns = self.shape(b).0[outer.len()];
        let mut product = outer;
        product.extend([shape.0[shape.0.len() - 2], columns]);
        self.settled(Shape(product), Operation::MatMul { a, b })
    }
}
