//! Comparisons with constants, logic and choice: integers 0 and 1.

use hodoscope_program::{IntType, Overflow, Rounding};

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
        for (e, bound) in bound.iter().enumerate() {
            // x > t is raw − ⌊t⌋ ≥ 1, and x ≥ t is raw − ⌈t⌉ + 1 ≥ 1.
            let t = bound_in_counts(*bound, x.step[e], x.offset[e]).ok_or(PROPORTION)?;
            let floor = t.floor_over(x.step[e]).ok_or(PROPORTION)?;
            let ceil = -t.negated().floor_over(x.step[e]).ok_or(PROPORTION)?;
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
            (Some(a), Some(b)) => match self.combined(name, Binary::Add, a, b, shape)? {
                Term::Real(sum) => Ok(sum),
                _ => Err("a sum of choices is no number".into()),
            },
            (Some(one), None) | (None, Some(one)) => Ok(one),
            (None, None) => Err("both choices are zero".into()),
        }
    }
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
