//! Comparisons with constants, logic and choice: integers 0 and 1.

use hodoscope_program::{IntType, Interval, Overflow, Rounding};

use super::arithmetic::real;
use super::moves::broadcast;
use super::{Factors, Lowered, Lowering, PROPORTION, Real, Source, Term};
use crate::exact::dyadic::Dyadic;
use crate::graph::{Binary, Comparison, Logic, Node};

impl Lowering<'_> {
    /// 1 where x is on the wanted side of a constant, or of another activation: a difference that saturates into one bit.
    pub(super) fn compare(
        &mut self,
        name: &str,
        node: &Node,
        comparison: Comparison,
        shape: &[usize],
    ) -> Lowered<Real> {
        if comparison == Comparison::Equal {
            // Neither above nor below.
            let above = self.compare(name, node, Comparison::GreaterOrEqual, shape)?;
            let below = self.compare(name, node, Comparison::LessOrEqual, shape)?;
            return self.product(name, above, below, shape);
        }
        let (a, b) = (self.operand(node, 0)?, self.operand(node, 1)?);
        let (x, bound, comparison) = match (a.numbers(), b.numbers()) {
            (None, Some(numbers)) => (a, spread(&b.shape, numbers, shape), comparison),
            (Some(numbers), None) => (b, spread(&a.shape, numbers, shape), mirrored(comparison)),
            (None, None) => {
                // The sign of the difference.
                let difference = self.sum(name, Binary::Sub, a, b, shape)?;
                let zeros = vec![Dyadic::ZERO; difference.elements()];
                (difference, zeros, comparison)
            }
            _ => return Err("both operands are constants".into()),
        };
        let x = self.broadcast(name, x, shape)?;
        let x = self.positive(name, x)?;
        let Source::Value(id) = x.source else {
            return Err("its operand is a constant".into());
        };
        let mut factors = Factors {
            multipliers: vec![],
            offsets: vec![],
            shifts: vec![0; x.elements()],
        };
        let hull = self.interval(&x);
        for (e, bound) in bound.iter().enumerate() {
            // x > t is raw − ⌊t⌋ ≥ 1, and x ≥ t is raw − ⌈t⌉ + 1 ≥ 1.
            let (floor, ceil) = limits(*bound, x.step[e], x.offset[e], &hull).ok_or(PROPORTION)?;
            let (multiplier, offset) = match comparison {
                Comparison::Greater => (1, -floor),
                Comparison::GreaterOrEqual => (1, 1 - ceil),
                Comparison::Less => (-1, ceil),
                Comparison::LessOrEqual | Comparison::Equal => (-1, floor + 1),
            };
            factors.multipliers.push(multiplier);
            factors
                .offsets
                .push(i64::try_from(offset).map_err(|_| PROPORTION)?);
        }
        let step = vec![Dyadic::ONE; x.elements()];
        let id = self.builder.rescale(
            name,
            id,
            factors,
            Rounding::Trn,
            Overflow::Sat,
            Some(IntType::unsigned(1)),
            &step,
        )?;
        Ok(real(shape, id, step))
    }

    /// Steps that are negative become positive, on raws of the other sign.
    fn positive(&mut self, name: &str, x: Real) -> Lowered<Real> {
        if x.step.iter().all(|s| !s.is_negative() && !s.is_zero()) {
            return Ok(x);
        }
        self.centred(name, x)
    }

    /// 1 − x of a truth value.
    pub(super) fn negation(&mut self, x: Real) -> Lowered<Real> {
        if !self.is_truth(&x) {
            return Err("its operand is no comparison".into());
        }
        let mut x = super::arithmetic::negated(x);
        for offset in &mut x.offset {
            *offset = offset.plus(Dyadic::ONE).ok_or(PROPORTION)?;
        }
        Ok(x)
    }

    /// A truth times a number of many bits, on a much finer grid than the number's, takes two multiplications.
    fn in_counts(&mut self, name: &str, x: Real, beside: &Real) -> Lowered<Real> {
        let Source::Value(id) = x.source else {
            return Ok(x);
        };
        let hull = self.interval(&x);
        let odd = |e: usize| x.step[e].mantissa().unsigned_abs();
        let bits = |e: usize| {
            let finer = x.step[e].exponent() - beside.step[e % beside.step.len()].exponent();
            (128 - odd(e).leading_zeros()).saturating_add_signed(finer.max(0))
        };
        let is_truth = hull.minimum >= 0 && hull.maximum <= 1 && x.elements() == beside.elements();
        if !is_truth || (0..x.elements()).all(|e| bits(e) <= MULTIPLIER) {
            return Ok(x);
        }
        let mut factors = Factors {
            multipliers: vec![],
            offsets: vec![0; x.elements()],
            shifts: vec![0; x.elements()],
        };
        let mut step = vec![];
        for (e, own) in x.step.iter().enumerate() {
            factors
                .multipliers
                .push(i64::try_from(odd(e)).map_err(|_| PROPORTION)?);
            let sign = if own.is_negative() { -1 } else { 1 };
            step.push(Dyadic::new(sign, own.exponent()).ok_or(PROPORTION)?);
        }
        let ty = IntType::unsigned(MULTIPLIER as u8);
        let round = (Rounding::Trn, Overflow::Sat);
        let id = self
            .builder
            .rescale(name, id, factors, round.0, round.1, Some(ty), &step)?;
        Ok(Real {
            source: Source::Value(id),
            step,
            ..x
        })
    }

    fn is_truth(&self, x: &Real) -> bool {
        let hull = self.interval(x);
        (0..x.elements()).all(|e| {
            [hull.minimum, hull.maximum].iter().all(|raw| {
                let raw = i64::try_from(*raw).unwrap_or(i64::MAX);
                let value = Dyadic::integer(raw)
                    .times(x.step[e])
                    .and_then(|v| v.plus(x.offset[e]));
                value == Some(Dyadic::ZERO) || value == Some(Dyadic::ONE)
            })
        })
    }

    pub(super) fn logic(
        &mut self,
        name: &str,
        node: &Node,
        logic: Logic,
        shape: &[usize],
    ) -> Lowered<Real> {
        let (a, b) = (self.operand(node, 0)?, self.operand(node, 1)?);
        if !self.is_truth(&a) || !self.is_truth(&b) {
            return Err("its operands are no comparisons".into());
        }
        match logic {
            Logic::And => self.product(name, a, b, shape),
            Logic::Or => self.either(name, a, b, shape),
            Logic::Xor => {
                let (not_a, not_b) = (self.negation(a.clone())?, self.negation(b.clone())?);
                let first = self.product(&format!("{name}.first"), a, not_b, shape)?;
                let second = self.product(&format!("{name}.second"), not_a, b, shape)?;
                self.either(name, first, second, shape)
            }
        }
    }

    /// 1 − (1 − a)·(1 − b) of truth values.
    fn either(&mut self, name: &str, a: Real, b: Real, shape: &[usize]) -> Lowered<Real> {
        let (a, b) = (self.negation(a)?, self.negation(b)?);
        let neither = self.product(name, a, b, shape)?;
        self.negation(neither)
    }

    /// c·a + (1 − c)·b.
    pub(super) fn choose(&mut self, name: &str, node: &Node, shape: &[usize]) -> Lowered<Real> {
        let condition = self.operand(node, 0)?;
        if !self.is_truth(&condition) {
            return Err("its condition is no comparison".into());
        }
        let otherwise = self.negation(condition.clone())?;
        let (a, b) = self.choices(node)?;
        let mut part = |condition: Real, x: Real, side: &str| -> Lowered<Option<Real>> {
            let Some(numbers) = x.numbers() else {
                let name = format!("{name}.{side}");
                // One of two factors fills the shape.
                let condition = match x.shape == shape {
                    true => condition,
                    false => self.broadcast(&name, condition, shape)?,
                };
                return self.product(&name, condition, x, shape).map(Some);
            };
            if numbers.iter().all(|n| n.is_zero()) {
                return Ok(None);
            }
            let numbers = spread(&x.shape, numbers, shape);
            let mut chosen = self.broadcast(name, condition, shape)?;
            for (e, number) in numbers.iter().enumerate() {
                chosen.step[e] = chosen.step[e].times(*number).ok_or(PROPORTION)?;
                chosen.offset[e] = chosen.offset[e].times(*number).ok_or(PROPORTION)?;
            }
            Ok(Some(chosen))
        };
        let (a, b) = (part(condition, a, "then")?, part(otherwise, b, "else")?);
        match (a, b) {
            (Some(a), Some(b)) => {
                let a = self.in_counts(&format!("{name}.then"), a, &b)?;
                let b = self.in_counts(&format!("{name}.else"), b, &a)?;
                match self.combined(name, Binary::Add, a, b, shape)? {
                    Term::Real(sum) => Ok(sum),
                    _ => Err("a sum of choices is no number".into()),
                }
            }
            (Some(one), None) | (None, Some(one)) => Ok(one),
            (None, None) => Err("both choices are zero".into()),
        }
    }
}

