//! The emitted crate in this process: its library, loaded, computes batches of events.

use std::ops::Range;
use std::path::Path;

use hodoscope_compiler::emit::emulator::{Emulator, EmulatorError};
use hodoscope_loader::{Loaded, Words};
use hodoscope_program::{InputId, Program};

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use thiserror::Error;

use super::TargetError;
use super::library::{LibraryOptions, build_library};
use super::sources::Cache;
use crate::encode::{EncodeError, EncodeReport, Encoder, Events};
use crate::npz::Stream;

/// Events that one call of the library computes: enough to forget the call, few enough to share between threads.
const BLOCK: usize = 512;

/// Bytes of a thread's stack: activations of an event lie there. What is not used is not taken.
const STACK: usize = 64 << 20;

/// The emitted crate of a model, loaded.
#[derive(Clone, Debug)]
pub struct Host {
    loaded: Loaded,
    inputs: usize,
}

/// Why there is no [`Host`].
#[derive(Debug, Error)]
pub enum HostError {
    /// A program, or a machine, for which no library is made: the board `native` still serves it as a process.
    #[error("{0}")]
    NoLibrary(String),
    /// What can be built was not.
    #[error(transparent)]
    Target(#[from] TargetError),
}

impl Host {
    /// Builds the library of the compiled model in `dir` for this very processor, and loads it.
    ///
    /// # Errors
    /// When there is no library for the program or machine, or it is not built or loaded.
    pub fn load(dir: &Path, program: &Program, cache: &Cache) -> Result<Self, HostError> {
        let none = |error: EmulatorError| HostError::NoLibrary(error.to_string());
        let emulator = Emulator::new(program, None).map_err(none)?;
        let options = LibraryOptions {
            triple: None,
            cpu: own_cpu().map(str::to_owned),
        };
        let library =
            build_library(dir, &emulator, &options, cache).map_err(|error| match error {
                TargetError::NoLibrary { .. } => HostError::NoLibrary(error.to_string()),
                other => other.into(),
            })?;
        // It is the file that was built: its hash was compared just now.
        let loaded = Loaded::open(&library.shared, &emulator.symbol(), emulator.hash());
        Ok(Self {
            loaded: loaded.map_err(TargetError::from)?,
            inputs: program.inputs.len(),
        })
    }

    /// Raws of an event.
    #[must_use]
    pub fn width(&self) -> usize {
        self.loaded.raws()
    }

    /// The raws of every event, one event after the other; `done` hears of events that were computed.
    ///
    /// Threads share the events: `RAYON_NUM_THREADS` says how many.
    ///
    /// # Errors
    /// When `events` are those of another program.
    pub fn run(&self, events: &Events, done: impl Fn(u64) + Sync) -> Result<Vec<i64>, TargetError> {
        let width = self.width();
        let mut raws = vec![0; events.len() * width];
        let compute = |(block, raws): (usize, &mut [i64])| {
            self.block(events, block * BLOCK, raws)?;
            done((raws.len() / width) as u64);
            Ok::<(), TargetError>(())
        };
        pool()?.install(|| {
            let blocks = raws.par_chunks_mut(BLOCK * width).enumerate();
            blocks.try_for_each(compute)
        })?;
        Ok(raws)
    }

    /// As [`Self::run`], of a file's events: words are made block by block, and what that cost is the report.
    ///
    /// # Errors
    /// Of the first event that has none.
    pub fn run_file(
        &self,
        program: &Program,
        encoder: &Encoder<'_>,
        done: impl Fn(u64) + Sync,
    ) -> Result<(Vec<i64>, EncodeReport), FileError> {
        self.of_file(program, encoder.len(), done, |events| {
            Ok(encoder.encode(events)?)
        })
    }

    /// As [`Self::run_file`], of a file that is read block by block, too: only the raws of all events lie in memory.
    ///
    /// # Errors
    /// Of the first event that has none, and when the file is damaged.
    pub fn run_stream(
        &self,
        program: &Program,
        stream: Stream,
        done: impl Fn(u64) + Sync,
    ) -> Result<(Vec<i64>, EncodeReport), FileError> {
        let read = |events: Range<usize>| {
            let (first, count) = (events.start, events.len());
            let npz = stream.part(events).map_err(EncodeError::from)?;
            let encoded = Encoder::new(program, &npz).and_then(|encoder| encoder.encode(0..count));
            encoded.map_err(|mut error| {
                if let EncodeError::Npz(error) = &mut error {
                    error.shift(first);
                }
                error.into()
            })
        };
        let computed = self.of_file(program, stream.events(), done, read)?;
        stream.finish().map_err(EncodeError::from)?;
        Ok(computed)
    }

    /// The raws of so many events, whose words `encode` makes block by block.
    fn of_file(
        &self,
        program: &Program,
        events: usize,
        done: impl Fn(u64) + Sync,
        encode: impl Fn(Range<usize>) -> Result<Events, FileError> + Sync,
    ) -> Result<(Vec<i64>, EncodeReport), FileError> {
        let width = self.width();
        let mut raws = vec![0; events * width];
        let compute = |(block, raws): (usize, &mut [i64])| {
            let (first, count) = (block * BLOCK, raws.len() / width);
            let events = encode(first..first + count)?;
            self.block(&events, 0, raws)?;
            done(count as u64);
            Ok::<EncodeReport, FileError>(events.report().clone())
        };
        let reports: Vec<_> = pool()?.install(|| {
            let blocks = raws.par_chunks_mut(BLOCK * width).enumerate();
            blocks.map(compute).collect()
        });
        let mut whole = EncodeReport::new(program, 0);
        for report in reports {
            whole.merge(&report?);
        }
        Ok((raws, whole))
    }

    /// Computes events from `first` on, as many as `raws` has room for.
    fn block(&self, events: &Events, first: usize, raws: &mut [i64]) -> Result<(), TargetError> {
        let count = raws.len() / self.width();
        let inputs = (0..self.inputs).map(|input| block_words(events, input, first, count));
        Ok(self.loaded.infer(&inputs.collect::<Vec<_>>(), raws)?)
    }
}

/// Why a file's events were not computed.
#[derive(Debug, Error)]
pub enum FileError {
    /// They have no words.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// They were not computed.
    #[error(transparent)]
    Target(#[from] TargetError),
}

fn pool() -> Result<ThreadPool, TargetError> {
    let pool = ThreadPoolBuilder::new().stack_size(STACK).build();
    pool.map_err(|error| TargetError::Build {
        what: "threads".to_owned(),
        stderr: error.to_string(),
    })
}

/// Words of one input in `count` events from `first` on.
fn block_words(events: &Events, input: usize, first: usize, count: usize) -> Words<'_> {
    let input = InputId::new(input);
    let (words, rows) = events.all_words(input);
    let channels = events.channels(input);
    if events.is_of_set(input) {
        return Words {
            words,
            channels,
            rows: Some(&rows[first..=first + count]),
        };
    }
    Words {
        words: &words[first * channels..(first + count) * channels],
        channels,
        rows: None,
    }
}

/// The level of x86-64 that this processor has, where it is more than the first: bits do not depend on it.
fn own_cpu() -> Option<&'static str> {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("f16c")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("movbe")
    {
        return Some("x86-64-v3");
    }
    None
}
