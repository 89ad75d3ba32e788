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
