//! Runs a program's events somewhere.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use hodoscope_files::Reader;
use hodoscope_interpreter::Interpreter;
use hodoscope_program::Program;
use hodoscope_sim::encode::{EncodeError, EncodeReport, Encoder, Events};
use hodoscope_sim::npz::{Npz, Room};
use hodoscope_sim::targets::board::Runner;
use hodoscope_sim::targets::{
    Answer, Board, BuildOptions, Built, Cache, FileError, Host, HostError, Layer, Session,
    SessionOptions, build,
};
use hodoscope_sim::timing::Recording;
use rayon::ThreadPoolBuilder;
use rayon::prelude::*;

use crate::fabric::{self, Fabric};
use crate::files::Columns;
use crate::model_dir::ModelDir;
use crate::notes;
use crate::own_boards;
use crate::place::Place;
use crate::progress;

/// The raws of every event: of each, all outputs concatenated in the program's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Raws {
    width: usize,
    /// Event by event.
    flat: Vec<i64>,
}

impl Raws {
    /// No event yet, and room for `events`.
    pub fn of(program: &Program, events: usize) -> Self {
        let width = outputs(program).iter().map(|output| output.width).sum();
        Self {
            width,
            flat: Vec::with_capacity(events * width),
        }
    }

    /// Appends an event.
    pub fn push(&mut self, raws: &[i64]) -> Result<()> {
        if raws.len() != self.width {
            bail!("an event has {} raws, not {}", raws.len(), self.width);
        }
        self.flat.extend(raws);
        Ok(())
    }

    /// Event by event.
    pub fn iter(&self) -> std::slice::ChunksExact<'_, i64> {
        self.flat.chunks_exact(self.width.max(1))
    }

    /// Those of one event; none where there is no such event.
    pub fn event(&self, event: usize) -> &[i64] {
        let first = event * self.width;
        self.flat.get(first..first + self.width).unwrap_or_default()
    }
}

/// What computed events, and what it says of them.
#[derive(Debug)]
pub struct Answers {
    /// Event by event.
    pub raws: Raws,
    /// What computed them: `interpreter`, `native`, `emulated`, `RTL`.
    pub source: &'static str,
    /// Instructions of each event, where they were counted.
    pub instructions: Option<Vec<u64>>,
    /// Cycles of each event, where ticks are cycles.
    pub cycles: Option<Vec<u64>>,
    /// Bytes of stack that the firmware used, where that was measured.
    pub stack: Option<u64>,
}

/// Reads `npz` and makes detector words of it.
pub fn events(program: &Program, npz: &Npz) -> Result<Events> {
    let events = Events::from_npz(program, npz)?;
    tell(events.report(), npz.path());
    Ok(events)
}

/// Notes on what making words cost.
fn tell(report: &EncodeReport, path: &Path) {
    let (saturated, lost) = (report.saturated(), report.lost());
    let beyond: u64 = report.sets.iter().map(|set| set.beyond_capacity).sum();
    let notes = [
        (saturated, "values saturated"),
        (
            lost,
            "constituents lost: they pass the mask, their rounded word does not",
        ),
        (
            beyond,
            "constituents beyond the capacity: the program leaves the softest out",
        ),
    ];
    for (count, what) in notes {
        if count > 0 {
            notes::say(format!("note: {}: {count} {what}", path.display()));
        }
    }
}

/// The first `count` events, or all.
pub fn first(events: Events, program: &Program, count: Option<u64>) -> Events {
    let count = count.map_or(events.len(), |count| count as usize);
    if count >= events.len() {
        return events;
    }
    let first: Vec<_> = (0..count).map(|event| events.event(event)).collect();
    Events::of_words(program, &first)
}

/// Verifies the program and prepares to interpret it.
pub fn interpreter(program: &Program) -> Result<Interpreter<'_>> {
    Interpreter::new(program).with_context(|| format!("program `{}` does not verify", program.name))
}

