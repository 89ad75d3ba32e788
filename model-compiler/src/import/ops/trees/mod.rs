//! Decision trees (`ai.onnx.ml`): TreeEnsembleClassifier and TreeEnsembleRegressor, as scikit-learn's and XGBoost's converters
//! write them, and TreeEnsemble of operator set 5.
//!
//! Where the specification leaves open what two classes give, onnxruntime decides.

mod nodes;
mod unified;

use super::super::{ImportError, context::Context, node::NodeView, value::Value};
use super::classes::{PostTransform, label, labels};
use crate::graph::{Aggregate, Forest, Kind, Op, TreeNode};
pub(super) use unified::tree_ensemble;

/// What is added up in one leaf: target and value.
type Weights = Vec<(usize, f32)>;

/// TreeEnsembleRegressor: the aggregate of the leaves, per target.
pub(super) fn regressor(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    let targets = targets(node, node.int("n_targets")?)?;
    let aggregate = match node.string("aggregate_function")?.unwrap_or("SUM") {
        "SUM" => Aggregate::Sum,
        "AVERAGE" => Aggregate::Average,
        "MIN" => Aggregate::Min,
        "MAX" => Aggregate::Max,
        other => {
            let detail = format!("is '{other}', not SUM, AVERAGE, MIN or MAX");
            return Err(node.attribute_error("aggregate_function", detail));
        }
    };
    let trees = nodes::trees(node, "target", targets)?;
    let base = base_values(node, targets)?;
    let given = |target: usize| {
        let gives = |weights: &Weights| weights.iter().any(|(t, _)| *t == target);
        let mut trees = trees.iter();
        trees.any(|tree| tree.iter().filter_map(leaf).all(gives))
    };
    if let Some(target) = (0..targets).find(|t| base[*t] != 0.0 && !given(*t)) {
        let detail = format!(
            "has one for target {target}, to which some events' leaves give no value; runtimes disagree whether it counts then: \
             give each leaf of one tree a value for it, 0 perhaps"
        );
        return Err(node.attribute_error("base_values", detail));
    }
    let post = PostTransform::read(node)?;
    let result = forest(context, node, &x, &trees, targets, aggregate, base)?;
    Ok(vec![post.apply(context, node, result, targets)?])
}

/// TreeEnsembleClassifier: the label and the scores of all classes.
pub(super) fn classifier(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    let labels = labels(node)?;
    let classes = labels.len();
    let trees = nodes::trees(node, "class", classes)?;
    let post = PostTransform::read(node)?;
    let base = node.floats("base_values")?.unwrap_or(&[]);
    let mut scored = vec![false; classes];
    let mut positive = true;
    for (class, weight) in trees.iter().flatten().filter_map(leaf).flatten() {
        scored[*class] = true;
        positive &= *weight >= 0.0;
    }
    if classes > 2 {
        if base.is_empty() && scored.contains(&false) {
            let detail = "give no weight to one of the classes; export it with the classes that it was trained on";
            return Err(node.attribute_error("class_ids", detail));
        }
        let base = base_values(node, classes)?;
        let scores = forest(context, node, &x, &trees, classes, Aggregate::Sum, base)?;
        let label = label(context, node, scores.clone(), &labels)?;
        return Ok(vec![label, post.apply(context, node, scores, classes)?]);
    }
    let mut sum = |of: [f32; 2], base: [f32; 2]| {
        let part = |weights: &Weights| {
            // Of one class's weights `of` times the value for each of the two.
            let value = |(class, weight): &(usize, f32)| match scored[..] {
                [true, true] => vec![(*class, of[*class] * weight)],
                _ => vec![(0, of[0] * weight), (1, of[1] * weight)],
            };
            weights.iter().flat_map(value).collect()
        };
        let trees = mapped(&trees, part);
        forest(context, node, &x, &trees, 2, Aggregate::Sum, base.to_vec())
    };
    let undefined = |detail: &str| Err(node.attribute_error("base_values", detail));
    let (scores, decision, post) = match (&scored[..], base) {
        // One score s of the second class, under the name of the first: the other is 1 − s, or −s.
        ([true, false], [] | [_]) => {
            let b = base.first().copied().unwrap_or(0.0);
            let complement = [1.0 - b, b];
            let opposite = [-b, b];
            let (own, post) = match (post, positive) {
                (PostTransform::Logistic, _) => (opposite, PostTransform::Logistic),
                (_, true) => (complement, PostTransform::None),
                (_, false) => (opposite, PostTransform::None),
            };
            let scores = sum([-1.0, 1.0], own)?;
            let decided = if positive { complement } else { opposite };
            let decision = match decided == own {
                true => scores.clone(),
                false => sum([-1.0, 1.0], decided)?,
            };
            (scores, decision, post)
        }
        ([false, true], []) => {
            let scores = sum([0.0, 1.0], [0.0, 0.0])?;
            let decision = match positive {
                true => sum([0.0, 1.0], [0.5, 0.0])?,
                false => scores.clone(),
            };
            (scores, decision, post)
        }
        // The second class wins with any score above zero; its number is given, not its label.
        ([true, true], []) => {
            if labels != [0, 1] {
                let detail =
                    "are not 0 and 1, for which runtimes disagree when both classes have weights";
                return Err(node.attribute_error("classlabels_int64s", detail));
            }
            let scores = sum([1.0, 1.0], [0.0, 0.0])?;
            (scores, sum([0.0, 1.0], [0.0, 0.0])?, post)
        }
        ([_, _], [_, ..]) => {
            return undefined(
                "of two classes are added in different ways by runtimes; export one value with the weights of one class, or none",
            );
        }
        _ => {
            let detail = "are fewer than two, or have no weights";
            return Err(node.attribute_error("class_ids", detail));
        }
    };
    let label = label(context, node, decision, &labels)?;
    Ok(vec![label, post.apply(context, node, scores, 2)?])
}

