//! Decision trees, walked as they are defined.

use hodoscope_program::{Program, TreeAggregate, Trees};

/// The values of one row of features.
pub(crate) fn evaluate(program: &Program, trees: &Trees, x: &[i64]) -> Vec<i64> {
    let nodes = &program.constant(trees.nodes).data;
    let leaves = program.constant(trees.leaves);
    let targets = leaves.shape[1];
    let mut reached = Vec::new();
    for tree in program.constant(trees.roots).data.chunks(2) {
        let mut at = tree[0] as usize;
        for _ in 0..tree[1] {
            let node = &nodes[4 * (at - trees.first)..][..4];
            at = if x[node[0] as usize] <= node[1] {
                node[2] as usize
            } else {
                node[3] as usize
            };
        }
        reached.push(&leaves.data[at * targets..][..targets]);
    }
    let target = |target: usize| {
        let values = reached.iter().map(|leaf| leaf[target]);
        match trees.aggregate {
            TreeAggregate::Sum => values.sum(),
            TreeAggregate::Min => values.min().unwrap_or(0),
            TreeAggregate::Max => values.max().unwrap_or(0),
        }
    };
    (0..targets).map(target).collect()
}
