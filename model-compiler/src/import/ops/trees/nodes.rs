//! The lists of nodes of operator sets 1 and 3: trees are put in order, roots first and children behind their parents.

use std::collections::HashMap;

use super::super::super::{ImportError, node::NodeView};
use super::Weights;
use crate::graph::{Question, TreeNode};

/// Targets, and values of all leaves, that one ensemble may have.
pub(super) const MAX_TARGETS: usize = 1 << 12;
pub(super) const MAX_VALUES: usize = 1 << 24;

/// A node of a tree, its leaves still as the file lists them.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Branch(TreeNode),
    Leaf(Weights),
}

/// A node as it is listed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listed {
    /// Nothing for a leaf.
    pub question: Option<Question>,
    pub feature: usize,
    pub threshold: f32,
    pub missing: bool,
    /// Numbers of the children, which a leaf has not.
    pub children: [usize; 2],
}

/// A mode by its name; nothing for a leaf.
fn question(node: &NodeView<'_>, mode: &str) -> Result<Option<Question>, ImportError> {
    Ok(Some(match mode {
        "LEAF" => return Ok(None),
        "BRANCH_LEQ" => Question::LessOrEqual,
        "BRANCH_LT" => Question::Less,
        "BRANCH_GTE" => Question::GreaterOrEqual,
        "BRANCH_GT" => Question::Greater,
        "BRANCH_EQ" => Question::Equal,
        "BRANCH_NEQ" => Question::NotEqual,
        other => {
            let detail = format!("has '{other}'; comparisons with one threshold are supported");
            return Err(node.attribute_error("nodes_modes", detail));
        }
    }))
}

/// The trees; `kind` is that of the leaves' lists, `target` or `class`.
pub(super) fn trees(
    node: &NodeView<'_>,
    kind: &str,
    targets: usize,
) -> Result<Vec<Vec<Node>>, ImportError> {
    let ints = |name: &str| Ok(node.ints(name)?.unwrap_or(&[]));
    let tree_ids = ints("nodes_treeids")?;
    let node_ids = ints("nodes_nodeids")?;
    let features = ints("nodes_featureids")?;
    let yes = ints("nodes_truenodeids")?;
    let no = ints("nodes_falsenodeids")?;
    let missing = ints("nodes_missing_value_tracks_true")?;
    let thresholds = node.floats("nodes_values")?.unwrap_or(&[]);
    let modes = node.strings("nodes_modes")?.unwrap_or_default();
    node.ignore("nodes_hitrates");
    let count = tree_ids.len();
    for (name, length) in [
        ("nodes_nodeids", node_ids.len()),
        ("nodes_featureids", features.len()),
        ("nodes_truenodeids", yes.len()),
        ("nodes_falsenodeids", no.len()),
        ("nodes_values", thresholds.len()),
        ("nodes_modes", modes.len()),
    ] {
        if length != count {
            let detail = format!("has {length} entries for {count} nodes");
            return Err(node.attribute_error(name, detail));
        }
    }
    if !missing.is_empty() && missing.len() != count {
        let detail = format!("has {} entries for {count} nodes", missing.len());
        return Err(node.attribute_error("nodes_missing_value_tracks_true", detail));
    }
    let mut places: HashMap<(i64, i64), usize> = HashMap::new();
    for (place, id) in tree_ids
        .iter()
        .copied()
        .zip(node_ids.iter().copied())
        .enumerate()
    {
        if places.insert(id, place).is_some() {
            let detail = format!("has node {} of tree {} twice", id.1, id.0);
            return Err(node.attribute_error("nodes_nodeids", detail));
        }
    }
    let mut listed = Vec::with_capacity(count);
    for place in 0..count {
        let child = |name: &str, id: i64| {
            places.get(&(tree_ids[place], id)).copied().ok_or_else(|| {
                let detail = format!("leads to node {id}, which tree {} has not", tree_ids[place]);
                node.attribute_error(name, detail)
            })
        };
        let question = question(node, modes[place])?;
        let children = match question {
            None => [place; 2],
            Some(_) => [
                child("nodes_truenodeids", yes[place])?,
                child("nodes_falsenodeids", no[place])?,
            ],
        };
        let feature = usize::try_from(features[place]).unwrap_or(usize::MAX);
        listed.push(Listed {
            question,
            feature,
            threshold: thresholds[place],
            missing: missing.get(place).is_some_and(|m| *m != 0),
            children,
        });
    }
    let weights = weights(node, kind, targets, &places)?;
    // The root of a tree is its first node, as exporters write and runtimes read it.
    let mut roots: Vec<usize> = Vec::new();
    let mut known = std::collections::HashSet::new();
    for (place, tree) in tree_ids.iter().enumerate() {
        if known.insert(tree) {
            roots.push(place);
        }
    }
    ordered(node, &listed, &roots, weights)
}

