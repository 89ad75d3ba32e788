//! Convolutions, and their transposes.

use super::super::{ImportError, context::Context, node::NodeView, value::Value};
use super::weights::{quantised, scaled_and_biased};
use super::window::{transposed, window};
use crate::graph::{Kind, Op, Tensor};

/// Operand, weights, bias and groups, which both kinds have.
struct Parts {
    x: Value,
    extents: Vec<usize>,
    weights: Tensor,
    /// What the weights are worth, where they are a quantiser's integers.
    scale: Option<Vec<f64>>,
    bias: Option<Vec<f32>>,
    /// A bias that is added behind the scale.
    later: Option<Value>,
    groups: usize,
}

/// `outputs`: the axis of the weights that is the result's channels.
fn parts(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    outputs: usize,
) -> Result<Parts, ImportError> {
    let x = context.input(node, 0)?;
    let weights = context.input(node, 1)?;
    let (weights, scale) = match quantised(context, node, &weights, outputs)? {
        Some(own) => (own.integers, Some(own.scale)),
        None => (context.weights(node, &weights, "the weights")?, None),
    };
    let (bias, later) = match context.optional(node, 2)? {
        None => (None, None),
        Some(bias) => match scale.is_some() || quantised(context, node, &bias, 0)?.is_some() {
            true => (None, Some(bias)),
            false => (Some(context.weights(node, &bias, "the bias")?.data), None),
        },
    };
    let groups = match node.int("group")? {
        None => 1,
        Some(groups) => usize::try_from(groups)
            .ok()
            .filter(|&g| g > 0)
            .ok_or_else(|| node.attribute_error("group", format!("is {groups}")))?,
    };
    let shape = context.shape(&x);
    if shape.len() < 3 || weights.shape.len() != shape.len() {
        return Err(node.operand_error(format!(
            "takes [batch, channels, …] and weights of as many axes, not {shape:?} and {:?}",
            weights.shape
        )));
    }
    Ok(Parts {
        x,
        extents: shape[2..].to_vec(),
        weights,
        scale,
        bias,
        later,
        groups,
    })
}

pub(super) fn conv(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let parts = parts(context, node, 0)?;
    let window = window(node, &parts.extents, Some(&parts.weights.shape[2..]))?;
    let op = Op::Conv {
        bias: parts
            .bias
            .unwrap_or_else(|| vec![0.0; parts.weights.shape[0]]),
        weights: parts.weights,
        groups: parts.groups,
        window,
    };
    let sums = context.apply(node, Kind::Float, op, &[parts.x])?;
    let result = scaled_and_biased(context, node, sums, parts.scale, parts.later)?;
    Ok(vec![result])
}

pub(super) fn conv_transpose(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let parts = parts(context, node, 1)?;
    let (window, output_padding) = transposed(node, &parts.extents, &parts.weights.shape[2..])?;
    let outputs = parts.weights.shape[1]
        .checked_mul(parts.groups)
        .filter(|&n| n <= parts.weights.data.len())
        .ok_or_else(|| node.operand_error("has more groups than weights"))?;
    if parts.groups > 1 && parts.scale.as_ref().is_some_and(|scale| scale.len() > 1) {
        return Err(node.operand_error(
            "the weights of several groups have scales of their own; quantise them per tensor",
        ));
    }
    let op = Op::ConvTranspose {
        bias: parts.bias.unwrap_or_else(|| vec![0.0; outputs]),
        weights: parts.weights,
        groups: parts.groups,
        window,
        output_padding,
    };
    let sums = context.apply(node, Kind::Float, op, &[parts.x])?;
    let result = scaled_and_biased(context, node, sums, parts.scale, parts.later)?;
    Ok(vec![result])
}
