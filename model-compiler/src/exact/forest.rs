//! From trees over real numbers to trees over integers: thresholds exactly, leaves on one grid.

use std::collections::BTreeMap;

use hodoscope_program::TreeAggregate;

use crate::format;
use crate::graph::{Aggregate, Forest, Question, TreeNode};

/// Bits of a leaf, the share of the base values included.
const LEAF_WIDTH: u8 = 16;

/// What the raws of one feature stand for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Feature {
    /// Value of one count: not NaN, perhaps negative or zero.
    pub lsb: f64,
    /// Value of the raw 0.
    pub offset: f64,
    /// Smallest raw.
    pub minimum: i64,
    /// Largest raw.
    pub maximum: i64,
}

/// The tables of an ensemble, as `hodoscope_program::Trees` defines them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tables {
    /// Targets of the forest, in the order of the leaves' values.
    pub targets: Vec<usize>,
    pub nodes: Vec<i64>,
    pub first: usize,
    pub roots: Vec<i64>,
    pub leaves: Vec<i64>,
    pub aggregate: TreeAggregate,
}

/// A node of an integer tree, or a leaf: places in their lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Leaf(usize),
    Node(usize),
}

/// x\[feature\] ≤ threshold leads to `yes`.
#[derive(Clone, Copy, Debug)]
struct Branch {
    feature: usize,
    threshold: i64,
    yes: Place,
    no: Place,
}

impl Feature {
    /// The number that a raw means to the float network.
    fn value(self, raw: i64) -> f64 {
        let exact = raw as f64 * self.lsb.abs() + self.offset;
        // Of other steps the network reads the nearest float.
        match format::is_power_of_two(self.lsb.abs()) && self.offset == 0.0 {
            true => exact,
            false => f64::from(exact as f32),
        }
    }

    /// The largest raw of which the value, by a positive step, is at most `t`, or less than it.
    fn last(self, t: f64, strictly: bool) -> i64 {
        let below = |raw: i64| match strictly {
            true => self.value(raw) < t,
            false => self.value(raw) <= t,
        };
        // Behind these ends no raw of 32 bits lies.
        let (mut below_it, mut above_it) = (-(1i64 << 33), 1i64 << 33);
        while above_it - below_it > 1 {
            let middle = below_it + (above_it - below_it) / 2;
            match below(middle) {
                true => below_it = middle,
                false => above_it = middle,
            }
        }
        below_it
    }
}

/// What a question about a real number asks about its raw.
enum Asked {
    Always(bool),
    /// Whether raw ≤ threshold, or (inverted) raw > threshold.
    AtMost(i64, bool),
}

/// Whether the value is at most `t`, or less than it.
fn at_most(feature: Feature, t: f32, strictly: bool) -> Asked {
    let t = f64::from(t);
    if feature.lsb == 0.0 {
        let x = feature.value(0);
        return Asked::Always(if strictly { x < t } else { x <= t });
    }
    let (threshold, inverted) = match feature.lsb > 0.0 {
        true => (feature.last(t, strictly), false),
        // The negated raw has a positive step.
        false => (-feature.last(t, strictly) - 1, true),
    };
    if threshold >= feature.maximum {
        return Asked::Always(!inverted);
    }
    if threshold < feature.minimum {
        return Asked::Always(inverted);
    }
    Asked::AtMost(threshold, inverted)
}

/// The lists that grow while trees are converted.
#[derive(Default)]
struct Lists {
    branches: Vec<Branch>,
    leaves: Vec<Vec<i64>>,
    known: BTreeMap<Vec<i64>, usize>,
}

impl Lists {
    fn leaf(&mut self, values: Vec<i64>) -> Place {
        let next = self.leaves.len();
        let place = *self.known.entry(values.clone()).or_insert(next);
        if place == next {
            self.leaves.push(values);
        }
        Place::Leaf(place)
    }

    /// Where `asked` holds `yes`, else `no`; no node where that is the same, or known.
    fn branch(&mut self, feature: usize, asked: &Asked, yes: Place, no: Place) -> Place {
        match asked {
            Asked::Always(true) => yes,
            Asked::Always(false) => no,
            Asked::AtMost(..) if yes == no => yes,
            Asked::AtMost(threshold, inverted) => {
                let (yes, no) = if *inverted { (no, yes) } else { (yes, no) };
                self.branches.push(Branch {
                    feature,
                    threshold: *threshold,
                    yes,
                    no,
                });
                Place::Node(self.branches.len() - 1)
            }
        }
    }

