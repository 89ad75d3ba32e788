//! Fills DIR.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use hodoscope_compiler::emit::Files;
use hodoscope_compiler::quantise::{Activations, Options};

use super::Args;
use super::args::RescaleRule;
use super::spec::spec_file;
use crate::budget;
use crate::compiled::Compiled;
use crate::html;
use crate::model_dir::{self, put};

/// The options that decide what is made, for the report.
pub(super) fn args_json(args: &Args, options: &Options) -> serde_json::Value {
    serde_json::json!({
        "weight_bits": options.weights,
        "activation_bits": match options.activations {
            Activations::Widened => "auto",
            Activations::Eight => "8",
            Activations::Sixteen => "16",
        },
        "rescale": match args.rescale {
            RescaleRule::Quotient => "quotient",
            RescaleRule::Single => "single",
            RescaleRule::Double => "double",
        },
        "layouts": args.layouts.to_string(),
        "score": args.score.as_ref().map(ToString::to_string),
        "score_only": args.score_only,
        "inputs": args.inputs,
        "accept_loss": args.accept_loss,
        "max_loss": args.max_loss.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "judge": args.kinds.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "multiplicity": args.multiplicity,
        "extents": args.extents.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
    })
}

/// Fills DIR.
pub(super) fn write(
    dir: &Path,
    args: &Args,
    program: &str,
    files: &Files,
    facts: &Compiled,
) -> Result<()> {
    let copy = |from: &Path, name: &str| {
        let copied = fs::copy(from, dir.join(name)).map(drop);
        copied.with_context(|| format!("cannot copy {}", from.display()))
    };
    model_dir::write_crate(dir, program, files)?;
    put(dir, "report.json", &pretty(&facts.json())?)?;
    put(dir, "report.html", &html::page(facts))?;
    copy(&args.model, "model.onnx")?;
    // Weights that the exporter wrote beside the model; the model refers to them by this name.
    if let Some(name) = args.model.file_name().and_then(|name| name.to_str()) {
        let data = format!("{name}.data");
        let beside = args.model.with_file_name(&data);
        if beside.exists() {
            copy(&beside, &data)?;
        }
    }
    let budgets = args.model.with_file_name(budget::FILE);
    if budgets.exists() {
        copy(&budgets, budget::FILE)?;
    }
    match spec_file(&args.model, args.inputs_spec.as_deref()) {
        Some(spec) => copy(&spec, "inputs.toml"),
        None => Ok(()),
    }
}

pub(super) fn pretty(json: &serde_json::Value) -> Result<String> {
    Ok(serde_json::to_string_pretty(json)? + "\n")
}
