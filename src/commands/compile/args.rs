//! Options of `hodoscope compile`.

use std::cell::OnceCell;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use hodoscope_compiler::exact::Rescale;
use hodoscope_compiler::plan::Layouts;
use hodoscope_compiler::quantise::Score;
use hodoscope_compiler::quantise::{Activations, Options};
use hodoscope_sim::npz::Npz;
use hodoscope_sim::targets::board::Board;

use crate::budget::Budget;
use crate::files::Columns;
use crate::loss::{Limit, StatedKind};

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
8 bits, smaller layouts of dense layers, a smaller multiplicity, another emulated board.

What each output loses is measured on calibration events from which no format was taken. Over a tolerance of
--max-loss, DIR is written all the same, report.json says \"over_tolerance\": true, the exit code is 1, and wider
weights and activations are tried; --accept-loss makes it 0.")]
pub struct Args {
    /// ONNX file
    pub(super) model: PathBuf,
    /// Events from which formats are taken: arrays named by the model's inputs. A network that is
    /// quantised already needs none. npz, npy, parquet or HDF5, of which FILE:GROUP names a group
    #[arg(long, value_name = "FILE")]
    pub(super) calibration: Option<PathBuf>,
    #[command(flatten)]
    pub(super) columns: Columns,
    /// Those events, once they are read; or a caller's, without a file.
    #[arg(skip)]
    pub(super) events: OnceCell<Npz>,
    /// Directory to make
    #[arg(short, long, value_name = "DIR")]
    pub(super) output: PathBuf,
    /// Bits of a weight [default: 8]
    #[arg(long, value_name = "BITS", value_parser = clap::value_parser!(u8).range(4..=16))]
    pub(super) weights: Option<u8>,
    /// Bits of activations; `auto` is 8, and 16 where the calibration loss demands it [default: auto]
    #[arg(long, value_name = "BITS")]
    pub(super) activations: Option<ActivationBits>,
    /// How a QuantizeLinear rounds where scales are no powers of two: `quotient` as ONNX states it and
    /// onnxruntime computes it, `double` or `single` by TensorFlow Lite's multiplier and shift
    #[arg(long, value_name = "ROUNDING", default_value = "quotient")]
    pub(super) rescale: RescaleRule,
    /// What is decided on: mse, sum-squares:OUTPUT, an output's name, or OUTPUT:CHANNEL, as the probability of a class
    #[arg(long, value_name = "SCORE")]
    pub(super) score: Option<Score>,
    /// Compute the score and no other output, as the encoder alone of an autoencoder
    #[arg(long, requires = "score")]
    pub(super) score_only: bool,
    /// Detector words of an input, instead of those of the inputs file
    #[arg(long = "input", value_name = "NAME=ufixed<WIDTH,INTEGER>")]
    pub(super) inputs: Vec<String>,
    /// Detector words of the inputs [default: inputs.toml beside the model, where there is one]
    #[arg(long, value_name = "inputs.toml")]
    pub(super) inputs_spec: Option<PathBuf>,
    /// Extent of an axis that the file leaves open: its name or INPUT:AXIS [default: that of the calibration's arrays]
    #[arg(long = "extent", value_name = "AXIS=N", value_parser = parse_extent)]
    pub(super) extents: Vec<(String, usize)>,
    /// Boards for whose cores layers are planned; on others the portable plan runs [default: every core]
    #[arg(long = "board", value_name = "BOARD", num_args = 1.., value_delimiter = ',')]
    pub(super) boards: Vec<String>,
    /// Flash for tables of what depends on few words, as an energy-flow network's Φ; `auto` is up to 256 KiB, half
    /// of the smallest board's flash at most
    #[arg(long, value_name = "auto|off|BYTES", default_value = "auto")]
    pub(super) efn_table: Tables,
    /// What layouts of dense layers are chosen for: few cycles, few bytes of flash, or few cycles with constants of so many
    /// bytes at most. All are exact
    #[arg(long, value_name = "fastest|smallest|BYTES", default_value = "fastest")]
    pub(super) layouts: Layouts,
    /// Name of the program and crate [default: the model's file name, or its folder's for model.onnx]
    #[arg(long, value_name = "NAME")]
    pub(super) name: Option<String>,
    /// Room for the N hardest constituents only, whatever the model has slots for
    #[arg(long, value_name = "N")]
    pub(super) multiplicity: Option<NonZeroUsize>,
    /// What the worst event may take on each --board: a time, cycles, a size of flash, ram:SIZE, or stack:SIZE
    #[arg(long = "budget", value_name = "50us|12000cycles|64KiB", num_args = 1.., value_delimiter = ',')]
    pub(super) budgets: Vec<Budget>,
    /// What an output may lose before the exit code is 1: ordering, auc, rms, correlation, relative, agreement and
    /// saturated, each in percent
    /// [default: ordering=3%,auc=0.3%,rms=2%,correlation=0.7%,relative=4%,agreement=0.5%,saturated=2%]
    #[arg(long, value_name = "FIGURE=PERCENT", value_delimiter = ',')]
    pub(super) max_loss: Vec<Limit>,
    /// End with 0 whatever was lost: the loss is told all the same
    #[arg(long)]
    pub(super) accept_loss: bool,
    /// What an output is judged as: `regression` by its relative error, `score` by the order of events
    #[arg(long = "judge", value_name = "OUTPUT:regression|score")]
    pub(super) kinds: Vec<StatedKind>,
    /// Replace a directory that `compile` made
    #[arg(long)]
    pub(super) force: bool,
}

