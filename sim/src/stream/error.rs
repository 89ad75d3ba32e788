//! What can be wrong with a stream.

use std::path::PathBuf;

use thiserror::Error;

use crate::npz::NpzError;

/// Why a stream cannot be simulated.
#[derive(Debug, Error)]
pub enum StreamError {
    /// A text is not the quantity that it should be.
    #[error("`{text}` is no {what}; write it as {example}")]
    Quantity {
        /// What was written.
        text: String,
        /// What it should be.
        what: &'static str,
        /// How it could be written.
        example: &'static str,
    },
    /// Arrivals that cannot be.
    #[error("arrivals `{text}`: {reason}")]
    Arrivals {
        /// What was written.
        text: String,
        /// What is wrong.
        reason: String,
    },
    /// A filling scheme is malformed.
    #[error("filling scheme `{text}`, at character {at}: {reason}")]
    Filling {
        /// The scheme.
        text: String,
        /// Character, from 1.
        at: usize,
        /// What is wrong.
        reason: String,
    },
    /// A file of times or cycles is malformed.
    #[error("{path}, line {line}: {reason}")]
    Line {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A file as a whole is of no use.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// An array of times is missing or wrong.
    #[error(transparent)]
    Npz(#[from] NpzError),
    /// No service time is known for a multiplicity.
    #[error(
        "an event has {multiplicity} constituents; service times are known for {known} ({source_name})"
    )]
    Multiplicity {
        /// Constituents of the event.
        multiplicity: usize,
        /// Multiplicities with a service time, as a list.
        known: String,
        /// Where the service times are from.
        source_name: String,
    },
    /// There is nothing to serve.
    #[error("there are no events")]
    NoEvents,
    /// Simulated time does not fit its ticks.
    #[error(
        "the stream lasts longer than 2^62 ticks: fewer events, a higher rate, or ticks of a clock instead of picoseconds"
    )]
    TooLong,
    /// An unlimited queue grew without end.
    #[error(
        "more than {limit} events wait: the queue grows without end, as events arrive faster than they are computed; state a --queue, or a lower rate"
    )]
    Backlog {
        /// Events.
        limit: usize,
    },
}
