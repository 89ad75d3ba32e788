//! Shapes: reading them, and changing them without moving elements.

use super::super::{
    ImportError,
    context::{Context, axes, axis},
    node::NodeView,
    value::{Ints, Value},
};
use super::norms::asked;
use crate::graph::{Kind, Op};

/// Identity, and Dropout at inference.
pub(super) fn identity(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    if node.proto.op_type == "Dropout" {
        // Outside training the ratio and the seed have no influence.
        node.ignore("ratio");
        node.ignore("seed");
        if let Some(training) = context.optional(node, 2)?
            && context
                .integers(node, &training, "training_mode")?
                .iter()
                .any(|&v| v != 0)
        {
            return Err(node.operand_error(
                "is in training mode; export the model in inference mode (model.eval())",
            ));
        }
    }
    let x = context.input(node, 0)?;
    let mut results = vec![x];
    if node.proto.op_type == "Dropout" && asked(node, 1) {
        // Nothing is dropped.
        let shape = context.shape(&results[0]);
        let count = shape.iter().product();
        context.spend(node, count)?;
        let kept = Ints::new(shape, vec![1; count]).ok_or_else(|| context.over_budget(node))?;
        results.push(Value::Ints(Kind::Bool, kept));
    }
    Ok(results)
}

fn extents(shape: &[usize]) -> Vec<i64> {
    // Extents are below 2^28.
    shape.iter().map(|&d| d as i64).collect()
}

pub(super) fn shape(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    let dims = extents(&context.shape(&x));
    let rank = dims.len() as i64;
    // Out-of-range ends are clamped here, by definition.
    let clamp = |v: i64| if v < 0 { v.saturating_add(rank) } else { v }.clamp(0, rank) as usize;
    let start = clamp(node.int("start")?.unwrap_or(0));
    let end = clamp(node.int("end")?.unwrap_or(rank));
    let dims = dims.get(start..end.max(start)).unwrap_or(&[]).to_vec();
    Ok(vec![Value::ints(Ints::vector(dims))])
}

pub(super) fn size(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    let count = context.shape(&x).iter().product::<usize>() as i64;
    Ok(vec![Value::ints(Ints::scalar(count))])
}

fn to(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    x: Value,
    shape: Vec<usize>,
) -> Result<Vec<Value>, ImportError> {
    if context.shape(&x) == shape {
        return Ok(vec![x]);
    }
    Ok(vec![context.rearrange(
        node,
        Op::Reshape { shape },
        &[x],
    )?])
}

pub(super) fn reshape(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    let target = context.input(node, 1)?;
    let mut target = context.integers(node, &target, "the shape")?;
    let keep_zero = node.flag("allowzero", false)?;
    let from = context.shape(&x);
    let bad =
        |target: &[i64]| node.operand_error(format!("{from:?} cannot be reshaped to {target:?}"));
    if !keep_zero {
        for (i, d) in target.iter_mut().enumerate().filter(|(_, d)| **d == 0) {
            *d = from
                .get(i)
                .map(|&d| d as i64)
                .ok_or_else(|| node.operand_error("copies an axis that is not there"))?;
        }
    }
    let count = from.iter().product::<usize>() as i64;
    let known = |target: &[i64]| {
        target
            .iter()
            .filter(|&&d| d != -1)
            .try_fold(1i64, |n, &d| n.checked_mul(d))
    };
    let open = target.iter().filter(|&&d| d == -1).count();
    if open > 1 || target.iter().any(|&d| d < -1) {
        return Err(bad(&target));
    }
    // The exporter wrote its own batch into the shape; here there is one event.
    if let (Some(batch), Some(&first)) = (context.batch.map(|b| b as i64), target.first())
        && first > 0
        && first % batch == 0
        && from.first().is_none_or(|&d| d as i64 != first)
        && (open == 1 || known(&target) == count.checked_mul(batch))
    {
        target[0] = first / batch;
    }
    let known = known(&target).ok_or_else(|| bad(&target))?;
    if let Some(open) = target.iter_mut().find(|d| **d == -1) {
        *open = count
            .checked_div(known)
            .ok_or_else(|| node.operand_error("an axis is open beside an empty one"))?;
    }
    let shape = target
        .iter()
        .map(|&d| usize::try_from(d))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| bad(&target))?;
    to(context, node, x, shape)
}

