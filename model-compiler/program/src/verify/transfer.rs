//! Invariant 7: from the intervals of the operands to those of the result, channel by channel.

use super::Interval;
use super::ranges::Ranges;
use super::work::Work;
use crate::{ConstantId, Dim, Operation, Overflow, Product, Program, Value, ValueId};

/// Intervals before they are checked against the result's type.
pub(super) fn intervals(
    program: &Program,
    known: &[Vec<Interval>],
    value: &Value,
    work: &mut Work,
) -> Result<Vec<Interval>, String> {
    let own = Operands { known, value };
    let constant = |id: &ConstantId| &program.constant(*id).data;
    Ok(match &value.operation {
        Operation::Input(id) => own.map(|c| Interval::of_field(program.input(*id).field(c))),
        Operation::Rescale {
            x,
            multipliers,
            offsets,
            shifts,
            overflow,
            ..
        } => own.rescale(x, (multipliers, offsets, shifts), *overflow)?,
        Operation::Dense { x, weights, bias } => own.dense(x, constant(weights), constant(bias)),
        Operation::DenseStepwise {
            x,
            weights,
            bias,
            product,
        } => own.dense_stepwise(x, constant(weights), constant(bias), product)?,
        Operation::Trees(trees) => super::trees::intervals(program, trees, own.of(&trees.x), work)?,
        Operation::Divide { x, divisor, .. } => own.divide(x, *divisor)?,
        Operation::Relu { x } => own.map(|c| own.at(x, c).clamp(0, i128::MAX)),
        Operation::LeakyRelu {
            x,
            multiplier,
            shift,
            ..
        } => own.leaky_relu(x, *multiplier, *shift)?,
        Operation::Clip {
            x,
            minimum,
            maximum,
        } => {
            if minimum > maximum {
                return Err(format!("the range {minimum}..={maximum} is empty"));
            }
            own.map(|c| own.at(x, c).clamp((*minimum).into(), (*maximum).into()))
        }
        Operation::Table { x, table } => {
            let first = i128::from(program.value(*x).element.minimum());
            let ranges = Ranges::new(constant(table));
            own.map(|c| {
                let x = own.at(x, c);
                ranges.of((x.minimum - first) as usize, (x.maximum - first) as usize)
            })
        }
        Operation::Interpolate {
            x,
            table,
            first,
            shift,
        } => own.interpolate(x, constant(table), *first, *shift)?,
        Operation::Exponent { x } => {
            narrow_operand(own.of(x))?;
            own.map(|c| own.at(x, c).digits())
        }
        Operation::Mantissa { x, bits } => own.mantissa(x, *bits)?,
        Operation::Sum { x } => {
            let rows = match program.value(*x).shape.0.first() {
                Some(Dim::Multiplicity(set)) => program.set(*set).capacity,
                Some(Dim::Fixed(rows)) => *rows,
                None => 0,
            };
            own.map(|c| own.at(x, c).summed(rows))
        }
        Operation::Max { x, empty } => {
            let empty = constant(empty);
            own.map(|c| own.at(x, c).hull(Interval::point(empty[c].into())))
        }
        Operation::Count { set } => {
            vec![Interval::between(0, program.set(*set).capacity as i128)]
        }
        Operation::ArgMax { x } => vec![Interval::between(0, own.of(x).len() as i128 - 1)],
        Operation::Mul { a, b } if a == b => own.map(|c| own.at(a, c).squared()),
        Operation::Mul { a, b } => own.map(|c| own.at(a, c).times(own.at(b, c))),
        Operation::Add { a, b } => own.map(|c| own.at(a, c).plus(own.at(b, c))),
        Operation::Sub { a, b } => own.map(|c| own.at(a, c).minus(own.at(b, c))),
        Operation::SquaredError { a, b } => {
            let pairs = own.of(a).iter().zip(own.of(b));
            vec![sum(pairs.map(|(a, b)| a.minus(*b).squared()))]
        }
        Operation::SumSquares { x } => vec![sum(own.of(x).iter().map(|x| x.squared()))],
        Operation::Select { x, channels } => channels.iter().map(|c| own.of(x)[*c]).collect(),
        Operation::Concat { parts } => parts.iter().flat_map(|p| own.of(p)).copied().collect(),
        Operation::Reshape { x } => {
            let elements = value.shape.elements(0);
            moved(own.channels(), own.of(x), (0..elements).map(|e| (e, e)))
        }
        Operation::Gather { x, elements } => {
            let moves = elements.iter().copied().enumerate();
            moved(own.channels(), own.of(x), moves)
        }
        Operation::MatMul { a, b } => {
            let pairs = own.of(a).iter().zip(own.of(b));
            vec![sum(pairs.map(|(a, b)| a.times(*b))); own.channels()]
        }
        Operation::Quotient { a, b, shift, .. } => own.quotient(a, b, *shift)?,
        Operation::SquareRoot { x, shift } => own.square_root(x, *shift)?,
        Operation::Larger { a, b } => own.map(|c| larger(own.at(a, c), own.at(b, c))),
        Operation::Smaller { a, b } => own.map(|c| smaller(own.at(a, c), own.at(b, c))),
        Operation::Largest { x } => {
            let largest = own.of(x).iter().copied().reduce(larger);
            largest.into_iter().collect()
        }
        Operation::TopK { x, .. } => own.top_k(x)?,
        Operation::Take { x, indices } => {
            let rows = program.value(*x).shape.rows(0) as i128;
            let outside = |index: &&Interval| index.minimum < 0 || index.maximum >= rows;
            if let Some(index) = own.of(indices).iter().find(outside) {
                return Err(format!("an index can reach {index}, of {rows} rows"));
            }
            own.of(x).to_vec()
        }
    })
}

