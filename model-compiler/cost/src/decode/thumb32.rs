//! Thumb instructions of 32 bits (DDI 0403, A5.3). The first half-word is the upper one.

use super::{Instruction, Registers, bits, signed};
use crate::Class;

const LR: u32 = 14;
const PC: u32 = 15;

pub fn decode(word: u32) -> Option<Instruction> {
    let second = bits(word, 20, 7);
    match bits(word, 27, 2) {
        0b01 if second & 0b110_0100 == 0 => multiple(word),
        0b01 if second & 0b110_0100 == 0b000_0100 => dual(word),
        0b01 if second & 0b110_0000 == 0b010_0000 => shifted(word),
        0b01 => coprocessor(word),
        0b10 if bits(word, 15, 1) == 0 => immediate(word),
        0b10 => branch(word),
        _ if second & 0b111_0001 == 0 => store(word),
        _ if second & 0b110_0001 == 0b000_0001 => load(word),
        _ if second & 0b111_0000 == 0b010_0000 => registers(word),
        _ if second & 0b111_1000 == 0b011_0000 => multiply(word),
        _ if second & 0b111_1000 == 0b011_1000 => long(word),
        _ if second & 0b100_0000 != 0 => coprocessor(word),
        _ => None,
    }
}

fn make(class: Class, reads: Registers, writes: Registers) -> Instruction {
    Instruction::new(4, class, reads, writes)
}

/// `register` unless it is the program counter, whose number stands for none here.
fn unless_pc(register: u32) -> Registers {
    if register == PC {
        Registers::NONE
    } else {
        Registers::of(&[register])
    }
}

fn rn(word: u32) -> u32 {
    bits(word, 16, 4)
}

fn rt(word: u32) -> u32 {
    bits(word, 12, 4)
}

fn rd(word: u32) -> u32 {
    bits(word, 8, 4)
}

fn rm(word: u32) -> u32 {
    bits(word, 0, 4)
}

/// LDM, STM (A5.3.5).
fn multiple(word: u32) -> Option<Instruction> {
    let mode = bits(word, 23, 2);
    if mode == 0b00 || mode == 0b11 {
        return None;
    }
    let base = Registers::of(&[rn(word)]);
    let updated = if bits(word, 21, 1) == 1 {
        base
    } else {
        Registers::NONE
    };
    let list = bits(word, 0, 16);
    let count = list.count_ones();
    let memory = if bits(word, 20, 1) == 0 {
        make(Class::StoreMultiple, Registers(list), updated)
    } else if list >> PC & 1 == 1 {
        make(
            Class::LoadPc,
            Registers::NONE,
            Registers(list & !(1 << PC)).or(updated),
        )
    } else {
        make(
            Class::LoadMultiple,
            Registers::NONE,
            Registers(list).or(updated),
        )
    };
    (count > 0).then(|| memory.moving(count).addressed(base))
}

/// LDRD, STRD, exclusive accesses, table branches (A5.3.6).
fn dual(word: u32) -> Option<Instruction> {
    let base = Registers::of(&[rn(word)]);
    let load = bits(word, 20, 1) == 1;
    if bits(word, 24, 1) == 0 && bits(word, 21, 1) == 0 {
        // Exclusive accesses, and what ARMv8-M adds to them.
        if bits(word, 20, 12) == 0xe8d && bits(word, 5, 11) == 0b111_1000_0000 {
            let address = base.or(Registers::of(&[rm(word)]));
            let table = make(Class::TableBranch, Registers::NONE, Registers::NONE);
            return Some(table.addressed(address));
        }
        return match bits(word, 20, 12) {
            0xe85 | 0xe8d => {
                Some(make(Class::Load, Registers::NONE, unless_pc(rt(word))).addressed(base))
            }
            0xe84 | 0xe8c => {
                Some(make(Class::Store, unless_pc(rt(word)), unless_pc(rd(word))).addressed(base))
            }
            _ => None,
        };
    }
    let pair = Registers::of(&[rt(word), rd(word)]);
    let updated = if bits(word, 21, 1) == 1 {
        base
    } else {
        Registers::NONE
    };
    let memory = if load {
        make(Class::LoadDouble, Registers::NONE, pair.or(updated))
    } else {
        make(Class::StoreDouble, pair, updated)
    };
    Some(memory.moving(2).addressed(base))
}

