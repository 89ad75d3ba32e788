//! Weights of convolutions that stand behind a quantiser: integers and what one of them is worth.

use super::super::{ImportError, context::Context, node::NodeView, value::Value};
use crate::graph::{Binary, Kind, Op, Tensor};

/// A constant in integers.
pub(super) struct Quantised {
    /// The integers, less their zero point.
    pub integers: Tensor,
    /// One for all, or one per channel of the result.
    pub scale: Vec<f64>,
}

/// The integers behind a value that is a dequantised constant, with scales along `axis`; none where it is none.
pub(super) fn quantised(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    value: &Value,
    axis: usize,
) -> Result<Option<Quantised>, ImportError> {
    let Value::Graph(_, id) = value else {
        return Ok(None);
    };
    let Some(Op::Dequantise { scale, zero_point }) = made_by(context, *id) else {
        return Ok(None);
    };
    let source = context.builder.graph().producing_node(*id);
    let Some(mut source) = source.and_then(|node| node.inputs.first().copied()) else {
        return Ok(None);
    };
    if let Some(op @ Op::Quantise(_)) = made_by(context, source) {
        let inputs = context.builder.graph().producing_node(source);
        let inputs = inputs.map(|node| node.inputs.clone()).unwrap_or_default();
        // Its integers, where its operand is known.
        source = context.emit(node, op, &inputs)?;
    }
    let Some(stored) = context.builder.graph().constant(source).cloned() else {
        return Ok(None);
    };
    let along = |factor: &Tensor| {
        let extents = factor.shape.iter().enumerate();
        factor.single().is_some()
            || factor.shape.len() == stored.shape.len()
                && extents.into_iter().all(|(a, n)| a == axis || *n == 1)
    };
    if !along(&scale) || !along(&zero_point) {
        return Err(node.operand_error(
            "the weights have scales along another axis than the result's channels; quantise per tensor or per output channel",
        ));
    }
    let inner: usize = stored.shape.iter().skip(axis + 1).product();
    let at = |factor: &Tensor, e: usize| factor.data[e / inner % factor.data.len()];
    let extent = stored.shape[axis];
    // One factor for all, or one for each channel.
    let single = |factor: &Tensor, e: usize| factor.single().unwrap_or_else(|| at(factor, e));
    let integers = stored.data.iter().enumerate();
    let integers = integers.map(|(e, v)| v - single(&zero_point, e)).collect();
    let scale = match scale.single() {
        Some(scale) => vec![f64::from(scale)],
        None => (0..extent)
            .map(|c| f64::from(at(&scale, c * inner)))
            .collect(),
    };
    let shape = stored.shape.clone();
    Ok(Some(Quantised {
        integers: Tensor {
            shape,
            data: integers,
        },
        scale,
    }))
}

/// The operation that gives a value, where it is a quantiser's.
fn made_by(context: &Context<'_>, value: crate::graph::ValueId) -> Option<Op> {
    let node = context.builder.graph().producing_node(value)?;
    matches!(node.op, Op::Quantise(_) | Op::Dequantise { .. }).then(|| node.op.clone())
}

/// x·scale + bias, along the channels of `[batch, channels, …]`.
pub(super) fn scaled_and_biased(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    mut x: Value,
    scale: Option<Vec<f64>>,
    bias: Option<Value>,
) -> Result<Value, ImportError> {
    if let Some(scale) = scale {
        let op = Op::ScaleShift {
            axis: 1,
            shift: vec![0.0; scale.len()],
            scale,
        };
        x = context.apply(node, Kind::Float, op, &[x])?;
    }
    if let Some(bias) = bias {
        let mut shape = vec![1; context.shape(&x).len()];
        shape[1] = context.shape(&bias).iter().product();
        let bias = context.apply(node, Kind::Float, Op::Reshape { shape }, &[bias])?;
        x = context.apply(node, Kind::Float, Op::Binary(Binary::Add), &[x, bias])?;
    }
    Ok(x)
}
