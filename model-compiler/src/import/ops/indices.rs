//! Elements that several indices name: GatherElements and GatherND become a Gather from one list of rows.

use super::super::{
    ImportError,
    context::{Context, axis},
    node::NodeView,
    value::{Ints, Value},
};
use super::pick;
use crate::graph::{Binary, Comparison, Graph, Kind, Op, Tensor, Unary, ValueId};

/// Floats hold these indices exactly.
const ROWS: usize = 1 << 24;

/// GatherElements: y\[…, i, …\] = x\[…, indices\[…, i, …\], …\], where the other indices stay.
pub(super) fn gather_elements(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let (x, indices) = (context.input(node, 0)?, context.input(node, 1)?);
    let (of_x, of_indices) = (context.shape(&x), context.shape(&indices));
    let axis = axis(node, node.int("axis")?.unwrap_or(0), of_x.len())?;
    let fits = |(at, (a, b)): (usize, (&usize, &usize))| at == axis || a >= b;
    let inside = of_x.iter().zip(&of_indices).enumerate().all(fits);
    if of_x.len() != of_indices.len() || !inside {
        return Err(node.operand_error(format!(
            "indices of shape {of_indices:?} do not name elements of {of_x:?}"
        )));
    }
    let indices = positive(context, node, indices, |_| of_x[axis])?;
    let strides = strides(&of_x);
    let stride = strides[axis] as i64;
    let elements: usize = of_indices.iter().product();
    let base = |mut element: usize| {
        (0..of_indices.len()).rev().fold(0, |base, a| {
            let at = element % of_indices[a];
            element /= of_indices[a];
            base + if a == axis { 0 } else { at * strides[a] }
        })
    };
    let bases: Vec<i64> = (0..elements).map(|e| base(e) as i64).collect();
    let scaled = arithmetic(context, node, Binary::Mul, indices, &[1], vec![stride])?;
    let rows = arithmetic(context, node, Binary::Add, scaled, &of_indices, bases)?;
    let all = of_x.iter().product();
    Ok(vec![chosen(context, node, x, vec![all], rows)?])
}

/// GatherND: the last axis of the indices names one element of each of the axes behind `batch_dims`.
pub(super) fn gather_nd(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let (x, indices) = (context.input(node, 0)?, context.input(node, 1)?);
    let (of_x, of_indices) = (context.shape(&x), context.shape(&indices));
    let batch = usize::try_from(node.int("batch_dims")?.unwrap_or(0)).unwrap_or(usize::MAX);
    let named = of_indices.last().copied().unwrap_or(0);
    let fits = named > 0
        && batch.saturating_add(named) <= of_x.len()
        && batch < of_indices.len()
        && of_x[..batch] == of_indices[..batch];
    if !fits {
        return Err(node.operand_error(format!(
            "indices of shape {of_indices:?} name no elements of {of_x:?} behind {batch} axes"
        )));
    }
    let last = of_indices.len() - 1;
    let indices = positive(context, node, indices, |e| of_x[batch + e % named])?;
    let mut shape = of_x[batch + named..].to_vec();
    let rows_of = of_x[..batch + named].to_vec();
    let strides = strides(&rows_of);
    let list = of_indices[..last].to_vec();
    let places: usize = list[batch..].iter().product();
    let base = |element: usize| {
        let mut rest = element / places.max(1);
        (0..batch).rev().fold(0, |base, a| {
            let at = rest % of_x[a];
            rest /= of_x[a];
            base + at * strides[a]
        })
    };
    let elements: usize = list.iter().product();
    let bases: Vec<i64> = (0..elements).map(|e| base(e) as i64).collect();
    let mut rows = Value::ints(Ints {
        shape: list.clone(),
        data: bases,
    });
    for (part, stride) in strides[batch..].iter().enumerate() {
        let op = Op::Slice {
            axis: last,
            start: part,
            step: 1,
            len: 1,
        };
        let own = context.rearrange(node, op, std::slice::from_ref(&indices))?;
        let shape = list.clone();
        let own = context.rearrange(node, Op::Reshape { shape }, &[own])?;
        let own = arithmetic(context, node, Binary::Mul, own, &[1], vec![*stride as i64])?;
        rows = context.apply(node, Kind::Int, Op::Binary(Binary::Add), &[rows, own])?;
    }
    shape.insert(0, rows_of.iter().product());
    Ok(vec![chosen(context, node, x, shape, rows)?])
}

/// Rows of x, which gets a shape that has them first.
fn chosen(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    x: Value,
    shape: Vec<usize>,
    rows: Value,
) -> Result<Value, ImportError> {
    if shape[0] >= ROWS {
        return Err(node.operand_error("has more elements than indices can name exactly"));
    }
    let x = context.rearrange(node, Op::Reshape { shape }, &[x])?;
    // Constant indices were folded to floats.
    let constant = context.float_constant(&rows);
    let rows = match constant {
        Some(tensor) => Value::ints(Ints {
            data: tensor.data.iter().map(|v| *v as i64).collect(),
            shape: tensor.shape,
        }),
        None => rows,
    };
    pick::elements(context, node, x, rows, 0)
}

