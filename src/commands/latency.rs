//! `hodoscope latency`.

use std::path::PathBuf;

use anyhow::{Result, bail};
use hodoscope_sim::elf::{Elf, Sizes};
use hodoscope_sim::encode::Events;
use hodoscope_sim::metrics::{LinearFit, linear_fit};
use hodoscope_sim::targets::BuildOptions;
use serde_json::json;

use crate::execute::{self, Deployed};
use crate::model_dir::ModelDir;
use crate::place::Place;
use crate::report::{Report, Table, thousands};

/// Seeds of the two sets of words whose instruction counts must agree.
const SEEDS: [u64; 2] = [1, 2];

/// Count the instructions of an event, by multiplicity
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hodoscope latency pfn-qg --on mps2-an386

Events are made up: for every multiplicity two with different random words. Their counts must agree,
as instructions may depend on the multiplicity only; if they do not, the exit code is 1.")]
pub struct Args {
    /// Compiled model, as `hodoscope compile` makes it
    dir: PathBuf,
    /// Emulated boards
    #[arg(long, value_name = "BOARD", required = true, num_args = 1.., value_delimiter = ',')]
    on: Vec<Place>,
}

/// Counts of one board.
struct Counts {
    board: String,
    clock_hz: Option<u64>,
    /// Instructions at each multiplicity.
    instructions: Vec<u64>,
    /// Difference of the two events at each multiplicity: 0 unless data matter.
    spread: Vec<u64>,
    fit: Option<LinearFit>,
    sizes: Sizes,
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
            _ => bail!("--on {place}: instructions are counted on emulated boards only"),
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
        let [one, two] = [counted(&deployed, &first)?, counted(&deployed, &second)?];
        let points: Vec<(f64, f64)> = multiplicities
            .iter()
            .zip(&one)
            .map(|(&n, &count)| (n as f64, count as f64))
            .collect();
        boards.push(Counts {
            board: name.clone(),
            clock_hz: deployed.board.clock_hz,
            spread: one.iter().zip(&two).map(|(a, b)| a.abs_diff(*b)).collect(),
            instructions: one,
            // Without a set there is one point, and no line.
            fit: linear_fit(&points).ok(),
            sizes: Elf::read(deployed.elf())?.sizes(),
        });
    }
    Ok(report(&model, &boards))
}

fn counted(deployed: &Deployed, events: &Events) -> Result<Vec<u64>> {
    let answers = deployed.run(events, true)?;
    match answers.instructions {
        Some(counts) if counts.len() == events.len() => Ok(counts),
        _ => bail!("{} counts no instructions", deployed.board.name),
    }
}

fn report(model: &ModelDir, boards: &[Counts]) -> Report {
    let mut text = String::new();
    let mut failures = Vec::new();
    for counts in boards {
        text += &format!(
            "{} on {}: emulated (instructions)\n",
            model.program.name, counts.board
        );
        let mut table = Table::new(["constituents", "instructions"]);
        for (n, &count) in counts.instructions.iter().enumerate() {
            table.row([n.to_string(), thousands(count)]);
        }
        match &counts.fit {
            None => {
                let only = counts.instructions.first().copied().unwrap_or(0);
                text += &format!("  {} instructions per event\n", thousands(only));
            }
            Some(fit) => {
                text += &table.to_string();
                text += &format!(
                    "  fit: {:.1} + {:.2} · n instructions, residual rms {:.1}, largest {:.1}\n",
                    fit.intercept, fit.slope, fit.rms_residual, fit.largest_residual
                );
            }
        }
        text += &format!(
            "  the whole firmware: {} bytes of flash, {} bytes of RAM without stack\n",
            thousands(counts.sizes.flash()),
            thousands(counts.sizes.ram())
        );
        if let Some(n) = counts.spread.iter().position(|&spread| spread > 0) {
            failures.push(format!(
                "{}: the instruction count depends on data: at {n} constituents by {}, at most by {}",
                counts.board,
                counts.spread[n],
                counts.largest_spread()
            ));
        }
    }
    let json = json!({
        "model": model.program.name,
        "boards": boards.iter().map(|counts| json!({
            "board": counts.board,
            "source": "emulated (instructions)",
            "clock_hz": counts.clock_hz,
            "instructions_by_multiplicity": counts.instructions,
            "fit": counts.fit.as_ref().map(|fit| json!({
                "instructions_per_event": fit.intercept,
                "instructions_per_constituent": fit.slope,
                "rms_residual_instructions": fit.rms_residual,
                "largest_residual_instructions": fit.largest_residual,
            })),
            // Of the whole firmware, without stack.
            "flash_bytes": counts.sizes.flash(),
            "ram_bytes": counts.sizes.ram(),
            "depends_on_data": counts.largest_spread() > 0,
            "largest_data_dependence_instructions": counts.largest_spread(),
        })).collect::<Vec<_>>(),
    });
    Report {
        text,
        json,
        failed: (!failures.is_empty()).then(|| failures.join("\n")),
    }
}
