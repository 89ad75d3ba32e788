//! The path of an inference.

use std::collections::VecDeque;

use hodoscope_cost::decode::decode;
use hodoscope_cost::{Class, Instruction, InstructionSet};
use hodoscope_wire::{PREAMBLE, Request, encode, frame_len};

use super::execute::{Effect, Place, Value, Word};
use super::expand::expand;
use super::{BoundError, Image};

/// The devices of `sim/rtl/memory.v`.
const LINK: u32 = 0x8000_0000;
const CYCLES: u32 = 0x8000_0004;
const LOG: u32 = 0x8000_0008;
const EXIT: u32 = 0x8000_000C;
const BUSY: u32 = 0x8000_0010;
const ACCEPT: u32 = 0x8000_0014;

/// Fewest bytes of an event by which it is found in memory.
const SEARCHED: usize = 4;

/// More instructions than any inference: a loop that never ends is not waited for.
const LONGEST: u64 = 2_000_000_000;

/// An instruction of the path.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Where it is.
    pub address: u32,
    /// What it is.
    pub instruction: Instruction,
    /// Address of the one that is executed next.
    pub next: u32,
    /// Address that a load or store goes to.
    pub access: Option<u32>,
    /// Whether that address depends on data.
    pub data_address: bool,
    /// Bits that a shift moves by: the most of them where that depends on data.
    pub shift: u32,
    /// Whether this is a branch on data, which would go the other way for other data.
    pub data_branch: bool,
}

/// A firmware at work on one event.
#[derive(Clone, Debug)]
pub struct Walk {
    image: Image,
    registers: [Value; 32],
    pc: u32,
    input: VecDeque<u8>,
    payload: Vec<u8>,
    log: String,
    /// Branches on data so far, and the one that goes the other way.
    branches: usize,
    turned: Option<usize>,
}

impl Walk {
    /// A walk through `image` with one event. Its words only stand for a multiplicity: whatever is
    /// computed from them is data.
    ///
    /// # Errors
    /// [`BoundError::Frame`]
    pub fn new(image: &Image, payload: &[u8]) -> Result<Self, BoundError> {
        let request = Request::Event { id: 1, payload };
        let mut buffer = vec![0; frame_len(payload.len() + 64)];
        let frame = encode(&request, &mut buffer).map_err(|error| BoundError::Frame {
            message: error.to_string(),
        })?;
        Ok(Self {
            registers: [Value::default(); 32],
            pc: image.entry,
            input: PREAMBLE.iter().chain(frame.iter()).copied().collect(),
            payload: payload.to_vec(),
            image: image.clone(),
            log: String::new(),
            branches: 0,
            turned: None,
        })
    }

    /// The same walk, on which branch number `branch` of those on data goes the other way.
    #[must_use]
    pub fn turning(self, branch: usize) -> Self {
        Self {
            turned: Some(branch),
            ..self
        }
    }

    /// Shows every instruction between the two readings of the cycle counter, the first reading
    /// included, and returns their number.
    ///
    /// # Errors
    /// Whatever `see` returns, and [`BoundError::DependsOnData`] where it depends on data to where a
    /// store or a jump goes.
    pub fn run(
        mut self,
        mut see: impl FnMut(&Step) -> Result<(), BoundError>,
    ) -> Result<u64, BoundError> {
        while !self.reads_cycles() {
            self.step()?;
        }
        if self.image.memory.mark(&self.payload) == 0 && self.payload.len() >= SEARCHED {
            return Err(self.wrong("the event is not found in memory"));
        }
        let mut count = 0;
        loop {
            see(&self.step()?)?;
            count += 1;
            if self.reads_cycles() {
                return Ok(count);
            }
            if count > LONGEST {
                return Err(self.wrong("the inference does not end"));
            }
        }
    }

    fn wrong(&self, message: impl Into<String>) -> BoundError {
        BoundError::Firmware {
            address: self.pc,
            message: message.into(),
        }
    }

    /// Whether the next instruction reads the cycle counter.
    fn reads_cycles(&self) -> bool {
        let effect = self
            .fetch()
            .ok()
            .and_then(|(word, _)| word.effect(self.pc, &self.registers));
        matches!(effect, Some(Effect::Load { place, .. }) if place.address.number == CYCLES)
    }

