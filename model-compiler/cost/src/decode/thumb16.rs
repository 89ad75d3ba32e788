//! Thumb instructions of 16 bits (DDI 0403, A5.2).

use super::{Instruction, Registers, bits, signed};
use crate::Class;

const SP: u32 = 13;
const LR: u32 = 14;
const PC: u32 = 15;

pub fn decode(half: u16) -> Option<Instruction> {
    let word = u32::from(half);
    let make = |class, reads: &[u32], writes: &[u32]| {
        Some(Instruction::new(
            2,
            class,
            Registers::of(reads),
            Registers::of(writes),
        ))
    };
    // Fields in their usual places.
    let (low, middle, high) = (bits(word, 0, 3), bits(word, 3, 3), bits(word, 6, 3));
    let immediate_register = bits(word, 8, 3);
    match bits(word, 11, 5) {
        0b00000 if bits(word, 6, 5) == 0 => make(Class::Alu, &[middle], &[low]),
        0b00000..=0b00010 => make(Class::Shift, &[middle], &[low]),
        0b00011 if bits(word, 10, 1) == 0 => make(Class::Alu, &[middle, high], &[low]),
        0b00011 => make(Class::Alu, &[middle], &[low]),
        0b00100 => make(Class::Alu, &[], &[immediate_register]),
        0b00101 => make(Class::Alu, &[immediate_register], &[]),
        0b00110 | 0b00111 => make(Class::Alu, &[immediate_register], &[immediate_register]),
        0b01000 if bits(word, 10, 1) == 0 => {
            let (class, reads_first, writes) = match bits(word, 6, 4) {
                0b0010 | 0b0011 | 0b0100 | 0b0111 => (Class::Shift, true, true),
                0b1000 | 0b1010 | 0b1011 => (Class::Alu, true, false),
                0b1001 | 0b1111 => (Class::Alu, false, true),
                0b1101 => (Class::Multiply, true, true),
                _ => (Class::Alu, true, true),
            };
            let reads = if reads_first {
                Registers::of(&[low, middle])
            } else {
                Registers::of(&[middle])
            };
            let writes = if writes {
                Registers::of(&[low])
            } else {
                Registers::NONE
            };
            Some(Instruction::new(2, class, reads, writes))
        }
        0b01000 => special(word),
        0b01001 => make(Class::Load, &[], &[immediate_register])
            .map(|load| load.addressed(Registers::of(&[PC]))),
        0b01010 | 0b01011 => {
            let address = Registers::of(&[middle, high]);
            match bits(word, 9, 3) {
                0..=2 => make(Class::StoreIndexed, &[low], &[]),
                _ => make(Class::Load, &[], &[low]),
            }
            .map(|memory| memory.addressed(address))
        }
        0b01100..=0b10001 => {
            let address = Registers::of(&[middle]);
            match bits(word, 11, 1) {
                0 => make(Class::Store, &[low], &[]),
                _ => make(Class::Load, &[], &[low]),
            }
            .map(|memory| memory.addressed(address))
        }
        0b10010 => make(Class::Store, &[immediate_register], &[])
            .map(|store| store.addressed(Registers::of(&[SP]))),
        0b10011 => make(Class::Load, &[], &[immediate_register])
            .map(|load| load.addressed(Registers::of(&[SP]))),
        0b10100 => make(Class::Alu, &[PC], &[immediate_register]),
        0b10101 => make(Class::Alu, &[SP], &[immediate_register]),
        0b10110 | 0b10111 => miscellaneous(word),
        0b11000 | 0b11001 => {
            let list = Registers(bits(word, 0, 8));
            let count = list.0.count_ones();
            let base = Registers::of(&[immediate_register]);
            if count == 0 {
                return None;
            }
            let memory = if bits(word, 11, 1) == 0 {
                Instruction::new(2, Class::StoreMultiple, list, base)
            } else {
                // The base is written back unless it is loaded.
                Instruction::new(2, Class::LoadMultiple, Registers::NONE, list.or(base))
            };
            Some(memory.moving(count).addressed(base))
        }
        0b11010 | 0b11011 => match bits(word, 8, 4) {
            14 => None,
            15 => make(Class::System, &[], &[]),
            _ => make(Class::BranchNotTaken, &[], &[])
                .map(|branch| branch.to(4 + 2 * signed(word, 8))),
        },
        0b11100 => make(Class::Jump, &[], &[]).map(|jump| jump.to(4 + 2 * signed(word, 11))),
        _ => None,
    }
}

