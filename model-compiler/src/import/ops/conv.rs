//! Convolutions, and their transposes.

use super::super::{ImportError, context::Context, node::NodeView, value::Value};
use super::window::{transposed, window};
use crate::graph::{Kind, Op, Tensor};

/// Operand, weights, bias and groups, which both kinds have.
struct Parts {
    x: Value,
    extents: Vec<usize>,
    weights: Tensor,
    bias: Option<Vec<f32>>,
    groups: usize,
}

fn parts(context: &mut Context<'_>, node: &NodeView<'_>) -> Result<Parts, ImportError> {
    let x = context.input(node, 0)?;
    let weights = context.input(node, 1)?;
    let weights = context.weights(node, &weights, "the weights")?;
    let bias = match context.optional(node, 2)? {
        None => None,
        Some(bias) => Some(context.weights(node, &bias, "the bias")?.data),
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
        bias,
        groups,
    })
}

pub(super) fn conv(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let parts = parts(context, node)?;
    let window = window(node, &parts.extents, Some(&parts.weights.shape[2..]))?;
    let op = Op::Conv {
        bias: parts
            .bias
            .unwrap_or_else(|| vec![0.0; parts.weights.shape[0]]),
        weights: parts.weights,
        groups: parts.groups,
        window,
    };
    Ok(vec![context.apply(node, Kind::Float, op, &[parts.x])?])
}

pub(super) fn conv_transpose(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let parts = parts(context, node)?;
    let (window, output_padding) = transposed(node, &parts.extents, &parts.weights.shape[2..])?;
    let outputs = parts.weights.shape[1]
        .checked_mul(parts.groups)
        .filter(|&n| n <= parts.weights.data.len())
        .ok_or_else(|| node.operand_error("has more groups than weights"))?;
    let op = Op::ConvTranspose {
        bias: parts.bias.unwrap_or_else(|| vec![0.0; outputs]),
        weights: parts.weights,
        groups: parts.groups,
        window,
        output_padding,
    };
    Ok(vec![context.apply(node, Kind::Float, op, &[parts.x])?])
}
