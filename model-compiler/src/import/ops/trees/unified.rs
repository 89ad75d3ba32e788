//! TreeEnsemble of operator set 5: branches and leaves in lists of their own.

use std::collections::HashMap;

use super::super::super::{ImportError, context::Context, node::NodeView, value::Value};
use super::super::classes::PostTransform;
use super::Weights;
use super::nodes::{self, Listed};
use crate::graph::{Aggregate, Question};

/// TreeEnsemble: branches and leaves in lists of their own, modes and functions as numbers.
pub(in crate::import::ops) fn tree_ensemble(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    let targets = super::targets(node, node.int("n_targets")?)?;
    let aggregate = match node.int("aggregate_function")?.unwrap_or(1) {
        0 => Aggregate::Average,
        1 => Aggregate::Sum,
        2 => Aggregate::Min,
        3 => Aggregate::Max,
        other => return Err(node.attribute_error("aggregate_function", format!("is {other}"))),
    };
    let post = match node.int("post_transform")?.unwrap_or(0) {
        0 => PostTransform::None,
        1 => PostTransform::Softmax,
        2 => PostTransform::Logistic,
        other => {
            let detail = format!(
                "is {other}: NONE (0), SOFTMAX (1) and LOGISTIC (2) are supported, SOFTMAX_ZERO (3) and PROBIT (4) are not; export NONE, and add the function in ONNX"
            );
            return Err(node.attribute_error("post_transform", detail));
        }
    };
    let (listed, roots, weights) = lists(context, node, targets)?;
    let trees = nodes::ordered(node, &listed, &roots, weights)?;
    let base = vec![0.0; targets];
    let result = super::forest(context, node, &x, &trees, targets, aggregate, base)?;
    Ok(vec![post.apply(context, node, result, targets)?])
}

type Lists = (Vec<Listed>, Vec<usize>, HashMap<usize, Weights>);

/// Branches first, then leaves; the roots' places.
fn lists(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    targets: usize,
) -> Result<Lists, ImportError> {
    let ints = |name: &str| Ok(node.ints(name)?.unwrap_or(&[]));
    let features = ints("nodes_featureids")?;
    let (yes, yes_is_leaf) = (ints("nodes_truenodeids")?, ints("nodes_trueleafs")?);
    let (no, no_is_leaf) = (ints("nodes_falsenodeids")?, ints("nodes_falseleafs")?);
    let missing = ints("nodes_missing_value_tracks_true")?;
    let (roots, targets_of) = (ints("tree_roots")?, ints("leaf_targetids")?);
    node.ignore("nodes_hitrates");
    let mut numbers = |name: &str| -> Result<Vec<f64>, ImportError> {
        let Some(proto) = node.tensor(name)? else {
            return Err(node.attribute_error(name, "is missing"));
        };
        let value = context.constant(name, proto)?;
        match (&value, context.float_constant(&value)) {
            (Value::Ints(_, ints), _) => Ok(ints.data.iter().map(|v| *v as f64).collect()),
            (_, Some(tensor)) => Ok(tensor.data.iter().map(|v| f64::from(*v)).collect()),
            _ => Err(node.attribute_error(name, "holds no numbers")),
        }
    };
    let modes = numbers("nodes_modes")?;
    let thresholds = numbers("nodes_splits")?;
    let weights = numbers("leaf_weights")?;
    let branches = features.len();
    for (name, length) in [
        ("nodes_truenodeids", yes.len()),
        ("nodes_trueleafs", yes_is_leaf.len()),
        ("nodes_falsenodeids", no.len()),
        ("nodes_falseleafs", no_is_leaf.len()),
        ("nodes_modes", modes.len()),
        ("nodes_splits", thresholds.len()),
    ] {
        if length != branches {
            let detail = format!("has {length} entries for {branches} nodes");
            return Err(node.attribute_error(name, detail));
        }
    }
    if !missing.is_empty() && missing.len() != branches {
        let detail = format!("has {} entries for {branches} nodes", missing.len());
        return Err(node.attribute_error("nodes_missing_value_tracks_true", detail));
    }
    if targets_of.len() != weights.len() {
        let detail = format!(
            "has {} entries for {} leaves",
            targets_of.len(),
            weights.len()
        );
        return Err(node.attribute_error("leaf_targetids", detail));
    }
    let leaves = weights.len();
    // A leaf may end several paths: each gets its own.
    let mut listed: Vec<Listed> = Vec::with_capacity(2 * branches + 1);
    let mut ends: Vec<(usize, usize)> = Vec::new();
    let mut child = |name: &str, index: i64, is_leaf: i64| {
        let limit = if is_leaf != 0 { leaves } else { branches };
        let index = usize::try_from(index).ok().filter(|i| *i < limit);
        let index = index.ok_or_else(|| node.attribute_error(name, "leads to no node"))?;
        if is_leaf == 0 {
            return Ok(index);
        }
        ends.push((branches + ends.len(), index));
        Ok(branches + ends.len() - 1)
    };
    for place in 0..branches {
        let question = match modes[place] as i64 {
            0 => Question::LessOrEqual,
            1 => Question::Less,
            2 => Question::GreaterOrEqual,
            3 => Question::Greater,
            4 => Question::Equal,
            5 => Question::NotEqual,
            other => {
                let detail =
                    format!("has {other}: comparisons with one threshold (0 to 5) are supported");
                return Err(node.attribute_error("nodes_modes", detail));
            }
        };
        listed.push(Listed {
            question: Some(question),
            feature: usize::try_from(features[place]).unwrap_or(usize::MAX),
            threshold: thresholds[place] as f32,
            missing: missing.get(place).is_some_and(|m| *m != 0),
            children: [
                child("nodes_truenodeids", yes[place], yes_is_leaf[place])?,
                child("nodes_falsenodeids", no[place], no_is_leaf[place])?,
            ],
        });
    }
    // A root that branches nowhere is written as a branch of which both sides are the same leaf.
    let root = |index: &i64| {
        let index = usize::try_from(*index).ok().filter(|i| *i < branches);
        index.ok_or_else(|| node.attribute_error("tree_roots", "has no such node"))
    };
    let roots = roots.iter().map(root).collect::<Result<Vec<_>, _>>()?;
    let mut result = HashMap::new();
    for (place, leaf) in ends {
        let target = usize::try_from(targets_of[leaf])
            .ok()
            .filter(|t| *t < targets);
        let Some(target) = target else {
            let detail = format!("has {} of {targets} targets", targets_of[leaf]);
            return Err(node.attribute_error("leaf_targetids", detail));
        };
        let weight = weights[leaf] as f32;
        if !weight.is_finite() {
            return Err(node.attribute_error("leaf_weights", format!("has {weight}")));
        }
        result.insert(place, vec![(target, weight)]);
        listed.push(Listed {
            question: None,
            feature: 0,
            threshold: 0.0,
            missing: false,
            children: [place; 2],
        });
    }
    Ok((listed, roots, result))
}
