//! Softmax, defined by its steps: the largest logit less each one, e to the negative of that by two tables, the sum,
//! and a division.
//!
//! The difference is rounded to t counts of 2^−12, 65,535 at most: e^−16 is less than half a count of the result. With
//! t = 256·h + l, e^−t is e^(−h/16) · e^(−l/4096), each a table of 256 entries of 15 bits. What the difference
//! misses, 2^−13, is the relative error of a term; tables and their product miss less than a count of 2^−15 of the
//! largest term. So each result is within 2^−13 + (n + 3)·2^−16 of the exact one, for n classes.

use hodoscope_program::{IntType, Operation, Overflow, Rounding, ValueId};

use super::arithmetic::real;
use super::{Factors, Lowered, Lowering, PROPORTION, Real, Source};
use crate::exact::dyadic::Dyadic;
use crate::functions::Counts;

/// Counts of the difference are 2^−12.
const INDEX: i32 = -12;
/// Counts of terms, and of results, are 2^−15.
const BITS: u8 = 15;
/// Entries of a table.
const ENTRIES: usize = 256;
/// Counts of a logarithm are 2^−20.
const LOGARITHM: i32 = -20;

/// A softmax before its division, `[rows, classes]` each but the sums.
struct Terms {
    rows: usize,
    classes: usize,
    /// The logits' step.
    step: Dyadic,
    /// The largest logit less each one, in that step.
    below: ValueId,
    /// e to the negative of it, in counts of 2^−15.
    terms: ValueId,
    /// Their sum, of each row.
    sum: ValueId,
    /// Where each element of the network's order is.
    back: Vec<usize>,
}

