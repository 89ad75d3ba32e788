//! A trigger in time: arrivals, link, queue, inference, decisions.
//!
//! One board serves one stream of events, first come, first served:
//!
//! ```text
//! arrivals ──▶ BUSY? ──▶ link ──▶ queue of K ──▶ inference ──▶ output ──▶ decision
//!                └──▶ lost
//! ```
//!
//! - An event that finds BUSY up is lost. Any other takes a place at once: there are K + 1, one of
//!   them for the event in service. BUSY is up while all are taken ([`DeadTime`] says how long).
//! - It then crosses the link, which carries one event at a time ([`Link`]), and is computed, for as
//!   long as its multiplicity takes ([`ServiceTable`]). Its place is free when its inference ends.
//!   What happens in the same tick happens in this order: an inference ends, an event arrives.
//! - The decision leaves a constant time later, or at a constant time after the arrival.
//!
//! Time is an integer number of ticks, picoseconds or cycles of the board's clock ([`Timebase`]):
//! nothing drifts, and a run with a seed gives the same figures on every host.
//!
//! [`theory`] has what queueing theory says of the same board; tests hold the two to each other.

pub mod arrivals;
mod error;
mod link;
mod queue;
mod run;
mod service;
mod statistics;
mod sustainable;
pub mod theory;
mod time;

pub use arrivals::{Arrivals, Filling};
pub use error::StreamError;
pub use link::{Input, Link, Payload};
pub use queue::{Board, DeadTime, Fate, Job, Occupancy, Poll, Served};
pub use run::{Fates, Jobs, LAST, Order, Run, run};
pub use service::ServiceTable;
pub use statistics::{BatchMean, Latencies, Outcome};
pub use sustainable::{Sustainable, largest_rate};
pub use time::{Bandwidth, Rate, Span, Timebase};
