//! Quantisers that an exporter spelled in arithmetic become one operation each: HGQ2 through tf2onnx writes its
//! fixed-point types as Pow, Mul, Floor, Div, and as Sub or as comparisons what happens to a number out of range.
//!
//! Only a whole quantiser is taken, a rounding with a range: a bare Floor stays what it is.

mod algebra;
mod range;
mod reader;
mod rounding;

use super::rewrite::rewrite;
use super::{Pass, constants, dead, identities, straight, until_nothing_changes};
use crate::graph::{Graph, GraphError, Op};
use reader::Reader;

/// Constants first: a type's width is a Pow of constants that the exporter did not fold.
const PASSES: &[(&str, Pass)] = &[
    ("fold constants", constants::run),
    ("drop identities", identities::run),
    ("drop what cancels", algebra::run),
    ("drop gradients that pass", straight::run),
    ("recognise quantisers", run),
    ("drop dead nodes", dead::run),
];

/// A graph with its spelled quantisers as operations; none where it has none.
///
/// # Errors
/// Only if a pass builds an ill-formed graph, which would be a mistake in the pass.
pub fn spelled_quantisers(graph: &Graph) -> Result<Option<Graph>, GraphError> {
    let found = until_nothing_changes(graph, PASSES)?;
    let is_one = |op: &Op| matches!(op, Op::FixedPoint(_));
    Ok(found.nodes().iter().any(|n| is_one(&n.op)).then_some(found))
}

fn run(graph: &Graph) -> Result<Option<Graph>, GraphError> {
    rewrite(graph, |r, node| {
        let shape = graph.shape(node.output);
        let reader = Reader { graph, shape };
        let value = node.output;
        let found = reader
            .wrapped(value)
            .or_else(|| reader.saturated(value))
            .or_else(|| reader.gated(value));
        match found {
            // An operand that is broadcast has fewer elements than types.
            Some((x, quantiser)) if graph.shape(x) == shape => {
                let x = r.mapped(x)?;
                let op = Op::FixedPoint(Box::new(quantiser));
                r.push(&node.name, op, &[x]).map(Some)
            }
            _ => Ok(None),
        }
    })
}
