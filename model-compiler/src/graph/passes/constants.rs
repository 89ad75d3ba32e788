//! Operations on constants become constants.

use super::rewrite::rewrite;
use crate::graph::{Graph, GraphError, Op, eval_constant};

/// Work that folding may take, in multiplications.
const BUDGET: usize = 1 << 26;

pub(super) fn run(graph: &Graph) -> Result<Option<Graph>, GraphError> {
    let mut budget = BUDGET;
    rewrite(graph, |r, node| {
        match eval_constant(graph, &node.op, &node.inputs, &mut budget)? {
            Some(tensor) => r.push(&node.name, Op::Constant(tensor), &[]).map(Some),
            None => Ok(None),
        }
    })
}
