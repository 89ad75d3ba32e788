//! Networks that are quantised already: their own integers, without calibration.
//!
//! Every tensor of such a graph is proved to be integers times a step plus an offset, all exact binary
//! fractions, from the detector words to the outputs. Each operation then has an exact integer form: sums of
//! products are dense layers, a quantiser is a rescale with its own rounding and overflow, an offset or a factor
//! costs nothing until a quantiser reads it. Where a scale is no power of two, the quotient of two scales
//! becomes a multiplier of 31 bits and a shift: that is the one place where a result may differ from the
//! exporter's, by the rounding of a value next to a tie.

mod builder;
mod dyadic;
mod forest;
mod lower;
mod real;
mod sets;
mod tidy;
mod words;

use hodoscope_program::{Input, Program, VerifyError};

pub(crate) use forest::leaf_frac;
pub use sets::{Constituents, axis, over_live};

use crate::graph::{Graph, GraphError, GraphInput, Op, keep_quantisers, spelled_quantisers};
use crate::inputs::{InputsError, InputsSpec};

/// Why a quantised graph has no exact program.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ExactError {
    /// A node without an exact integer form.
    #[error("node '{node}': {operation}: {reason}")]
    Node {
        /// The node.
        node: String,
        /// Its operation.
        operation: String,
        /// Why not, and what to do.
        reason: String,
    },
    /// An input whose words are not known.
    #[error("input '{input}': {reason}")]
    Input {
        /// Its name.
        input: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// Statements of inputs that are not the network's.
    #[error(transparent)]
    Statement(#[from] InputsError),
    /// An output without integers.
    #[error("output '{output}': {reason}")]
    Output {
        /// Its name.
        output: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A multiplicity was asked for, and only sets of float networks have room for one or another.
    #[error(
        "room for {0} constituents: a quantised network keeps the lengths of its file; export it with that length"
    )]
    Multiplicity(usize),
    /// Simplification failed.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The program that was made is not one: a fault of this module.
    #[error("the exact program does not verify: {0}")]
    Verify(#[from] VerifyError),
}

/// Whether a graph has quantisers on what depends on the event: then its integers are its own, and it is lowered
/// exactly or not at all.
pub fn is_quantised(graph: &Graph) -> bool {
    let mut varies = vec![false; graph.value_count()];
    for input in graph.inputs() {
        varies[input.value.index()] = true;
    }
    for node in graph.nodes() {
        let depends = node.inputs.iter().any(|v| varies[v.index()]);
        varies[node.output.index()] = depends;
        if depends
            && matches!(
                node.op,
                Op::Quantise(_) | Op::DenseStepwise { .. } | Op::FixedPoint(_)
            )
        {
            return true;
        }
    }
    false
}

/// Whose the quantisers of a graph are.
#[derive(Clone, Debug)]
pub enum Quantisers {
    /// It has none on what depends on the event: a float network.
    None,
    /// Its format has operators for them.
    Stated,
    /// Its exporter spelled them in arithmetic: the same graph with operators for them. Where that has no exact program,
    /// it can still be taken for a float network.
    Spelled(Box<Graph>),
}

/// Looks for the quantisers of a graph, as it was imported.
///
/// # Errors
/// Only if a pass builds an ill-formed graph, which would be a mistake in the pass.
pub fn quantisers(graph: &Graph) -> Result<Quantisers, GraphError> {
    if is_quantised(graph) {
        return Ok(Quantisers::Stated);
    }
    let spelled = spelled_quantisers(graph)?.filter(is_quantised);
    Ok(spelled.map_or(Quantisers::None, |graph| {
        Quantisers::Spelled(Box::new(graph))
    }))
}

/// How a QuantizeLinear of a sum is computed where its scales are no powers of two: three libraries, three results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Rescale {
    /// The quotient of the scales, halves to even: as ONNX states it, and onnxruntime computes it.
    #[default]
    Quotient,
    /// A multiplier of 31 bits and a shift, halves upwards: TensorFlow Lite built with single rounding.
    Single,
    /// A multiplier of 31 bits, halves upwards, then a shift, halves away from zero: TensorFlow Lite's reference.
    Double,
}

/// The program of a quantised graph, rescaled by the quotients of its scales.
///
/// # Errors
/// The node, input or output that has no exact integer form.
pub fn exact(graph: &Graph, name: &str, spec: &InputsSpec) -> Result<Program, ExactError> {
    exact_with(graph, name, spec, Rescale::Quotient)
}

/// The program of a quantised graph.
///
/// # Errors
/// As [`exact`].
pub fn exact_with(
    graph: &Graph,
    name: &str,
    spec: &InputsSpec,
    rescale: Rescale,
) -> Result<Program, ExactError> {
    exact_over_live(graph, name, spec, rescale).map(|(program, _)| program)
}

/// The program of a quantised graph, and what of its slots it computes.
///
/// # Errors
/// As [`exact`].
pub fn exact_over_live(
    graph: &Graph,
    name: &str,
    spec: &InputsSpec,
    rescale: Rescale,
) -> Result<(Program, Constituents), ExactError> {
    let graph = keep_quantisers(graph)?;
    let padded = padded(&graph, name, spec, rescale)?;
    Ok(over_live(padded, &graph, spec))
}

/// The program of a quantised graph that computes every slot as the graph says.
///
/// # Errors
/// As [`exact`].
pub fn exact_padded(graph: &Graph, name: &str, spec: &InputsSpec) -> Result<Program, ExactError> {
    padded(&keep_quantisers(graph)?, name, spec, Rescale::Quotient)
}

fn padded(
    graph: &Graph,
    name: &str,
    spec: &InputsSpec,
    rescale: Rescale,
) -> Result<Program, ExactError> {
    spec.check(graph, axis(graph, spec).as_ref())?;
    if let Some(multiplicity) = spec.multiplicity() {
        return Err(ExactError::Multiplicity(multiplicity));
    }
    let of = |input: &GraphInput| words::input(graph, input, spec);
    let inputs = graph.inputs().iter().map(|input| {
        of(input).map_err(|reason| ExactError::Input {
            input: input.name.clone(),
            reason,
        })
    });
    let inputs = inputs.collect::<Result<_, _>>()?;
    proved(lower::lower(graph, name, inputs, rescale, false)?)
}

/// The program of a quantised graph whose inputs are these words, in the graph's order.
pub(crate) fn on_words(
    graph: &Graph,
    name: &str,
    inputs: Vec<Input>,
) -> Result<Program, ExactError> {
    let rescale = Rescale::Quotient;
    proved(lower::lower(graph, name, inputs, rescale, true)?)
}

fn proved(program: Program) -> Result<Program, ExactError> {
    let program = tidy::without_dead(program);
    program.verify()?;
    Ok(program)
}
