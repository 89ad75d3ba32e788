//! What a core's table says: of an instruction, of branches, of caches.

use crate::Class;

/// Which instructions a core executes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InstructionSet {
    /// Thumb and Thumb-2 of Arm's M profile.
    Thumb,
    /// RV32IMC.
    Riscv,
}

/// What an instruction of one class costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// Cycles until the next instruction can start.
    pub cycles: u64,
    /// Cycles for every register that is moved, besides.
    pub per_register: u64,
    /// Cycles for every bit behind the first that a shift moves by, besides. Only
    /// a walk through the code knows the bits: [`Pipeline`](crate::Pipeline) leaves them out.
    pub per_bit: u64,
    /// Cycles that an instruction right behind this one waits if it needs the result.
    pub result_after: u64,
    /// Cycles until the next instruction can start when everything goes badly: no less than
    /// [`cycles`](Self::cycles).
    pub at_most: u64,
    /// Where the figure is from.
    pub source: String,
}

impl Figure {
    /// Cycles of one instruction that moves `registers` registers.
    #[must_use]
    pub fn of(&self, registers: u64) -> u64 {
        self.cycles + self.per_register * registers
    }
}

/// How a core guesses where a conditional branch goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prediction {
    /// It does not: a branch costs what its class says.
    None,
    /// It takes branches backwards to be taken and branches forwards not to be, or learns so: a
    /// branch costs what its class says if it did what was expected, else this many cycles.
    BackwardTaken {
        /// Cycles of a branch that went the other way.
        mispredicted: u64,
    },
}

/// How many instructions start in a cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// At most this many, 1 or 2.
    pub width: u64,
    /// Classes that start alone.
    pub alone: Vec<Class>,
    /// Groups of classes of which one instruction starts in a cycle.
    pub one_of: Vec<Vec<Class>>,
}

/// A direct-mapped cache, into which only reads bring lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    /// Bytes of all lines.
    pub bytes: u64,
    /// Bytes of a line.
    pub line_bytes: u64,
    /// Cycles that a read waits that is not in the cache.
    pub miss: u64,
    /// The same when everything goes badly.
    pub at_most: u64,
}

impl Cache {
    /// The line that an address lies in.
    #[must_use]
    pub fn line(&self, address: u32) -> u64 {
        u64::from(address) / self.line_bytes
    }

    /// Where in the cache that line lies.
    #[must_use]
    pub fn place(&self, address: u32) -> u64 {
        self.line(address) % (self.bytes / self.line_bytes)
    }
}