/// Runs all events on the golden model, in as many threads as there are cores; `RAYON_NUM_THREADS` says how many.
pub fn interpret(program: &Program, events: &Events) -> Result<Answers> {
    let interpreter = interpreter(program)?;
    let bar = progress::events("interpreter", events.len());
    let of = |event: usize| -> Result<Vec<i64>> {
        let outputs = interpreter.run(&events.event(event))?;
        bar.inc(1);
        Ok(outputs.concat())
    };
    // Not the threads of the whole process: in one that was forked, as Python does, these would be gone.
    let threads = ThreadPoolBuilder::new().build();
    let threads = threads.context("the interpreter has no threads")?;
    let all: Result<Vec<Vec<i64>>> =
        threads.install(|| (0..events.len()).into_par_iter().map(of).collect());
    let mut raws = Raws::of(program, events.len());
    for event in all? {
        raws.push(&event)?;
    }
    bar.finish_and_clear();
    Ok(Answers {
        raws,
        source: "interpreter",
        instructions: None,
        cycles: None,
        stack: None,
    })
}

/// The emitted crate on this machine: in this process, or, built with overflow checks or to show layers, as the
/// board below.
pub const NATIVE: &str = "native";
/// The host as a board: a process that speaks the boards' protocol.
pub const NATIVE_BOARD: &str = "native-board";

/// A board that runs a model's firmware.
#[derive(Debug)]
pub struct Deployed {
    /// The board.
    pub board: Board,
    width: Raws,
    code: Code,
}

#[derive(Debug)]
enum Code {
    Firmware(Box<Built>),
    /// In this process.
    Library(Host),
}

/// Builds the firmware of `model` for a real or an emulated board, as it is shipped.
pub fn firmware(model: &ModelDir, board: &Board) -> Result<Built> {
    let what = format!("{} for {}", model.program.name, board.name);
    let spinner = progress::spinner(&format!("building {what}"));
    let cache = Cache::from_env()?;
    let built = build(&model.dir, board, &BuildOptions::default(), &cache);
    spinner.finish_and_clear();
    built.with_context(|| what)
}

impl Deployed {
    /// Builds the firmware of `model` for the board `name`.
    pub fn build(model: &ModelDir, name: &str, options: &BuildOptions) -> Result<Self> {
        let folder = if name == NATIVE_BOARD { NATIVE } else { name };
        let mut board = own_boards::find(folder)?;
        name.clone_into(&mut board.name);
        // A build takes long: what cannot run afterwards is said before.
        board.check_runner()?;
        let cache = Cache::from_env()?;
        let spinner = progress::spinner(&format!("building {} for {name}", model.program.name));
        let of = || format!("{} for {name}", model.program.name);
        let library = match name == NATIVE && *options == BuildOptions::default() {
            true => library(model, &cache).with_context(of)?,
            false => None,
        };
        let code = match library {
            Some(host) => Code::Library(host),
            None => Code::Firmware(Box::new(
                build(&model.dir, &board, options, &cache).with_context(of)?,
            )),
        };
        spinner.finish_and_clear();
        Ok(Self {
            board,
            width: Raws::of(&model.program, 0),
            code,
        })
    }

    /// The firmware with what runs it.
    pub fn built(&self) -> Result<&Built> {
        match &self.code {
            Code::Firmware(built) => Ok(built),
            Code::Library(_) => bail!(
                "{} runs in this process; name {NATIVE_BOARD} or a board",
                self.board.name
            ),
        }
    }

    /// The firmware.
    pub fn elf(&self) -> Result<&PathBuf> {
        Ok(&self.built()?.elf)
    }