/// Indices with a constant added or multiplied.
fn arithmetic(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    op: Binary,
    indices: Value,
    shape: &[usize],
    data: Vec<i64>,
) -> Result<Value, ImportError> {
    let constant = Value::ints(Ints {
        shape: shape.to_vec(),
        data,
    });
    context.apply(node, Kind::Int, Op::Binary(op), &[indices, constant])
}

/// Indices from the beginning: those that count from the end are changed, computed ones where they may.
fn positive(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    indices: Value,
    extent: impl Fn(usize) -> usize,
) -> Result<Value, ImportError> {
    if indices.kind() == Kind::Float {
        return Err(node.operand_error("the indices are no integers; cast them before"));
    }
    if let Value::Graph(_, id) = indices {
        return match never_negative(context.graph(), id) {
            true => Ok(indices),
            false => turned(context, node, indices, extent),
        };
    }
    let shape = context.shape(&indices);
    let mut data = context.integers(node, &indices, "the indices")?;
    for (element, index) in data.iter_mut().enumerate() {
        let extent = extent(element) as i64;
        if *index < 0 {
            *index = index.saturating_add(extent);
        }
        if !(0..extent).contains(index) {
            return Err(node.operand_error(format!(
                "an index lies outside of an axis of {extent} elements"
            )));
        }
    }
    Ok(Value::ints(Ints { shape, data }))
}

/// Computed indices with the extent added where they are negative.
fn turned(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    indices: Value,
    extent: impl Fn(usize) -> usize,
) -> Result<Value, ImportError> {
    let shape = context.shape(&indices);
    let elements: usize = shape.iter().product();
    let mut extents: Vec<i64> = (0..elements).map(|e| extent(e) as i64).collect();
    let one = extents.windows(2).all(|pair| pair[0] == pair[1]);
    let shape = match one {
        true => vec![1],
        false => shape,
    };
    extents.truncate(shape.iter().product());
    let zero = context.builder.constant(&node.name, Tensor::scalar(0.0));
    let zero = Value::Graph(Kind::Int, zero.map_err(|e| node.graph_error(e))?);
    let less = Op::Compare(Comparison::Less);
    let below = context.apply(node, Kind::Bool, less, &[indices.clone(), zero])?;
    let other = arithmetic(context, node, Binary::Add, indices.clone(), &shape, extents)?;
    context.apply(node, Kind::Int, Op::Where, &[below, other, indices])
}

/// Whether integers come from an operation that gives places, and only move or grow on their way.
pub(super) fn never_negative(graph: &Graph, value: ValueId) -> bool {
    if let Some(tensor) = graph.constant(value) {
        return tensor.data.iter().all(|v| *v >= 0.0);
    }
    let Some(node) = graph.producing_node(value) else {
        return false;
    };
    let all = |graph| node.inputs.iter().all(|v| never_negative(graph, *v));
    match &node.op {
        Op::ArgMax { .. } | Op::TopK { indices: true, .. } => true,
        Op::Compare(_) | Op::Logic(_) | Op::Unary(Unary::Abs | Unary::Not) => true,
        Op::Unary(Unary::Floor | Unary::Trunc) => all(graph),
        Op::ScaleShift { scale, shift, .. } => {
            scale.iter().chain(shift).all(|v| *v >= 0.0) && all(graph)
        }
        Op::Binary(Binary::Add | Binary::Mul | Binary::Max | Binary::Min)
        | Op::Reshape { .. }
        | Op::Broadcast { .. }
        | Op::Transpose { .. }
        | Op::Slice { .. }
        | Op::Select { .. }
        | Op::Concat { .. } => all(graph),
        Op::Gather { .. } => never_negative(graph, node.inputs[0]),
        _ => false,
    }
}

fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (0..shape.len().saturating_sub(1)).rev() {
        strides[axis] = strides[axis + 1] * shape[axis + 1];
    }
    strides
}

/// Tile: the tensor again and again along each axis.
pub(super) fn tile(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let (mut x, repeats) = (context.input(node, 0)?, context.input(node, 1)?);
    let repeats = context.integers(node, &repeats, "the repeats")?;
    let shape = context.shape(&x);
    if repeats.len() != shape.len() || repeats.iter().any(|n| *n < 1) {
        return Err(node.operand_error(format!(
            "repeats {repeats:?} do not belong to a tensor of shape {shape:?}"
        )));
    }
    for (axis, count) in repeats.iter().enumerate() {
        if *count == 1 {
            continue;
        }
        let extent = shape[axis];
        let total = usize::try_from(*count)
            .ok()
            .and_then(|count| extent.checked_mul(count))
            .filter(|total| *total < ROWS)
            .ok_or_else(|| node.operand_error("is repeated too often"))?;
        let indices = (0..total).map(|i| i % extent).collect();
        x = context.rearrange(node, Op::Select { axis, indices }, &[x])?;
    }
    Ok(vec![x])
}
