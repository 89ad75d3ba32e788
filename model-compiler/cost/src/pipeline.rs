//! One instruction after the other, as a core starts them.

use crate::decode::Registers;
use crate::figure::{InstructionSet, Prediction};
use crate::{Class, Core, CoreError, Instruction};

/// Where a load or store goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Read-only memory that may wait.
    Flash,
    /// Memory for variables.
    Ram,
    /// Tightly coupled memory, peripherals, or not known: taken not to wait.
    Other,
}

/// Memories as a core sees them, and how long they wait.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// First address of flash and the one behind its last, if there is one that waits. Code
    /// elsewhere (tightly coupled memory) is fetched without waiting.
    pub flash: Option<(u64, u64)>,
    /// Cycles that a read of flash waits.
    pub flash_wait_states: u64,
    /// Bytes that flash delivers at once; the next ones are fetched ahead.
    pub flash_line_bytes: u64,
    /// Cycles that an access of RAM waits.
    pub ram_wait_states: u64,
}

impl Memory {
    /// Whether anything waits.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.flash_wait_states > 0 || self.ram_wait_states > 0
    }

    fn data(&self, access: Access, words: u64) -> u64 {
        words
            * match access {
                Access::Flash => self.flash_wait_states,
                Access::Ram => self.ram_wait_states,
                Access::Other => 0,
            }
    }
}

/// The instruction before, as far as the next one's cost depends on it.
#[derive(Clone, Copy, Debug, Default)]
struct Previous {
    /// A load of one register, behind which a load or store need not wait for the bus.
    pipelined_load: bool,
    /// It computed these, other than by loading them.
    computed: Registers,
    /// It loaded these.
    loaded: Registers,
    /// It went elsewhere than to the instruction behind it.
    jumped: bool,
}

/// The line of flash that is being executed.
#[derive(Clone, Copy, Debug)]
struct Line {
    number: u64,
    /// Cycles since it arrived: the next one has been on its way that long.
    age: u64,
}

/// Adds up what instructions cost, in the order of their execution.
///
/// It starts with nothing under way, so that the same path always costs the same.
#[derive(Clone, Debug)]
pub struct Pipeline<'c> {
    core: &'c Core,
    memory: &'c Memory,
    previous: Previous,
    /// Cycles until each register can be read.
    waits: [u64; 32],
    /// The instruction with which the next one may share its cycle.
    open: Option<(Class, Registers)>,
    line: Option<Line>,
}

impl<'c> Pipeline<'c> {
    /// An empty pipeline.
    #[must_use]
    pub fn new(core: &'c Core, memory: &'c Memory) -> Self {
        Self {
            core,
            memory,
            previous: Previous::default(),
            waits: [0; 32],
            open: None,
            line: None,
        }
    }

    /// Cycles that `instruction` at `address` adds, when the one at `next` is executed after it.
    ///
    /// # Errors
    /// [`CoreError::Table`] when the core has no figure for it.
    pub fn step(
        &mut self,
        address: u64,
        instruction: &Instruction,
        next: u64,
        access: Access,
    ) -> Result<u64, CoreError> {
        let class = self.resolve(address, instruction, next);
        let figure = self.figure(class)?;
        let moved = u64::from(instruction.moved);
        let (per_instruction, late) = (figure.cycles, figure.result_after);
        let mut cost = figure.of(moved);
        if let Prediction::BackwardTaken { mispredicted } = self.core.prediction()
            && surprises(class, instruction)
        {
            cost = *mispredicted;
        }

        let mut stall = instruction
            .reads
            .iter()
            .map(|register| self.waits[register as usize])
            .max()
            .unwrap_or(0);
        if !instruction.address.and(self.previous.computed).is_empty() {
            stall += self.core.address_stall();
        }
        let fetch = self.fetch(address, u64::from(instruction.size));
        stall += fetch;
        if self.previous.jumped && address % 4 + u64::from(instruction.size) > 4 {
            stall += self.core.misaligned_target();
        }

        let shares = stall == 0 && per_instruction == 1 && self.pairs(class, instruction);
        if shares {
            cost -= 1;
        }
        if class.is_load() || class.is_store() {
            cost += self.memory.data(access, moved);
        }
        let total = stall + cost;
        for wait in &mut self.waits {
            *wait = wait.saturating_sub(total);
        }
        for register in results(instruction).iter() {
            self.waits[register as usize] = late;
        }
        if let Some(line) = &mut self.line {
            line.age += total - fetch;
        }
        self.open =
            (!shares && cost == 1 && !class.is_branch()).then_some((class, instruction.writes));
        let loads = class.is_load();
        self.previous = Previous {
            pipelined_load: matches!(class, Class::Load | Class::LoadNext),
            computed: if loads || class.is_store() {
                Registers::NONE
            } else {
                instruction.writes
            },
            loaded: if loads {
                instruction.writes
            } else {
                Registers::NONE
            },
            jumped: next != address + u64::from(instruction.size),
        };
        Ok(total)
    }

