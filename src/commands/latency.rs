//! `hodoscope latency`.

mod fabric;

use std::path::PathBuf;

use anyhow::{Result, bail};
use hodoscope_sim::metrics::LinearFit;
use hodoscope_sim::targets::Board;
use hodoscope_sim::targets::board::Runner;
use hodoscope_sim::timing::{Part, Share};
use serde_json::{Value, json};

use crate::budget::{self, Budget, BudgetFile, Outcome};
use crate::execute::{NATIVE, NATIVE_BOARD};
use crate::fabric::{FOLDER, NAME};
use crate::measure::{Cycles, MODELLED, Measured, REPEATS, Unit, worst};
use crate::model_dir::ModelDir;
use crate::notes;
use crate::own_boards;
use crate::place::Place;
use crate::report::{Report, Table, thousands};

/// Instructions and cycles of an event, by multiplicity and layer
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hodoscope latency pfn-qg --on mps2-an386 picorv32
  hodoscope latency pfn-qg --on all

Emulated boards count instructions, and cycles are modelled: the executed instructions, one after the
other, priced with the cost table of the board's core, or of another one with --core. Soft-cores (RTL)
count cycles: the difference of two readings of the cycle counter, one right before the inference and
one right after it. For these the instructions, the cycles that the core's table predicts, and the most
that any event of the multiplicity can take are computed from the code, without running it.

Events are made up: for every multiplicity two, or --repeats, with different random words. Their counts must agree,
as they may depend on the multiplicity only; if they do not, the exit code is 1. On a core with
caches cycles may differ, and the larger count is shown.

With --budget, or with budgets for the board in DIR/budget.toml, the worst case over multiplicity must
fit, else the exit code is 1, and what would fit is looked for by building and measuring it: a smaller
multiplicity, another emulated board.")]
pub struct Args {
    /// Compiled model, as `hodoscope compile` makes it
    dir: PathBuf,
    /// Emulated boards and soft-cores; `all` is every one of them. `fabric` is the Verilog that `hodoscope rtl DIR` wrote
    #[arg(long, value_name = "BOARD", required = true, num_args = 1.., value_delimiter = ',')]
    on: Vec<Place>,
    /// Cost tables, instead of that of the board's core; it must execute the same instruction set
    #[arg(long = "core", value_name = "CORE", num_args = 1.., value_delimiter = ',',
          value_parser = clap::builder::PossibleValuesParser::new(hodoscope_cost::Core::names()))]
    cores: Vec<String>,
    /// What the worst event may take on each board: a time, cycles, a size of flash, ram:SIZE, or stack:SIZE
    #[arg(long = "budget", value_name = "50us|12000cycles|64KiB", num_args = 1.., value_delimiter = ',')]
    budgets: Vec<Budget>,
    /// Events of each multiplicity, of different words
    #[arg(long, value_name = "N", default_value_t = REPEATS as u16, value_parser = clap::value_parser!(u16).range(2..))]
    repeats: u16,
    /// Over budget, do not look for what would fit
    #[arg(long)]
    no_advice: bool,
}

/// Whether instructions or cycles of a board are counted here: `all` are these, and not what needs the board itself.
fn counts(board: &Board) -> bool {
    matches!(board.runner, Runner::Rtl(_)) || board.counts_instructions()
}