/// What an operation reads.
struct Operands<'a> {
    known: &'a [Vec<Interval>],
    /// The result.
    value: &'a Value,
}

impl<'a> Operands<'a> {
    fn of(&self, id: &ValueId) -> &'a [Interval] {
        &self.known[id.index()]
    }

    /// An operand with a single channel serves all.
    fn at(&self, id: &ValueId, channel: usize) -> Interval {
        let own = self.of(id);
        own[if own.len() == 1 { 0 } else { channel }]
    }

    /// Of the result.
    fn channels(&self) -> usize {
        self.value.shape.channels()
    }

    fn map(&self, f: impl Fn(usize) -> Interval) -> Vec<Interval> {
        (0..self.channels()).map(f).collect()
    }

    /// Refuses what a check refuses of a channel, and says which.
    fn each(&self, check: impl Fn(usize) -> Result<(), String>) -> Result<(), String> {
        (0..self.channels()).try_for_each(|c| check(c).map_err(|e| format!("channel {c}: {e}")))
    }

    fn rescale(
        &self,
        x: &ValueId,
        (multipliers, offsets, shifts): (&[i64], &[i64], &[u8]),
        overflow: Overflow,
    ) -> Result<Vec<Interval>, String> {
        let limits = i128::from(i32::MIN)..=i128::from(i32::MAX);
        let multiplier = |c: usize| i128::from(multipliers[c % multipliers.len()]);
        let shift = |c: usize| shifts[c % shifts.len()];
        let product = |c: usize| {
            let bare = self.at(x, c).scaled(multiplier(c));
            let offset = Interval::point(offsets[c % offsets.len()].into());
            (bare, bare.plus(offset))
        };
        self.each(|c| {
            let (multiplier, shift) = (multiplier(c), shift(c));
            if !limits.contains(&multiplier) || shift > 62 {
                return Err(format!("× {multiplier} / 2^{shift} is not allowed"));
            }
            let (bare, product) = product(c);
            rounds_within_63_bits(bare, 0)?;
            rounds_within_63_bits(product, shift)
        })?;
        Ok(self.map(|c| {
            let (_, product) = product(c);
            let rounded = product.shifted(shift(c));
            rounded.overflowed(self.value.element, overflow)
        }))
    }

    fn dense(&self, x: &ValueId, weights: &[i64], bias: &[i64]) -> Vec<Interval> {
        let x = self.of(x);
        let rows = weights.chunks(x.len().max(1)).zip(bias);
        let of_row = |(row, bias): (&[i64], &i64)| {
            let products = row.iter().zip(x).map(|(w, x)| x.scaled((*w).into()));
            products.fold(Interval::point((*bias).into()), Interval::plus)
        };
        rows.map(of_row).collect()
    }

    fn dense_stepwise(
        &self,
        x: &ValueId,
        weights: &[i64],
        bias: &[i64],
        product: &Product,
    ) -> Result<Vec<Interval>, String> {
        let x = self.of(x);
        let mut result = Vec::with_capacity(self.channels());
        for (row, bias) in weights.chunks(x.len().max(1)).zip(bias) {
            let mut sum = Interval::point((*bias).into());
            for (w, x) in row.iter().zip(x) {
                sum = sum.plus(stepwise_product(*w, *x, product)?);
            }
            result.push(sum);
        }
        Ok(result)
    }

    fn divide(&self, x: &ValueId, divisor: i64) -> Result<Vec<Interval>, String> {
        if !(1..=65_535).contains(&divisor) {
            return Err(format!("the divisor {divisor} is not 1 to 65535"));
        }
        let halved = |c| self.at(x, c).magnitude().saturating_add(1 << 16);
        if (0..self.channels()).any(|c| halved(c) > i128::from(i64::MAX)) {
            return Err("the dividend exceeds 63 bits".into());
        }
        Ok(self.map(|c| self.at(x, c).divided(i128::from(divisor))))
    }

    fn leaky_relu(&self, x: &ValueId, multiplier: i64, shift: u8) -> Result<Vec<Interval>, String> {
        if multiplier < 0 || multiplier > i64::from(i32::MAX) || shift > 62 {
            return Err(format!("the slope {multiplier} / 2^{shift} is not allowed"));
        }
        let slope = Interval::point(multiplier.into());
        let product = |c| self.at(x, c).clamp(i128::MIN, 0).times(slope);
        self.each(|c| rounds_within_63_bits(product(c), shift))?;
        Ok(self.map(|c| {
            let x = self.at(x, c);
            let negative = product(c).shifted(shift);
            let positive = x.clamp(0, i128::MAX);
            match (x.minimum < 0, x.maximum >= 0) {
                (true, true) => negative.hull(positive),
                (true, false) => negative,
                (false, _) => positive,
            }
        }))
    }

    fn interpolate(
        &self,
        x: &ValueId,
        entries: &[i64],
        first: i64,
        shift: u8,
    ) -> Result<Vec<Interval>, String> {
        if shift > 30 {
            return Err(format!(
                "cells of 2^{shift} raws are not allowed: 2^30 at most"
            ));
        }
        let cells = (entries.len() as i128 - 1) << shift;
        let first = i128::from(first);
        self.each(|c| {
            let x = self.at(x, c);
            let inside = x.minimum >= first
                && x.maximum - first < cells
                && x.maximum - first <= i128::from(i32::MAX)
                && thirty_two_bits(x);
            let last = first + cells - 1;
            let reason =
                || format!("the operand can reach {x}, and the table has {first}..={last}");
            inside.then_some(()).ok_or_else(reason)
        })?;
        Ok(self.map(|c| {
            let x = self.at(x, c);
            let cell = |raw: i128| ((raw - first) >> shift) as usize;
            let reached = entries[cell(x.minimum)..=cell(x.maximum) + 1].iter();
            let points = reached.map(|entry| Interval::point((*entry).into()));
            points.reduce(Interval::hull).unwrap_or(Interval::point(0))
        }))
    }

    fn mantissa(&self, x: &ValueId, bits: u8) -> Result<Vec<Interval>, String> {
        if !(1..=31).contains(&bits) {
            return Err(format!("a mantissa of {bits} bits is not allowed: 1 to 31"));
        }
        narrow_operand(self.of(x))?;
        Ok(self.map(|c| {
            let (digits, ones) = (self.at(x, c).digits(), (1i128 << bits) - 1);
            match (digits.minimum, digits.maximum) {
                (_, 0) => Interval::point(0),
                (0, _) => Interval::between(0, ones),
                _ => Interval::between(1 << (bits - 1), ones),
            }
        }))
    }

    fn quotient(&self, a: &ValueId, b: &ValueId, shift: u8) -> Result<Vec<Interval>, String> {
        let element = self.value.element;
        if shift > 62 || element.width > 32 {
            return Err(format!(
                "a quotient of a dividend · 2^{shift} in {element} is not allowed: 62 and 32 bits at most"
            ));
        }
        let dividend = |c| self.at(a, c).times(Interval::point(1 << shift));
        self.each(|c| {
            rounds_within_63_bits(dividend(c), 0)?;
            match self.at(b, c).magnitude() >= 1 << 62 {
                true => Err("the divisor exceeds 62 bits".to_owned()),
                false => Ok(()),
            }
        })?;
        let (low, high) = (element.minimum().into(), element.maximum().into());
        Ok(self.map(|c| dividend(c).over(self.at(b, c)).clamp(low, high)))
    }

    fn square_root(&self, x: &ValueId, shift: u8) -> Result<Vec<Interval>, String> {
        if shift > 62 {
            return Err(format!(
                "the root of x · 2^{shift} is not allowed: 62 at most"
            ));
        }
        let scale = Interval::point(1 << shift);
        let square = |c| self.at(x, c).clamp(0, i128::MAX).times(scale);
        self.each(|c| rounds_within_63_bits(square(c), 0))?;
        Ok(self.map(|c| square(c).root()))
    }

    /// A value and its channel are compared as one number.
    fn top_k(&self, x: &ValueId) -> Result<Vec<Interval>, String> {
        let x = self.of(x);
        let keys = Interval::point(x.len().next_power_of_two() as i128);
        for (c, x) in x.iter().enumerate() {
            rounds_within_63_bits(x.times(keys), 0).map_err(|e| format!("channel {c}: {e}"))?;
        }
        Ok(self.map(|_| Interval::between(0, x.len() as i128 - 1)))
    }
}

