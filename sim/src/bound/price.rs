//! What the instructions of a path take, one after the other.

use hodoscope_cost::{Access, Core, Memory, Pipeline};

use super::{BoundError, Step};

/// First address that is not RAM: devices, which no cache holds.
const DEVICES: u32 = 0x8000_0000;

/// Cycles of an instruction whose reads all hit.
#[derive(Clone, Copy, Debug)]
pub struct Price {
    pub cycles: u64,
    /// Those that come to them when everything goes badly.
    pub badly: u64,
}

/// Prices instructions with the table of a core.
pub struct Pricer<'c> {
    core: &'c Core,
    pipeline: Pipeline<'c>,
}

impl<'c> Pricer<'c> {
    pub fn new(core: &'c Core, memory: &'c Memory) -> Self {
        Self {
            core,
            pipeline: Pipeline::new(core, memory),
        }
    }

    /// The next instruction.
    pub fn add(&mut self, step: &Step) -> Result<Price, BoundError> {
        let (address, next) = (u64::from(step.address), u64::from(step.next));
        let class = self.pipeline.resolve(address, &step.instruction, next);
        let cycles = self
            .pipeline
            .step(address, &step.instruction, next, Access::Other)?;
        let figure = self.core.figure(class);
        let bits = u64::from(step.shift.saturating_sub(1));
        Ok(Price {
            cycles: cycles + figure.map_or(0, |figure| figure.per_bit * bits),
            badly: figure.map_or(0, |figure| figure.at_most - figure.cycles),
        })
    }
}

/// Addresses that are fetched: an instruction may lie across two lines.
pub fn fetched(step: &Step) -> impl Iterator<Item = u32> {
    [step.address, step.address + step.instruction.size - 1].into_iter()
}

/// The address that is read from memory.
pub fn read(step: &Step) -> Option<u32> {
    step.access
        .filter(|&address| address < DEVICES && step.instruction.class.is_load())
}
