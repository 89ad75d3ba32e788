//! What can be wrong with an archive.

use std::path::PathBuf;

use thiserror::Error;

/// What is wrong with an archive or one of its arrays.
#[derive(Debug, Error)]
pub enum NpzError {
    /// There is no such file.
    #[error("{path}: no such file")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be opened.
    #[error("{path}: cannot be opened: {source}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not an archive of arrays.
    #[error("{path}: not an npz archive: {reason}")]
    NotNpz {
        /// The file.
        path: PathBuf,
        /// What the reader found.
        reason: String,
    },
    /// The archive has no such array.
    #[error("{path}: no array `{name}`; the archive holds {there}")]
    NoArray {
        /// The file.
        path: PathBuf,
        /// The array that was wanted.
        name: String,
        /// The arrays that are there, as a list.
        there: String,
    },
    /// The array's elements are of a type that is not read, or not the one that is wanted.
    #[error("{path}: array `{name}` has dtype {got}; expected {expected}")]
    Dtype {
        /// The file.
        path: PathBuf,
        /// The array.
        name: String,
        /// NumPy's description of the type.
        got: String,
        /// What would be accepted.
        expected: String,
    },
    /// An integer is too large for `i64`.
    #[error("{path}: array `{name}`, element {index}: {value} is larger than 2^63 − 1")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The array.
        name: String,
        /// Index of the element, row-major.
        index: usize,
        /// The element.
        value: u64,
    },
    /// The array's shape is not the one that is wanted.
    #[error("{path}: array `{name}` has shape {}; expected {expected}", shape(got))]
    Shape {
        /// The file.
        path: PathBuf,
        /// The array.
        name: String,
        /// Its shape.
        got: Vec<usize>,
        /// The shape that is wanted.
        expected: String,
    },
    /// Events of the array have different numbers of rows, and that is not what is wanted.
    #[error(
        "{path}: array `{name}` has events of different lengths (events, any number{rest}); expected {expected}"
    )]
    Jagged {
        /// The file.
        path: PathBuf,
        /// The array.
        name: String,
        /// Extents of a row.
        rest: String,
        /// The shape that is wanted.
        expected: String,
    },
    /// Offsets do not part the rows of an array into events.
    #[error("{path}: offsets of `{name}`: {reason}")]
    Offsets {
        /// The file.
        path: PathBuf,
        /// The array.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// An array is given twice.
    #[error("{path}: array `{name}` is given twice")]
    Twice {
        /// The file.
        path: PathBuf,
        /// The array.
        name: String,
    },
    /// The file is none of NumPy's.
    #[error(
        "{path}: {kind}, and no archive of arrays: in Python, `hodoscope.convert({path:?}, \"x.npz\")` makes one of it (docs/src/python.md)"
    )]
    Elsewhere {
        /// The file.
        path: PathBuf,
        /// What it is.
        kind: &'static str,
    },
    /// The arrays of a file take more memory than is allowed.
    #[error(
        "{path}: array `{name}` takes {bytes} bytes of memory, and all arrays of a file may take {} GiB: {variable}=8 allows 8; or give fewer events, or name columns with --map",
        limit >> 30, variable = super::LIMIT_VARIABLE
    )]
    Room {
        /// The file.
        path: PathBuf,
        /// The array.
        name: String,
        /// What it takes.
        bytes: u64,
        /// What all may take, in bytes.
        limit: u64,
    },
    /// The limit is no number.
    #[error(
        "{}={text}: expected a number of GiB, such as 8",
        super::LIMIT_VARIABLE
    )]
    Limit {
        /// What the variable holds.
        text: String,
    },
    /// The array holds no event.
    #[error("{path}: array `{name}` holds zero events (shape {})", shape(got))]
    NoEvents {
        /// The file.
        path: PathBuf,
        /// The array.
        name: String,
        /// Its shape.
        got: Vec<usize>,
    },
    /// An element is NaN or infinite.
    #[error(
        "{path}: array `{name}`, event {event}, element {index}: {value} is not a finite number"
    )]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// The array.
        name: String,
        /// The event.
        event: usize,
        /// Index within the event, row-major.
        index: usize,
        /// The element.
        value: f64,
    },
    /// An element is finite, but not one that makes sense here.
    #[error("{path}: array `{name}`, event {event}: {reason}")]
    Value {
        /// The file.
        path: PathBuf,
        /// The array.
        name: String,
        /// The event.
        event: usize,
        /// What is wrong.
        reason: String,
    },
    /// The archive cannot be written.
    #[error("{path}: cannot be written: {reason}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl NpzError {
    /// The same of events that stand behind `before` others in their file.
    pub fn shift(&mut self, before: usize) {
        match self {
            Self::NotFinite { event, .. } | Self::Value { event, .. } => *event += before,
            _ => {}
        }
    }
}

/// `(2000, 32, 3)`, as NumPy prints it.
fn shape(extents: &[usize]) -> String {
    match extents {
        [one] => format!("({one},)"),
        _ => {
            let list: Vec<String> = extents.iter().map(ToString::to_string).collect();
            format!("({})", list.join(", "))
        }
    }
}
