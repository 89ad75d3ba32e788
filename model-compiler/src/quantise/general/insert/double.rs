//! Values of many decades: numbers of up to 54 bits, whose products are taken in parts of 32.
//!
//! One grid of 32 bits keeps 27 bits below the largest value that was seen. Where values miss too much of themselves that
//! way, sums and differences stay as wide as they are computed, and a product of two wide numbers x = x₁ + x₀ and
//! y = y₁ + y₀ is x₁·y₁ + x₁·y₀ + x₀·y₁: what x₀·y₀ would add is less than half a count of the result. Roots, dividends
//! and divisors take as many bits as there are.

use super::fine::BITS as FULL;
use super::span::Span;
use super::{Held, HeldKind, Insert, Insertion, weights};
use crate::functions::covering;
use crate::graph::{Binary, Comparison, Node, Op, Reduction, Tensor, Unary, ValueId};

/// Bits of a product.
const WIDE: u8 = 54;
/// Bits of what is added, compared, or under a root.
const WIDEST: i32 = 60;
/// Bits of magnitude that a result may have.
const RESULT: i32 = 62;
/// Bits by which a number may be moved to a finer grid: a multiplier has 31.
const MOVED: i32 = 30;
/// Counts of a large number whose logarithm is taken of its first 32 bits, in powers of two.
const LARGE: i32 = 14;

/// A number in one or two parts.
#[derive(Clone, Copy, Debug)]
struct Parts {
    high: ValueId,
    low: Option<ValueId>,
}

