//! Arithmetic on two or more operands.

use super::super::{
    ImportError,
    context::Context,
    node::NodeView,
    value::{Ints, Value},
};
use crate::graph::{Binary, Kind, Op, Unary};

/// The exact operation on integers, if it is defined on them.
fn exact(op: Binary) -> Option<fn(i64, i64) -> Option<i64>> {
    Some(match op {
        Binary::Add => i64::checked_add,
        Binary::Sub => i64::checked_sub,
        Binary::Mul => i64::checked_mul,
        // ONNX divides integers as C does: towards zero.
        Binary::Div => i64::checked_div,
        Binary::Min => |a, b| Some(a.min(b)),
        Binary::Max => |a, b| Some(a.max(b)),
        Binary::Pow => |a, b| u32::try_from(b).ok().and_then(|b| a.checked_pow(b)),
        Binary::PRelu => return None,
    })
}

/// Applies an operation to two values: exactly if both are integers.
fn two(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    op: Binary,
    a: Value,
    b: Value,
) -> Result<Value, ImportError> {
    let kinds = (a.kind(), b.kind());
    let pair = [a, b];
    if let (Some(f), Some(both)) = (exact(op), context.broadcast_ints(node, &pair)?)
        && let [a, b] = &both[..]
    {
        let data = a
            .data
            .iter()
            .zip(&b.data)
            .map(|(&a, &b)| f(a, b))
            .collect::<Option<Vec<_>>>();
        let data = data.ok_or_else(|| {
            node.operand_error("the integer result overflows, or divides by zero")
        })?;
        return Ok(Value::Ints(
            Kind::Int,
            Ints {
                shape: a.shape.clone(),
                data,
            },
        ));
    }
    let kind = match kinds {
        (Kind::Float, _) | (_, Kind::Float) => Kind::Float,
        _ => Kind::Int,
    };
    let divisor = context.float_constant(&pair[1]);
    if let (Kind::Int, Binary::Div, Some(divisor)) = (kind, op, divisor) {
        if divisor.data.contains(&0.0) {
            return Err(node.operand_error("divides by zero"));
        }
        // Towards zero. Integers below 2^24 divide to the right one in single precision.
        let quotient = context.apply(node, Kind::Float, Op::Binary(op), &pair)?;
        return context.apply(node, kind, Op::Unary(Unary::Trunc), &[quotient]);
    }
    if kind == Kind::Int && matches!(op, Binary::Div | Binary::Pow) {
        return Err(node.operand_error(match op {
            Binary::Div => {
                "of integers by a divisor that depends on the event is not supported; cast to float before"
            }
            _ => "on integers that depend on the event is not supported; cast to float before",
        }));
    }
    // Infinity is a bound or a fill value; in arithmetic it can only make more infinities and NaN.
    if !matches!(op, Binary::Min | Binary::Max) {
        for value in &pair {
            if context.float_constant(value).is_some() {
                context.weights(node, value, "the operand")?;
            }
        }
    }
    context.apply(node, kind, Op::Binary(op), &pair)
}

/// Operators of exactly two operands.
pub(super) fn binary(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let op = match node.proto.op_type.as_str() {
        "Add" => Binary::Add,
        "Sub" => Binary::Sub,
        "Mul" => Binary::Mul,
        "Div" => Binary::Div,
        "Pow" => Binary::Pow,
        _ => Binary::PRelu,
    };
    let (a, b) = (context.input(node, 0)?, context.input(node, 1)?);
    if op == Binary::PRelu && context.shape(&b).len() > context.shape(&a).len() {
        return Err(node.operand_error("the slope has more axes than the input"));
    }
    Ok(vec![two(context, node, op, a, b)?])
}

/// Operators of any number of operands.
pub(super) fn variadic(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let operator = node.proto.op_type.as_str();
    let op = match operator {
        "Min" => Binary::Min,
        "Max" => Binary::Max,
        _ => Binary::Add,
    };
    let mut inputs = context.inputs(node)?.into_iter();
    let mut result = inputs
        .next()
        .ok_or_else(|| node.operand_error("takes at least one input"))?;
    for next in inputs {
        result = two(context, node, op, result, next)?;
    }
    if operator == "Mean" {
        let count = Value::ints(Ints::scalar(node.proto.input.len() as i64));
        result = context.apply(node, Kind::Float, Op::Binary(Binary::Div), &[result, count])?;
    }
    Ok(vec![result])
}
