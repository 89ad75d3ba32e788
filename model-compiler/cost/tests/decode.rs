//! The decoders against tables that another disassembler made; `golden/recipe.py` writes them.
#![allow(clippy::unwrap_used)]

use hodoscope_cost::decode::decode;
use hodoscope_cost::{Class, DecodeError, Instruction, InstructionSet, Registers};
use proptest::prelude::*;

fn short(set: InstructionSet, half: u16) -> Result<Instruction, DecodeError> {
    decode(set, &half.to_le_bytes())
}

/// In the order of the halves in memory.
fn long(set: InstructionSet, word: u32) -> Result<Instruction, DecodeError> {
    let bytes = match set {
        InstructionSet::Thumb => word.rotate_left(16).to_le_bytes(),
        InstructionSet::Riscv => word.to_le_bytes(),
    };
    decode(set, &bytes)
}

/// Holds every half-word of `table` to its class; `none` is what the table does not know.
fn check_short(set: InstructionSet, table: &str, step: usize) {
    let (mut seen, mut known, mut wrong) = (0, 0, Vec::new());
    for line in table.lines() {
        let mut parts = line.split_whitespace();
        let mut half = || u16::from_str_radix(parts.next().unwrap(), 16).unwrap();
        let (first, last) = (half(), half());
        let class = parts.next().unwrap();
        for half in (first..=last).step_by(step) {
            seen += 1;
            if class == "none" {
                continue;
            }
            known += 1;
            match short(set, half) {
                Ok(instruction) if instruction.class.name() == class => {}
                other => wrong.push(format!("{half:04x}: {class}, not {other:?}")),
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong: {:#?}",
        wrong.len(),
        &wrong[..wrong.len().min(20)]
    );
    // Compressed loads and stores of floating-point registers are a quarter of all.
    assert!(seen >= 0xc000 && known > seen / 2, "{known} of {seen}");
}

fn check_long(set: InstructionSet, table: &str) {
    let registers = |text: &str| match text {
        "-" => Registers::NONE,
        list => Registers::of(
            &list
                .split(',')
                .map(|n| n.parse().unwrap())
                .collect::<Vec<_>>(),
        ),
    };
    let mut wrong = Vec::new();
    for line in table.lines() {
        let parts: Vec<&str> = line.split_whitespace().collect();
        let word = u32::from_str_radix(parts[0], 16).unwrap();
        let matches = |found: &Instruction| {
            found.class.name() == parts[1]
                && found.moved.to_string() == parts[2]
                && found.reads == registers(parts[3])
                && found.writes == registers(parts[4])
                && found
                    .offset
                    .map_or("-".to_owned(), |offset| offset.to_string())
                    == parts[5]
        };
        match long(set, word) {
            Ok(found) if matches(&found) => {}
            other => wrong.push(format!("{line}\n   {other:?}")),
        }
    }
    assert!(table.lines().count() > 250);
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(40)].join("\n")
    );
}

#[test]
fn every_short_thumb_instruction_has_its_class() {
    check_short(InstructionSet::Thumb, include_str!("golden/thumb16.txt"), 1);
}

#[test]
fn every_compressed_instruction_has_its_class() {
    check_short(InstructionSet::Riscv, include_str!("golden/riscv16.txt"), 4);
}

#[test]
fn long_thumb_instructions_have_their_class_and_registers() {
    check_long(InstructionSet::Thumb, include_str!("golden/thumb32.txt"));
}

#[test]
fn long_riscv_instructions_have_their_class_and_registers() {
    check_long(InstructionSet::Riscv, include_str!("golden/riscv32.txt"));
}

/// What inner loops are made of, as an assembler encodes it (`rustc` for thumbv7em and riscv32imac).
#[test]
fn inner_loops_are_decoded() {
    use InstructionSet::{Riscv, Thumb};
    let check =
        |found: Result<Instruction, DecodeError>, class, moved, reads: &[u32], writes: &[u32]| {
            let found = found.unwrap();
            assert_eq!((found.class, found.moved), (class, moved), "{found:?}");
            assert_eq!(found.reads, Registers::of(reads), "{found:?}");
            assert_eq!(found.writes, Registers::of(writes), "{found:?}");
        };
    // smlad r4, r1, r2, r4
    check(
        long(Thumb, 0xfb21_4402),
        Class::MultiplyAccumulate,
        1,
        &[1, 2, 4],
        &[4],
    );
    // smlald r4, r5, r1, r2
    check(
        long(Thumb, 0xfbc1_45c2),
        Class::MultiplyAccumulateLong,
        1,
        &[1, 2, 4, 5],
        &[4, 5],
    );
    // sxtb16 r3, r1
    check(long(Thumb, 0xfa2f_f381), Class::Alu, 1, &[1], &[3]);
    // ldrd r2, r3, [r0], #8
    check(
        long(Thumb, 0xe8f0_2302),
        Class::LoadDouble,
        2,
        &[0],
        &[0, 2, 3],
    );
    // ldr r2, [r0], #4
    check(long(Thumb, 0xf850_2b04), Class::Load, 1, &[0], &[0, 2]);
    // ldm r1!, {r4, r5, r6, r7}
    check(
        short(Thumb, 0xc9f0),
        Class::LoadMultiple,
        4,
        &[1],
        &[1, 4, 5, 6, 7],
    );
    // pop {r4, pc}
    check(short(Thumb, 0xbd10), Class::LoadPc, 2, &[13], &[4, 13]);
    // ldrsh r3, [r1, r2]
    check(short(Thumb, 0x5e8b), Class::Load, 1, &[1, 2], &[3]);
    // mul a0, a1, a2; lw a3, 4(a0); c.lw a5, 0(a0); c.bnez a2
    check(
        long(Riscv, 0x02c5_8533),
        Class::Multiply,
        1,
        &[11, 12],
        &[10],
    );
    check(long(Riscv, 0x0045_2683), Class::Load, 1, &[10], &[13]);
    check(short(Riscv, 0x411c), Class::Load, 1, &[10], &[15]);
    check(short(Riscv, 0xf27d), Class::BranchNotTaken, 1, &[12], &[]);
    // custom-0 of a function unit: cfu[0, 0] a0, a1, a2
    check(long(Riscv, 0x00c5_850b), Class::Custom, 1, &[11, 12], &[10]);
}

#[test]
fn what_is_no_instruction_is_named() {
    let error = short(InstructionSet::Thumb, 0xde00).unwrap_err();
    assert_eq!(
        error.to_string(),
        "0x0000de00 is no instruction that the cost model knows"
    );
    assert!(decode(InstructionSet::Riscv, &[0x33]).is_err());
    assert!(decode(InstructionSet::Thumb, &[0x00, 0xf0]).is_err());
    assert!(short(InstructionSet::Riscv, 0).is_err());
}

proptest! {
    #[test]
    fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..6)) {
        for set in [InstructionSet::Thumb, InstructionSet::Riscv] {
            if let Ok(found) = decode(set, &bytes) {
                prop_assert!(found.size as usize <= bytes.len());
                prop_assert!(found.address.0 & !found.reads.0 == 0);
                prop_assert!(found.offset.is_none() || found.class.is_branch());
            }
        }
    }
}
