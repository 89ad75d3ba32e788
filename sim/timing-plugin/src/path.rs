//! What a window executed, block by block. No QEMU here.
//!
//! Events of equal multiplicity execute the same instructions. So a path is written once, and a
//! window is written as the number of its path. That two paths are the same is told by a hash of
//! their instructions' addresses, not by their blocks: QEMU may cut the same code in several ways.
//!
//! The file is a sequence of records of little-endian u64, each behind its kind:
//!
//! | kind | record |
//! |---|---|
//! | 1 | a block, numbered from 0 in this order: number of instructions, the address of each |
//! | 2 | a path, numbered from 0 in this order: number of blocks, the number of each |
//! | 3 | a window: number of its path |
//!
//! A path begins with the block of the begin marker and ends with that of the end marker; these and
//! what a path executes of the markers do not belong to the event.

use std::collections::HashMap;

const BLOCK: u64 = 1;
const PATH: u64 = 2;
const WINDOW: u64 = 3;

/// Which instructions were executed one after the other, up to a chance of 1 in 2^64.
///
/// A polynomial in an odd number, modulo 2^64, whose coefficients are scrambled addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Fingerprint {
    instructions: u64,
    sum: u64,
    /// The odd number to the power of `instructions`.
    power: u64,
}

impl Fingerprint {
    const BASE: u64 = 0x9e37_79b9_7f4a_7c15;
    const EMPTY: Self = Self {
        instructions: 0,
        sum: 0,
        power: 1,
    };

    fn of(addresses: &[u64]) -> Self {
        addresses.iter().fold(Self::EMPTY, |path, &address| {
            path.then(Self {
                instructions: 1,
                sum: scramble(address),
                power: Self::BASE,
            })
        })
    }

    fn then(self, next: Self) -> Self {
        Self {
            instructions: self.instructions + next.instructions,
            sum: self.sum.wrapping_mul(next.power).wrapping_add(next.sum),
            power: self.power.wrapping_mul(next.power),
        }
    }
}

/// A bijection that mixes all bits (the finalizer of SplitMix64).
fn scramble(address: u64) -> u64 {
    let mixed = (address ^ address >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

/// Blocks, and the paths through them.
#[derive(Debug, Default)]
pub struct Paths {
    numbers: HashMap<Vec<u64>, usize>,
    fingerprints: Vec<Fingerprint>,
    known: HashMap<Fingerprint, u64>,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    blocks: Vec<u64>,
    fingerprint: Fingerprint,
}

impl Paths {
    /// The number of the block with these instructions; a new one is written into `out`.
    pub fn block(&mut self, addresses: &[u64], out: &mut Vec<u8>) -> usize {
        if let Some(&number) = self.numbers.get(addresses) {
            return number;
        }
        let number = self.fingerprints.len();
        self.numbers.insert(addresses.to_vec(), number);
        self.fingerprints.push(Fingerprint::of(addresses));
        record(out, BLOCK, addresses);
        number
    }

    /// A window opens in block `number`.
    pub fn open(&mut self, number: usize) {
        let Open { mut blocks, .. } = self.open.take().unwrap_or(Open {
            blocks: Vec::new(),
            fingerprint: Fingerprint::EMPTY,
        });
        blocks.clear();
        self.open = Some(Open {
            blocks,
            fingerprint: Fingerprint::EMPTY,
        });
        self.execute(number);
    }

    /// Block `number` is executed.
    pub fn execute(&mut self, number: usize) {
        if let (Some(open), Some(&block)) = (&mut self.open, self.fingerprints.get(number)) {
            open.blocks.push(number as u64);
            open.fingerprint = open.fingerprint.then(block);
        }
    }

    /// The window closes: it, and its path if that is new, are written into `out`.
    pub fn close(&mut self, out: &mut Vec<u8>) {
        let Some(open) = self.open.take() else { return };
        let next = self.known.len() as u64;
        let number = *self.known.entry(open.fingerprint).or_insert(next);
        if number == next {
            record(out, PATH, &open.blocks);
        }
        for word in [WINDOW, number] {
            out.extend(word.to_le_bytes());
        }
    }
}

fn record(out: &mut Vec<u8>, kind: u64, numbers: &[u64]) {
    for word in [kind, numbers.len() as u64].iter().chain(numbers) {
        out.extend(word.to_le_bytes());
    }
}
