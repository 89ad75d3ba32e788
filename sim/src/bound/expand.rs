//! Instructions of 16 bits as those of 32 bits that do the same (The RISC-V Instruction Set Manual,
//! volume I, version 20191213, chapter 16).

const SP: u32 = 2;
const RA: u32 = 1;

/// The same instruction in 32 bits; `None` for one that is none, or for floating point.
pub fn expand(half: u16) -> Option<u32> {
    let word = u32::from(half);
    let bit = |at: u32| word >> at & 1;
    let bits = |low: u32, width: u32| word >> low & ((1 << width) - 1);
    // Registers of three bits are x8 to x15.
    let (low, high) = (8 + bits(2, 3), 8 + bits(7, 3));
    let (rd, rs2) = (bits(7, 5), bits(2, 5));
    // Six bits in two's complement.
    let small = (((bit(12) << 5 | bits(2, 5)) << 26) as i32 >> 26) as u32;
    let shift = bit(12) << 5 | bits(2, 5);
    Some(match (bits(0, 2), bits(13, 3)) {
        // C.ADDI4SPN
        (0, 0b000) => {
            let offset = bits(7, 4) << 6 | bits(11, 2) << 4 | bit(5) << 3 | bit(6) << 2;
            if offset == 0 {
                return None;
            }
            immediate(0x13, 0, low, SP, offset)
        }
        // C.LW, C.SW
        (0, 0b010) => immediate(0x03, 2, low, high, word_offset(word)),
        (0, 0b110) => store(high, low, word_offset(word)),
        // C.ADDI, C.LI
        (1, 0b000) => immediate(0x13, 0, rd, rd, small),
        (1, 0b010) => immediate(0x13, 0, rd, 0, small),
        // C.JAL, C.J
        (1, 0b001) => jump(RA, jump_offset(word)),
        (1, 0b101) => jump(0, jump_offset(word)),
        (1, 0b011) if small == 0 => return None,
        // C.ADDI16SP
        (1, 0b011) if rd == SP => {
            let offset = bit(12) << 9 | bits(3, 2) << 7 | bit(5) << 6 | bit(2) << 5 | bit(6) << 4;
            immediate(0x13, 0, SP, SP, ((offset << 22) as i32 >> 22) as u32)
        }
        // C.LUI
        (1, 0b011) => small << 12 | rd << 7 | 0x37,
        (1, 0b100) => match (bits(10, 2), bit(12), bits(5, 2)) {
            // C.SRLI, C.SRAI
            (0b00, 0, _) => immediate(0x13, 5, high, high, shift),
            (0b01, 0, _) => immediate(0x13, 5, high, high, shift | 1 << 10),
            // C.ANDI
            (0b10, _, _) => immediate(0x13, 7, high, high, small),
            // C.SUB, C.XOR, C.OR, C.AND
            (0b11, 0, 0b00) => register(0x20, 0, high, high, low),
            (0b11, 0, 0b01) => register(0, 4, high, high, low),
            (0b11, 0, 0b10) => register(0, 6, high, high, low),
            (0b11, 0, _) => register(0, 7, high, high, low),
            _ => return None,
        },
        // C.BEQZ, C.BNEZ
        (1, funct) => branch(funct & 1, high, branch_offset(word)),
        // C.SLLI
        (2, 0b000) if bit(12) == 0 => immediate(0x13, 1, rd, rd, shift),
        // C.LWSP, C.SWSP
        (2, 0b010) if rd != 0 => {
            let offset = bits(2, 2) << 6 | bit(12) << 5 | bits(4, 3) << 2;
            immediate(0x03, 2, rd, SP, offset)
        }
        (2, 0b110) => store(SP, rs2, bits(7, 2) << 6 | bits(9, 4) << 2),
        (2, 0b100) => match (bit(12), rd, rs2) {
            (0, 0, 0) => return None,
            // C.JR, C.JALR
            (0, _, 0) => immediate(0x67, 0, 0, rd, 0),
            (1, 0, 0) => 0x0010_0073,
            (1, _, 0) => immediate(0x67, 0, RA, rd, 0),
            // C.MV, C.ADD
            (0, ..) => register(0, 0, rd, 0, rs2),
            _ => register(0, 0, rd, rd, rs2),
        },
        _ => return None,
    })
}

fn immediate(opcode: u32, funct3: u32, rd: u32, rs1: u32, value: u32) -> u32 {
    value << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode
}

fn register(funct7: u32, funct3: u32, rd: u32, rs1: u32, rs2: u32) -> u32 {
    funct7 << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | 0x33
}

