//! Truths combined: by nodes where they are not the same everywhere.

use super::super::super::{
    ImportError,
    value::{Ints, Value},
};
use super::exceptions::Tracer;
use super::truth::Truth;
use crate::graph::{Kind, Logic, Op, Reduction, Tensor, Unary, ValueId};

impl<'c, 'a> Tracer<'c, 'a> {
    pub fn emit(&mut self, op: Op, inputs: &[ValueId]) -> Result<ValueId, ImportError> {
        self.context.emit(self.node, op, inputs)
    }

    pub fn number(&mut self, number: f32) -> Result<ValueId, ImportError> {
        self.emit(Op::Constant(Tensor::scalar(number)), &[])
    }

    pub fn not(&mut self, a: Truth) -> Result<Truth, ImportError> {
        Ok(match a {
            Truth::Never => Truth::Always,
            Truth::Always => Truth::Never,
            Truth::At(a) => Truth::At(self.emit(Op::Unary(Unary::Not), &[a])?),
        })
    }

    pub fn and(&mut self, a: Truth, b: Truth) -> Result<Truth, ImportError> {
        Ok(match (a, b) {
            (Truth::Never, _) | (_, Truth::Never) => Truth::Never,
            (Truth::Always, other) | (other, Truth::Always) => other,
            (Truth::At(a), Truth::At(b)) if a == b => Truth::At(a),
            (Truth::At(a), Truth::At(b)) => Truth::At(self.emit(Op::Logic(Logic::And), &[a, b])?),
        })
    }

    pub fn or(&mut self, a: Truth, b: Truth) -> Result<Truth, ImportError> {
        Ok(match (a, b) {
            (Truth::Always, _) | (_, Truth::Always) => Truth::Always,
            (Truth::Never, other) | (other, Truth::Never) => other,
            (Truth::At(a), Truth::At(b)) if a == b => Truth::At(a),
            (Truth::At(a), Truth::At(b)) => Truth::At(self.emit(Op::Logic(Logic::Or), &[a, b])?),
        })
    }

    /// `a` where the condition holds, else `b`.
    pub fn choice(&mut self, condition: ValueId, a: Truth, b: Truth) -> Result<Truth, ImportError> {
        if a == b {
            return Ok(a);
        }
        let when = Truth::At(condition);
        let a = self.and(when, a)?;
        let b = match b.never() {
            true => Truth::Never,
            false => {
                let unless = self.not(when)?;
                self.and(unless, b)?
            }
        };
        self.or(a, b)
    }

    /// Where a constant's elements are so.
    pub fn of_constant(
        &mut self,
        tensor: &Tensor,
        holds: impl Fn(f32) -> bool,
    ) -> Result<Truth, ImportError> {
        let count = tensor.data.iter().filter(|v| holds(**v)).count();
        Ok(match count {
            0 => Truth::Never,
            all if all == tensor.data.len() => Truth::Always,
            _ => {
                let data = tensor.data.iter().map(|v| f32::from(u8::from(holds(*v))));
                let tensor = Tensor {
                    shape: tensor.shape.clone(),
                    data: data.collect(),
                };
                Truth::At(self.emit(Op::Constant(tensor), &[])?)
            }
        })
    }

    /// A truth with an element for each of the value it is said of.
    pub fn whole(&mut self, truth: Truth, shape: &[usize]) -> Result<ValueId, ImportError> {
        let id = match truth {
            Truth::At(id) => id,
            other => self.number(f32::from(u8::from(other == Truth::Always)))?,
        };
        if self.context.graph().shape(id) == shape {
            return Ok(id);
        }
        let shape = shape.to_vec();
        self.emit(Op::Broadcast { shape }, &[id])
    }

    /// What becomes of truths where elements are moved; `shapes` are those of the operands.
    pub fn moved(
        &mut self,
        op: &Op,
        truths: &[Truth],
        shapes: &[Vec<usize>],
    ) -> Result<Truth, ImportError> {
        let first = truths.first().copied().unwrap_or(Truth::Never);
        let known = !matches!(first, Truth::At(_));
        if known && truths.iter().all(|truth| *truth == first) {
            return Ok(first);
        }
        let mut whole = vec![];
        for (truth, shape) in truths.iter().zip(shapes) {
            whole.push(self.whole(*truth, shape)?);
        }
        Ok(Truth::At(self.emit(op.clone(), &whole)?))
    }

    /// Whether it holds for any element, or for all, along axes.
    pub fn along(
        &mut self,
        truth: Truth,
        all: bool,
        shape: &[usize],
        axes: &[usize],
        keepdims: bool,
    ) -> Result<Truth, ImportError> {
        let Truth::At(_) = truth else {
            return Ok(truth);
        };
        let whole = self.whole(truth, shape)?;
        let op = if all { Reduction::Min } else { Reduction::Max };
        let axes = axes.to_vec();
        let reduced = Op::Reduce { op, axes, keepdims };
        Ok(Truth::At(self.emit(reduced, &[whole])?))
    }

    /// A truth as a value of the importer.
    pub fn value(&mut self, truth: Truth, shape: &[usize]) -> Result<Value, ImportError> {
        if let Truth::At(_) = truth {
            return Ok(Value::Graph(Kind::Bool, self.whole(truth, shape)?));
        }
        let count = shape.iter().product();
        self.context.spend(self.node, count)?;
        let data = vec![i64::from(truth == Truth::Always); count];
        let ints = Ints::new(shape.to_vec(), data);
        let ints = ints.ok_or_else(|| self.context.over_budget(self.node))?;
        Ok(Value::Ints(Kind::Bool, ints))
    }
}
