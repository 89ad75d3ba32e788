//! `hodoscope compile`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use hodoscope_compiler::emit::{Files, workspace_manifest};
use hodoscope_compiler::graph::Graph;
use hodoscope_compiler::inputs::InputsSpec;
use hodoscope_compiler::plan::Isa;
use hodoscope_compiler::quantise::{Activations, Calibration, Options};
use hodoscope_compiler::recognise::Score;
use hodoscope_compiler::{compile_for, import};
use hodoscope_sim::npz::Npz;
use hodoscope_sim::targets::board;
use hodoscope_sim::targets::sources::write_kernels;

use crate::compiled::Compiled;
use crate::float;
use crate::html;
use crate::model_dir;
use crate::report::Report;

/// Compile a model into an integer program and a no_std crate
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hodoscope compile models/pfn-qg/model.onnx --calibration models/pfn-qg/calibration.npz -o pfn-qg

DIR holds program.txt (the integer program), crate/ and kernels/ (a workspace), report.html and
report.json, and copies of model.onnx and inputs.toml. It appears when all is done; a failure leaves nothing. A directory that
`compile` did not make is never overwritten.")]
pub struct Args {
    /// ONNX file
    model: PathBuf,
    /// Events from which formats are taken: arrays named by the model's inputs
    #[arg(long, value_name = "X.npz")]
    calibration: PathBuf,
    /// Directory to make
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Bits of a weight
    #[arg(long, value_name = "BITS", default_value_t = 8, value_parser = clap::value_parser!(u8).range(4..=16))]
    weights: u8,
    /// Bits of activations; `auto` is 8, and 16 where the calibration loss demands it
    #[arg(long, value_name = "BITS", default_value = "auto")]
    activations: ActivationBits,
    /// What is decided on: mse, sum-squares:OUTPUT, or an output's name
    #[arg(long, value_name = "SCORE")]
    score: Option<Score>,
    /// Detector words of an input, instead of those of the inputs file
    #[arg(long = "input", value_name = "NAME=ufixed<WIDTH,INTEGER>")]
    inputs: Vec<String>,
    /// Detector words of the inputs [default: inputs.toml beside the model, where there is one]
    #[arg(long, value_name = "inputs.toml")]
    inputs_spec: Option<PathBuf>,
    /// Extent of an axis that the file leaves open: its name or INPUT:AXIS
    #[arg(long = "extent", value_name = "AXIS=N", value_parser = parse_extent)]
    extents: Vec<(String, usize)>,
    /// Boards for whose cores layers are planned; on others the portable plan runs [default: every core]
    #[arg(long = "board", value_name = "BOARD", num_args = 1.., value_delimiter = ',')]
    boards: Vec<String>,
    /// Name of the program and crate [default: the model's file name, or its folder's for model.onnx]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Replace a directory that `compile` made
    #[arg(long)]
    force: bool,
}

/// Bits of activations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ActivationBits {
    /// 8, and 16 where the calibration loss demands it.
    Auto,
    /// 8 for all.
    #[value(name = "8")]
    Eight,
    /// 16 for all.
    #[value(name = "16")]
    Sixteen,
}

pub fn compile(args: &Args) -> Result<Report> {
    model_dir::check_writable(&args.output, args.force)?;
    let options = Options {
        weights: args.weights,
        activations: match args.activations {
            ActivationBits::Auto => Activations::Widened,
            ActivationBits::Eight => Activations::Eight,
            ActivationBits::Sixteen => Activations::Sixteen,
        },
    };
    let import_options = import::Options {
        extents: args.extents.iter().cloned().collect(),
    };
    let graph = float::load(&args.model, &import_options)?;
    let mut spec = read_spec(&args.model, args.inputs_spec.as_deref())?;
    for text in &args.inputs {
        spec.set_type(text).context("--input")?;
    }
    let npz = Npz::read(&args.calibration)?;
    let calibration = calibration(&graph, &spec, &npz)?;
    let score = args.score.as_ref();
    let isas = isas(&args.boards)?;
    let name = name(args)?;
    let made = compile_for(&isas, &graph, &name, &spec, score, &calibration, &options)
        .with_context(|| args.model.display().to_string())?;
    let facts = Compiled::new(&made, &graph, args_json(args, &options))?;
    let program = made.program().to_text();
    model_dir::replace(&args.output, |dir| {
        write(dir, args, &program, &made.files, &facts)
    })?;
    Ok(Report::new(
        facts.text(&args.output.display().to_string()),
        facts.json(),
    ))
}

