//! `hodoscope inspect`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use hodoscope_compiler::graph::{Graph, Op, ValueId, simplify};
use hodoscope_compiler::{import, inputs::InputsSpec, recognise::recognise};
use serde_json::{Value, json};

use crate::commands::compile;
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
}

pub fn inspect(args: &Args) -> Result<Report> {
    let named = || args.model.display().to_string();
    if !args.model.exists() {
        bail!("{}: no such file", named());
    }
    let options = import::Options {
        extents: args.extents.iter().cloned().collect(),
    };
    let imported = import::load_with(&args.model, &options).with_context(named)?;
    let graph = simplify(&imported).with_context(named)?;
    let spec = compile::read_spec(&args.model, None)?;
    let unsupported = recognise(&graph, &spec, None)
        .err()
        .map(|error| error.to_string());

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
    let _ = match &unsupported {
        None => writeln!(text, "  `hodoscope compile` supports it"),
        Some(reason) => writeln!(text, "  not supported by `hodoscope compile`: {reason}"),
    };
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
        "supported": unsupported.is_none(),
        "unsupported": unsupported,
    });
    Ok(Report::new(text, json))
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
        Op::Dense { weights, bias } => weights.data.len() + bias.len(),
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
