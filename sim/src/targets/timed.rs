//! Events that arrive at given cycles: the firmware's trigger loop against time.
//!
//! The testbench keeps a queue in front of the core (`sim/rtl/stream.cpp`): an event takes a place when
//! it arrives, and leaves it when the firmware lets BUSY fall; one that finds no place is lost.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::thread;

use hodoscope_wire::{Decoder, PREAMBLE, REPLY_FRAME, Reply, Request};

use super::rtl::image_path;
use super::session::Answer;
use super::{Board, Built, TargetError};
use crate::ending::{self, Folder};

/// What arrives at a soft-core.
#[derive(Clone, Copy, Debug)]
pub struct TimedStream<'a> {
    /// Events that there is room for, the one in service among them; at least one.
    pub places: usize,
    /// The raw that decides.
    pub output: u16,
    /// The least raw that is accepted.
    pub threshold: i64,
    /// Payloads of the events. Each is served once before time begins, so that no later one is the first
    /// of its kind.
    pub payloads: &'a [Vec<u8>],
    /// Arrivals: the cycle, not falling, and which event.
    pub arrivals: &'a [(u64, usize)],
}

/// What the firmware did with an event, in cycles after its first look for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedFate {
    /// When it read the first byte.
    pub begin: u64,
    /// When it let BUSY fall.
    pub end: u64,
    /// Its pin ACCEPT at that time.
    pub accept: bool,
    /// What it answered.
    pub answer: Answer,
}

/// What the firmware did with a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timed {
    /// Of each arrival; nothing for an event that was lost.
    pub fates: Vec<Option<TimedFate>>,
    /// Least and largest cycles from one look that finds nothing to the next; nothing when there was
    /// no such pair.
    pub period: Option<(u64, u64)>,
    /// Least and largest cycles from the fall of BUSY to the next look.
    pub turnaround: Option<(u64, u64)>,
}

