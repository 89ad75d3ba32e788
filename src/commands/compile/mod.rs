//! `hodoscope compile`.

mod args;
mod budgets;
mod networks;
mod spec;
mod targets;
mod write;

use std::path::Path;

use anyhow::{Context, Result, bail};
use hodoscope_compiler::exact::{Quantisers, exact, quantisers};
use hodoscope_compiler::import;
use hodoscope_compiler::quantise::{Activations, Options};

use crate::compiled::Compiled;
use crate::extents;
use crate::float;
use crate::loss::{Limits, Loss};
use crate::model_dir::{self, ModelDir};
use crate::report::Report;
use args::name;
use networks::{Calibrated, instead_of_own, own_integers};

pub use args::{Args, parse_extent};
pub use spec::read_spec;

pub fn compile(args: &Args) -> Result<Report> {
    model_dir::check_writable(&args.output, args.force)?;
    let events = || args.calibration_events();
    let args = &Args {
        extents: extents::completed(&args.model, &args.extents, events)?,
        ..args.clone()
    };
    Limits::check(&args.max_loss)?;
    let options = args::options(args);
    let import_options = import::Options {
        extents: args.extents.iter().cloned().collect(),
    };
    let budgets = budgets::budgets(args)?;
    let imported = float::imported(&args.model, &import_options)?;
    let mut spec = read_spec(&args.model, args.inputs_spec.as_deref())?;
    for (index, text) in args.inputs.iter().enumerate() {
        let name = |text: &String| text.split('=').next().map(str::to_owned);
        if args.inputs[..index]
            .iter()
            .any(|other| name(other) == name(text))
        {
            bail!("--input {text}: the words of this input are given twice");
        }
        spec.set_type(text).context("--input")?;
    }
    if let Some(multiplicity) = args.multiplicity {
        spec.set_multiplicity(multiplicity.get());
    }
    let own = |graph| Ok::<_, anyhow::Error>((own_integers(args, graph, &spec)?, None));
    let judged = |calibrated: Calibrated| {
        let loss = calibrated.loss(args, &import_options, &spec, &options)?;
        Ok((calibrated.made, Some(loss)))
    };
    let (made, loss) = match quantisers(&imported)? {
        Quantisers::None => judged(Calibrated::new(args, &imported, &spec, &options)?),
        Quantisers::Stated => own(&imported),
        Quantisers::Spelled(graph) => match exact(&graph, &name(args)?, &spec) {
            Ok(_) => own(&graph),
            Err(reason) => judged(instead_of_own(args, &imported, &spec, &options, reason)?),
        },
    }?;
    let own = loss.is_none();
    let facts = Compiled::new(&made, &imported, loss, write::args_json(args, &options))?;
    let program = made.program().to_text();
    model_dir::replace(&args.output, args.force, |dir| {
        write::write(dir, args, &program, &made.files, &facts)
    })?;
    let report = Report {
        text: facts.text(&args.output.display().to_string()),
        json: facts.json(),
        failed: facts.loss.as_ref().and_then(Loss::failure),
    };
    if budgets.is_empty() {
        return Ok(report);
    }
    let recompile = |dir: &Path| {
        let narrow = Options {
            weights: options.weights.min(8),
            activations: Activations::Eight,
        };
        // A network that is quantised already has no narrower form.
        if own {
            return Ok(None);
        }
        let made = Calibrated::new(args, &imported, &spec, &narrow)?.made;
        let text = made.program().to_text();
        if text == program {
            return Ok(None);
        }
        model_dir::write_crate(dir, &text, &made.files)?;
        Ok(Some(ModelDir {
            dir: dir.to_owned(),
            program: made.quantised.program,
            report: serde_json::Value::Null,
        }))
    };
    budgets::gate(&args.output, &budgets, &recompile, report)
}
