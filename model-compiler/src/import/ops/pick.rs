//! Taking parts of tensors, and joining them.

use super::super::{
    ImportError,
    context::{Context, axis},
    node::NodeView,
    value::{Ints, Value},
};
use crate::graph::{Binary, Graph, Kind, Op, Unary, ValueId};

/// Slice: ranges are attributes up to operator set 9, inputs from 10.
pub(super) fn slice(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let mut x = context.input(node, 0)?;
    let mut list = |name: &str, index: usize| -> Result<Option<Vec<i64>>, ImportError> {
        if node.opset < 10 {
            return Ok(if name == "steps" {
                None
            } else {
                node.ints(name)?.map(<[i64]>::to_vec)
            });
        }
        match context.optional(node, index)? {
            Some(value) => context.integers(node, &value, name).map(Some),
            None => Ok(None),
        }
    };
    let missing = |what: &str| node.operand_error(format!("{what} are missing"));
    let starts = list("starts", 1)?.ok_or_else(|| missing("starts"))?;
    let ends = list("ends", 2)?.ok_or_else(|| missing("ends"))?;
    let axes = list("axes", 3)?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = list("steps", 4)?.unwrap_or_else(|| vec![1; starts.len()]);
    if ends.len() != starts.len() || axes.len() != starts.len() || steps.len() != starts.len() {
        return Err(node.operand_error("starts, ends, axes and steps have different lengths"));
    }
    for (((&start, &end), &a), &step) in starts.iter().zip(&ends).zip(&axes).zip(&steps) {
        let shape = context.shape(&x);
        let axis = axis(node, a, shape.len())?;
        let (start, len) = clamp(start, end, step, shape[axis])
            .ok_or_else(|| node.operand_error("a step is 0 or out of range"))?;
        if len == 0 {
            if let Value::Ints(kind, _) = x {
                let mut shape = shape;
                shape[axis] = 0;
                return Ok(vec![Value::Ints(
                    kind,
                    Ints {
                        shape,
                        data: Vec::new(),
                    },
                )]);
            }
            return Err(node.operand_error(format!(
                "slice {start}:{end}:{step} of axis {axis} is empty"
            )));
        }
        if start == 0 && step == 1 && len == shape[axis] {
            continue;
        }
        let step =
            isize::try_from(step).map_err(|_| node.operand_error("a step is out of range"))?;
        x = context.rearrange(
            node,
            Op::Slice {
                axis,
                start,
                step,
                len,
            },
            &[x],
        )?;
    }
    Ok(vec![x])
}

/// The first index and the number of indices of a range, as numpy counts them.
fn clamp(start: i64, end: i64, step: i64, extent: usize) -> Option<(usize, usize)> {
    let n = i64::try_from(extent).ok()?;
    let wrap = |v: i64| if v < 0 { v.saturating_add(n) } else { v };
    let (start, end, distance) = match step {
        0 => return None,
        1.. => {
            let (start, end) = (wrap(start).clamp(0, n), wrap(end).clamp(0, n));
            (start, end, end - start)
        }
        _ => {
            // Going down, -1 stands for "past the first element".
            let (start, end) = (wrap(start).clamp(-1, n - 1), wrap(end).clamp(-1, n - 1));
            (start, end, start - end)
        }
    };
    debug_assert!((-1..=n).contains(&end));
    // A step below -2^62 has no absolute value worth counting with; one element is all that it leaves.
    let pace = step.checked_abs()?;
    let len = if distance <= 0 {
        0
    } else {
        (distance - 1) / pace + 1
    };
    let step_fits = len <= 1 || isize::try_from(step).is_ok();
    (step_fits).then_some((
        usize::try_from(start).unwrap_or(0),
        usize::try_from(len).ok()?,
    ))
}

/// Gather: indices of any rank.
pub(super) fn gather(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let (x, indices) = (context.input(node, 0)?, context.input(node, 1)?);
    let rank = context.shape(&x).len();
    let axis = axis(node, node.int("axis")?.unwrap_or(0), rank)?;
    Ok(vec![elements(context, node, x, indices, axis)?])
}

