//! Values of more than 8 bits: what is not summed by a layer is read in up to 32.
//!
//! A layer's weights ask for operands of 16 bits. Products, quotients, roots, comparisons and functions do not: they read
//! what was computed as it is where 32 bits hold it, else in 32 bits that cover twice what calibration saw. So wide
//! ranges keep their small values, and only a layer's operand is rounded to few bits.

use super::plain::Plain;
use super::span::Span;
use super::{Held, HeldKind, Insert, Insertion, OUTPUT_WIDTH, error, weights};
use crate::format;
use crate::functions::{ARGUMENT_BITS, argument_frac, covering};
use crate::graph::{Binary, Comparison, Graph, Node, Op, Reduction, Tensor, Unary, ValueId};

/// Bits of an operand, its sign included.
pub(super) const BITS: u8 = 32;
/// Bits beside a sentinel: what lies beyond them is still a multiplier.
pub(super) const MASKED_BITS: u8 = 28;
/// Bits of magnitude that a result may have.
const RESULT: i32 = 62;
/// The same in 32 bits.
const SMALL_RESULT: i32 = 30;
/// A number of fewer counts is too coarse for its logarithm.
const FEW_COUNTS: f64 = 1024.0;
/// Bits by which an operand may be moved to the grid of another: a multiplier has 31.
const ALIGNED: i32 = 30;
impl Insertion<'_> {
    /// A node whose operands have more than 8 bits; none where it is read in few bits as ever.
    pub(super) fn finely(&mut self, node: &Node) -> Insert<Option<Held>> {
        if !self.is_fine(node) {
            return Ok(None);
        }
        let inputs = &node.inputs[..];
        Ok(match (&node.op, inputs) {
            (Op::ScaleShift { axis, scale, shift }, &[x])
                if !self.deciding[node.output.index()] =>
            {
                Some(self.scaled_finely(node, x, *axis, scale, shift)?)
            }
            (Op::Unary(function), &[x]) => self.function_finely(node, *function, x)?,
            (Op::Binary(op), &[a, b]) => self.pair_finely(node, *op, a, b)?,
            (Op::Where, &[condition, real, other]) if self.sentinel(node).is_some() => {
                Some(self.masked_finely(node, condition, real, other)?)
            }
            (Op::Where, &[condition, a, b]) if self.is_truth(condition) => {
                let condition = self.held(condition)?.wide;
                let (a, b) = self.aligned(a, b)?;
                Some(self.pushed(node, &[condition, a, b], HeldKind::Sums)?)
            }
            (Op::TopK { indices: false, .. } | Op::Softmax { .. }, &[x]) => {
                let operand = match self.plain[x.index()] {
                    Plain::Alike(_) => self.ranked(x)?,
                    _ => self.in_full(x, BITS)?,
                };
                Some(self.pushed(node, &[operand], HeldKind::Sums)?)
            }
            (Op::Reduce { op, axes, .. }, &[x]) => {
                let shape = self.graph.shape(x);
                let rows: usize = axes.iter().map(|axis| shape[*axis]).product();
                self.reduced_finely(node, *op, x, rows)?
            }
            (Op::Gather { axis }, &[table, indices]) if !self.layered[node.output.index()] => {
                let extent = self.graph.shape(table)[*axis];
                let indices = self.indices(node, indices, extent)?;
                let table = self.in_full(table, BITS)?;
                Some(self.pushed(node, &[table, indices], HeldKind::Sums)?)
            }
            (Op::MatMul, &[a, b]) => self.product_of_matrices(node, a, b)?,
            (op, _)
                if (op.moves() || matches!(op, Op::Pad { .. }))
                    && !self.layered[node.output.index()]
                    && !self.deciding[node.output.index()] =>
            {
                Some(self.moved_finely(node)?)
            }
            _ => None,
        })
    }

    /// Whether a node reads more than 8 bits: where its operands have them, or where only an output reads the result.
    pub(super) fn is_fine(&self, node: &Node) -> bool {
        let varies = |v: &&ValueId| self.graph.constant(**v).is_none();
        let function = matches!(node.op, Op::Unary(Unary::Sigmoid | Unary::Tanh));
        if self.learned && !function {
            // Layers read few bits in the end.
            return !self.feeds[node.output.index()];
        }
        let wide = node
            .inputs
            .iter()
            .filter(varies)
            .all(|v| self.is_read_finely(*v));
        wide && self.is_read_finely(node.output) || !self.feeds[node.output.index()]
    }

    fn is_read_finely(&self, value: ValueId) -> bool {
        self.width(value) > 8 || self.observable[value.index()]
    }

    /// Whether a value is 0 or 1 as it is computed.
    pub(super) fn is_truth(&mut self, value: ValueId) -> bool {
        let Ok(held) = self.held(value).cloned() else {
            return false;
        };
        let span = self.span(held.wide);
        held.kind == HeldKind::Sums && span.is_some_and(|s| s.frac <= 0 && s.bound <= 1.0)
    }

    /// A value as an operand of `bits` bits at most.
    pub(super) fn in_full(&mut self, value: ValueId, bits: u8) -> Insert<ValueId> {
        self.in_full_like(value, value, bits)
    }

    /// A value as an operand of `bits` bits at most, at the format that the values of `like` ask for.
    pub(super) fn in_full_like(
        &mut self,
        value: ValueId,
        like: ValueId,
        bits: u8,
    ) -> Insert<ValueId> {
        let held = self.held(value)?.clone();
        if held.kind == HeldKind::Constant {
            return self.fine_constant(value, bits);
        }
        if held.kind == HeldKind::Function && self.is_table(value) {
            return self.entries(value);
        }
        // What is in few bits as it is computed, and choices with a sentinel, which no format may hold.
        if held.narrow.as_ref().is_some_and(|(v, _)| *v == held.wide) {
            return Ok(held.wide);
        }
        let span = self.span(held.wide);
        let magnitude = i32::from(bits) - 1;
        if held.kind == HeldKind::Sums && span.is_some_and(|span| span.bits() <= magnitude) {
            return Ok(held.wide);
        }
        // Words, each on its own grid: where sums of products are proved they have to share one.
        if let Some(input) = self.words_of(value)
            && self.words[input].bits() <= bits
            && let Some(grid) = self.words[input].grid()
            && (bits == BITS || grid.single().is_some())
        {
            return Ok(held.wide);
        }
        let key = (value, like, bits);
        if let Some(known) = self.fines.get(&key) {
            return Ok(*known);
        }
        let (magnitude, is_seen) = self.magnitude(value, like);
        let reach = match is_seen {
            true => self.room().of_operand(bits == BITS),
            false => 1.0,
        };
        let most = within(self.graph, value).unwrap_or(f64::INFINITY);
        let seen = (magnitude * reach).min(most);
        // Not more than it can be.
        let possible = span.filter(|_| held.kind == HeldKind::Sums);
        let covering = covering(possible.map_or(seen, |span| seen.min(span.bound)), bits);
        let finest = match held.kind {
            HeldKind::Function => self.finest.get(&held.wide).copied(),
            _ => span.map(|span| span.frac),
        };
        let frac = finest.map_or(covering, |finest| covering.min(finest));
        let observed = &self.observations.values[like.index()];
        let noise = format::noise(&observed.samples, frac, bits);
        let quantised = self.quantised(value, held.wide, &[frac], bits)?;
        self.note(like, format::Chosen { frac, noise }, bits);
        self.fines.insert(key, quantised);
        Ok(quantised)
    }

    /// The entries of a table that makes an output.
    fn entries(&mut self, value: ValueId) -> Insert<ValueId> {
        let key = (value, value, OUTPUT_WIDTH);
        if let Some(known) = self.fines.get(&key) {
            return Ok(*known);
        }
        let wide = self.held(value)?.wide;
        let frac = i32::from(OUTPUT_WIDTH) - 1;
        let entries = self.quantised(value, wide, &[frac], OUTPUT_WIDTH)?;
        self.fines.insert(key, entries);
        Ok(entries)
    }

    /// A constant on one grid of at most `bits` bits: its single precision, unless small numbers stand beside large ones.
    fn fine_constant(&mut self, value: ValueId, bits: u8) -> Insert<ValueId> {
        let held = self.held(value)?.wide;
        if self.span(held).is_some_and(|s| s.bits() < i32::from(bits)) {
            return Ok(held);
        }
        let Some(tensor) = self.graph.constant(value) else {
            return Ok(held);
        };
        let largest = tensor.data.iter().filter(|v| v.is_finite());
        let largest = largest.fold(0.0f32, |m, v| m.max(v.abs()));
        let frac = covering(f64::from(largest), bits);
        let round = |v: &f32| match v.is_finite() {
            true => weights::on_grid(*v, frac),
            false => *v,
        };
        let data = tensor.data.iter().map(round).collect();
        self.constant_like(tensor, data, value)
    }

    /// Two operands whose grids and magnitudes an operation holds together.
    fn aligned(&mut self, a: ValueId, b: ValueId) -> Insert<(ValueId, ValueId)> {
        let (x, y) = (self.in_full(a, BITS)?, self.in_full(b, BITS)?);
        let (Some(of_x), Some(of_y)) = (self.span(x), self.span(y)) else {
            return Ok((x, y));
        };
        // Zeros lie on every grid.
        if of_x.bound == 0.0 || of_y.bound == 0.0 {
            return Ok((x, y));
        }
        let largest = Span {
            frac: 0,
            bound: of_x.bound + of_y.bound,
        };
        let finest = (RESULT - largest.bits()).min(of_x.frac.min(of_y.frac) + ALIGNED);
        let coarser = |insertion: &mut Self, value, operand, span: Span| {
            if span.frac <= finest {
                return Ok(operand);
            }
            let bits = (span.bits() - span.frac + finest + 2).clamp(2, BITS.into());
            insertion.quantised(value, operand, &[finest], bits as u8)
        };
        Ok((coarser(self, a, x, of_x)?, coarser(self, b, y, of_y)?))
    }

    /// The operands of a comparison: words and constant bounds as they are.
    pub(super) fn compared(&mut self, a: ValueId, b: ValueId) -> Insert<(ValueId, ValueId)> {
        let constant = |i: &Self, v: ValueId| i.graph.constant(v).is_some();
        let exact = |i: &Self, v: ValueId| i.is_exact(v) || constant(i, v);
        let wide = |i: &Self, v: ValueId| Ok(i.held(v)?.wide);
        // Whole numbers and words beside a bound, or their like, as they are: no format of theirs may move a bound.
        if exact(self, a) && exact(self, b) {
            return Ok((wide(self, a)?, wide(self, b)?));
        }
        if let Some(words) = self.compared_words(a, b)? {
            return Ok(words);
        }
        match (constant(self, a), constant(self, b)) {
            (true, _) => Ok((wide(self, a)?, self.in_full(b, BITS)?)),
            (_, true) => Ok((self.in_full(a, BITS)?, wide(self, b)?)),
            _ => self.aligned(a, b),
        }
    }

    /// x·scale + shift: of an operand of 32 bits at most, so that the factor has as many.
    fn scaled_finely(
        &mut self,
        node: &Node,
        x: ValueId,
        axis: usize,
        scale: &[f64],
        shift: &[f64],
    ) -> Insert<Held> {
        let operand = self.in_full(x, BITS)?;
        let op = self.line(x, axis, (scale, shift), weights::fine_factor);
        let wide = self.new.push(&node.name, op, &[operand])?;
        // What has no grid is read behind a quantiser.
        let kind = match shift.iter().all(|t| *t == 0.0) {
            true => HeldKind::Sums,
            false => HeldKind::Function,
        };
        Ok(Held {
            wide,
            narrow: None,
            kind,
        })
    }

    fn function_finely(
        &mut self,
        node: &Node,
        function: Unary,
        x: ValueId,
    ) -> Insert<Option<Held>> {
        let layered = self.layered[node.output.index()];
        Ok(match function {
            Unary::Relu | Unary::Clip { .. } | Unary::LeakyRelu { .. } if layered => None,
            Unary::LeakyRelu { .. } | Unary::Wrap { .. } => None,
            Unary::Floor | Unary::Ceil | Unary::Round | Unary::Trunc => None,
            Unary::Relu | Unary::Neg | Unary::Abs | Unary::Square => {
                let operand = self.in_full(x, BITS)?;
                Some(self.pushed(node, &[operand], HeldKind::Sums)?)
            }
            Unary::Clip { min, max } => {
                let operand = self.in_full(x, BITS)?;
                let span = self.span(operand);
                let bound = |v: f32| match (span, v.is_finite()) {
                    // Never reached.
                    (Some(span), true) if f64::from(v).abs() >= 2.0 * span.bound => {
                        match (v == min, v == max) {
                            (true, false) if v < 0.0 => f32::NEG_INFINITY,
                            (false, true) if v > 0.0 => f32::INFINITY,
                            _ => weights::on_grid(v, span.frac),
                        }
                    }
                    (Some(span), true) => {
                        // Some bits of the bound's own, where there is room.
                        let own = 20 - libm::ilogb(f64::from(v.abs().max(f32::MIN_POSITIVE)));
                        let room = RESULT - span.bits() + span.frac;
                        let frac = own.max(span.frac).min(span.frac + 20).min(room);
                        weights::on_grid(v, frac)
                    }
                    _ => v,
                };
                let (min, max) = (bound(min), bound(max));
                let clip = Node {
                    op: Op::Unary(Unary::Clip { min, max }),
                    ..node.clone()
                };
                Some(self.pushed(&clip, &[operand], HeldKind::Sums)?)
            }
            Unary::Sqrt => {
                let operand = self.in_full(x, BITS)?;
                let held = self.pushed(node, &[operand], HeldKind::Function)?;
                if let Some(span) = self.span(operand) {
                    // The root of x·2^s, s as large as 62 bits allow.
                    self.finest
                        .insert(held.wide, (RESULT - 2 - span.bits() + span.frac) >> 1);
                }
                Some(held)
            }
            Unary::Log => Some(self.logarithm_finely(node, x)?),
            Unary::Not => None,
            _ if self.is_table(node.output) => None,
            function => Some(self.tabulated_finely(node, function, x)?),
        })
    }

    /// A logarithm; of what the operand's format takes for the smallest number that was seen, although it has only a few
    /// counts, that of this number: ln(x + ε) of x = 0.
    fn logarithm_finely(&mut self, node: &Node, x: ValueId) -> Insert<Held> {
        let operand = self.in_full(x, BITS)?;
        let smallest = self.observations.values[x.index()].least;
        let span = self.span(operand).filter(|_| smallest > 0.0);
        let counts = span.map(|s| libm::ldexp(f64::from(smallest), s.frac));
        let (Some(span), Some(counts)) = (span, counts.filter(|counts| *counts < FEW_COUNTS))
        else {
            return self.pushed(node, &[operand], HeldKind::Function);
        };
        let name = node.name.as_str();
        let logarithm = self.new.push(name, node.op.clone(), &[operand])?;
        let seen = &self.observations.values[node.output.index()];
        let frac = covering(f64::from(seen.magnitude()) * 2.0, BITS);
        let logarithm = self.quantised_part(node.output, logarithm, &[frac], BITS)?;
        let counts = (counts + 0.5).floor();
        let bound = libm::ldexp(counts, -span.frac) as f32;
        let bound = self.new.constant(name, Tensor::scalar(bound))?;
        // What is zero has no other logarithm; what is a count less than the smallest number has its own.
        let comparison = match counts > 0.0 {
            true => Comparison::Equal,
            false => Comparison::LessOrEqual,
        };
        let small = self
            .new
            .push(name, Op::Compare(comparison), &[operand, bound])?;
        let least = weights::on_grid(libm::logf(smallest), frac.min(20));
        let least = self.new.constant(name, Tensor::scalar(least))?;
        let wide = self.new.push(name, Op::Where, &[small, least, logarithm])?;
        Ok(Held {
            wide,
            narrow: None,
            kind: HeldKind::Sums,
        })
    }

    /// A function that is looked up between the entries of a table.
    fn tabulated_finely(&mut self, node: &Node, function: Unary, x: ValueId) -> Insert<Held> {
        let held = self.held(x)?.clone();
        let observed = &self.observations.values[x.index()];
        let frac = argument_frac(
            function,
            f64::from(observed.magnitude()) * self.room().of_argument(),
        );
        let operand = match held.kind {
            HeldKind::Constant => self.fine_constant(x, ARGUMENT_BITS)?,
            _ => held.wide,
        };
        let known = self.span(operand);
        if held.kind == HeldKind::Sums
            && known.is_some_and(|s| s.frac <= frac && s.bits() < i32::from(ARGUMENT_BITS))
        {
            return self.pushed(node, &[operand], HeldKind::Function);
        }
        let noise = format::noise(&observed.samples, frac, ARGUMENT_BITS);
        let index = self.quantised(x, operand, &[frac], ARGUMENT_BITS)?;
        self.note(x, format::Chosen { frac, noise }, ARGUMENT_BITS);
        self.pushed(node, &[index], HeldKind::Function)
    }

    fn pair_finely(
        &mut self,
        node: &Node,
        op: Binary,
        a: ValueId,
        b: ValueId,
    ) -> Insert<Option<Held>> {
        let constant = |value| self.graph.constant(value).cloned();
        Ok(match (op, constant(a), constant(b)) {
            (Binary::Pow | Binary::PRelu, ..) => None,
            (Binary::Add, ..) if self.is_infinite(b) => None,
            (Binary::Add | Binary::Sub, None, Some(tensor)) => {
                let operand = self.in_full(a, BITS)?;
                Some(self.with_fine_constant(node, operand, tensor, 1)?)
            }
            (Binary::Add | Binary::Sub, Some(tensor), None) => {
                let operand = self.in_full(b, BITS)?;
                Some(self.with_fine_constant(node, operand, tensor, 0)?)
            }
            (Binary::Mul, None, Some(tensor)) => Some(self.factored_finely(node, a, &tensor, 1)?),
            (Binary::Mul, Some(tensor), None) => Some(self.factored_finely(node, b, &tensor, 0)?),
            (Binary::Div, None, Some(tensor)) => {
                let data = tensor.data.iter().map(|v| 1.0 / v).collect();
                let shape = tensor.shape.clone();
                let product = Node {
                    op: Op::Binary(Binary::Mul),
                    ..node.clone()
                };
                Some(self.factored_finely(&product, a, &Tensor { shape, data }, 1)?)
            }
            (Binary::Max | Binary::Min, None, Some(tensor)) if tensor.single().is_some() => {
                self.bounded_finely(node, op, a, tensor.data[0])?
            }
            (Binary::Max | Binary::Min, Some(tensor), None) if tensor.single().is_some() => {
                self.bounded_finely(node, op, b, tensor.data[0])?
            }
            (Binary::Div, ..) => Some(self.quotient_finely(node, a, b)?),
            (Binary::Mul, ..) => {
                let operands = [self.in_full(a, BITS)?, self.in_full(b, BITS)?];
                Some(self.pushed(node, &operands, HeldKind::Sums)?)
            }
            (Binary::Add | Binary::Sub | Binary::Max | Binary::Min, ..) => {
                let (a, b) = self.aligned(a, b)?;
                Some(self.pushed(node, &[a, b], HeldKind::Sums)?)
            }
        })
    }

    /// A constant is added: an offset of its own, which the quantiser behind it rounds.
    fn with_fine_constant(
        &mut self,
        node: &Node,
        operand: ValueId,
        tensor: Tensor,
        place: usize,
    ) -> Insert<Held> {
        let constant = self.new.constant(&node.name, tensor)?;
        let operands = match place {
            0 => [constant, operand],
            _ => [operand, constant],
        };
        self.pushed(node, &operands, HeldKind::Function)
    }

    /// A constant multiplies, each element with a mantissa of its own.
    fn factored_finely(
        &mut self,
        node: &Node,
        x: ValueId,
        tensor: &Tensor,
        place: usize,
    ) -> Insert<Held> {
        let operand = self.in_full(x, BITS)?;
        let factor = |v: &f32| weights::fine_factor(f64::from(*v)) as f32;
        let data = tensor.data.iter().map(factor).collect();
        let held = self.with_fine_constant(
            node,
            operand,
            Tensor {
                shape: tensor.shape.clone(),
                data,
            },
            place,
        )?;
        Ok(Held {
            kind: HeldKind::Sums,
            ..held
        })
    }

    fn bounded_finely(
        &mut self,
        node: &Node,
        op: Binary,
        x: ValueId,
        bound: f32,
    ) -> Insert<Option<Held>> {
        let (min, max) = match op {
            Binary::Max => (bound, f32::INFINITY),
            _ => (f32::NEG_INFINITY, bound),
        };
        let clip = Unary::Clip { min, max };
        let clipped = Node {
            op: Op::Unary(clip),
            inputs: vec![x],
            ..node.clone()
        };
        self.function_finely(&clipped, clip, x)
    }

    fn quotient_finely(&mut self, node: &Node, a: ValueId, b: ValueId) -> Insert<Held> {
        let (x, y) = (self.in_full(a, BITS)?, self.in_full(b, BITS)?);
        let held = self.pushed(node, &[x, y], HeldKind::Function)?;
        if let (Some(of_x), Some(of_y)) = (self.span(x), self.span(y)) {
            // The dividend's bits, and those by which it is moved.
            let finest = RESULT - of_x.bits() + of_x.frac - of_y.frac;
            self.finest.insert(held.wide, finest);
        }
        Ok(held)
    }

    fn reduced_finely(
        &mut self,
        node: &Node,
        op: Reduction,
        x: ValueId,
        rows: usize,
    ) -> Insert<Option<Held>> {
        let more = usize::BITS as i32 - rows.leading_zeros() as i32;
        Ok(match op {
            Reduction::Sum => {
                let held = self.held(x)?.clone();
                // Products are summed as they are: most are small beside the largest.
                let span = self.span(held.wide);
                let exact = span.is_some_and(|span| span.bits() + more <= RESULT);
                let operand = match held.kind == HeldKind::Sums && exact {
                    true => held.wide,
                    false => self.in_full(x, BITS)?,
                };
                Some(self.pushed(node, &[operand], HeldKind::Sums)?)
            }
            // Of what a layer gave in few bits as many as the sum has room for in 32.
            Reduction::SumSquare if self.width(x) <= 8 && error::is_made(self.graph, x) => {
                let bits = ((SMALL_RESULT - more) / 2 + 1).clamp(8, 16);
                let operand = self.in_full(x, bits as u8)?;
                Some(self.pushed(node, &[operand], HeldKind::Sums)?)
            }
            Reduction::SumSquare => {
                let bits = ((RESULT - more) / 2 + 1).clamp(8, BITS.into());
                let operand = self.in_full(x, bits as u8)?;
                Some(self.pushed(node, &[operand], HeldKind::Sums)?)
            }
            Reduction::Max | Reduction::Min => {
                let operand = self.in_full(x, BITS)?;
                Some(self.pushed(node, &[operand], HeldKind::Sums)?)
            }
            _ => None,
        })
    }

    /// Products of rows: of what layers and a softmax gave in 16 bits as ever, of other numbers in as many as the sums
    /// have room for.
    fn product_of_matrices(&mut self, node: &Node, a: ValueId, b: ValueId) -> Insert<Option<Held>> {
        if self.is_learned(a) && self.is_learned(b) {
            return Ok(None);
        }
        let inner = self.graph.shape(a).last().copied().unwrap_or(1);
        let more = usize::BITS as i32 - inner.leading_zeros() as i32;
        let bits = ((RESULT - more) / 2 + 1).clamp(8, BITS.into()) as u8;
        let constant = |value| self.graph.constant(value).is_some();
        if constant(a) || constant(b) {
            return Ok(None);
        }
        let operands = [self.in_full(a, bits)?, self.in_full(b, bits)?];
        Ok(Some(self.pushed(node, &operands, HeldKind::Sums)?))
    }

    /// Whether a value is a layer's result or a softmax, moved perhaps.
    fn is_learned(&self, value: ValueId) -> bool {
        let Some(node) = self.graph.producing_node(value) else {
            return false;
        };
        match &node.op {
            Op::Dense { .. } | Op::Conv { .. } | Op::Softmax { .. } => true,
            Op::Unary(_) | Op::ScaleShift { .. } => self.is_learned(node.inputs[0]),
            op if op.moves() => node.inputs.iter().any(|v| self.is_learned(*v)),
            Op::Binary(_) => node.inputs.iter().any(|v| self.is_learned(*v)),
            _ => false,
        }
    }

    /// Elements in another order, as they are.
    fn moved_finely(&mut self, node: &Node) -> Insert<Held> {
        if let &[a, b] = &node.inputs[..]
            && !matches!(node.op, Op::Gather { .. })
        {
            let (a, b) = self.aligned(a, b)?;
            return self.pushed(node, &[a, b], HeldKind::Sums);
        }
        let mut operands = vec![];
        for value in &node.inputs {
            operands.push(self.in_full(*value, BITS)?);
        }
        self.pushed(node, &operands, HeldKind::Sums)
    }
}