fn sum(terms: impl Iterator<Item = Interval>) -> Interval {
    terms.fold(Interval::point(0), Interval::plus)
}

fn larger(a: Interval, b: Interval) -> Interval {
    Interval::between(a.minimum.max(b.minimum), a.maximum.max(b.maximum))
}

fn smaller(a: Interval, b: Interval) -> Interval {
    Interval::between(a.minimum.min(b.minimum), a.maximum.min(b.maximum))
}

/// Whether raws fit 32 bits, with or without a sign.
fn thirty_two_bits(x: Interval) -> bool {
    x.minimum >= i32::MIN.into() && x.maximum <= u32::MAX.into()
}

/// An operand of 32 bits at most.
fn narrow_operand(x: &[Interval]) -> Result<(), String> {
    match x.iter().position(|x| !thirty_two_bits(*x)) {
        Some(c) => Err(format!(
            "channel {c}: the operand can reach {}: 32 bits at most",
            x[c]
        )),
        None => Ok(()),
    }
}

/// Channel intervals of a result whose element `to` is the operand's element `from`.
fn moved(
    channels: usize,
    x: &[Interval],
    moves: impl Iterator<Item = (usize, usize)>,
) -> Vec<Interval> {
    let mut result: Vec<Option<Interval>> = vec![None; channels];
    for (to, from) in moves {
        let interval = x[from % x.len()];
        let entry = &mut result[to % channels];
        *entry = Some(entry.map_or(interval, |known| known.hull(interval)));
    }
    let known = |i: Option<Interval>| i.unwrap_or(Interval::point(0));
    result.into_iter().map(known).collect()
}