    /// The root of a tree with the given leaves.
    fn tree(
        &mut self,
        tree: &[TreeNode],
        features: &[Feature],
        leaf: impl Fn(&[f32]) -> Vec<i64>,
    ) -> Option<Place> {
        let mut places: Vec<Option<Place>> = vec![None; tree.len()];
        // Children stand behind their parents.
        for (index, node) in tree.iter().enumerate().rev() {
            places[index] = Some(match node {
                TreeNode::Leaf(values) => self.leaf(leaf(values)),
                TreeNode::Branch {
                    feature,
                    question,
                    threshold,
                    yes,
                    no,
                    ..
                } => {
                    let own = features[*feature];
                    let (yes, no) = (places[*yes]?, places[*no]?);
                    let ask = |strictly| at_most(own, *threshold, strictly);
                    let mut equal = |yes, no| {
                        // At most t, and not less than it.
                        let inner = self.branch(*feature, &ask(true), no, yes);
                        self.branch(*feature, &ask(false), inner, no)
                    };
                    match question {
                        Question::LessOrEqual => self.branch(*feature, &ask(false), yes, no),
                        Question::Less => self.branch(*feature, &ask(true), yes, no),
                        Question::GreaterOrEqual => self.branch(*feature, &ask(true), no, yes),
                        Question::Greater => self.branch(*feature, &ask(false), no, yes),
                        Question::Equal => equal(yes, no),
                        Question::NotEqual => equal(no, yes),
                    }
                }
            });
        }
        places.first().copied().flatten()
    }

    /// The tables of trees with these roots; what no root reaches is left out.
    fn tables(self, roots: &[Place]) -> (Vec<i64>, usize, Vec<i64>, Vec<i64>) {
        // Children of a branch come before it.
        let mut depth = vec![0usize; self.branches.len()];
        let below = |depth: &[usize], place: Place| match place {
            Place::Leaf(_) => 0,
            Place::Node(node) => depth[node],
        };
        for (index, branch) in self.branches.iter().enumerate() {
            depth[index] = 1 + below(&depth, branch.yes).max(below(&depth, branch.no));
        }
        let mut nodes = vec![false; self.branches.len()];
        // Leaves by when they are reached: at the end of every path, or earlier on one.
        let mut leaves: Vec<Option<bool>> = vec![None; self.leaves.len()];
        for root in roots {
            let steps = below(&depth, *root);
            let mut front = vec![*root];
            for step in 0..=steps {
                let mut next = Vec::with_capacity(2 * front.len());
                for place in front {
                    match place {
                        Place::Leaf(leaf) => {
                            let early = leaves[leaf].unwrap_or(false) || step < steps;
                            leaves[leaf] = Some(early);
                        }
                        Place::Node(node) => {
                            nodes[node] = true;
                            next.extend([self.branches[node].yes, self.branches[node].no]);
                        }
                    }
                }
                // Nodes may be shared.
                next.sort_unstable();
                next.dedup();
                front = next;
            }
        }
        let of = |wanted: bool| {
            let places = leaves.iter().enumerate();
            places
                .filter(move |(_, early)| **early == Some(wanted))
                .map(|(leaf, _)| leaf)
        };
        let order: Vec<usize> = of(false).chain(of(true)).collect();
        let first = of(false).count();
        let mut number_of_leaf = vec![0; self.leaves.len()];
        for (number, leaf) in order.iter().enumerate() {
            number_of_leaf[*leaf] = number as i64;
        }
        let mut number_of_node = vec![0; self.branches.len()];
        let mut next = order.len() as i64;
        for (node, taken) in nodes.iter().enumerate() {
            number_of_node[node] = next;
            next += i64::from(*taken);
        }
        let number = |place: Place| match place {
            Place::Leaf(leaf) => number_of_leaf[leaf],
            Place::Node(node) => number_of_node[node],
        };
        let mut rows: Vec<i64> = Vec::new();
        for early in first..order.len() {
            rows.extend([0, 0, early as i64, early as i64]);
        }
        for (branch, _) in self
            .branches
            .iter()
            .zip(&nodes)
            .filter(|(_, taken)| **taken)
        {
            let feature = branch.feature as i64;
            rows.extend([
                feature,
                branch.threshold,
                number(branch.yes),
                number(branch.no),
            ]);
        }
        let starts = roots.iter();
        let starts = starts.flat_map(|root| [number(*root), below(&depth, *root) as i64]);
        let values = order
            .iter()
            .flat_map(|leaf| self.leaves[*leaf].iter().copied());
        (rows, first, starts.collect(), values.collect())
    }
}

