//! What an encoded instruction is: its class, and the registers that it reads and writes.
//!
//! Thumb and Thumb-2 after the ARMv7-M Architecture Reference Manual (Arm DDI 0403), chapter A5;
//! RV32IMC after The RISC-V Instruction Set Manual, volume I, version 20191213.

mod compressed;
mod riscv;
mod thumb16;
mod thumb32;

use std::fmt;

use crate::{Class, InstructionSet};

/// A set of the 32 or fewer registers of a core.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Registers(pub u32);

impl Registers {
    /// None.
    pub const NONE: Self = Self(0);

    /// Those with the given numbers.
    #[must_use]
    pub fn of(numbers: &[u32]) -> Self {
        Self(numbers.iter().fold(0, |set, number| set | 1 << number))
    }

    /// Those in both sets.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those in any of both sets.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether register `number` is in the set.
    #[must_use]
    pub fn contains(self, number: u32) -> bool {
        self.0 >> number & 1 == 1
    }

    /// Their numbers.
    pub fn iter(self) -> impl Iterator<Item = u32> {
        (0..32).filter(move |&number| self.contains(number))
    }
}

impl fmt::Display for Registers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.iter().map(|number| number.to_string()).collect();
        f.pad(&names.join(","))
    }
}

/// An instruction, as far as its cost depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Instruction {
    /// Bytes: 2 or 4.
    pub size: u32,
    /// What it does. A conditional branch is [`Class::BranchNotTaken`] until it is known where it
    /// goes.
    pub class: Class,
    /// How many registers it loads or stores, 1 where it does neither.
    pub moved: u32,
    /// What it reads.
    pub reads: Registers,
    /// What it writes.
    pub writes: Registers,
    /// Registers of [`reads`](Self::reads) that a load or store forms its address from.
    pub address: Registers,
    /// Where a branch to a constant address goes, relative to this instruction.
    pub offset: Option<i32>,
}

impl Instruction {
    fn new(size: u32, class: Class, reads: Registers, writes: Registers) -> Self {
        Self {
            size,
            class,
            moved: 1,
            reads,
            writes,
            address: Registers::NONE,
            offset: None,
        }
    }

    fn moving(self, registers: u32) -> Self {
        Self {
            moved: registers,
            ..self
        }
    }

    fn addressed(self, address: Registers) -> Self {
        Self {
            address,
            reads: self.reads.or(address),
            ..self
        }
    }

    fn to(self, offset: i32) -> Self {
        Self {
            offset: Some(offset),
            ..self
        }
    }
}

/// No instruction of the set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{encoding:#010x} is no instruction that the cost model knows")]
pub struct DecodeError {
    /// The encoding; of a short one the lower half. For Thumb the first half-word is the upper one.
    pub encoding: u32,
}

/// Decodes the instruction at the start of `bytes`, little-endian as in memory.
///
/// # Errors
/// [`DecodeError`] when these bytes are no instruction, or too few.
pub fn decode(set: InstructionSet, bytes: &[u8]) -> Result<Instruction, DecodeError> {
    let half = |at: usize| match bytes.get(at..at + 2) {
        Some(&[low, high]) => Some(u16::from_le_bytes([low, high])),
        _ => None,
    };
    let first = half(0).ok_or(DecodeError { encoding: 0 })?;
    let short = DecodeError {
        encoding: first.into(),
    };
    match set {
        InstructionSet::Thumb if first >> 11 < 0b11101 => thumb16::decode(first).ok_or(short),
        InstructionSet::Thumb => {
            let second = half(2).ok_or(short)?;
            let encoding = u32::from(first) << 16 | u32::from(second);
            thumb32::decode(encoding).ok_or(DecodeError { encoding })
        }
        InstructionSet::Riscv if first & 3 != 3 => compressed::decode(first).ok_or(short),
        InstructionSet::Riscv => {
            let second = half(2).ok_or(short)?;
            let encoding = u32::from(second) << 16 | u32::from(first);
            riscv::decode(encoding).ok_or(DecodeError { encoding })
        }
    }
}

/// `width` bits of `word` from bit `low`.
fn bits(word: u32, low: u32, width: u32) -> u32 {
    word >> low & ((1 << width) - 1)
}

/// The lower `width` bits of `word` as a number in two's complement.
fn signed(word: u32, width: u32) -> i32 {
    (word << (32 - width)) as i32 >> (32 - width)
}