/// A product of a stepwise accumulator, after its rounding and overflow.
fn stepwise_product(weight: i64, x: Interval, product: &Product) -> Result<Interval, String> {
    if product.shift > 62 || !product.element.is_valid() {
        return Err(format!(
            "products / 2^{} into {} are not allowed",
            product.shift, product.element
        ));
    }
    let exact = x.scaled(weight.into());
    rounds_within_63_bits(exact, product.shift)?;
    Ok(exact
        .shifted(product.shift)
        .overflowed(product.element, product.overflow))
}

/// A product that is divided by 2^shift: with half of the divisor, it stays within 63 bits and a sign.
fn rounds_within_63_bits(product: Interval, shift: u8) -> Result<(), String> {
    let half = (1i128 << shift) >> 1;
    if product.magnitude().saturating_add(half) > i128::from(i64::MAX) {
        return Err(format!("the product {product} exceeds 63 bits"));
    }
    Ok(())
}

/// Σ|weight|·max|x| + |bias| of the worst row of a dense layer, Σ max|a|·max|b| of a product of matrices: no partial
/// sum exceeds it. Other
/// sums have terms of one sign, or contain zero among their results, so that partial sums lie
/// within the result's own interval: 0 stands for them.
pub(super) fn partial_sums(program: &Program, known: &[Vec<Interval>], value: &Value) -> i128 {
    let (x, weights, bias, product) = match &value.operation {
        Operation::Dense { x, weights, bias } => (x, weights, bias, None),
        Operation::DenseStepwise {
            x,
            weights,
            bias,
            product,
        } => (x, weights, bias, Some(product)),
        Operation::MatMul { a, b } => {
            let pairs = known[a.index()].iter().zip(&known[b.index()]);
            let products = pairs.map(|(a, b)| a.magnitude().saturating_mul(b.magnitude()));
            return products.fold(0, i128::saturating_add);
        }
        Operation::Trees(trees) => {
            return super::trees::partial_sums(program, trees, &known[trees.x.index()]);
        }
        _ => return 0,
    };
    let x = &known[x.index()];
    let magnitude = |w: i64, x: &Interval| match product {
        // Refused products were refused before.
        Some(product) => stepwise_product(w, *x, product).map_or(0, Interval::magnitude),
        None => i128::from(w).abs().saturating_mul(x.magnitude()),
    };
    let rows = program.constant(*weights).data.chunks(x.len().max(1));
    let bound = |(row, bias): (&[i64], &i64)| {
        let terms = row.iter().zip(x).map(|(w, x)| magnitude(*w, x));
        terms.fold(i128::from(*bias).abs(), i128::saturating_add)
    };
    rows.zip(&program.constant(*bias).data)
        .map(bound)
        .max()
        .unwrap_or(0)
}
