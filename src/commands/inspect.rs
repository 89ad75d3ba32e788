//! `hodoscope inspect`.

mod macs;
mod sets;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use hodoscope_compiler::exact::{
    Constituents, Quantisers, Rescale, axis, exact_over_live, quantisers,
};
use hodoscope_compiler::graph::{Graph, Op, ValueId, simplify};
use hodoscope_compiler::{CompileError, Road, import, inputs::InputsSpec, trial};
use serde_json::{Value, json};

use self::macs::Macs;

use crate::commands::compile;
use crate::compiled::road_json;
use crate::draft;
use crate::extents;
use crate::files::Columns;
use crate::report::{Report, Table, thousands};

/// Show what is inside a model: inputs, outputs, operators, parameters, and what is not supported
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  hodoscope inspect models/pfn-qg/model.onnx")]
pub struct Args {
    /// ONNX file
    model: PathBuf,
    /// Extent of an axis that the file leaves open: its name or INPUT:AXIS
    #[arg(long = "extent", value_name = "AXIS=N", value_parser = compile::parse_extent)]
    extents: Vec<(String, usize)>,
    /// Events from which --write-inputs takes ranges: arrays named by the model's inputs
    #[arg(long, value_name = "FILE", requires = "write_inputs")]
    calibration: Option<PathBuf>,
    #[command(flatten)]
    columns: Columns,
    /// Draft the detector words of a float network's inputs from --calibration [default: inputs.toml beside the model]
    #[arg(long, value_name = "inputs.toml", num_args = 0..=1, require_equals = true, requires = "calibration")]
    write_inputs: Option<Option<PathBuf>>,
    /// Replace a file that is there already
    #[arg(long, requires = "write_inputs")]
    force: bool,
}

pub fn inspect(args: &Args) -> Result<Report> {
    args.columns
        .unless_of_none(args.calibration.is_none(), "--calibration")?;
    let named = || args.model.display().to_string();
    if !args.model.exists() {
        bail!("{}: no such file", named());
    }
    let options = import::Options {
        extents: extents::once(&args.extents)?.iter().cloned().collect(),
    };
    let imported = import::load_with(&args.model, &options)
        .map_err(|error| others(&args.model, error))
        .with_context(named)?;
    let graph = simplify(&imported).with_context(named)?;
    let spec = compile::read_spec(&args.model, None)?;
    let own = |graph: &Graph| {
        let made = exact_over_live(graph, "trial", &spec, Rescale::Quotient)?;
        Ok::<_, CompileError>((Road::Own, made))
    };
    let float = || {
        let made = trial(&graph, &spec)?;
        Ok((Road::Inserted { instead: None }, made))
    };
    let made = match quantisers(&imported).with_context(named)? {
        Quantisers::None => float(),
        Quantisers::Stated => own(&imported),
        Quantisers::Spelled(spelled) => own(&spelled).or_else(|_| float()),
    };
    let (road, made, unsupported) = match made {
        Ok((road, made)) => (Some(road), Some(made), None),
        Err(error) => (None, None, Some(error.to_string())),
    };
    let computed = made.as_ref().map(|(_, computed)| computed);
    let is_live = matches!(computed, Some(Constituents::Live { .. }));
    let live = made
        .as_ref()
        .and_then(|(program, _)| sets::live(program, &spec));
    let slots = axis(&graph, &spec);

    let parameters = parameters(&graph);
    let operators = operators(&graph);
    let mut text = format!("{}: {}\n", named(), graph.name());
    let mut tensors = Table::new(["input or output", "shape"]);
    for (kind, name, value) in ends(&graph) {
        tensors.row([format!("{kind} {name}"), shape(graph.shape(value))]);
    }
    let _ = write!(text, "{tensors}");
    let mut counts = Table::new(["operator", "nodes"]);
    for (name, count) in &operators {
        counts.row([(*name).to_owned(), count.to_string()]);
    }
    let _ = write!(text, "{counts}");
    let _ = writeln!(text, "  {} parameters", thousands(parameters));
    let macs = Macs::of(&graph, slots.as_ref().filter(|_| is_live));
    text += &macs.described();
    if let Some(axis) = &slots {
        text += &sets::described(&graph, axis, computed);
    }
    if let Some(live) = &live {
        let _ = writeln!(text, "  live: {live}");
    }
    if let Some(road) = &road {
        let _ = writeln!(text, "  `hodoscope compile` supports it: {road}");
    }
    if let Some(reason) = &unsupported {
        let _ = writeln!(text, "  not supported by `hodoscope compile`: {reason}");
    }
    if spec == InputsSpec::default() {
        let _ = writeln!(
            text,
            "  no inputs.toml beside it: detector words are to be calibrated"
        );
    }
    let tensors = |wanted: &str| -> Vec<Value> {
        ends(&graph)
            .filter(|(kind, ..)| *kind == wanted)
            .map(|(_, name, value)| json!({ "name": name, "shape": graph.shape(value) }))
            .collect()
    };
    if let (Some(path), Some(calibration)) = (&args.write_inputs, &args.calibration) {
        let beside = || args.model.with_file_name("inputs.toml");
        let path = path.clone().unwrap_or_else(beside);
        let events = || args.columns.read(calibration);
        draft::write(&path, &graph, slots.as_ref(), events, args.force)?;
        let _ = writeln!(
            text,
            "  drafted {}: put in names, units and what the detector sends",
            path.display()
        );
    }
    let json = json!({
        "model": graph.name(),
        "inputs": tensors("input"),
        "outputs": tensors("output"),
        "operators": operators,
        "nodes": graph.nodes().iter().filter(|node| !is_constant(&node.op)).map(|node| json!({
            "name": node.name,
            "operator": node.op.name(),
            "shape": graph.shape(node.output),
        })).collect::<Vec<_>>(),
        "parameters": parameters,
        "macs_per_event": macs.event,
        "macs_per_constituent": macs.constituent,
        "set": made.as_ref().and_then(|(program, _)| sets::set(program, live.as_deref())),
        "set_axis": slots.as_ref().map(|axis| sets::json(&graph, axis, computed)),
        "supported": unsupported.is_none(),
        "road": road.as_ref().map(road_json),
        "unsupported": unsupported,
    });
    Ok(Report::new(text, json))
}