/// What a function never exceeds: a sigmoid, e^(x − max x).
fn within(graph: &Graph, value: ValueId) -> Option<f64> {
    let producer = |value: ValueId| graph.producing_node(value);
    let node = producer(value)?;
    let bounded = match node.op {
        Op::Unary(Unary::Sigmoid | Unary::Tanh | Unary::Erf) => true,
        Op::Unary(Unary::Exp) => match producer(node.inputs[0]) {
            Some(below) if below.op == Op::Binary(Binary::Sub) => {
                let largest = producer(below.inputs[1]);
                largest.is_some_and(|largest| {
                    let reduced = matches!(
                        largest.op,
                        Op::Reduce {
                            op: Reduction::Max,
                            ..
                        }
                    );
                    reduced && largest.inputs[0] == below.inputs[0]
                })
            }
            _ => false,
        },
        _ => false,
    };
    bounded.then_some(1.0)
}

/// Of each value whether a layer reads it, moved or rectified perhaps.
pub(super) fn layered(graph: &Graph) -> Vec<bool> {
    let mut layered = vec![false; graph.value_count()];
    for node in graph.nodes().iter().rev() {
        let passes = node.op.moves()
            || matches!(
                node.op,
                Op::Pad { .. }
                    | Op::Pool { .. }
                    | Op::Unary(Unary::Relu | Unary::Clip { .. } | Unary::LeakyRelu { .. })
            );
        let layer = matches!(
            node.op,
            Op::Dense { .. } | Op::Conv { .. } | Op::ConvTranspose { .. }
        );
        if layer || passes && layered[node.output.index()] {
            for value in &node.inputs {
                layered[value.index()] = true;
            }
        }
    }
    layered
}