pub fn latency(args: &Args) -> Result<Report> {
    let mut names = Vec::new();
    let mut with_fabric = false;
    for place in &args.on {
        match place {
            Place::Board(name) if name == NAME => with_fabric = true,
            Place::Board(name) if name == "all" => {
                for name in own_boards::names() {
                    let board = own_boards::find(&name)?;
                    if name == NATIVE || !counts(&board) {
                        continue;
                    }
                    if board.has_network() && !args.dir.join(FOLDER).exists() {
                        notes::say(format!(
                            "note: {name} is left out, as its network is Verilog that is not there: hodoscope rtl {}",
                            args.dir.display()
                        ));
                        continue;
                    }
                    names.push(name);
                }
            }
            Place::Board(name) if ![NATIVE, NATIVE_BOARD].contains(&name.as_str()) => {
                names.push(name.clone())
            }
            _ => bail!(
                "--on {place}: instructions are counted on emulated boards only, and cycles on soft-cores"
            ),
        }
    }
    if with_fabric && names.is_empty() && !args.cores.is_empty() {
        bail!("--core: there are no instructions in `fabric`");
    }
    if with_fabric && !args.budgets.is_empty() {
        bail!("--budget: budgets are for boards; ask for `fabric` in a command of its own");
    }
    let model = ModelDir::read(&args.dir)?;
    let fabric = with_fabric.then(|| fabric::latency(&model)).transpose()?;
    let boards = names
        .into_iter()
        .map(|name| Measured::on(&model, &name, &args.cores, args.repeats.into()))
        .collect::<Result<Vec<_>>>()?;
    let mut failures: Vec<String> = boards
        .iter()
        .flat_map(|board| data_dependence(board).into_iter().chain(over_bound(board)))
        .collect();
    let file = BudgetFile::read(&args.dir.join(budget::FILE))?;
    let mut outcome = Outcome::default();
    for measured in &boards {
        let budgets = [file.of(&measured.board), args.budgets.clone()].concat();
        if args.no_advice {
            outcome.check(measured, &budgets)?;
        } else {
            outcome.hold(&model, measured, &budgets, &args.cores, None)?;
        }
    }
    failures.extend(outcome.failure());
    let mut text: String = boards.iter().map(|board| text(&model, board)).collect();
    if let Some(fabric) = &fabric {
        text += &fabric.text;
        failures.extend(fabric.failed.clone());
    }
    Ok(Report {
        text: text + &outcome.text(),
        json: json!({
            "model": model.program.name,
            "boards": boards.iter().map(|board| board_json(&model, board)).collect::<Vec<_>>(),
            "fabric": fabric.map(|fabric| fabric.json),
            "budgets": outcome.json(),
            "over_budget": !outcome.met(),
        }),
        failed: (!failures.is_empty()).then(|| failures.join("\n")),
    })
}

/// What is wrong when counts depend on more than the multiplicity.
fn data_dependence(measured: &Measured) -> Option<String> {
    let n = measured.spread.iter().position(|&spread| spread > 0)?;
    if measured.caches && measured.unit == Unit::Cycles {
        return None;
    }
    Some(format!(
        "{}: the number of {} depends on data: at {n} constituents by {}, at most by {}",
        measured.board,
        measured.unit.name(),
        measured.spread[n],
        measured.largest_spread()
    ))
}

/// What is wrong when a soft-core takes longer than it can.
fn over_bound(measured: &Measured) -> Option<String> {
    let n = measured.over_bound()?;
    Some(format!(
        "{}: {} cycles at {n} constituents, and the bound is {}: the core's table is wrong",
        measured.board,
        thousands(measured.counts[n]),
        thousands(measured.bounds[n].at_most)
    ))
}

/// A soft-core: what follows from the code beside what was counted.
fn bounds_text(measured: &Measured) -> String {
    let Some((median, largest)) = measured.model_error() else {
        return String::new();
    };
    let mut table = Table::new([
        "constituents",
        "instructions",
        "cycles",
        "modelled",
        "at most",
    ]);
    let predicted = measured.bounds.iter().zip(&measured.predicted);
    for (n, (&count, (bound, &predicted))) in measured.counts.iter().zip(predicted).enumerate() {
        table.row([
            n.to_string(),
            thousands(bound.instructions),
            thousands(count),
            thousands(predicted),
            thousands(bound.at_most),
        ]);
    }
    let counted = worst(&measured.counts).1;
    let bound = measured.bounds.iter().map(|bound| bound.at_most).max();
    let bound = bound.unwrap_or(0);
    format!(
        "{table}  {MODELLED} against RTL: median error {median:.2} %, largest {largest:.2} %\n  \
         static bound: at most {} cycles, {:.3} times the most counted; {} branches on data\n",
        thousands(bound),
        bound as f64 / counted as f64,
        measured
            .bounds
            .last()
            .map_or(0, |bound| bound.data_branches)
    )
}

