//! RISC-V instructions of 16 bits: RV32C without floating point (chapter 16).

use super::riscv::{jump_register, register};
use super::{Instruction, Registers, bits, signed};
use crate::Class;

/// The stack pointer.
const SP: Registers = Registers(1 << 2);
const RA: Registers = Registers(1 << 1);

pub fn decode(half: u16) -> Option<Instruction> {
    let word = u32::from(half);
    let make = |class, reads, writes| Instruction::new(2, class, reads, writes);
    let none = Registers::NONE;
    // Registers of three bits are x8 to x15.
    let (low, high) = (
        register(8 + bits(word, 2, 3)),
        register(8 + bits(word, 7, 3)),
    );
    let (rd, rs2) = (register(bits(word, 7, 5)), register(bits(word, 2, 5)));
    Some(match (bits(word, 0, 2), bits(word, 13, 3)) {
        // C.ADDI4SPN; all zero is no instruction.
        (0, 0b000) if bits(word, 5, 8) != 0 => make(Class::Alu, SP, low),
        (0, 0b010) => make(Class::Load, none, low).addressed(high),
        (0, 0b110) => make(Class::Store, low, none).addressed(high),
        // C.NOP, C.ADDI
        (1, 0b000) => make(Class::Alu, rd, rd),
        (1, 0b001) => make(Class::Call, none, RA).to(jump_offset(word)),
        (1, 0b010) => make(Class::Alu, none, rd),
        (1, 0b011) if bits(word, 12, 1) == 0 && bits(word, 2, 5) == 0 => return None,
        // C.ADDI16SP, C.LUI
        (1, 0b011) if rd == SP => make(Class::Alu, SP, SP),
        (1, 0b011) => make(Class::Alu, none, rd),
        (1, 0b100) => match bits(word, 10, 2) {
            // C.SRLI, C.SRAI: by less than 32.
            0b00 | 0b01 if bits(word, 12, 1) == 0 => make(Class::Shift, high, high),
            0b10 => make(Class::Alu, high, high),
            0b11 if bits(word, 12, 1) == 0 => make(Class::Alu, high.or(low), high),
            _ => return None,
        },
        (1, 0b101) => make(Class::Jump, none, none).to(jump_offset(word)),
        (1, 0b110 | 0b111) => {
            let far = bits(word, 12, 1) << 8 | bits(word, 5, 2) << 6 | bits(word, 2, 1) << 5;
            let offset = far | bits(word, 10, 2) << 3 | bits(word, 3, 2) << 1;
            make(Class::BranchNotTaken, high, none).to(signed(offset, 9))
        }
        (2, 0b000) if bits(word, 12, 1) == 0 => make(Class::Shift, rd, rd),
        (2, 0b010) if !rd.is_empty() => make(Class::Load, none, rd).addressed(SP),
        (2, 0b100) => match (bits(word, 12, 1), rd.is_empty(), rs2.is_empty()) {
            (0, false, true) => jump_register(2, rd, none),
            (0, true, true) => return None,
            (0, _, false) => make(Class::Alu, rs2, rd),
            // C.EBREAK
            (_, true, true) => make(Class::System, none, none),
            (_, false, true) => jump_register(2, rd, RA),
            (_, _, false) => make(Class::Alu, rd.or(rs2), rd),
        },
        (2, 0b110) => make(Class::Store, rs2, none).addressed(SP),
        _ => return None,
    })
}

/// Of C.J and C.JAL.
fn jump_offset(word: u32) -> i32 {
    let high = bits(word, 12, 1) << 11 | bits(word, 8, 1) << 10 | bits(word, 9, 2) << 8;
    let middle = bits(word, 6, 1) << 7 | bits(word, 7, 1) << 6 | bits(word, 2, 1) << 5;
    signed(
        high | middle | bits(word, 11, 1) << 4 | bits(word, 3, 3) << 1,
        12,
    )
}
