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
//! The parts are layered so that a board can serve a menu of models one day: [`Line`] is one model
//! with its decision and counters and knows no frames of others; the loop only routes to it.
#![no_std]
#![forbid(unsafe_code)]

mod board;
mod line;
mod log;
mod reply;
mod run;

pub use board::{Clock, Fault, Parts, Probe, Unconnected};
pub use line::{
    Decision, Line, Outcome, fixed_bytes, frame_capacity, payload_capacity, raws, row_bytes,
};
pub use reply::Replies;
pub use run::{End, Trigger};