/// For the terminal.
fn text(model: &ModelDir, measured: &Measured) -> String {
    let unit = measured.unit.name();
    let mut text = format!(
        "{} on {}: {}\n",
        model.program.name,
        measured.board,
        measured.unit.source()
    );
    if let (Some(hz), Some(source)) = (measured.clock_hz, &measured.clock_source) {
        text += &format!("  clock: {:.1} MHz, {source}\n", hz as f64 / 1e6);
    }
    match measured.fit() {
        // Without a set there is one point, and no line.
        None => {
            let only = measured.counts.first().copied().unwrap_or(0);
            text += &format!("  {} {unit} per event\n", thousands(only));
        }
        Some(fit) => {
            if measured.bounds.is_empty() {
                text += &multiplicities(measured);
            }
            text += &line(&fit, unit);
        }
    }
    text += &bounds_text(measured);
    for cycles in &measured.modelled {
        text += &cycles_text(model, measured, cycles);
    }
    text += &format!(
        "  the whole firmware: {} bytes of flash, {} bytes of RAM without stack",
        thousands(measured.sizes.flash()),
        thousands(measured.sizes.ram())
    );
    if let Some(stack) = measured.stack {
        text += &format!(", {} bytes of stack used", thousands(stack));
    }
    text += &format!(
        "\n  its flash: {} bytes of code, {} of weights, {} of tables, {} of other constants\n",
        thousands(measured.sizes.text),
        thousands(measured.weight_bytes),
        thousands(measured.table_bytes),
        thousands(measured.other_constants())
    );
    if let (Some(n), None) = (
        measured.spread.iter().position(|&spread| spread > 0),
        data_dependence(measured),
    ) {
        text += &format!(
            "  its caches let cycles depend on data: at {n} constituents by {}, at most by {}\n",
            measured.spread[n],
            measured.largest_spread()
        );
    }
    text
}

/// A row for each multiplicity.
fn multiplicities(measured: &Measured) -> String {
    let unit = measured.unit.name();
    let Some(first) = measured.modelled.first() else {
        let mut table = Table::new(["constituents", unit, "µs"]);
        for (n, &count) in measured.counts.iter().enumerate() {
            // Only cycles have a time.
            let time = match measured.unit {
                Unit::Cycles => measured.microseconds(count),
                Unit::Instructions => None,
            };
            table.row([n.to_string(), thousands(count), microseconds(time)]);
        }
        return table.to_string();
    };
    let mut table = Table::new(["constituents", unit, "cycles", "µs"]);
    let counts = measured.counts.iter().zip(&first.by_multiplicity);
    for (n, (&count, &cycles)) in counts.enumerate() {
        table.row([
            n.to_string(),
            thousands(count),
            thousands(cycles),
            microseconds(measured.microseconds(cycles)),
        ]);
    }
    table.to_string()
}

fn microseconds(time: Option<f64>) -> String {
    time.map_or_else(|| "–".to_owned(), |time| format!("{time:.1}"))
}

fn line(fit: &LinearFit, unit: &str) -> String {
    format!(
        "  fit: {:.1} + {:.2} · n {unit}, residual rms {:.1}, largest {:.1}\n",
        fit.intercept, fit.slope, fit.rms_residual, fit.largest_residual
    )
}

/// One core: the worst case, and what each layer takes of it.
fn cycles_text(model: &ModelDir, measured: &Measured, cycles: &Cycles) -> String {
    let (n, worst) = cycles.worst();
    let mut text = format!("  as {}: {MODELLED}", cycles.core.name());
    if let Some(why) = cycles.core.approximate() {
        text += &format!(", approximate: {why}");
    }
    text += "\n";
    if let Some(fit) = cycles.fit() {
        text += &line(&fit, "cycles");
    }
    let time = match measured.microseconds(worst) {
        Some(time) => format!(", {time:.1} µs"),
        None => String::new(),
    };
    let at = match cycles.by_multiplicity.len() {
        1 => String::new(),
        _ => format!(" at {n} constituents"),
    };
    text += &format!("  worst case{at}: {} cycles{time}\n", thousands(worst));
    let mut table = Table::new(["layer", "operation", "instructions", "cycles", "share"]);
    for (part, share) in &cycles.parts {
        let (name, operation) = part_name(model, *part);
        table.row([
            name,
            operation.to_owned(),
            thousands(share.instructions),
            thousands(share.cycles),
            format!("{:.1} %", 100.0 * fraction(*share, worst)),
        ]);
    }
    text + &table.to_string()
}

