//! What an event costs on a core: instructions that an emulator executed, priced by a cost model.
//!
//! The timing plugin of QEMU records the path of every event ([`Recording`]). [`Timing`] looks its
//! opcodes up in the firmware's file, prices them one after the other with a
//! [`Pipeline`], and says by the file's line tables which layer each belongs
//! to. Nothing is added to the firmware for that: it is the one that runs without an observer.
//!
//! Instructions are *emulated*, cycles are *modelled*.

mod code;
mod lines;
mod recording;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use hodoscope_cost::{Access, Class, Core, CoreError, Memory, Mix, Pipeline};

use crate::elf::Function;
use crate::targets::TargetError;

use code::Code;
pub use lines::Lines;
pub use recording::Recording;

/// What an instruction is executed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Reading the event, choosing its constituents, counting them.
    Event,
    /// A value of the program, by its index.
    Value(usize),
}

/// Instructions and cycles of a part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Executed instructions.
    pub instructions: u64,
    /// Modelled cycles.
    pub cycles: u64,
}

/// What a path costs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Priced {
    /// Of the whole event.
    pub total: Share,
    /// Of each part that executed something.
    pub parts: BTreeMap<Part, Share>,
    /// Instructions by class, as the pipeline met them.
    pub mix: Mix,
}

/// Why a path has no price.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TimingError {
    /// The firmware's file.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The cost model.
    #[error(transparent)]
    Core(#[from] CoreError),
    /// An address or opcode of the path.
    #[error("at {address:#x}: {message}")]
    Code {
        /// Where.
        address: u64,
        /// What is wrong.
        message: String,
    },
    /// The recording.
    #[error("the recording of what was executed: {0}")]
    Recording(String),
}

impl TimingError {
    /// The exit code of the command: what a tool made does not fit together.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Target(error) => error.exit_code(),
            _ => 3,
        }
    }
}

/// A firmware under a cost model.
#[derive(Debug)]
pub struct Timing {
    code: Code,
    core: Core,
    memory: Memory,
    markers: [Function; 2],
    /// Of each address that was looked up.
    parts: HashMap<u64, Option<Part>>,
    lines: Lines,
}

impl Timing {
    /// The firmware `elf` on `core` with `memory`; `lines` are those of its emitted crate, empty to
    /// leave all to [`Part::Event`].
    ///
    /// # Errors
    /// When the file cannot be read, or has no markers.
    pub fn new(elf: &Path, core: Core, memory: Memory, lines: Lines) -> Result<Self, TimingError> {
        let code = Code::read(elf, core.instruction_set())?;
        let markers = code.markers()?;
        Ok(Self {
            code,
            core,
            memory,
            markers,
            parts: HashMap::new(),
            lines,
        })
    }

    /// The core.
    #[must_use]
    pub fn core(&self) -> &Core {
        &self.core
    }

    /// What path number `path` costs, from the return of the begin marker to the call of the end
    /// marker, both excluded.
    ///
    /// # Errors
    /// When the path does not fit the firmware, or the core has no figure for an instruction.
    pub fn price(&mut self, recording: &Recording, path: usize) -> Result<Priced, TimingError> {
        let [begin, end] = self.markers;
        let inside = |function: Function, address: u64| {
            (function.address..function.address + function.size).contains(&address)
        };
        let mut addresses = recording
            .addresses(path)
            .skip_while(|&address| address != begin.address)
            .take_while(|&address| address != end.address)
            .filter(|&address| !inside(begin, address))
            .peekable();
        let mut pipeline = Pipeline::new(&self.core, &self.memory);
        let mut priced = Priced::default();
        let mut part = Part::Event;
        while let Some(address) = addresses.next() {
            let Some(&next) = addresses.peek() else {
                // The call of the end marker is not the event's.
                return Ok(priced);
            };
            let instruction = self.code.instruction(address)?;
            let class = pipeline.resolve(address, &instruction, next);
            let cycles = pipeline.step(address, &instruction, next, Access::Other)?;
            // What has no line of its own, as a routine of the compiler's, belongs to its caller.
            let found = *self
                .parts
                .entry(address)
                .or_insert_with(|| self.code.part(address, &self.lines));
            part = found.unwrap_or(part);
            priced.mix.push(class, 1, u64::from(instruction.moved));
            for share in [&mut priced.total, priced.parts.entry(part).or_default()] {
                share.instructions += 1;
                share.cycles += cycles;
            }
        }
        Err(TimingError::Recording(format!(
            "path {path} does not lead from {:#x} to {:#x}",
            begin.address, end.address
        )))
    }
}

/// Instructions and cycles of `priced` by class, for whoever wants to know why.
#[must_use]
pub fn classes(priced: &Priced) -> Vec<(Class, u64)> {
    Class::ALL
        .into_iter()
        .map(|class| (class, priced.mix.count(class)))
        .filter(|(_, count)| *count > 0)
        .collect()
}
