//! `hodoscope inspect`.

mod sets;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use hodoscope_compiler::exact::{
    Constituents, Quantisers, Rescale, axis, exact_over_live, quantisers,
};
use hodoscope_compiler::graph::{Comparison, Graph, Op, ValueId, simplify};
use hodoscope_compiler::recognise::{Layer, Network, NetworkSet, Rule, recognise};
use hodoscope_compiler::{CompileError, Road, import, inputs::InputsSpec, road};
use serde_json::{Value, json};

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
    let network = recognise(&graph, &spec, None).ok();
    let own = |graph: &Graph| {
        let (_, computed) = exact_over_live(graph, "trial", &spec, Rescale::Quotient)?;
        Ok::<_, CompileError>((Road::Own, computed))
    };
    // Of a float network inputs and nodes decide, not the trial's formats.
    let float = || road(&graph, &spec).map(|road| (road, Constituents::None));
    let trial = match quantisers(&imported).with_context(named)? {
        Quantisers::None => float(),
        Quantisers::Stated => own(&imported),
        Quantisers::Spelled(spelled) => own(&spelled).or_else(|_| float()),
    };
    let (road, computed, unsupported) = match trial {
        Ok((road, computed)) => (Some(road), Some(computed), None),
        Err(error) => (None, None, Some(error.to_string())),
    };
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
    let macs = network.as_ref().map(Macs::of);
    if let (Some(network), Some(macs)) = (&network, &macs) {
        text += &macs.described();
        if let Some(set) = &network.set {
            let _ = writeln!(text, "{}", described(network, set));
        }
    }
    if let Some(axis) = &slots {
        text += &sets::described(&graph, axis, computed.as_ref());
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
        draft::write(&path, &graph, network.as_ref(), events, args.force)?;
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
        "macs_per_event": macs.as_ref().map(|macs| macs.event),
        "macs_per_constituent": macs.as_ref().map(|macs| macs.constituent),
        "set": network.as_ref().and_then(|network| Some((network, network.set.as_ref()?))).map(|(network, set)| json!({
            "name": set.name,
            "capacity": set.capacity,
            "live": rule(network, set.live),
            "inputs": network.inputs.iter().filter(|i| i.in_set).map(|i| &i.name).collect::<Vec<_>>(),
        })),
        "set_axis": slots.as_ref().map(|axis| sets::json(&graph, axis, computed.as_ref())),
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

/// Multiply-accumulates of dense layers.
struct Macs {
    /// Once per event.
    event: u64,
    /// For each live constituent.
    constituent: u64,
    /// Largest multiplicity; 0 without a set.
    capacity: u64,
}

impl Macs {
    fn of(network: &Network) -> Self {
        let of = |per_constituent: bool| -> u64 {
            let nodes = network.nodes.iter();
            nodes
                .filter(|node| node.per_constituent == per_constituent)
                .map(|node| match &node.layer {
                    Layer::Dense { weights, .. } => weights.len() as u64,
                    _ => 0,
                })
                .sum()
        };
        Self {
            event: of(false),
            constituent: of(true),
            capacity: network.set.as_ref().map_or(0, |set| set.capacity as u64),
        }
    }

    fn described(&self) -> String {
        let total = |n: u64| thousands(self.event + n * self.constituent);
        let event = thousands(self.event);
        if self.capacity == 0 {
            return format!("  {event} MACs per event\n");
        }
        let mut table = Table::new(["constituents", "MACs per event"]);
        table.row([
            "n".to_owned(),
            format!("{event} + {} n", thousands(self.constituent)),
        ]);
        let mut shown = vec![0, 1, self.capacity / 2, self.capacity];
        shown.dedup();
        for n in shown {
            table.row([n.to_string(), total(n)]);
        }
        table.to_string()
    }
}

/// The recognised set, in a line.
fn described(network: &Network, set: &NetworkSet) -> String {
    let inputs: Vec<&str> = network
        .inputs
        .iter()
        .filter(|input| input.in_set)
        .map(|input| input.name.as_str())
        .collect();
    format!(
        "  set '{}' of {} slots in {}; live: {}",
        set.name,
        set.capacity,
        inputs.join(", "),
        rule(network, set.live)
    )
}

/// Which slots are live, in words.
fn rule(network: &Network, rule: Rule) -> String {
    let feature = |input: usize, channel: usize| {
        format!("feature {channel} of {}", network.inputs[input].name)
    };
    match rule {
        Rule::Mask(mask) => {
            let sign = match mask.comparison {
                Comparison::Greater => ">",
                Comparison::GreaterOrEqual => "≥",
                Comparison::Less => "<",
                Comparison::LessOrEqual => "≤",
                Comparison::Equal => "=",
            };
            let not = if mask.inverted { "not " } else { "" };
            let value = match (mask.scale, mask.shift) {
                (1.0, 0.0) => feature(mask.input, mask.channel),
                (scale, shift) => {
                    format!("{} · {scale} + {shift}", feature(mask.input, mask.channel))
                }
            };
            format!("{not}{value} {sign} {}", mask.threshold)
        }
        Rule::Weight { input, channel } => {
            format!("{} is a weight and not 0", feature(input, channel))
        }
        Rule::Any { input, value } => {
            format!(
                "some feature of {} is not {value}",
                network.inputs[input].name
            )
        }
        Rule::Padding => "no mask, padded slots count as the network says".to_owned(),
    }
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
