//! Operators of classical machine learning (`ai.onnx.ml`), as scikit-learn's converter writes them.

use super::super::{ImportError, context::Context, node::NodeView, value::Value};
use super::pick;
use crate::graph::{Kind, Op, Tensor};

/// (x − offset)·scale, feature by feature.
pub(super) fn scaler(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    let shape = context.shape(&x);
    let Some(&features) = shape.last() else {
        return Err(node.operand_error("takes at least one axis"));
    };
    let list = |name: &str, default: f64| -> Result<Vec<f64>, ImportError> {
        let list = node.floats(name)?.unwrap_or(&[]);
        match list.len() {
            0 => Ok(vec![default]),
            n if n == 1 || n == features => {
                if let Some(v) = list.iter().find(|v| !v.is_finite()) {
                    return Err(node.attribute_error(name, format!("has {v}")));
                }
                Ok(list.iter().map(|&v| f64::from(v)).collect())
            }
            n => {
                Err(node.attribute_error(name, format!("has {n} entries for {features} features")))
            }
        }
    };
    let (offset, scale) = (list("offset", 0.0)?, list("scale", 1.0)?);
    let entry = |list: &[f64], i: usize| list[i % list.len()];
    let count = offset.len().max(scale.len());
    let op = Op::ScaleShift {
        axis: shape.len() - 1,
        scale: (0..count).map(|i| entry(&scale, i)).collect(),
        shift: (0..count)
            .map(|i| -entry(&offset, i) * entry(&scale, i))
            .collect(),
    };
    Ok(vec![context.apply(node, Kind::Float, op, &[x])?])
}

/// Elements along the last axis; one axis is one row.
pub(super) fn array_feature_extractor(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let (x, indices) = (context.input(node, 0)?, context.input(node, 1)?);
    let mut shape = context.shape(&x);
    let Some(axis) = shape.len().checked_sub(1) else {
        return Err(node.operand_error("takes at least one axis"));
    };
    let count = context.shape(&indices).iter().product();
    let flat = Op::Reshape { shape: vec![count] };
    let indices = context.rearrange(node, flat, &[indices])?;
    let picked = pick::elements(context, node, x, indices, axis)?;
    shape[axis] = count;
    if shape.len() == 1 {
        shape.insert(0, 1);
    }
    Ok(vec![context.rearrange(
        node,
        Op::Reshape { shape },
        &[picked],
    )?])
}

/// A map from class to probability: the probabilities, in the classes' order.
pub(super) fn zip_map(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    // Names of the classes, which a trigger has no use for.
    node.ignore("classlabels_int64s");
    node.ignore("classlabels_strings");
    Ok(vec![x])
}

/// `W·x + b` for one or several targets.
pub(super) fn linear_regressor(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    if node.string("post_transform")?.is_some_and(|t| t != "NONE") {
        return Err(node.attribute_error(
            "post_transform",
            "must be NONE; export the model without it, and add the function in ONNX",
        ));
    }
    let targets = usize::try_from(node.int("targets")?.unwrap_or(1)).unwrap_or(0);
    let weights = node.floats("coefficients")?.unwrap_or(&[]);
    let bias = match node.floats("intercepts")? {
        Some(bias) if !bias.is_empty() => bias.to_vec(),
        _ => vec![0.0; targets.min(weights.len())],
    };
    let features = context.shape(&x).last().copied().unwrap_or(0);
    let fits = targets > 0
        && bias.len() == targets
        && targets.checked_mul(features) == Some(weights.len());
    if !fits || weights.iter().chain(&bias).any(|v| !v.is_finite()) {
        return Err(node.attribute_error(
            "coefficients",
            format!(
                "are {} and {} intercepts for {targets} targets of {features} features, or not finite",
                weights.len(),
                bias.len()
            ),
        ));
    }
    let weights = Tensor {
        shape: vec![targets, features],
        data: weights.to_vec(),
    };
    let op = Op::Dense { weights, bias };
    Ok(vec![context.apply(node, Kind::Float, op, &[x])?])
}
