//! Constants written as nodes.

use super::super::{
    ImportError,
    context::Context,
    node::NodeView,
    tensor::{Constant, decode},
    value::{Ints, Value},
};
use crate::graph::{Kind, Tensor, element_count};

/// Elements that a constant made from a shape may have.
const MAX_FILL: usize = 1 << 24;

fn floats(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    tensor: Tensor,
) -> Result<Value, ImportError> {
    let id = context
        .builder
        .constant(&node.name, tensor)
        .map_err(|e| node.graph_error(e))?;
    Ok(Value::Graph(Kind::Float, id))
}

pub(super) fn constant(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    if let Some(tensor) = node.tensor("value")? {
        if let Some(output) = node.proto.output.first() {
            context.set_element_type(output, tensor.data_type);
        }
        let name = if tensor.name.is_empty() {
            node.name.clone()
        } else {
            tensor.name.clone()
        };
        return Ok(vec![context.constant(&name, tensor)?]);
    }
    if let Some(v) = node.int("value_int")? {
        return Ok(vec![Value::ints(Ints::scalar(v))]);
    }
    if let Some(v) = node.ints("value_ints")? {
        return Ok(vec![Value::ints(Ints::vector(v.to_vec()))]);
    }
    if let Some(v) = node.float("value_float")? {
        return Ok(vec![floats(context, node, Tensor::scalar(v))?]);
    }
    if let Some(v) = node.floats("value_floats")? {
        return Ok(vec![floats(context, node, Tensor::vector(v.to_vec()))?]);
    }
    Err(node.attribute_error(
        "value",
        "is missing, or of a kind (text, sparse) that is not supported",
    ))
}

pub(super) fn constant_of_shape(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let value = context.input(node, 0)?;
    let dims = context.integers(node, &value, "the shape")?;
    let shape = dims
        .iter()
        .map(|&d| usize::try_from(d))
        .collect::<Result<Vec<_>, _>>();
    let shape =
        shape.map_err(|_| node.operand_error(format!("shape {dims:?} has a negative extent")))?;
    let count = element_count(&shape)
        .filter(|&n| n <= MAX_FILL)
        .ok_or_else(|| context.over_budget(node))?;
    context.spend(node, count)?;
    let filled = match node.tensor("value")? {
        None => Constant::Float(Tensor::vector(vec![0.0])),
        Some(proto) => decode(&node.name, proto, None)?,
    };
    let one = || node.attribute_error("value", "must have one element");
    Ok(vec![match filled {
        Constant::Float(t) => {
            let v = t.single().ok_or_else(one)?;
            floats(
                context,
                node,
                Tensor {
                    shape,
                    data: vec![v; count],
                },
            )?
        }
        Constant::Ints(kind, ints) => {
            let [v] = ints.data[..] else {
                return Err(one());
            };
            let ints = Ints::new(shape, vec![v; count]).ok_or_else(|| context.over_budget(node))?;
            Value::Ints(kind, ints)
        }
    }])
}

pub(super) fn range(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let mut bounds = [0i64; 3];
    for (i, (bound, what)) in bounds
        .iter_mut()
        .zip(["the start", "the limit", "the step"])
        .enumerate()
    {
        let value = context.input(node, i)?;
        match context.integers(node, &value, what)?[..] {
            [v] => *bound = v,
            _ => return Err(node.operand_error(format!("{what} must be one number"))),
        }
    }
    let [start, limit, step] = bounds.map(i128::from);
    if step == 0 {
        return Err(node.operand_error("the step is 0"));
    }
    let count = usize::try_from(
        (limit - start).div_euclid(step) + i128::from((limit - start).rem_euclid(step) != 0),
    );
    // Euclidean division rounds the wrong way for negative steps; counting from the other end does not.
    let count = if step > 0 {
        count
    } else {
        usize::try_from((start - limit + (-step - 1)).div_euclid(-step))
    };
    let count = count.unwrap_or(0);
    context.spend(node, count)?;
    let data = (0..count as i128)
        .filter_map(|i| i64::try_from(start + i * step).ok())
        .collect();
    let ints = Ints::new(vec![count], data).ok_or_else(|| context.over_budget(node))?;
    Ok(vec![Value::ints(ints)])
}
