//! The demonstration: reference models from ONNX to emulated boards, with a report.

use std::{fmt::Write as _, fs, path::Path, process::Command, time::Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::{
    models::{BOARDS, Hodoscope, Model},
    setup::{self, Emulators},
    shell,
};

/// A deep set, and an autoencoder.
const MODELS: [&str; 2] = ["pfn-qg", "ae-qcd"];

/// Fewer events would show little.
const EVENTS: u64 = 1000;

/// Sets up, runs everything, prints the table and writes `target/demo/report.md` and `.json`.
pub fn run() -> Result<()> {
    let start = Instant::now();
    setup::run(setup::Need::Boards)?;
    let boards: &[&str] = match Emulators::look()? {
        Emulators::There => &BOARDS,
        Emulators::OptedOut => {
            eprintln!("SKIPPED: emulated boards; there is no QEMU, and that was allowed");
            &[]
        }
    };
    let hodoscope = Hodoscope::build()?;
    let home = shell::target().join("demo");
    fs::create_dir_all(&home).with_context(|| home.display().to_string())?;
    let models = Model::all(&MODELS)?
        .iter()
        .map(|model| demonstrate(&hodoscope, model, boards, &home))
        .collect::<Result<Vec<_>>>()?;

    let text = report(&models);
    let json = json!({ "models": models.iter().map(Figures::to_json).collect::<Vec<_>>() });
    write(
        &home.join("report.md"),
        &format!("# Demonstration\n\n{text}"),
    )?;
    write(&home.join("report.json"), &format!("{json:#}\n"))?;
    println!("\n{text}");
    println!(
        "{:.0} s. The report: target/demo/report.md and report.json\n",
        start.elapsed().as_secs_f64()
    );
    judge(&models)?;
    print!("{}", next(&hodoscope.name()));
    Ok(())
}

/// What the subcommands said about one model.
struct Figures {
    model: String,
    compile_seconds: f64,
    verify: Value,
    evaluate: Value,
    /// Nothing where there is no emulated board.
    latency: Value,
}

fn demonstrate(
    hodoscope: &Hodoscope,
    model: &Model,
    boards: &[&str],
    home: &Path,
) -> Result<Figures> {
    eprintln!("\n== {}", model.name);
    let directory = home.join(&model.name);
    let events = model.test_events();
    let start = Instant::now();
    shell::run(&mut model.compile(hodoscope, &directory))?;
    let compile_seconds = start.elapsed().as_secs_f64();

    let subcommand = |name: &str| {
        let mut command = hodoscope.command(name);
        command.arg(&directory).arg("--json");
        command
    };
    let verify = figures(
        subcommand("verify")
            .arg("--inputs")
            .arg(&events)
            .args(["--on", "native"])
            .args(boards),
    )?;
    let evaluate = figures(subcommand("evaluate").arg("--inputs").arg(&events))?;
    let latency = match boards {
        [] => Value::Null,
        _ => figures(subcommand("latency").arg("--on").args(boards))?,
    };
    Ok(Figures {
        model: model.name.clone(),
        compile_seconds,
        verify,
        evaluate,
        latency,
    })
}

/// The object that a subcommand prints. One whose check failed prints it too, and is judged later.
pub fn figures(command: &mut Command) -> Result<Value> {
    let line = shell::line(command);
    let (text, status) = shell::output_whatever(command)?;
    let value: Value = serde_json::from_str(&text)
        .with_context(|| format!("`{line}`, {status}, printed no JSON"))?;
    if let Some(error) = value.get("error") {
        bail!("`{line}`: {}", error.as_str().unwrap_or("it failed"));
    }
    Ok(value)
}

/// One line of the table: a model on a target.
struct Row {
    target: String,
    source: String,
    compared: u64,
    different: u64,
    instructions: Option<u64>,
    flash: Option<u64>,
    ram: Option<u64>,
}

impl Figures {
    fn events(&self) -> u64 {
        self.verify["events"].as_u64().unwrap_or(0)
    }

    /// Targets, all compared with the interpreter.
    fn rows(&self) -> Vec<Row> {
        let targets = self.verify["targets"].as_array().into_iter().flatten();
        targets
            .map(|target| {
                let name = target["on"].as_str().unwrap_or_default();
                let boards = self.latency["boards"].as_array().into_iter().flatten();
                let counted = boards
                    .into_iter()
                    .find(|board| board["board"] == name)
                    .unwrap_or(&Value::Null);
                // The last entry is the full set, hence the longest event.
                let instructions = counted["instructions_by_multiplicity"]
                    .as_array()
                    .and_then(|counts| counts.last()?.as_u64());
                Row {
                    target: name.to_owned(),
                    source: target["source"].as_str().unwrap_or_default().to_owned(),
                    compared: target["bits_compared"].as_u64().unwrap_or(0),
                    // What is not stated is not equal.
                    different: target["bits_different"].as_u64().unwrap_or(u64::MAX),
                    instructions,
                    flash: counted["flash_bytes"].as_u64(),
                    ram: counted["ram_bytes"].as_u64(),
                }
            })
            .collect()
    }

    /// Boards on which events of one multiplicity took different numbers of instructions.
    fn data_dependence(&self) -> Vec<(&str, u64)> {
        let boards = self.latency["boards"].as_array().into_iter().flatten();
        boards
            .filter_map(|board| {
                let spread = board["largest_data_dependence_instructions"].as_u64()?;
                (spread > 0).then(|| (board["board"].as_str().unwrap_or_default(), spread))
            })
            .collect()
    }

    fn to_json(&self) -> Value {
        json!({
            "model": self.model,
            "compile_seconds": self.compile_seconds,
            "verify": self.verify,
            "evaluate": self.evaluate,
            "latency": self.latency,
        })
    }
}

/// Markdown, with columns aligned for those who read it as it is.
fn report(models: &[Figures]) -> String {
    let mut table = vec![
        [
            "model",
            "target",
            "figures from",
            "events",
            "bits compared",
            "bits different",
            "instructions per event",
            "flash bytes",
            "RAM bytes",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    let optional = |figure: Option<u64>| figure.map_or("–".to_owned(), thousands);
    for figures in models {
        for row in figures.rows() {
            table.push(vec![
                figures.model.clone(),
                row.target,
                row.source,
                thousands(figures.events()),
                thousands(row.compared),
                thousands(row.different),
                optional(row.instructions),
                optional(row.flash),
                optional(row.ram),
            ]);
        }
    }
    let mut quality = vec![
        [
            "model",
            "AUC float",
            "AUC fixed",
            "fixed − float",
            "compiled in",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    for figures in models {
        let number = |key: &str| figures.evaluate[key].as_f64().unwrap_or(f64::NAN);
        quality.push(vec![
            figures.model.clone(),
            format!("{:.5}", number("auc_float")),
            format!("{:.5}", number("auc_fixed")),
            format!("{:+.5}", number("auc_difference")),
            format!("{:.2} s", figures.compile_seconds),
        ]);
    }
    let mut text = String::new();
    let _ = writeln!(
        text,
        "Every output of every event, compared with the golden interpreter bit for bit:\n\n{}",
        aligned(&table, 3)
    );
    let _ = writeln!(
        text,
        "Instructions are those of an emulated event with a full set: counted, and no time. Flash and RAM are the whole \
         firmware's, without stack.\n"
    );
    for figures in models {
        for (board, spread) in figures.data_dependence() {
            let _ = writeln!(
                text,
                "Note: the count of {} on {board} depends on data: events of one multiplicity differed by up to {spread} \
                 instructions.\n",
                figures.model
            );
        }
    }
    let _ = writeln!(
        text,
        "The score before and after quantisation, on the same events (fixed: the interpreter, and so all of the above):\n\n{}",
        aligned(&quality, 1)
    );
    text
}

/// A Markdown table; the first `left` columns are aligned to the left, the others to the right.
pub fn aligned(rows: &[Vec<String>], left: usize) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |cells: &[String]| {
        let cells = cells.iter().zip(&widths).enumerate();
        let cells = cells.map(|(column, (cell, &width))| match column < left {
            true => format!(" {cell:<width$} |"),
            false => format!(" {cell:>width$} |"),
        });
        format!("|{}\n", cells.collect::<String>())
    };
    let rule: String = widths
        .iter()
        .enumerate()
        .map(|(column, &width)| match column < left {
            true => format!("{}|", "-".repeat(width + 2)),
            false => format!("{}:|", "-".repeat(width + 1)),
        })
        .collect();
    let mut lines = rows.iter().map(|row| line(row));
    let header = lines.next().unwrap_or_default();
    format!("{header}|{rule}\n{}", lines.collect::<String>())
}

/// `12,345`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn judge(models: &[Figures]) -> Result<()> {
    for figures in models {
        let model = &figures.model;
        if figures.events() < EVENTS {
            bail!("{model}: {} events, fewer than {EVENTS}", figures.events());
        }
        for row in figures.rows() {
            if row.compared == 0 || row.different > 0 {
                bail!(
                    "{model} on {}: bits differ from the interpreter",
                    row.target
                );
            }
        }
        if figures.verify["passed"] != true {
            bail!("{model}: `hodoscope verify` did not pass");
        }
    }
    Ok(())
}

/// What to try next.
fn next(hodoscope: &str) -> String {
    format!(
        "\
Try next:
  less target/demo/pfn-qg/program.txt          the integer program; docs/src/numerics.md is its definition
  {hodoscope} latency target/demo/pfn-qg --on mps2-an386
  {hodoscope} compile models/efn-top/model.onnx --calibration models/efn-top/calibration.npz -o target/demo/efn-top
  {hodoscope} --help
  cargo xtask test                             everything that CI checks
docs/src/tutorial.md goes on from there with a model of your own.
"
    )
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_markdown_and_aligned() {
        let rows = [["model", "bits"], ["φ", "1,000"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(
            aligned(&rows, 1),
            "| model |  bits |\n|-------|------:|\n| φ     | 1,000 |\n"
        );
    }

    #[test]
    fn figures_that_are_missing_do_not_pass() {
        let figures = |verify| Figures {
            model: "m".to_owned(),
            compile_seconds: 0.0,
            verify,
            evaluate: Value::Null,
            latency: Value::Null,
        };
        let target = |different| json!({ "on": "native", "source": "native", "bits_compared": 8, "bits_different": different });
        let good = json!({ "events": 1000, "passed": true, "targets": [target(json!(0))] });
        judge(&[figures(good.clone())]).unwrap();
        let mut unknown = good.clone();
        unknown["targets"] = json!([target(Value::Null)]);
        judge(&[figures(unknown)]).unwrap_err();
        let mut few = good;
        few["events"] = json!(999);
        judge(&[figures(few)]).unwrap_err();
        judge(&[figures(Value::Null)]).unwrap_err();
    }

    #[test]
    fn thousands_are_grouped() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(1_234_567), "1,234,567");
    }
}