impl Insertion<'_> {
    /// A node whose operands keep the bits that they have; none where it reads them as ever.
    pub(super) fn doubly(&mut self, node: &Node) -> Insert<Option<Held>> {
        if !self.ways.double || !self.is_fine(node) || self.layered[node.output.index()] {
            return Ok(None);
        }
        let constant = |i: &Self, v: ValueId| i.graph.constant(v).is_some();
        Ok(match (&node.op, &node.inputs[..]) {
            (Op::Binary(Binary::Mul), &[a, b]) => match (constant(self, a), constant(self, b)) {
                (false, false) => self.product_of_parts(node, node.op.clone(), [a, b], 1)?,
                (true, false) => self.multiple_of_parts(node, b, a)?,
                (false, true) => self.multiple_of_parts(node, a, b)?,
                (true, true) => None,
            },
            (Op::Unary(Unary::Square), &[x]) => {
                let product = Op::Binary(Binary::Mul);
                self.product_of_parts(node, product, [x, x], 1)?
            }
            (Op::MatMul, &[a, b]) if !constant(self, a) && !constant(self, b) => {
                let rows = self.graph.shape(a).last().copied().unwrap_or(1);
                self.product_of_parts(node, Op::MatMul, [a, b], rows)?
            }
            (Op::Binary(Binary::Add | Binary::Sub), &[a, b]) => self.sum_of_wide(node, a, b)?,
            (Op::Where, &[condition, a, b])
                if self.sentinel(node).is_none() && self.is_truth(condition) =>
            {
                let condition = self.held(condition)?.wide;
                match self.wide_pair(a, b)? {
                    Some((a, b)) => Some(self.pushed(node, &[condition, a, b], HeldKind::Sums)?),
                    None => None,
                }
            }
            (Op::ScaleShift { axis, scale, shift }, &[x]) => {
                self.scaled_wide(node, x, (*axis, scale, shift))?
            }
            (Op::Binary(Binary::Div), &[a, b]) if !constant(self, b) => {
                match self.quotient_of_decades(node, [a, b])? {
                    Some(held) => Some(held),
                    None => self.quotient_of_wide(node, a, b)?,
                }
            }
            (Op::Unary(Unary::Exp), &[x]) => self.exponential_of_decades(node, x)?,
            (
                Op::Reduce {
                    op: Reduction::Sum,
                    axes,
                    ..
                },
                &[x],
            ) => {
                let shape = self.graph.shape(x);
                let rows: usize = axes.iter().map(|axis| shape[*axis]).product();
                let more = usize::BITS as i32 - rows.leading_zeros() as i32;
                match self.narrowed_to(x, RESULT - more)? {
                    Some((wide, _)) => Some(self.pushed(node, &[wide], HeldKind::Sums)?),
                    None => None,
                }
            }
            (Op::Unary(Unary::Sqrt), &[x]) => self.root_of_wide(node, x)?,
            (Op::Unary(Unary::Log), &[x]) => self.logarithm_of_wide(node, x)?,
            (
                Op::Unary(Unary::Relu | Unary::Neg | Unary::Abs)
                | Op::Reduce {
                    op: Reduction::Max | Reduction::Min,
                    ..
                },
                &[x],
            ) => self.kept_wide(node, x)?,
            (op, &[x]) if op.moves() && !self.deciding[node.output.index()] => {
                self.kept_wide(node, x)?
            }
            _ => None,
        })
    }

    /// The span of a sum that is wider than 32 bits, and not too wide.
    fn wide_span(&mut self, value: ValueId) -> Insert<Option<(ValueId, Span)>> {
        let held = self.held(value)?.clone();
        if held.kind != HeldKind::Sums {
            return Ok(None);
        }
        let span = self.span(held.wide);
        let wide = span.filter(|s| (i32::from(FULL)..=RESULT).contains(&s.bits()));
        Ok(wide.map(|span| (held.wide, span)))
    }

    /// An operation that keeps the grid of its operand.
    fn kept_wide(&mut self, node: &Node, x: ValueId) -> Insert<Option<Held>> {
        match self.wide_span(x)? {
            Some((wide, span)) if span.bits() <= WIDEST => {
                Ok(Some(self.pushed(node, &[wide], HeldKind::Sums)?))
            }
            _ => Ok(None),
        }
    }

    /// What a format of `bits` bits covers of a value: sixteen times what was seen, but no more than it can be.
    fn covered(&self, value: ValueId, bound: f64, bits: u8) -> i32 {
        let seen = f64::from(self.observations.values[value.index()].magnitude());
        covering((seen * self.room().of_operand(true)).min(bound), bits)
    }

    /// A value in parts of so many bits each; one part where that holds all of it.
    fn parts(&mut self, value: ValueId, bits: u8) -> Insert<Parts> {
        let Some((wide, span)) = self.wide_span(value)? else {
            let high = self.in_full(value, bits)?;
            return Ok(Parts { high, low: None });
        };
        let first = self.covered(value, span.bound, bits);
        if first >= span.frac {
            let high = self.in_full(value, bits)?;
            return Ok(Parts { high, low: None });
        }
        let second = span.frac.min(first + i32::from(bits) - 2);
        // What is left out is finer than the low part.
        let base = match second < span.frac {
            true => {
                let width = (span.bits() - span.frac + second + 2).clamp(2, RESULT) as u8;
                self.quantised(value, wide, &[second], width)?
            }
            false => wide,
        };
        let high = self.quantised(value, base, &[first], bits)?;
        let rest = Op::Binary(Binary::Sub);
        let name = format!("{}.rest", self.graph.value_name(value));
        let rest = self.new.push(&name, rest, &[base, high])?;
        let low = self.quantised_part(value, rest, &[second], bits)?;
        Ok(Parts {
            high,
            low: Some(low),
        })
    }

    /// The product of two values, elements or rows, in parts.
    fn product_of_parts(
        &mut self,
        node: &Node,
        op: Op,
        [a, b]: [ValueId; 2],
        rows: usize,
    ) -> Insert<Option<Held>> {
        let more = usize::BITS as i32 - rows.leading_zeros() as i32;
        let bits = match rows {
            1 => FULL,
            _ => ((RESULT - more) / 2 + 1).clamp(8, FULL.into()) as u8,
        };
        let x = self.parts(a, bits)?;
        let y = match a == b {
            true => x,
            false => self.parts(b, bits)?,
        };
        let mut terms = vec![self.new.push(&node.name, op.clone(), &[x.high, y.high])?];
        if let Some(low) = y.low {
            terms.push(self.new.push(&node.name, op.clone(), &[x.high, low])?);
        }
        if let Some(low) = x.low {
            terms.push(self.new.push(&node.name, op, &[low, y.high])?);
        }
        self.added(node, terms).map(Some)
    }

    /// A value times a constant, in parts.
    fn multiple_of_parts(
        &mut self,
        node: &Node,
        x: ValueId,
        constant: ValueId,
    ) -> Insert<Option<Held>> {
        match self.graph.constant(constant).cloned() {
            Some(tensor) => self.multiple_by(node, x, tensor),
            None => Ok(None),
        }
    }

    fn multiple_by(&mut self, node: &Node, x: ValueId, tensor: Tensor) -> Insert<Option<Held>> {
        // Powers of two are part of the unit.
        let powers = tensor.data.iter().all(|v| v.abs().to_bits() << 9 == 0);
        let parts = match (powers, self.wide_span(x)?) {
            (_, None) => return Ok(None),
            (true, Some((wide, _))) => Parts {
                high: wide,
                low: None,
            },
            (false, Some(_)) => self.parts(x, FULL)?,
        };
        let factor = |v: &f32| weights::fine_factor(f64::from(*v)) as f32;
        let data = tensor.data.iter().map(factor).collect();
        let shape = tensor.shape.clone();
        let factor = self.new.constant(&node.name, Tensor { shape, data })?;
        let product = Op::Binary(Binary::Mul);
        let all = [Some(parts.high), parts.low];
        let mut terms = vec![];
        for part in all.into_iter().flatten() {
            terms.push(
                self.new
                    .push(&node.name, product.clone(), &[part, factor])?,
            );
        }
        match powers {
            true => Ok(Some(Held {
                wide: terms[0],
                narrow: None,
                kind: HeldKind::Sums,
            })),
            false => self.added(node, terms).map(Some),
        }
    }

    /// The sum of the parts of a product, on one grid of at most 54 bits.
    fn added(&mut self, node: &Node, terms: Vec<ValueId>) -> Insert<Held> {
        let sums = |wide| Held {
            wide,
            narrow: None,
            kind: HeldKind::Sums,
        };
        let spans: Vec<Option<Span>> = terms.iter().map(|term| self.span(*term)).collect();
        if let [Some(span)] = spans[..]
            && span.bits() <= RESULT
        {
            return Ok(sums(terms[0]));
        }
        let finest = spans.iter().flatten().map(|span| span.frac).max();
        let mut frac = self.covered(node.output, f64::INFINITY, WIDE);
        if let (Some(finest), true) = (finest, spans.iter().all(Option::is_some)) {
            frac = frac.min(finest);
        }
        if let Some(Some(first)) = spans.first() {
            frac = frac.min(first.frac + MOVED);
        }
        let mut sum: Option<ValueId> = None;
        for (place, (term, span)) in terms.into_iter().zip(spans).enumerate() {
            let term = match span {
                // On a coarser grid: within what the result covers, so that a finer one has room.
                Some(span) if span.frac < frac => {
                    let room = i32::from(WIDE) - (frac - span.frac);
                    match span.bits() < room {
                        true => term,
                        false => {
                            let width = room.max(2) as u8;
                            self.quantised_part(node.output, term, &[span.frac], width)?
                        }
                    }
                }
                Some(span) => {
                    let own = span.bits() - span.frac + frac + 2;
                    let width = own.clamp(2, WIDE.into()) as u8;
                    match place == 0 || span.frac > frac || span.bits() > WIDE.into() {
                        true => self.quantised_part(node.output, term, &[frac], width)?,
                        false => term,
                    }
                }
                // A step that is no power of two.
                None => self.quantised_part(node.output, term, &[frac], WIDE)?,
            };
            sum = Some(match sum {
                None => term,
                Some(sum) => {
                    let add = Op::Binary(Binary::Add);
                    self.new.push(&node.name, add, &[sum, term])?
                }
            });
        }
        match sum {
            Some(sum) => Ok(sums(sum)),
            None => self.pushed(node, &[], HeldKind::Sums),
        }
    }

    /// Two operands as they are, of which one at least is wide, where one grid holds them together.
    fn wide_pair(&mut self, a: ValueId, b: ValueId) -> Insert<Option<(ValueId, ValueId)>> {
        let (wide_a, wide_b) = (self.wide_span(a)?, self.wide_span(b)?);
        if wide_a.is_none() && wide_b.is_none() {
            return Ok(None);
        }
        let mut operands = [(
            a,
            a,
            Span {
                frac: 0,
                bound: 0.0,
            },
        ); 2];
        for (operand, (value, wide)) in operands.iter_mut().zip([(a, wide_a), (b, wide_b)]) {
            *operand = match wide {
                Some((wide, span)) => (value, wide, span),
                None => {
                    let own = self.in_full(value, FULL)?;
                    let Some(span) = self.span(own) else {
                        return Ok(None);
                    };
                    (value, own, span)
                }
            };
        }
        let [(_, x, of_x), (_, y, of_y)] = operands;
        if of_x.bound == 0.0 || of_y.bound == 0.0 {
            return Ok(Some((x, y)));
        }
        let bound = Span {
            frac: 0,
            bound: of_x.bound + of_y.bound,
        };
        let coarsest = of_x.frac.min(of_y.frac);
        let finest = (WIDEST - bound.bits()).min(coarsest + MOVED);
        let mut aligned = [x, y];
        for (into, (value, operand, span)) in aligned.iter_mut().zip(operands) {
            if span.frac > finest {
                let width = (span.bits() - span.frac + finest + 2).clamp(2, RESULT) as u8;
                *into = self.quantised(value, operand, &[finest], width)?;
            }
        }
        let [x, y] = aligned;
        Ok(Some((x, y)))
    }

    /// The sum or difference of wide numbers, or of one and a constant on its grid.
    fn sum_of_wide(&mut self, node: &Node, a: ValueId, b: ValueId) -> Insert<Option<Held>> {
        let place = match (self.graph.constant(a), self.graph.constant(b)) {
            (None, None) => {
                return match self.wide_pair(a, b)? {
                    Some((a, b)) => Ok(Some(self.pushed(node, &[a, b], HeldKind::Sums)?)),
                    None => Ok(None),
                };
            }
            (Some(_), _) => 0,
            (_, Some(_)) => 1,
        };
        let (constant, x) = if place == 0 { (a, b) } else { (b, a) };
        // A bit is left for what is added.
        let (Some((wide, span)), Some(tensor)) = (
            self.narrowed_to(x, WIDEST - 1)?,
            self.graph.constant(constant).cloned(),
        ) else {
            return Ok(None);
        };
        let op = node.op.clone();
        self.with_wide_constant(node, op, (wide, span), tensor, place)
    }

    /// The sum or difference of a wide number and a constant, which lies on as fine a grid as there is room for.
    fn with_wide_constant(
        &mut self,
        node: &Node,
        op: Op,
        (wide, span): (ValueId, Span),
        tensor: Tensor,
        place: usize,
    ) -> Insert<Option<Held>> {
        let largest = tensor.data.iter().fold(0.0f32, |m, v| m.max(v.abs()));
        let hull = Span {
            bound: span.bound + f64::from(largest),
            ..span
        };
        if !largest.is_finite() || hull.bits() > WIDEST {
            return Ok(None);
        }
        let frac = span.frac + (WIDEST - hull.bits()).min(MOVED);
        let round = |v: &f32| weights::on_grid(*v, frac);
        let data = tensor.data.iter().map(round).collect();
        let shape = tensor.shape.clone();
        let constant = self.new.constant(&node.name, Tensor { shape, data })?;
        let operands = match place {
            0 => [constant, wide],
            _ => [wide, constant],
        };
        let wide = self.new.push(&node.name, op, &operands)?;
        Ok(Some(Held {
            wide,
            narrow: None,
            kind: HeldKind::Sums,
        }))
    }

    /// x·scale + shift of a wide number.
    fn scaled_wide(
        &mut self,
        node: &Node,
        x: ValueId,
        (axis, scale, shift): (usize, &[f64], &[f64]),
    ) -> Insert<Option<Held>> {
        let rank = self.graph.shape(x).len();
        let tensor = |entries: &[f64]| {
            let mut shape = vec![1; rank];
            if let Some(extent) = shape.get_mut(axis) {
                *extent = entries.len();
            }
            let data = entries.iter().map(|v| *v as f32).collect();
            Tensor { shape, data }
        };
        let shifts = shift.iter().any(|t| *t != 0.0);
        let wide = match scale.iter().any(|s| *s != 1.0) {
            true => match self.multiple_by(node, x, tensor(scale))? {
                Some(held) if shifts => self.span(held.wide).map(|span| (held.wide, span)),
                other => return Ok(other),
            },
            false => self.narrowed_to(x, WIDEST - 1)?,
        };
        match wide {
            Some(wide) => {
                let add = Op::Binary(Binary::Add);
                self.with_wide_constant(node, add, wide, tensor(shift), 1)
            }
            None => Ok(None),
        }
    }

    /// A wide number in at most so many bits.
    pub(super) fn narrowed_to(
        &mut self,
        value: ValueId,
        bits: i32,
    ) -> Insert<Option<(ValueId, Span)>> {
        let Some((wide, span)) = self.wide_span(value)? else {
            return Ok(None);
        };
        if span.bits() <= bits {
            return Ok(Some((wide, span)));
        }
        let width = (bits + 1).min(RESULT) as u8;
        let frac = self.covered(value, span.bound, width).min(span.frac);
        let quantised = self.quantised(value, wide, &[frac], width)?;
        Ok(self.span(quantised).map(|span| (quantised, span)))
    }

    /// A root of more than 32 bits.
    fn root_of_wide(&mut self, node: &Node, x: ValueId) -> Insert<Option<Held>> {
        let Some((operand, span)) = self.narrowed_to(x, WIDEST)? else {
            return Ok(None);
        };
        if let Some(held) = self.root_of_decades(node, (operand, span))? {
            return Ok(Some(held));
        }
        let held = self.pushed(node, &[operand], HeldKind::Function)?;
        let finest = (RESULT - 2 - span.bits() + span.frac) >> 1;
        self.finest.insert(held.wide, finest);
        Ok(Some(held))
    }

    /// A quotient: dividend and divisor have as many bits as its own format leaves.
    fn quotient_of_wide(&mut self, node: &Node, a: ValueId, b: ValueId) -> Insert<Option<Held>> {
        let (wide_a, wide_b) = (self.wide_span(a)?, self.wide_span(b)?);
        if wide_a.is_none() && wide_b.is_none() {
            return Ok(None);
        }
        let asked = self.covered(node.output, f64::INFINITY, FULL);
        let whole = |i: &Self, value: ValueId, bound: f64| -> i32 {
            // Bits before the point.
            -i.covered(value, bound, 1)
        };
        let (y, of_y) = match wide_b {
            Some((wide, span)) => {
                let before = match wide_a {
                    Some((_, span)) => whole(self, a, span.bound),
                    None => whole(self, a, f64::INFINITY),
                };
                let frac = (RESULT - 2 - before - asked).min(span.frac);
                let least = self.covered(b, span.bound, FULL);
                let frac = frac.max(least.min(span.frac));
                let width = (whole(self, b, span.bound) + frac + 2).clamp(2, WIDEST) as u8;
                match frac == span.frac {
                    true => (wide, Some(span)),
                    false => {
                        let narrowed = self.quantised(b, wide, &[frac], width)?;
                        (narrowed, self.span(narrowed))
                    }
                }
            }
            None => {
                let operand = self.in_full(b, FULL)?;
                (operand, self.span(operand))
            }
        };
        let (x, of_x) = match (wide_a, of_y) {
            (Some((wide, span)), Some(of_y)) => {
                let frac = (asked + of_y.frac).min(span.frac);
                let width = (whole(self, a, span.bound) + frac + 2).clamp(2, WIDEST + 1);
                match frac == span.frac && span.bits() <= WIDEST {
                    true => (wide, Some(span)),
                    false => {
                        let narrowed = self.quantised(a, wide, &[frac], width as u8)?;
                        (narrowed, self.span(narrowed))
                    }
                }
            }
            _ => {
                let operand = self.in_full(a, FULL)?;
                (operand, self.span(operand))
            }
        };
        let held = self.pushed(node, &[x, y], HeldKind::Function)?;
        if let (Some(of_x), Some(of_y)) = (of_x, of_y) {
            let finest = RESULT - of_x.bits() + of_x.frac - of_y.frac;
            self.finest.insert(held.wide, finest);
        }
        Ok(Some(held))
    }

    /// The logarithm of a wide number: of the first 32 bits of a large one, of the last of a small one.
    fn logarithm_of_wide(&mut self, node: &Node, x: ValueId) -> Insert<Option<Held>> {
        let Some((wide, span)) = self.narrowed_to(x, WIDEST)? else {
            return Ok(None);
        };
        let first = self.covered(x, span.bound, FULL).min(span.frac);
        let second = (first + i32::from(FULL) - 2 - LARGE).min(span.frac);
        let seen = &self.observations.values[node.output.index()];
        let frac = covering(f64::from(seen.magnitude()) * 2.0, FULL);
        let mut logarithms = vec![];
        for own in [first, second] {
            let operand = self.quantised(x, wide, &[own], FULL)?;
            let logarithm = self.new.push(&node.name, node.op.clone(), &[operand])?;
            logarithms.push(self.quantised_part(node.output, logarithm, &[frac], FULL)?);
        }
        let bound = libm::ldexp(1.0, LARGE - first) as f32;
        let bound = self.new.constant(&node.name, Tensor::scalar(bound))?;
        let greater = Op::Compare(Comparison::Greater);
        let large = self.new.push(&node.name, greater, &[wide, bound])?;
        let operands = [large, logarithms[0], logarithms[1]];
        let wide = self.new.push(&node.name, Op::Where, &operands)?;
        Ok(Some(Held {
            wide,
            narrow: None,
            kind: HeldKind::Sums,
        }))
    }
}
