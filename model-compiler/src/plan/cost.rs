//! What a run of a kernel costs on a core: the one place where layouts are weighed.

use hodoscope_cost::{Class, Core, CoreError};

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

/// A typical core of an instruction set, with memory that answers at once.
#[derive(Clone, Debug)]
pub(super) struct Cost {
    core: Option<Core>,
    /// What it multiplies with.
    multiply: Class,
}

impl Cost {
    pub fn of(isa: Isa) -> Result<Self, CoreError> {
        let (name, multiply) = match isa {
            Isa::Portable => {
                return Ok(Self {
                    core: None,
                    multiply: Class::Multiply,
                });
            }
            Isa::ArmV6m => ("cortex-m0plus", Class::Multiply),
            Isa::ArmV7eDsp => ("cortex-m4", Class::MultiplyAccumulate),
            Isa::Rv32im => ("vexriscv-full", Class::Multiply),
            Isa::Rv32i => ("picorv32", Class::Multiply),
        };
        let core = Some(Core::named(name)?);
        Ok(Self { core, multiply })
    }

    /// Cycles of `mix`; on no core in particular its instructions.
    pub fn cycles(&self, mix: &Mix) -> u64 {
        let Some(core) = &self.core else {
            return mix.instructions();
        };
        let single = hodoscope_cost::Mix::new()
            .with(Class::Alu, mix.arithmetic)
            .with(self.multiply, mix.multiplies)
            .with(Class::Load, mix.loads)
            .with(Class::Store, mix.stores)
            .with(Class::BranchTaken, mix.branches);
        let multiple = core.figure(Class::LoadMultiple).map_or(0, |figure| {
            figure.cycles * mix.multiple_loads + figure.per_register * mix.loaded_words
        });
        core.cycles(&single) + multiple
    }
}