fn store(rs1: u32, rs2: u32, offset: u32) -> u32 {
    let (high, low) = (offset >> 5 & 0x7f, offset & 0x1f);
    high << 25 | rs2 << 20 | rs1 << 15 | 2 << 12 | low << 7 | 0x23
}

fn branch(funct3: u32, rs1: u32, offset: u32) -> u32 {
    let high = (offset >> 12 & 1) << 31 | (offset >> 5 & 0x3f) << 25;
    let low = (offset >> 1 & 0xf) << 8 | (offset >> 11 & 1) << 7;
    high | rs1 << 15 | funct3 << 12 | low | 0x63
}

fn jump(rd: u32, offset: u32) -> u32 {
    let high = (offset >> 20 & 1) << 31 | (offset >> 1 & 0x3ff) << 21;
    high | (offset >> 11 & 1) << 20 | (offset >> 12 & 0xff) << 12 | rd << 7 | 0x6f
}

/// Of C.LW and C.SW.
fn word_offset(word: u32) -> u32 {
    (word >> 5 & 1) << 6 | (word >> 10 & 7) << 3 | (word >> 6 & 1) << 2
}

fn jump_offset(word: u32) -> u32 {
    let bit = |at: u32| word >> at & 1;
    let offset = bit(12) << 11
        | bit(11) << 4
        | (word >> 9 & 3) << 8
        | bit(8) << 10
        | bit(7) << 6
        | bit(6) << 7
        | (word >> 3 & 7) << 1
        | bit(2) << 5;
    ((offset << 20) as i32 >> 20) as u32
}

fn branch_offset(word: u32) -> u32 {
    let bit = |at: u32| word >> at & 1;
    let offset = bit(12) << 8
        | (word >> 10 & 3) << 3
        | (word >> 5 & 3) << 6
        | (word >> 3 & 3) << 1
        | bit(2) << 5;
    ((offset << 23) as i32 >> 23) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pairs of what an assembler makes of one line, with and without compression.
    #[test]
    fn expansions_are_those_of_an_assembler() {
        for (half, word) in [
            (0x1101, 0xfe01_0113), // addi sp, sp, -32
            (0x6105, 0x0201_0113), // addi sp, sp, 32
            (0x0808, 0x0101_0513), // addi a0, sp, 16
            (0x4502, 0x0001_2503), // lw a0, 0(sp)
            (0xce06, 0x0011_2e23), // sw ra, 28(sp)
            (0x41d4, 0x0045_a683), // lw a3, 4(a1)
            (0xc1d4, 0x00d5_a223), // sw a3, 4(a1)
            (0x157d, 0xfff5_0513), // addi a0, a0, -1
            (0x4501, 0x0000_0513), // li a0, 0
            (0x7579, 0xffff_e537), // lui a0, 0xffffe
            (0x8511, 0x4045_5513), // srai a0, a0, 4
            (0x8111, 0x0045_5513), // srli a0, a0, 4
            (0x893d, 0x00f5_7513), // andi a0, a0, 15
            (0x8d0d, 0x40b5_0533), // sub a0, a0, a1
            (0x8d2d, 0x00b5_4533), // xor a0, a0, a1
            (0x8d4d, 0x00b5_6533), // or a0, a0, a1
            (0x8d6d, 0x00b5_7533), // and a0, a0, a1
            (0x0512, 0x0045_1513), // slli a0, a0, 4
            (0x852e, 0x00b0_0533), // mv a0, a1
            (0x952e, 0x00b5_0533), // add a0, a0, a1
            (0x8082, 0x0000_8067), // ret
            (0x9502, 0x0005_00e7), // jalr a0
            (0xa001, 0x0000_006f), // j 0
            (0xbfd5, 0xff5f_f06f), // j -12
            (0xd97d, 0xfe05_0be3), // beqz a0, -10
            (0xe119, 0x0005_1363), // bnez a0, 6
            (0x5fe0, 0x07c7_a403), // lw s0, 124(a5)
            (0xc364, 0x0497_2223), // sw s1, 68(a4)
            (0x5dfe, 0x0fc1_2d83), // lw s11, 252(sp)
            (0xdffe, 0x0ff1_2e23), // sw t6, 252(sp)
            (0xab99, 0x5560_006f), // j 1366
            (0xb46d, 0xaabf_f06f), // j -1366
            (0xc44d, 0x0a04_0563), // beqz s0, 170
            (0xf8b1, 0xf404_9ae3), // bnez s1, -172
            (0x1fe8, 0x3fc1_0513), // addi a0, sp, 1020
            (0x617d, 0x1f01_0113), // addi sp, sp, 496
            (0x62fd, 0x0001_f2b7), // lui t0, 31
        ] {
            assert_eq!(expand(half), Some(word), "{half:#06x}");
        }
        assert_eq!(expand(0), None);
    }
}