pub(super) fn flatten(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    let shape = context.shape(&x);
    let at = node.int("axis")?.unwrap_or(1);
    // One more than the last axis is allowed: everything in front.
    let at = if at == shape.len() as i64 {
        shape.len()
    } else {
        axis(node, at, shape.len())?
    };
    let flat = vec![shape[..at].iter().product(), shape[at..].iter().product()];
    to(context, node, x, flat)
}

/// Axes in an attribute up to operator set 12, in an input from 13.
fn listed_axes(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Option<Vec<i64>>, ImportError> {
    if node.opset < 13 {
        return Ok(node.ints("axes")?.map(<[i64]>::to_vec));
    }
    match context.optional(node, 1)? {
        Some(value) => context.integers(node, &value, "the axes").map(Some),
        None => Ok(None),
    }
}

pub(super) fn squeeze(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    let shape = context.shape(&x);
    let Some(list) = listed_axes(context, node)? else {
        // All of one element, but for the batch, which is one here alone.
        let depends = context.has_batch && context.float_constant(&x).is_none();
        if depends && shape.first() != Some(&1) {
            return Err(node.operand_error(format!(
                "without axes is ambiguous for one event of shape {shape:?}; export it with the axes named"
            )));
        }
        let kept = shape.iter().enumerate();
        let kept = kept.filter(|(i, d)| **d != 1 || depends && *i == 0);
        let kept = kept.map(|(_, d)| *d).collect();
        return to(context, node, x, kept);
    };
    let list = axes(node, &list, shape.len())?;
    if let Some(a) = list.iter().find(|&&a| shape[a] != 1) {
        return Err(node.operand_error(format!("axis {a} of {shape:?} is not of one element")));
    }
    let kept = shape
        .iter()
        .enumerate()
        .filter(|(i, _)| !list.contains(i))
        .map(|(_, &d)| d)
        .collect();
    to(context, node, x, kept)
}

pub(super) fn unsqueeze(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    let mut shape = context.shape(&x);
    let list =
        listed_axes(context, node)?.ok_or_else(|| node.operand_error("the axes are missing"))?;
    let list = axes(node, &list, shape.len() + list.len())?;
    list.iter().for_each(|&a| shape.insert(a, 1));
    to(context, node, x, shape)
}

pub(super) fn expand(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    let target = context.input(node, 1)?;
    let target = context.integers(node, &target, "the shape")?;
    let target = target
        .iter()
        .map(|&d| usize::try_from(d))
        .collect::<Result<Vec<_>, _>>();
    let mut target = target.map_err(|_| node.operand_error("the shape has a negative extent"))?;
    let from = context.shape(&x);
    if let (Some(batch), Some(first)) = (context.batch, target.first_mut())
        && *first == batch
        && (from.len() < target.len() || from.first() == Some(&1))
    {
        target[0] = 1;
    }
    let shape = crate::graph::broadcast(&[&from, &target])
        .ok_or_else(|| node.operand_error(format!("{from:?} does not broadcast to {target:?}")))?;
    if shape == from {
        return Ok(vec![x]);
    }
    Ok(vec![context.rearrange(
        node,
        Op::Broadcast { shape },
        &[x],
    )?])
}

pub(super) fn transpose(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    let rank = context.shape(&x).len();
    let perm = match node.ints("perm")? {
        None => (0..rank).rev().collect(),
        Some(list) => list
            .iter()
            .map(|&a| axis(node, a, rank))
            .collect::<Result<Vec<_>, _>>()?,
    };
    Ok(vec![context.rearrange(
        node,
        Op::Transpose { perm },
        &[x],
    )?])
}
