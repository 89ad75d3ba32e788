//! Truths about elements, most of which are the same everywhere and cost no node.

use crate::graph::ValueId;

/// Where something holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Truth {
    Never,
    Always,
    /// Where this value is 1; it broadcasts to the shape of what it is said of.
    At(ValueId),
}

impl Truth {
    pub fn never(self) -> bool {
        self == Truth::Never
    }
}
