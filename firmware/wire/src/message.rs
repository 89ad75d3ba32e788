//! What host and board say to each other.

use core::fmt;

use serde::{Deserialize, Serialize};
use serde_big_array::BigArray;

use crate::FrameError;

/// Most raws of one reply. Longer layers and longer outputs come in several.
pub const CHUNK: usize = 32;

/// Most bytes of one [`Reply::Log`].
pub const LOG_CHUNK: usize = 128;

/// Entries of the multiplicity histogram: 0 to 63 constituents, and a last one for 64 or more.
pub const MULTIPLICITIES: usize = 65;

/// Bytes that hold the frame of any reply, whatever the model: a board sends from, and a host
/// receives into, a buffer of this length.
pub const REPLY_FRAME: usize = crate::frame_len(448);

/// Raw values: what [`Reply::Layer`], [`Reply::Raws`] and [`Reply::Answer`] carry.
pub type Chunk = heapless::Vec<i64, CHUNK>;

/// The first [`CHUNK`] of `raws`, or all when there are fewer.
///
/// ```
/// assert_eq!(hodoscope_wire::chunk(&[3, -1]), [3, -1]);
/// assert_eq!(hodoscope_wire::chunk(&[0; 40]).len(), hodoscope_wire::CHUNK);
/// ```
#[must_use]
pub fn chunk(raws: &[i64]) -> Chunk {
    raws.iter().copied().take(CHUNK).collect()
}

/// What a host asks of a board.
///
/// The order of variants is the wire form: new ones go to the end, with a new [`VERSION`].
///
/// [`VERSION`]: crate::VERSION
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request<'a> {
    /// Who are you? Ends with [`Reply::Identity`].
    Hello {
        /// Any number. It comes back, and tells this answer from those to earlier requests.
        token: u32,
    },
    /// Begin a run: its counters and its sequence start at 0. Ends with [`Reply::Begun`]. A second request of the same epoch changes
    /// nothing, so that a host may ask until it is answered.
    Begin {
        /// The host's name for the run; 0 ends a run without beginning one.
        #[serde(with = "postcard::fixint::le")]
        epoch: u32,
        /// Raw that decides and least raw that is accepted, from this run on; nothing keeps what there was.
        decision: Option<(u16, i64)>,
    },
    /// Accept an event iff raw number `output` is at least `threshold`. Ends with [`Reply::Done`].
    Configure {
        /// Index into the raws of all outputs, concatenated.
        output: u16,
        /// Least raw that is accepted.
        threshold: i64,
    },
    /// Compute and decide one event. Ends with [`Reply::Answer`].
    ///
    /// Within a run the board takes events in their sequence, each once: one that was answered gets the stored answer again, one
    /// that comes too early is refused with what is expected. Without a run, epoch 0, events are taken as they come.
    Event {
        /// The run that it belongs to, 0 without one.
        #[serde(with = "postcard::fixint::le")]
        epoch: u32,
        /// Its number in the run, from 0; it comes back in every reply to it.
        sequence: u32,
        /// Input words, as the model's crate describes them.
        #[serde(borrow)]
        payload: &'a [u8],
    },
    /// Compute one event and show every layer. Ends with [`Reply::Answer`], whose `ticks` are 0 and whose `sequence` is this
    /// `id`; counters and sequence stay as they are.
    Trace {
        /// The host's name for the event.
        id: u32,
        /// Input words.
        #[serde(borrow)]
        payload: &'a [u8],
    },
    /// How many events were seen? Ends with [`Reply::Counters`].
    Counters,
    /// Set all counters to zero. Decision, run and sequence stay. Ends with [`Reply::Done`].
    Reset,
    /// Leave the event loop: an emulated board exits, a real one restarts. Ends with
    /// [`Reply::Done`].
    Shutdown,
}

/// What a board answers.
///
/// The order of variants is the wire form: new ones go to the end, with a new [`VERSION`].
///
/// [`VERSION`]: crate::VERSION
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
// The largest variants are the common ones, there is no heap, and one reply lives at a time.
#[allow(clippy::large_enum_variant)]
pub enum Reply<'a> {
    /// To [`Request::Hello`].
    Identity(#[serde(borrow)] Identity<'a>),
    /// The request was carried out and has no other result.
    Done,
    /// Part of one row of a layer of a traced event.
    Layer {
        /// Id of the request.
        id: u32,
        /// The program's value.
        value: u16,
        /// Row of the value's set, 0 for a value without a multiplicity.
        row: u16,
        /// Index in the row of the first raw of this chunk.
        offset: u32,
        /// At most [`CHUNK`] raws.
        raws: Chunk,
    },
    /// Outputs of an event that do not fit its [`Reply::Answer`], in order, before it.
    Raws {
        /// The board's run, 0 without one.
        #[serde(with = "postcard::fixint::le")]
        epoch: u32,
        /// Number of the event.
        sequence: u32,
        /// Index among all raws of the first raw of this chunk.
        offset: u32,
        /// [`CHUNK`] raws.
        raws: Chunk,
    },
    /// The end of an event: its last raws and the decision.
    Answer {
        /// The board's run, 0 without one.
        #[serde(with = "postcard::fixint::le")]
        epoch: u32,
        /// Number of the event.
        sequence: u32,
        /// The decision.
        accept: bool,
        /// Ticks of the board's clock that the inference took.
        ticks: u32,
        /// Events that may be under way after this one: the board holds what they send, and can answer each of them again.
        credit: u8,
        /// Index among all raws of the first raw of this chunk.
        offset: u32,
        /// At most [`CHUNK`] raws.
        raws: Chunk,
    },
    /// The request was not carried out.
    Refused {
        /// The board's run, 0 without one: another than the host's says that the board has started again.
        #[serde(with = "postcard::fixint::le")]
        epoch: u32,
        /// Number of the event; nothing when the request has none or could not be read.
        sequence: Option<u32>,
        /// Why.
        reason: Reason,
    },
    /// To [`Request::Counters`].
    Counters(Counters),
    /// Bytes of the defmt stream, on boards that log through the link. At most [`LOG_CHUNK`].
    Log(#[serde(borrow)] &'a [u8]),
    /// To [`Request::Begin`].
    Begun {
        /// The run.
        #[serde(with = "postcard::fixint::le")]
        epoch: u32,
        /// The raw that decides.
        output: u16,
        /// Least raw that is accepted.
        threshold: i64,
    },
}

impl Reply<'_> {
    /// Whether this reply ends its request. The others are parts, or belong to no request.
    #[must_use]
    pub fn is_final(&self) -> bool {
        !matches!(self, Self::Layer { .. } | Self::Raws { .. } | Self::Log(_))
    }
}

