//! `x·x`, `x²`, `√x` and `1/x` written as multiplications and powers get their own name.

use super::rewrite::rewrite;
use crate::graph::{Binary, Graph, GraphError, Op, Unary};

pub(super) fn run(graph: &Graph) -> Result<Option<Graph>, GraphError> {
    rewrite(graph, |r, node| {
        let [a, b] = node.inputs[..] else {
            return Ok(None);
        };
        let exponent = || {
            graph
                .constant(b)
                .filter(|_| graph.elements(b) == 1)
                .and_then(|t| t.single())
        };
        let unary = match node.op {
            Op::Binary(Binary::Mul) if a == b => Unary::Square,
            Op::Binary(Binary::Pow) => match exponent() {
                Some(2.0) => Unary::Square,
                Some(0.5) => Unary::Sqrt,
                Some(-1.0) => Unary::Reciprocal,
                _ => return Ok(None),
            },
            _ => return Ok(None),
        };
        // An exponent of higher rank than the base would add axes.
        if graph.shape(a) != graph.shape(node.output) {
            return Ok(None);
        }
        let x = r.mapped(a)?;
        r.push(&node.name, Op::Unary(unary), &[x]).map(Some)
    })
}
