//! What functions and arithmetic make of NaN and ∞, and of what numbers they make them.

use super::super::super::ImportError;
use super::exceptions::{Exceptions, FINITE, Traced, Tracer};
use super::signs::Least;
use super::truth::Truth;
use crate::graph::{Binary, Circular, Comparison, Node, Op, Unary, ValueId, apply_unary};

impl Tracer<'_, '_> {
    /// ∞ − ∞ is NaN, and NaN is not infinite.
    pub(super) fn without_both(&mut self, nan: Truth, above: Truth, below: Truth) -> Traced {
        let both = self.and(above, below)?;
        let nan = self.or(nan, both)?;
        let number = self.not(nan)?;
        Ok(Exceptions {
            nan,
            above: self.and(above, number)?,
            below: self.and(below, number)?,
        })
    }

    /// Where a finite value compares so with a number.
    fn compares(
        &mut self,
        id: ValueId,
        comparison: Comparison,
        number: f32,
    ) -> Result<Truth, ImportError> {
        if let Some(tensor) = self.context.graph().constant(id).cloned() {
            return self.of_constant(&tensor, |v| match comparison {
                Comparison::Greater => v > number,
                Comparison::GreaterOrEqual => v >= number,
                Comparison::Less => v < number,
                Comparison::LessOrEqual => v <= number,
                Comparison::Equal => v == number,
            });
        }
        let own = self.of_id(id);
        let bound = self.number(number)?;
        let truth = Truth::At(self.emit(Op::Compare(comparison), &[id, bound])?);
        // Where it is no number, integers have anything there.
        let infinite = self.or(own.above, own.below)?;
        let none = self.or(infinite, own.nan)?;
        let number = self.not(none)?;
        self.and(truth, number)
    }

    fn is_zero(&mut self, id: ValueId) -> Result<Truth, ImportError> {
        match self.least(id) {
            Least::Positive => Ok(Truth::Never),
            Least::Zero | Least::Anything => self.compares(id, Comparison::Equal, 0.0),
        }
    }

    fn is_negative(&mut self, id: ValueId) -> Result<Truth, ImportError> {
        match self.least(id) {
            Least::Positive | Least::Zero => Ok(Truth::Never),
            Least::Anything => self.compares(id, Comparison::Less, 0.0),
        }
    }

    pub(super) fn function(&mut self, function: Unary, x: ValueId) -> Traced {
        let own = self.of_id(x);
        let mut result = FINITE;
        // What it makes of each.
        let kinds = [
            (own.nan, f32::NAN),
            (own.above, f32::INFINITY),
            (own.below, f32::NEG_INFINITY),
        ];
        for (truth, number) in kinds {
            let becomes = apply_unary(function, &[number])[0];
            match becomes {
                v if v.is_nan() => result.nan = self.or(result.nan, truth)?,
                f32::INFINITY => result.above = self.or(result.above, truth)?,
                f32::NEG_INFINITY => result.below = self.or(result.below, truth)?,
                _ => {}
            }
        }
        // What it makes of numbers.
        let (mut nan, mut above, mut below) = (Truth::Never, Truth::Never, Truth::Never);
        match function {
            Unary::Sqrt => nan = self.is_negative(x)?,
            Unary::Log => (nan, below) = (self.is_negative(x)?, self.is_zero(x)?),
            Unary::Reciprocal => above = self.is_zero(x)?,
            Unary::Power { exponent } => {
                if exponent < 0.0 {
                    above = self.is_zero(x)?;
                }
                if exponent.fract() != 0.0 {
                    nan = self.is_negative(x)?;
                }
            }
            Unary::Circular(Circular::Acosh) => nan = self.compares(x, Comparison::Less, 1.0)?,
            Unary::Circular(inverse @ (Circular::Asin | Circular::Acos | Circular::Atanh)) => {
                let high = self.compares(x, Comparison::Greater, 1.0)?;
                let low = self.compares(x, Comparison::Less, -1.0)?;
                nan = self.or(high, low)?;
                if inverse == Circular::Atanh {
                    above = self.compares(x, Comparison::Equal, 1.0)?;
                    below = self.compares(x, Comparison::Equal, -1.0)?;
                }
            }
            _ => {}
        }
        Ok(Exceptions {
            nan: self.or(result.nan, nan)?,
            above: self.or(result.above, above)?,
            below: self.or(result.below, below)?,
        })
    }

