//! A float graph gets explicit quantisers, and is then lowered as a network that came with its own.
//!
//! The calibration events show the range of every value. Each constant is rounded to a power-of-two format, and so is
//! each result that an operation reads as an operand: rounded to the nearest (halves up) and saturated. What remains is a
//! quantised graph, whose integers [`crate::exact`] proves operation by operation: both roads share its proof, its
//! interpreter and its kernels, and a quantiser is a rescale as anywhere. Only results that nothing but an output reads
//! stay as wide as they are computed.
//!
//! Padding, sets and masks have no meaning here: every slot is computed as the graph says, and [`crate::exact`] leaves out
//! what is proved to be an empty one's.

mod expand;
mod formats;
mod grid;
mod insert;
mod learned;
mod live;
mod names;
mod observe;
mod places;
mod score;
mod search;
mod sentinels;
mod weights;
mod whole;
mod words;

use hodoscope_program::Input;

use self::insert::{Ways, insert};
use self::live::LiveSlots;
use self::observe::Observations;
use self::words::Words;
use super::beyond::Beyond;
use super::rounding::Roundings;
use super::{Activations, Calibration, Options, QuantiseError, Quantised};
use crate::exact;
use crate::graph::sets::SetAxis;
use crate::graph::{Executor, Graph, GraphError, GraphOutput, simplify};
use crate::inputs::InputsSpec;
pub(crate) use score::with_score;

/// Quantises a simplified float graph, whatever its structure, under `name`.
///
/// # Errors
/// When an option is out of its range, the calibration events are not the model's, or a node has no integer form: it is
/// named, with what to do.
pub fn quantise_graph(
    graph: &Graph,
    name: &str,
    spec: &InputsSpec,
    calibration: &Calibration,
    options: &Options,
) -> Result<Quantised, QuantiseError> {
    super::check(options)?;
    let mut graph = simplify(&names::apart(&expand::expand(graph)?)?)?;
    if options.activations == Activations::Sixteen {
        graph = simplify(&names::apart(&expand::steep::spelled(&graph)?)?)?;
    }
    let words = words::words(&graph, spec, calibration)?;
    let (sunk, mut observations) = sentinels::observed(graph, &words, calibration)?;
    if let Some(slots) = live_slots(&sunk.graph, spec, &words, &observations, options) {
        observations = sunk.observed(&words, calibration, Some(slots))?;
    }
    let graph = sunk.graph;
    let executor = Executor::new(&graph)?;
    let mut workspace = executor.workspace();
    let inputs: Vec<&Input> = words.iter().map(|words| &words.input).collect();
    let beyond = Beyond::of(&inputs, &observations.sample, options, |events| {
        executor.run_all(&mut workspace, events)?;
        let outputs = graph.outputs().iter();
        let output = |output: &GraphOutput| workspace.value(output.value).to_vec();
        Ok::<_, GraphError>(outputs.map(output).collect())
    });
    search::search(&graph, name, &words, &observations, &beyond, options)
}

/// The slots of constituents, by a program of formats that all slots gave; which are live does not hang on formats.
fn live_slots(
    graph: &Graph,
    spec: &InputsSpec,
    words: &[Words],
    observations: &Observations,
    options: &Options,
) -> Option<LiveSlots> {
    exact::axis(graph, spec).filter(SetAxis::is_set)?;
    let widths = vec![8; graph.value_count()];
    let formats = (&widths[..], Ways::PLAIN);
    let mut roundings = Roundings::default();
    let inserted = insert(graph, words, observations, options, formats, &mut roundings).ok()?;
    let inputs = words.iter().map(|words| words.input.clone()).collect();
    let padded = exact::on_words(&inserted.graph, "trial", inputs).ok()?;
    LiveSlots::of(graph, spec, padded)
}
