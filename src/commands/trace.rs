//! `hodoscope trace`.

use std::path::PathBuf;

use anyhow::{Result, bail};
use hodoscope_interpreter::Trace;
use hodoscope_program::Program;
use hodoscope_sim::encode::Events;
use hodoscope_sim::targets::{BuildOptions, Layer};
use serde_json::{Value, json};

use crate::execute::{self, Deployed};
use crate::files::Columns;
use crate::float;
use crate::layers::FloatLayers;
use crate::model_dir::ModelDir;
use crate::place::Place;
use crate::report::{Report, Table, number, thousands};

/// Show every layer: range of values, error against float, and the first layer that differs
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hodoscope trace pfn-qg --inputs models/pfn-qg/test.npz --on native --events 20

Ranges and errors are the interpreter's; a layer of a target that differs from it is named, and the
exit code is 1. With --event, --json also holds the raws of that event.")]
pub struct Args {
    /// Compiled model, as `hodoscope compile` makes it
    dir: PathBuf,
    /// Events: arrays named by the model's inputs, first axis = events; npz, npy, parquet or HDF5, of which FILE:GROUP names a group
    #[arg(long, value_name = "FILE")]
    inputs: PathBuf,
    #[command(flatten)]
    columns: Columns,
    /// interpreter, native, or a board
    #[arg(long, value_name = "WHERE", default_value = "interpreter")]
    on: Place,
    /// Number of events, the first of the file
    #[arg(long, value_name = "N", default_value_t = 100)]
    events: usize,
    /// This event only
    #[arg(long, value_name = "INDEX", conflicts_with = "events")]
    event: Option<usize>,
}

/// What was seen of one value of the program.
#[derive(Clone, Debug, Default)]
struct Seen {
    count: u64,
    minimum: i64,
    maximum: i64,
    least: f64,
    largest: f64,
    /// Raws at an end of the type.
    at_limit: u64,
    /// Against float, where the graph has the same numbers.
    squared_error: f64,
    squared_float: f64,
    compared: u64,
    /// Raws shown by the target, and those that differ.
    shown: u64,
    different: u64,
}

/// The first raw of a target that is not the interpreter's.
struct Difference {
    event: usize,
    value: usize,
    row: usize,
    channel: usize,
    expected: i64,
    got: i64,
}

pub fn trace(args: &Args) -> Result<Report> {
    if args.on == Place::Float {
        bail!(
            "--on float: float is what errors are measured against; use interpreter, native or a board"
        );
    }
    let model = ModelDir::read(&args.dir)?;
    let npz = args.columns.read(&args.inputs)?;
    let events = execute::events(&model.program, &npz)?;
    let chosen = match args.event {
        Some(event) if event >= events.len() => {
            bail!(
                "--event {event}: {} holds {} events",
                args.inputs.display(),
                events.len()
            )
        }
        Some(event) => event..event + 1,
        None => 0..args.events.min(events.len()),
    };
    if chosen.is_empty() {
        bail!("--events 0: there is nothing to show");
    }
    let interpreter = execute::interpreter(&model.program)?;
    let graph = float::load(&model.onnx(), &model.import_options())?;
    let mut float = FloatLayers::new(&graph, &model, &npz)?;
    let shown = match &args.on {
        Place::Board(name) => {
            let options = BuildOptions {
                trace: true,
                ..BuildOptions::default()
            };
            let deployed = Deployed::build(&model, name, &options)?;
            Some(deployed.trace(chosen.clone().map(|event| events.payload(event)))?)
        }
        _ => None,
    };
    let mut seen = vec![Seen::default(); model.program.values.len()];
    let mut first = None;
    let mut raws = json!(null);
    for (index, event) in chosen.clone().enumerate() {
        let trace = interpreter.trace(&events.event(event))?;
        look(&model.program, &trace, &mut seen);
        float.run(event)?;
        if index == 0 {
            float.align(&model.program, &trace);
        }
        compare_float(&model.program, &events, event, &trace, &float, &mut seen);
        if let Some(shown) = &shown {
            let found = compare_target(&model.program, event, &trace, &shown[index], &mut seen);
            first = first.or(found);
        }
        if args.event.is_some() {
            let values = model.program.values.iter().zip(&trace.values);
            let values = values.map(|(value, raws)| (value.name.clone(), json!(raws)));
            raws = values.collect::<serde_json::Map<_, _>>().into();
        }
    }
    let failed = first.as_ref().map(|first| describe(&model.program, first));
    let text = text(&model, args, chosen.len(), &seen);
    let mut json = json(&model, &seen);
    json["on"] = json!(args.on.to_string());
    json["events"] = json!(chosen.len());
    json["raws"] = raws;
    json["first_difference"] = first.map_or(Value::Null, |first| {
        json!({
            "layer": model.program.values[first.value].name,
            "event": first.event,
            "row": first.row,
            "channel": first.channel,
            "expected_raw": first.expected,
            "got_raw": first.got,
        })
    });
    Ok(Report { text, json, failed })
}

