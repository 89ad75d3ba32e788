//! `hodoscope replay`.

mod figures;
mod menu;
mod session;

use std::fs;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use hodoscope_sim::encode::Events;
use hodoscope_sim::stream::Rate;
use hodoscope_sim::targets::board::Runner;
use hodoscope_sim::targets::replay::{Link, Pace, Port, ReplayOptions, replay as feed};
use hodoscope_sim::targets::{Board, Built};
use sha2::{Digest, Sha256};

use crate::execute::{self, Answers};
use crate::files::Columns;
use crate::menu_dir;
use crate::model_dir::ModelDir;
use crate::own_boards;
use crate::progress;
use crate::report::{Report, thousands};

use figures::Compared;
use session::{Recorder, Session};

/// Stream events to a board over its link, and compare every answer with the interpreter
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hodoscope replay ae-qcd --inputs models/ae-qcd/test.npz --on mps2-an386
  hodoscope replay ae-qcd --inputs models/ae-qcd/test.npz --on nucleo-f446re --port /dev/ttyACM0
  hodoscope replay menu.toml --inputs tagger=jets.npz --inputs odd=events.npz --on mps2-an386 --change tight.toml@5000

Without --port an emulated board is started. With it, nothing is built: the board there must run this very program, and says so.
An event has a name, (epoch, number), and is decided once, whatever the link loses, damages or doubles; a board that starts again in
between is noticed, and what it had not answered is sent again in a new run. Every event is accounted for, on both sides.

Of a menu every raw of every model, and every bit of every line, before and after veto and prescale, is compared with a golden interpreter.

On a difference the exit code is 1; when the board makes no progress it is 3.")]
pub struct Args {
    /// Compiled model, as `hodoscope compile` makes it, or a menu of several, menu.toml
    dir: PathBuf,
    /// Events: arrays named by the model's inputs, first axis = events; npz, npy, parquet or HDF5 (FILE:GROUP).
    /// Of a menu MODEL=FILE for each model, or one file for all
    #[arg(long, value_name = "FILE", required_unless_present = "session")]
    inputs: Vec<String>,
    #[command(flatten)]
    columns: Columns,
    /// Of a menu: change to another one of the same models at an event, as other.toml@5000; may be given again
    #[arg(long, value_name = "MENU@EVENT")]
    change: Vec<String>,
    /// Events and their times from a session that --record wrote, whose answers are compared, too
    #[arg(long, value_name = "FILE", conflicts_with = "inputs")]
    session: Option<PathBuf>,
    /// The board: an emulated one, native-board, or the one that is at --port
    #[arg(long, value_name = "BOARD")]
    on: String,
    /// Where it is: a serial port such as /dev/ttyACM0, tcp:HOST:PORT, unix:PATH [default: it is emulated]
    #[arg(long, value_name = "PORT")]
    port: Option<Port>,
    /// Speed of a serial port [default: the board's]
    #[arg(long, value_name = "BAUD", requires = "port", value_parser = clap::value_parser!(u32).range(300..))]
    baud: Option<u32>,
    /// How fast events are sent: 1kHz; with --session also `recorded` [default: as fast as the board takes them]
    #[arg(long, value_name = "RATE")]
    rate: Option<Tempo>,
    /// Only the first events
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    events: Option<u64>,
    /// Events under way at once, at most [default: what the board allows]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=255))]
    window: Option<u64>,
    /// The raw that decides, counted over all outputs [default: 0, or the session's]
    #[arg(long, value_name = "INDEX")]
    output: Option<u16>,
    /// Least raw that is accepted [default: the median of these events, or the session's]
    #[arg(long, value_name = "RAW", allow_negative_numbers = true)]
    threshold: Option<i64>,
    /// Write the session here, one line for each event; it can be replayed with --session
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Seconds without progress after which the board is given up
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=3600))]
    patience: u64,
}

/// How fast events are sent.
#[derive(Clone, Copy, Debug)]
enum Tempo {
    At(Rate),
    Recorded,
}

impl FromStr for Tempo {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "recorded" {
            return Ok(Self::Recorded);
        }
        Rate::from_str(text)
            .map(Self::At)
            .map_err(|error| error.to_string())
    }
}

/// Speed of a serial port where neither board nor user states one.
const BAUD: u32 = 115_200;

