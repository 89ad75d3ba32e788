//! Activations with a fixed-point type of their own per element: one rescale rounds all of them, and where numbers can
//! leave their types, others bring them in.
//!
//! A rescale ends in one type for all elements. Types of several widths are reached by moving each to an end that all
//! share: to wrap, integers are multiplied until the moduli are equal; to saturate, they are shifted until the bounds are.

use hodoscope_program::{IntType, Operation, Overflow, Rounding};

use super::quantise::counted;
use super::{Factors, Lowered, Lowering, PROPORTION, Real, Source};
use crate::exact::dyadic::Dyadic;
use crate::graph::{FixedPoint, FixedType, Graph, Node, Op, Quantiser, Tensor, Unary};

impl Lowering<'_> {
    /// The numbers of the types.
    pub(super) fn fixed_point(&mut self, name: &str, node: &Node, q: &FixedPoint) -> Lowered<Real> {
        let x = self.operand(node, 0)?;
        if let Some(numbers) = x.numbers() {
            let numbers = numbers.iter().zip(&q.types);
            let values = numbers.map(|(x, ty)| q.apply(x.to_f64() as f32, *ty));
            let values: Vec<f32> = values.collect();
            return Real::constant(x.shape, &values).ok_or_else(|| PROPORTION.into());
        }
        let lsbs: Vec<f32> = q.types.iter().map(FixedType::lsb).collect();
        let ends = |ty: &FixedType| (ty.minimum, ty.maximum);
        let range = q.types.first().map(ends);
        let range = range.filter(|range| !q.wraps && q.types.iter().all(|ty| ends(ty) == *range));
        let behind_relu = relu_before(self.graph, node);
        let range = range.map(|(minimum, maximum)| match behind_relu {
            // So that the range does what the relu did.
            Some(_) => (minimum.max(0), maximum),
            None => (minimum, maximum),
        });
        let quantiser = Quantiser {
            scale: Tensor::new(x.shape.clone(), lsbs).ok_or(PROPORTION)?,
            zero_point: Tensor::scalar(0.0),
            range,
            rounding: q.rounding,
            zero_first: true,
        };
        let counts = match (range, behind_relu) {
            // Rounded before its relu, a sum is requantised where it is made.
            (None, Some(before)) => {
                let rounded = self.quantise(name, before, &quantiser)?;
                self.relu(&format!("{name}.relu"), rounded)?
            }
            _ => self.quantise(name, node, &quantiser)?,
        };
        let inside = match q.wraps {
            true => self.brought_in(name, counts, &q.types)?,
            false => self.between(name, counts, &q.types)?,
        };
        let lsb = |e: usize| Dyadic::power(-q.types[e].frac).unwrap_or(Dyadic::ONE);
        super::arithmetic::scaled(inside, lsb)
    }

    /// Whole numbers, those that leave their type come in again at its other end.
    fn brought_in(&mut self, name: &str, x: Real, types: &[FixedType]) -> Lowered<Real> {
        let (x, id) = self.whole(name, x)?;
        if self.all_inside(id, types, true) {
            return Ok(x);
        }
        let width = |ty: &FixedType| (ty.maximum - ty.minimum + 1).trailing_zeros();
        let widest = types.iter().map(width).max().unwrap_or(0).max(1);
        let signed = types.iter().any(|ty| ty.minimum < 0);
        let common = IntType {
            signed,
            width: u8::try_from(widest).map_err(|_| PROPORTION)?,
        };
        // An unsigned type among signed ones wraps half a turn lower.
        let lower = |ty: &FixedType| match signed && ty.minimum == 0 {
            true => (ty.maximum + 1) / 2,
            false => 0,
        };
        let spare = |ty: &FixedType| widest - width(ty);
        let uniform = types.iter().all(|ty| spare(ty) == 0 && lower(ty) == 0);
        if uniform && let Some(value) = self.rounded_and_wrapped(name, id, common)? {
            return Ok(counted(
                x,
                value,
                vec![Dyadic::ONE; types.len()],
                Dyadic::ZERO,
            ));
        }
        let factors = Factors {
            multipliers: types.iter().map(|ty| 1 << spare(ty)).collect(),
            offsets: types.iter().map(|ty| -lower(ty) << spare(ty)).collect(),
            shifts: vec![0; types.len()],
        };
        let count = |ty: &FixedType| Dyadic::power(-(spare(ty) as i32)).ok_or(PROPORTION);
        let step = types.iter().map(count).collect::<Result<Vec<_>, _>>()?;
        let (rounding, overflow) = (Rounding::Trn, Overflow::Wrap);
        let name = format!("{name}.wrapped");
        let value =
            self.builder
                .rescale(&name, id, factors, rounding, overflow, Some(common), &step)?;
        Ok(Real {
            source: Source::Value(value),
            step,
            offset: types.iter().map(|ty| Dyadic::integer(lower(ty))).collect(),
            ..x
        })
    }

    /// One rescale in place of two: a rounding whose integers wrap.
    fn rounded_and_wrapped(
        &mut self,
        name: &str,
        id: hodoscope_program::ValueId,
        ty: IntType,
    ) -> Lowered<Option<hodoscope_program::ValueId>> {
        let value = self.builder.program.value(id);
        let Operation::Rescale {
            x,
            multipliers,
            offsets,
            shifts,
            rounding,
            overflow: Overflow::Sat,
        } = &value.operation
        else {
            return Ok(None);
        };
        // It must not have saturated before.
        let hull = self.builder.interval(id);
        let (low, high) = (value.element.minimum(), value.element.maximum());
        if hull.minimum <= low.into() || hull.maximum >= high.into() {
            return Ok(None);
        }
        let (x, rounding) = (*x, *rounding);
        let factors = Factors {
            multipliers: multipliers.clone(),
            offsets: offsets.clone(),
            shifts: shifts.clone(),
        };
        let step = vec![Dyadic::ONE; self.builder.elements(id)];
        let name = format!("{name}.wrapped");
        let value =
            self.builder
                .rescale(&name, x, factors, rounding, Overflow::Wrap, Some(ty), &step)?;
        Ok(Some(value))
    }

    /// Whole numbers, each at most as far out as its type reaches.
    fn between(&mut self, name: &str, x: Real, types: &[FixedType]) -> Lowered<Real> {
        let (x, id) = self.whole(name, x)?;
        if self.all_inside(id, types, true) {
            return Ok(x);
        }
        let range = |ty: &FixedType| ty.maximum - ty.minimum;
        let widest = types.iter().map(range).max().unwrap_or(0);
        let width = (64 - widest.leading_zeros()).max(1);
        let common = IntType::signed(u8::try_from(width).map_err(|_| PROPORTION)?);
        let mut moved = vec![0; types.len()];
        let mut value = id;
        for (above, side) in [(true, "above"), (false, "below")] {
            if !above && self.all_inside(id, types, false) {
                break;
            }
            let end = |ty: &FixedType| match above {
                true => common.maximum() - ty.maximum,
                false => common.minimum() - ty.minimum,
            };
            let wanted: Vec<i64> = types.iter().map(end).collect();
            let factors = Factors {
                multipliers: vec![1; types.len()],
                offsets: wanted.iter().zip(&moved).map(|(w, m)| w - m).collect(),
                shifts: vec![0; types.len()],
            };
            let step = vec![Dyadic::ONE; types.len()];
            let name = format!("{name}.{side}");
            let (rounding, overflow) = (Rounding::Trn, Overflow::Sat);
            value = self.builder.rescale(
                &name,
                value,
                factors,
                rounding,
                overflow,
                Some(common),
                &step,
            )?;
            moved = wanted;
        }
        Ok(Real {
            source: Source::Value(value),
            step: vec![Dyadic::ONE; types.len()],
            offset: moved.iter().map(|m| Dyadic::integer(-m)).collect(),
            ..x
        })
    }

    /// The same numbers as raws in steps of one.
    fn whole(&mut self, name: &str, x: Real) -> Lowered<(Real, hodoscope_program::ValueId)> {
        let x = self.on_grid(name, x.clone(), &vec![Dyadic::ONE; x.elements()])?;
        match x.source {
            Source::Value(id) => Ok((x, id)),
            Source::Constant(_) => Err("its operand is a constant".into()),
        }
    }

    /// Whether no number can leave its type at the lower end, nor, if asked, at the upper.
    fn all_inside(&self, id: hodoscope_program::ValueId, types: &[FixedType], upper: bool) -> bool {
        types.iter().enumerate().all(|(e, ty)| {
            let reach = self.builder.interval_of(id, e);
            reach.minimum >= ty.minimum.into() && (!upper || reach.maximum <= ty.maximum.into())
        })
    }
}

/// The relu that a node reads.
fn relu_before<'g>(graph: &'g Graph, node: &Node) -> Option<&'g Node> {
    let before = graph.producing_node(node.inputs[0])?;
    matches!(before.op, Op::Unary(Unary::Relu)).then_some(before)
}
