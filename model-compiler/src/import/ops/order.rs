//! Which elements are the largest.

use super::super::{
    ImportError,
    context::{Context, axis},
    node::NodeView,
    value::Value,
};
use crate::graph::{Kind, Op};

pub(super) fn arg_max(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    let mut shape = context.shape(&x);
    let axis = axis(node, node.int("axis")?.unwrap_or(0), shape.len())?;
    let op = Op::ArgMax {
        axis,
        largest: node.proto.op_type == "ArgMax",
        last: node.flag("select_last_index", false)?,
    };
    let index = context.apply(node, Kind::Int, op, &[x])?;
    if node.flag("keepdims", true)? {
        return Ok(vec![index]);
    }
    shape.remove(axis);
    Ok(vec![context.rearrange(
        node,
        Op::Reshape { shape },
        &[index],
    )?])
}

/// TopK: values and indices, in order (`sorted = 0` allows any order, so also this one). The number is an attribute up to
/// operator set 9, an input from 10.
pub(super) fn top_k(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    let shape = context.shape(&x);
    let axis = axis(node, node.int("axis")?.unwrap_or(-1), shape.len())?;
    let k = if node.opset < 10 {
        node.int("k")?
            .ok_or_else(|| node.attribute_error("k", "is missing"))?
    } else {
        let k = context.input(node, 1)?;
        match context.integers(node, &k, "the number k")?[..] {
            [k] => k,
            _ => return Err(node.operand_error("the number k must be one")),
        }
    };
    let k = usize::try_from(k)
        .ok()
        .filter(|k| (1..=shape[axis]).contains(k))
        .ok_or_else(|| {
            node.operand_error(format!("{k} of {} elements cannot be taken", shape[axis]))
        })?;
    let largest = node.flag("largest", true)?;
    node.flag("sorted", true)?;
    let part = |indices| Op::TopK {
        axis,
        k,
        largest,
        indices,
    };
    let kind = x.kind();
    let values = context.apply(node, kind, part(false), std::slice::from_ref(&x))?;
    let indices = context.apply(node, Kind::Int, part(true), &[x])?;
    Ok(vec![values, indices])
}
