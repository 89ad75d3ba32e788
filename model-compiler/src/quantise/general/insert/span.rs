//! How many bits the integers of a value in the graph with quantisers can take, as they are computed.

use super::Insertion;
use crate::graph::{Binary, Graph, Node, Op, Padding, Pooling, Reduction, Tensor, Unary, ValueId};

/// All elements are multiples of 2^−frac, and none is larger than `bound`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    pub frac: i32,
    pub bound: f64,
}

/// Fraction bits that are looked for in a constant.
const FINEST: i32 = 150;

impl Span {
    /// Bits of the largest magnitude in counts, without a sign.
    pub fn bits(self) -> i32 {
        match self.bound > 0.0 {
            true => (libm::ilogb(self.bound) + 1 + self.frac).max(0),
            false => 0,
        }
    }

    fn hull(self, other: Self) -> Self {
        Self {
            frac: self.frac.max(other.frac),
            bound: self.bound.max(other.bound),
        }
    }

    /// Of finite numbers.
    fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut span = Self {
            frac: -FINEST,
            bound: 0.0,
        };
        for value in values {
            if !value.is_finite() {
                return None;
            }
            span.frac = span.frac.max(frac_of(value)?);
            span.bound = span.bound.max(value.abs());
        }
        Some(span)
    }

    fn tensor(tensor: &Tensor) -> Option<Self> {
        Self::of(tensor.data.iter().map(|v| f64::from(*v)))
    }

    fn times(self, other: Self) -> Self {
        Self {
            frac: self.frac + other.frac,
            bound: self.bound * other.bound,
        }
    }

    fn repeated(self, times: usize) -> Self {
        Self {
            bound: self.bound * times as f64,
            ..self
        }
    }
}

/// The fewest fraction bits that hold a number.
fn frac_of(value: f64) -> Option<i32> {
    if value == 0.0 {
        return Some(-FINEST);
    }
    let bits = value.to_bits();
    let mantissa = bits << 12 >> 12 | 1 << 52;
    let frac = 52 - libm::ilogb(value) - mantissa.trailing_zeros() as i32;
    (value.is_normal() && frac <= FINEST).then_some(frac.max(-FINEST))
}

impl Insertion<'_> {
    /// What is known of a value of the new graph.
    pub(super) fn span(&mut self, value: ValueId) -> Option<Span> {
        if let Some(Some(known)) = self.spans.get(value.index()) {
            return *known;
        }
        let span = self.computed_span(value);
        if self.spans.len() <= value.index() {
            self.spans.resize(value.index() + 1, None);
        }
        self.spans[value.index()] = Some(span);
        span
    }

    fn computed_span(&mut self, value: ValueId) -> Option<Span> {
        let mut inputs = self.new.graph().inputs().iter();
        if let Some(index) = inputs.position(|input| input.value == value) {
            let input = &self.words.get(index)?.input;
            let fields = input.fields.iter();
            let mut span: Option<Span> = None;
            for field in fields {
                let lsb = frac_of(field.lsb.0)?;
                let ends = [field.decode(field.minimum), field.decode(field.maximum)];
                let own = Span {
                    frac: lsb,
                    bound: ends[0].abs().max(ends[1].abs()),
                };
                span = Some(span.map_or(own, |s| s.hull(own)));
            }
            return span;
        }
        let node = self.new.graph().producing_node(value)?.clone();
        let mut operands = Vec::with_capacity(node.inputs.len());
        for input in &node.inputs {
            operands.push(self.span(*input));
        }
        of_node(self.new.graph(), &node, &operands)
    }
}

