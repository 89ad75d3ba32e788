//! What a run of a kernel costs on a core: the one place where layouts are weighed.

use super::Isa;

/// Instructions of one run, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mix {
    /// Adds, shifts, packs, saturations.
    pub arithmetic: u64,
    /// Multiplies and multiply-accumulates.
    pub multiplies: u64,
    /// Loads of one word or less.
    pub loads: u64,
    /// Loads of several words at once.
    pub multiple_loads: u64,
    /// Words that those load.
    pub loaded_words: u64,
    /// Stores.
    pub stores: u64,
    /// Branches that are taken.
    pub branches: u64,
}

impl Mix {
    /// Applies `f` to each kind.
    fn each(&self, other: &Self, f: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            arithmetic: f(self.arithmetic, other.arithmetic),
            multiplies: f(self.multiplies, other.multiplies),
            loads: f(self.loads, other.loads),
            multiple_loads: f(self.multiple_loads, other.multiple_loads),
            loaded_words: f(self.loaded_words, other.loaded_words),
            stores: f(self.stores, other.stores),
            branches: f(self.branches, other.branches),
        }
    }

    /// One after the other.
    pub(super) fn plus(&self, other: &Self) -> Self {
        self.each(other, |a, b| a + b)
    }

    /// `count` of them.
    pub(super) fn times(&self, count: u64) -> Self {
        self.each(self, |a, _| a * count)
    }

    /// The share of one of `count`, rounded up.
    pub(super) fn divided(&self, count: u64) -> Self {
        self.each(self, |a, _| a.div_ceil(count))
    }

    /// Instructions of all kinds.
    pub fn instructions(&self) -> u64 {
        self.arithmetic
            + self.multiplies
            + self.loads
            + self.multiple_loads
            + self.stores
            + self.branches
    }
}

/// Cycles of `mix` on a typical core of `isa` with memory that answers at once.
///
/// ARMv7E-M: Arm Cortex-M4 Technical Reference Manual, 3.3.1: a load takes 2 cycles, one of N words
/// 1 + N, a taken branch 3, all else 1.
pub(super) fn cost(isa: Isa, mix: &Mix) -> u64 {
    let pipelined = mix.instructions();
    match isa {
        Isa::Portable => pipelined,
        Isa::ArmV6m | Isa::ArmV7eDsp => {
            pipelined + mix.loads + mix.loaded_words + mix.stores + 2 * mix.branches
        }
        Isa::Rv32im => pipelined + mix.branches,
    }
}