fn fraction(share: Share, worst: u64) -> f64 {
    share.cycles as f64 / worst.max(1) as f64
}

/// Name and operation of a part.
fn part_name(model: &ModelDir, part: Part) -> (String, &'static str) {
    match part {
        Part::Value(index) => match model.program.values.get(index) {
            Some(value) => (value.name.clone(), value.operation.keyword()),
            None => (format!("value {index}"), "–"),
        },
        Part::Event => ("(event)".to_owned(), "read and select"),
    }
}

fn fit_json(fit: Option<LinearFit>, unit: &str) -> Value {
    fit.map_or(Value::Null, |fit| {
        json!({
            format!("{unit}_per_event"): fit.intercept,
            format!("{unit}_per_constituent"): fit.slope,
            format!("rms_residual_{unit}"): fit.rms_residual,
            format!("largest_residual_{unit}"): fit.largest_residual,
        })
    })
}

fn board_json(model: &ModelDir, measured: &Measured) -> Value {
    let unit = measured.unit.name();
    let worst = measured.cycles().map(|(source, cycles)| {
        let (n, cycles) = worst(cycles);
        json!({
            "source": source,
            "multiplicity": n,
            "cycles": cycles,
            "microseconds": measured.microseconds(cycles),
        })
    });
    json!({
        "board": measured.board,
        "source": measured.unit.source(),
        "clock_hz": measured.clock_hz,
        "clock_source": measured.clock_source,
        format!("{unit}_by_multiplicity"): measured.counts,
        "fit": fit_json(measured.fit(), unit),
        "worst": worst,
        "modelled": measured.modelled.iter().map(|cycles| core_json(model, measured, cycles)).collect::<Vec<_>>(),
        "bounds": measured.bounds.iter().zip(&measured.predicted).map(|(bound, predicted)| json!({
            "instructions": bound.instructions,
            "modelled_cycles": predicted,
            "at_most_cycles": bound.at_most,
            "branches_on_data": bound.data_branches,
        })).collect::<Vec<_>>(),
        "median_model_error_percent": measured.model_error().map(|(median, _)| median),
        "largest_model_error_percent": measured.model_error().map(|(_, largest)| largest),
        // Of the whole firmware, without stack.
        "flash_bytes": measured.sizes.flash(),
        "code_bytes": measured.sizes.text,
        "weight_bytes": measured.weight_bytes,
        "table_bytes": measured.table_bytes,
        "other_constant_bytes": measured.other_constants(),
        "ram_bytes": measured.sizes.ram(),
        "stack_bytes": measured.stack,
        "depends_on_data": measured.largest_spread() > 0,
        format!("largest_data_dependence_{unit}"): measured.largest_spread(),
    })
}

fn core_json(model: &ModelDir, measured: &Measured, cycles: &Cycles) -> Value {
    let (n, worst) = cycles.worst();
    json!({
        "core": cycles.core.name(),
        "source": MODELLED,
        "approximate": cycles.core.approximate(),
        "documents": cycles.core.documents(),
        "cycles_by_multiplicity": cycles.by_multiplicity,
        "fit": fit_json(cycles.fit(), "cycles"),
        "worst_multiplicity": n,
        "worst_cycles": worst,
        "worst_microseconds": measured.microseconds(worst),
        "layers": cycles.parts.iter().map(|(part, share)| {
            let (name, operation) = part_name(model, *part);
            json!({
                "name": name,
                "operation": operation,
                "instructions": share.instructions,
                "cycles": share.cycles,
                "cycles_fraction": fraction(*share, worst),
            })
        }).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_what_counts_here() {
        let of = |name: &str| own_boards::find(name).is_ok_and(|board| counts(&board));
        for name in ["mps2-an386", "virt-rv32", "picorv32", "vexriscv-full"] {
            assert!(of(name), "{name}");
        }
        for name in ["pico", "pico2", "nrf52840-dk", "nucleo-h743zi"] {
            assert!(!of(name), "{name}");
        }
    }
}
