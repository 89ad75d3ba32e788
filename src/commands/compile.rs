//! `hodoscope compile`.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use hodoscope_compiler::emit::Files;
use hodoscope_compiler::exact::{ExactError, Quantisers, Rescale, exact, quantisers};
use hodoscope_compiler::graph::{Graph, Kind, simplify};
use hodoscope_compiler::inputs::InputsSpec;
use hodoscope_compiler::plan::{Isa, Layouts};
use hodoscope_compiler::quantise::{Activations, Calibration, Options};
use hodoscope_compiler::recognise::Score;
use hodoscope_compiler::{Compiled as Made, Road, Target, compile_for, compile_quantised, import};
use hodoscope_sim::npz::{Npz, Values};
use hodoscope_sim::targets::board::{self, Board};

use crate::budget::{self, Budget, BudgetFile, Outcome, Recompile};
use crate::compiled::Compiled;
use crate::extents;
use crate::float;
use crate::html;
use crate::measure::{Measured, REPEATS};
use crate::model_dir::{self, ModelDir, put};
use crate::report::Report;

/// Compile a model into an integer program and a no_std crate
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Example:
  hodoscope compile models/pfn-qg/model.onnx --calibration models/pfn-qg/calibration.npz -o pfn-qg

DIR holds program.txt (the integer program), crate/ and kernels/ (a workspace), report.html and
report.json, and copies of model.onnx and inputs.toml. It appears when all is done; a failure leaves nothing. A directory that
`compile` did not make is never overwritten.

With --budget, or with budget.toml beside the model, the crate is built for the boards that have budgets
and measured as `hodoscope latency` does. Over budget, DIR is written all the same, report.json says
\"over_budget\": true, the exit code is 1, and what would fit is looked for by building and measuring it:
8 bits, smaller layouts of dense layers, a smaller multiplicity, another emulated board.")]
pub struct Args {
    /// ONNX file
    model: PathBuf,
    /// Events from which formats are taken: arrays named by the model's inputs. A network that is
    /// quantised already needs none
    #[arg(long, value_name = "X.npz")]
    calibration: Option<PathBuf>,
    /// Directory to make
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Bits of a weight
    #[arg(long, value_name = "BITS", default_value_t = 8, value_parser = clap::value_parser!(u8).range(4..=16))]
    weights: u8,
    /// Bits of activations; `auto` is 8, and 16 where the calibration loss demands it
    #[arg(long, value_name = "BITS", default_value = "auto")]
    activations: ActivationBits,
    /// How a QuantizeLinear rounds where scales are no powers of two: `quotient` as ONNX states it and
    /// onnxruntime computes it, `double` or `single` by TensorFlow Lite's multiplier and shift
    #[arg(long, value_name = "ROUNDING", default_value = "quotient")]
    rescale: RescaleRule,
    /// What is decided on: mse, sum-squares:OUTPUT, or an output's name
    #[arg(long, value_name = "SCORE")]
    score: Option<Score>,
    /// Compute the score and no other output, as the encoder alone of an autoencoder
    #[arg(long, requires = "score")]
    score_only: bool,
    /// Detector words of an input, instead of those of the inputs file
    #[arg(long = "input", value_name = "NAME=ufixed<WIDTH,INTEGER>")]
    inputs: Vec<String>,
    /// Detector words of the inputs [default: inputs.toml beside the model, where there is one]
    #[arg(long, value_name = "inputs.toml")]
    inputs_spec: Option<PathBuf>,
    /// Extent of an axis that the file leaves open: its name or INPUT:AXIS [default: that of the calibration's arrays]
    #[arg(long = "extent", value_name = "AXIS=N", value_parser = parse_extent)]
    extents: Vec<(String, usize)>,
    /// Boards for whose cores layers are planned; on others the portable plan runs [default: every core]
    #[arg(long = "board", value_name = "BOARD", num_args = 1.., value_delimiter = ',')]
    boards: Vec<String>,
    /// Flash for tables of what depends on few words, as an energy-flow network's Φ; `auto` is up to 256 KiB, half
    /// of the smallest board's flash at most
    #[arg(long, value_name = "auto|off|BYTES", default_value = "auto")]
    efn_table: Tables,
    /// What layouts of dense layers are chosen for: few cycles, few bytes of flash, or few cycles with constants of so many
    /// bytes at most. All are exact
    #[arg(long, value_name = "fastest|smallest|BYTES", default_value = "fastest")]
    layouts: Layouts,
    /// Name of the program and crate [default: the model's file name, or its folder's for model.onnx]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Room for the N hardest constituents only, whatever the model has slots for
    #[arg(long, value_name = "N")]
    multiplicity: Option<NonZeroUsize>,
    /// What the worst event may take on each --board: a time, cycles, a size of flash, ram:SIZE, or stack:SIZE
    #[arg(long = "budget", value_name = "50us|12000cycles|64KiB", num_args = 1.., value_delimiter = ',')]
    budgets: Vec<Budget>,
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

/// How a quantised network's sums are rescaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum RescaleRule {
    /// By the quotient of the scales, halves to even.
    Quotient,
    /// Multiplier and shift, rounded once.
    Single,
    /// Multiplier and shift, both rounded.
    Double,
}

