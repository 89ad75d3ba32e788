//! Instruction sets that have a plan of their own.

use std::fmt;

/// An instruction set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Isa {
    /// Any core: portable Rust.
    Portable,
    /// ARMv6-M.
    ArmV6m,
    /// ARMv7E-M, and ARMv8-M with the DSP extension.
    ArmV7eDsp,
    /// RISC-V RV32IM.
    Rv32im,
    /// RISC-V RV32I: no multiplier.
    Rv32i,
}

impl Isa {
    /// All, the portable one first.
    pub const ALL: [Self; 5] = [
        Self::Portable,
        Self::ArmV6m,
        Self::ArmV7eDsp,
        Self::Rv32im,
        Self::Rv32i,
    ];

    /// What `board.toml` and the kernels' build script call instruction sets, each with whose plan it takes: a set without
    /// one of its own takes the portable one.
    const NAMES: [(&str, Self); 7] = [
        ("portable", Self::Portable),
        ("armv6m", Self::ArmV6m),
        ("armv7m", Self::Portable),
        ("armv7em", Self::ArmV7eDsp),
        ("armv8m-dsp", Self::ArmV7eDsp),
        ("rv32im", Self::Rv32im),
        ("rv32i", Self::Rv32i),
    ];

    /// That of a board, by what its `board.toml` calls it.
    ///
    /// # Errors
    /// A sentence with the names there are, if this is none.
    pub fn of_board(name: &str) -> Result<Self, String> {
        let mut sets = Self::NAMES.iter();
        let found = sets.find(|(known, _)| *known == name);
        found.map(|(_, isa)| *isa).ok_or_else(|| {
            let known = Self::NAMES.map(|(known, _)| known).join(", ");
            format!("there is no instruction set `{name}`; there are {known}")
        })
    }

    /// The type of its plan in `hodoscope_kernels::plans`.
    pub fn type_name(self) -> &'static str {
        match self {
            Self::Portable => "Portable",
            Self::ArmV6m => "ArmV6m",
            Self::ArmV7eDsp => "ArmV7eDsp",
            Self::Rv32im => "Rv32im",
            Self::Rv32i => "Rv32i",
        }
    }

    /// The module of its plan in an emitted crate.
    pub fn module(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::ArmV6m => "armv6m",
            Self::ArmV7eDsp => "armv7e_dsp",
            Self::Rv32im => "rv32im",
            Self::Rv32i => "rv32i",
        }
    }

    /// Whether only who names its board gets its plan: a layer is code there, and much of it.
    pub fn is_on_request(self) -> bool {
        self == Self::Rv32i
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Portable => "portable",
            Self::ArmV6m => "armv6m",
            Self::ArmV7eDsp => "armv7em",
            Self::Rv32im => "rv32im",
            Self::Rv32i => "rv32i",
        })
    }
}