/// Bits of a multiplier.
const MULTIPLIER: u32 = 31;

/// ⌊t⌋ and ⌈t⌉ of a bound in counts. One far beyond every raw is as good as one just beyond.
fn limits(bound: Dyadic, step: Dyadic, offset: Dyadic, hull: &Interval) -> Option<(i128, i128)> {
    let (low, high) = (hull.minimum - 2, hull.maximum + 2);
    let counts = (bound.to_f64() - offset.to_f64()) / step.to_f64();
    // Raws have 63 bits at most.
    if counts.abs() > 2f64.powi(70) {
        let beyond = if counts < 0.0 { low } else { high };
        return Some((beyond, beyond));
    }
    let t = bound_in_counts(bound, step, offset)?;
    let (floor, ceil) = (t.floor_over(step)?, -t.negated().floor_over(step)?);
    Some((floor.clamp(low, high), ceil.clamp(low, high)))
}

/// What the raws' own number is compared with. A bound that is the single of a raw's number is that number: 3 counts of
/// 0.1 are not less than 0.3 in the graph's arithmetic.
fn bound_in_counts(bound: Dyadic, step: Dyadic, offset: Dyadic) -> Option<Dyadic> {
    let exact = bound.minus(offset)?;
    if step.is_power_of_two() {
        return Some(exact);
    }
    let nearest = Dyadic::integer(i64::try_from(exact.nearest_over(step)?).ok()?).times(step)?;
    let same = nearest.plus(offset)?.to_f64() as f32 == bound.to_f64() as f32;
    Some(if same { nearest } else { exact })
}

/// A constant's numbers, one for each element of a shape.
fn spread(from: &[usize], numbers: Vec<Dyadic>, shape: &[usize]) -> Vec<Dyadic> {
    let order = broadcast(from, shape);
    order.into_iter().map(|i| numbers[i]).collect()
}

fn mirrored(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Greater => Comparison::Less,
        Comparison::GreaterOrEqual => Comparison::LessOrEqual,
        Comparison::Less => Comparison::Greater,
        Comparison::LessOrEqual => Comparison::GreaterOrEqual,
        Comparison::Equal => Comparison::Equal,
    }
}
