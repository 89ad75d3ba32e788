//! Padding.

use super::super::{
    ImportError,
    context::{Context, axis},
    node::NodeView,
    value::Value,
};
use crate::graph::{Op, Padding};

/// Pad: sizes and value are attributes up to operator set 10, inputs from 11. Negative sizes cut elements off.
pub(super) fn pad(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    let rank = context.shape(&x).len();
    let (sizes, value) = if node.opset < 11 {
        let sizes = node.ints("pads")?;
        let sizes = sizes.ok_or_else(|| node.attribute_error("pads", "is missing"))?;
        (sizes.to_vec(), node.float("value")?.unwrap_or(0.0))
    } else {
        let sizes = context.input(node, 1)?;
        let sizes = context.integers(node, &sizes, "the sizes")?;
        let value = match context.optional(node, 2)? {
            None => 0.0,
            Some(value) => context
                .float_constant(&value)
                .and_then(|t| t.single())
                .filter(|v| !v.is_nan())
                .ok_or_else(|| node.operand_error("the value must be one constant number"))?,
        };
        (sizes, value)
    };
    let axes = match context.optional(node, 3)? {
        None => (0..rank).collect(),
        Some(axes) => context
            .integers(node, &axes, "the axes")?
            .iter()
            .map(|&a| axis(node, a, rank))
            .collect::<Result<Vec<_>, _>>()?,
    };
    if sizes.len() != 2 * axes.len() {
        return Err(node.operand_error(format!(
            "{} sizes are not two for each of {} axes",
            sizes.len(),
            axes.len()
        )));
    }
    let padding = match node.string("mode")? {
        None | Some("constant") => Padding::Constant(value),
        Some("reflect") => Padding::Reflect,
        Some("edge") => Padding::Edge,
        Some("wrap") => Padding::Wrap,
        Some(other) => {
            let detail = format!("is '{other}', not constant, reflect, edge or wrap");
            return Err(node.attribute_error("mode", detail));
        }
    };
    let mut pads = vec![(0, 0); rank];
    let mut x = x;
    for (i, &axis) in axes.iter().enumerate() {
        let (before, after) = (sizes[i], sizes[i + axes.len()]);
        x = cut(context, node, x, axis, (before, after))?;
        let added = |v: i64| usize::try_from(v.max(0)).unwrap_or(usize::MAX);
        pads[axis] = (added(before), added(after));
    }
    if pads.iter().all(|&p| p == (0, 0)) {
        return Ok(vec![x]);
    }
    let kind = x.kind();
    Ok(vec![context.apply(
        node,
        kind,
        Op::Pad { pads, padding },
        &[x],
    )?])
}

/// Cuts off what negative sizes ask for.
fn cut(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    x: Value,
    axis: usize,
    (before, after): (i64, i64),
) -> Result<Value, ImportError> {
    if before >= 0 && after >= 0 {
        return Ok(x);
    }
    let extent = context.shape(&x)[axis];
    let cut = |v: i64| usize::try_from(v.min(0).unsigned_abs()).unwrap_or(usize::MAX);
    let left = extent
        .checked_sub(cut(before))
        .and_then(|n| n.checked_sub(cut(after)));
    let len = left
        .filter(|&n| n > 0)
        .ok_or_else(|| node.operand_error(format!("nothing is left of axis {axis}")))?;
    let op = Op::Slice {
        axis,
        start: cut(before),
        step: 1,
        len,
    };
    context.rearrange(node, op, &[x])
}
