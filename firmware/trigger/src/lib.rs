//! The event loop of a trigger board: frames in, decisions out.
//!
//! An app has a link to a host, two pins, a clock and a model; it puts them into [`Parts`] and
//! calls [`Trigger::run`]. The loop reads one [`Request`](hodoscope_wire::Request) at a time,
//! works it off, and answers. It polls, allocates nothing, and never stops on what a host sends,
//! except on [`Shutdown`](hodoscope_wire::Request::Shutdown).
//!
//! BUSY is up from a complete event frame until its answer has left: a host that respects it never
//! loses an event. ACCEPT holds the decision of the last event, and falls when the next arrives.
//!
//! A host that begins a run numbers its events. Each is then decided once, in its turn, whatever the link does: a repeated one gets
//! the stored answer, and moves no pin; one before its turn or of another run is refused. The counters say how many of each.
//!
//! The parts are layered so that a board can serve a menu of models one day: [`Line`] is one model
//! with its decision and counters and knows no frames of others; the loop only routes to it.
#![no_std]
#![forbid(unsafe_code)]

mod board;
mod line;
mod log;
mod reply;
mod run;
mod sequence;
mod store;

pub use board::{About, Clock, Fault, Parts, Probe, Unconnected};
pub use line::{Decision, Line, fixed_bytes, frame_capacity, payload_capacity, raws, row_bytes};
pub use reply::Replies;
pub use run::{End, Trigger};
pub use sequence::{Sequence, Turn};
pub use store::{Fate, answers_stored};
