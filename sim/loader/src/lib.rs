//! Loads the library of a compiled model into this process, and calls it with slices.
//!
//! The other side of the C interface that `hodoscope-emulator` defines: what a caller has to promise there is checked
//! here. A library that is loaded stays so until the process ends.

use std::ffi::{CStr, c_char};
use std::path::{Path, PathBuf};

use hodoscope_emulator::reader::INT64;
use hodoscope_emulator::table::{ABI, Array, Batch};
use hodoscope_emulator::{Status, Table};
use thiserror::Error;

/// Why a library was not loaded, or computed nothing.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The system does not load it.
    #[error("cannot load {}: {source}", path.display())]
    Load {
        /// The library.
        path: PathBuf,
        /// Why not.
        source: libloading::Error,
    },
    /// It is one of another interface or program.
    #[error("{} holds {found}, not {expected}", path.display())]
    Other {
        /// The library.
        path: PathBuf,
        /// What it is of.
        found: String,
        /// What was asked for.
        expected: String,
    },
    /// What is given is not what the library takes.
    #[error("{0}")]
    Shape(String),
    /// The library computed no more.
    #[error("event {event}: {message}")]
    Failed {
        /// Index of the event.
        event: u64,
        /// What it says.
        message: String,
    },
}

/// A library that is loaded.
#[derive(Clone, Copy, Debug)]
pub struct Loaded {
    table: &'static Table,
}

/// One input of events, as words.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a> {
    /// Row after row.
    pub words: &'a [i64],
    /// Words of a row.
    pub channels: usize,
    /// Of an input of the set: the first row of each event among `words`, and the end.
    pub rows: Option<&'a [usize]>,
}

impl Loaded {
    /// Loads the library at `path`, whose table the function `symbol` returns.
    ///
    /// The file is run: the caller knows that it is one that was built here.
    ///
    /// # Errors
    /// When it is no library, has no such function, or is one of another program than `hash`.
    pub fn open(path: &Path, symbol: &str, hash: &str) -> Result<Self, LoadError> {
        let load = |source| LoadError::Load {
            path: path.to_owned(),
            source,
        };
        // SAFETY: a library of ours has no code that runs when it is loaded; the caller answers for the file.
        let library = unsafe { libloading::Library::new(path) }.map_err(load)?;
        let library = Box::leak(Box::new(library));
        // SAFETY: this is the type of the only function of such libraries.
        let function = unsafe { library.get::<extern "C" fn() -> &'static Table>(symbol) };
        let table = function.map_err(load)?();
        let other = |found: String, expected: String| LoadError::Other {
            path: path.to_owned(),
            found,
            expected,
        };
        if table.abi != ABI || (table.size as usize) < size_of::<Table>() {
            let found = format!("interface {} of {} bytes", table.abi, table.size);
            return Err(other(
                found,
                format!("interface {ABI} of {} bytes", size_of::<Table>()),
            ));
        }
        let found = text(table.program_hash.pointer());
        if found != hash {
            return Err(other(format!("program {found}"), format!("program {hash}")));
        }
        Ok(Self { table })
    }

    /// Raws of an event.
    #[must_use]
    pub fn raws(&self) -> usize {
        self.table.raws as usize
    }

    /// Computes events: `raws` takes all outputs of each, one after the other.
    ///
    /// # Errors
    /// When `inputs` are not those of the program, or a slice is too short.
    pub fn infer(&self, inputs: &[Words<'_>], raws: &mut [i64]) -> Result<(), LoadError> {
        let events = raws.len() / self.raws().max(1);
        let offsets = self.check(inputs, events, raws.len())?;
        let arrays: Vec<Array> = inputs
            .iter()
            .map(|input| {
                let row = 8 * input.channels as i64;
                Array {
                    data: input.words.as_ptr().cast(),
                    event_stride: row,
                    row_stride: row,
                    word_stride: 8,
                    element: INT64,
                    reserved: 0,
                }
            })
            .collect();
        let mut batch = Batch {
            size: size_of::<Batch>() as u64,
            events: events as u64,
            arrays: arrays.as_ptr(),
            offsets: offsets.as_ref().map_or(std::ptr::null(), Vec::as_ptr),
            counts: std::ptr::null(),
            rows: 0,
            raws: raws.as_mut_ptr(),
            raw_stride: 0,
            scores: std::ptr::null_mut(),
            score_stride: 0,
            saturated: 0,
            done: 0,
        };
        // SAFETY: `check` has seen that there is an array for each input, with the words of every event or of all rows that the
        // offsets name; and there is room for the raws of that many events.
        let status = unsafe { (self.table.infer_batch)(&raw mut batch) };
        if status == Status::OK {
            return Ok(());
        }
        Err(LoadError::Failed {
            event: batch.done,
            message: text((self.table.message)(status).pointer()),
        })
    }

    /// Checks that the words of all events are there, and returns the offsets of the set's rows.
    fn check(
        &self,
        inputs: &[Words<'_>],
        events: usize,
        raws: usize,
    ) -> Result<Option<Vec<i64>>, LoadError> {
        let wrong = |what: String| Err(LoadError::Shape(what));
        let own = self.table.inputs();
        if own.len() != inputs.len() || raws != events * self.raws() {
            return wrong(format!(
                "{} inputs and {raws} raws of {events} events",
                inputs.len()
            ));
        }
        let mut offsets: Option<&[usize]> = None;
        for (input, own) in inputs.iter().zip(own) {
            let of_set = own.set != 0;
            if input.channels as u64 != own.words || input.rows.is_some() != of_set {
                return wrong(format!(
                    "an input has {} words, not {}",
                    input.channels, own.words
                ));
            }
            let rows = match input.rows {
                Some(rows) => {
                    let grows = rows.windows(2).all(|pair| pair[0] <= pair[1]);
                    let same = offsets.is_none_or(|offsets| offsets == rows);
                    if rows.len() != events + 1 || !grows || !same {
                        return wrong(format!("{} rows of {events} events", rows.len()));
                    }
                    offsets = Some(rows);
                    rows.last().copied().unwrap_or(0)
                }
                None => events,
            };
            if rows
                .checked_mul(input.channels)
                .is_none_or(|needed| input.words.len() < needed)
            {
                return wrong(format!("{} words for {rows} rows", input.words.len()));
            }
        }
        Ok(offsets.map(|rows| rows.iter().map(|row| *row as i64).collect()))
    }
}

/// A text of a library.
fn text(pointer: *const c_char) -> String {
    // SAFETY: texts of a table are statics that end with a zero, and the library stays loaded.
    unsafe { CStr::from_ptr(pointer) }
        .to_string_lossy()
        .into_owned()
}