pub fn replay(args: &Args) -> Result<Report> {
    args.columns
        .unless_of_none(args.inputs.is_empty(), "--inputs")?;
    if menu_dir::is_menu(&args.dir) {
        return menu::replay(args);
    }
    if !args.change.is_empty() {
        bail!("--change: {} is one model and no menu", args.dir.display());
    }
    let model = ModelDir::read(&args.dir)?;
    let program = &model.program;
    let recorded = args
        .session
        .as_ref()
        .map(|path| Session::read(path, &model, args.events))
        .transpose()?;
    let events = match (&recorded, &*args.inputs) {
        (Some(session), _) => Events::of_words(program, &session.events),
        (None, [path]) => execute::first(
            execute::events(program, &args.columns.read(path.as_ref())?)?,
            program,
            args.events,
        ),
        (None, []) => bail!("give events with --inputs or --session"),
        (None, _) => bail!("--inputs: one model has one file"),
    };
    if events.is_empty() {
        bail!("there is no event to send");
    }
    let pace = pace(args.rate, recorded.as_ref())?;
    let expected = execute::interpret(program, &events)?;
    let decision = decision(args, recorded.as_ref(), &expected, program)?;
    let mut recorder = args.record.as_deref().map(Recorder::create).transpose()?;

    let (board, mut link, source) = open_with(args, |board| execute::firmware(&model, board))?;
    let what = match &args.port {
        Some(port) => format!("{} at {port}", board.name),
        None => board.name.clone(),
    };
    let options = ReplayOptions {
        pace,
        decision: Some(decision),
        menus: Vec::new(),
        window: args.window.map(|window| window as usize),
        patience: Duration::from_secs(args.patience),
        program: program_hash(&model)?,
        name: program.name.clone(),
        board: args.port.is_some().then(|| board.name.clone()),
    };
    let payloads: Vec<Vec<u8>> = (0..events.len())
        .map(|event| events.payload(event))
        .collect();
    let mut compared = Compared::new(program, &expected, decision);
    let bar = progress::events(&what, events.len());
    let mut settled = Vec::with_capacity(if recorder.is_some() { events.len() } else { 0 });
    let replayed = feed(&mut link, &payloads, &options, |end| {
        compared.take(&end);
        if let Some(session) = &recorded {
            compared.take_recorded(&end, &session.answers[end.event]);
        }
        if recorder.is_some() {
            settled.push(end);
        }
        bar.inc(1);
    });
    bar.finish_and_clear();
    let replayed = replayed.with_context(|| format!("on {what}"))?;
    if let Err(error) = link.finish() {
        eprintln!("warning: {error}");
    }
    if let Some(recorder) = &mut recorder {
        recorder.write(
            &model,
            &what,
            &replayed.identity,
            decision,
            &events,
            &settled,
        )?;
    }
    let mut report = figures::report(
        &model,
        &what,
        source,
        &board,
        &compared,
        &replayed,
        &args.rate.map(Tempo::hz),
    );
    if let Some(path) = &args.record {
        report.text += &format!("  session written to {}\n", path.display());
        report.json["written"] = path.display().to_string().into();
    }
    Ok(report)
}

impl Tempo {
    fn hz(self) -> Option<f64> {
        match self {
            Self::At(rate) => Some(rate.hz()),
            Self::Recorded => None,
        }
    }
}

/// The hash that the board's firmware bears.
fn program_hash(model: &ModelDir) -> Result<[u8; 32]> {
    let path = model.dir.join("program.txt");
    let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Sha256::digest(&text).into())
}

fn pace(rate: Option<Tempo>, session: Option<&Session>) -> Result<Pace> {
    Ok(match (rate, session) {
        (None, _) => Pace::Fast,
        (Some(Tempo::At(rate)), _) => Pace::Every(Duration::from_secs_f64(1.0 / rate.hz())),
        (Some(Tempo::Recorded), Some(session)) => Pace::At(session.times.clone()),
        (Some(Tempo::Recorded), None) => {
            bail!("--rate recorded: only a --session has times; name a rate such as 1kHz")
        }
    })
}

/// The raw that decides and its threshold.
fn decision(
    args: &Args,
    session: Option<&Session>,
    expected: &Answers,
    program: &hodoscope_program::Program,
) -> Result<(u16, i64)> {
    let raws: usize = execute::outputs(program)
        .iter()
        .map(|output| output.width)
        .sum();
    let output = args
        .output
        .or(session.map(|session| session.decision.0))
        .unwrap_or(0);
    if usize::from(output) >= raws {
        bail!("--output {output}: the model has {raws} raws, counted from 0");
    }
    let stated = args.threshold.or_else(|| {
        let session = session.filter(|_| args.output.is_none())?;
        Some(session.decision.1)
    });
    let threshold = stated.unwrap_or_else(|| {
        let mut scores: Vec<i64> = expected
            .raws
            .iter()
            .map(|raws| raws[usize::from(output)])
            .collect();
        scores.sort_unstable();
        scores[scores.len() / 2]
    });
    Ok((output, threshold))
}

/// The board, a link to it, and where answers come from. What is not at a port is built by `build` and started.
fn open_with(
    args: &Args,
    build: impl FnOnce(&Board) -> Result<Built>,
) -> Result<(Board, Link, &'static str)> {
    // The host's board is a process, whatever it is called.
    let name = match args.on.as_str() {
        execute::NATIVE => execute::NATIVE_BOARD,
        name => name,
    };
    let folder = if name == execute::NATIVE_BOARD {
        execute::NATIVE
    } else {
        name
    };
    let mut board = own_boards::find(folder)?;
    name.clone_into(&mut board.name);
    if let Some(port) = &args.port {
        let baud = args.baud.or(board.baud).unwrap_or(BAUD);
        return Ok((board, Link::open(port, baud)?, "at its port"));
    }
    // A build takes long: what cannot run afterwards is said before.
    board.check_runner()?;
    let built = build(&board)?;
    let source = match board.runner {
        Runner::Native => "native",
        Runner::Rtl(_) => "RTL",
        _ => "emulated",
    };
    if matches!(board.runner, Runner::Rtl(_)) {
        eprintln!(
            "note: {name} is simulated from its Verilog, some hundred thousand cycles a second"
        );
    }
    let link = Link::start(&board, &built)?;
    Ok((board, link, source))
}

/// `1 event`, `2,000 events`.
fn events_text(count: u64) -> String {
    format!(
        "{} event{}",
        thousands(count),
        if count == 1 { "" } else { "s" }
    )
}
