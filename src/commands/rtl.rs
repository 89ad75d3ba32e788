//! `hodoscope rtl`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use hodoscope_fabric::matrix::Aim;
use hodoscope_fabric::verilog::{self, Written};
use hodoscope_fabric::{Circuit, Cut, Options, Schedule};
use hodoscope_program::Program;
use hodoscope_sim::encode::Events;
use serde_json::{Value, json};

use super::verify::own;
use crate::digest;
use crate::fabric::{self, FOLDER, GENERATOR, read_report};
use crate::model_dir::{ModelDir, put, replace};
use crate::report::{Report, Table, number, thousands};
use crate::writable::{self, Maker};

/// Write a compiled model as logic: pipelined Verilog with a testbench
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hodoscope rtl vae-l1 --clock 100
  hodoscope verify vae-l1 --inputs models/vae-l1/test.npz --on fabric

One event goes in each clock, or one constituent of a set, and its outputs come out after the clocks that are stated. Where to cut follows
from a model of delays, which is no promise of a clock: place the Verilog for that.

OUT holds Verilog-2005 (a module for each layer), a testbench with vectors for it, and report.json.")]
pub struct Args {
    /// Compiled model, as `hodoscope compile` makes it
    dir: PathBuf,
    /// Directory to make [default: DIR/rtl]
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// Clock that the logic between two registers is cut for [default: 100]
    #[arg(long, value_name = "MHz", value_parser = megahertz, conflicts_with = "stages")]
    clock: Option<f64>,
    /// Clocks of an event, instead of a clock: cut as evenly as can be
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    stages: Option<u32>,
    /// As few adders as are found, even where more of them stand one behind the other
    #[arg(long)]
    fewest: bool,
    /// Replace OUT where `hodoscope rtl` made it
    #[arg(long)]
    force: bool,
}

/// Megahertz where nothing is said.
const CLOCK: f64 = 100.0;
/// Events for the testbench.
const VECTORS: usize = 256;

fn megahertz(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(clock) if (1e-3..=1e6).contains(&clock) => Ok(clock),
        _ => Err("a clock is 0.001 to 1000000 MHz".to_owned()),
    }
}

pub fn rtl(args: &Args) -> Result<Report> {
    let model = ModelDir::read(&args.dir)?;
    let program = &model.program;
    let out = args.output.clone().unwrap_or_else(|| args.dir.join(FOLDER));
    check_writable(&out, args.force)?;
    let options = Options {
        aim: if args.fewest {
            Aim::Fewest
        } else {
            Aim::Shallow
        },
    };
    let cut = match args.stages {
        Some(stages) => Cut::Stages(stages),
        None => Cut::Clock(args.clock.unwrap_or(CLOCK)),
    };
    let circuit = Circuit::of(program, options)?;
    let schedule = Schedule::of(&circuit, cut);
    if let Cut::Stages(stages) = cut
        && schedule.latency > stages
    {
        bail!(
            "--stages {stages}: {} are the least, as pools and outputs are registers",
            schedule.latency
        );
    }
    let written = verilog::write(&circuit, &schedule, &digest::sha256(program));
    let report = facts(program, &circuit, &schedule, &written, args);
    let (vectors, expected) = vectors(program, &circuit)?;
    replace(&out, args.force, |new| {
        for (name, text) in &written.files {
            put(new, name, text)?;
        }
        put(new, "vectors.txt", &vectors)?;
        put(new, "expected.txt", &expected)?;
        put(new, "report.json", &format!("{report:#}\n"))
    })?;
    Ok(Report::new(
        text(&circuit, &schedule, &out, &report),
        report,
    ))
}

const MAKER: Maker = Maker {
    command: "hodoscope rtl",
    makes: "Verilog",
};

/// Refuses a directory that `hodoscope rtl` did not make, and with `force` permits one that it made.
fn check_writable(dir: &Path, force: bool) -> Result<()> {
    let names = writable::names(dir)?;
    if names.is_empty() {
        return Ok(());
    }
    let foreign = read_report(dir).ok().map(|report| {
        let ours = report["files"].as_array().map_or(&[][..], Vec::as_slice);
        let names = names.iter().map(|name| name.to_string_lossy().into_owned());
        names
            .filter(|name| !ours.iter().any(|own| own == name) && name != "report.json")
            .collect()
    });
    MAKER.check(dir, force, foreign)
}