    pub(super) fn binary(&mut self, node: &Node, op: Binary, a: ValueId, b: ValueId) -> Traced {
        let (own, other) = (self.of_id(a), self.of_id(b));
        let finite = own.finite() && other.finite();
        let nan = self.or(own.nan, other.nan)?;
        match op {
            Binary::Add | Binary::Sub => {
                let other = match op {
                    Binary::Add => other,
                    _ => other.negated(),
                };
                let above = self.or(own.above, other.above)?;
                let below = self.or(own.below, other.below)?;
                self.without_both(nan, above, below)
            }
            Binary::Max => Ok(Exceptions {
                nan,
                above: self.or(own.above, other.above)?,
                below: self.and(own.below, other.below)?,
            }),
            Binary::Min => Ok(Exceptions {
                nan,
                above: self.and(own.above, other.above)?,
                below: self.or(own.below, other.below)?,
            }),
            Binary::Mul if !own.infinite() && !other.infinite() => Ok(Exceptions { nan, ..FINITE }),
            Binary::Mul => {
                let mut lost = nan;
                let (mut above, mut below) = (Truth::Never, Truth::Never);
                for (one, factor, id) in [(own, other, b), (other, own, a)] {
                    if !one.infinite() {
                        continue;
                    }
                    let any = self.or(one.above, one.below)?;
                    let zero = self.is_zero(id)?;
                    let nothing = self.and(any, zero)?;
                    lost = self.or(lost, nothing)?;
                    let negative = self.is_negative(id)?;
                    let negative = self.or(negative, factor.below)?;
                    let positive = self.not(negative)?;
                    for (sign, into) in [
                        (positive, [one.above, one.below]),
                        (negative, [one.below, one.above]),
                    ] {
                        let (up, down) = (self.and(into[0], sign)?, self.and(into[1], sign)?);
                        above = self.or(above, up)?;
                        below = self.or(below, down)?;
                    }
                }
                let number = self.not(lost)?;
                Ok(Exceptions {
                    nan: lost,
                    above: self.and(above, number)?,
                    below: self.and(below, number)?,
                })
            }
            Binary::Div if own.infinite() && other.infinite() => Err(self.refused(node)),
            Binary::Div => {
                let zero = self.is_zero(b)?;
                let (mut nan, mut result) = (nan, FINITE);
                if own.infinite() {
                    result = self.signed(own, Truth::Never, b)?;
                }
                if !zero.never() {
                    let nothing = self.is_zero(a)?;
                    let lost = self.and(zero, nothing)?;
                    nan = self.or(nan, lost)?;
                    // A zero has no sign here: that of the dividend is the result's.
                    let negative = self.is_negative(a)?;
                    let not = self.or(negative, nothing)?;
                    let positive = self.not(not)?;
                    let above = self.and(zero, positive)?;
                    let below = self.and(zero, negative)?;
                    result.above = self.or(result.above, above)?;
                    result.below = self.or(result.below, below)?;
                }
                let number = self.not(nan)?;
                Ok(Exceptions {
                    nan,
                    above: self.and(result.above, number)?,
                    below: self.and(result.below, number)?,
                })
            }
            Binary::Pow if finite && self.least(a) == Least::Positive => Ok(FINITE),
            Binary::Pow => {
                let exponents = self.context.graph().constant(b).cloned();
                let all = |holds: fn(f32) -> bool| {
                    let tensor = exponents.as_ref();
                    tensor.is_some_and(|t| t.data.iter().all(|v| holds(*v)))
                };
                match finite {
                    true if all(|v| v >= 0.0 && v.fract() == 0.0) => Ok(FINITE),
                    true if all(|v| v >= 0.0) => {
                        let nan = self.is_negative(a)?;
                        Ok(Exceptions { nan, ..FINITE })
                    }
                    true if all(|v| v < 0.0 && v.fract() == 0.0) => {
                        let above = self.is_zero(a)?;
                        Ok(Exceptions { above, ..FINITE })
                    }
                    _ => Err(self.refused(node)),
                }
            }
            Binary::PRelu if finite => Ok(FINITE),
            Binary::PRelu => Err(self.refused(node)),
        }
    }

    /// Infinities that take the sign of a finite factor or divisor.
    fn signed(&mut self, infinite: Exceptions, nan: Truth, factor: ValueId) -> Traced {
        let negative = self.is_negative(factor)?;
        let positive = self.not(negative)?;
        let number = self.not(nan)?;
        let mut of = |a: Truth, b: Truth| {
            let own = self.and(a, positive)?;
            let turned = self.and(b, negative)?;
            let both = self.or(own, turned)?;
            self.and(both, number)
        };
        Ok(Exceptions {
            nan,
            above: of(infinite.above, infinite.below)?,
            below: of(infinite.below, infinite.above)?,
        })
    }
}
