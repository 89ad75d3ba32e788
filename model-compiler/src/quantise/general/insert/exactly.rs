//! What follows from detector words exactly: masks, places and roundings of it are those of the words, whatever format a
//! layer reads them in.

use super::plain::Plain;
use super::span::Span;
use super::{HeldKind, Insert, Insertion, weights};
use crate::graph::{Binary, Node, Op, Reduction, Tensor, Unary, ValueId};

/// Bits of what is computed of words before it is compared.
const COMPARED: i32 = 60;
/// Bits of what a TopK or an ArgMax orders.
const ORDERED: i32 = 48;

impl Insertion<'_> {
    /// A value as it follows from detector words, rounded nowhere; none where something else comes in, or where that
    /// takes too many bits.
    pub(super) fn of_words(&mut self, value: ValueId) -> Insert<Option<ValueId>> {
        if let Some(known) = self.exacts.get(&value) {
            return Ok(*known);
        }
        let exact = match (self.words_of(value), self.graph.producing_node(value)) {
            (Some(_), _) => Some(self.held(value)?.wide),
            (None, Some(node)) => self.computed_of_words(node)?,
            (None, None) => None,
        };
        self.exacts.insert(value, exact);
        Ok(exact)
    }

    /// Words that a TopK or an ArgMax orders as they are, on one grid.
    pub(super) fn ordered_words(&mut self, value: ValueId) -> Insert<Option<ValueId>> {
        let Some(exact) = self.of_words(value)? else {
            return Ok(None);
        };
        let few = self.span(exact).is_some_and(|s| s.bits() <= ORDERED);
        let alike = matches!(self.plain[value.index()], Plain::Alike(_));
        Ok((few || alike).then_some(exact))
    }

    /// Two operands of a comparison that follow from words, or a constant beside one.
    pub(super) fn compared_words(
        &mut self,
        a: ValueId,
        b: ValueId,
    ) -> Insert<Option<(ValueId, ValueId)>> {
        let constant = |i: &Self, v: ValueId| i.graph.constant(v).is_some();
        match (constant(self, a), constant(self, b)) {
            (true, true) => Ok(None),
            (true, false) => {
                let bound = self.held(a)?.wide;
                Ok(self.of_words(b)?.map(|b| (bound, b)))
            }
            (false, true) => {
                let bound = self.held(b)?.wide;
                Ok(self.of_words(a)?.map(|a| (a, bound)))
            }
            (false, false) => {
                let (Some(x), Some(y)) = (self.of_words(a)?, self.of_words(b)?) else {
                    return Ok(None);
                };
                let words = self.plain[a.index()].is_words();
                let alike = words && self.plain[a.index()] == self.plain[b.index()];
                let few = self.is_few(&[x, y], |x, y| Span {
                    frac: x.frac.max(y.frac),
                    bound: x.bound + y.bound,
                });
                Ok((alike || few).then_some((x, y)))
            }
        }
    }

    /// Whether what is made of one or two values has a grid, and few enough bits.
    fn is_few(&mut self, values: &[ValueId], made: impl Fn(Span, Span) -> Span) -> bool {
        let spans: Option<Vec<Span>> = values.iter().map(|v| self.span(*v)).collect();
        match spans.as_deref() {
            Some(&[x]) => made(x, x).bits() <= COMPARED,
            Some(&[x, y]) => made(x, y).bits() <= COMPARED,
            _ => false,
        }
    }

    fn computed_of_words(&mut self, node: &Node) -> Insert<Option<ValueId>> {
        let mut operands = Vec::with_capacity(node.inputs.len());
        let mut constants = 0;
        for value in &node.inputs {
            let operand = match self.graph.constant(*value).is_some() {
                true => {
                    constants += 1;
                    Some(self.held(*value)?.wide)
                }
                false => self.of_words(*value)?,
            };
            let Some(operand) = operand else {
                return Ok(None);
            };
            operands.push(operand);
        }
        if constants == operands.len() {
            return Ok(None);
        }
        let op = match &node.op {
            op if op.moves() && constants == 0 => op.clone(),
            Op::Unary(Unary::Neg) => node.op.clone(),
            Op::ScaleShift { axis, scale, shift } if scale.iter().all(|s| *s != 0.0) => {
                Op::ScaleShift {
                    axis: *axis,
                    scale: scale.iter().map(|s| weights::fine_factor(*s)).collect(),
                    shift: shift.clone(),
                }
            }
            Op::Binary(Binary::Add | Binary::Sub) if constants == 1 => node.op.clone(),
            Op::Binary(op @ (Binary::Mul | Binary::Div)) if constants == 1 => {
                return self.multiple_of_words(node, *op, operands);
            }
            op => match self.is_exact_on(op, &node.inputs, &operands) {
                true => op.clone(),
                false => return Ok(None),
            },
        };
        self.pushed_of_words(node, op, &operands).map(Some)
    }

    /// Words times a constant.
    fn multiple_of_words(
        &mut self,
        node: &Node,
        op: Binary,
        operands: Vec<ValueId>,
    ) -> Insert<Option<ValueId>> {
        let place = usize::from(self.graph.constant(node.inputs[1]).is_some());
        let Some(tensor) = self.graph.constant(node.inputs[place]).cloned() else {
            return Ok(None);
        };
        let factor = |v: &f32| match op {
            Binary::Div => 1.0 / f64::from(*v),
            _ => f64::from(*v),
        };
        let usable = |v: &f32| *v != 0.0 && v.is_finite();
        if op == Binary::Div && place == 0 || !tensor.data.iter().all(usable) {
            return Ok(None);
        }
        let data = tensor.data.iter().map(factor);
        let data = data.map(|v| weights::fine_factor(v) as f32).collect();
        let shape = tensor.shape.clone();
        let constant = self.new.constant(&node.name, Tensor { shape, data })?;
        let product = Op::Binary(Binary::Mul);
        let operands = [operands[1 - place], constant];
        self.pushed_of_words(node, product, &operands).map(Some)
    }

    /// Whether a further operation on values that have grids gives one that has, of few enough bits.
    fn is_exact_on(&mut self, op: &Op, inputs: &[ValueId], operands: &[ValueId]) -> bool {
        let product = |x: Span, y: Span| Span {
            frac: x.frac + y.frac,
            bound: x.bound * y.bound,
        };
        let sum = |x: Span, y: Span| Span {
            frac: x.frac.max(y.frac),
            bound: x.bound + y.bound,
        };
        let constants = inputs.iter().any(|v| self.graph.constant(*v).is_some());
        match op {
            Op::Unary(Unary::Abs | Unary::Relu) => self.is_few(operands, |x, _| x),
            Op::Unary(Unary::Square) => self.is_few(operands, product),
            Op::Binary(_) if constants => false,
            Op::Binary(Binary::Add | Binary::Sub | Binary::Max | Binary::Min) => {
                self.is_few(operands, sum)
            }
            Op::Binary(Binary::Mul) => self.is_few(operands, product),
            Op::Reduce { op, axes, .. } => {
                let shape = self.graph.shape(inputs[0]);
                let rows = axes.iter().map(|axis| shape[*axis]).product::<usize>() as f64;
                let repeated = |span: Span| Span {
                    bound: span.bound * rows,
                    ..span
                };
                match op {
                    Reduction::Sum => self.is_few(operands, |x, _| repeated(x)),
                    Reduction::SumSquare => self.is_few(operands, |x, _| repeated(product(x, x))),
                    Reduction::Max | Reduction::Min => self.is_few(operands, |x, _| x),
                    _ => false,
                }
            }
            _ => false,
        }
    }

    /// A node on words: the one that is there, where it reads the same.
    fn pushed_of_words(&mut self, node: &Node, op: Op, operands: &[ValueId]) -> Insert<ValueId> {
        let held = self.values[node.output.index()].as_ref();
        let there = held.filter(|held| held.kind != HeldKind::Constant);
        if let Some(wide) = there.map(|held| held.wide)
            && let Some(made) = self.new.graph().producing_node(wide)
            && made.op == op
            && made.inputs == operands
        {
            return Ok(wide);
        }
        self.new.push(format!("{}.exact", node.name), op, operands)
    }
}