fn look(program: &Program, trace: &Trace, seen: &mut [Seen]) {
    for ((value, raws), seen) in program.values.iter().zip(&trace.values).zip(seen) {
        let channels = value.shape.channels();
        for (index, &raw) in raws.iter().enumerate() {
            let real = raw as f64 * value.scale.lsb(index % channels);
            let first = seen.count == 0;
            seen.minimum = if first { raw } else { seen.minimum.min(raw) };
            seen.maximum = if first { raw } else { seen.maximum.max(raw) };
            seen.least = if first { real } else { seen.least.min(real) };
            seen.largest = if first { real } else { seen.largest.max(real) };
            let limit = raw == value.element.maximum()
                || (value.element.signed && raw == value.element.minimum());
            seen.at_limit += u64::from(limit);
            seen.count += 1;
        }
    }
}

fn compare_float(
    program: &Program,
    events: &Events,
    event: usize,
    trace: &Trace,
    float: &FloatLayers<'_>,
    seen: &mut [Seen],
) {
    for (id, value) in program.values() {
        let Some(numbers) = float.values(id) else {
            continue;
        };
        let channels = value.shape.channels();
        let raws = &trace.values[id.index()];
        let slots: Vec<usize> = match value.shape.set() {
            Some(set) => events.live_slots(program, event, set),
            None => (0..raws.len() / channels).collect(),
        };
        // Beyond the capacity the program keeps the hardest, and rows no longer correspond.
        if slots.len() * channels != raws.len() {
            continue;
        }
        let seen = &mut seen[id.index()];
        for (row, slot) in raws.chunks(channels).zip(slots) {
            let Some(numbers) = numbers.get(slot * channels..(slot + 1) * channels) else {
                continue;
            };
            for (channel, (&raw, &number)) in row.iter().zip(numbers).enumerate() {
                let number = f64::from(number);
                if !number.is_finite() {
                    continue;
                }
                seen.squared_error += (raw as f64 * value.scale.lsb(channel) - number).powi(2);
                seen.squared_float += number * number;
                seen.compared += 1;
            }
        }
    }
}

fn compare_target(
    program: &Program,
    event: usize,
    trace: &Trace,
    layers: &[Layer],
    seen: &mut [Seen],
) -> Option<Difference> {
    for layer in layers {
        let value = usize::from(layer.value);
        let Some(seen) = seen.get_mut(value) else {
            continue;
        };
        let expected = expected_row(program, &trace.values, layer);
        let pairs = layer.raws.iter().zip(expected);
        seen.shown += layer.raws.len() as u64;
        seen.different += pairs.filter(|(got, expected)| got != expected).count() as u64;
    }
    first_difference(program, &trace.values, layers).map(|difference| Difference {
        event,
        ..difference
    })
}

fn expected_row<'a>(program: &Program, expected: &'a [Vec<i64>], layer: &Layer) -> &'a [i64] {
    let (value, row) = (usize::from(layer.value), usize::from(layer.row));
    let channels = program
        .values
        .get(value)
        .map_or(0, |value| value.shape.channels());
    let values = expected.get(value).map_or(&[][..], Vec::as_slice);
    values
        .get(row * channels..(row + 1) * channels)
        .unwrap_or(&[])
}