    /// The next instruction in 32 bits, and as it is encoded.
    fn fetch(&self) -> Result<(Word, u32), BoundError> {
        let word = |encoding: u32| BoundError::Instruction {
            address: self.pc,
            encoding,
        };
        let half = |at: u32| self.image.memory.load(at, 2).map(|half| half.number);
        let low = half(self.pc).ok_or_else(|| self.wrong("no code is there"))?;
        if low & 3 != 3 {
            let expanded = expand(low as u16).ok_or_else(|| word(low))?;
            return Ok((Word(expanded), low));
        }
        let high = half(self.pc.wrapping_add(2)).ok_or_else(|| self.wrong("no code is there"))?;
        let encoding = high << 16 | low;
        Ok((Word(encoding), encoding))
    }

    fn step(&mut self) -> Result<Step, BoundError> {
        let address = self.pc;
        let (word, encoding) = self.fetch()?;
        let wrong = BoundError::Instruction { address, encoding };
        let (Some(effect), Ok(instruction)) = (
            word.effect(address, &self.registers),
            decode(InstructionSet::Riscv, &encoding.to_le_bytes()),
        ) else {
            return Err(wrong);
        };
        let depends = |what| BoundError::DependsOnData { address, what };
        let behind = address.wrapping_add(instruction.size);
        let mut step = Step {
            address,
            instruction,
            next: behind,
            access: None,
            data_address: false,
            shift: match instruction.class {
                Class::Shift => self.shift(word),
                _ => 0,
            },
            data_branch: false,
        };
        let mut result = None;
        match effect {
            Effect::Value(value) => result = Some(value),
            Effect::Branch {
                taken,
                data,
                offset,
            } => {
                step.data_branch = data;
                let turned = data && self.turned == Some(self.branches);
                self.branches += usize::from(data);
                if taken != turned {
                    step.next = address.wrapping_add(offset);
                }
            }
            Effect::Jump(to) if to.data => return Err(depends("a jump")),
            Effect::Jump(to) => {
                step.next = to.number;
                result = Some(Value::fixed(behind));
            }
            Effect::Load { place, signed } => {
                step.access = Some(place.address.number);
                step.data_address = place.address.data;
                result = Some(self.load(place, signed)?);
            }
            Effect::Store { place, .. } if place.address.data => {
                return Err(depends("the address of a store"));
            }
            Effect::Store { place, value } => {
                step.access = Some(place.address.number);
                self.store(place, value)?;
            }
            Effect::Control => result = Some(Value::default()),
        }
        if let Some(value) = result
            && word.rd() != 0
        {
            self.registers[word.rd()] = value;
        }
        self.pc = step.next;
        Ok(step)
    }

    fn shift(&self, word: Word) -> u32 {
        let by = word.shift(&self.registers);
        if by.data { 31 } else { by.number & 31 }
    }

    fn load(&mut self, place: Place, signed: bool) -> Result<Value, BoundError> {
        let address = place.address.number;
        let mut value = match address {
            LINK => Value::fixed(self.input.pop_front().map_or(u32::MAX, u32::from)),
            CYCLES => Value {
                number: 0,
                data: true,
            },
            _ => self
                .image
                .memory
                .load(address, place.bytes)
                .ok_or_else(|| self.wrong(format!("nothing to read at {address:#010x}")))?,
        };
        // Which entry of a table it is depends on data, and so does its value.
        value.data |= place.address.data;
        let unused = 32 - 8 * place.bytes;
        if signed {
            value.number = ((value.number << unused) as i32 >> unused) as u32;
        }
        Ok(value)
    }

    fn store(&mut self, place: Place, value: Value) -> Result<(), BoundError> {
        let address = place.address.number;
        match address {
            // Nobody listens.
            LINK | BUSY | ACCEPT => return Ok(()),
            LOG => {
                let character = char::from_u32(value.number).unwrap_or('?');
                self.log.push(character);
                return Ok(());
            }
            EXIT => {
                return Err(BoundError::Ends {
                    address: self.pc,
                    log: std::mem::take(&mut self.log),
                });
            }
            _ => {}
        }
        let stored = self.image.memory.store(address, place.bytes, value);
        stored.ok_or_else(|| self.wrong(format!("nothing to write at {address:#010x}")))
    }
}
