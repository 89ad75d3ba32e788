//! The host's end of the wire: requests out, replies in, over any pair of byte streams.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use hodoscope_wire::{
    Counters, Decoder, FrameError, Health, MenuTaken, PREAMBLE, REPLY_FRAME, Reason, Reply,
    Request, Reset,
};

/// What runs on a board, as it says itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The program's name.
    pub name: String,
    /// The app family that the firmware was built with.
    pub app: String,
    /// The board that it was built for.
    pub board: String,
    /// Version of the firmware, that of Hodoscope.
    pub version: String,
    /// SHA-256 of the program's text form.
    pub program: [u8; 32],
    /// Raws of an event, over all outputs.
    pub raws: usize,
    /// Largest multiplicity that is computed, 0 for a model without a set.
    pub capacity: usize,
    /// Most payload bytes of an event.
    pub payload: usize,
    /// Events that may be under way at once.
    pub credit: usize,
    /// The run that it is in, 0 without one.
    pub epoch: u32,
    /// That of the request.
    pub(super) token: u32,
    /// Ticks of a second; 0 when ticks do not measure time.
    pub ticks_per_second: u32,
    /// Whether layers can be shown.
    pub trace: bool,
    /// Whether arithmetic overflow would stop the firmware.
    pub overflow_checks: bool,
    /// What the board has found in its own memory.
    pub health: Health,
    /// Why it has started.
    pub reset: Reset,
}

/// A reply that owns what it says.
#[derive(Debug)]
pub(super) enum Received {
    Identity(Identity),
    Done,
    Layer {
        id: u32,
        value: u16,
        row: u16,
        offset: usize,
        raws: Vec<i64>,
    },
    Raws {
        epoch: u32,
        sequence: u32,
        offset: usize,
        raws: Vec<i64>,
    },
    Answer {
        epoch: u32,
        sequence: u32,
        accept: bool,
        ticks: u32,
        credit: usize,
        offset: usize,
        raws: Vec<i64>,
    },
    Refused {
        epoch: u32,
        sequence: Option<u32>,
        reason: Reason,
    },
    Counters(Box<Counters>),
    Begun {
        epoch: u32,
        decision: (u16, i64),
    },
    Menu(MenuTaken),
}

/// Why nothing was received.
#[derive(Debug)]
pub(super) enum Silence {
    /// Nothing came in time.
    TimedOut,
    /// The other side closed the link.
    Closed,
    /// A frame could not be read.
    Frame(FrameError),
}

/// Collects what a target writes besides replies. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Log(Arc<Mutex<VecDeque<u8>>>);

impl Log {
    /// Bytes kept: the last ones.
    const KEPT: usize = 1 << 20;

    pub fn append(&self, bytes: &[u8]) {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.extend(bytes);
        let excess = log.len().saturating_sub(Self::KEPT);
        log.drain(..excess);
    }

    pub fn bytes(&self) -> Vec<u8> {
        let log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.iter().copied().collect()
    }

    /// Appends what `stream` yields until it ends, in a thread.
    pub fn follow(&self, mut stream: impl Read + Send + 'static) -> thread::JoinHandle<()> {
        let log = self.clone();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = read(&mut stream, &mut buffer) {
                log.append(&buffer[..n]);
            }
        })
    }
}

/// Both directions of a link.
pub(super) struct Connection {
    to: Box<dyn Write + Send>,
    from: Receiver<Result<Received, FrameError>>,
    frame: Vec<u8>,
    /// Whether the preamble was sent.
    begun: bool,
}

impl Connection {
    /// Speaks over the two streams. Log chunks among the replies go to `log`.
    pub fn new(
        from: impl Read + Send + 'static,
        to: impl Write + Send + 'static,
        log: &Log,
    ) -> Self {
        let (sender, receiver) = mpsc::channel();
        let log = log.clone();
        thread::spawn(move || listen(from, &log, |received| sender.send(received).is_ok()));
        Self {
            to: Box::new(to),
            from: receiver,
            frame: Vec::new(),
            begun: false,
        }
    }