/// Bits of activations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ActivationBits {
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
pub(super) enum RescaleRule {
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
pub(super) enum Tables {
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
    pub(super) fn without_board(self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Auto => 0,
        }
    }

    pub(super) fn on(self, board: &Board) -> u64 {
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

impl Args {
    /// Takes calibration events from the caller, in place of a file's.
    ///
    /// # Errors
    /// When a file is named, too.
    pub fn calibrate_with(&mut self, events: Npz) -> Result<()> {
        if let Some(path) = &self.calibration {
            bail!(
                "--calibration {}: calibration events are given already",
                path.display()
            );
        }
        self.events = OnceCell::from(events);
        Ok(())
    }

    /// Whether there are calibration events.
    pub(super) fn is_calibrated(&self) -> bool {
        self.calibration.is_some() || self.events.get().is_some()
    }

    /// The calibration events, if there are any.
    pub(super) fn calibration_events(&self) -> Result<Option<&Npz>> {
        self.columns
            .unless_of_none(self.calibration.is_none(), "--calibration")?;
        if let (None, Some(path)) = (self.events.get(), &self.calibration) {
            let read = self.columns.read(path).context("calibration")?;
            return Ok(Some(self.events.get_or_init(|| read)));
        }
        Ok(self.events.get())
    }
}

/// `AXIS=N`.
pub fn parse_extent(text: &str) -> Result<(String, usize), String> {
    text.split_once('=')
        .and_then(|(axis, extent)| Some((axis.to_owned(), extent.parse().ok().filter(|&n| n > 0)?)))
        .ok_or_else(|| "expected AXIS=N, such as n_particles=32".to_owned())
}

/// What is decided on.
pub(super) fn score(args: &Args) -> Option<Score> {
    let score = args.score.clone()?;
    Some(match args.score_only {
        true => Score::Only(Box::new(score)),
        false => score,
    })
}

/// The program's name, an identifier.
pub(super) fn name(args: &Args) -> Result<String> {
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

/// Bits of weights and activations.
pub(super) fn options(args: &Args) -> Options {
    Options {
        weights: args.weights.unwrap_or(Options::default().weights),
        activations: match args.activations.unwrap_or(ActivationBits::Auto) {
            ActivationBits::Auto => Activations::Widened,
            ActivationBits::Eight => Activations::Eight,
            ActivationBits::Sixteen => Activations::Sixteen,
        },
    }
}
