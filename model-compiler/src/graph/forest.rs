//! Ensembles of decision trees.

/// Trees over the last axis of a tensor, with what becomes of their leaves.
#[derive(Clone, Debug, PartialEq)]
pub struct Forest {
    /// Extent of the last axis that the trees read.
    pub features: usize,
    /// Values of a leaf; the extent of the result's last axis.
    pub targets: usize,
    /// Trees, one or more; the first node of each is its root.
    pub trees: Vec<Vec<TreeNode>>,
    /// How the leaves that an event reaches, one per tree, become one.
    pub aggregate: Aggregate,
    /// Added to each target behind the aggregate, finite.
    pub base: Vec<f32>,
}

/// A node of a tree.
#[derive(Clone, Debug, PartialEq)]
pub enum TreeNode {
    /// A question about one feature.
    Branch {
        /// The feature.
        feature: usize,
        /// What is asked.
        question: Question,
        /// With what the feature is compared; a number, perhaps infinite.
        threshold: f32,
        /// Whether a feature that is not a number takes the branch of `yes` whatever is asked.
        missing: bool,
        /// The node where the answer is yes, behind this one.
        yes: usize,
        /// The node where it is no, behind this one.
        no: usize,
    },
    /// The end of a path: a value per target, finite.
    Leaf(Vec<f32>),
}

/// What a branch asks about x and its threshold t.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// x ≤ t.
    LessOrEqual,
    /// x < t.
    Less,
    /// x ≥ t.
    GreaterOrEqual,
    /// x > t.
    Greater,
    /// x = t.
    Equal,
    /// x ≠ t.
    NotEqual,
}

/// How the leaves of all trees become one value per target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregate {
    /// Their sum.
    Sum,
    /// Their sum over the number of trees.
    Average,
    /// The smallest.
    Min,
    /// The largest.
    Max,
}

impl Question {
    /// The answer. Of what is not a number only [`Question::NotEqual`] holds.
    pub fn holds(self, x: f32, t: f32) -> bool {
        match self {
            Self::LessOrEqual => x <= t,
            Self::Less => x < t,
            Self::GreaterOrEqual => x >= t,
            Self::Greater => x > t,
            Self::Equal => x == t,
            Self::NotEqual => x != t,
        }
    }
}

impl Forest {
    /// Why the forest is not well-formed, if it is not: then a walk might not end in a leaf.
    pub fn fault(&self) -> Option<String> {
        if self.trees.is_empty() || self.targets == 0 || self.base.len() != self.targets {
            return Some(format!(
                "{} trees and {} base values for {} targets",
                self.trees.len(),
                self.base.len(),
                self.targets
            ));
        }
        let all = self.trees.iter().enumerate();
        let faulty = |(index, node): (usize, &TreeNode), nodes: usize| match node {
            TreeNode::Branch {
                feature, yes, no, ..
            } => {
                *feature >= self.features || [yes, no].iter().any(|c| **c <= index || **c >= nodes)
            }
            TreeNode::Leaf(values) => values.len() != self.targets,
        };
        all.filter(|(_, nodes)| {
            nodes.is_empty()
                || nodes
                    .iter()
                    .enumerate()
                    .any(|node| faulty(node, nodes.len()))
        })
        .map(|(tree, _)| format!("tree {tree} leads nowhere, or to values that are not there"))
        .next()
    }

    /// The leaf of a tree that an event's features reach.
    pub fn leaf<'f>(&'f self, tree: &'f [TreeNode], x: &[f32]) -> &'f [f32] {
        let mut at = 0;
        loop {
            match tree.get(at) {
                Some(TreeNode::Branch {
                    feature,
                    question,
                    threshold,
                    missing,
                    yes,
                    no,
                }) => {
                    let x = x.get(*feature).copied().unwrap_or(f32::NAN);
                    let answer = question.holds(x, *threshold) || *missing && x.is_nan();
                    at = if answer { *yes } else { *no };
                }
                Some(TreeNode::Leaf(values)) => return values,
                // Not of a forest without fault.
                None => return &[],
            }
        }
    }

    /// The values of one row of features. Sums are exact up to one rounding.
    pub fn evaluate(&self, x: &[f32], out: &mut [f32]) {
        for (target, out) in out.iter_mut().enumerate() {
            let leaves = self.trees.iter().map(|tree| self.leaf(tree, x));
            let mut leaves = leaves.filter_map(|leaf| leaf.get(target).copied());
            let base = f64::from(self.base[target]);
            let sum = |leaves: &mut dyn Iterator<Item = f32>| leaves.map(f64::from).sum::<f64>();
            let value = match self.aggregate {
                Aggregate::Sum => sum(&mut leaves),
                Aggregate::Average => sum(&mut leaves) / self.trees.len() as f64,
                Aggregate::Min => leaves.fold(f32::INFINITY, f32::min).into(),
                Aggregate::Max => leaves.fold(f32::NEG_INFINITY, f32::max).into(),
            };
            *out = (value + base) as f32;
        }
    }
}
