//! Numbers of instructions by class.

use std::ops::{Add, AddAssign, Mul};

use crate::Class;

/// How many instructions of each class, and how many registers they move.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mix {
    counts: [u64; Class::COUNT],
    registers: [u64; Class::COUNT],
}

impl Mix {
    /// No instruction.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// This and `count` instructions of `class`, each moving one register.
    #[must_use]
    pub fn with(self, class: Class, count: u64) -> Self {
        self.with_multiple(class, count, 1)
    }

    /// This and `count` instructions of `class`, each moving `registers` registers.
    #[must_use]
    pub fn with_multiple(mut self, class: Class, count: u64, registers: u64) -> Self {
        self.push(class, count, registers);
        self
    }

    /// Adds `count` instructions of `class`, each moving `registers` registers.
    pub fn push(&mut self, class: Class, count: u64, registers: u64) {
        self.counts[class.index()] += count;
        self.registers[class.index()] += count * registers;
    }

    /// Number of instructions of `class`.
    #[must_use]
    pub fn count(&self, class: Class) -> u64 {
        self.counts[class.index()]
    }

    /// Number of registers that the instructions of `class` move together.
    #[must_use]
    pub fn registers(&self, class: Class) -> u64 {
        self.registers[class.index()]
    }

    /// Number of instructions.
    #[must_use]
    pub fn instructions(&self) -> u64 {
        self.counts.iter().sum()
    }
}

impl AddAssign<&Self> for Mix {
    fn add_assign(&mut self, other: &Self) {
        for (sum, term) in [
            (&mut self.counts, &other.counts),
            (&mut self.registers, &other.registers),
        ] {
            for (sum, term) in sum.iter_mut().zip(term) {
                *sum += term;
            }
        }
    }
}

impl Add for Mix {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        self += &other;
        self
    }
}

impl Mul<u64> for Mix {
    type Output = Self;

    /// The mix, `times` times.
    fn mul(mut self, times: u64) -> Self {
        for count in self.counts.iter_mut().chain(&mut self.registers) {
            *count *= times;
        }
        self
    }
}
