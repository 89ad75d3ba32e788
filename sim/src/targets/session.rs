//! A target at work: events in, answers out.

use std::collections::VecDeque;
use std::fs;
use std::time::{Duration, Instant};

use hodoscope_wire::{Counters, FrameError, Reason, Request};

use super::options::SessionOptions;
use super::protocol::{Connection, Identity, Received, Silence};
use super::runner::Process;
use super::{Board, Built, TargetError, hex};
use crate::timing::Recording;

/// How long a board that does not answer is given before it is asked again who it is.
const HELLO: Duration = Duration::from_secs(2);

/// What a target computed of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Raws of all outputs, in order.
    pub raws: Vec<i64>,
    /// The decision.
    pub accept: bool,
    /// Ticks of the target's clock; see [`Identity::ticks_per_second`].
    pub ticks: u32,
}

/// One row of one value of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Index of the value in the program.
    pub value: u16,
    /// Row of its set, 0 for a value without a multiplicity.
    pub row: u16,
    /// Raws of the row.
    pub raws: Vec<i64>,
}

/// What remains of a session.
#[derive(Clone, Debug)]
pub struct RunReport {
    /// Instructions of each event, in the order in which they were sent; traced events do not count.
    pub instructions: Option<Vec<u64>>,
    /// What each event executed, where that was recorded.
    pub recording: Option<Recording>,
    /// Bytes of stack that the firmware used, where that was measured.
    pub stack: Option<u64>,
    /// The board's counters at the end.
    pub counters: Counters,
    /// What the target or its emulator wrote.
    pub log: String,
    /// The defmt stream, not decoded; empty when the firmware was built without.
    pub defmt: Vec<u8>,
}

/// A running target. Dropping it ends the target.
pub struct Session {
    what: String,
    options: SessionOptions,
    window: usize,
    connection: Connection,
    process: Process,
    identity: Identity,
    next: u32,
    /// Events that the target has computed or refused.
    events: usize,
}

impl Session {
    /// Starts the firmware on the board, and checks that it is that of the model.
    ///
    /// # Errors
    /// When the runner is missing or does not start, nothing answers in time, or the firmware is of
    /// another program.
    pub fn start(
        board: &Board,
        built: &Built,
        options: &SessionOptions,
    ) -> Result<Self, TargetError> {
        let (process, connection) = Process::start(board, built, options)?;
        // The byte of a later event would interrupt an inference that is counted.
        let counts = options.count_instructions || options.record_paths;
        let window = match board.interrupts && counts {
            true => 1,
            false => options.window.unwrap_or(board.window).max(1),
        };
        let mut session = Self {
            what: board.name.clone(),
            options: options.clone(),
            window,
            connection,
            process,
            identity: Identity::default(),
            next: 0,
            events: 0,
        };
        session.identity = session.hello()?;
        let expected = &built.identity;
        if session.identity.program != expected.program {
            let show = |name: &str, program: &[u8; 32]| format!("{name} ({}…)", hex(&program[..6]));
            return Err(TargetError::Identity {
                what: session.what.clone(),
                found: show(&session.identity.name, &session.identity.program),
                expected: show(&expected.name, &expected.program),
            });
        }
        Ok(session)
    }

    /// Asks the board who it is until it answers: one that still starts has nobody who hears.
    fn hello(&mut self) -> Result<Identity, TargetError> {
        let (limit, wanted) = (self.options.start, "its identity");
        let end = Instant::now() + limit;
        loop {
            self.send(&Request::Hello { token: 1 }, wanted)?;
            match self.connection.receive(end.min(Instant::now() + HELLO)) {
                Ok(Received::Identity(identity)) => return Ok(identity),
                // It heard the end of a question only: its port was not open at the beginning.
                Ok(Received::Refused {
                    sequence: None,
                    reason: Reason::Frame(error),
                    ..
                }) if !matches!(error, FrameError::Version(_)) && Instant::now() < end => {}
                Ok(other) => return Err(self.unexpected(&other)),
                Err(Silence::TimedOut) if Instant::now() < end => {}
                Err(silence) => return Err(self.silent(&silence, wanted, limit)),
            }
        }
    }

    /// What the target says that it is.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// From now on, accept an event iff raw number `output` is at least `threshold`.
    ///
    /// # Errors
    /// When there is no such raw, or the link fails.
    pub fn configure(&mut self, output: u16, threshold: i64) -> Result<(), TargetError> {
        self.command(
            &Request::Configure { output, threshold },
            "the configuration",
        )
    }

    /// Sets the target's counters to zero.
    ///
    /// # Errors
    /// When the link fails.
    pub fn reset(&mut self) -> Result<(), TargetError> {
        self.command(&Request::Reset, "the reset")
    }