/// What runs on a board: with the epoch of a run, the record that its answers belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity<'a> {
    /// Version of the protocol, [`VERSION`](crate::VERSION) of the board.
    pub protocol: u8,
    /// The program's name.
    pub name: &'a str,
    /// The app family that the firmware was built with.
    pub app: &'a str,
    /// The board that it was built for.
    pub board: &'a str,
    /// Version of the trigger loop, that of Hodoscope.
    pub version: &'a str,
    /// SHA-256 of the program's text form.
    pub program: [u8; 32],
    /// Number of raws of an event, over all outputs.
    pub raws: u16,
    /// Largest multiplicity that is computed, 0 for a model without a set.
    pub capacity: u16,
    /// Most payload bytes of an event.
    pub payload: u32,
    /// Events that may be under way at once.
    pub credit: u8,
    /// The run that the board is in, 0 without one.
    pub epoch: u32,
    /// That of the request.
    pub token: u32,
    /// Ticks of a second in [`Reply::Answer`] and [`Counters`]; 0 when they do not measure time.
    pub ticks_per_second: u32,
    /// Whether [`Request::Trace`] is built in.
    pub trace: bool,
    /// Whether arithmetic overflow would stop the firmware: a debug build.
    pub overflow_checks: bool,
}

/// What a board has seen since its start, [`Request::Begin`] or [`Request::Reset`].
///
/// Every request of an event that was read is one of `events`, `wrong`, `duplicates`, `ahead` and `strangers`. Counters stay at their
/// largest value rather than wrap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// The run, 0 without one.
    pub epoch: u32,
    /// The number that the next event of the run has.
    pub next: u32,
    /// Events computed.
    pub events: u32,
    /// Events accepted.
    pub accepted: u32,
    /// Requests refused, unreadable frames among them.
    pub refused: u32,
    /// Frames that could not be read.
    pub unreadable: u32,
    /// Events that were refused: their length is wrong. Each has its number in the run, as computed ones have.
    pub wrong: u32,
    /// Requests of an event that had been taken before: the stored answer was sent again, or was there no more.
    pub duplicates: u32,
    /// Events that came before their turn.
    pub ahead: u32,
    /// Events of another run.
    pub strangers: u32,
    /// Largest ticks of an event.
    pub largest_ticks: u32,
    /// Ticks of all events.
    pub ticks: u64,
    /// Computed events by the multiplicity that they arrived with.
    #[serde(with = "BigArray")]
    pub multiplicity: [u32; MULTIPLICITIES],
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            epoch: 0,
            next: 0,
            events: 0,
            accepted: 0,
            refused: 0,
            unreadable: 0,
            wrong: 0,
            duplicates: 0,
            ahead: 0,
            strangers: 0,
            largest_ticks: 0,
            ticks: 0,
            multiplicity: [0; MULTIPLICITIES],
        }
    }
}

/// Why a board refused a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Reason {
    /// The frame could not be read.
    Frame(FrameError),
    /// The payload's length fits no multiplicity.
    Length {
        /// Bytes received.
        got: u32,
        /// Bytes of the fixed inputs.
        fixed: u32,
        /// Bytes of one constituent, 0 for a model without a set.
        row: u32,
    },
    /// [`Request::Trace`] is not built into this firmware.
    NoTrace,
    /// [`Request::Configure`] named a raw that the model does not have.
    NoOutput {
        /// The index asked for.
        output: u16,
        /// Number of raws of the model.
        raws: u16,
    },
    /// The event is of another run than the board's.
    OtherRun,
    /// The event came before its turn: one or more before it did not arrive.
    Ahead {
        /// The number that has its turn.
        expected: u32,
    },
    /// The event was taken before, and its answer is stored no more.
    Forgotten,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frame(error) => error.fmt(f),
            Self::Length { got, fixed, row: 0 } => {
                write!(f, "the event has {got} bytes, not {fixed}")
            }
            Self::Length { got, fixed, row } => write!(
                f,
                "the event has {got} bytes, not {fixed} and a multiple of {row}"
            ),
            Self::NoTrace => f.write_str("this firmware was built without trace"),
            Self::NoOutput { output, raws } => {
                write!(f, "there is no raw {output}: the model has {raws}")
            }
            Self::OtherRun => f.write_str("the event is of another run"),
            Self::Ahead { expected } => write!(f, "event {expected} has its turn"),
            Self::Forgotten => f.write_str("the event was answered long ago"),
        }
    }
}

impl core::error::Error for Reason {}