/// Data processing with a shifted register (A5.3.11).
fn shifted(word: u32) -> Option<Instruction> {
    let (operation, set_flags) = (bits(word, 21, 4), bits(word, 20, 1) == 1);
    let (n, m, d) = (rn(word), rm(word), rd(word));
    let amount = bits(word, 12, 3) << 2 | bits(word, 6, 2);
    let moved = n == PC && (operation == 0b0010 || operation == 0b0011);
    if !matches!(operation, 0..=4 | 6 | 8 | 10 | 11 | 13 | 14) {
        return None;
    }
    let test = d == PC && set_flags && matches!(operation, 0 | 4 | 8 | 13);
    let reads = Registers::of(&[m]).or(if moved {
        Registers::NONE
    } else {
        Registers::of(&[n])
    });
    let writes = if test {
        Registers::NONE
    } else {
        Registers::of(&[d])
    };
    // `MOV` with a shift is the shift.
    let class = if operation == 0b0010 && n == PC && (amount != 0 || bits(word, 4, 2) != 0) {
        Class::Shift
    } else {
        Class::Alu
    };
    Some(make(class, reads, writes))
}

/// Data processing with a constant (A5.3.1, A5.3.3).
fn immediate(word: u32) -> Option<Instruction> {
    let (n, d) = (rn(word), rd(word));
    if bits(word, 25, 1) == 0 {
        let (operation, set_flags) = (bits(word, 21, 4), bits(word, 20, 1) == 1);
        if !matches!(operation, 0..=4 | 8 | 10 | 11 | 13 | 14) {
            return None;
        }
        let moved = n == PC && (operation == 0b0010 || operation == 0b0011);
        let test = d == PC && set_flags && matches!(operation, 0 | 4 | 8 | 13);
        let reads = if moved {
            Registers::NONE
        } else {
            Registers::of(&[n])
        };
        let writes = if test {
            Registers::NONE
        } else {
            Registers::of(&[d])
        };
        return Some(make(Class::Alu, reads, writes));
    }
    let (reads, writes) = match bits(word, 20, 5) {
        // ADDW, SUBW, and ADR with the program counter.
        0b00000 | 0b01010 => (Registers::of(&[n]), Registers::of(&[d])),
        0b00100 => (Registers::NONE, Registers::of(&[d])),
        // MOVT keeps the lower half.
        0b01100 => (Registers::of(&[d]), Registers::of(&[d])),
        // SSAT, SSAT16, SBFX, USAT, USAT16, UBFX.
        0b10000 | 0b10010 | 0b10100 | 0b11000 | 0b11010 | 0b11100 => {
            (Registers::of(&[n]), Registers::of(&[d]))
        }
        // BFI keeps the other bits, BFC has no source.
        0b10110 => (Registers::of(&[d]).or(unless_pc(n)), Registers::of(&[d])),
        _ => return None,
    };
    Some(make(Class::Alu, reads, writes))
}

