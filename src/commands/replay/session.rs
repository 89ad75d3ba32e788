//! A session as a file: a line of JSON for the run, then one for each event.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use hodoscope_interpreter::Event;
use hodoscope_program::{InputId, Program};
use hodoscope_sim::encode::Events;
use hodoscope_sim::targets::Identity;
use hodoscope_sim::targets::replay::{Fate, Settled};
use serde::{Deserialize, Serialize};

use crate::model_dir::ModelDir;
use crate::report::hex;

/// Version of the form.
const SCHEMA: u32 = 1;

/// The first line.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Header {
    hodoscope_session: u32,
    model: String,
    program_sha256: String,
    on: String,
    board: String,
    app: String,
    version: String,
    ticks_per_second: u32,
    output: u16,
    threshold_raw: i64,
    inputs: Vec<String>,
}

/// Any other.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Line {
    event: usize,
    epoch: u32,
    sequence: u32,
    sent_ns: u64,
    latency_ns: u64,
    sends: u32,
    /// Of each input, row after row.
    words: Vec<Vec<i64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    raws: Option<Vec<i64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accept: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ticks: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
}

/// A file that a session is written to. It is made before the first event is sent, and named when the session is whole.
pub struct Recorder {
    path: PathBuf,
    file: tempfile::NamedTempFile,
}

impl Recorder {
    /// Refuses a file that is there: it may be a session that cannot be had again.
    pub fn create(path: &Path) -> Result<Self> {
        if path.exists() {
            bail!(
                "--record {}: it exists; nothing was written",
                path.display()
            );
        }
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))
            .with_context(|| format!("--record {}: cannot write there", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            file,
        })
    }

    /// Writes the session and gives the file its name.
    pub fn write(
        &mut self,
        model: &ModelDir,
        on: &str,
        identity: &Identity,
        decision: (u16, i64),
        events: &Events,
        settled: &[Settled],
    ) -> Result<()> {
        let written = || format!("cannot write {}", self.path.display());
        let inputs = &model.program.inputs;
        let header = Header {
            hodoscope_session: SCHEMA,
            model: model.program.name.clone(),
            program_sha256: hex(&identity.program),
            on: on.to_owned(),
            board: identity.board.clone(),
            app: identity.app.clone(),
            version: identity.version.clone(),
            ticks_per_second: identity.ticks_per_second,
            output: decision.0,
            threshold_raw: decision.1,
            inputs: inputs.iter().map(|input| input.name.clone()).collect(),
        };
        let mut order: Vec<&Settled> = settled.iter().collect();
        order.sort_by_key(|end| end.event);
        let mut out = BufWriter::new(self.file.as_file());
        let mut put = |line: String| writeln!(out, "{line}").with_context(written);
        put(serde_json::to_string(&header)?)?;
        for end in order {
            let words = (0..inputs.len()).map(|input| events.words(end.event, InputId::new(input)));
            put(serde_json::to_string(&line(
                end,
                words.map(<[i64]>::to_vec).collect(),
            ))?)?;
        }
        out.flush().with_context(written)?;
        drop(out);
        // A temporary file is its owner's only; a session is as any file.
        let text = fs::read(self.file.path()).with_context(written)?;
        File::create_new(&self.path)
            .and_then(|mut file| file.write_all(&text))
            .with_context(written)
    }
}

fn line(end: &Settled, words: Vec<Vec<i64>>) -> Line {
    let (raws, accept, ticks, refused) = match &end.fate {
        Fate::Decided {
            raws,
            accept,
            ticks,
        } => (Some(raws.clone()), Some(*accept), Some(*ticks), None),
        Fate::Refused(reason) => (None, None, None, Some(reason.to_string())),
    };
    Line {
        event: end.event,
        epoch: end.name.0,
        sequence: end.name.1,
        sent_ns: end.sent.as_nanos() as u64,
        latency_ns: end.latency.as_nanos() as u64,
        sends: end.sends,
        words,
        raws,
        accept,
        ticks,
        refused,
    }
}

