//! Changes of element type.
//!
//! A network in half precision is computed in single precision, from its own weights: what is compiled is nearer to the
//! network that was trained than its half-precision arithmetic is. Where a network is quantised its integers are exact, and
//! a cast that would round them is refused.

use super::super::{
    ImportError,
    context::Context,
    node::NodeView,
    proto::data_type,
    value::{Ints, Value},
};
use crate::graph::{Kind, Op, Unary};

pub(super) fn cast(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    node.ignore("saturate"); // Concerns 8-bit floats only.
    let x = context.input(node, 0)?;
    let to = node
        .int("to")?
        .ok_or_else(|| node.attribute_error("to", "is missing"))?;
    let kind = match i32::try_from(to).unwrap_or(0) {
        // Other precisions are computed in single precision: the graph's reference is f32.
        data_type::FLOAT | data_type::DOUBLE => Kind::Float,
        half @ (data_type::FLOAT16 | data_type::BFLOAT16) => {
            if context.quantised {
                let name = data_type::name(half);
                let detail = format!(
                    "is {name}, which would round a quantised network's integers; export it in float32"
                );
                return Err(node.attribute_error("to", detail));
            }
            Kind::Float
        }
        data_type::BOOL => Kind::Bool,
        data_type::INT32 | data_type::INT64 => Kind::Int,
        // Other types hold truths as well, and integers that are known to fit.
        other if within(other).is_some_and(|range| fits(context, &x, range)) => Kind::Int,
        other => {
            let name = data_type::name(other);
            return Err(node.attribute_error(
                "to",
                format!("is {name}, whose rounding or range would change values; use float32, int64 or bool"),
            ));
        }
    };
    Ok(vec![to_kind(context, node, x, kind)?])
}

/// Smallest and largest number of an integer type.
fn within(code: i32) -> Option<(i64, i64)> {
    Some(match code {
        data_type::INT8 => (-128, 127),
        data_type::UINT8 => (0, 255),
        data_type::INT16 => (-32_768, 32_767),
        data_type::UINT16 => (0, 65_535),
        data_type::UINT32 => (0, u32::MAX.into()),
        data_type::UINT64 => (0, i64::MAX),
        _ => return None,
    })
}

/// Whether a value is whole and within a range whatever the event.
fn fits(context: &Context<'_>, x: &Value, (low, high): (i64, i64)) -> bool {
    match x {
        Value::Ints(_, ints) => ints.data.iter().all(|v| (low..=high).contains(v)),
        Value::Graph(kind, id) => *kind == Kind::Bool || context.graph().is_boolean(*id),
    }
}

pub(super) fn cast_like(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    node.ignore("saturate");
    let (x, like) = (context.input(node, 0)?, context.input(node, 1)?);
    Ok(vec![to_kind(context, node, x, like.kind())?])
}

fn to_kind(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    x: Value,
    kind: Kind,
) -> Result<Value, ImportError> {
    match (x, kind) {
        (Value::Ints(_, ints), Kind::Float) => {
            // Rounds to nearest, as any cast of a large integer to float does.
            let data = ints.data.iter().map(|&v| v as f32).collect();
            let tensor = crate::graph::Tensor {
                shape: ints.shape,
                data,
            };
            let id = context
                .builder
                .constant(&node.name, tensor)
                .map_err(|e| node.graph_error(e))?;
            Ok(Value::Graph(kind, id))
        }
        (Value::Ints(_, ints), Kind::Bool) => {
            let data = ints.data.iter().map(|&v| i64::from(v != 0)).collect();
            Ok(Value::Ints(
                kind,
                Ints {
                    shape: ints.shape,
                    data,
                },
            ))
        }
        (Value::Ints(_, ints), Kind::Int) => Ok(Value::Ints(kind, ints)),
        (Value::Graph(from, id), _) => {
            let id = match (from, kind) {
                (Kind::Float, Kind::Int) => match context.graph().constant(id) {
                    Some(t) => {
                        let data = t.data.iter().map(|&v| v as i64).collect();
                        let ints = Ints::new(t.shape.clone(), data)
                            .ok_or_else(|| context.over_budget(node))?;
                        return Ok(Value::Ints(kind, ints));
                    }
                    None => context.emit(node, Op::Unary(Unary::Trunc), &[id])?,
                },
                (Kind::Float | Kind::Int, Kind::Bool) => {
                    let zero = context.emit(node, Op::Unary(Unary::Not), &[id])?;
                    context.emit(node, Op::Unary(Unary::Not), &[zero])?
                }
                _ => id,
            };
            Ok(Value::Graph(kind, id))
        }
    }
}