/// Branches and special registers (A5.3.4).
fn branch(word: u32) -> Option<Instruction> {
    let none = Registers::NONE;
    let sign = bits(word, 26, 1);
    let (j1, j2) = (bits(word, 13, 1), bits(word, 11, 1));
    let far = || {
        let (i1, i2) = (1 ^ j1 ^ sign, 1 ^ j2 ^ sign);
        let high = sign << 24 | i1 << 23 | i2 << 22 | bits(word, 16, 10) << 12;
        4 + signed(high | bits(word, 0, 11) << 1, 25)
    };
    match (bits(word, 14, 1), bits(word, 12, 1)) {
        (0, 0) if bits(word, 23, 3) != 0b111 => {
            let high = sign << 20 | j2 << 19 | j1 << 18 | bits(word, 16, 6) << 12;
            let offset = 4 + signed(high | bits(word, 0, 11) << 1, 21);
            Some(make(Class::BranchNotTaken, none, none).to(offset))
        }
        (0, 0) => match bits(word, 20, 7) {
            0b011_1000 | 0b011_1001 => Some(make(Class::System, Registers::of(&[rn(word)]), none)),
            // NOP.W; other hints and barriers wait.
            0b011_1010 if bits(word, 0, 11) == 0 => Some(make(Class::Alu, none, none)),
            0b011_1010 | 0b011_1011 => Some(make(Class::System, none, none)),
            0b011_1110 | 0b011_1111 => Some(make(Class::System, none, Registers::of(&[rd(word)]))),
            _ => None,
        },
        (0, 1) => Some(make(Class::Jump, none, none).to(far())),
        (1, 1) => Some(make(Class::Call, none, Registers::of(&[LR])).to(far())),
        _ => None,
    }
}

/// Address and written-back base of a single load or store (A5.3.7 to A5.3.10): with a constant of
/// 12 bits, a constant of 8 bits, or a register.
fn single(word: u32) -> (Registers, Registers, bool) {
    let n = Registers::of(&[rn(word)]);
    if bits(word, 23, 1) == 1 {
        (n, Registers::NONE, false)
    } else if bits(word, 11, 1) == 1 {
        let updated = if bits(word, 8, 1) == 1 {
            n
        } else {
            Registers::NONE
        };
        (n, updated, false)
    } else {
        (n.or(Registers::of(&[rm(word)])), Registers::NONE, true)
    }
}

fn store(word: u32) -> Option<Instruction> {
    if bits(word, 21, 2) == 0b11 || rn(word) == PC {
        return None;
    }
    let (address, updated, indexed) = single(word);
    let class = if indexed {
        Class::StoreIndexed
    } else {
        Class::Store
    };
    Some(make(class, Registers::of(&[rt(word)]), updated).addressed(address))
}

fn load(word: u32) -> Option<Instruction> {
    let (size, t) = (bits(word, 21, 2), rt(word));
    if size == 0b11 {
        return None;
    }
    let literal = rn(word) == PC;
    let (address, updated, _) = if literal {
        (Registers::of(&[PC]), Registers::NONE, false)
    } else {
        single(word)
    };
    let load = match (size, t) {
        (0b10, PC) => make(Class::LoadPc, Registers::NONE, updated),
        // PLD, PLI and reserved hints.
        (_, PC) => make(Class::Alu, Registers::NONE, updated),
        _ => make(
            Class::Load,
            Registers::NONE,
            Registers::of(&[t]).or(updated),
        ),
    };
    Some(load.addressed(address))
}

/// Data processing of registers: shifts, extensions, parallel additions (A5.3.12 to A5.3.15).
fn registers(word: u32) -> Option<Instruction> {
    if bits(word, 12, 4) != PC {
        return None;
    }
    let (n, m, d) = (rn(word), rm(word), rd(word));
    let both = Registers::of(&[n, m]);
    let writes = Registers::of(&[d]);
    let (operation, second) = (bits(word, 20, 4), bits(word, 4, 4));
    if operation < 8 && second == 0 {
        return Some(make(Class::Shift, both, writes));
    }
    if operation < 6 && second & 0b1000 != 0 {
        // SXTAB and its kin; without the addition `n` stands for none.
        return Some(make(
            Class::Alu,
            unless_pc(n).or(Registers::of(&[m])),
            writes,
        ));
    }
    let parallel = operation >= 8 && second & 0b1000 == 0 && second & 0b0011 != 0b0011;
    // QADD …, REV … (with `n` = `m`), SEL, CLZ.
    let other = second & 0b1100 == 0b1000 && matches!(operation, 0b1000..=0b1011);
    let known = other
        && match operation {
            0b1010 | 0b1011 => second & 0b0011 == 0,
            _ => true,
        };
    (parallel || known).then(|| make(Class::Alu, both, writes))
}