/// Lets events arrive at the firmware of a soft-core.
///
/// # Errors
/// When the board is none that is simulated from its Verilog, the simulator fails, or what comes back
/// is not the fate of every event.
pub fn serve(board: &Board, built: &Built, stream: &TimedStream<'_>) -> Result<Timed, TargetError> {
    let broken = |message: String| TargetError::Protocol {
        what: board.name.clone(),
        message,
    };
    let Some(simulator) = &built.simulator else {
        return Err(broken(
            "only a soft-core's RTL serves a stream in time".to_owned(),
        ));
    };
    let place = Folder::new().map_err(TargetError::io("create", &std::env::temp_dir()))?;
    let (arrivals, fates) = (place.path().join("arrivals"), place.path().join("fates"));
    let frames: Vec<Vec<u8>> = (0u32..)
        .zip(stream.payloads)
        .map(|(sequence, payload)| {
            let event = Request::Event {
                epoch: 0,
                sequence,
                payload,
            };
            frame(&event).map_err(&broken)
        })
        .collect::<Result<_, _>>()?;
    let mut text = format!("{}\n", stream.places);
    for &(at, event) in stream.arrivals {
        let frame = frames
            .get(event)
            .ok_or_else(|| broken(format!("there is no event {event}")))?;
        let _ = write!(text, "{at} ");
        for byte in frame {
            let _ = write!(text, "{byte:02x}");
        }
        text.push('\n');
    }
    fs::write(&arrivals, text).map_err(TargetError::io("write", &arrivals))?;

    let mut command = Command::new(simulator);
    command
        .arg(format!("+image={}", image_path(&built.elf).display()))
        .arg(format!("+arrivals={}", arrivals.display()))
        .arg(format!("+fates={}", fates.display()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let started = ending::spawn(&mut command);
    let (mut child, _started) = started.map_err(TargetError::io("run", simulator))?;
    let mut before = PREAMBLE.to_vec();
    let configure = Request::Configure {
        output: stream.output,
        threshold: stream.threshold,
    };
    before.extend(frame(&configure).map_err(&broken)?);
    before.extend(frames.concat());
    let to = child.stdin.take();
    // Once this link is closed, time begins.
    let writer = thread::spawn(move || match to {
        Some(mut to) => to.write_all(&before),
        None => Ok(()),
    });
    let output = child
        .wait_with_output()
        .map_err(TargetError::io("run", simulator))?;
    let written = writer.join();
    if !output.status.success() || !matches!(written, Ok(Ok(()))) {
        return Err(TargetError::Ended {
            what: board.name.clone(),
            status: output.status.to_string(),
            log: String::from_utf8_lossy(&output.stderr).into_owned(),
        });
    }
    let mut answers = answers(&output.stdout).map_err(&broken)?;
    if answers.len() < frames.len() {
        return Err(broken(format!(
            "{} answers before time began",
            answers.len()
        )));
    }
    let text = fs::read_to_string(&fates).map_err(TargetError::io("read", &fates))?;
    timed(&text, stream.arrivals, answers.split_off(frames.len())).map_err(broken)
}

fn frame(request: &Request<'_>) -> Result<Vec<u8>, String> {
    let payload = match request {
        Request::Event { payload, .. } => payload.len(),
        _ => 0,
    };
    // Tag, numbers and lengths of a request take fewer bytes than this.
    let mut buffer = vec![0; hodoscope_wire::frame_len(payload + 32)];
    match hodoscope_wire::encode(request, &mut buffer) {
        Ok(frame) => Ok(frame.to_vec()),
        Err(error) => Err(error.to_string()),
    }
}

/// The answers to events, with their ids.
fn answers(mut bytes: &[u8]) -> Result<Vec<(u32, Answer)>, String> {
    let mut decoder = Decoder::<REPLY_FRAME>::new();
    let mut answers = Vec::new();
    let mut parts = Vec::new();
    while let Some(reply) = decoder.feed::<Reply<'_>>(&mut bytes) {
        match reply.map_err(|error| error.to_string())? {
            Reply::Raws { raws, .. } => parts.extend(raws),
            Reply::Answer {
                sequence,
                accept,
                ticks,
                raws,
                ..
            } => {
                parts.extend(raws);
                let raws = std::mem::take(&mut parts);
                let answer = Answer {
                    raws,
                    accept,
                    ticks,
                };
                answers.push((sequence, answer));
            }
            Reply::Refused { reason, .. } => return Err(format!("refused: {reason}")),
            _ => {}
        }
    }
    Ok(answers)
}

/// What the testbench wrote, with the answers.
fn timed(
    text: &str,
    arrivals: &[(u64, usize)],
    answers: Vec<(u32, Answer)>,
) -> Result<Timed, String> {
    let mut lines = text.lines();
    let mut answers = answers.into_iter();
    let mut fates = Vec::with_capacity(arrivals.len());
    for (&(_, event), line) in arrivals.iter().zip(&mut lines) {
        if line == "lost" {
            fates.push(None);
            continue;
        }
        let numbers = numbers(line)?;
        let [begin, end, accept] = numbers[..] else {
            return Err(format!("a fate of `{line}`"));
        };
        let (id, answer) = answers.next().ok_or("an event without an answer")?;
        if id as usize != event {
            return Err(format!("an answer to event {id}, not {event}"));
        }
        fates.push(Some(TimedFate {
            begin,
            end,
            accept: accept == 1,
            answer,
        }));
    }
    let polls = lines.next().and_then(|line| line.strip_prefix("polls "));
    let polls = numbers(polls.ok_or("the fates end early")?)?;
    let [least, most, soonest, latest] = polls[..] else {
        return Err(format!("polls of {polls:?}"));
    };
    if fates.len() != arrivals.len() || answers.next().is_some() {
        return Err("events and answers do not match".to_owned());
    }
    let range = |least, most| (least <= most).then_some((least, most));
    Ok(Timed {
        fates,
        period: range(least, most),
        turnaround: range(soonest, latest),
    })
}

fn numbers(text: &str) -> Result<Vec<u64>, String> {
    let number = |word: &str| word.parse().map_err(|_| format!("`{word}` is no number"));
    text.split(' ').map(number).collect()
}