/// The fraction bits that a forest's leaves have.
pub(crate) fn leaf_frac(forest: &Forest) -> i32 {
    let count = forest.trees.len() as f64;
    let leaves = forest.trees.iter().flatten().filter_map(|node| match node {
        TreeNode::Leaf(values) => Some(values),
        TreeNode::Branch { .. } => None,
    });
    let largest = |values: &Vec<f32>| values.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    let leaf = f64::from(leaves.map(largest).fold(0.0, f32::max));
    let base = f64::from(largest(&forest.base));
    let magnitude = match forest.aggregate {
        Aggregate::Sum => leaf + base / count,
        Aggregate::Average => (leaf + base) / count,
        Aggregate::Min | Aggregate::Max => leaf + base,
    };
    // One count of room for the rounding of a share.
    format::covering_frac(magnitude * (1.0 + libm::ldexp(1.0, -14)), LEAF_WIDTH)
}

/// Ensembles over disjoint groups of targets, which together are the forest with leaves of 2^−frac.
pub(crate) fn tables(forest: &Forest, features: &[Feature], frac: i32) -> Option<Vec<Tables>> {
    let count = forest.trees.len();
    let (factor, aggregate) = match forest.aggregate {
        Aggregate::Sum => (1.0, TreeAggregate::Sum),
        Aggregate::Average => (1.0 / count as f64, TreeAggregate::Sum),
        Aggregate::Min => (1.0, TreeAggregate::Min),
        Aggregate::Max => (1.0, TreeAggregate::Max),
    };
    // Halves away from zero: what is negated stays so.
    let raw = |value: f64| libm::round(libm::ldexp(value, frac)) as i64;
    let mut result = Vec::new();
    for group in groups(forest) {
        let own: Vec<&Vec<TreeNode>> = match aggregate {
            TreeAggregate::Sum => {
                let reads = |tree: &&Vec<TreeNode>| group.iter().any(|t| gives(tree, *t));
                forest.trees.iter().filter(reads).collect()
            }
            _ => forest.trees.iter().collect(),
        };
        let mut lists = Lists::default();
        let mut roots = Vec::new();
        // The base value is shared out: that adds nothing to the walks, and little to a leaf.
        let base: Vec<i64> = group
            .iter()
            .map(|t| raw(f64::from(forest.base[*t])))
            .collect();
        let shared = own.len().max(1) as i64;
        let share = |base: i64, tree: usize| match aggregate {
            TreeAggregate::Sum => {
                base.div_euclid(shared) + i64::from((tree as i64) < base.rem_euclid(shared))
            }
            _ => base,
        };
        for (index, tree) in own.iter().enumerate() {
            let leaf = |values: &[f32]| {
                let targets = group.iter().zip(&base);
                let value = |(t, base): (&usize, &i64)| {
                    raw(f64::from(values[*t]) * factor) + share(*base, index)
                };
                targets.map(value).collect()
            };
            roots.push(lists.tree(tree, features, leaf)?);
        }
        if own.is_empty() {
            roots.push(lists.leaf(base));
        }
        let (nodes, first, roots, leaves) = lists.tables(&roots);
        result.push(Tables {
            targets: group,
            nodes,
            first,
            roots,
            leaves,
            aggregate,
        });
    }
    Some(result)
}

/// Whether a tree gives a target anything but zero.
fn gives(tree: &[TreeNode], target: usize) -> bool {
    tree.iter()
        .any(|node| matches!(node, TreeNode::Leaf(values) if values[target] != 0.0))
}

/// Targets that no tree joins stand apart: a tree of one class is then walked for that class alone.
fn groups(forest: &Forest) -> Vec<Vec<usize>> {
    let mut group: Vec<usize> = (0..forest.targets).collect();
    let all = matches!(forest.aggregate, Aggregate::Min | Aggregate::Max);
    for tree in &forest.trees {
        let joined = (0..forest.targets).filter(|t| all || gives(tree, *t));
        let joined: Vec<usize> = joined.map(|t| group[t]).collect();
        if let Some(least) = joined.iter().min().copied() {
            for own in &mut group {
                if joined.contains(own) {
                    *own = least;
                }
            }
        }
    }
    let mut result: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (target, group) in group.into_iter().enumerate() {
        result.entry(group).or_default().push(target);
    }
    result.into_values().collect()
}
