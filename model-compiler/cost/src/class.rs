//! Classes of instructions that cost the same.

use std::fmt;

/// What an instruction costs depends on its class, and on the number of registers that it moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Class {
    /// Moves, additions, logic, comparisons, extensions, bit fields, saturation, `nop`.
    Alu,
    /// Shifts and rotations by an instruction of their own.
    Shift,
    /// 32 × 32 → 32 bits, and Arm's products of halves without a sum (`SMULBB`, `SMUAD`).
    Multiply,
    /// The same added to a register: `MLA`, `SMLAD`, `SMLABB`.
    MultiplyAccumulate,
    /// 64 bits of a product: `SMULL`, `UMULL`; RISC-V's upper half `MULH`.
    MultiplyLong,
    /// The same added to two registers: `SMLAL`, `SMLALD`, `UMAAL`.
    MultiplyAccumulateLong,
    /// Divisions and remainders; the figure is the longest.
    Divide,
    /// One register from memory.
    Load,
    /// A load that directly follows a load, and whose address does not depend on that.
    LoadNext,
    /// `LDM`, `POP`: any number of registers.
    LoadMultiple,
    /// `LDRD`.
    LoadDouble,
    /// One register to memory, the address a register and a constant.
    Store,
    /// The same, the address the sum of two registers.
    StoreIndexed,
    /// A store that directly follows a load.
    StoreNext,
    /// `STM`, `PUSH`: any number of registers.
    StoreMultiple,
    /// `STRD`.
    StoreDouble,
    /// A conditional branch that is taken.
    BranchTaken,
    /// A conditional branch that is not.
    BranchNotTaken,
    /// An unconditional branch to a constant address.
    Jump,
    /// The same, keeping the return address.
    Call,
    /// A branch to an address in a register, returns among them.
    JumpRegister,
    /// The same, keeping the return address.
    CallRegister,
    /// A load, of one or more registers, into the program counter.
    LoadPc,
    /// `TBB`, `TBH`.
    TableBranch,
    /// `IT`.
    IfThen,
    /// Special registers, barriers, traps, hints, atomics: not in inner loops.
    System,
    /// Floating-point arithmetic and moves: emitted code has none.
    Float,
    /// A custom instruction of a soft-core.
    Custom,
}

impl Class {
    /// All classes.
    pub const ALL: [Self; 28] = [
        Self::Alu,
        Self::Shift,
        Self::Multiply,
        Self::MultiplyAccumulate,
        Self::MultiplyLong,
        Self::MultiplyAccumulateLong,
        Self::Divide,
        Self::Load,
        Self::LoadNext,
        Self::LoadMultiple,
        Self::LoadDouble,
        Self::Store,
        Self::StoreIndexed,
        Self::StoreNext,
        Self::StoreMultiple,
        Self::StoreDouble,
        Self::BranchTaken,
        Self::BranchNotTaken,
        Self::Jump,
        Self::Call,
        Self::JumpRegister,
        Self::CallRegister,
        Self::LoadPc,
        Self::TableBranch,
        Self::IfThen,
        Self::System,
        Self::Float,
        Self::Custom,
    ];

    pub(crate) const COUNT: usize = Self::ALL.len();

    pub(crate) fn index(self) -> usize {
        self as usize
    }

    /// The name in a core's table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Alu => "alu",
            Self::Shift => "shift",
            Self::Multiply => "multiply",
            Self::MultiplyAccumulate => "multiply-accumulate",
            Self::MultiplyLong => "multiply-long",
            Self::MultiplyAccumulateLong => "multiply-accumulate-long",
            Self::Divide => "divide",
            Self::Load => "load",
            Self::LoadNext => "load-next",
            Self::LoadMultiple => "load-multiple",
            Self::LoadDouble => "load-double",
            Self::Store => "store",
            Self::StoreIndexed => "store-indexed",
            Self::StoreNext => "store-next",
            Self::StoreMultiple => "store-multiple",
            Self::StoreDouble => "store-double",
            Self::BranchTaken => "branch-taken",
            Self::BranchNotTaken => "branch-not-taken",
            Self::Jump => "jump",
            Self::Call => "call",
            Self::JumpRegister => "jump-register",
            Self::CallRegister => "call-register",
            Self::LoadPc => "load-pc",
            Self::TableBranch => "table-branch",
            Self::IfThen => "if-then",
            Self::System => "system",
            Self::Float => "float",
            Self::Custom => "custom",
        }
    }

    /// Reads memory.
    #[must_use]
    pub fn is_load(self) -> bool {
        matches!(
            self,
            Self::Load | Self::LoadNext | Self::LoadMultiple | Self::LoadDouble | Self::LoadPc
        )
    }

    /// Writes memory.
    #[must_use]
    pub fn is_store(self) -> bool {
        matches!(
            self,
            Self::Store
                | Self::StoreIndexed
                | Self::StoreNext
                | Self::StoreMultiple
                | Self::StoreDouble
        )
    }

    /// May be followed by an instruction that is not the next one in memory.
    #[must_use]
    pub fn is_branch(self) -> bool {
        matches!(
            self,
            Self::BranchTaken
                | Self::BranchNotTaken
                | Self::Jump
                | Self::Call
                | Self::JumpRegister
                | Self::CallRegister
                | Self::LoadPc
                | Self::TableBranch
        )
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_classes_stand_in_their_order() {
        for (index, class) in Class::ALL.into_iter().enumerate() {
            assert_eq!(class.index(), index, "{class}");
        }
    }
}
