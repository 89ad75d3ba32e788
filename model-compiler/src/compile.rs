//! The whole way from a float graph to the emitted crate.

use std::fmt;

use hodoscope_program::{InputId, Live, Program, ValueId, WordRef};

use crate::emit::{self, Files};
use crate::exact::{Constituents, ExactError, Rescale, exact_over_live, over_live};
use crate::graph::{Graph, GraphError, GraphInput, Kind, simplify};
use crate::inputs::InputsSpec;
use crate::plan::{Blocks, Choice, Isa, Layouts, Plan, PlanError};
use crate::quantise::{
    Activations, Calibration, Options, QuantiseError, Quantised, centre, constituents,
    quantise_graph,
};
use crate::recognise::{Network, RecogniseError, Score, recognise};

/// What a compilation gives.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// Program, formats and what the calibration saw.
    pub quantised: Quantised,
    /// How the network became integers.
    pub road: Road,
    /// What is computed of slots that are treated alike, where the network was not recognised.
    pub constituents: Constituents,
    /// The emitted crate's files.
    pub files: Files,
    /// For each instruction set what its plan chose.
    pub planned: Vec<Planned>,
}

/// How a network becomes an integer program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Road {
    /// Recognised as a deep set or a chain of dense layers: computed row by row, of live constituents only.
    Recognised,
    /// In general: quantisers are inserted into the graph as it stands.
    General {
        /// Why it was not recognised.
        because: String,
    },
    /// It came with its own quantisers.
    Own,
}

impl fmt::Display for Road {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recognised => {
                f.write_str("recognised as layers of constituents and of the event")
            }
            Self::General { because } => write!(
                f,
                "quantisers inserted into the graph as it stands, since as a set or a chain of layers: {because}"
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
    /// The graph is no network that this version lowers.
    #[error(transparent)]
    Recognise(#[from] RecogniseError),
    /// Neither road takes the network.
    #[error("{general}; nor as the set that was stated: {recognised}")]
    Neither {
        /// Why it is no deep set or chain of dense layers.
        recognised: Box<CompileError>,
        /// Why quantisers in its graph do not help.
        general: QuantiseError,
    },
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
    /// A multiplicity was asked for where no set was recognised.
    #[error("--multiplicity: no set was recognised of which constituents could be left out: {0}")]
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
    let (mut quantised, road) = quantised(&graph, name, spec, score, calibration, options)?;
    if let Some(multiplicity) = spec.multiplicity() {
        if let Road::General { because } = road {
            return Err(CompileError::NoSet(because));
        }
        keep(&mut quantised.program, multiplicity)?;
    }
    let mut constituents = Constituents::None;
    if matches!(road, Road::General { .. }) {
        let padded = quantised.program;
        (quantised.program, constituents) = over_live(padded, &graph, spec);
    }
    let plans = plans(&quantised.program, targets)?;
    let files = emit::emit_crate(&plans);
    let planned = plans.into_iter().map(planned).collect();
    Ok(Compiled {
        quantised,
        road,
        constituents,
        files,
        planned,
    })
}

/// The integers of a simplified float graph: as a recognised network, or else in general.
///
/// # Errors
/// When an input, a score or an option is not the model's, or neither road takes a node.
pub fn quantised(
    graph: &Graph,
    name: &str,
    spec: &InputsSpec,
    score: Option<&Score>,
    calibration: &Calibration,
    options: &Options,
) -> Result<(Quantised, Road), CompileError> {
    let centred = centre(graph, calibration).map_err(QuantiseError::from)?;
    let graph = centred.as_ref().unwrap_or(graph);
    // What the user said of the model comes first; that a graph is no network is no matter.
    let network = match recognise(graph, spec, score) {
        Ok(network) => Ok(network),
        Err(reason @ (RecogniseError::Node { .. } | RecogniseError::Sets { .. })) => Err(reason),
        Err(other) => return Err(other.into()),
    };
    let made = quantise_graph(graph, name, spec, score, calibration, options);
    let (made, because) = match (network, made) {
        (Ok(network), Ok(made)) => match of_network(&network, made, graph, spec, calibration)? {
            (made, Constituents::All { because }) => (made, because),
            (made, _) => return Ok((made, Road::Recognised)),
        },
        (Err(reason), Ok(made)) => (made, reason.to_string()),
        // That a network is no set says something of it only where somebody said that it is one.
        (Err(reason), Err(general)) if spec.states_set() => {
            return Err(CompileError::Neither {
                recognised: Box::new(reason.into()),
                general,
            });
        }
        (_, Err(general)) => return Err(general.into()),
    };
    Ok((made, Road::General { because }))
}

/// The program of a recognised network over its live constituents, or why over all slots.
fn of_network(
    network: &Network,
    made: Quantised,
    graph: &Graph,
    spec: &InputsSpec,
    calibration: &Calibration,
) -> Result<(Quantised, Constituents), CompileError> {
    let Some(set) = &network.set else {
        return Ok((made, Constituents::None));
    };
    let (program, found) = over_live(made.program, graph, spec);
    let mut made = Quantised { program, ..made };
    let (Constituents::Live, Some(own)) = (&found, made.program.sets.first_mut()) else {
        return Ok((made, found));
    };
    own.order = set.order.map(|(input, channel)| WordRef {
        input: InputId::new(input),
        channel,
    });
    let (multiplicity, lost) = constituents(network, spec, calibration)?;
    if let Some(report) = &mut made.calibration {
        (report.mean_multiplicity, report.lost) = (multiplicity, lost);
    }
    Ok((made, found))
}

/// The road that a simplified graph takes, without events to calibrate it: those of a trial are made up, and decide no
/// more than formats.
///
/// # Errors
/// As [`quantised`].
pub fn road(graph: &Graph, spec: &InputsSpec) -> Result<Road, CompileError> {
    let refused = match recognise(graph, spec, None) {
        Ok(_) => return Ok(Road::Recognised),
        Err(error) => error,
    };
    let event = |input: &GraphInput| {
        let elements = graph.elements(input.value);
        let between = |e: usize| (e * 7 % 16) as f32 / 8.0 - 1.0;
        match input.kind {
            Kind::Float => (0..2 * elements).map(between).collect(),
            Kind::Int | Kind::Bool => vec![0.0; 2 * elements],
        }
    };
    let events = graph.inputs().iter().map(event).collect();
    let Ok(calibration) = Calibration::new(graph, events) else {
        return Err(refused.into());
    };
    let options = Options {
        activations: Activations::Eight,
        ..Options::default()
    };
    quantised(graph, "trial", spec, None, &calibration, &options).map(|(_, road)| road)
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
        return Err(CompileError::NoSet("the network has none".to_owned()));
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
