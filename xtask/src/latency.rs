//! The table of `docs/src/latency-table.md`: every reference model on every board, measured.

use std::{collections::BTreeMap, fmt::Write as _, fs};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{
    demo::{aligned, figures, thousands},
    models::{Hodoscope, Model},
    setup::{self, Emulators, SoftCores},
    shell,
};

/// Multiplicities at which a soft-core's table is compared with its Verilog, where a model has them.
const COMPARED: [usize; 5] = [0, 1, 8, 16, 32];

/// Compiles the models, measures them on all boards, and writes the table.
pub fn run(only: &[&str]) -> Result<()> {
    setup::run(setup::Need::Everything)?;
    if Emulators::look()? == Emulators::OptedOut || SoftCores::look()? == SoftCores::OptedOut {
        bail!("the table is of all boards, and some cannot run here");
    }
    let hodoscope = Hodoscope::build()?;
    let mut rows = vec![
        [
            "model",
            "board",
            "constituents",
            "instructions",
            "cycles",
            "of",
            "µs",
            "at MHz",
            "modelled",
            "at most",
            "at most / cycles",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    let mut errors = BTreeMap::<String, Vec<f64>>::new();
    for model in Model::all(only)? {
        let directory = shell::target().join("latency").join(&model.name);
        fs::create_dir_all(shell::target().join("latency"))?;
        shell::run(&mut model.compile(&hodoscope, &directory))?;
        let measured = figures(hodoscope.command("latency").arg(&directory).args([
            "--on",
            "all",
            "--no-advice",
            "--json",
        ]))?;
        let boards = measured["boards"].as_array().context("no boards")?;
        for board in boards {
            rows.push(row(&model.name, board)?);
            let of_board = errors.entry(name(board)).or_default();
            of_board.extend(model_errors(board));
        }
    }
    let mut text = aligned(&rows, 2);
    text += "\n";
    for (board, mut errors) in errors.into_iter().filter(|(_, errors)| !errors.is_empty()) {
        errors.sort_by(f64::total_cmp);
        writeln!(
            text,
            "- `{board}`: modelled against counted cycles of {} programs: median error {:.2} %, largest {:.2} %.",
            errors.len(),
            errors[errors.len() / 2],
            errors[errors.len() - 1]
        )?;
    }
    println!("{text}");
    if only.is_empty() {
        let file = shell::root().join("docs/src/latency-table.md");
        fs::write(&file, text).with_context(|| file.display().to_string())?;
        eprintln!("wrote docs/src/latency-table.md");
    }
    Ok(())
}

fn name(board: &Value) -> String {
    board["board"].as_str().unwrap_or("?").to_owned()
}

/// A model on a board, at the multiplicity that takes longest.
fn row(model: &str, board: &Value) -> Result<Vec<String>> {
    let worst = &board["worst"];
    let counts = board["instructions_by_multiplicity"].as_array();
    let at = match worst["multiplicity"].as_u64() {
        Some(multiplicity) => multiplicity as usize,
        // Instructions alone: more constituents take more of them.
        None => counts.map_or(0, |counts| counts.len().saturating_sub(1)),
    };
    let bound = &board["bounds"][at];
    let instructions = counts.map_or(&bound["instructions"], |counts| &counts[at]);
    let count = |value: &Value| value.as_u64().map_or_else(|| "–".to_owned(), thousands);
    let decimal = |value: Option<f64>, digits: usize| {
        value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
    };
    let (cycles, most) = (worst["cycles"].as_f64(), bound["at_most_cycles"].as_f64());
    Ok(vec![
        format!("`{model}`"),
        format!("`{}`", name(board)),
        at.to_string(),
        instructions
            .as_u64()
            .map(thousands)
            .with_context(|| format!("{model} on {}: no instructions", name(board)))?,
        count(&worst["cycles"]),
        worst["source"]
            .as_str()
            .map_or("–", |source| source.split(' ').next().unwrap_or(source))
            .to_owned(),
        decimal(worst["microseconds"].as_f64(), 1),
        decimal(board["clock_hz"].as_f64().map(|hz| hz / 1e6), 1),
        count(&bound["modelled_cycles"]),
        count(&bound["at_most_cycles"]),
        decimal(most.zip(cycles).map(|(most, cycles)| most / cycles), 3),
    ])
}

/// Errors of the modelled cycles against those of the Verilog, in per cent, without sign.
fn model_errors(board: &Value) -> Vec<f64> {
    let error = |at: usize| {
        let counted = board["cycles_by_multiplicity"][at].as_f64()?;
        let modelled = board["bounds"][at]["modelled_cycles"].as_f64()?;
        Some(100.0 * (modelled / counted - 1.0).abs())
    };
    COMPARED.into_iter().filter_map(error).collect()
}
