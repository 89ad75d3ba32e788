//! What arithmetic with constants says, element by element.

use crate::graph::tensor::strides;
use crate::graph::{Binary, Comparison, Graph, Op, Unary, ValueId};

/// Reads patterns whose results all have one shape.
pub(super) struct Reader<'g> {
    pub graph: &'g Graph,
    pub shape: &'g [usize],
}

impl<'g> Reader<'g> {
    /// The operation that gives a value, and its operands.
    pub fn operation(&self, value: ValueId) -> Option<(&'g Op, &'g [ValueId])> {
        let node = self.graph.producing_node(value)?;
        Some((&node.op, &node.inputs[..]))
    }

    /// The operand of a function of one element.
    pub fn unary(&self, value: ValueId, function: Unary) -> Option<ValueId> {
        match self.operation(value)? {
            (Op::Unary(op), &[x]) if *op == function => Some(x),
            _ => None,
        }
    }

    /// The operands of a function of two elements.
    pub fn binary(&self, value: ValueId, op: Binary) -> Option<(ValueId, ValueId)> {
        match self.operation(value)? {
            (Op::Binary(own), &[a, b]) if *own == op => Some((a, b)),
            _ => None,
        }
    }

    /// A constant's numbers, one for each element of the pattern's shape.
    pub fn numbers(&self, value: ValueId) -> Option<Vec<f32>> {
        let tensor = self.graph.constant(value)?;
        let missing = self.shape.len().checked_sub(tensor.shape.len())?;
        let own = strides(&tensor.shape);
        let mut all = vec![0usize];
        for (axis, &extent) in self.shape.iter().enumerate() {
            let stride = match axis
                .checked_sub(missing)
                .map(|axis| (tensor.shape[axis], own[axis]))
            {
                None | Some((1, _)) => 0,
                Some((own, stride)) if own == extent => stride,
                Some(_) => return None,
            };
            let along = |at: usize| (0..extent).map(move |i| at + i * stride);
            all = all.into_iter().flat_map(along).collect();
        }
        Some(all.into_iter().map(|at| tensor.data[at]).collect())
    }

    /// The operand and the numbers of `x op numbers`; of a sum or a product in either order.
    pub fn with_numbers(&self, value: ValueId, op: Binary) -> Option<(ValueId, Vec<f32>)> {
        let (a, b) = self.binary(value, op)?;
        if let Some(numbers) = self.numbers(b) {
            return Some((a, numbers));
        }
        let commutes = matches!(op, Binary::Add | Binary::Mul | Binary::Min | Binary::Max);
        Some((b, self.numbers(a).filter(|_| commutes)?))
    }

    /// The operand and the numbers of x + numbers, however the sum is written.
    pub fn shifted(&self, value: ValueId) -> Option<(ValueId, Vec<f32>)> {
        self.with_numbers(value, Binary::Add).or_else(|| {
            let (x, numbers) = self.with_numbers(value, Binary::Sub)?;
            Some((x, numbers.into_iter().map(|n| -n).collect()))
        })
    }

    /// The operand and the exponents of x·2^exponents.
    pub fn scaled(&self, value: ValueId) -> Option<(ValueId, Vec<i32>)> {
        let exponents = |numbers: Vec<f32>, sign: i32| {
            let all = numbers.into_iter();
            all.map(|n| Some(sign * exponent(n)?))
                .collect::<Option<Vec<_>>>()
        };
        if let Some((x, numbers)) = self.with_numbers(value, Binary::Mul) {
            return Some((x, exponents(numbers, 1)?));
        }
        let (x, numbers) = self.with_numbers(value, Binary::Div)?;
        Some((x, exponents(numbers, -1)?))
    }

    /// Condition, value where it holds, value elsewhere: `Where`, or c·a + ¬c·b.
    pub fn choice(&self, value: ValueId) -> Option<(ValueId, ValueId, ValueId)> {
        if let (Op::Where, &[condition, a, b]) = self.operation(value)? {
            return Some((condition, a, b));
        }
        let (left, right) = self.binary(value, Binary::Add)?;
        let (left, right) = (
            self.binary(left, Binary::Mul)?,
            self.binary(right, Binary::Mul)?,
        );
        let ways = |(a, b): (ValueId, ValueId)| [(a, b), (b, a)];
        for (condition, a) in ways(left) {
            for (other, b) in ways(right) {
                for (held, no, a, b) in [(condition, other, a, b), (other, condition, b, a)] {
                    if self.unary(no, Unary::Not) == Some(held) && self.graph.is_boolean(held) {
                        return Some((held, a, b));
                    }
                }
            }
        }
        None
    }

    /// The bound of x < bound (or x > bound) with constant bounds.
    pub fn beyond(&self, condition: ValueId, x: ValueId, above: bool) -> Option<Vec<f32>> {
        let (Op::Compare(comparison), &[a, b]) = self.operation(condition)? else {
            return None;
        };
        use Comparison::{Greater, GreaterOrEqual, Less, LessOrEqual};
        // At the bound itself both ways give the bound.
        let (greater, less) = (
            matches!(comparison, Greater | GreaterOrEqual),
            matches!(comparison, Less | LessOrEqual),
        );
        match (a == x, b == x) {
            (true, _) if greater && above || less && !above => self.numbers(b),
            (_, true) if less && above || greater && !above => self.numbers(a),
            _ => None,
        }
    }
}

/// The exponent of a power of two.
pub(super) fn exponent(number: f32) -> Option<i32> {
    let power = number.is_normal() && number > 0.0 && number.to_bits() & 0x007f_ffff == 0;
    power.then(|| (number.to_bits() >> 23) as i32 - 127)
}
