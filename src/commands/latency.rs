//! `hodoscope latency`.

use std::path::PathBuf;

use anyhow::{Result, bail};
use hodoscope_sim::elf::{Elf, Sizes};
use hodoscope_sim::encode::Events;
use hodoscope_sim::metrics::{LinearFit, linear_fit};
use hodoscope_sim::targets::BuildOptions;
use serde_json::{Value, json};

use crate::execute::{self, Deployed};
use crate::model_dir::ModelDir;
use crate::place::Place;
use crate::report::{Report, Table, thousands};

/// Seeds of the two sets of words whose instruction counts must agree.
const SEEDS: [u64; 2] = [1, 2];

/// Count the instructions of an event, or its cycles on a soft-core, by multiplicity
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hodoscope latency pfn-qg --on mps2-an386 picorv32

Emulated boards count instructions. Soft-cores (RTL) count cycles: the difference of two readings of
the cycle counter, one right before the inference and one right after it.

Events are made up: for every multiplicity two with different random words. Their counts must agree,
as they may depend on the multiplicity only; if they do not, the exit code is 1. On a core with a
data cache cycles may differ, and the larger count is shown.")]
pub struct Args {
    /// Compiled model, as `hodoscope compile` makes it
    dir: PathBuf,
    /// Emulated boards and soft-cores
    #[arg(long, value_name = "BOARD", required = true, num_args = 1.., value_delimiter = ',')]
    on: Vec<Place>,
}

/// Counts of one board.
struct Counts {
    board: String,
    clock_hz: Option<u64>,
    unit: Unit,
    /// Whether a data cache lets cycles depend on data.
    data_cache: bool,
    /// The larger count of the two events at each multiplicity.
    counts: Vec<u64>,
    /// Difference of the two events at each multiplicity: 0 unless data matter.
    spread: Vec<u64>,
    fit: Option<LinearFit>,
    sizes: Sizes,
}

/// What is counted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Instructions,
    Cycles,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Instructions => "instructions",
            Self::Cycles => "cycles",
        }
    }

    fn source(self) -> &'static str {
        match self {
            Self::Instructions => "emulated (instructions)",
            Self::Cycles => "RTL (cycles)",
        }
    }
}

impl Counts {
    fn largest_spread(&self) -> u64 {
        self.spread.iter().copied().max().unwrap_or(0)
    }
}

pub fn latency(args: &Args) -> Result<Report> {
    let mut names = Vec::new();
    for place in &args.on {
        match place {
            Place::Board(name) if name != "native" => names.push(name),
            _ => bail!(
                "--on {place}: instructions are counted on emulated boards only, and cycles on soft-cores"
            ),
        }
    }
    let model = ModelDir::read(&args.dir)?;
    let program = &model.program;
    execute::interpreter(program)?;
    let capacity = program
        .sets
        .iter()
        .map(|set| set.capacity)
        .max()
        .unwrap_or(0);
    let multiplicities: Vec<usize> = (0..=capacity).collect();
    let [first, second] = SEEDS.map(|seed| Events::synthetic(program, &multiplicities, seed));
    let mut boards = Vec::new();
    for name in names {
        let deployed = Deployed::build(&model, name, &BuildOptions::default())?;
        let [(unit, one), (_, two)] = [counted(&deployed, &first)?, counted(&deployed, &second)?];
        let pairs = || one.iter().zip(&two);
        let counts: Vec<u64> = pairs().map(|(a, b)| *a.max(b)).collect();
        let points: Vec<(f64, f64)> = multiplicities
            .iter()
            .zip(&counts)
            .map(|(&n, &count)| (n as f64, count as f64))
            .collect();
        boards.push(Counts {
            board: name.clone(),
            clock_hz: deployed.board.clock_hz,
            unit,
            data_cache: deployed.board.data_cache,
            spread: pairs().map(|(a, b)| a.abs_diff(*b)).collect(),
            counts,
            // Without a set there is one point, and no line.
            fit: linear_fit(&points).ok(),
            sizes: Elf::read(deployed.elf())?.sizes(),
        });
    }
    Ok(report(&model, &boards))
}

fn counted(deployed: &Deployed, events: &Events) -> Result<(Unit, Vec<u64>)> {
    let answers = deployed.run(events, true)?;
    let counted = match (answers.cycles, answers.instructions) {
        (Some(cycles), _) => (Unit::Cycles, cycles),
        (None, Some(instructions)) => (Unit::Instructions, instructions),
        (None, None) => bail!("{} counts no instructions", deployed.board.name),
    };
    if counted.1.len() != events.len() {
        bail!("{} did not count every event", deployed.board.name);
    }
    Ok(counted)
}

fn report(model: &ModelDir, boards: &[Counts]) -> Report {
    let mut text = String::new();
    let mut failures = Vec::new();
    for counts in boards {
        text += &format!(
            "{} on {}: {}\n",
            model.program.name,
            counts.board,
            counts.unit.source()
        );
        let unit = counts.unit.name();
        let mut table = Table::new(["constituents", unit]);
        for (n, &count) in counts.counts.iter().enumerate() {
            table.row([n.to_string(), thousands(count)]);
        }
        match &counts.fit {
            None => {
                let only = counts.counts.first().copied().unwrap_or(0);
                text += &format!("  {} {unit} per event\n", thousands(only));
            }
            Some(fit) => {
                text += &table.to_string();
                text += &format!(
                    "  fit: {:.1} + {:.2} · n {unit}, residual rms {:.1}, largest {:.1}\n",
                    fit.intercept, fit.slope, fit.rms_residual, fit.largest_residual
                );
            }
        }
        text += &format!(
            "  the whole firmware: {} bytes of flash, {} bytes of RAM without stack\n",
            thousands(counts.sizes.flash()),
            thousands(counts.sizes.ram())
        );
        let depends = counts.spread.iter().position(|&spread| spread > 0);
        if let Some(n) = depends.filter(|_| counts.data_cache && counts.unit == Unit::Cycles) {
            text += &format!(
                "  its data cache lets cycles depend on data: at {n} constituents by {}, at most by {}\n",
                counts.spread[n],
                counts.largest_spread()
            );
        } else if let Some(n) = depends {
            failures.push(format!(
                "{}: the number of {unit} depends on data: at {n} constituents by {}, at most by {}",
                counts.board,
                counts.spread[n],
                counts.largest_spread()
            ));
        }
    }
    let json = json!({
        "model": model.program.name,
        "boards": boards.iter().map(json_of).collect::<Vec<_>>(),
    });
    Report {
        text,
        json,
        failed: (!failures.is_empty()).then(|| failures.join("\n")),
    }
}

fn json_of(counts: &Counts) -> Value {
    let unit = counts.unit.name();
    json!({
        "board": counts.board,
        "source": counts.unit.source(),
        "clock_hz": counts.clock_hz,
        format!("{unit}_by_multiplicity"): counts.counts,
        "fit": counts.fit.as_ref().map(|fit| json!({
            format!("{unit}_per_event"): fit.intercept,
            format!("{unit}_per_constituent"): fit.slope,
            format!("rms_residual_{unit}"): fit.rms_residual,
            format!("largest_residual_{unit}"): fit.largest_residual,
        })),
        // Of the whole firmware, without stack.
        "flash_bytes": counts.sizes.flash(),
        "ram_bytes": counts.sizes.ram(),
        "depends_on_data": counts.largest_spread() > 0,
        format!("largest_data_dependence_{unit}"): counts.largest_spread(),
    })
}
