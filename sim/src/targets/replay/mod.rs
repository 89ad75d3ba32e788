//! Events to a board over its true link, whatever that does to them.
//!
//! A [`Feeder`] is the host's half of a run, without a link and without a clock: it says which bytes are to be sent, and takes what
//! was received. [`replay`] gives it both. Whatever is lost, damaged, doubled or late is asked for again, and every event ends in
//! exactly one [`Settled`].

mod drive;
mod feeder;
mod flight;
mod port;
mod tally;
#[cfg(test)]
mod tests;

pub use drive::{Link, ReplayOptions, Replayed, replay};
pub use feeder::{Fate, Feeder, Pace, Settled};
pub use port::Port;
pub use tally::{Run, Tally};
