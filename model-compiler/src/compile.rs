//! The whole way from a float graph to the emitted crate.

use hodoscope_program::Program;

use crate::emit::{self, Files};
use crate::graph::{Graph, GraphError, simplify};
use crate::inputs::InputsSpec;
use crate::plan::{Plan, PlanError};
use crate::quantise::{Calibration, Options, QuantiseError, Quantised, quantise};
use crate::recognise::{RecogniseError, Score, recognise};

/// What a compilation gives.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// Program, formats and what the calibration saw.
    pub quantised: Quantised,
    /// The emitted crate's files.
    pub files: Files,
}

/// Why a graph was not compiled.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// Simplification failed.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The graph is no network that this version lowers.
    #[error(transparent)]
    Recognise(#[from] RecogniseError),
    /// The network was not quantised.
    #[error(transparent)]
    Quantise(#[from] QuantiseError),
    /// The program has no plan.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

impl Compiled {
    /// The program.
    pub fn program(&self) -> &Program {
        &self.quantised.program
    }
}

/// Compiles `graph` under `name`.
///
/// # Errors
/// When the graph is not supported, the calibration events are not the model's, or an option is
/// out of its range: each names the node, input or option.
pub fn compile(
    graph: &Graph,
    name: &str,
    spec: &InputsSpec,
    score: Option<&Score>,
    calibration: &Calibration,
    options: &Options,
) -> Result<Compiled, CompileError> {
    let graph = simplify(graph)?;
    let mut network = recognise(&graph, spec, score)?;
    network.name = name.into();
    let quantised = quantise(&graph, &network, spec, calibration, options)?;
    let plan = Plan::portable(&quantised.program)?;
    let files = emit::emit_crate(&plan);
    Ok(Compiled { quantised, files })
}