/// What each node's place gives, where it is a leaf.
fn weights(
    node: &NodeView<'_>,
    kind: &str,
    targets: usize,
    places: &HashMap<(i64, i64), usize>,
) -> Result<HashMap<usize, Weights>, ImportError> {
    let name = |what: &str| format!("{kind}_{what}");
    let ints = |what: &str| Ok(node.ints(&name(what))?.unwrap_or(&[]));
    let (trees, nodes, ids) = (ints("treeids")?, ints("nodeids")?, ints("ids")?);
    let weights = node.floats(&name("weights"))?.unwrap_or(&[]);
    let count = weights.len();
    if [trees.len(), nodes.len(), ids.len()] != [count; 3] {
        let detail = format!("has {count} entries, not as many as the ids");
        return Err(node.attribute_error(&name("weights"), detail));
    }
    let mut result: HashMap<usize, Weights> = HashMap::new();
    for index in 0..count {
        let place = places.get(&(trees[index], nodes[index]));
        let target = usize::try_from(ids[index]).ok().filter(|t| *t < targets);
        let (Some(place), Some(target)) = (place, target) else {
            let detail = format!(
                "entry {index} is target {} of node {} of tree {}, which is not there",
                ids[index], nodes[index], trees[index]
            );
            return Err(node.attribute_error(&name("ids"), detail));
        };
        if !weights[index].is_finite() {
            return Err(node.attribute_error(&name("weights"), format!("has {}", weights[index])));
        }
        result
            .entry(*place)
            .or_default()
            .push((target, weights[index]));
    }
    Ok(result)
}

/// The trees from their roots, each node once and behind all its parents: subtrees may be shared, as LightGBM's converter
/// writes the test of a category in a set.
pub(super) fn ordered(
    node: &NodeView<'_>,
    listed: &[Listed],
    roots: &[usize],
    weights: HashMap<usize, Weights>,
) -> Result<Vec<Vec<Node>>, ImportError> {
    let mut taken = vec![false; listed.len()];
    let mut trees = Vec::with_capacity(roots.len());
    for root in roots {
        let order = behind_parents(node, listed, *root)?;
        let place_of: HashMap<usize, usize> =
            order.iter().enumerate().map(|(at, n)| (*n, at)).collect();
        let mut tree = Vec::with_capacity(order.len());
        for place in order {
            if std::mem::replace(&mut taken[place], true) {
                let detail = "lead from two trees to one node: the file is corrupt";
                return Err(node.attribute_error("nodes_truenodeids", detail));
            }
            let own = listed[place];
            let Some(question) = own.question else {
                let own = weights.get(&place).cloned().unwrap_or_default();
                tree.push(Node::Leaf(own));
                continue;
            };
            if own.threshold.is_nan() {
                return Err(node.attribute_error("nodes_values", "has NaN"));
            }
            let [yes, no] = own.children.map(|child| place_of[&child]);
            tree.push(Node::Branch(TreeNode::Branch {
                feature: own.feature,
                question,
                threshold: own.threshold,
                missing: own.missing,
                yes,
                no,
            }));
        }
        trees.push(tree);
    }
    if trees.is_empty() {
        return Err(node.operand_error("has no tree"));
    }
    let mut given = weights.keys();
    let stray = given.find(|place| !taken[**place] || listed[**place].question.is_some());
    if let Some(place) = stray {
        let what = match taken[*place] {
            true => "a node that branches",
            false => "a node that no root leads to",
        };
        return Err(node.operand_error(format!("{what} has weights")));
    }
    Ok(trees)
}

/// What a root leads to, each node behind all its parents, in rows from the root.
fn behind_parents(
    node: &NodeView<'_>,
    listed: &[Listed],
    root: usize,
) -> Result<Vec<usize>, ImportError> {
    let mut parents: HashMap<usize, usize> = HashMap::from([(root, 0)]);
    let mut seen = vec![root];
    let mut next = 0;
    while let Some(place) = seen.get(next).copied() {
        next += 1;
        if listed[place].question.is_none() {
            continue;
        }
        for child in listed[place].children {
            let count = parents.entry(child).or_insert_with(|| {
                seen.push(child);
                0
            });
            *count += 1;
        }
    }
    let mut order = Vec::with_capacity(seen.len());
    // A root that something leads to is part of a cycle.
    if parents[&root] == 0 {
        order.push(root);
    }
    let mut next = 0;
    while let Some(place) = order.get(next).copied() {
        next += 1;
        if listed[place].question.is_none() {
            continue;
        }
        for child in listed[place].children {
            if let Some(count) = parents.get_mut(&child) {
                *count -= 1;
                if *count == 0 {
                    order.push(child);
                }
            }
        }
    }
    match order.len() == seen.len() {
        true => Ok(order),
        false => {
            let detail = "lead in a circle: the file is corrupt";
            Err(node.attribute_error("nodes_truenodeids", detail))
        }
    }
}