    /// Where answers come from.
    pub fn source(&self) -> &'static str {
        match self.board.runner {
            Runner::Native => "native",
            Runner::Rtl(_) => "RTL",
            _ => "emulated",
        }
    }

    /// Runs all events.
    pub fn run(&self, events: &Events, count_instructions: bool) -> Result<Answers> {
        if let Code::Library(host) = &self.code {
            return self.run_here(host, events);
        }
        let options = SessionOptions {
            count_instructions,
            ..SessionOptions::default()
        };
        Ok(self.run_with(events, &options)?.0)
    }

    /// Runs all events, counts their instructions, records them, and measures the stack.
    pub fn record(&self, events: &Events) -> Result<(Answers, Recording)> {
        let options = SessionOptions {
            count_instructions: true,
            record_paths: true,
            measure_stack: true,
            ..SessionOptions::default()
        };
        let (answers, recording) = self.run_with(events, &options)?;
        let recording =
            recording.with_context(|| format!("{} records no instructions", self.board.name))?;
        Ok((answers, recording))
    }

    fn run_here(&self, host: &Host, events: &Events) -> Result<Answers> {
        let bar = progress::events(&self.board.name, events.len());
        let flat = host.run(events, |count| bar.inc(count));
        bar.finish_and_clear();
        let flat = flat.with_context(|| format!("on {}", self.board.name))?;
        Ok(self.answers(host, flat))
    }

    /// As [`Self::run`], of the events of a file, and what making their words cost.
    pub fn run_events(&self, program: &Program, npz: &Npz) -> Result<(Answers, EncodeReport)> {
        let encoder = Encoder::new(program, npz)?;
        if let Some((answers, report)) = self.run_file(program, &encoder)? {
            tell(&report, npz.path());
            return Ok((answers, report));
        }
        let events = events(program, npz)?;
        Ok((self.run(&events, false)?, events.report().clone()))
    }

    /// As [`Self::run`], of the events of a file; nothing where the board takes them one by one.
    fn run_file(
        &self,
        program: &Program,
        encoder: &Encoder<'_>,
    ) -> Result<Option<(Answers, EncodeReport)>> {
        let Code::Library(host) = &self.code else {
            return Ok(None);
        };
        let bar = progress::events(&self.board.name, encoder.len());
        let done = host.run_file(program, encoder, |count| bar.inc(count));
        bar.finish_and_clear();
        let (flat, report) = done.map_err(|error| on_board(error, &self.board.name))?;
        Ok(Some((self.answers(host, flat), report)))
    }

    fn answers(&self, host: &Host, flat: Vec<i64>) -> Answers {
        Answers {
            raws: Raws {
                width: host.width(),
                flat,
            },
            source: self.source(),
            instructions: None,
            cycles: None,
            stack: None,
        }
    }

    fn run_with(
        &self,
        events: &Events,
        options: &SessionOptions,
    ) -> Result<(Answers, Option<Recording>)> {
        let on = || format!("on {}", self.board.name);
        let mut session = Session::start(&self.board, self.built()?, options).with_context(on)?;
        let bar = progress::events(&self.board.name, events.len());
        let mut raws = self.width.clone();
        let mut wrong = Ok(());
        let payloads = (0..events.len()).map(|event| events.payload(event));
        let mut ticks = Vec::with_capacity(events.len());
        let take = |_, answer: Answer| {
            ticks.push(u64::from(answer.ticks));
            if let (Ok(()), Err(error)) = (&wrong, raws.push(&answer.raws)) {
                wrong = Err(error);
            }
            bar.inc(1);
        };
        session.infer_all(payloads, take).with_context(on)?;
        wrong.with_context(on)?;
        let report = session.finish().with_context(on)?;
        bar.finish_and_clear();
        let answers = Answers {
            raws,
            source: self.source(),
            instructions: report.instructions,
            cycles: matches!(self.board.runner, Runner::Rtl(_)).then_some(ticks),
            stack: report.stack,
        };
        Ok((answers, report.recording))
    }

    /// Runs events of a trace build and returns every layer of each.
    pub fn trace(&self, payloads: impl Iterator<Item = Vec<u8>>) -> Result<Vec<Vec<Layer>>> {
        let on = || format!("on {}", self.board.name);
        let options = SessionOptions::default();
        let mut session = Session::start(&self.board, self.built()?, &options).with_context(on)?;
        let layers = payloads
            .map(|payload| Ok(session.trace(&payload).with_context(on)?.0))
            .collect::<Result<_>>()?;
        session.finish().with_context(on)?;
        Ok(layers)
    }
}

