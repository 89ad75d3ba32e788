//! What host and board say to each other.

use core::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_big_array::BigArray;

use crate::{FrameError, Health, Part, Reset};

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

/// What a host asks of a board. `M` is a [`MenuPart`], or [`NoMenu`] in a firmware without one.
///
/// The order of variants is the wire form: new ones go to the end, with a new [`VERSION`].
///
/// [`VERSION`]: crate::VERSION
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RequestWith<'a, M> {
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
    /// Take a part of a menu, which holds from an event on. Ends with [`Reply::Menu`]. A firmware without a menu knows no such request.
    Menu(M),
}

/// What a host asks of a board, whatever its firmware.
pub type Request<'a> = RequestWith<'a, MenuPart<'a>>;

/// A part of a menu.
///
/// One that was taken already changes nothing, so that a host may send it until it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MenuPart<'a> {
    /// The run that it belongs to.
    #[serde(with = "postcard::fixint::le")]
    pub epoch: u32,
    /// Number of the first event that is decided by the menu.
    pub at: u32,
    /// Bytes of the whole menu.
    pub total: u16,
    /// Where in it this part begins.
    pub offset: u16,
    /// The part, at most [`MENU_PART`] bytes.
    pub part: &'a [u8],
}

/// What a firmware without a menu has in the place of a part of one: nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoMenu {}

impl Serialize for NoMenu {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        match *self {}
    }
}

impl<'de> Deserialize<'de> for NoMenu {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(D::Error::custom("this firmware has no menu"))
    }
}

/// Most bytes of a part of a menu.
pub const MENU_PART: usize = 64;

/// Bytes that hold the frame of [`Request::Menu`].
pub const MENU_FRAME: usize = crate::frame_len(1 + 4 + 5 + 3 + 3 + 5 + MENU_PART);

/// What a board answers. `M` is a [`MenuTaken`], or [`NoMenu`] in a firmware without a menu.
///
/// The order of variants is the wire form: new ones go to the end, with a new [`VERSION`].
///
/// [`VERSION`]: crate::VERSION
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
// The largest variants are the common ones, there is no heap, and one reply lives at a time.
#[allow(clippy::large_enum_variant)]
pub enum ReplyWith<'a, M> {
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
    /// To [`Request::Menu`]. A firmware without a menu has no such reply.
    Menu(M),
}

/// What a board answers, whatever its firmware.
pub type Reply<'a> = ReplyWith<'a, MenuTaken>;

/// What became of a part of a menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MenuTaken {
    /// The board's run.
    #[serde(with = "postcard::fixint::le")]
    pub epoch: u32,
    /// Number of the first event that is decided by the menu.
    pub at: u32,
    /// Bytes of the menu that are there, from its first on, and its hash once it is whole, 0 before; or why the part was not taken.
    pub taken: Result<(u16, u32), MenuRefusal>,
}

/// [`Reply::Menu`], by itself: what sends only this one needs no code for the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MenuReply(pub MenuTaken);

impl Serialize for MenuReply {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_variant("ReplyWith", 9, "Menu", &self.0)
    }
}

impl<M> ReplyWith<'_, M> {
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
    /// What the board has found in its own memory.
    pub health: Health,
    /// Why it has started.
    pub reset: Reset,
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
    /// Times that the board has found all of its watched memory as it should be, since its start.
    pub passes: u32,
    /// Events before this number of the run were decided before such a pass began: no flipped bit that stayed has decided them.
    pub vouched: u32,
    /// Times that one of three copies of a threshold or a count was set right by the others, since the start.
    pub repairs: u32,
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
            passes: 0,
            vouched: 0,
            repairs: 0,
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
    /// This firmware decides by its menu: it takes no raw and threshold.
    HasMenu,
    /// A part of the firmware is not as it was: nothing is decided any more.
    Damaged(Part),
}

/// Why a part of a menu was not taken. The menu in force stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum MenuRefusal {
    /// A part before it is missing.
    Gap {
        /// The byte that is expected.
        expected: u16,
    },
    /// The event from which it should hold has been decided.
    Late {
        /// The number of the next event.
        next: u32,
    },
    /// It is of another run than the board's.
    OtherRun,
    /// It cannot be read, or has more parts than there is room.
    Code,
    /// A node is used before it is there.
    Node {
        /// The node.
        node: u8,
    },
    /// It reads a raw that the models do not have.
    Raw {
        /// Index of the raw.
        raw: u16,
    },
    /// A line has a prescale of 0.
    Prescale {
        /// The line.
        line: u8,
    },
}

impl fmt::Display for MenuRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gap { expected } => write!(f, "it goes on at byte {expected}"),
            Self::Late { next } => write!(f, "it comes too late: event {next} is the next one"),
            Self::OtherRun => f.write_str("it is of another run"),
            Self::Code => f.write_str("it cannot be read, or is too long"),
            Self::Node { node } => write!(f, "node {node} is used before it is there"),
            Self::Raw { raw } => write!(f, "there is no raw {raw}"),
            Self::Prescale { line } => write!(f, "line {line} has a prescale of 0"),
        }
    }
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
            Self::HasMenu => f.write_str("this firmware decides by its menu"),
            Self::Damaged(part) => write!(f, "the board found that {part} changed"),
        }
    }
}

impl core::error::Error for Reason {}
