//! Why there is no bound.

use std::path::PathBuf;

/// Why there is no bound.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BoundError {
    /// A firmware cannot be read.
    #[error("{}: {message}", path.display())]
    Elf {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// What is executed next, or where something is stored, depends on the words of the event.
    #[error("at {address:#010x}: {what} depends on data")]
    DependsOnData {
        /// Of the instruction.
        address: u32,
        /// The branch, jump or store.
        what: &'static str,
    },
    /// An instruction that is none, or none that firmware of an inference has.
    #[error("at {address:#010x}: {encoding:#010x} is no instruction of RV32IMC")]
    Instruction {
        /// Its address.
        address: u32,
        /// Its encoding.
        encoding: u32,
    },
    /// The firmware does not do what a firmware of the app `softcore` does.
    #[error("at {address:#010x}: {message}")]
    Firmware {
        /// Of the instruction.
        address: u32,
        /// What it does.
        message: String,
    },
    /// The firmware ends, as after a panic.
    #[error("at {address:#010x}: the firmware ends{}", said(log))]
    Ends {
        /// Of the instruction.
        address: u32,
        /// What it said.
        log: String,
    },
    /// A cost table lacks a figure.
    #[error(transparent)]
    Cost(#[from] hodoscope_cost::CoreError),
    /// The event does not fit a frame.
    #[error("the event does not fit a frame: {message}")]
    Frame {
        /// Why.
        message: String,
    },
}

fn said(log: &str) -> String {
    match log.trim_end() {
        "" => String::new(),
        log => format!("; it said: {log}"),
    }
}