impl From<RescaleRule> for Rescale {
    fn from(rule: RescaleRule) -> Self {
        match rule {
            RescaleRule::Quotient => Self::Quotient,
            RescaleRule::Single => Self::Single,
            RescaleRule::Double => Self::Double,
        }
    }
}

/// Flash for tables over the detector's grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tables {
    /// What the boards can spare.
    Auto,
    /// At most so many bytes.
    Bytes(u64),
}

impl FromStr for Tables {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "off" => Ok(Self::Bytes(0)),
            _ => text
                .parse()
                .map(Self::Bytes)
                .map_err(|_| "expected auto, off or a number of bytes".to_owned()),
        }
    }
}

impl Tables {
    /// More is not spent unasked, however large a flash.
    const MOST: u64 = 256 << 10;

    /// Of a core that no board has.
    fn without_board(self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Auto => 0,
        }
    }

    fn on(self, board: &Board) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes,
            // A soft-core holds constants where it holds data.
            Self::Auto => board
                .flash
                .or(board.ram)
                .map_or(0, |bytes| (bytes / 2).min(Self::MOST)),
        }
    }
}

pub fn compile(args: &Args) -> Result<Report> {
    model_dir::check_writable(&args.output, args.force)?;
    let args = &Args {
        extents: extents::completed(&args.model, &args.extents, args.calibration.as_deref())?,
        ..args.clone()
    };
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
    let budgets = budgets(args)?;
    let imported = float::imported(&args.model, &import_options)?;
    let mut spec = read_spec(&args.model, args.inputs_spec.as_deref())?;
    for text in &args.inputs {
        spec.set_type(text).context("--input")?;
    }
    if let Some(multiplicity) = args.multiplicity {
        spec.set_multiplicity(multiplicity.get());
    }
    let (made, own) = match quantisers(&imported)? {
        Quantisers::None => (calibrated(args, &imported, &spec, &options)?, false),
        Quantisers::Stated => (own_integers(args, &imported, &spec)?, true),
        Quantisers::Spelled(graph) => match exact(&graph, &name(args)?, &spec) {
            Ok(_) => (own_integers(args, &graph, &spec)?, true),
            Err(reason) => (
                instead_of_own(args, &imported, &spec, &options, reason)?,
                false,
            ),
        },
    };
    let facts = Compiled::new(&made, &imported, args_json(args, &options))?;
    let program = made.program().to_text();
    model_dir::replace(&args.output, |dir| {
        write(dir, args, &program, &made.files, &facts)
    })?;
    let report = Report::new(facts.text(&args.output.display().to_string()), facts.json());
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
        let made = calibrated(args, &imported, &spec, &narrow)?;
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
    gate(&args.output, &budgets, &recompile, report)
}

/// The instruction sets of the boards, each with what its boards can spare for tables; without any,
/// all that have a plan of their own, but for those of which a board must be named.
fn targets(args: &Args) -> Result<Vec<Target>> {
    let (boards, tables, layouts) = (&args.boards, args.efn_table, args.layouts);
    let all = board::names();
    let names = if boards.is_empty() { &all } else { boards };
    let mut targets: Vec<Target> = vec![];
    for name in names {
        let board = board::find(name, &[]).context("--board")?;
        let (isa, table_bytes) = (Isa::of_board(&board.isa), tables.on(&board));
        match targets.iter_mut().find(|target| target.isa == isa) {
            _ if boards.is_empty() && isa.is_on_request() => {}
            Some(target) => target.table_bytes = target.table_bytes.min(table_bytes),
            None => targets.push(Target {
                isa,
                table_bytes,
                layouts,
            }),
        }
    }
    if boards.is_empty() {
        let planned: Vec<Isa> = targets.iter().map(|target| target.isa).collect();
        let others = Isa::ALL
            .into_iter()
            .filter(|isa| !planned.contains(isa) && !isa.is_on_request());
        targets.extend(others.map(|isa| Target {
            isa,
            table_bytes: tables.without_board(),
            layouts,
        }));
    }
    Ok(targets)
}

/// A network that is quantised already.
fn own_integers(args: &Args, graph: &Graph, spec: &InputsSpec) -> Result<Made> {
    let named = || args.model.display().to_string();
    if args.score.is_some() {
        bail!(
            "{}: --score adds no score to a quantised network; export the model with the score as an output",
            named()
        );
    }
    if args.calibration.is_some() {
        bail!(
            "{}: the network has its own quantisers: leave --calibration out",
            named()
        );
    }
    compile_quantised(
        &targets(args)?,
        graph,
        &name(args)?,
        spec,
        args.rescale.into(),
    )
    .with_context(named)
}