/// A session that was written.
pub struct Session {
    /// The raw that decided, and its threshold.
    pub decision: (u16, i64),
    pub events: Vec<Event>,
    /// What each event was answered.
    pub answers: Vec<Fate>,
    /// When each was sent, after the first.
    pub times: Vec<Duration>,
}

impl Session {
    /// Reads the first events of a session of this very program, or all.
    pub fn read(path: &Path, model: &ModelDir, count: Option<u64>) -> Result<Self> {
        let text =
            fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut lines = (1..).zip(text.lines());
        let wrong =
            |number: usize, message: String| format!("{}:{number}: {message}", path.display());
        let Some((_, first)) = lines.next() else {
            bail!("{}: it is empty", path.display());
        };
        let header: Header = serde_json::from_str(first).with_context(|| {
            wrong(
                1,
                "no session that `hodoscope replay --record` wrote".to_owned(),
            )
        })?;
        if header.hodoscope_session != SCHEMA {
            bail!(wrong(
                1,
                format!(
                    "a session of form {}, not {SCHEMA}",
                    header.hodoscope_session
                )
            ));
        }
        let program = hex(&super::program_hash(model)?);
        if header.program_sha256 != program {
            bail!(wrong(
                1,
                format!(
                    "a session of program {} ({}…), not {} ({}…)",
                    header.model,
                    header.program_sha256.get(..12).unwrap_or_default(),
                    model.program.name,
                    &program[..12]
                )
            ));
        }
        let mut session = Self {
            decision: (header.output, header.threshold_raw),
            events: Vec::new(),
            answers: Vec::new(),
            times: Vec::new(),
        };
        for (number, text) in lines.take(count.map_or(usize::MAX, |count| count as usize)) {
            let line: Line =
                serde_json::from_str(text).with_context(|| wrong(number, "no event".to_owned()))?;
            if line.event != session.events.len() {
                bail!(wrong(
                    number,
                    format!("event {}, not {}", line.event, session.events.len())
                ));
            }
            check(&model.program, &line.words)
                .map_err(|message| anyhow::anyhow!(wrong(number, message)))?;
            let (Some(raws), Some(accept), Some(ticks)) = (line.raws, line.accept, line.ticks)
            else {
                bail!(wrong(
                    number,
                    "an event without an answer cannot be replayed".to_owned()
                ));
            };
            session.answers.push(Fate::Decided {
                raws,
                accept,
                ticks,
            });
            session.events.push(Event { inputs: line.words });
            session.times.push(Duration::from_nanos(line.sent_ns));
        }
        let begin = session.times.first().copied().unwrap_or_default();
        let mut latest = Duration::ZERO;
        for time in &mut session.times {
            latest = latest.max(time.saturating_sub(begin));
            *time = latest;
        }
        Ok(session)
    }
}

/// Words fit the inputs: whole rows, one of a fixed input, as many of each input of a set.
fn check(program: &Program, words: &[Vec<i64>]) -> Result<(), String> {
    if words.len() != program.inputs.len() {
        return Err(format!(
            "words of {} inputs, not {}",
            words.len(),
            program.inputs.len()
        ));
    }
    for (input, words) in program.inputs.iter().zip(words) {
        let channels = input.channels.max(1);
        let rows = words.len() / channels;
        let whole = words.len() == rows * channels;
        if !whole || (input.set.is_none() && rows != 1) {
            return Err(format!(
                "{} words of `{}`, of {channels} a row",
                words.len(),
                input.name
            ));
        }
    }
    let rows = |index: usize| words[index].len() / program.inputs[index].channels.max(1);
    for (index, input) in program.inputs.iter().enumerate() {
        let first = program
            .inputs
            .iter()
            .position(|other| other.set == input.set);
        if let Some(first) =
            first.filter(|first| input.set.is_some() && rows(*first) != rows(index))
        {
            let (one, other) = (&program.inputs[first].name, &input.name);
            return Err(format!("`{one}` and `{other}` have different rows"));
        }
    }
    Ok(())
}
