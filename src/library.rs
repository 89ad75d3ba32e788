//! What programs call instead of the command.

use std::ffi::OsString;
use std::path::Path;
use std::sync::OnceLock;

use anyhow::{Result, anyhow, bail};
use clap::{Args, FromArgMatches};
use hodoscope_program::Program;
use hodoscope_sim::encode::{EncodeReport, Events};
use hodoscope_sim::npz::{Npz, OutputArrays};
use hodoscope_sim::targets::BuildOptions;
use serde_json::{Value, json};
use thiserror::Error;

use crate::cli;
use crate::commands::{compile as compiling, evaluate, run};
use crate::execute::{self, Answers, Deployed};
use crate::exit;
use crate::model_dir::ModelDir;
use crate::report::Report;
use crate::{compiled, digest};

pub use crate::place::Place;

/// Why something was not done, in the words of the command.
#[derive(Debug, Error)]
#[error("{message}")]
pub struct Failure {
    /// In one line, but for usage errors, which have several.
    pub message: String,
    /// What the command would end with: 2 for bad input or usage, 3 for a tool that is missing or failed.
    pub exit_code: u8,
}

impl Failure {
    /// Of input that is wrong.
    pub fn input(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        anyhow::Error::from(error).into()
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self {
            message: exit::message(&error),
            exit_code: exit::code(&error),
        }
    }
}

impl From<clap::Error> for Failure {
    fn from(error: clap::Error) -> Self {
        Self {
            // The usage that follows is of a command line, which nobody wrote.
            message: cli::usage_message(&error),
            exit_code: exit::INPUT,
        }
    }
}

