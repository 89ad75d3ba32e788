//! The whole way from a float graph to the emitted crate.

use hodoscope_program::{Live, Program, ValueId};

use crate::emit::{self, Files};
use crate::exact::{ExactError, exact};
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
    /// For each instruction set what its plan chose.
    pub planned: Vec<Planned>,
}

/// An instruction set to plan for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The instruction set.
    pub isa: Isa,
    /// Bytes that tables over the detector's grid may take in its flash; 0 for no table.
    pub table_bytes: u64,
}

/// What a plan chose.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The instruction set.
    pub isa: Isa,
    /// Layouts of dense layers.
    pub choices: Vec<Choice>,
    /// Tables over the detector's grid.
    pub tables: Vec<Tabulated>,
}

/// A value that is looked up in a table over the detector's grid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tabulated {
    /// The value.
    pub result: ValueId,
    /// Words of each axis.
    pub extents: Vec<usize>,
    /// Bytes of the table.
    pub bytes: u64,
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
    /// The network is quantised, and has no exact program.
    #[error(transparent)]
    Exact(#[from] ExactError),
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

/// Compiles `graph` under `name`, with a plan for every instruction set and no table over the
/// detector's grid.
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
    let targets = Isa::ALL.map(|isa| Target {
        isa,
        table_bytes: 0,
    });
    compile_for(&targets, graph, name, spec, score, calibration, options)
}

/// Compiles a network that is quantised already under `name`, with a portable plan and one for each of
/// `targets`: its own integers, without calibration. `graph` is as it was imported.
///
/// # Errors
/// The node, input or output that has no exact integer form, or the value that has no kernel.
pub fn compile_quantised(
    targets: &[Target],
    graph: &Graph,
    name: &str,
    spec: &InputsSpec,
) -> Result<Compiled, CompileError> {
    let quantised = Quantised {
        program: exact(graph, name, spec)?,
        formats: vec![],
        calibration: None,
    };
    let plans = plans(&quantised.program, targets)?;
    let files = emit::emit_crate(&plans);
    let planned = plans.into_iter().map(planned).collect();
    Ok(Compiled {
        quantised,
        files,
        planned,
    })
}

/// Compiles `graph` under `name`, with a portable plan and one for each of `targets`.
///
/// # Errors
/// When the graph is not supported, the calibration events are not the model's, or an option is
/// out of its range: each names the node, input or option.
pub fn compile_for(
    targets: &[Target],
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
    let plans = plans(&quantised.program, targets)?;
    let files = emit::emit_crate(&plans);
    let planned = plans.into_iter().map(planned).collect();
    Ok(Compiled {
        quantised,
        files,
        planned,
    })
}

/// Emits `program` with a portable plan and one for each of `targets`.
///
/// # Errors
/// When the program does not verify or has no plan.
pub fn emit_program(program: &Program, targets: &[Target]) -> Result<Files, PlanError> {
    Ok(emit::emit_crate(&plans(program, targets)?))
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

fn planned(plan: Plan<'_>) -> Planned {
    let tables = plan.grids.iter().map(|grid| Tabulated {
        result: grid.result,
        extents: grid.axes.iter().map(|axis| axis.extent).collect(),
        bytes: grid.bytes(plan.program),
    });
    Planned {
        isa: plan.isa,
        tables: tables.collect(),
        choices: plan.choices,
    }
}

/// The plans of `targets`, and before them the portable one: whatever core has none of its own takes
/// it. It has no tables, so that a host computes what they were made from.
fn plans<'p>(program: &'p Program, targets: &[Target]) -> Result<Vec<Plan<'p>>, PlanError> {
    let portable = Plan::portable(program)?;
    let others = Isa::ALL
        .into_iter()
        .filter(|isa| *isa != Isa::Portable)
        .filter_map(|isa| targets.iter().find(|target| target.isa == isa));
    let others: Result<Vec<_>, _> = others
        .map(|target| Plan::with_tables(program, target.isa, target.table_bytes))
        .collect();
    Ok(std::iter::once(portable).chain(others?).collect())
}
