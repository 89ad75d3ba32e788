//! Engines that answer in a process of their own.
//!
//! A peer is started with an ONNX file, a file of all events as little-endian floats, and the shape of one event. It reads
//! a request per line and answers with a line: `answers one|all` with all answers, `run one|all PASSES` with the
//! nanoseconds for which it computed. `one` gives it an event at a time, `all` the file at once.

use std::fmt;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

/// How events are given.
#[derive(Clone, Copy, Debug)]
pub enum How {
    /// An event at a time, as a trigger does.
    One,
    /// All events in one call.
    All,
}

impl How {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::One, Self::All];

    fn word(self) -> &'static str {
        match self {
            Self::One => "one",
            Self::All => "all",
        }
    }
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::One => "an event a call",
            Self::All => "all events in one call",
        })
    }
}

/// Name, program and first arguments of the peers that `cargo xtask throughput` has brought.
pub fn wanted() -> Vec<(&'static str, Vec<PathBuf>)> {
    let script =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/throughput/onnxruntime_peer.py");
    let program = |variable| std::env::var_os(variable).map(PathBuf::from);
    let tract = program("HODOSCOPE_BENCH_TRACT").map(|program| ("tract", vec![program]));
    let python = program("HODOSCOPE_BENCH_PYTHON");
    let onnxruntime = python.map(|program| ("onnxruntime", vec![program, script]));
    tract.into_iter().chain(onnxruntime).collect()
}

/// A peer that runs.
pub struct Peer {
    /// Its name.
    pub name: String,
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// Its events, as long as it may read them.
    _events: tempfile::NamedTempFile,
}

impl Peer {
    /// Starts it.
    pub fn start(
        (name, command): &(&'static str, Vec<PathBuf>),
        model: &Path,
        floats: &[f32],
        shape: &[usize],
    ) -> Self {
        let mut events = tempfile::NamedTempFile::new().expect("a file can be made");
        let bytes: Vec<u8> = floats.iter().flat_map(|x| x.to_le_bytes()).collect();
        events.write_all(&bytes).expect("the file can be written");
        let mut child = Command::new(&command[0])
            .args(&command[1..])
            .arg(model)
            .arg(events.path())
            .args(shape.iter().map(usize::to_string))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        Self {
            name: (*name).to_owned(),
            requests: child.stdin.take().expect("it is piped"),
            answers: BufReader::new(child.stdout.take().expect("it is piped")),
            child,
            _events: events,
        }
    }

    /// What it answers to all events.
    pub fn answers(&mut self, how: How) -> Vec<f32> {
        let line = self.request(&format!("answers {}", how.word()));
        let numbers = line.split_whitespace().map(str::parse);
        numbers
            .collect::<Result<_, _>>()
            .expect("it answers with numbers")
    }

    /// How long it computes in passes over all events.
    pub fn run(&mut self, how: How, passes: u64) -> Duration {
        let line = self.request(&format!("run {} {passes}", how.word()));
        Duration::from_nanos(line.trim().parse().expect("it answers with a number"))
    }

    fn request(&mut self, request: &str) -> String {
        let mut line = String::new();
        let sent = writeln!(self.requests, "{request}");
        let read = sent.and_then(|()| self.answers.read_line(&mut line));
        match read {
            Ok(1..) => line,
            _ => panic!("{} gave no answer to `{request}`", self.name),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
