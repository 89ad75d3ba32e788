//! The whole way from a float graph to the emitted crate.

use hodoscope_program::{Live, Program};

use crate::emit::{self, Files};
use crate::graph::{Graph, GraphError, simplify};
use crate::inputs::InputsSpec;
use crate::plan::{Choice, Isa, Plan, PlanError};
use crate::quantise::{Calibration, Options, QuantiseError, Quantised, quantise};
use crate::recognise::{RecogniseError, Score, recognise};

/// What a compilation gives.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// Program, formats and what the calibration saw.
    pub quantised: Quantised,
    /// The emitted crate's files.
    pub files: Files,
    /// For each instruction set the layouts that its plan chose from.
    pub choices: Vec<(Isa, Vec<Choice>)>,
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
    /// A multiplicity was asked for that the network does not have.
    #[error("set '{0}' has no mask: every slot is live, and none can be left out")]
    Multiplicity(String),
}

impl Compiled {
    /// The program.
    pub fn program(&self) -> &Program {
        &self.quantised.program
    }
}

/// Compiles `graph` under `name`, with a plan for every instruction set.
///
/// # Errors
/// As [`compile_for`].
pub fn compile(
    graph: &Graph,
    name: &str,
    spec: &InputsSpec,
    score: Option<&Score>,
    calibration: &Calibration,
    options: &Options,
) -> Result<Compiled, CompileError> {
    compile_for(&Isa::ALL, graph, name, spec, score, calibration, options)
}

/// Compiles `graph` under `name`, with a portable plan and one for each of `isas`.
///
/// # Errors
/// When the graph is not supported, the calibration events are not the model's, or an option is
/// out of its range: each names the node, input or option.
pub fn compile_for(
    isas: &[Isa],
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
    let mut quantised = quantise(&graph, &network, spec, calibration, options)?;
    if let Some(multiplicity) = spec.multiplicity() {
        keep(&mut quantised.program, multiplicity)?;
    }
    let plans = plans(&quantised.program, isas)?;
    let files = emit::emit_crate(&plans);
    let choices = plans.into_iter().map(|p| (p.isa, p.choices)).collect();
    Ok(Compiled {
        quantised,
        files,
        choices,
    })
}

/// Emits `program` with a portable plan and one for each of `isas`.
///
/// # Errors
/// When the program does not verify or has no plan.
pub fn emit_program(program: &Program, isas: &[Isa]) -> Result<Files, PlanError> {
    Ok(emit::emit_crate(&plans(program, isas)?))
}

/// Leaves room for the `multiplicity` hardest constituents of each set.
fn keep(program: &mut Program, multiplicity: usize) -> Result<(), CompileError> {
    for set in &mut program.sets {
        if matches!(set.live, Live::Always) {
            return Err(CompileError::Multiplicity(set.name.clone()));
        }
        set.capacity = set.capacity.min(multiplicity.max(1));
    }
    Ok(())
}

/// The plans of `isas`, and before them the portable one: whatever core has none of its own takes it.
fn plans<'p>(program: &'p Program, isas: &[Isa]) -> Result<Vec<Plan<'p>>, PlanError> {
    let portable = Plan::portable(program)?;
    let others = Isa::ALL
        .into_iter()
        .filter(|isa| *isa != Isa::Portable && isas.contains(isa));
    let others: Result<Vec<_>, _> = others.map(|isa| Plan::new(program, isa)).collect();
    Ok(std::iter::once(portable).chain(others?).collect())
}
