//! What reductions, maxima and what else orders values make of NaN and ∞.

use super::exceptions::{Exceptions, Traced, Tracer};
use super::truth::Truth;
use crate::graph::{Node, Op, Reduction, ValueId};

impl Tracer<'_, '_> {
    pub(super) fn reduced(
        &mut self,
        node: &Node,
        op: Reduction,
        (axes, keepdims): (&[usize], bool),
        x: ValueId,
        own: Exceptions,
    ) -> Traced {
        let shape = self.shape(x);
        let nan = self.along(own.nan, false, &shape, axes, keepdims)?;
        let mut infinite = |truth, all| self.along(truth, all, &shape, axes, keepdims);
        let (above, below) = match op {
            Reduction::Max => (infinite(own.above, false)?, infinite(own.below, true)?),
            Reduction::Min => (infinite(own.above, true)?, infinite(own.below, false)?),
            Reduction::Sum | Reduction::Mean => {
                (infinite(own.above, false)?, infinite(own.below, false)?)
            }
            Reduction::SumSquare | Reduction::L1 | Reduction::L2 => {
                let both = self.or(own.above, own.below)?;
                let any = self.along(both, false, &shape, axes, keepdims)?;
                (any, Truth::Never)
            }
            Reduction::Prod if own.infinite() => return Err(self.refused(node)),
            Reduction::Prod => (Truth::Never, Truth::Never),
        };
        match op {
            Reduction::Sum | Reduction::Mean => self.without_both(nan, above, below),
            _ => Ok(Exceptions { nan, above, below }),
        }
    }

    /// NaN where any operand is, or ∞, or where all are −∞.
    pub(super) fn softmax(&mut self, node: &Node, axis: usize, x: ValueId) -> Traced {
        let (shape, axes, x) = (self.shape(x), [axis], self.of_id(x));
        let bad = self.or(x.nan, x.above)?;
        let any = self.along(bad, false, &shape, &axes, true)?;
        let none = self.along(x.below, true, &shape, &axes, true)?;
        let nan = self.or(any, none)?;
        let below = match node.op {
            Op::Softmax { .. } => Truth::Never,
            _ => {
                let number = self.not(nan)?;
                self.and(x.below, number)?
            }
        };
        Ok(Exceptions {
            nan,
            below,
            above: Truth::Never,
        })
    }

    /// The values of `(axis, k, largest)`.
    pub(super) fn top_k(&mut self, (axis, k, largest): (usize, usize, bool), x: ValueId) -> Traced {
        let (shape, own) = (self.shape(x), self.of_id(x));
        let count = |tracer: &mut Self, truth: Truth| {
            let whole = tracer.whole(truth, &shape)?;
            let op = Op::TopK {
                axis,
                k,
                largest: true,
                indices: false,
            };
            tracer.emit(op, &[whole]).map(Truth::At)
        };
        // Those that come first are counted; those that come last are what is left.
        let (first, last) = match largest {
            true => (own.above, own.below),
            false => (own.below, own.above),
        };
        let first = match first {
            Truth::At(_) => count(self, first)?,
            other => other,
        };
        let last = match last {
            Truth::At(_) => {
                let others = self.not(last)?;
                let others = count(self, others)?;
                self.not(others)?
            }
            other => other,
        };
        let (above, below) = if largest {
            (first, last)
        } else {
            (last, first)
        };
        Ok(Exceptions {
            nan: Truth::Never,
            above,
            below,
        })
    }

    pub(super) fn max_pool(&mut self, op: &Op, x: ValueId) -> Traced {
        let (shape, own) = (self.shape(x), self.of_id(x));
        let mut any = |truth: Truth| match truth {
            Truth::At(_) => {
                let whole = self.whole(truth, &shape)?;
                self.emit(op.clone(), &[whole]).map(Truth::At)
            }
            other => Ok(other),
        };
        let (nan, above) = (any(own.nan)?, any(own.above)?);
        let some = self.not(own.below)?;
        let some = match some {
            Truth::At(_) => {
                let whole = self.whole(some, &shape)?;
                Truth::At(self.emit(op.clone(), &[whole])?)
            }
            other => other,
        };
        let below = self.not(some)?;
        Ok(Exceptions { nan, above, below })
    }
}