    /// The target's counters.
    ///
    /// # Errors
    /// When the link fails.
    pub fn counters(&mut self) -> Result<Counters, TargetError> {
        self.send(&Request::Counters, "its counters")?;
        match self.receive(self.options.patience, "its counters")? {
            Received::Counters(counters) => Ok(*counters),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Computes one event.
    ///
    /// # Errors
    /// [`TargetError::Refused`] when the payload's length is wrong, and the session goes on. After
    /// any other error it is of no further use.
    pub fn infer(&mut self, payload: &[u8]) -> Result<Answer, TargetError> {
        let mut answer = None;
        self.infer_all([payload], |_, given| answer = Some(given))?;
        answer.ok_or_else(|| self.broken("no answer"))
    }

    /// Computes events, and gives each answer to `take` with the event's index.
    ///
    /// # Errors
    /// As for [`infer`](Self::infer); the first event that is refused ends it.
    pub fn infer_all<P: AsRef<[u8]>>(
        &mut self,
        payloads: impl IntoIterator<Item = P>,
        mut take: impl FnMut(usize, Answer),
    ) -> Result<(), TargetError> {
        let mut payloads = payloads.into_iter().enumerate();
        let mut under_way = VecDeque::new();
        let mut refusal = None;
        loop {
            while refusal.is_none() && under_way.len() < self.window {
                let Some((index, payload)) = payloads.next() else {
                    break;
                };
                let id = self.next_id();
                let event = Request::Event {
                    epoch: 0,
                    sequence: id,
                    payload: payload.as_ref(),
                };
                self.send(&event, "an answer")?;
                under_way.push_back((index, id));
            }
            let Some((index, id)) = under_way.pop_front() else {
                return refusal.map_or(Ok(()), Err);
            };
            self.events += 1;
            match self.answer(id, &mut |layer| drop(layer)) {
                Ok(answer) if refusal.is_none() => take(index, answer),
                // An answer behind a refused event: it is only taken off the link.
                Ok(_) => {}
                Err(error @ TargetError::Refused { .. }) => {
                    refusal.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Computes one event and shows every layer, in the order of computation.
    ///
    /// # Errors
    /// As for [`infer`](Self::infer), and when the firmware was built without `trace`.
    pub fn trace(&mut self, payload: &[u8]) -> Result<(Vec<Layer>, Answer), TargetError> {
        let id = self.next_id();
        self.send(&Request::Trace { id, payload }, "a traced event")?;
        let mut layers = Vec::new();
        let answer = self.answer(id, &mut |layer| layers.push(layer))?;
        Ok((
            join(layers).map_err(|message| self.broken(&message))?,
            answer,
        ))
    }

    /// Instructions of each event so far; nothing when they are not counted.
    ///
    /// # Errors
    /// When they cannot be read, or are not those of the events sent.
    pub fn instructions(&self) -> Result<Option<Vec<u64>>, TargetError> {
        let Some(path) = self.process.counts() else {
            return Ok(None);
        };
        let bytes = fs::read(path).map_err(TargetError::io("read", path))?;
        let (counts, rest) = bytes.as_chunks::<8>();
        if counts.len() != self.events || !rest.is_empty() {
            return Err(self.broken(&format!(
                "{} bytes of instruction counts for {} events",
                bytes.len(),
                self.events
            )));
        }
        Ok(Some(
            counts
                .iter()
                .map(|count| u64::from_le_bytes(*count))
                .collect(),
        ))
    }

    /// Ends the target and reports.
    ///
    /// # Errors
    /// When the link fails or the target does not end by itself.
    pub fn finish(mut self) -> Result<RunReport, TargetError> {
        let counters = self.counters()?;
        let stack = self.process.stack()?;
        self.command(&Request::Shutdown, "the shutdown")?;
        self.process.wait(&self.what, self.options.patience)?;
        Ok(RunReport {
            instructions: self.instructions()?,
            recording: self.recording()?,
            stack,
            counters,
            log: self.process.log(),
            defmt: self.process.defmt(),
        })
    }

    fn recording(&self) -> Result<Option<Recording>, TargetError> {
        let Some(path) = self.process.recording() else {
            return Ok(None);
        };
        let bytes = fs::read(path).map_err(TargetError::io("read", path))?;
        let recording = Recording::parse(&bytes).map_err(|message| self.broken(&message))?;
        if recording.events.len() != self.events {
            return Err(self.broken(&format!(
                "{} paths for {} events",
                recording.events.len(),
                self.events
            )));
        }
        Ok(Some(recording))
    }

    fn next_id(&mut self) -> u32 {
        self.next = self.next.wrapping_add(1);
        self.next
    }

    fn command(&mut self, request: &Request<'_>, name: &str) -> Result<(), TargetError> {
        self.send(request, name)?;
        match self.receive(self.options.patience, name)? {
            Received::Done => Ok(()),
            other => Err(self.unexpected(&other)),
        }
    }

    fn send(&mut self, request: &Request<'_>, wanted: &str) -> Result<(), TargetError> {
        match self.connection.send(request) {
            Ok(()) => Ok(()),
            Err(_) => Err(self.silent(&Silence::Closed, wanted, self.options.patience)),
        }
    }

    fn receive(&mut self, limit: Duration, wanted: &str) -> Result<Received, TargetError> {
        let end = Instant::now() + limit;
        let mut received = self.connection.receive(end);
        // One that started late has answered each time that it was asked who it is.
        while matches!(received, Ok(Received::Identity(_))) {
            received = self.connection.receive(end);
        }
        match received {
            Ok(Received::Refused {
                reason: Reason::Damaged(part),
                ..
            }) => Err(TargetError::Damaged {
                what: self.what.clone(),
                part,
            }),
            Ok(Received::Refused {
                sequence, reason, ..
            }) => Err(TargetError::Refused {
                what: self.what.clone(),
                request: match sequence {
                    Some(id) => format!("event {id}"),
                    None => wanted.to_owned(),
                },
                reason: reason.to_string(),
            }),
            Ok(received) => Ok(received),
            Err(silence) => Err(self.silent(&silence, wanted, limit)),
        }
    }

    /// Collects the replies to event `id`.
    fn answer(
        &mut self,
        id: u32,
        layers: &mut dyn FnMut((Layer, usize)),
    ) -> Result<Answer, TargetError> {
        let mut raws = Vec::new();
        loop {
            let received = self.receive(self.options.patience, "an answer")?;
            let (of, offset, part, end) = match received {
                Received::Layer {
                    id: of,
                    value,
                    row,
                    offset,
                    raws,
                } if of == id => {
                    layers((Layer { value, row, raws }, offset));
                    continue;
                }
                Received::Raws {
                    sequence,
                    offset,
                    raws,
                    ..
                } => (sequence, offset, raws, None),
                Received::Answer {
                    sequence,
                    accept,
                    ticks,
                    offset,
                    raws,
                    ..
                } => (sequence, offset, raws, Some((accept, ticks))),
                other => return Err(self.unexpected(&other)),
            };
            if of != id || offset != raws.len() {
                return Err(self.broken(&format!(
                    "raws {offset} of event {of}, not {} of event {id}",
                    raws.len()
                )));
            }
            raws.extend(part);
            if let Some((accept, ticks)) = end {
                if raws.len() != self.identity.raws {
                    return Err(self.broken(&format!(
                        "{} raws, not {}",
                        raws.len(),
                        self.identity.raws
                    )));
                }
                return Ok(Answer {
                    raws,
                    accept,
                    ticks,
                });
            }
        }
    }

    fn unexpected(&self, received: &Received) -> TargetError {
        self.broken(&format!("unexpected reply {received:?}"))
    }

    fn broken(&self, message: &str) -> TargetError {
        TargetError::Protocol {
            what: self.what.clone(),
            message: message.to_owned(),
        }
    }

    fn silent(&mut self, silence: &Silence, wanted: &str, limit: Duration) -> TargetError {
        match silence {
            Silence::TimedOut => TargetError::TimedOut {
                what: self.what.clone(),
                wanted: wanted.to_owned(),
                limit,
                log: self.process.log(),
            },
            Silence::Closed => self.process.ended(&self.what),
            Silence::Frame(error) => self.broken(&error.to_string()),
        }
    }
}

/// Joins the chunks of every row.
fn join(chunks: Vec<(Layer, usize)>) -> Result<Vec<Layer>, String> {
    let mut layers: Vec<Layer> = Vec::new();
    for (chunk, offset) in chunks {
        match layers.last_mut() {
            Some(last)
                if offset > 0
                    && (last.value, last.row, last.raws.len())
                        == (chunk.value, chunk.row, offset) =>
            {
                last.raws.extend(chunk.raws);
            }
            _ if offset == 0 => layers.push(chunk),
            _ => {
                return Err(format!(
                    "raw {offset} of value {}, row {} comes without those before it",
                    chunk.value, chunk.row
                ));
            }
        }
    }
    Ok(layers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(value: u16, row: u16, offset: usize, raws: &[i64]) -> (Layer, usize) {
        let raws = raws.to_vec();
        (Layer { value, row, raws }, offset)
    }

    #[test]
    fn chunks_are_joined_by_row() {
        let layers = join(vec![
            chunk(0, 0, 0, &[1, 2]),
            chunk(0, 0, 2, &[3]),
            chunk(0, 1, 0, &[4]),
            chunk(1, 0, 0, &[5]),
        ]);
        let rows: Vec<_> = layers
            .unwrap()
            .into_iter()
            .map(|layer| (layer.value, layer.row, layer.raws))
            .collect();
        assert_eq!(
            rows,
            [(0, 0, vec![1, 2, 3]), (0, 1, vec![4]), (1, 0, vec![5])]
        );
    }

    #[test]
    fn a_missing_chunk_is_seen() {
        for chunks in [
            vec![chunk(0, 0, 2, &[3])],
            vec![chunk(0, 0, 0, &[1]), chunk(0, 0, 2, &[3])],
            vec![chunk(0, 0, 0, &[1]), chunk(0, 1, 1, &[3])],
        ] {
            assert!(join(chunks).is_err());
        }
    }
}
