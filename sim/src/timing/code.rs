//! Opcodes and line tables of a firmware's file.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use hodoscope_cost::decode::decode;
use hodoscope_cost::{Instruction, InstructionSet};
use object::{Object, ObjectSection, ObjectSegment};

use crate::elf::{Elf, Function};
use crate::targets::{MARKERS, TargetError};

use super::{Lines, Part, TimingError};

type Reader = gimli::EndianRcSlice<gimli::RunTimeEndian>;

/// A firmware's code.
pub struct Code {
    path: PathBuf,
    set: InstructionSet,
    elf: Elf,
    /// Where each part of the file lies in memory, and its bytes.
    segments: Vec<(u64, Vec<u8>)>,
    decoded: HashMap<u64, Instruction>,
    context: addr2line::Context<Reader>,
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Code")
            .field("path", &self.path)
            .field("set", &self.set)
            .finish_non_exhaustive()
    }
}

impl Code {
    pub fn read(path: &Path, set: InstructionSet) -> Result<Self, TargetError> {
        let wrong = |message: String| TargetError::Elf {
            path: path.to_owned(),
            message,
        };
        let bytes = fs::read(path).map_err(TargetError::io("read", path))?;
        let file = object::File::parse(&*bytes).map_err(|error| wrong(error.to_string()))?;
        let mut segments = Vec::new();
        for segment in file.segments() {
            let data = segment.data().map_err(|error| wrong(error.to_string()))?;
            segments.push((segment.address(), data.to_vec()));
        }
        let load = |id: gimli::SectionId| -> Result<Reader, gimli::Error> {
            let data = file
                .section_by_name(id.name())
                .and_then(|section| section.uncompressed_data().ok())
                .unwrap_or(Cow::Borrowed(&[]));
            Ok(Reader::new(Rc::from(&*data), gimli::RunTimeEndian::Little))
        };
        let context = gimli::Dwarf::load(load)
            .and_then(addr2line::Context::from_dwarf)
            .map_err(|error| wrong(error.to_string()))?;
        Ok(Self {
            path: path.to_owned(),
            set,
            elf: Elf::parse(&bytes).map_err(|error| wrong(error.to_string()))?,
            segments,
            decoded: HashMap::new(),
            context,
        })
    }

    /// The begin and the end marker.
    pub fn markers(&self) -> Result<[Function; 2], TargetError> {
        self.elf.markers(&self.path, MARKERS)
    }

    /// The instruction at `address`.
    pub fn instruction(&mut self, address: u64) -> Result<Instruction, TimingError> {
        if let Some(instruction) = self.decoded.get(&address) {
            return Ok(*instruction);
        }
        let wrong = |message: String| TimingError::Code { address, message };
        let bytes = self
            .segments
            .iter()
            .find_map(|(start, bytes)| {
                let rest = bytes.get(usize::try_from(address.checked_sub(*start)?).ok()?..)?;
                // Behind the last byte of a part another may begin.
                (!rest.is_empty()).then_some(rest)
            })
            .ok_or_else(|| wrong(format!("no code in {}", self.path.display())))?;
        let instruction = decode(self.set, bytes).map_err(|error| wrong(error.to_string()))?;
        self.decoded.insert(address, instruction);
        Ok(instruction)
    }

    /// What the instruction at `address` is executed for, if the line tables say so: the innermost
    /// line of the emitted crate that computes a value.
    pub fn part(&self, address: u64, lines: &Lines) -> Option<Part> {
        let mut frames = self.context.find_frames(address).skip_all_loads().ok()?;
        let mut part = None;
        while let Ok(Some(frame)) = frames.next() {
            let Some(location) = frame.location else {
                continue;
            };
            let (Some(file), Some(line)) = (location.file, location.line) else {
                continue;
            };
            match lines.find(file, line) {
                Some(Some(value)) => return Some(Part::Value(value)),
                Some(None) => part = Some(Part::Event),
                None => {}
            }
        }
        part
    }
}