/// Lines for the testbench: events that reach limits, tables and branches, and what the interpreter makes of them.
fn vectors(program: &Program, circuit: &Circuit) -> Result<(String, String)> {
    let none = Events::of_words(program, &[]);
    let made = own::vectors(program, none, VECTORS, 1)?;
    let (mut vectors, mut expected) = (String::new(), String::new());
    for group in &made.groups {
        for (event, raws) in group.expected.iter().enumerate() {
            let inputs = group.events.event(event).inputs;
            verilog::beats(circuit, &inputs, &mut vectors);
            let mut rest = raws.as_slice();
            let outputs = circuit.outputs.iter().map(|output| {
                let (own, behind) = rest.split_at(output.wires.len());
                rest = behind;
                own.to_vec()
            });
            let outputs: Vec<Vec<i64>> = outputs.collect();
            let is_marked = fabric::is_marked(program, circuit, &group.events, event);
            let answer = verilog::answer(circuit, (!is_marked).then_some(&outputs[..]));
            let _ = writeln!(expected, "{answer}");
        }
    }
    Ok((vectors, expected))
}

fn facts(
    program: &Program,
    circuit: &Circuit,
    schedule: &Schedule,
    written: &Written,
    args: &Args,
) -> Value {
    let layers = circuit.layers.iter().map(|layer| {
        json!({
            "layer": layer.name,
            "rows": layer.rows,
            "signed_digits": layer.digits,
            "adders_of_a_row": layer.adders,
            "adders_one_behind_the_other": layer.depth,
        })
    });
    let mut files: Vec<&str> = written.files.keys().map(String::as_str).collect();
    files.extend(["expected.txt", "vectors.txt"]);
    files.sort_unstable();
    let stages = args.stages;
    let clock = stages.is_none().then(|| args.clock.unwrap_or(CLOCK));
    json!({
        "generator": GENERATOR,
        "hodoscope_version": env!("CARGO_PKG_VERSION"),
        "model": program.name,
        "program_sha256": digest::sha256(program),
        "options": {
            "clock_mhz": clock,
            "stages": stages,
            "adders": if args.fewest { "fewest" } else { "shallow" },
        },
        "top": written.top,
        "files": files,
        "latency_clocks": schedule.latency,
        "latency_is_from": match circuit.stream { Some(_) => "the last constituent", None => "the event" },
        "initiation_interval_clocks": 1,
        "one_each_clock": match circuit.stream { Some(_) => "constituent", None => "event" },
        "adders": circuit.adders(),
        "multipliers": circuit.multipliers(),
        "register_bits": schedule.register_bits(circuit),
        "table_bits": circuit.table_bits(),
        "longest_logic_ns": { "model": "ecp5", "value": number(f64::from(schedule.longest) / 1e3) },
        "layers": layers.collect::<Vec<_>>(),
    })
}

fn text(circuit: &Circuit, schedule: &Schedule, out: &Path, report: &Value) -> String {
    let mut table = Table::new(["layer", "rows", "signed digits", "adders of a row", "deep"]);
    for layer in &circuit.layers {
        table.row([
            layer.name.clone(),
            layer.rows.to_string(),
            thousands(layer.digits as u64),
            thousands(layer.adders as u64),
            layer.depth.to_string(),
        ]);
    }
    let of = match &circuit.stream {
        Some(stream) => format!(
            "one constituent of `{}` each clock, outputs {} clocks after the last",
            stream.name, schedule.latency
        ),
        None => format!(
            "one event each clock, outputs {} clocks later",
            schedule.latency
        ),
    };
    let longest = f64::from(schedule.longest) / 1e3;
    let mut text = format!(
        "{}: {of}\n{table}  {} adders, {} multipliers, {} bits of registers, {} bits of tables\n  \
         longest logic between registers {longest:.1} ns by a model of an ECP5, not placed\n",
        circuit.name,
        thousands(circuit.adders() as u64),
        thousands(circuit.multipliers() as u64),
        thousands(schedule.register_bits(circuit)),
        thousands(circuit.table_bits()),
    );
    if schedule.longest > schedule.period && report["options"]["clock_mhz"].is_number() {
        let _ = writeln!(
            text,
            "  warning: that is longer than the period of {:.1} ns: no single adder, table or product is cut",
            f64::from(schedule.period) / 1e3
        );
    }
    if let Some(stream) = circuit.stream.as_ref().filter(|s| s.is_ordered) {
        let _ = writeln!(
            text,
            "  an event of more than {} live constituents is marked (out_over): there is no logic that finds the hardest",
            stream.capacity
        );
    }
    let _ = writeln!(text, "  written to {}", out.display());
    text
}