/// 32-bit products (A5.3.16).
fn multiply(word: u32) -> Option<Instruction> {
    let (operation, second) = (bits(word, 20, 3), bits(word, 4, 4));
    let a = rt(word);
    let subtracts = operation == 0 && second == 1;
    let known = match operation {
        0 => second <= 1,
        1 => second <= 3,
        2..=6 => second <= 1,
        _ => second == 0,
    };
    if !known {
        return None;
    }
    let factors = Registers::of(&[rn(word), rm(word)]);
    let class = if a == PC && !subtracts {
        Class::Multiply
    } else {
        Class::MultiplyAccumulate
    };
    Some(make(
        class,
        factors.or(unless_pc(a)),
        Registers::of(&[rd(word)]),
    ))
}

/// 64-bit products and divisions (A5.3.17).
fn long(word: u32) -> Option<Instruction> {
    let (operation, second) = (bits(word, 20, 3), bits(word, 4, 4));
    let factors = Registers::of(&[rn(word), rm(word)]);
    let halves = Registers::of(&[rt(word), rd(word)]);
    Some(match (operation, second) {
        (0b000 | 0b010, 0) => make(Class::MultiplyLong, factors, halves),
        (0b001 | 0b011, 0b1111) => make(Class::Divide, factors, Registers::of(&[rd(word)])),
        (0b100, 0 | 0b1000..=0b1101) | (0b101, 0b1100 | 0b1101) | (0b110, 0 | 0b0110) => {
            make(Class::MultiplyAccumulateLong, factors.or(halves), halves)
        }
        _ => return None,
    })
}

/// Floating point (A6). Its registers are not those of the core.
fn coprocessor(word: u32) -> Option<Instruction> {
    // Only the coprocessors 10 and 11 are the floating-point unit.
    if bits(word, 9, 3) != 0b101 {
        return None;
    }
    let (n, none) = (Registers::of(&[rn(word)]), Registers::NONE);
    if bits(word, 25, 1) == 1 {
        return match bits(word, 24, 1) {
            0 if bits(word, 4, 1) == 1 && bits(word, 20, 1) == 1 => {
                Some(make(Class::Float, none, unless_pc(rt(word))))
            }
            0 if bits(word, 4, 1) == 1 => {
                Some(make(Class::Float, Registers::of(&[rt(word)]), none))
            }
            0 => Some(make(Class::Float, none, none)),
            _ => None,
        };
    }
    let (mode, load) = (bits(word, 20, 5), bits(word, 20, 1) == 1);
    if mode & 0b11110 == 0b00100 {
        // Two core registers to or from one or two of the unit.
        let pair = Registers::of(&[rt(word), rn(word)]);
        return Some(if load {
            make(Class::Float, none, pair)
        } else {
            make(Class::Float, pair, none)
        });
    }
    let words = bits(word, 0, 8);
    let moved = match (mode & 0b10010, bits(word, 8, 1)) {
        (0b10000, double) => 1 + double,
        _ => words,
    };
    let updated = if bits(word, 21, 1) == 1 { n } else { none };
    let (one, many) = if load {
        (Class::Load, Class::LoadMultiple)
    } else {
        (Class::Store, Class::StoreMultiple)
    };
    let class = if mode & 0b10010 == 0b10000 { one } else { many };
    let legal =
        mode & 0b10010 == 0b10000 || (mode & 0b11000 == 0b01000) || mode & 0b11010 == 0b10010;
    (legal && moved > 0).then(|| make(class, none, updated).moving(moved).addressed(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_of_branches_are_signed() {
        // b.w to itself, bl to itself, beq.w to itself: an offset of 0.
        for word in [0xf7ff_bffe, 0xf7ff_fffe, 0xf43f_affe] {
            assert_eq!(decode(word).and_then(|branch| branch.offset), Some(0));
        }
        assert_eq!(decode(0xf000_b800).and_then(|b| b.offset), Some(4));
    }

    #[test]
    fn the_stack_pointer_is_an_address_like_others() {
        let load = decode(0xf8dd_0010).unwrap();
        assert_eq!(load.address, Registers::of(&[13]));
        assert_eq!(load.class, Class::Load);
    }
}
