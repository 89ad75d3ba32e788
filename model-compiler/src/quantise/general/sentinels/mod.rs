//! Sentinels: what a mask puts in the place of a value that is not there, so that a Softmax, a maximum or a TopK does not
//! take it. Exporters write −∞, −999, 10⁹, or add (1 − m)·−10⁴.
//!
//! No format holds −10⁹ beside logits of a few units, and none has to: only that it is below every real value matters.
//! Each mask is carried forward to the operation that orders values, and is there a choice between a real value and ∓∞
//! ([`sink`]). The exact lowering knows what the real value can reach, and puts ∓∞ one count beyond, 16 units before a
//! Softmax. What the calibration events show is taken from real values alone: the network runs twice, with sentinels of two
//! sizes, and an element that differs is none ([`super::observe`]).

mod absent;
mod mapped;
mod masks;
mod neighbours;
mod sink;

use super::live::LiveSlots;
use super::observe::{self, Observations};
use super::words::Words;
use crate::graph::{Graph, simplify, without_dead_nodes};
use crate::quantise::{Calibration, QuantiseError};

/// What a sentinel is where a graph is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fill {
    /// As the network has it; a large number where that is an infinity.
    Own,
    /// Twice that.
    Twice,
    /// −∞ or ∞, which the exact lowering puts just beyond what is real.
    Infinite,
}

/// A graph in which masks stand in front of what orders values.
#[derive(Clone, Debug)]
pub(super) struct Sunk {
    /// With ∓∞ for sentinels.
    pub graph: Graph,
    /// With the network's own, and with twice those, where there are any.
    finite: Option<(Graph, Graph)>,
}

impl Sunk {
    /// What the calibration events show of it, of `slots` the live ones.
    pub fn observed(
        &self,
        words: &[Words],
        calibration: &Calibration,
        slots: Option<LiveSlots>,
    ) -> Result<Observations, QuantiseError> {
        match &self.finite {
            Some((own, twice)) => observe::observe(own, Some(twice), words, calibration, slots),
            None => observe::observe(&self.graph, None, words, calibration, slots),
        }
    }
}

/// The graph in which masks stand in front of what orders values, and what the calibration events show of it.
pub(super) fn observed(
    graph: Graph,
    words: &[Words],
    calibration: &Calibration,
) -> Result<(Sunk, Observations), QuantiseError> {
    let mut graph = graph;
    let mut observations = observe::observe(&graph, None, words, calibration, None)?;
    if let Some(apart) = neighbours::apart(&graph, &observations, words, calibration)? {
        graph = simplify(&apart)?;
        observations = observe::observe(&graph, None, words, calibration, None)?;
    }
    if !masks::any(&graph, &observations) {
        let finite = None;
        return Ok((Sunk { graph, finite }, observations));
    }
    // What a mask was spelled in is read by nobody now, and −∞ there has no format.
    let sunk = |fill| without_dead_nodes(sink::sunk(&graph, &observations, fill)?);
    let (own, twice, infinite) = (sunk(Fill::Own)?, sunk(Fill::Twice)?, sunk(Fill::Infinite)?);
    let sunk = Sunk {
        graph: infinite,
        finite: Some((own, twice)),
    };
    let observations = sunk.observed(words, calibration, None)?;
    Ok((sunk, observations))
}
