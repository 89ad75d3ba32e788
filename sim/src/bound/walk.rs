//! The path of an inference.

use std::collections::VecDeque;

use hodoscope_cost::decode::decode;
use hodoscope_cost::{Class, Instruction, InstructionSet};
use hodoscope_wire::{PREAMBLE, Request, encode, frame_len};

use super::execute::{Effect, Place, Word};
use super::expand::expand;
use super::value::Value;
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

/// A request as it goes over the link.
fn frame(request: &Request<'_>) -> Result<Vec<u8>, BoundError> {
    let bytes = match request {
        Request::Event { payload, .. } => payload.len(),
        _ => 0,
    };
    let mut buffer = vec![0; frame_len(bytes + 64)];
    match encode(request, &mut buffer) {
        Ok(frame) => Ok(frame.to_vec()),
        Err(error) => Err(BoundError::Frame {
            message: error.to_string(),
        }),
    }
}

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
    /// What is known of that address, where it depends on data.
    pub loose: Option<LooseAddress>,
    /// Bits that a shift moves by: the most of them where that depends on data.
    pub shift: u32,
    /// Whether this is a branch on data, which would go the other way for other data.
    pub data_branch: bool,
}

/// An address that depends on data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LooseAddress {
    /// Addresses of one origin differ by the same number for all data.
    pub origin: u32,
    /// Lowest bits that are the same for all data.
    pub known_bits: u32,
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
    /// Origins so far of values that depend on data.
    origins: u32,
    /// What the cycle counter reads.
    cycles: Value,
}

impl Walk {
    /// A walk through `image` with one event. Its words only stand for a multiplicity: whatever is
    /// computed from them is data.
    ///
    /// # Errors
    /// [`BoundError::Frame`]
    pub fn new(image: &Image, payload: &[u8]) -> Result<Self, BoundError> {
        let input = [
            PREAMBLE.to_vec(),
            frame(&Request::Event {
                epoch: 0,
                sequence: 1,
                payload,
            })?,
        ];
        Ok(Self::of(image, input.concat(), payload))
    }

    /// A walk through a session in which these events are sent, whose words are nothing but words.
    pub(super) fn of_events(image: &Image, payloads: &[Vec<u8>]) -> Result<Self, BoundError> {
        let mut input = [PREAMBLE.to_vec(), frame(&Request::Hello { token: 1 })?].concat();
        for (id, payload) in (1..).zip(payloads) {
            input.extend(frame(&Request::Event {
                epoch: 0,
                sequence: id,
                payload,
            })?);
        }
        Ok(Self::of(image, input, &[]))
    }

    fn of(image: &Image, input: Vec<u8>, payload: &[u8]) -> Self {
        Self {
            registers: [Value::default(); 32],
            pc: image.entry,
            input: input.into(),
            payload: payload.to_vec(),
            image: image.clone(),
            log: String::new(),
            branches: 0,
            turned: None,
            origins: 0,
            cycles: Value::data_of(0),
        }
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
        self.until_cycles(|_| Ok(()))?;
        if self.image.memory.mark(&self.payload) == 0 && self.payload.len() >= SEARCHED {
            return Err(self.wrong("the event is not found in memory"));
        }
        self.inference(&mut see)
    }

    /// Goes on to where the cycle counter is read.
    pub(super) fn until_cycles(
        &mut self,
        mut see: impl FnMut(&Step) -> Result<(), BoundError>,
    ) -> Result<(), BoundError> {
        while !self.reads_cycles() {
            see(&self.step()?)?;
        }
        Ok(())
    }

    /// From a reading of the cycle counter to the next.
    pub(super) fn inference(
        &mut self,
        mut see: impl FnMut(&Step) -> Result<(), BoundError>,
    ) -> Result<u64, BoundError> {
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

    /// What the cycle counter reads from now on.
    pub(super) fn set_cycles(&mut self, cycles: u32) {
        self.cycles = Value::fixed(cycles);
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

    pub(super) fn step(&mut self) -> Result<Step, BoundError> {
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
            loose: None,
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
            Effect::Jump(to) if to.data() => return Err(depends("a jump")),
            Effect::Jump(to) => {
                step.next = to.number;
                result = Some(Value::fixed(behind));
            }
            Effect::Load { place, signed } => {
                step.access = Some(place.address.number);
                step.loose = place.address.data().then_some(LooseAddress {
                    origin: place.address.origin,
                    known_bits: place.address.known_bits(),
                });
                result = Some(self.load(place, signed)?);
            }
            Effect::Store { place, .. } if place.address.data() => {
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
            self.registers[word.rd()] = self.with_origin(value);
        }
        self.pc = step.next;
        Ok(step)
    }

    /// The value, which others are told from by its origin if it depends on data.
    fn with_origin(&mut self, value: Value) -> Value {
        if !value.data() || value.origin != 0 {
            return value;
        }
        self.origins += 1;
        Value {
            origin: self.origins,
            ..value
        }
    }

    fn shift(&self, word: Word) -> u32 {
        let by = word.shift(&self.registers);
        match by.varies & 31 {
            0 => by.number & 31,
            _ => 31,
        }
    }

    fn load(&mut self, place: Place, signed: bool) -> Result<Value, BoundError> {
        let address = place.address.number;
        let mut value = match address {
            LINK => Value::fixed(self.input.pop_front().map_or(u32::MAX, u32::from)),
            CYCLES => self.cycles,
            _ => self
                .image
                .memory
                .load(address, place.bytes)
                .ok_or_else(|| self.wrong(format!("nothing to read at {address:#010x}")))?,
        };
        // Which entry of a table it is depends on data, and so does its value.
        if place.address.data() {
            value = Value::data_of(value.number);
        }
        Ok(value.extended(place.bytes, signed))
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