/// Elements of `x` at indices along an axis, whose place the indices' axes take.
pub(super) fn elements(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    x: Value,
    indices: Value,
    axis: usize,
) -> Result<Value, ImportError> {
    if let Value::Graph(..) = indices {
        if indices.kind() == Kind::Float {
            return Err(node.operand_error("the indices are no integers; cast them before"));
        }
        let kind = x.kind();
        let mut indices = indices;
        if let Value::Graph(_, id) = indices
            && is_code(context.graph(), id)
        {
            // No row has a code beyond these: a runtime fails there, and words may hold such.
            let rows = context.shape(&x)[axis] as f32;
            let (min, max) = (-rows, rows - 1.0);
            let clip = Op::Unary(Unary::Clip { min, max });
            indices = context.apply(node, Kind::Int, clip, &[indices])?;
        }
        return context.apply(node, kind, Op::Gather { axis }, &[x, indices]);
    }
    let shape = context.shape(&x);
    let index_shape = context.shape(&indices);
    let extent = shape[axis] as i64;
    let list = context.integers(node, &indices, "the indices")?;
    let wrapped = list.iter().map(|&i| {
        let j = if i < 0 { i.saturating_add(extent) } else { i };
        let inside = usize::try_from(j).ok().filter(|_| j < extent);
        inside.ok_or_else(|| {
            node.operand_error(format!(
                "index {i} is outside axis {axis} of {extent} elements"
            ))
        })
    });
    let indices = wrapped.collect::<Result<Vec<_>, _>>()?;
    if indices.is_empty() {
        return Err(node.operand_error("there are no indices"));
    }
    let op = match indices[..] {
        // One index, the commonest, is a plain slice.
        [start] => Op::Slice {
            axis,
            start,
            step: 1,
            len: 1,
        },
        _ => Op::Select { axis, indices },
    };
    let picked = context.rearrange(node, op, &[x])?;
    if index_shape.len() == 1 {
        return Ok(picked);
    }
    let mut shape = shape;
    shape.splice(axis..=axis, index_shape);
    context.rearrange(node, Op::Reshape { shape }, &[picked])
}

/// Whether an index is a code that comes in a column of floats: cut to an integer, and only moved on its way.
fn is_code(graph: &Graph, value: ValueId) -> bool {
    let Some(node) = graph.producing_node(value) else {
        return false;
    };
    match &node.op {
        Op::Unary(Unary::Trunc) => true,
        Op::Unary(Unary::Abs) | Op::Binary(Binary::Add | Binary::Sub | Binary::Mul) => {
            node.inputs.iter().any(|v| is_code(graph, *v))
        }
        op if op.moves() => node.inputs.iter().any(|v| is_code(graph, *v)),
        _ => false,
    }
}

/// Split: sizes are an attribute up to operator set 12, an input from 13; `num_outputs` from 18.
pub(super) fn split(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    let shape = context.shape(&x);
    let axis = axis(node, node.int("axis")?.unwrap_or(0), shape.len())?;
    let extent = shape[axis];
    let sizes = if node.opset < 13 {
        node.ints("split")?.map(<[i64]>::to_vec)
    } else {
        match context.optional(node, 1)? {
            Some(value) => Some(context.integers(node, &value, "the sizes")?),
            None => None,
        }
    };
    let parts = node.proto.output.len();
    let declared = if node.opset >= 18 {
        node.int("num_outputs")?
    } else {
        None
    };
    if declared.is_some_and(|n| n != parts as i64) {
        return Err(
            node.attribute_error("num_outputs", format!("does not match the {parts} outputs"))
        );
    }
    let is_stated = sizes.is_some();
    let sizes = match sizes {
        Some(sizes) => sizes
            .iter()
            .map(|&s| usize::try_from(s).unwrap_or(usize::MAX))
            .collect(),
        None if parts == 0 => Vec::new(),
        None => {
            // The last part is smaller when the extent does not divide.
            let size = extent.div_ceil(parts);
            (0..parts)
                .map(|i| extent.saturating_sub(i * size).min(size))
                .collect::<Vec<_>>()
        }
    };
    let total = sizes.iter().try_fold(0usize, |n, &s| n.checked_add(s));
    let is_empty = !is_stated && sizes.contains(&0);
    if sizes.len() != parts || is_empty || total != Some(extent) {
        return Err(node.operand_error(format!(
            "{extent} elements cannot be split into {parts} parts of {sizes:?}"
        )));
    }
    let mut start = 0;
    let mut out = Vec::new();
    for len in sizes {
        // TensorFlow's recurrent cells split off what is left of their kernels, and that may be nothing.
        if len == 0 {
            let mut shape = shape.clone();
            shape[axis] = 0;
            out.push(Value::Ints(
                x.kind(),
                Ints {
                    shape,
                    data: vec![],
                },
            ));
            continue;
        }
        let op = Op::Slice {
            axis,
            start,
            step: 1,
            len,
        };
        out.push(context.rearrange(node, op, std::slice::from_ref(&x))?);
        start += len;
    }
    Ok(out)
}

pub(super) fn concat(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let inputs = context.inputs(node)?;
    let first = inputs
        .first()
        .ok_or_else(|| node.operand_error("takes at least one input"))?;
    let at = node
        .int("axis")?
        .ok_or_else(|| node.attribute_error("axis", "is missing"))?;
    let axis = axis(node, at, context.shape(first).len())?;
    Ok(vec![context.rearrange(
        node,
        Op::Concat { axis },
        &inputs,
    )?])
}
