//! Rewrites of a graph into an equal one of fewer, larger operations.
//!
//! A pass walks the nodes in order and builds a new graph; [`simplify`] repeats all of them until none finds anything.
//! Results stay equal to within rounding (1e-6 relative to the size of the terms summed); shapes and names of inputs and
//! outputs stay.

mod activations;
mod affine;
mod classes;
mod constants;
mod convolutions;
mod dead;
mod dense;
mod identities;
mod layouts;
mod powers;
mod products;
mod reshapes;
mod rewrite;
mod spelled;
mod straight;
mod taken;
mod unrolled;
mod wraps;

use super::{Graph, GraphError};
pub use spelled::spelled_quantisers;

/// A pass: the rewritten graph, or `None` when it found nothing to do.
pub type Pass = fn(&Graph) -> Result<Option<Graph>, GraphError>;

/// All passes, by name, in the order in which [`simplify`] applies them.
pub const PASSES: &[(&str, Pass)] = &[
    ("fold constants", constants::run),
    ("drop identities", identities::run),
    ("drop gradients that pass", straight::run),
    ("recognise activations", activations::run),
    ("recognise powers", powers::run),
    ("recognise affine maps", affine::run),
    ("recognise dense layers of places", convolutions::run),
    ("move transposes to the end", layouts::run),
    ("drop reshape pairs", reshapes::run),
    ("recognise two classes", classes::run),
    ("roll up layers of constituents", unrolled::run),
    ("compute what is taken", taken::run),
    ("fold into dense layers", dense::run),
    ("drop dead nodes", dead::run),
];

/// The passes that keep every quantiser and every constant as they are, so that a network's own integers can be read
/// from the result.
const EXACT_PASSES: &[(&str, Pass)] = &[
    ("drop identities", identities::run),
    ("drop gradients that pass", straight::run),
    ("recognise wraps", wraps::run),
    ("recognise quantised products", products::run),
    ("drop dead nodes", dead::run),
];

/// Rounds of all passes; each round shrinks the graph or ends the loop, so this only guards against a mistake.
const MAX_ROUNDS: usize = 64;

/// Simplifies a graph until no pass finds anything.
///
/// # Errors
/// Only if a pass builds an ill-formed graph, which would be a mistake in the pass.
pub fn simplify(graph: &Graph) -> Result<Graph, GraphError> {
    until_nothing_changes(graph, PASSES)
}

/// Simplifies a graph without merging or rounding any constant: results stay equal, bit for bit.
///
/// # Errors
/// Only if a pass builds an ill-formed graph, which would be a mistake in the pass.
pub fn keep_quantisers(graph: &Graph) -> Result<Graph, GraphError> {
    until_nothing_changes(graph, EXACT_PASSES)
}

/// A graph without the nodes that no output depends on.
///
/// # Errors
/// Only if the graph is ill-formed.
pub(crate) fn without_dead_nodes(graph: Graph) -> Result<Graph, GraphError> {
    Ok(dead::run(&graph)?.unwrap_or(graph))
}

fn until_nothing_changes(graph: &Graph, passes: &[(&str, Pass)]) -> Result<Graph, GraphError> {
    let mut graph = graph.clone();
    for _ in 0..MAX_ROUNDS {
        let mut changed = false;
        for (_, pass) in passes {
            if let Some(next) = pass(&graph)? {
                graph = next;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    Ok(graph)
}