/// An operator that is not supported is rarely the only one: names the others, too.
fn others(model: &Path, error: import::ImportError) -> anyhow::Error {
    let import::ImportError::Operator { node, .. } = &error else {
        return error.into();
    };
    let more: Vec<String> = import::unsupported(model)
        .into_iter()
        .filter(|other| other.node != *node)
        .map(|other| format!("{} ('{}')", other.operator, other.node))
        .collect();
    if more.is_empty() {
        return error.into();
    }
    let shown: Vec<&str> = more.iter().take(20).map(String::as_str).collect();
    let rest = match more.len() - shown.len() {
        0 => String::new(),
        rest => format!(" and {rest} nodes more"),
    };
    anyhow::anyhow!("{error}; nor are {}{rest}", shown.join(", "))
}

fn is_constant(op: &Op) -> bool {
    matches!(op, Op::Constant(_))
}

fn ends(graph: &Graph) -> impl Iterator<Item = (&'static str, &str, ValueId)> {
    let inputs = graph
        .inputs()
        .iter()
        .map(|i| ("input", i.name.as_str(), i.value));
    let outputs = graph
        .outputs()
        .iter()
        .map(|o| ("output", o.name.as_str(), o.value));
    inputs.chain(outputs)
}

/// Nodes by operator, after simplification.
fn operators(graph: &Graph) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for node in graph.nodes().iter().filter(|node| !is_constant(&node.op)) {
        *counts.entry(node.op.name()).or_insert(0) += 1;
    }
    counts
}

/// Weights and constants, after simplification.
fn parameters(graph: &Graph) -> u64 {
    let of = |op: &Op| match op {
        Op::Constant(tensor) => tensor.data.len(),
        Op::Dense { weights, bias }
        | Op::Conv { weights, bias, .. }
        | Op::ConvTranspose { weights, bias, .. } => weights.data.len() + bias.len(),
        Op::ScaleShift { scale, shift, .. } => scale.len() + shift.len(),
        _ => 0,
    };
    graph.nodes().iter().map(|node| of(&node.op) as u64).sum()
}

/// The leading 1 is the event.
fn shape(extents: &[usize]) -> String {
    let inner = extents.iter().skip(1).map(ToString::to_string);
    std::iter::once("events".to_owned())
        .chain(inner)
        .collect::<Vec<_>>()
        .join(" × ")
}
