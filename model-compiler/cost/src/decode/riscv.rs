//! RISC-V instructions of 32 bits: RV32IM, Zicsr, and the custom opcodes.

use super::{Instruction, Registers, bits, signed};
use crate::Class;

/// A register; x0 is none.
pub fn register(number: u32) -> Registers {
    Registers(1 << number & !1)
}

pub fn decode(word: u32) -> Option<Instruction> {
    let (rd, rs1, rs2) = (
        register(bits(word, 7, 5)),
        register(bits(word, 15, 5)),
        register(bits(word, 20, 5)),
    );
    let (funct3, funct7) = (bits(word, 12, 3), bits(word, 25, 7));
    let none = Registers::NONE;
    let make = |class, reads, writes| Instruction::new(4, class, reads, writes);
    Some(match bits(word, 2, 5) {
        // LOAD
        0b00000 if !matches!(funct3, 3 | 6 | 7) => make(Class::Load, none, rd).addressed(rs1),
        // MISC-MEM
        0b00011 if funct3 <= 1 => make(Class::System, none, none),
        // OP-IMM
        0b00100 => match (funct3, funct7) {
            (1, 0) | (5, 0 | 0b010_0000) => make(Class::Shift, rs1, rd),
            (1 | 5, _) => return None,
            _ => make(Class::Alu, rs1, rd),
        },
        // AUIPC, LUI
        0b00101 | 0b01101 => make(Class::Alu, none, rd),
        // STORE
        0b01000 if funct3 <= 2 => make(Class::Store, rs2, none).addressed(rs1),
        // AMO: LR, SC and read-modify-writes of words.
        0b01011 if funct3 == 2 => make(Class::System, rs1.or(rs2), rd),
        // OP
        0b01100 => {
            let class = match (funct7, funct3) {
                (0, 1 | 5) | (0b010_0000, 5) => Class::Shift,
                (0, _) | (0b010_0000, 0) => Class::Alu,
                (1, 0) => Class::Multiply,
                (1, 1..=3) => Class::MultiplyLong,
                (1, _) => Class::Divide,
                _ => return None,
            };
            make(class, rs1.or(rs2), rd)
        }
        // BRANCH
        0b11000 if !matches!(funct3, 2 | 3) => {
            let high = bits(word, 31, 1) << 12 | bits(word, 7, 1) << 11;
            let offset = high | bits(word, 25, 6) << 5 | bits(word, 8, 4) << 1;
            make(Class::BranchNotTaken, rs1.or(rs2), none).to(signed(offset, 13))
        }
        // JALR
        0b11001 if funct3 == 0 => jump_register(4, rs1, rd),
        // JAL
        0b11011 => {
            let high = bits(word, 31, 1) << 20 | bits(word, 12, 8) << 12;
            let offset = high | bits(word, 20, 1) << 11 | bits(word, 21, 10) << 1;
            let class = if rd.is_empty() {
                Class::Jump
            } else {
                Class::Call
            };
            make(class, none, rd).to(signed(offset, 21))
        }
        // SYSTEM: traps, and control registers with a register or a constant.
        0b11100 => match funct3 {
            0 => make(Class::System, none, none),
            4 => return None,
            1..=3 => make(Class::System, rs1, rd),
            _ => make(Class::System, none, rd),
        },
        // custom-0 to custom-3.
        0b00010 | 0b01010 | 0b10110 | 0b11110 => make(Class::Custom, rs1.or(rs2), rd),
        _ => return None,
    })
}

pub fn jump_register(size: u32, to: Registers, link: Registers) -> Instruction {
    let class = if link.is_empty() {
        Class::JumpRegister
    } else {
        Class::CallRegister
    };
    Instruction::new(size, class, to, link)
}