/// Moves, additions and comparisons of all registers, and branches to a register (A5.2.3).
fn special(word: u32) -> Option<Instruction> {
    let first = bits(word, 7, 1) << 3 | bits(word, 0, 3);
    let second = bits(word, 3, 4);
    let (class, reads, writes) = match bits(word, 8, 2) {
        0b00 if first == PC => (Class::JumpRegister, Registers::of(&[first, second]), 0),
        0b00 => (Class::Alu, Registers::of(&[first, second]), 1 << first),
        0b01 => (Class::Alu, Registers::of(&[first, second]), 0),
        0b10 if first == PC => (Class::JumpRegister, Registers::of(&[second]), 0),
        0b10 => (Class::Alu, Registers::of(&[second]), 1 << first),
        // `BXNS` and `BLXNS` of ARMv8-M are told by bit 2.
        _ if bits(word, 0, 2) != 0 => return None,
        _ if bits(word, 7, 1) == 1 => (Class::CallRegister, Registers::of(&[second]), 1 << LR),
        _ => (Class::JumpRegister, Registers::of(&[second]), 0),
    };
    Some(Instruction::new(2, class, reads, Registers(writes)))
}

/// A5.2.5.
fn miscellaneous(word: u32) -> Option<Instruction> {
    let (low, middle) = (bits(word, 0, 3), bits(word, 3, 3));
    let make = |class, reads: &[u32], writes: &[u32]| {
        Some(Instruction::new(
            2,
            class,
            Registers::of(reads),
            Registers::of(writes),
        ))
    };
    let list = Registers(bits(word, 0, 8));
    match bits(word, 8, 4) {
        0b0000 => make(Class::Alu, &[SP], &[SP]),
        // CBZ, CBNZ: forwards only.
        0b0001 | 0b0011 | 0b1001 | 0b1011 => {
            let offset = bits(word, 9, 1) << 6 | bits(word, 3, 5) << 1;
            make(Class::BranchNotTaken, &[low], &[]).map(|branch| branch.to(4 + offset as i32))
        }
        // SXTH, SXTB, UXTH, UXTB.
        0b0010 => make(Class::Alu, &[middle], &[low]),
        0b0100 | 0b0101 => {
            let stored = list.or(Registers(bits(word, 8, 1) << LR));
            let push = Instruction::new(2, Class::StoreMultiple, stored, Registers::of(&[SP]));
            (!stored.is_empty()).then(|| {
                push.moving(stored.0.count_ones())
                    .addressed(Registers::of(&[SP]))
            })
        }
        0b0110 if bits(word, 5, 3) == 0b011 => make(Class::System, &[], &[]),
        // REV, REV16, REVSH.
        0b1010 if bits(word, 6, 2) != 0b10 => make(Class::Alu, &[middle], &[low]),
        0b1100 | 0b1101 => {
            let with_pc = bits(word, 8, 1);
            let class = if with_pc == 1 {
                Class::LoadPc
            } else {
                Class::LoadMultiple
            };
            let count = list.0.count_ones() + with_pc;
            let writes = list.or(Registers::of(&[SP]));
            let pop = Instruction::new(2, class, Registers::NONE, writes);
            (count > 0).then(|| pop.moving(count).addressed(Registers::of(&[SP])))
        }
        0b1110 => make(Class::System, &[], &[]),
        0b1111 if bits(word, 0, 4) != 0 => make(Class::IfThen, &[], &[]),
        // NOP, and hints that wait.
        0b1111 if bits(word, 4, 4) == 0 => make(Class::Alu, &[], &[]),
        0b1111 => make(Class::System, &[], &[]),
        _ => None,
    }
}
