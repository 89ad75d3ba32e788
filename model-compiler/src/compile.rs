//! The whole way from a float graph to the emitted crate.

use std::fmt;

use hodoscope_program::{Live, Program, ValueId};

use crate::emit::{self, Files};
use crate::exact::{Constituents, ExactError, Rescale, axis, exact_over_live, over_live};
use crate::graph::{Graph, GraphError, GraphInput, Kind, simplify};
use crate::inputs::{InputsError, InputsSpec};
use crate::plan::{Blocks, Choice, Isa, Layouts, Plan, PlanError};
use crate::quantise::{
    Activations, Calibration, Options, QuantiseError, Quantised, Score, centre, constituents,
    quantise_graph, with_score,
};

/// What a compilation gives.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// Program, formats and what the calibration saw.
    pub quantised: Quantised,
    /// How the network became integers.
    pub road: Road,
    /// What is computed of slots that are treated alike.
    pub constituents: Constituents,
    /// The emitted crate's files.
    pub files: Files,
    /// For each instruction set what its plan chose.
    pub planned: Vec<Planned>,
}

/// How a network becomes an integer program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Road {
    /// Quantisers are inserted into its graph, with formats from calibration events.
    Inserted {
        /// Why not the quantisers that it came with, if it came with some.
        instead: Option<String>,
    },
    /// It came with its own quantisers.
    Own,
}

impl fmt::Display for Road {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inserted { instead: None } => {
                f.write_str("quantisers are inserted into its graph")
            }
            Self::Inserted {
                instead: Some(because),
            } => write!(
                f,
                "quantisers are inserted into its graph instead of its own: {because}"
            ),
            Self::Own => f.write_str("the network's own quantisers"),
        }
    }
}

/// An instruction set to plan for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The instruction set.
    pub isa: Isa,
    /// Bytes that tables over the detector's grid may take in its flash; 0 for no table.
    pub table_bytes: u64,
    /// What the layouts of dense layers are chosen for.
    pub layouts: Layouts,
}

/// What a plan chose.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The instruction set.
    pub isa: Isa,
    /// Layouts of dense layers.
    pub choices: Vec<Choice>,
    /// Dense layers that are compared block by block.
    pub blocks: Vec<Blocks>,
    /// Tables over the detector's grid.
    pub tables: Vec<Tabulated>,
    /// Bytes of the arrays that hold activations.
    pub activation_bytes: usize,
    /// Bytes of the constants of dense layers, in the layouts that were taken.
    pub layout_bytes: u64,
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
    /// Statements of inputs that are not the model's.
    #[error(transparent)]
    Inputs(#[from] InputsError),
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
    /// A multiplicity was asked for where there is no set.
    #[error("--multiplicity: there is no set of which constituents could be left out: {0}")]
    NoSet(String),
}

impl Compiled {
    /// The program.
    pub fn program(&self) -> &Program {
        &self.quantised.program
    }
}

/// Compiles `graph` under `name`, with a plan for every instruction set that needs no board
/// to be named, and no table over the detector's grid.
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
    let sets = Isa::ALL.into_iter().filter(|isa| !isa.is_on_request());
    let targets: Vec<Target> = sets
        .map(|isa| Target {
            isa,
            table_bytes: 0,
            layouts: Layouts::Fastest,
        })
        .collect();
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
    rescale: Rescale,
) -> Result<Compiled, CompileError> {
    let (program, constituents) = exact_over_live(graph, name, spec, rescale)?;
    let quantised = Quantised {
        program,
        formats: vec![],
        calibration: None,
    };
    let plans = plans(&quantised.program, targets)?;
    let files = emit::emit_crate(&plans);
    let planned = plans.into_iter().map(planned).collect();
    Ok(Compiled {
        quantised,
        road: Road::Own,
        constituents,
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
    let (mut quantised, constituents) = quantised(&graph, name, spec, score, calibration, options)?;
    if let Some(multiplicity) = spec.multiplicity() {
        match &constituents {
            Constituents::Live { .. } => keep(&mut quantised.program, multiplicity)?,
            other => return Err(CompileError::NoSet(other.to_string())),
        }
    }
    let plans = plans(&quantised.program, targets)?;
    let files = emit::emit_crate(&plans);
    let planned = plans.into_iter().map(planned).collect();
    Ok(Compiled {
        quantised,
        road: Road::Inserted { instead: None },
        constituents,
        files,
        planned,
    })
}

/// The integers of a simplified float graph, and what of its slots they compute.
///
/// # Errors
/// When an input, a score or an option is not the model's, or a node has no integer form.
pub fn quantised(
    graph: &Graph,
    name: &str,
    spec: &InputsSpec,
    score: Option<&Score>,
    calibration: &Calibration,
    options: &Options,
) -> Result<(Quantised, Constituents), CompileError> {
    let centred = centre(graph, calibration).map_err(QuantiseError::from)?;
    let graph = centred.as_ref().unwrap_or(graph);
    // What no output needs that is left ends no set.
    let scored = score.map(|score| Ok::<_, CompileError>(simplify(&with_score(graph, score)?)?));
    let scored = scored.transpose()?;
    let graph = scored.as_ref().unwrap_or(graph);
    let set = axis(graph, spec);
    spec.check(graph, set.as_ref())?;
    let made = quantise_graph(graph, name, spec, calibration, options)?;
    let (program, found) = over_live(made.program, graph, spec);
    let mut made = Quantised { program, ..made };
    let report = made.calibration.as_mut();
    if let (Constituents::Live { .. }, Some(set), Some(report)) = (&found, set, report) {
        (report.mean_multiplicity, report.lost) =
            constituents(graph, &set, &made.program, calibration)?;
    }
    Ok((made, found))
}

/// The integers of a simplified float graph, and what of its slots they compute, without events to calibrate it: those
/// of this trial are made up, and with them formats, and the words of inputs that are not stated.
///
/// # Errors
/// As [`quantised`].
pub fn trial(graph: &Graph, spec: &InputsSpec) -> Result<(Program, Constituents), CompileError> {
    let event = |input: &GraphInput| {
        let elements = graph.elements(input.value);
        let between = |e: usize| (e * 7 % 16) as f32 / 8.0 - 1.0;
        match input.kind {
            Kind::Float => (0..2 * elements).map(between).collect(),
            Kind::Int | Kind::Bool => vec![0.0; 2 * elements],
        }
    };
    let events = graph.inputs().iter().map(event).collect();
    let calibration = Calibration::new(graph, events)?;
    let options = Options {
        activations: Activations::Eight,
        ..Options::default()
    };
    let (made, computed) = quantised(graph, "trial", spec, None, &calibration, &options)?;
    Ok((made.program, computed))
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
    if program.sets.is_empty() {
        return Err(CompileError::NoSet(Constituents::None.to_string()));
    }
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
        activation_bytes: plan.activation_bytes(),
        layout_bytes: plan.layout_bytes(),
        tables: tables.collect(),
        choices: plan.choices,
        blocks: plan.blocks,
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
        .map(|target| Plan::with(program, target.isa, target.table_bytes, target.layouts))
        .collect();
    Ok(std::iter::once(portable).chain(others?).collect())
}