/// Options of a command, as one writes them behind its name, without usage lines in what is wrong with them.
fn parsed<A: Args + FromArgMatches>(
    command: &'static str,
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<A, Failure> {
    let command = clap::Command::new(command)
        .no_binary_name(true)
        .disable_help_flag(true);
    let matches = A::augment_args(command).try_get_matches_from(arguments)?;
    Ok(A::from_arg_matches(&matches)?)
}

/// `hodoscope compile` with `arguments`, and with calibration events that lie in no file, if `events` are given.
///
/// The directory that the report speaks of is written, also where a check failed.
///
/// # Errors
/// What the command ends with, where nothing is written.
pub fn compile(
    arguments: impl IntoIterator<Item = OsString>,
    events: Option<Npz>,
) -> Result<Report, Failure> {
    let mut args: compiling::Args = parsed("compile", arguments)?;
    if let Some(events) = events {
        args.calibrate_with(events)?;
    }
    Ok(compiling::compile(&args)?)
}

/// A compiled model that computes events.
#[derive(Debug)]
pub struct Model {
    dir: ModelDir,
    /// The emitted crate, built and loaded, once it was asked for.
    native: OnceLock<Deployed>,
}

/// What was computed of events.
#[derive(Debug)]
pub struct Computed {
    /// Each output, in the program's order.
    pub outputs: Vec<OutputArrays>,
    /// What making words of values cost.
    pub report: EncodeReport,
}

impl Model {
    /// Reads what `hodoscope compile` wrote.
    ///
    /// # Errors
    /// When it is none, or its program does not verify.
    pub fn read(dir: &Path) -> Result<Self, Failure> {
        let dir = ModelDir::read(dir)?;
        Ok(Self {
            dir,
            native: OnceLock::new(),
        })
    }

    /// The program.
    pub fn program(&self) -> &Program {
        &self.dir.program
    }

    /// What `compile` wrote into report.json.
    pub fn report(&self) -> &Value {
        &self.dir.report
    }

    /// SHA-256 of the program's text.
    pub fn sha256(&self) -> String {
        digest::sha256(&self.dir.program)
    }

    /// Names, shapes, fields and units of inputs and outputs.
    pub fn interface(&self) -> Value {
        let program = &self.dir.program;
        let inputs = program.inputs.iter().map(|input| {
            json!({
                "name": input.name,
                "words": input.channels,
                "capacity": input.set.map(|set| program.set(set).capacity),
                "fields": input.fields.iter().map(compiled::field_json).collect::<Vec<_>>(),
            })
        });
        let outputs = execute::outputs(program);
        let outputs = outputs.iter().map(|output| {
            json!({
                "name": output.name,
                "values": output.width,
                "lsb": output.lsbs,
                "bits": output.bits,
            })
        });
        json!({
            "inputs": inputs.collect::<Vec<_>>(),
            "outputs": outputs.collect::<Vec<_>>(),
        })
    }

    /// Builds the emitted crate for this machine and loads it; afterwards, and where the cache has it already, nothing is
    /// built.
    ///
    /// # Errors
    /// When no library can be made of the program or on this machine.
    pub fn build(&self) -> Result<(), Failure> {
        Ok(self.deployed().map(|_| ())?)
    }

    fn deployed(&self) -> Result<&Deployed> {
        if let Some(deployed) = self.native.get() {
            return Ok(deployed);
        }
        let deployed = Deployed::build(&self.dir, execute::NATIVE, &BuildOptions::default())?;
        Ok(self.native.get_or_init(|| deployed))
    }

    /// The outputs of all events of `events`.
    ///
    /// # Errors
    /// When the events are not the program's, or cannot be computed there.
    pub fn run(&self, place: &Place, events: &Npz) -> Result<Computed, Failure> {
        let (answers, report) = match self.here(place)? {
            Some(deployed) => deployed.run_events(&self.dir.program, events)?,
            None => execute::run_file(&self.dir, place, events)?,
        };
        Ok(Computed {
            outputs: run::arrays(&self.dir.program, &answers.raws),
            report,
        })
    }

    /// `hodoscope evaluate` with `arguments`, of events that lie in no file.
    ///
    /// # Errors
    /// What the command ends with.
    pub fn evaluate(
        &self,
        place: &Place,
        events: &Npz,
        arguments: impl IntoIterator<Item = OsString>,
    ) -> Result<Report, Failure> {
        let on = format!("--on={place}");
        let given = [on, format!("--inputs={}", events.path().display())];
        let given = given.into_iter().map(OsString::from).chain(arguments);
        let dir = [OsString::from("--"), self.dir.dir.clone().into()];
        let args: evaluate::Args = parsed("evaluate", given.chain(dir))?;
        let run = |words: &Events| -> Result<Answers> {
            match self.here(place)? {
                Some(deployed) => deployed.run(words, false),
                None => execute::run(&self.dir, place, words),
            }
        };
        Ok(evaluate::judge(&args, &self.dir, events, run)?)
    }

    /// The smallest raw of the first output whose value is `least` or more; one beyond the largest of its type where none is.
    ///
    /// # Errors
    /// When the first output is no single number, or `least` is NaN.
    pub fn threshold(&self, least: f64) -> Result<i64, Failure> {
        let program = &self.dir.program;
        let output = self.score()?;
        if least.is_nan() {
            return Err(
                anyhow!("a threshold of NaN: nothing reaches it, and nothing misses it").into(),
            );
        }
        let element = program.value(program.outputs[0].value).element;
        // Values grow with raws. Reached within (low, high].
        let (mut low, mut high) = (
            i128::from(element.minimum()) - 1,
            i128::from(element.maximum()) + 1,
        );
        while high - low > 1 {
            let middle = (low + high) >> 1;
            if middle as f64 * output.lsb(0) >= least {
                high = middle;
            } else {
                low = middle;
            }
        }
        Ok(i64::try_from(high).unwrap_or(i64::MAX))
    }

    /// Words of `values`, row after row of the input `name`, and how many saturated.
    ///
    /// # Errors
    /// When there is no such input, the rows are not whole, or a value is not finite.
    pub fn words(&self, name: &str, values: &[f64]) -> Result<(Vec<i64>, u64), Failure> {
        Ok(self.words_of(name, values)?)
    }

    fn words_of(&self, name: &str, values: &[f64]) -> Result<(Vec<i64>, u64)> {
        let inputs = &self.dir.program.inputs;
        let Some(input) = inputs.iter().find(|input| input.name == name) else {
            let there: Vec<String> = inputs.iter().map(|i| format!("`{}`", i.name)).collect();
            bail!("no input `{name}`; there are {}", there.join(", "));
        };
        if !values.len().is_multiple_of(input.channels) {
            bail!(
                "`{name}`: {} values are no whole rows of {}",
                values.len(),
                input.channels
            );
        }
        let mut saturated = 0;
        let word = |(index, value): (usize, &f64)| {
            let field = input.field(index % input.channels);
            let Ok(encoded) = field.encode(*value) else {
                bail!("`{name}`, value {index}: {value} has no word");
            };
            saturated += u64::from(encoded.saturated);
            Ok(encoded.word)
        };
        let words: Result<Vec<i64>> = values.iter().enumerate().map(word).collect();
        Ok((words?, saturated))
    }

    /// Whether each event's first output has a raw of at least `threshold`.
    ///
    /// # Errors
    /// As [`Self::run`], and when the first output is no single number.
    pub fn decide(
        &self,
        place: &Place,
        events: &Npz,
        threshold: i64,
    ) -> Result<Vec<bool>, Failure> {
        let score = self.score()?;
        let computed = self.run(place, events)?;
        let score = computed
            .outputs
            .iter()
            .find(|output| output.name() == score.name);
        let raws = score.and_then(OutputArrays::raws).unwrap_or_default();
        Ok(raws.iter().map(|raw| *raw >= threshold).collect())
    }

    /// The first output, where it is one number.
    fn score(&self) -> Result<execute::OutputSlice> {
        match execute::outputs(&self.dir.program).into_iter().next() {
            Some(output) if output.width == 1 => Ok(output),
            _ => bail!(
                "the first output is no single number, and a trigger decides on one: compile with --score"
            ),
        }
    }

    /// What computes in this process, where `place` says so.
    fn here(&self, place: &Place) -> Result<Option<&Deployed>> {
        match place {
            Place::Board(name) if name == execute::NATIVE => self.deployed().map(Some),
            _ => Ok(None),
        }
    }
}