/// The model's library in this process; nothing, aloud, where none can be made.
fn library(model: &ModelDir, cache: &Cache) -> Result<Option<Host>> {
    match Host::load(&model.dir, &model.program, cache) {
        Ok(host) => Ok(Some(host)),
        Err(HostError::NoLibrary(reason)) => {
            notes::say(format!(
                "note: {reason}; {NATIVE} runs as a process of its own, as {NATIVE_BOARD} does"
            ));
            Ok(None)
        }
        Err(HostError::Target(error)) => Err(error.into()),
    }
}

/// Runs the events of a file on anything but the float graph, and says what making words cost.
pub fn run_file(model: &ModelDir, place: &Place, npz: &Npz) -> Result<(Answers, EncodeReport)> {
    let program = &model.program;
    if let Place::Board(name) = place
        && name == NATIVE
    {
        // What is wrong with the file is said before anything is built.
        Encoder::new(program, npz)?;
        let deployed = Deployed::build(model, name, &BuildOptions::default())?;
        return deployed.run_events(program, npz);
    }
    let events = events(program, npz)?;
    Ok((run(model, place, &events)?, events.report().clone()))
}

/// Bytes of a part of a file, as a share of what may be read at once: a row group can be larger.
const PARTS: u64 = 8;

/// As [`run_file`], of a file that was opened. In this process a file with row groups is computed part by part, so that only
/// answers of all events lie in memory.
pub fn run_reader(
    model: &ModelDir,
    place: &Place,
    reader: Reader,
) -> Result<(Answers, EncodeReport)> {
    let is_here = matches!(place, Place::Interpreter)
        || matches!(place, Place::Board(name) if name == NATIVE);
    let reader = match is_here {
        true => reader.in_parts_of(Room::from_env()?.left() / PARTS)?,
        false => reader,
    };
    if reader.parts() == 1 {
        return run_file(model, place, &reader.read()?);
    }
    let program = &model.program;
    let mut report = EncodeReport::new(program, 0);
    let mut all: Option<Answers> = None;
    let mut deployed = None;
    for part in 0..reader.parts() {
        let npz = reader.read_part(part)?;
        let computed = run_part(model, place, &npz, &mut deployed);
        let (answers, cost) = computed.map_err(|mut error| {
            if let Some(EncodeError::Npz(error)) = error.downcast_mut() {
                error.shift(report.events);
            }
            error
        })?;
        report.merge(&cost);
        match &mut all {
            Some(all) => all.raws.flat.extend(answers.raws.flat),
            None => all = Some(answers),
        }
    }
    tell(&report, reader.path());
    let all = all.with_context(|| format!("{}: it has no event", reader.path().display()))?;
    Ok((all, report))
}

/// As [`run_reader`], of an archive that is read part by part as it is computed; nothing where that is not done, or where
/// something is wrong with the arrays, which who reads all of them says.
pub fn run_stream(
    model: &ModelDir,
    place: &Place,
    columns: &Columns,
    path: &Path,
) -> Result<Option<(Answers, EncodeReport)>> {
    let program = &model.program;
    if !matches!(place, Place::Board(name) if name == NATIVE) {
        return Ok(None);
    }
    let inputs = program.inputs.iter().map(|input| &input.name);
    let names: Vec<String> = inputs
        .flat_map(|name| [name.clone(), format!("{name}.count")])
        .collect();
    let Some(stream) = columns.stream(path, &names) else {
        return Ok(None);
    };
    // One event shows what is wrong with shapes.
    let is_right = |npz: Npz| Encoder::new(program, &npz).is_ok();
    if !stream.part(0..1).is_ok_and(is_right) {
        return Ok(None);
    }
    let deployed = Deployed::build(model, NATIVE, &BuildOptions::default())?;
    let Code::Library(host) = &deployed.code else {
        return Ok(None);
    };
    let bar = progress::events(NATIVE, stream.events());
    let done = host.run_stream(program, stream, |count| bar.inc(count));
    bar.finish_and_clear();
    let (flat, report) = done.map_err(|error| on_board(error, NATIVE))?;
    tell(&report, path);
    Ok(Some((deployed.answers(host, flat), report)))
}

