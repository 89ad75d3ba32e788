//! Operators into which onnxruntime fuses float networks when it saves them optimised (`com.microsoft`): each in its parts.

use super::super::{ImportError, compose::Compose, context::Context, node::NodeView, value::Value};
use super::{activations::Activation, conv, linear, norms};
use crate::graph::{Binary, Unary};

type Results = Result<Vec<Value>, ImportError>;

/// The activation behind a fused layer, if it has one.
fn activated(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    y: Value,
    parameters: &[f32],
) -> Result<Value, ImportError> {
    let name = node.string("activation")?.unwrap_or("");
    let mut c = Compose::new(context, node);
    match (name, parameters) {
        ("", _) => Ok(y),
        ("Clip", [min, max]) => {
            let (min, max) = (*min, *max);
            c.unary(Unary::Clip { min, max }, &y)
        }
        ("Gelu", _) => c.unary(Unary::Gelu { tanh: false }, &y),
        ("HardSwish", _) => c.unary(Unary::HardSwish, &y),
        (name, _) => {
            let mut alphas = parameters.iter().take(1).copied();
            let mut betas = parameters.iter().skip(1).copied();
            Activation::next(name, &mut alphas, &mut betas)
                .map_err(|detail| node.attribute_error("activation", detail))?
                .apply(&mut c, &y)
        }
    }
}

/// FusedGemm: Gemm and an activation.
pub(super) fn gemm(context: &mut Context<'_>, node: &NodeView<'_>) -> Results {
    let mut parameters = Vec::new();
    for name in ["activation_alpha", "activation_beta", "activation_gamma"] {
        parameters.extend(node.float(name)?);
    }
    let y = first(linear::gemm(context, node)?, node)?;
    Ok(vec![activated(context, node, y, &parameters)?])
}

/// FusedConv: Conv, a further summand perhaps, and an activation.
pub(super) fn convolution(context: &mut Context<'_>, node: &NodeView<'_>) -> Results {
    let parameters = node.floats("activation_params")?.unwrap_or(&[]).to_vec();
    let mut y = first(conv::conv(context, node)?, node)?;
    if let Some(summand) = context.optional(node, 3)? {
        y = Compose::new(context, node).binary(Binary::Add, &y, &summand)?;
    }
    Ok(vec![activated(context, node, y, &parameters)?])
}

fn first(results: Vec<Value>, node: &NodeView<'_>) -> Result<Value, ImportError> {
    let mut results = results.into_iter();
    results
        .next()
        .ok_or_else(|| node.operand_error("gives no result"))
}

/// FusedMatMul (once TransposeMatMul): alpha·A'·B', where ' may exchange the last two axes, or move the first one behind the
/// others but the last.
pub(super) fn matmul(context: &mut Context<'_>, node: &NodeView<'_>) -> Results {
    let alpha = node.float("alpha")?.unwrap_or(1.0);
    let mut operands = [context.input(node, 0)?, context.input(node, 1)?];
    for (operand, [batch, matrix]) in operands
        .iter_mut()
        .zip([["transBatchA", "transA"], ["transBatchB", "transB"]])
    {
        let (batch, matrix) = (node.flag(batch, false)?, node.flag(matrix, false)?);
        let rank = context.shape(operand).len();
        let mut perm: Vec<usize> = (0..rank).collect();
        if batch && rank > 2 {
            perm[..rank - 1].rotate_left(1);
        }
        if matrix && rank > 1 {
            perm.swap(rank - 2, rank - 1);
        }
        *operand = Compose::new(context, node).transpose(operand, perm)?;
    }
    let y = linear::product(context, node, operands)?;
    if alpha == 1.0 {
        return Ok(vec![y]);
    }
    Ok(vec![Compose::new(context, node).with(
        Binary::Mul,
        &y,
        alpha,
    )?])
}

/// Gelu, BiasGelu and FastGelu: with a bias before, perhaps.
pub(super) fn gelu(context: &mut Context<'_>, node: &NodeView<'_>) -> Results {
    let mut x = context.input(node, 0)?;
    let tanh = node.proto.op_type == "FastGelu";
    if let Some(bias) = context.optional(node, 1)? {
        x = Compose::new(context, node).binary(Binary::Add, &x, &bias)?;
    }
    Ok(vec![
        Compose::new(context, node).unary(Unary::Gelu { tanh }, &x)?,
    ])
}

/// SkipLayerNormalization and SkipSimplifiedLayerNormalization: the sum of two values, and a bias perhaps, normalised over
/// the last axis. The sum is the fourth result.
pub(super) fn skip_normalization(context: &mut Context<'_>, node: &NodeView<'_>) -> Results {
    let (x, skip) = (context.input(node, 0)?, context.input(node, 1)?);
    let epsilon = node.float("epsilon")?.unwrap_or(1e-12);
    let simplified = node.proto.op_type != "SkipLayerNormalization";
    let mut sum = Compose::new(context, node).binary(Binary::Add, &x, &skip)?;
    if let Some(bias) = context.optional(node, if simplified { 3 } else { 4 })? {
        sum = Compose::new(context, node).binary(Binary::Add, &sum, &bias)?;
    }
    let last = [context.shape(&sum).len().saturating_sub(1)];
    let mut c = Compose::new(context, node);
    let (y, mean, deviation) = match simplified {
        true => {
            let (y, root) = norms::by_root_mean_square(&mut c, &sum, &last, epsilon)?;
            (y, None, root)
        }
        false => {
            let own = norms::standardised(&mut c, &sum, &last, epsilon)?;
            (own.y, Some(own.mean), own.deviation)
        }
    };
    let inputs = match simplified {
        true => [Some(2), None],
        false => [Some(2), Some(3)],
    };
    let y = norms::affine(context, node, y, inputs)?;
    let inverse = match norms::asked(node, 2) {
        true => Compose::new(context, node).unary(Unary::Reciprocal, &deviation)?,
        false => deviation.clone(),
    };
    Ok(vec![y, mean.unwrap_or(deviation), inverse, sum])
}
