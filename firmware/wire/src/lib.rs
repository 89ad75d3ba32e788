//! Frames between a host and a trigger board.
//!
//! A frame is, before stuffing, one byte of protocol [`VERSION`], one message in [postcard] form
//! and the CRC-32C of both, little-endian. It is then stuffed with COBS and ended by a zero byte:
//! a zero appears nowhere else, so that a receiver finds the next frame after any noise. Empty
//! frames, hence extra zeros, mean nothing.
//!
//! The host begins with the [`PREAMBLE`]. It speaks [`Request`]s, the board [`Reply`]s. The board works on one request at a time,
//! in the order of their arrival, and ends each with exactly one reply that [is
//! final](Reply::is_final); chunks of layers, of raws and of the log may come before it. A frame
//! that the board cannot read gets one reply too: [`Reply::Refused`] without an id.
//!
//! An event has a name that no other has: the epoch of its run, which the host chooses at [`Request::Begin`], and its number in
//! the run. The board takes the events of a run in their order and decides each once. What was lost on the way either side
//! may ask for again: a repeated event gets the answer that was stored. A board that starts again has epoch 0, and says so in its
//! refusals. Without a run, epoch 0, events are taken as they come: enough for a link that loses nothing.
//!
//! [`encode`] writes a frame into a caller's buffer, [`Decoder`] takes bytes as they come. Nothing
//! here allocates, and nothing a peer sends makes it panic.
//!
//! ```
//! use hodoscope_wire::{Decoder, Request, encode};
//!
//! let mut line = [0; 64];
//! let frame = encode(&Request::Event { epoch: 0, sequence: 7, payload: &[1, 0, 2] }, &mut line).unwrap();
//!
//! let mut decoder = Decoder::<64>::new();
//! let mut bytes = &*frame;
//! let request = decoder.feed::<Request>(&mut bytes).unwrap().unwrap();
//! assert_eq!(request, Request::Event { epoch: 0, sequence: 7, payload: &[1, 0, 2] });
//! ```
#![no_std]
#![forbid(unsafe_code)]

mod checksum;
mod frame;
mod health;
mod message;

pub use checksum::Checksum;
pub use frame::{Decoder, EncodeError, FrameError, PREAMBLE, VERSION, encode, frame_len};
pub use health::{Health, Part, Reset};
pub use message::{
    CHUNK, Chunk, Counters, Identity, LOG_CHUNK, MENU_FRAME, MENU_PART, MULTIPLICITIES, MenuPart,
    MenuRefusal, MenuReply, MenuTaken, NoMenu, REPLY_FRAME, Reason, Reply, ReplyWith, Request,
    RequestWith, chunk,
};
