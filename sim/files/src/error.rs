//! What can be wrong with a file of events.

use std::path::PathBuf;

use hodoscope_sim::npz::NpzError;
use thiserror::Error;

/// Why a file's events cannot be had, or written.
#[derive(Debug, Error)]
pub enum FilesError {
    /// An array is missing or wrong, or the file is no file.
    #[error(transparent)]
    Npz(#[from] NpzError),
    /// A folder, a pipe or a device.
    #[error(
        "{path}: it is there and no file; events are read from a file that can be read from any place, so write what comes through a pipe into one"
    )]
    NoFile {
        /// What is there.
        path: PathBuf,
    },
    /// The file is damaged, or holds what is not read.
    #[error("{path}: {kind} that cannot be read: {reason}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What it is.
        kind: &'static str,
        /// What the reader found.
        reason: String,
    },
    /// The file is of a kind that only the Python package reads.
    #[error(
        "{path}: {kind}, which the command does not read: in Python, `hodoscope.convert({path:?}, \"x.npz\")` makes an archive of it, with a third argument \
         such as {{\"x\": [\"Jet_pt\", \"Jet_eta\"]}} for names of its own (docs/src/python.md: `pip install './python[files]'`)"
    )]
    Elsewhere {
        /// The file.
        path: PathBuf,
        /// What it is.
        kind: &'static str,
    },
    /// There is no such tree or group.
    #[error("{path}: {kind} has no {what} `{tree}`{there}")]
    NoTree {
        /// The file.
        path: PathBuf,
        /// What it is.
        kind: &'static str,
        /// A tree or a group.
        what: &'static str,
        /// Its name.
        tree: String,
        /// Those that are there, with a semicolon before them.
        there: String,
    },
    /// There is no such column.
    #[error("{path}: no column `{column}`; the file holds {there}")]
    NoColumn {
        /// The file.
        path: PathBuf,
        /// The column that was wanted.
        column: String,
        /// Those that are there, as a list.
        there: String,
    },
    /// A column holds something else than numbers, or not all of them.
    #[error("{path}: column `{column}` {reason}")]
    Column {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// What is wrong, a predicate.
        reason: String,
    },
    /// The columns of an input do not go together.
    #[error("{path}: `{input}`: {reason}")]
    Mapped {
        /// The file.
        path: PathBuf,
        /// The input.
        input: String,
        /// What is wrong.
        reason: String,
    },
}

/// Names as a list; the first of many.
pub(crate) fn listed(names: &[String]) -> String {
    /// More are no help.
    const MOST: usize = 30;
    if names.is_empty() {
        return "none".to_owned();
    }
    let some: Vec<String> = names.iter().take(MOST).map(|n| format!("`{n}`")).collect();
    let more = if names.len() > MOST { ", …" } else { "" };
    format!("{}{more}", some.join(", "))
}