    /// Sends one request.
    pub fn send(&mut self, request: &Request<'_>) -> io::Result<()> {
        let message = match request {
            Request::Event { payload, .. } | Request::Trace { payload, .. } => payload.len(),
            _ => 0,
        };
        // Tag, numbers and lengths of a request take fewer bytes than this.
        self.frame
            .resize(hodoscope_wire::frame_len(message + 32), 0);
        let frame = hodoscope_wire::encode(request, &mut self.frame).map_err(io::Error::other)?;
        if !self.begun {
            self.to.write_all(&PREAMBLE)?;
            self.begun = true;
        }
        self.to.write_all(frame)?;
        self.to.flush()
    }

    /// Sends frames that are made already.
    pub fn send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.to.write_all(bytes)?;
        self.to.flush()
    }

    /// Waits for the next reply.
    pub fn receive(&mut self, until: Instant) -> Result<Received, Silence> {
        let patience = until.saturating_duration_since(Instant::now());
        match self
            .from
            .recv_timeout(patience.max(Duration::from_millis(1)))
        {
            Ok(Ok(received)) => Ok(received),
            Ok(Err(error)) => Err(Silence::Frame(error)),
            Err(RecvTimeoutError::Timeout) => Err(Silence::TimedOut),
            Err(RecvTimeoutError::Disconnected) => Err(Silence::Closed),
        }
    }
}

/// Reads replies until the stream ends or `give` says so.
fn listen(
    mut from: impl Read,
    log: &Log,
    mut give: impl FnMut(Result<Received, FrameError>) -> bool,
) {
    let mut decoder = Decoder::<REPLY_FRAME>::new();
    let mut buffer = [0; 4096];
    while let Ok(n @ 1..) = read(&mut from, &mut buffer) {
        let mut bytes = &buffer[..n];
        while let Some(reply) = decoder.feed::<Reply<'_>>(&mut bytes) {
            let received = match reply {
                Ok(Reply::Log(bytes)) => {
                    log.append(bytes);
                    continue;
                }
                Ok(reply) => Ok(owned(reply)),
                Err(error) => Err(error),
            };
            if !give(received) {
                return;
            }
        }
    }
}

fn read(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match from.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

pub(super) fn owned(reply: Reply<'_>) -> Received {
    match reply {
        Reply::Identity(identity) => Received::Identity(Identity {
            name: identity.name.to_owned(),
            app: identity.app.to_owned(),
            board: identity.board.to_owned(),
            version: identity.version.to_owned(),
            program: identity.program,
            raws: identity.raws.into(),
            capacity: identity.capacity.into(),
            payload: identity.payload as usize,
            credit: identity.credit.into(),
            epoch: identity.epoch,
            token: identity.token,
            ticks_per_second: identity.ticks_per_second,
            trace: identity.trace,
            overflow_checks: identity.overflow_checks,
            health: identity.health,
            reset: identity.reset,
        }),
        // Logs are taken out before.
        Reply::Done | Reply::Log(_) => Received::Done,
        Reply::Layer {
            id,
            value,
            row,
            offset,
            raws,
        } => Received::Layer {
            id,
            value,
            row,
            offset: offset as usize,
            raws: raws.to_vec(),
        },
        Reply::Raws {
            epoch,
            sequence,
            offset,
            raws,
        } => Received::Raws {
            epoch,
            sequence,
            offset: offset as usize,
            raws: raws.to_vec(),
        },
        Reply::Answer {
            epoch,
            sequence,
            accept,
            ticks,
            credit,
            offset,
            raws,
        } => Received::Answer {
            epoch,
            sequence,
            accept,
            ticks,
            credit: credit.into(),
            offset: offset as usize,
            raws: raws.to_vec(),
        },
        Reply::Refused {
            epoch,
            sequence,
            reason,
        } => Received::Refused {
            epoch,
            sequence,
            reason,
        },
        Reply::Counters(counters) => Received::Counters(Box::new(counters)),
        Reply::Begun {
            epoch,
            output,
            threshold,
        } => Received::Begun {
            epoch,
            decision: (output, threshold),
        },
        Reply::Menu(taken) => Received::Menu(taken),
    }
}
