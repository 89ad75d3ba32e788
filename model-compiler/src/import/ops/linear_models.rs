//! LinearRegressor and LinearClassifier (`ai.onnx.ml`): a dense layer, and labels.

use super::super::{ImportError, compose::Compose, context::Context, node::NodeView, value::Value};
use super::classes::{PostTransform, label, labels_of};
use crate::graph::{Kind, Op, Tensor, Unary};

/// `W·x + b` of a file's coefficients and intercepts, in rows of features.
fn layer(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    x: Value,
    targets: usize,
) -> Result<Value, ImportError> {
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
    context.apply(node, Kind::Float, Op::Dense { weights, bias }, &[x])
}

/// `W·x + b` for one or several targets.
pub(super) fn regressor(
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
    Ok(vec![layer(context, node, x, targets)?])
}

/// The label of the largest score, and the scores of all classes behind their transform.
pub(super) fn classifier(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    // Says how the model was trained; what is computed does not depend on it.
    node.ignore("multi_class");
    let post = PostTransform::read(node)?;
    let labels = labels_of(node)?;
    let coefficients = node.floats("coefficients")?.unwrap_or(&[]).len();
    let features = context.shape(&x).last().copied().unwrap_or(1).max(1);
    let rows = coefficients / features;
    let scores = layer(context, node, x, rows)?;
    let mut c = Compose::new(context, node);
    match (rows, labels.len()) {
        // One row of coefficients: the score of the second class.
        (1, 2) => {
            let negative = scaled(&mut c, &scores, -1.0, 0.0)?;
            let pair = joined(&mut c, &negative, &scores)?;
            let label = label(c.context, node, pair, &labels)?;
            let mut c = Compose::new(c.context, node);
            let second = match post {
                PostTransform::Logistic => c.unary(Unary::Sigmoid, &scores)?,
                PostTransform::None => scores,
                PostTransform::Softmax => {
                    let detail = "is SOFTMAX of one score; export LOGISTIC or NONE";
                    return Err(node.attribute_error("post_transform", detail));
                }
            };
            let first = scaled(&mut c, &second, -1.0, 1.0)?;
            let both = joined(&mut c, &first, &second)?;
            c.context.set_distribution(&both);
            Ok(vec![label, both])
        }
        (rows, count) if rows == count => {
            let label = label(context, node, scores.clone(), &labels)?;
            let opposite = is_opposite(node);
            let result = post.apply(context, node, scores, rows)?;
            // σ(z) and σ(−z) have the sum 1.
            if post == PostTransform::Logistic && opposite {
                context.set_distribution(&result);
            }
            Ok(vec![label, result])
        }
        (rows, count) => Err(node.attribute_error(
            "coefficients",
            format!("make {rows} scores for {count} classes"),
        )),
    }
}

/// Whether the second of two rows is the negative of the first.
fn is_opposite(node: &NodeView<'_>) -> bool {
    let halves = |name: &str| {
        let Ok(Some(list)) = node.floats(name) else {
            return true;
        };
        let (first, second) = list.split_at(list.len() / 2);
        first.len() == second.len() && first.iter().zip(second).all(|(a, b)| *a == -*b)
    };
    let labels = node.ints("classlabels_ints").ok().flatten();
    labels.is_some_and(|l| l.len() == 2) && halves("coefficients") && halves("intercepts")
}

pub(super) fn scaled(
    c: &mut Compose<'_, '_, '_>,
    x: &Value,
    scale: f64,
    shift: f64,
) -> Result<Value, ImportError> {
    let op = Op::ScaleShift {
        axis: c.shape(x).len().saturating_sub(1),
        scale: vec![scale],
        shift: vec![shift],
    };
    c.context
        .apply(c.node, Kind::Float, op, std::slice::from_ref(x))
}

/// Two columns beside one another.
pub(super) fn joined(
    c: &mut Compose<'_, '_, '_>,
    a: &Value,
    b: &Value,
) -> Result<Value, ImportError> {
    let axis = c.shape(a).len().saturating_sub(1);
    let parts = [a.clone(), b.clone()];
    c.context.rearrange(c.node, Op::Concat { axis }, &parts)
}
