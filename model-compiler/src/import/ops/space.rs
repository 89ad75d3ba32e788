//! Elements in another order, as constants of the file say: DepthToSpace, SpaceToDepth, ReverseSequence, Compress, NonZero.

use super::super::{
    ImportError,
    compose::Compose,
    context::{Context, axis},
    node::NodeView,
    value::{Ints, Value},
};

fn block(node: &NodeView<'_>) -> Result<usize, ImportError> {
    let size = node.int("blocksize")?.unwrap_or(0);
    usize::try_from(size)
        .ok()
        .filter(|size| *size > 0)
        .ok_or_else(|| node.attribute_error("blocksize", format!("is {size}")))
}

/// DepthToSpace: channels become blocks of places, as `torch.nn.PixelShuffle` has it (mode CRD) or TensorFlow (DCR).
pub(super) fn depth_to_space(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    let size = block(node)?;
    let [batch, channels, height, width] = context.shape(&x)[..] else {
        return Err(node.operand_error("takes [batch, channels, height, width]"));
    };
    let kept = channels / (size * size);
    if kept * size * size != channels {
        let detail = format!("is {size} for {channels} channels");
        return Err(node.attribute_error("blocksize", detail));
    }
    let (shape, perm) = match node.string("mode")?.unwrap_or("DCR") {
        "DCR" => (
            vec![batch, size, size, kept, height, width],
            vec![0, 3, 4, 1, 5, 2],
        ),
        "CRD" => (
            vec![batch, kept, size, size, height, width],
            vec![0, 1, 4, 2, 5, 3],
        ),
        other => return Err(node.attribute_error("mode", format!("is '{other}', not DCR or CRD"))),
    };
    let mut c = Compose::new(context, node);
    let blocks = c.reshape(&x, shape)?;
    let blocks = c.transpose(&blocks, perm)?;
    let shape = vec![batch, kept, height * size, width * size];
    Ok(vec![c.reshape(&blocks, shape)?])
}

/// SpaceToDepth: blocks of places become channels.
pub(super) fn space_to_depth(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    let size = block(node)?;
    let [batch, channels, height, width] = context.shape(&x)[..] else {
        return Err(node.operand_error("takes [batch, channels, height, width]"));
    };
    if height % size != 0 || width % size != 0 {
        let detail = format!("is {size} for {height} by {width} places");
        return Err(node.attribute_error("blocksize", detail));
    }
    let (rows, columns) = (height / size, width / size);
    let mut c = Compose::new(context, node);
    let blocks = c.reshape(&x, vec![batch, channels, rows, size, columns, size])?;
    let blocks = c.transpose(&blocks, vec![0, 3, 5, 1, 2, 4])?;
    let shape = vec![batch, channels * size * size, rows, columns];
    Ok(vec![c.reshape(&blocks, shape)?])
}

/// ReverseSequence of lengths that are known: the first elements in reverse, the others as they are.
pub(super) fn reverse_sequence(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let (x, lengths) = (context.input(node, 0)?, context.input(node, 1)?);
    let shape = context.shape(&x);
    let time = axis(node, node.int("time_axis")?.unwrap_or(0), shape.len())?;
    let batch = axis(node, node.int("batch_axis")?.unwrap_or(1), shape.len())?;
    let lengths = context.integers(node, &lengths, "the lengths")?;
    let [length] = lengths[..] else {
        return Err(node.operand_error("takes one sequence of an event: export it with batch 1"));
    };
    let length = usize::try_from(length).ok().filter(|n| *n <= shape[time]);
    let (Some(length), 1) = (length, shape[batch]) else {
        return Err(node.operand_error(format!("reverses {lengths:?} of {} elements", shape[time])));
    };
    let reversed = (0..length).rev().chain(length..shape[time]).collect();
    let reversed = Compose::new(context, node).select(&x, time, reversed)?;
    Ok(vec![reversed])
}

/// Compress: elements along an axis, or of all, where a condition that is known holds.
pub(super) fn compress(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let (mut x, condition) = (context.input(node, 0)?, context.input(node, 1)?);
    let truths = context.integers(node, &condition, "the condition")?;
    let shape = context.shape(&x);
    let at = match node.int("axis")? {
        Some(at) => axis(node, at, shape.len())?,
        None => {
            let elements = shape.iter().product();
            x = Compose::new(context, node).reshape(&x, vec![elements])?;
            0
        }
    };
    let extent = context.shape(&x)[at];
    let kept = truths.iter().enumerate().take(extent);
    let kept: Vec<usize> = kept.filter(|(_, t)| **t != 0).map(|(i, _)| i).collect();
    if kept.is_empty() {
        return Err(node.operand_error("keeps no element"));
    }
    let kept = Compose::new(context, node).select(&x, at, kept)?;
    Ok(vec![kept])
}

/// NonZero of a constant: the indices of its elements that are not 0, one row for each axis.
pub(super) fn non_zero(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    let shape = context.shape(&x);
    let truths: Vec<bool> = match (&x, context.float_constant(&x)) {
        (Value::Ints(_, ints), _) => ints.data.iter().map(|v| *v != 0).collect(),
        (_, Some(tensor)) => tensor.data.iter().map(|v| *v != 0.0).collect(),
        _ => {
            return Err(node.operand_error(
                "of values that depend on the event has no known number of results: use a mask, or TopK",
            ));
        }
    };
    let places: Vec<usize> = truths
        .iter()
        .enumerate()
        .filter(|(_, truth)| **truth)
        .map(|(at, _)| at)
        .collect();
    let mut data = Vec::with_capacity(places.len() * shape.len());
    for axis in 0..shape.len() {
        let inner: usize = shape[axis + 1..].iter().product();
        data.extend(places.iter().map(|at| (at / inner % shape[axis]) as i64));
    }
    let ints = Ints::new(vec![shape.len(), places.len()], data);
    Ok(vec![Value::ints(
        ints.ok_or_else(|| context.over_budget(node))?,
    )])
}
