//! `hodoscope run`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use hodoscope_program::Program;
use hodoscope_sim::encode::EncodeReport;
use hodoscope_sim::npz::{OutputArrays, write_outputs, write_outputs_to};
use serde_json::json;

use crate::execute::{self, OutputSlice, Raws};
use crate::files::Columns;
use crate::float;
use crate::model_dir::ModelDir;
use crate::place::Place;
use crate::report::{Report, thousands};

/// Compute the outputs of events
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hodoscope run pfn-qg --inputs models/pfn-qg/test.npz --on interpreter -o scores.npz

The result holds for each output its value as float64, and OUTPUT.raw, OUTPUT.scale and
OUTPUT.zero_point: value = (raw − zero_point) · scale. `--on float` has no raws.")]
pub struct Args {
    /// Compiled model, as `hodoscope compile` makes it
    dir: PathBuf,
    /// Events: arrays named by the model's inputs, first axis = events; npz, npy, parquet or HDF5, of which FILE:GROUP names a group
    #[arg(long, value_name = "FILE")]
    inputs: PathBuf,
    #[command(flatten)]
    columns: Columns,
    /// float, interpreter, native (in this process), native-board, a board, or `fabric`: the Verilog that `hodoscope rtl DIR` wrote
    #[arg(long, value_name = "WHERE", default_value = "interpreter")]
    on: Place,
    /// Where to write the outputs: an npz archive, a parquet file where the name ends with .parquet, or `-`, which writes the
    /// archive to standard output
    #[arg(short, long, value_name = "Y.npz|Y.parquet|-")]
    output: PathBuf,
}

impl Args {
    /// Whether the outputs themselves are what is printed.
    pub fn prints_outputs(&self) -> bool {
        self.output == Path::new("-")
    }
}

/// Where outputs go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Npz,
    Parquet,
    /// An archive for whoever reads the pipe.
    Stdout,
}

impl Kind {
    fn of(path: &Path) -> Result<Self> {
        if path == Path::new("-") {
            return Ok(Self::Stdout);
        }
        let extension = path
            .extension()
            .map(|extension| extension.to_string_lossy());
        match extension.as_deref() {
            None | Some("npz") => Ok(Self::Npz),
            Some("parquet") => Ok(Self::Parquet),
            Some(other) => bail!(
                "{}: outputs are written as .npz or .parquet, not as .{other}",
                path.display()
            ),
        }
    }
}

pub fn run(args: &Args) -> Result<Report> {
    let model = ModelDir::read(&args.dir)?;
    let kind = Kind::of(&args.output)?;
    let streamed = execute::run_stream(&model, &args.on, &args.columns, &args.inputs)?;
    let (arrays, source, count, input) = if args.on == Place::Float {
        let outputs = float::outputs(&model, &args.columns.read(&args.inputs)?)?;
        let events = outputs
            .first()
            .map_or(0, |o| o.values.len() / o.width.max(1));
        let arrays = outputs
            .into_iter()
            .map(|o| OutputArrays::from_floats(&o.name, o.width, o.values))
            .collect::<Vec<_>>();
        (arrays, "float", events, json!(null))
    } else {
        let (answers, report) = match streamed {
            Some(computed) => computed,
            None => {
                let reader = args.columns.open(&args.inputs)?;
                execute::run_reader(&model, &args.on, reader)?
            }
        };
        let arrays = arrays(&model.program, &answers.raws);
        (arrays, answers.source, report.events, encoding(&report))
    };
    match kind {
        Kind::Npz => write_outputs(&args.output, &arrays)?,
        Kind::Parquet => hodoscope_files::write_outputs(&args.output, &arrays)?,
        Kind::Stdout => {
            let mut out = std::io::stdout().lock();
            write_outputs_to(&mut out, &arrays).context("cannot write to stdout")?;
        }
    }
    let names: Vec<String> = model
        .program
        .outputs
        .iter()
        .map(|o| o.name.clone())
        .collect();
    let mut text = format!(
        "{} events on {} ({source}): {} written to {}\n",
        thousands(count as u64),
        args.on,
        names.join(", "),
        args.output.display()
    );
    if kind == Kind::Stdout {
        // The archive is there.
        text.clear();
    }
    let json = json!({
        "model": model.program.name,
        "on": args.on.to_string(),
        "source": source,
        "events": count,
        "outputs": names,
        "encoding": input,
        "written": args.output.display().to_string(),
    });
    Ok(Report::new(text, json))
}

/// The raws of each output, and what they are worth.
pub fn arrays(program: &Program, raws: &Raws) -> Vec<OutputArrays> {
    let outputs = execute::outputs(program).into_iter();
    let of = |output: OutputSlice| {
        let raws = raws.iter();
        let raws = raws.flat_map(|r| r[output.start..][..output.width].iter().copied());
        OutputArrays::from_raws(&output.name, output.width, raws.collect(), output.lsbs, 0)
    };
    outputs.map(of).collect()
}

/// What making detector words cost.
pub fn encoding(report: &EncodeReport) -> serde_json::Value {
    json!({
        "events": report.events,
        "inputs": report.inputs.iter().map(|input| json!({
            "name": input.name,
            "values": input.values,
            "saturated_values": input.saturated,
        })).collect::<Vec<_>>(),
        "sets": report.sets.iter().map(|set| json!({
            "name": set.name,
            "constituents": set.constituents,
            "lost_constituents": set.lost,
            "events_with_lost_constituents": set.events_with_loss,
            "constituents_beyond_capacity": set.beyond_capacity,
            "largest_multiplicity": set.largest_multiplicity,
        })).collect::<Vec<_>>(),
    })
}
