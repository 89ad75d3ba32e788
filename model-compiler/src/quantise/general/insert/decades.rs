//! Exponentials, roots, quotients and sums of numbers of many decades, whose small values count as much as large ones.
//!
//! e^x is 2^k·2^r with k = ⌊x·log₂ e⌋: a table of [1, 2) whose entries are as fine for small results as for large ones, times
//! a power of two that is looked up. A root is that of the first bits of a large number or of the last ones of a small
//! one. A quotient has two parts, as in long division: what the first leaves of the dividend is divided again.

use super::fine::BITS as FULL;
use super::span::Span;
use super::{Held, HeldKind, Insert, Insertion};
use crate::functions::covering;
use crate::graph::{Binary, Comparison, Node, Op, Tensor, Unary, ValueId};

/// Bits of what is added, compared, or under a root.
const WIDEST: i32 = 60;
/// Bits of magnitude that a result may have.
const RESULT: i32 = 62;
/// Fraction bits of an exponent of two.
const EXPONENT: i32 = 24;
/// Bits of e^x beside its power of two, at most and at least.
const MANTISSA: (i32, i32) = (24, 14);
/// Bits that small numbers should keep.
const SMALL: i32 = 14;
/// Bits of a part of a quotient.
const PART: i32 = 28;
/// Of how many values one is smaller than what counts as small.
const RARE: usize = 50;

