//! An ensemble of decision trees, as an operation holds it.

use crate::{ConstantId, ValueId};

/// y\[t\] = the sum, or the smallest or largest, over all trees of leaves\[leaf, t\], where leaf is what the walk through
/// the tree ends at.
///
/// Leaves have the numbers 0 to L − 1, nodes `first`, `first` + 1 and so on: a leaf that some path reaches before its last step
/// has a number that is a node's, too, and the node leads to itself. A walk starts at the tree's root and takes its steps: each goes
/// from node \[feature, threshold, yes, no\] to yes where x\[feature\] ≤ threshold, else to no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trees {
    /// Operand, a row of features of 32 bits at most.
    pub x: ValueId,
    /// `[nodes, 4]`: feature, threshold, yes, no.
    pub nodes: ConstantId,
    /// The number of the first node.
    pub first: usize,
    /// `[trees, 2]`: root, and the number of steps, 0 to 255.
    pub roots: ConstantId,
    /// `[leaves, targets]`.
    pub leaves: ConstantId,
    /// What is made of the leaves.
    pub aggregate: TreeAggregate,
}

/// What an ensemble makes of the leaves that its trees end at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TreeAggregate {
    /// Their sum.
    Sum,
    /// The smallest.
    Min,
    /// The largest.
    Max,
}

impl TreeAggregate {
    /// The word of the text form.
    pub fn keyword(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Min => "min",
            Self::Max => "max",
        }
    }
}
