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
//! Memory that must not change is a [`Guard`]'s: its sum is right before the first event, and looked after in every pause. When it is not,
//! BUSY stays up, ACCEPT down, and each event is refused with what has changed. The threshold, the place in the run and the counts of
//! decisions are there three times, and any one of them is outvoted.
//!
//! How raws become a decision is a [`Judge`]'s: one raw against a threshold, [`ByThreshold`], or a menu over the raws of several models,
//! [`ByMenu`]. The several models are one [`Model`](hodoscope_kernels::model::Model) here, whose raws are those of all.
#![no_std]
#![forbid(unsafe_code)]

mod board;
mod guard;
mod judge;
mod line;
mod log;
mod reply;
mod run;
mod sequence;
mod store;
mod triple;

pub use board::{About, Clock, Fault, Parts, Probe, Unconnected};
pub use guard::{Guard, Region, Seal};
pub use hodoscope_kernels::model;
pub use hodoscope_menu as menu;
pub use hodoscope_wire::{Checksum, Health, Part, Reset};
pub use judge::{ByMenu, ByThreshold, Judge, Judged, MENU_WORDS, built_in};
pub use line::{
    Decision, Line, fixed_bytes, frame_capacity, menu_frame_capacity, payload_capacity, raws,
    row_bytes,
};
pub use reply::Replies;
pub use run::{End, Trigger};
pub use sequence::{Sequence, Turn};
pub use store::{Fate, answers_stored};
pub use triple::{Triple, Vote};