fn leaf(node: &nodes::Node) -> Option<&Weights> {
    match node {
        nodes::Node::Leaf(weights) => Some(weights),
        nodes::Node::Branch(_) => None,
    }
}

/// The same trees with other leaves.
fn mapped(trees: &[Vec<nodes::Node>], f: impl Fn(&Weights) -> Weights) -> Vec<Vec<nodes::Node>> {
    let node = |node: &nodes::Node| match node {
        nodes::Node::Leaf(weights) => nodes::Node::Leaf(f(weights)),
        branch => branch.clone(),
    };
    let tree = |tree: &Vec<nodes::Node>| tree.iter().map(node).collect();
    trees.iter().map(tree).collect()
}

/// A number of targets, one or more.
fn targets(node: &NodeView<'_>, count: Option<i64>) -> Result<usize, ImportError> {
    let count = count.unwrap_or(1);
    usize::try_from(count)
        .ok()
        .filter(|n| (1..=nodes::MAX_TARGETS).contains(n))
        .ok_or_else(|| {
            let detail = format!("is {count}, not from 1 to {}", nodes::MAX_TARGETS);
            node.attribute_error("n_targets", detail)
        })
}

/// One value per target; zeros where there are none.
fn base_values(node: &NodeView<'_>, targets: usize) -> Result<Vec<f32>, ImportError> {
    match node.floats("base_values")? {
        None | Some([]) => Ok(vec![0.0; targets]),
        Some(base) if base.len() == targets && base.iter().all(|b| b.is_finite()) => {
            Ok(base.to_vec())
        }
        Some(base) => Err(node.attribute_error(
            "base_values",
            format!("are {base:?} for {targets} targets, or not finite"),
        )),
    }
}

/// The forest as a node of the graph.
fn forest(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    x: &Value,
    trees: &[Vec<nodes::Node>],
    targets: usize,
    aggregate: Aggregate,
    base: Vec<f32>,
) -> Result<Value, ImportError> {
    let features = context.shape(x).last().copied().unwrap_or(0);
    let leaves = trees.iter().flatten().filter_map(leaf).count();
    if leaves.saturating_mul(targets) > nodes::MAX_VALUES {
        let detail = format!("{leaves} leaves of {targets} targets are too many");
        return Err(node.operand_error(detail));
    }
    let extreme = matches!(aggregate, Aggregate::Min | Aggregate::Max);
    let mut result = Vec::new();
    for tree in trees {
        let mut own = Vec::with_capacity(tree.len());
        for entry in tree {
            own.push(match entry {
                nodes::Node::Branch(branch) => branch.clone(),
                nodes::Node::Leaf(weights) => {
                    let mut values = vec![0.0; targets];
                    let mut given = vec![false; targets];
                    for (target, weight) in weights {
                        values[*target] += weight;
                        given[*target] = true;
                    }
                    if extreme && given.contains(&false) {
                        let detail = "asks for the least or largest of leaves of which one has no value; export SUM";
                        return Err(node.attribute_error("aggregate_function", detail));
                    }
                    TreeNode::Leaf(values)
                }
            });
        }
        result.push(own);
    }
    let forest = Forest {
        features,
        targets,
        trees: result,
        aggregate,
        base,
    };
    context.apply(
        node,
        Kind::Float,
        Op::Trees(Box::new(forest)),
        std::slice::from_ref(x),
    )
}