/// The first value, in the program's order, in which a target's layers are not as `expected`.
fn first_difference(
    program: &Program,
    expected: &[Vec<i64>],
    layers: &[Layer],
) -> Option<Difference> {
    // Streamed layers come row by row.
    let mut ordered: Vec<&Layer> = layers.iter().collect();
    ordered.sort_by_key(|layer| (layer.value, layer.row));
    ordered.iter().find_map(|layer| {
        let row = expected_row(program, expected, layer);
        let channel = layer
            .raws
            .iter()
            .zip(row)
            .position(|(got, expected)| got != expected)?;
        Some(Difference {
            event: 0,
            value: layer.value.into(),
            row: layer.row.into(),
            channel,
            expected: row[channel],
            got: layer.raws[channel],
        })
    })
}

/// The layer in which a trace build first differs from the interpreter, for `verify`.
pub struct FirstLayer {
    /// Name of the value.
    pub name: String,
    /// Row of its set.
    pub row: usize,
    /// Channel of the row.
    pub channel: usize,
    /// The interpreter's raw.
    pub expected: i64,
    /// The target's raw.
    pub got: i64,
}

/// Compares one event's layers with the interpreter's.
pub fn first_layer(program: &Program, trace: &Trace, layers: &[Layer]) -> Option<FirstLayer> {
    first_difference(program, &trace.values, layers).map(|difference| FirstLayer {
        name: program.values[difference.value].name.clone(),
        row: difference.row,
        channel: difference.channel,
        expected: difference.expected,
        got: difference.got,
    })
}

fn describe(program: &Program, first: &Difference) -> String {
    format!(
        "event {}: the first layer that differs is `{}` (row {}, channel {}): {} instead of {}",
        first.event,
        program.values[first.value].name,
        first.row,
        first.channel,
        first.got,
        first.expected
    )
}

impl Seen {
    /// rms error against float, and relative to the rms of the float values.
    fn error(&self) -> Option<(f64, f64)> {
        (self.compared > 0).then(|| {
            let rms = (self.squared_error / self.compared as f64).sqrt();
            (rms, (self.squared_error / self.squared_float).sqrt())
        })
    }
}

fn text(model: &ModelDir, args: &Args, events: usize, seen: &[Seen]) -> String {
    let header = [
        "layer",
        "operation",
        "type",
        "raws",
        "values",
        "at limit",
        "rms error",
        "relative",
        "differ",
    ];
    let mut table = Table::new(header);
    for (value, seen) in model.program.values.iter().zip(seen) {
        let (rms, relative) = match seen.error() {
            Some((rms, relative)) => (format!("{rms:.2e}"), format!("{:.3} %", 100.0 * relative)),
            None => ("–".to_owned(), "–".to_owned()),
        };
        table.row([
            value.name.clone(),
            value.operation.keyword().to_owned(),
            value.element.to_string(),
            format!("{} … {}", seen.minimum, seen.maximum),
            format!("{:.4} … {:.4}", seen.least, seen.largest),
            format!(
                "{:.3} %",
                100.0 * seen.at_limit as f64 / seen.count.max(1) as f64
            ),
            rms,
            relative,
            match seen.shown {
                0 => "–".to_owned(),
                _ => thousands(seen.different),
            },
        ]);
    }
    format!(
        "{} on {}: {} events; errors against float where the graph has the same layer\n{table}",
        model.program.name,
        args.on,
        thousands(events as u64)
    )
}

fn json(model: &ModelDir, seen: &[Seen]) -> Value {
    let layers = model.program.values.iter().zip(seen).map(|(value, seen)| {
        json!({
            "name": value.name,
            "operation": value.operation.keyword(),
            "type": value.element.to_string(),
            "minimum_raw": seen.minimum,
            "maximum_raw": seen.maximum,
            "minimum_value": seen.least,
            "maximum_value": seen.largest,
            "raws": seen.count,
            "raws_at_limit": seen.at_limit,
            "rms_error": seen.error().map_or(Value::Null, |error| number(error.0)),
            "relative_rms_error": seen.error().map_or(Value::Null, |error| number(error.1)),
            "raws_compared": seen.shown,
            "raws_different": seen.different,
        })
    });
    json!({
        "model": model.program.name,
        "layers": layers.collect::<Vec<_>>(),
    })
}
