//! IsNaN, IsInf, and comparisons that ask the same: integers are never NaN or infinite, but the float network is where a mask
//! leaves nothing to a Softmax, or where a count of nothing divides. Where it is, follows from the masks and divisors themselves
//! ([`exceptions`]), and becomes a condition like any other.

mod arithmetic;
mod combine;
mod exceptions;
mod ordering;
mod signs;
mod truth;

use super::super::{ImportError, context::Context, node::NodeView, value::Value};
use crate::graph::Comparison;
use exceptions::Tracer;
use truth::Truth;

pub(super) fn is_nan_or_infinite(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    let wanted = match node.proto.op_type.as_str() {
        "IsNaN" => [true, false, false],
        _ => [
            false,
            node.flag("detect_positive", true)?,
            node.flag("detect_negative", true)?,
        ],
    };
    let shape = context.shape(&x);
    let mut tracer = Tracer::of(context, node, &x)?;
    let found = tracer.of_value(&x);
    let mut truth = Truth::Never;
    for (wanted, one) in wanted
        .into_iter()
        .zip([found.nan, found.above, found.below])
    {
        if wanted {
            truth = tracer.or(truth, one)?;
        }
    }
    Ok(vec![tracer.value(truth, &shape)?])
}

/// A comparison that asks whether a value is infinite or NaN: with ±∞, or with itself. None for any other.
pub(super) fn compared(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    op: Comparison,
    [a, b]: &[Value; 2],
) -> Result<Option<Value>, ImportError> {
    use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
    let shape = context.shape(a);
    if let (Value::Graph(_, own), Value::Graph(_, other)) = (a, b)
        && own == other
        && context.float_constant(a).is_none()
    {
        let mut tracer = Tracer::of(context, node, a)?;
        let nan = tracer.of_value(a).nan;
        let truth = match op {
            Greater | Less => Truth::Never,
            Equal | GreaterOrEqual | LessOrEqual => tracer.not(nan)?,
        };
        return tracer.value(truth, &shape).map(Some);
    }
    for (x, bound, op) in [(a, b, op), (b, a, mirrored(op))] {
        let Some(bound) = infinite(context, bound) else {
            continue;
        };
        if !matches!(x, Value::Graph(..)) || context.float_constant(x).is_some() {
            continue;
        }
        let shape = context.shape(x);
        let mut tracer = Tracer::of(context, node, x)?;
        let found = tracer.of_value(x);
        let (at, nan) = match bound > 0.0 {
            true => (found.above, found.nan),
            false => (found.below, found.nan),
        };
        let truth = match (op, bound > 0.0) {
            (Equal, _) | (GreaterOrEqual, true) | (LessOrEqual, false) => at,
            (Greater, true) | (Less, false) => Truth::Never,
            (LessOrEqual, true) | (GreaterOrEqual, false) => tracer.not(nan)?,
            (Less, true) | (Greater, false) => {
                let not = tracer.or(at, nan)?;
                tracer.not(not)?
            }
        };
        return tracer.value(truth, &shape).map(Some);
    }
    Ok(None)
}

/// The comparison of exchanged operands.
fn mirrored(op: Comparison) -> Comparison {
    match op {
        Comparison::Greater => Comparison::Less,
        Comparison::GreaterOrEqual => Comparison::LessOrEqual,
        Comparison::Less => Comparison::Greater,
        Comparison::LessOrEqual => Comparison::GreaterOrEqual,
        Comparison::Equal => Comparison::Equal,
    }
}

/// The infinity that all elements of a constant are, if it adds no axes to what it is compared with.
fn infinite(context: &Context<'_>, value: &Value) -> Option<f32> {
    let tensor = context.float_constant(value)?;
    let first = *tensor.data.first()?;
    let same = tensor.data.iter().all(|v| *v == first);
    (first.is_infinite() && same && tensor.data.len() == 1).then_some(first)
}