/// A network whose quantisers, spelled in arithmetic, have no exact form for `reason`: as a float network, if there are
/// events for it.
fn instead_of_own(
    args: &Args,
    graph: &Graph,
    spec: &InputsSpec,
    options: &Options,
    reason: ExactError,
) -> Result<Made> {
    if args.calibration.is_none() {
        bail!(
            "{}: with the network's own quantisers: {reason}; or give events with --calibration X.npz, to quantise it as a float network",
            args.model.display()
        );
    }
    let mut made = calibrated(args, graph, spec, options)?;
    if let Road::General { because } = &mut made.road {
        *because += &format!("; with its own quantisers: {reason}");
    }
    Ok(made)
}

/// A float network.
fn calibrated(args: &Args, graph: &Graph, spec: &InputsSpec, options: &Options) -> Result<Made> {
    let named = || args.model.display().to_string();
    let Some(path) = &args.calibration else {
        bail!(
            "{}: the network is not quantised: give events with --calibration X.npz",
            named()
        );
    };
    if args.rescale != RescaleRule::Quotient {
        bail!(
            "{}: --rescale: the network is not quantised, and its own quantisers have scales of powers of two: leave it out",
            named()
        );
    }
    let graph = simplify(graph).with_context(named)?;
    let calibration = calibration(&graph, spec, &Npz::read(path)?)?;
    let (targets, name, score) = (targets(args)?, name(args)?, score(args));
    let score = score.as_ref();
    compile_for(&targets, &graph, &name, spec, score, &calibration, options).with_context(named)
}

fn calibration(graph: &Graph, spec: &InputsSpec, npz: &Npz) -> Result<Calibration> {
    let fields = |name: &str| spec.get(name).map(|spec| spec.fields()).unwrap_or_default();
    let (_, values) = float::inputs(graph, npz, fields).context("calibration")?;
    for input in graph.inputs().iter().filter(|i| i.kind == Kind::Float) {
        let integers = npz.events(&input.name)?.values();
        if matches!(integers, Values::Integer(_)) && fields(&input.name).is_empty() {
            eprintln!(
                "note: {}: `{}` holds integers, and no words are stated for it: they are taken as values; where they are words of a detector, state them in inputs.toml",
                npz.path().display(),
                input.name
            );
        }
    }
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

/// What is decided on.
fn score(args: &Args) -> Option<Score> {
    let score = args.score.clone()?;
    Some(match args.score_only {
        true => Score::Only(Box::new(score)),
        false => score,
    })
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
        "rescale": match args.rescale {
            RescaleRule::Quotient => "quotient",
            RescaleRule::Single => "single",
            RescaleRule::Double => "double",
        },
        "layouts": args.layouts.to_string(),
        "score": args.score.as_ref().map(ToString::to_string),
        "score_only": args.score_only,
        "inputs": args.inputs,
        "multiplicity": args.multiplicity,
        "extents": args.extents.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
    })
}

/// Fills DIR.
fn write(dir: &Path, args: &Args, program: &str, files: &Files, facts: &Compiled) -> Result<()> {
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

fn pretty(json: &serde_json::Value) -> Result<String> {
    Ok(serde_json::to_string_pretty(json)? + "\n")
}

/// Budgets of the boards that have any, from the command line and from the file beside the model.
fn budgets(args: &Args) -> Result<Vec<(String, Vec<Budget>)>> {
    let file = BudgetFile::read(&args.model.with_file_name(budget::FILE))?;
    if !args.budgets.is_empty() && args.boards.is_empty() {
        bail!("--budget: on which board? Name one with --board");
    }
    let mut names: Vec<&str> = file.boards().collect();
    if !args.budgets.is_empty() {
        names.extend(args.boards.iter().map(String::as_str));
    }
    names.sort_unstable();
    names.dedup();
    let all = names.into_iter().map(|name| {
        let mut budgets = file.of(name);
        if args.boards.iter().any(|board| board == name) {
            budgets.extend(args.budgets.iter().cloned());
        }
        (name.to_owned(), budgets)
    });
    Ok(all.collect())
}

/// Builds what was compiled, measures it, and holds it to its budgets; over budget, the directory is
/// marked in its report, and what would fit is looked for.
fn gate(
    dir: &Path,
    budgets: &[(String, Vec<Budget>)],
    recompile: Recompile<'_>,
    report: Report,
) -> Result<Report> {
    let model = ModelDir::read(dir)?;
    let mut outcome = Outcome::default();
    for (board, budgets) in budgets {
        let measured = Measured::on(&model, board, &[], REPEATS)?;
        outcome.hold(&model, &measured, budgets, &[], Some(recompile))?;
    }
    let Report { text, mut json, .. } = report;
    json["budgets"] = outcome.json();
    json["over_budget"] = (!outcome.met()).into();
    put(dir, "report.json", &pretty(&json)?)?;
    Ok(Report {
        text: text + &outcome.text(),
        json,
        failed: outcome.failure(),
    })
}
