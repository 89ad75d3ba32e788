//! `hodoscope run`.

use std::path::PathBuf;

use anyhow::Result;
use hodoscope_program::Program;
use hodoscope_sim::encode::EncodeReport;
use hodoscope_sim::npz::{Npz, OutputArrays, write_outputs};
use serde_json::json;

use crate::execute::{self, OutputSlice, Raws};
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
    /// Events: arrays named by the model's inputs, first axis = events
    #[arg(long, value_name = "X.npz")]
    inputs: PathBuf,
    /// float, interpreter, native (in this process), native-board, a board, or `fabric`: the Verilog that `hodoscope rtl DIR` wrote
    #[arg(long, value_name = "WHERE", default_value = "interpreter")]
    on: Place,
    /// Where to write the outputs
    #[arg(short, long, value_name = "Y.npz")]
    output: PathBuf,
}

pub fn run(args: &Args) -> Result<Report> {
    let model = ModelDir::read(&args.dir)?;
    let npz = Npz::read(&args.inputs)?;
    let (arrays, source, count, input) = if args.on == Place::Float {
        let outputs = float::outputs(&model, &npz)?;
        let events = outputs
            .first()
            .map_or(0, |o| o.values.len() / o.width.max(1));
        let arrays = outputs
            .into_iter()
            .map(|o| OutputArrays::from_floats(&o.name, o.width, o.values))
            .collect::<Vec<_>>();
        (arrays, "float", events, json!(null))
    } else {
        let (answers, report) = execute::run_file(&model, &args.on, &npz)?;
        let arrays = arrays(&model.program, &answers.raws);
        (arrays, answers.source, report.events, encoding(&report))
    };
    write_outputs(&args.output, &arrays)?;
    let names: Vec<String> = model
        .program
        .outputs
        .iter()
        .map(|o| o.name.clone())
        .collect();
    let text = format!(
        "{} events on {} ({source}): {} written to {}\n",
        thousands(count as u64),
        args.on,
        names.join(", "),
        args.output.display()
    );
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