fn of_node(graph: &Graph, node: &Node, operands: &[Option<Span>]) -> Option<Span> {
    let at = |index: usize| operands.get(index).copied().flatten();
    let extent = |axes: &[usize]| -> usize {
        let shape = graph.shape(node.inputs[0]);
        axes.iter().map(|axis| shape[*axis]).product()
    };
    let truth = Span {
        frac: 0,
        bound: 1.0,
    };
    match &node.op {
        Op::Constant(tensor) => Span::tensor(tensor),
        Op::Quantise(q) => {
            let (low, high) = q.range?;
            let bound = (low as f64).abs().max((high as f64).abs());
            Some(Span { frac: 0, bound })
        }
        Op::Dequantise { scale, zero_point } => {
            let exact = zero_point.data.iter().all(|z| *z == 0.0);
            Some(at(0)?.times(Span::tensor(scale).filter(|_| exact)?))
        }
        Op::Dense { weights, bias } => summed(at(0)?, &weights.data, bias, weights.shape[1]),
        Op::Conv { weights, bias, .. } => {
            let row = weights.data.len() / weights.shape.first()?;
            summed(at(0)?, &weights.data, bias, row)
        }
        Op::ScaleShift { scale, shift, .. } => {
            let powers = scale.iter().all(|s| s.abs().to_bits() << 12 == 0);
            let exact = powers && shift.iter().all(|s| *s == 0.0);
            Some(at(0)?.times(Span::of(scale.iter().copied()).filter(|_| exact)?))
        }
        Op::Unary(function) => {
            let x = at(0)?;
            match function {
                Unary::Relu | Unary::Neg | Unary::Abs => Some(x),
                Unary::Square => Some(x.times(x)),
                Unary::Clip { min, max } => {
                    let bounds = [*min, *max].into_iter().filter(|b| b.is_finite());
                    let bounds = Span::of(bounds.map(f64::from))?;
                    Some(x.hull(bounds))
                }
                Unary::Floor | Unary::Ceil | Unary::Round | Unary::Trunc => Some(Span {
                    frac: 0,
                    bound: x.bound + 1.0,
                }),
                Unary::Not => Some(truth),
                _ => None,
            }
        }
        Op::Binary(op) => {
            let (a, b) = (at(0)?, at(1)?);
            match op {
                Binary::Add | Binary::Sub => Some(Span {
                    bound: a.bound + b.bound,
                    ..a.hull(b)
                }),
                // A constant is part of the step, which is then no power of two.
                Binary::Mul => {
                    let constants = node.inputs.iter().filter_map(|v| graph.constant(*v));
                    let mut numbers = constants.flat_map(|tensor| &tensor.data);
                    let powers = numbers.all(|v| v.abs().to_bits() << 9 == 0);
                    powers.then(|| a.times(b))
                }
                Binary::Max | Binary::Min => Some(a.hull(b)),
                Binary::Div | Binary::Pow | Binary::PRelu => None,
            }
        }
        Op::Compare(_) | Op::Logic(_) => Some(truth),
        Op::Where => Some(at(1)?.hull(at(2)?)),
        Op::Reduce { op, axes, .. } => {
            let x = at(0)?;
            match op {
                Reduction::Sum => Some(x.repeated(extent(axes))),
                Reduction::SumSquare => Some(x.times(x).repeated(extent(axes))),
                Reduction::Max | Reduction::Min => Some(x),
                _ => None,
            }
        }
        Op::MatMul => {
            let inner = *graph.shape(node.inputs[0]).last()?;
            Some(at(0)?.times(at(1)?).repeated(inner))
        }
        Op::Softmax { .. } => Some(Span {
            frac: 15,
            bound: 1.0,
        }),
        Op::TopK {
            axis,
            indices: true,
            ..
        }
        | Op::ArgMax { axis, .. } => Some(Span {
            frac: 0,
            bound: extent(&[*axis]) as f64,
        }),
        Op::Pad { padding, .. } => match padding {
            Padding::Constant(value) => Some(at(0)?.hull(Span::of([f64::from(*value)])?)),
            _ => at(0),
        },
        Op::Pool {
            op: Pooling::Max, ..
        }
        | Op::TopK { .. }
        | Op::Gather { .. } => at(0),
        op if op.moves() => {
            let mut all = operands.iter().copied();
            let first = all.next()??;
            all.try_fold(first, |hull, span| Some(hull.hull(span?)))
        }
        _ => None,
    }
}

/// Of sums of products with weights and a bias.
fn summed(x: Span, weights: &[f32], bias: &[f32], row: usize) -> Option<Span> {
    let grid = x.times(Span::of(weights.iter().map(|w| f64::from(*w)))?);
    let bias = Span::of(bias.iter().map(|b| f64::from(*b)))?;
    let rows = weights.chunks(row.max(1));
    let largest = rows.map(|row| row.iter().map(|w| f64::from(w.abs())).sum::<f64>());
    let largest = largest.fold(0.0, f64::max);
    Some(Span {
        frac: grid.frac.max(bias.frac),
        bound: largest * x.bound + bias.bound,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_fraction_bits_that_they_need() {
        for (value, frac) in [(0.75, 2), (12.0, -2), (1.0, 0), (-0.1f32 as f64, 27)] {
            assert_eq!(frac_of(value), Some(frac), "{value}");
        }
        let span = Span::of([0.75, -12.0]).unwrap();
        assert_eq!((span.frac, span.bound, span.bits()), (2, 12.0, 6));
    }
}
