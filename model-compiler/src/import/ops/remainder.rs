//! Mod: what a division leaves.

use super::super::{
    ImportError,
    compose::Compose,
    context::Context,
    node::NodeView,
    value::{Ints, Value},
};
use crate::graph::{Binary, Kind, Op, Unary};

/// Mod: a − b·⌊a/b⌋, which has the sign of b, as numpy's `mod`; with `fmod` a − b·trunc(a/b), which has that of a.
pub(super) fn remainder(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let towards_zero = node.flag("fmod", false)?;
    let pair = [context.input(node, 0)?, context.input(node, 1)?];
    if let Some(both) = context.broadcast_ints(node, &pair)?
        && let [a, b] = &both[..]
    {
        let one = |(a, b): (&i64, &i64)| match towards_zero {
            true => a.checked_rem(*b),
            // Where the rest has another sign than the divisor, one divisor is added.
            false => a
                .checked_rem(*b)
                .map(|r| match r != 0 && (r < 0) != (*b < 0) {
                    true => r + b,
                    false => r,
                }),
        };
        let data = a.data.iter().zip(&b.data).map(one);
        let data = data.collect::<Option<Vec<i64>>>();
        let data = data.ok_or_else(|| node.operand_error("divides by zero"))?;
        let shape = a.shape.clone();
        return Ok(vec![Value::ints(Ints { shape, data })]);
    }
    let [a, b] = &pair;
    if let Some(divisor) = context.float_constant(b) {
        context.weights(node, b, "the divisor")?;
        if divisor.data.contains(&0.0) {
            return Err(node.operand_error("divides by zero"));
        }
    }
    let whole = a.kind() != Kind::Float && b.kind() != Kind::Float;
    let divisor = context.float_constant(b).and_then(|d| d.single());
    let mut c = Compose::new(context, node);
    if let (true, Some(divisor)) = (whole, divisor.filter(|d| *d > 0.0)) {
        let quotient = whole_quotient(&mut c, a, divisor, towards_zero)?;
        let multiple = c.with(Binary::Mul, &quotient, divisor)?;
        return Ok(vec![c.binary(Binary::Sub, a, &multiple)?]);
    }
    // Operands below 2^24 divide to the right whole number in single precision: 1/b is more than half a step of the quotient.
    let quotient = c.binary(Binary::Div, a, b)?;
    let function = match towards_zero {
        true => Unary::Trunc,
        false => Unary::Floor,
    };
    let quotient = c.unary(function, &quotient)?;
    let multiple = c.binary(Binary::Mul, b, &quotient)?;
    let rest = c.binary(Binary::Sub, a, &multiple)?;
    let kind = if whole { Kind::Int } else { Kind::Float };
    Ok(vec![Compose::like(rest, kind)])
}

/// The whole part of integers over a positive one, rounded down or towards zero: ⌊(a + ½)/b⌋ is that of a/b, half a count away
/// from where another quotient begins, so that no rounding of 1/b shows.
fn whole_quotient(
    c: &mut Compose<'_, '_, '_>,
    a: &Value,
    divisor: f32,
    towards_zero: bool,
) -> Result<Value, ImportError> {
    let node = c.node;
    let size = match towards_zero {
        true => Compose::like(c.unary(Unary::Abs, a)?, Kind::Int),
        false => a.clone(),
    };
    let inverse = 1.0 / f64::from(divisor);
    let op = Op::ScaleShift {
        axis: c.shape(a).len().saturating_sub(1),
        scale: vec![inverse],
        shift: vec![0.5 * inverse],
    };
    let quotient = c.context.apply(node, Kind::Float, op, &[size])?;
    let quotient = Compose::like(c.unary(Unary::Floor, &quotient)?, Kind::Int);
    if !towards_zero {
        return Ok(quotient);
    }
    let sign = Compose::like(c.unary(Unary::Sign, a)?, Kind::Int);
    c.binary(Binary::Mul, &sign, &quotient)
}