/// The instruction sets of `boards`; without any, all that have a plan of their own.
fn isas(boards: &[String]) -> Result<Vec<Isa>> {
    if boards.is_empty() {
        return Ok(Isa::ALL.to_vec());
    }
    let isas = boards.iter().map(|name| {
        let board = board::find(name, &[]).context("--board")?;
        Ok(Isa::of_board(&board.isa))
    });
    isas.collect()
}

fn calibration(graph: &Graph, spec: &InputsSpec, npz: &Npz) -> Result<Calibration> {
    let fields = |name: &str| spec.get(name).map(|spec| spec.fields()).unwrap_or_default();
    let (_, values) = float::inputs(graph, npz, fields).context("calibration")?;
    Calibration::new(graph, values).with_context(|| npz.path().display().to_string())
}

/// The file of detector words: `path`, or `inputs.toml` beside the model where there is one.
fn spec_file(model: &Path, path: Option<&Path>) -> Option<PathBuf> {
    let beside = model.with_file_name("inputs.toml");
    path.map(Path::to_owned)
        .or_else(|| beside.exists().then_some(beside))
}

/// The detector words stated in `path`, or in `inputs.toml` beside the model.
pub fn read_spec(model: &Path, path: Option<&Path>) -> Result<InputsSpec> {
    let Some(path) = spec_file(model, path) else {
        return Ok(InputsSpec::default());
    };
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    InputsSpec::parse(&text).with_context(|| path.display().to_string())
}

/// `AXIS=N`.
pub fn parse_extent(text: &str) -> Result<(String, usize), String> {
    text.split_once('=')
        .and_then(|(axis, extent)| Some((axis.to_owned(), extent.parse().ok().filter(|&n| n > 0)?)))
        .ok_or_else(|| "expected AXIS=N, such as n_particles=32".to_owned())
}

/// The program's name, an identifier.
fn name(args: &Args) -> Result<String> {
    let text = match &args.name {
        Some(name) => name.clone(),
        None => {
            let path = fs::canonicalize(&args.model)
                .with_context(|| format!("{}", args.model.display()))?;
            let stem = path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let folder = path.parent().and_then(Path::file_name);
            match (stem.as_str(), folder) {
                ("model", Some(folder)) => folder.to_string_lossy().into_owned(),
                _ => stem,
            }
        }
    };
    let name: String = text
        .chars()
        .map(|c| match c.to_ascii_lowercase() {
            c @ ('a'..='z' | '0'..='9' | '_') => c,
            _ => '-',
        })
        .collect();
    if name.starts_with(|c: char| c.is_ascii_lowercase()) {
        Ok(name)
    } else {
        bail!("`{text}` does not begin with a letter, as a crate's name must; give --name NAME")
    }
}

/// The options that decide what is made, for the report.
fn args_json(args: &Args, options: &Options) -> serde_json::Value {
    serde_json::json!({
        "weight_bits": options.weights,
        "activation_bits": match options.activations {
            Activations::Widened => "auto",
            Activations::Eight => "8",
            Activations::Sixteen => "16",
        },
        "score": args.score.as_ref().map(ToString::to_string),
        "inputs": args.inputs,
        "extents": args.extents.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
    })
}

/// Fills DIR.
fn write(dir: &Path, args: &Args, program: &str, files: &Files, facts: &Compiled) -> Result<()> {
    let put = |name: &str, content: &str| {
        let path = dir.join(name);
        let folder = path.parent().unwrap_or(dir);
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))
    };
    let copy = |from: &Path, name: &str| {
        let copied = fs::copy(from, dir.join(name)).map(drop);
        copied.with_context(|| format!("cannot copy {}", from.display()))
    };
    put("program.txt", program)?;
    put(
        "report.json",
        &(serde_json::to_string_pretty(&facts.json())? + "\n"),
    )?;
    put("report.html", &html::page(facts))?;
    put("Cargo.toml", &workspace_manifest())?;
    for (name, content) in files {
        put(&format!("crate/{name}"), content)?;
    }
    write_kernels(&dir.join("kernels"))?;
    copy(&args.model, "model.onnx")?;
    // Weights that the exporter wrote beside the model; the model refers to them by this name.
    if let Some(name) = args.model.file_name().and_then(|name| name.to_str()) {
        let data = format!("{name}.data");
        let beside = args.model.with_file_name(&data);
        if beside.exists() {
            copy(&beside, &data)?;
        }
    }
    match spec_file(&args.model, args.inputs_spec.as_deref()) {
        Some(spec) => copy(&spec, "inputs.toml"),
        None => Ok(()),
    }
}
