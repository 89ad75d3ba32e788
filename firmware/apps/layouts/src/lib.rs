//! Compares every kernel that has an assembly body with its portable one: random shapes and words that a seed
//! determines, extreme ones among them, and the longest rows.
//!
//! The portable bodies are held to the definition on the host; here the assembly is held to them, on the
//! core that executes it. Then single bits of weights are flipped for one of the two: a comparison that does not see
//! that would see nothing.
#![no_std]
#![forbid(unsafe_code)]

mod arithmetic;
mod groups;
mod random;
mod streams;

use core::fmt;

use random::Random;

/// Longest row, in columns: more than the longest of the reference networks, 640.
pub const LONGEST: usize = 1024;

/// Bits that are flipped per kernel.
const FLIPS: usize = 64;

/// A kernel of which all compared results were equal.
#[derive(Clone, Copy, Debug)]
pub struct Kernel {
    /// Its name.
    pub name: &'static str,
    /// Results that were compared.
    pub results: u32,
    /// Flipped bits of weights that were found; none where there are no weights.
    pub flips: usize,
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            results,
            flips,
        } = self;
        write!(f, "{name}: {results} results equal, {flips} flips found")
    }
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Two bodies differ.
    Result {
        /// The kernel.
        name: &'static str,
        /// Its operand's length, and the number of its results.
        shape: (usize, usize),
        /// Which result; [`usize::MAX`] for what lies outside of all results.
        row: usize,
        /// What the body of this core gave.
        assembly: i64,
        /// What the portable body gives.
        portable: i64,
    },
    /// A flipped bit made no difference.
    Unseen {
        /// The kernel.
        name: &'static str,
        /// Its operand's length, and the number of its results.
        shape: (usize, usize),
        /// The word, counted from the first weight, and its bit.
        flipped: (usize, u32),
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Result {
                name,
                shape: (columns, rows),
                row: usize::MAX,
                ..
            } => write!(
                f,
                "{name}: memory around the results of {columns} × {rows} was changed"
            ),
            Self::Result {
                name,
                shape: (columns, rows),
                row,
                assembly,
                portable,
            } => write!(
                f,
                "{name}: {columns} columns, {rows} rows: row {row} is {assembly}, and portably {portable}"
            ),
            Self::Unseen {
                name,
                shape: (columns, rows),
                flipped: (word, bit),
            } => write!(
                f,
                "{name}: {columns} columns, {rows} rows: bit {bit} of word {word} makes no difference"
            ),
        }
    }
}

/// Compares all kernels; hands over each that agrees.
///
/// # Errors
/// The first difference.
pub fn check(seen: &mut dyn FnMut(Kernel)) -> Result<(), Difference> {
    let random = &mut Random::new(0x9e37_79b9);
    streams::check(random, seen)?;
    groups::check(random, seen)?;
    arithmetic::check(random, seen)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::{string::ToString, vec::Vec};

    use super::*;

    #[test]
    fn the_host_agrees_with_itself_and_sees_flips() {
        let mut seen = Vec::new();
        check(&mut |kernel| seen.push(kernel.to_string()))
            .map_err(|d| d.to_string())
            .expect("all agree");
        assert_eq!(seen.len(), 11, "{seen:?}");
    }
}