impl Insertion<'_> {
    /// What nearly all values other than zero exceed in size, as a power of two.
    fn small(&self, value: ValueId) -> Option<i32> {
        let samples = self.observations.values[value.index()].samples.iter();
        let mut sizes: Vec<f32> = samples.map(|v| v.abs()).filter(|v| *v > 0.0).collect();
        sizes.sort_by(f32::total_cmp);
        let small = sizes.get(sizes.len() / RARE)?;
        Some(libm::ilogb(f64::from(*small)))
    }

    /// e^x in up to 60 bits; none where 32 hold it.
    pub(super) fn exponential_of_decades(
        &mut self,
        node: &Node,
        x: ValueId,
    ) -> Insert<Option<Held>> {
        let seen = f64::from(self.observations.values[node.output.index()].magnitude());
        let Some(small) = self.small(node.output) else {
            return Ok(None);
        };
        let top = libm::ilogb(seen * self.room().of_operand(true)) + 1;
        let powers = top - small + 1;
        if powers + SMALL < i32::from(FULL) {
            return Ok(None);
        }
        let mantissa = (WIDEST - 2 - powers).clamp(MANTISSA.1, MANTISSA.0);
        let powers = powers.min(WIDEST - 2 - mantissa);
        let name = format!("{}.part", node.name);
        let operand = self.in_full(x, FULL)?;
        let number = |i: &mut Self, value: f64| i.new.constant(&name, Tensor::scalar(value as f32));
        let factor = number(self, std::f64::consts::LOG2_E)?;
        let product = Op::Binary(Binary::Mul);
        let exponent = self.new.push(&name, product.clone(), &[operand, factor])?;
        let exponent = self.quantised_part(node.output, exponent, &[EXPONENT], FULL)?;
        let whole = self.new.push(&name, Op::Unary(Unary::Floor), &[exponent])?;
        let rest = Op::Binary(Binary::Sub);
        let rest = self.new.push(&name, rest, &[exponent, whole])?;
        let last = 1.0 - libm::ldexp(1.0, -EXPONENT);
        let clip = |min: f64, max: f64| {
            let (min, max) = (min as f32, max as f32);
            Op::Unary(Unary::Clip { min, max })
        };
        let rest = self.new.push(&name, clip(0.0, last), &[rest])?;
        let factor = number(self, std::f64::consts::LN_2)?;
        let rest = self.new.push(&name, product.clone(), &[rest, factor])?;
        let part = self.new.push(&name, Op::Unary(Unary::Exp), &[rest])?;
        let part = self.quantised_part(node.output, part, &[mantissa], (mantissa + 2) as u8)?;
        // Row 0 is for what is smaller than all of them.
        let (first, end) = (f64::from(top - powers), f64::from(top));
        let row = self.new.push(&name, clip(first, end), &[whole])?;
        let origin = number(self, first)?;
        let row = self
            .new
            .push(&name, Op::Binary(Binary::Sub), &[row, origin])?;
        let power = |row: i32| match row {
            0 => 0.0,
            row => libm::ldexp(1.0, top - powers + row) as f32,
        };
        let table = Tensor::vector((0..=powers).map(power).collect());
        let table = self.new.constant(&name, table)?;
        let power = self
            .new
            .push(&name, Op::Gather { axis: 0 }, &[table, row])?;
        let wide = self.new.push(&node.name, product, &[part, power])?;
        Ok(Some(Held {
            wide,
            narrow: None,
            kind: HeldKind::Sums,
        }))
    }

    /// √x, of more than 32 bits where small numbers need them.
    pub(super) fn root_of_decades(
        &mut self,
        node: &Node,
        (operand, span): (ValueId, Span),
    ) -> Insert<Option<Held>> {
        let Some(small) = self.small(node.output) else {
            return Ok(None);
        };
        let coarse = (RESULT - 2 - span.bits() + span.frac) >> 1;
        if coarse + small >= SMALL || span.bits() <= FULL.into() {
            return Ok(None);
        }
        // Of a number of fewer bits the root has more.
        let least = 30 - span.frac;
        let low = self.quantised_part(node.output, operand, &[span.frac], FULL)?;
        let mut roots = vec![];
        for (x, bits) in [(operand, span.bits()), (low, 31)] {
            let frac = (RESULT - 2 - bits + span.frac) >> 1;
            let name = format!("{}.part", node.name);
            let root = self.new.push(&name, node.op.clone(), &[x])?;
            roots.push(self.quantised_part(node.output, root, &[frac], FULL)?);
        }
        let name = format!("{}.part", node.name);
        let bound = Tensor::scalar(libm::ldexp(1.0, least) as f32);
        let bound = self.new.constant(&name, bound)?;
        let greater = Op::Compare(Comparison::GreaterOrEqual);
        let large = self.new.push(&name, greater, &[operand, bound])?;
        let wide = self
            .new
            .push(&node.name, Op::Where, &[large, roots[0], roots[1]])?;
        Ok(Some(Held {
            wide,
            narrow: None,
            kind: HeldKind::Sums,
        }))
    }

    /// a / b in two parts, where one of 32 bits is too coarse for small quotients; none where it is not.
    pub(super) fn quotient_of_decades(
        &mut self,
        node: &Node,
        [a, b]: [ValueId; 2],
    ) -> Insert<Option<Held>> {
        let (Some(small), Some(small_divisor)) = (self.small(node.output), self.small(b)) else {
            return Ok(None);
        };
        let seen = f64::from(self.observations.values[node.output.index()].magnitude());
        let coarse = covering(seen * self.room().of_operand(true), FULL);
        let (x, y) = (self.as_wide(a)?, self.as_wide(b)?);
        let (Some((x, of_x)), Some((y, of_y))) = (x, y) else {
            return Ok(None);
        };
        let reached = |i: &Self, value: ValueId, span: Span| {
            let seen = f64::from(i.observations.values[value.index()].magnitude());
            let reach = (seen * i.room().of_operand(true)).min(span.bound);
            libm::ilogb(reach.max(f64::MIN_POSITIVE)) + 1
        };
        let (before_x, before_y) = (reached(self, a, of_x), reached(self, b, of_y));
        // The divisor's fraction bits, then those of the first part, then those of the second.
        let fine = (SMALL - small_divisor).min(of_y.frac);
        let bits = before_y + fine;
        // A part times the divisor is a number, too.
        let before = i32::from(FULL) - 1 - coarse;
        let first = (RESULT - 3 - before_x - fine).min(RESULT - 1 - bits - before);
        let first = first.min(coarse);
        let asked = (SMALL - small).max(coarse);
        // The rest is at most half a count of the first part, in divisors.
        let second = asked.min(first + (RESULT - 2 - bits).min(PART));
        let is_enough = first == coarse && coarse + small >= SMALL;
        if is_enough || second <= first || first < of_x.frac - fine - PART {
            return Ok(None);
        }
        let width = |bits: i32| (bits + 1).clamp(2, RESULT) as u8;
        let bits_as_is = |span: Span| span.bits() - span.frac;
        let y = match fine < of_y.frac || before_y < bits_as_is(of_y) {
            true => self.quantised(b, y, &[fine], width(bits))?,
            false => y,
        };
        let grid = first + fine;
        let x = match grid < of_x.frac || before_x < bits_as_is(of_x) {
            true => {
                let frac = grid.min(of_x.frac);
                self.quantised(a, x, &[frac], width(before_x + frac))?
            }
            false => x,
        };
        let name = format!("{}.part", node.name);
        let divide = Op::Binary(Binary::Div);
        let high = self.new.push(&name, divide.clone(), &[x, y])?;
        let high = self.quantised_part(node.output, high, &[first], width(before + first))?;
        let taken = self.new.push(&name, Op::Binary(Binary::Mul), &[high, y])?;
        let rest = self.new.push(&name, Op::Binary(Binary::Sub), &[x, taken])?;
        let rest = self.quantised_part(node.output, rest, &[grid], width(bits))?;
        let low = self.new.push(&name, divide, &[rest, y])?;
        let low = self.quantised_part(node.output, low, &[second], FULL)?;
        let wide = self
            .new
            .push(&node.name, Op::Binary(Binary::Add), &[high, low])?;
        Ok(Some(Held {
            wide,
            narrow: None,
            kind: HeldKind::Sums,
        }))
    }

    /// A value as it was computed, where its bits are known, else in 32.
    fn as_wide(&mut self, value: ValueId) -> Insert<Option<(ValueId, Span)>> {
        let held = self.held(value)?.clone();
        if held.kind == HeldKind::Sums
            && let Some(span) = self.span(held.wide)
        {
            return match span.bits() <= RESULT - 2 {
                true => Ok(Some((held.wide, span))),
                false => self.narrowed_to(value, WIDEST),
            };
        }
        let own = self.in_full(value, FULL)?;
        Ok(self.span(own).map(|span| (own, span)))
    }
}
