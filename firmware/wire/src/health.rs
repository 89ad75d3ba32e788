//! What a board says of its own memory.

use core::fmt;

use serde::{Deserialize, Serialize};

/// What of a firmware is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Part {
    /// The list of what is watched, with its sums.
    Seal,
    /// Instructions, and the vectors that lead to them.
    Code,
    /// Weights, tables, and all other constants.
    Constants,
    /// The menu in force.
    Menu,
}

/// What a board has found in its memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Health {
    /// Nothing is watched: the app does not, or the image was made without its sums.
    #[default]
    Unwatched,
    /// All was as it should be.
    Healthy,
    /// A part is not as it should be: no event is decided any more.
    Damaged(Part),
}

/// Why a board has started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Reset {
    /// Nothing says why.
    #[default]
    Unknown,
    /// Its power came, or came back.
    Power,
    /// Its reset pin was pulled.
    Pin,
    /// A host asked for it.
    Host,
    /// The firmware panicked.
    Panic,
    /// The processor met an instruction or an address that it cannot use.
    Fault,
    /// A watchdog was not fed.
    Watchdog,
    /// A program asked for it.
    Software,
}

impl fmt::Display for Reset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "for a reason that it does not know",
            Self::Power => "at power-up",
            Self::Pin => "by its reset pin",
            Self::Host => "as a host asked",
            Self::Panic => "after a panic",
            Self::Fault => "after a fault of the processor",
            Self::Watchdog => "by its watchdog",
            Self::Software => "as a program asked",
        })
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Seal => "the sums of its memory",
            Self::Code => "its code",
            Self::Constants => "its weights, tables and constants",
            Self::Menu => "its menu",
        })
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unwatched => f.write_str("not watched"),
            Self::Healthy => f.write_str("healthy"),
            Self::Damaged(part) => write!(f, "{part} changed"),
        }
    }
}