impl Lowering<'_> {
    /// Softmax along an axis: integers of 2^−15.
    pub(super) fn softmax(&mut self, name: &str, x: Real, axis: usize) -> Lowered<Real> {
        let shape = x.shape.clone();
        let terms = self.exponentials(name, x, axis)?;
        let step = [Dyadic::power(-i32::from(BITS)).ok_or(PROPORTION)?];
        let parts = Operation::Quotient {
            a: terms.terms,
            b: terms.sum,
            shift: BITS,
            rounding: Rounding::Rnd,
        };
        let ty = Some(IntType::unsigned(BITS));
        let own = [terms.rows, terms.classes];
        let parts = self.builder.push(name, &own, parts, ty, &step)?;
        let parts = real(&own, parts, vec![step[0]; own[0] * own[1]]);
        self.rearranged(name, parts, &terms.back, &shape)
    }

    /// Logarithm of softmax along an axis, integers of 2^−20: the difference to the largest logit, and the logarithm of
    /// the sum. A sum of n terms has a relative error of (n + 3)·2^−16, and so much has the logarithm.
    pub(super) fn log_softmax(&mut self, name: &str, x: Real, axis: usize) -> Lowered<Real> {
        let shape = x.shape.clone();
        let terms = self.exponentials(name, x, axis)?;
        let own = [terms.rows, terms.classes];
        let count = Dyadic::power(LOGARITHM).ok_or(PROPORTION)?;
        let factors = self.to_counts(terms.below, terms.step, count)?;
        let below = self.builder.rescale(
            &format!("{name}.counts"),
            terms.below,
            factors,
            Rounding::Rnd,
            Overflow::Sat,
            Some(IntType::unsigned(31)),
            &[count],
        )?;
        let counts = Counts {
            scale: count.to_f64(),
            range: (0, i32::MAX.into()),
        };
        let unit = libm::exp2(-f64::from(BITS));
        let log = self.logarithm(&format!("{name}.log"), terms.sum, unit, &counts)?;
        let all = Operation::Select {
            x: log,
            channels: vec![0; terms.classes],
        };
        let all = self
            .builder
            .push(&format!("{name}.log.all"), &own, all, None, &[count])?;
        let sum = Operation::Add { a: below, b: all };
        let sum = self.builder.push(name, &own, sum, None, &[count])?;
        let negative = count.negated();
        let parts = real(&own, sum, vec![negative; own[0] * own[1]]);
        self.rearranged(name, parts, &terms.back, &shape)
    }

    /// The terms of a softmax and their sums.
    fn exponentials(&mut self, name: &str, x: Real, axis: usize) -> Lowered<Terms> {
        super::no_divisor(&x)?;
        let shape = x.shape.clone();
        let classes = shape[axis];
        let rows = x.elements() / classes;
        let order = self.axis_last(&shape, axis);
        let x = self.rearranged(name, x, &order, &[rows, classes])?;
        let x = self.on_one_grid(name, x)?;
        let Source::Value(id) = x.source else {
            return Err("its operand is a constant".into());
        };
        let (own, one) = (vec![rows, classes], vec![rows, 1]);
        let grid = [x.step[0]];
        let id = self.builder.view(id, &own)?;
        let push = |lowering: &mut Self, what: &str, dims: &[usize], operation, declared, step| {
            let name = format!("{name}.{what}");
            lowering
                .builder
                .push(&name, dims, operation, declared, step)
        };
        let largest = Operation::Largest { x: id };
        let largest = push(self, "largest", &one, largest, None, &grid)?;
        let all = Operation::Select {
            x: largest,
            channels: vec![0; classes],
        };
        let all = push(self, "largest.all", &own, all, None, &grid)?;
        let below = Operation::Sub { a: all, b: id };
        let below = push(self, "below", &own, below, None, &grid)?;
        let index = self.counts(name, below, x.step[0])?;
        let high = self.digit(name, index, 8, "high")?;
        let low = self.digit(name, index, 0, "low")?;
        let coarse = self.exponential(name, "high", high, -4)?;
        let fine = self.exponential(name, "low", low, INDEX)?;
        let power = |bits: u8| Dyadic::power(-i32::from(bits)).ok_or(PROPORTION);
        let product = Operation::Mul { a: coarse, b: fine };
        let (fine, step) = ([power(2 * BITS)?], [power(BITS)?]);
        let product = push(self, "product", &own, product, None, &fine)?;
        let terms = self.builder.rescale(
            &format!("{name}.terms"),
            product,
            shifted(BITS),
            Rounding::Rnd,
            Overflow::Sat,
            Some(IntType::unsigned(BITS)),
            &step,
        )?;
        let weights = format!("{name}.ones");
        let weights = self
            .builder
            .constant(&weights, vec![1, classes], vec![1; classes]);
        let bias = self
            .builder
            .constant(&format!("{name}.none"), vec![1], vec![0]);
        let sum = Operation::Dense {
            x: terms,
            weights,
            bias,
        };
        let sum = push(self, "sum", &one, sum, None, &step)?;
        Ok(Terms {
            rows,
            classes,
            step: x.step[0],
            below,
            terms,
            sum,
            back: inverse(&order),
        })
    }

    /// The difference in counts of the tables' index.
    fn counts(&mut self, name: &str, below: ValueId, step: Dyadic) -> Lowered<ValueId> {
        let mantissa = i64::try_from(step.mantissa()).map_err(|_| PROPORTION)?;
        let shift = INDEX - step.exponent();
        let (multiplier, shift) = match shift >= 0 {
            true => (mantissa, u8::try_from(shift).map_err(|_| PROPORTION)?),
            // A count or more per raw: 2^20 of them are beyond the table.
            false => (mantissa.saturating_mul(1 << (-shift).min(20)), 0),
        };
        if i32::try_from(multiplier).is_err() || shift > 62 {
            return Err(PROPORTION.into());
        }
        let factors = Factors {
            multipliers: vec![multiplier],
            offsets: vec![0],
            shifts: vec![shift],
        };
        let (name, ty) = (format!("{name}.index"), Some(IntType::unsigned(16)));
        let step = [Dyadic::power(INDEX).ok_or(PROPORTION)?];
        let (rounding, overflow) = (Rounding::Rnd, Overflow::Sat);
        self.builder
            .rescale(&name, below, factors, rounding, overflow, ty, &step)
    }

    /// Eight bits of the index.
    fn digit(&mut self, name: &str, x: ValueId, shift: u8, which: &str) -> Lowered<ValueId> {
        let name = format!("{name}.{which}");
        let ty = Some(IntType::unsigned(8));
        let step = [Dyadic::power(INDEX + i32::from(shift)).ok_or(PROPORTION)?];
        let (rounding, overflow) = (Rounding::Trn, Overflow::Wrap);
        self.builder
            .rescale(&name, x, shifted(shift), rounding, overflow, ty, &step)
    }

    /// e^(−x·2^exponent), in counts of 2^−15; 1 is a count less.
    fn exponential(
        &mut self,
        name: &str,
        which: &str,
        x: ValueId,
        exponent: i32,
    ) -> Lowered<ValueId> {
        let count = f64::from(1 << BITS);
        let unit = libm::exp2(f64::from(exponent));
        let entry = |i: usize| {
            let exact = libm::exp(-(i as f64) * unit) * count;
            ((exact + 0.5).floor() as i64).min((1 << BITS) - 1)
        };
        let entries = (0..ENTRIES).map(entry).collect();
        let table = format!("{name}.{which}.table");
        let table = self.builder.constant(&table, vec![ENTRIES], entries);
        let dims = self.builder.dims(x);
        let step = [Dyadic::power(-i32::from(BITS)).ok_or(PROPORTION)?];
        let name = format!("{name}.{which}.exp");
        self.builder
            .push(&name, &dims, Operation::Table { x, table }, None, &step)
    }

    /// The elements of a shape with one axis last.
    pub(super) fn axis_last(&self, shape: &[usize], axis: usize) -> Vec<usize> {
        let inner: usize = shape[axis + 1..].iter().product();
        let extent = shape[axis];
        let outer: usize = shape[..axis].iter().product();
        let mut order = Vec::with_capacity(outer * extent * inner);
        for o in 0..outer {
            for i in 0..inner {
                order.extend((0..extent).map(|e| (o * extent + e) * inner + i));
            }
        }
        order
    }
}

fn shifted(shift: u8) -> Factors {
    Factors {
        multipliers: vec![1],
        offsets: vec![0],
        shifts: vec![shift],
    }
}

/// Where each element went.
pub(super) fn inverse(order: &[usize]) -> Vec<usize> {
    let mut back = vec![0; order.len()];
    for (to, from) in order.iter().enumerate() {
        back[*from] = to;
    }
    back
}