/// What is wrong with the events, or what the board `name` says.
fn on_board(error: FileError, name: &str) -> anyhow::Error {
    match error {
        FileError::Encode(error) => error.into(),
        FileError::Target(error) => anyhow::Error::from(error).context(format!("on {name}")),
    }
}

/// Runs a part of a file's events, here; `deployed` is built once.
fn run_part(
    model: &ModelDir,
    place: &Place,
    npz: &Npz,
    deployed: &mut Option<Deployed>,
) -> Result<(Answers, EncodeReport)> {
    let program = &model.program;
    let encoder = Encoder::new(program, npz)?;
    if let (Place::Board(name), None) = (place, &deployed) {
        *deployed = Some(Deployed::build(model, name, &BuildOptions::default())?);
    }
    if let Some(deployed) = deployed
        && let Some(done) = deployed.run_file(program, &encoder)?
    {
        return Ok(done);
    }
    let events = encoder.encode(0..encoder.len())?;
    let answers = match deployed {
        Some(deployed) => deployed.run(&events, false)?,
        None => interpret(program, &events)?,
    };
    Ok((answers, events.report().clone()))
}

/// Runs all events on anything but the float graph.
pub fn run(model: &ModelDir, place: &Place, events: &Events) -> Result<Answers> {
    match place {
        Place::Float => bail!("`float` has no raws; use `interpreter` or a board"),
        Place::Interpreter => interpret(&model.program, events),
        Place::Board(name) if name == fabric::NAME => in_fabric(model, events),
        Place::Board(name) => {
            Deployed::build(model, name, &BuildOptions::default())?.run(events, false)
        }
    }
}

/// Runs all events through the Verilog of a model.
fn in_fabric(model: &ModelDir, events: &Events) -> Result<Answers> {
    let program = &model.program;
    let fabric = Fabric::read(program, &model.dir, None)?;
    let mut raws = Raws::of(program, events.len());
    for (event, answered) in fabric.run(events, 1)?.into_iter().enumerate() {
        if answered.answer.is_marked {
            bail!(
                "event {event} has more live constituents than are computed: fabric marks it and gives no answer; leave it out, or send the hardest only"
            );
        }
        raws.push(&answered.answer.raws)?;
    }
    Ok(Answers {
        raws,
        source: fabric::SOURCE,
        instructions: None,
        cycles: None,
        stack: None,
    })
}

/// One output of the program among an event's raws.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputSlice {
    /// Name, as in the model.
    pub name: String,
    /// Its first raw.
    pub start: usize,
    /// Number of raws.
    pub width: usize,
    /// Value of one count: of all raws, or of each.
    pub lsbs: Vec<f64>,
    /// Bits of a stored raw.
    pub bits: u32,
}

impl OutputSlice {
    /// Value of one count of raw `channel`.
    pub fn lsb(&self, channel: usize) -> f64 {
        self.lsbs[channel.min(self.lsbs.len() - 1)]
    }
}

/// Where each output lies among an event's raws.
pub fn outputs(program: &Program) -> Vec<OutputSlice> {
    let mut start = 0;
    program
        .outputs
        .iter()
        .map(|output| {
            let value = program.value(output.value);
            let width = value.shape.elements(0);
            let mut lsbs: Vec<f64> = (0..width)
                .map(|c| value.scale.lsb(c % value.shape.channels()))
                .collect();
            if lsbs.windows(2).all(|pair| pair[0] == pair[1]) {
                lsbs.truncate(1);
            }
            let slice = OutputSlice {
                name: output.name.clone(),
                start,
                width,
                lsbs,
                bits: value.element.storage().width.into(),
            };
            start += width;
            slice
        })
        .collect()
}