    /// The class, now that it is known what was executed before and is after it.
    #[must_use]
    pub fn resolve(&self, address: u64, instruction: &Instruction, next: u64) -> Class {
        let falls_through = next == address + u64::from(instruction.size);
        let behind_load = self.previous.pipelined_load
            && instruction.address.and(self.previous.loaded).is_empty();
        match instruction.class {
            Class::BranchNotTaken if !falls_through => Class::BranchTaken,
            // A branch within `IT` whose condition failed. A jump of RISC-V to what is behind it is a
            // jump all the same.
            class
                if class.is_branch()
                    && falls_through
                    && self.core.instruction_set() == InstructionSet::Thumb
                    && instruction.offset != Some(instruction.size as i32) =>
            {
                Class::BranchNotTaken
            }
            Class::Load if behind_load && self.has(Class::LoadNext) => Class::LoadNext,
            Class::Store | Class::StoreIndexed if behind_load && self.has(Class::StoreNext) => {
                Class::StoreNext
            }
            Class::StoreIndexed if !self.has(Class::StoreIndexed) => Class::Store,
            class => class,
        }
    }

    fn has(&self, class: Class) -> bool {
        self.core.figure(class).is_some()
    }

    fn figure(&self, class: Class) -> Result<&'c crate::Figure, CoreError> {
        self.core.figure(class).ok_or_else(|| CoreError::Table {
            name: self.core.name().to_owned(),
            message: format!("it has no figure for the class `{class}`, which was executed"),
        })
    }

    /// Whether it starts in the cycle of the instruction before it.
    fn pairs(&self, class: Class, instruction: &Instruction) -> bool {
        let issue = self.core.issue();
        let Some((first, written)) = self.open else {
            return false;
        };
        issue.width == 2
            && instruction.reads.and(written).is_empty()
            && instruction.writes.and(written).is_empty()
            && ![first, class]
                .iter()
                .any(|class| issue.alone.contains(class))
            && !issue
                .one_of
                .iter()
                .any(|group| group.contains(&first) && group.contains(&class))
    }

    /// Cycles that flash takes to deliver the instruction.
    fn fetch(&mut self, address: u64, size: u64) -> u64 {
        let memory = self.memory;
        let waiting = memory.flash_wait_states > 0
            && memory
                .flash
                .is_some_and(|(first, end)| (first..end).contains(&address));
        if !waiting {
            self.line = None;
            return 0;
        }
        let bytes = memory.flash_line_bytes.max(4);
        let mut waited = 0;
        for number in address / bytes..=(address + size - 1) / bytes {
            waited += match self.line {
                Some(line) if line.number == number => continue,
                Some(line) if line.number + 1 == number => {
                    memory.flash_wait_states.saturating_sub(line.age + waited)
                }
                _ => memory.flash_wait_states,
            };
            self.line = Some(Line { number, age: 0 });
        }
        waited
    }
}

/// Whether a branch goes where it was not expected to go.
fn surprises(class: Class, instruction: &Instruction) -> bool {
    let Some(offset) = instruction.offset else {
        return false;
    };
    match class {
        Class::BranchTaken => offset >= 0,
        Class::BranchNotTaken => offset < 0,
        _ => false,
    }
}

/// What is written late: the results, without an address register that is counted on.
fn results(instruction: &Instruction) -> Registers {
    let updates = instruction.writes.0.count_ones() > instruction.moved;
    if instruction.class.is_load() && updates {
        Registers(instruction.writes.0 & !instruction.address.0)
    } else {
        instruction.writes
    }
}
