//! The cost tables, and what the pipeline adds up from them.
#![allow(clippy::unwrap_used)]

use hodoscope_cost::decode::decode;
use hodoscope_cost::{Access, Class, Core, InstructionSet, Memory, Mix, Pipeline, Prediction};

/// Encodings of Thumb instructions, each 16 bits or a pair.
const LDR_R0_R1: &[u16] = &[0x6808]; // ldr r0, [r1]
const LDR_R2_R3: &[u16] = &[0x681a]; // ldr r2, [r3]
const LDR_R2_R0: &[u16] = &[0x6802]; // ldr r2, [r0]
const STR_R0_R3: &[u16] = &[0x6018]; // str r0, [r3]
const STR_R1_R3_R2: &[u16] = &[0x5099]; // str r1, [r3, r2]
const LDM_R1_4: &[u16] = &[0xc9f0]; // ldm r1!, {r4-r7}
const ADDS_R3_4: &[u16] = &[0x3304]; // adds r3, #4
const ADDS_R5_R6: &[u16] = &[0x19ad]; // adds r5, r5, r6
const SMLAD: &[u16] = &[0xfb20, 0x7702]; // smlad r7, r0, r2, r7
const BNE_BACK: &[u16] = &[0xd1fc]; // bne.n to 8 bytes before what follows the next
const NOP: &[u16] = &[0xbf00];

/// Executes `instructions` one behind the other, then jumps back to the start; `times` times, the
/// last time without the jump. Returns the cycles.
fn cycles(core: &Core, memory: &Memory, instructions: &[&[u16]], times: u64) -> u64 {
    const START: u64 = 0x1000;
    let decoded: Vec<_> = instructions
        .iter()
        .map(|halves| {
            let bytes: Vec<u8> = halves.iter().flat_map(|half| half.to_le_bytes()).collect();
            decode(InstructionSet::Thumb, &bytes).unwrap()
        })
        .collect();
    let mut pipeline = Pipeline::new(core, memory);
    let mut total = 0;
    for time in 1..=times {
        let mut address = START;
        for (index, instruction) in decoded.iter().enumerate() {
            let behind = address + u64::from(instruction.size);
            let last = index + 1 == decoded.len();
            let next = if last && time < times { START } else { behind };
            total += pipeline
                .step(address, instruction, next, Access::Other)
                .unwrap();
            address = behind;
        }
    }
    total
}

fn once(core: &str, instructions: &[&[u16]]) -> u64 {
    cycles(
        &Core::named(core).unwrap(),
        &Memory::default(),
        instructions,
        1,
    )
}

#[test]
fn every_core_has_a_table_with_sources() {
    let cores = Core::all().unwrap();
    assert_eq!(cores.len(), 9);
    for core in &cores {
        assert_eq!(Core::named(core.name()).unwrap(), *core);
        assert!(!core.documents().is_empty(), "{}", core.name());
        for class in Class::ALL {
            if let Some(figure) = core.figure(class) {
                assert!(figure.of(1) >= 1 && !figure.source.is_empty(), "{class}");
            }
        }
    }
    let error = Core::named("z80").unwrap_err().to_string();
    assert!(
        error.contains("z80") && error.contains("cortex-m4"),
        "{error}"
    );
}

#[test]
fn wrong_tables_are_refused_with_what_is_wrong() {
    let right = include_str!("../cores/cortex-m0plus.toml");
    let check = |text: &str, expected: &str| {
        let error = Core::from_toml("cortex-m0plus", text)
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{error}");
    };
    Core::from_toml("cortex-m0plus", right).unwrap();
    check(&right.replace("schema = 1", "schema = 7"), "schema 7");
    check(&right.replace("load = {", "laod = {"), "laod");
    check(
        &right.replace(
            "cycles = 2, source = \"table 3-1: LDR 2",
            "cycles = 0, source = \"x",
        ),
        "`load` costs nothing",
    );
    check(&right.replace("table 3-1: B 2", " "), "jump has no source");
    check(&right.replace("\njump = {", "\nshift2 = {"), "shift2");
    let error = Core::from_toml("other", right).unwrap_err().to_string();
    assert!(error.contains("calls itself `cortex-m0plus`"), "{error}");
}

/// The figures that this project means by cycles of a Cortex-M4: LDR 2, 1 back to back; LDM 1 + N;
/// a taken branch 3; MUL and SMLAD 1.
#[test]
fn the_cortex_m4_has_the_reference_figures() {
    let m4 = Core::named("cortex-m4").unwrap();
    let of = |class, registers| m4.figure(class).unwrap().of(registers);
    assert_eq!(of(Class::Load, 1), 2);
    assert_eq!(of(Class::LoadNext, 1), 1);
    assert_eq!(of(Class::LoadMultiple, 8), 9);
    assert_eq!(of(Class::LoadDouble, 2), 3);
    assert_eq!(of(Class::BranchTaken, 1), 3);
    assert_eq!(of(Class::BranchNotTaken, 1), 1);
    assert_eq!(of(Class::Multiply, 1), 1);
    assert_eq!(of(Class::MultiplyAccumulate, 1), 1);
    // 8 columns × 4 rows of nested pairs: weights by LDM, inputs by LDRD.
    let mix = Mix::new()
        .with_multiple(Class::LoadMultiple, 2, 4)
        .with_multiple(Class::LoadDouble, 2, 2)
        .with(Class::Alu, 8)
        .with(Class::MultiplyAccumulate, 16);
    assert_eq!(m4.cycles(&mix), 10 + 6 + 8 + 16);
    assert_eq!(mix.instructions(), 28);
    assert_eq!(
        m4.cycles(&(mix.clone() * 3 + mix.clone())),
        4 * m4.cycles(&mix)
    );
}

/// The examples of the manual (Arm 100166, section 3.3.2), with constant offsets.
#[test]
fn loads_are_pipelined_as_the_manual_says() {
    assert_eq!(once("cortex-m4", &[LDR_R0_R1, LDR_R2_R3]), 3);
    assert_eq!(once("cortex-m4", &[LDR_R0_R1, STR_R0_R3]), 3);
    assert_eq!(once("cortex-m4", &[LDR_R0_R1, STR_R1_R3_R2]), 3);
    assert_eq!(once("cortex-m4", &[LDR_R0_R1, LDR_R2_R3, LDR_R0_R1]), 4);
    // An address that was just loaded; nothing is pipelined behind a store, nor behind LDM.
    assert_eq!(once("cortex-m4", &[LDR_R0_R1, LDR_R2_R0]), 4);
    assert_eq!(once("cortex-m4", &[STR_R0_R3, LDR_R2_R3]), 3);
    assert_eq!(once("cortex-m4", &[LDM_R1_4, LDR_R2_R3]), 7);
    assert_eq!(once("cortex-m4", &[STR_R1_R3_R2, NOP]), 3);
    // An address that was just computed costs a cycle; one instruction later it does not.
    assert_eq!(once("cortex-m4", &[ADDS_R3_4, LDR_R2_R3]), 1 + 1 + 2);
    assert_eq!(once("cortex-m4", &[ADDS_R3_4, NOP, LDR_R2_R3]), 1 + 1 + 2);
    // The Cortex-M0+ pipelines nothing.
    assert_eq!(once("cortex-m0plus", &[LDR_R0_R1, LDR_R2_R3]), 4);
}

#[test]
fn a_branch_costs_its_refill_only_when_it_is_taken() {
    let m4 = Core::named("cortex-m4").unwrap();
    let looped = |times| cycles(&m4, &Memory::default(), &[NOP, BNE_BACK], times);
    assert_eq!(looped(1), 1 + 1);
    assert_eq!(looped(10), 10 + 9 * 3 + 1);
    // Where branches are predicted, leaving the loop is the surprise.
    let m7 = Core::named("cortex-m7").unwrap();
    let Prediction::BackwardTaken { mispredicted } = *m7.prediction() else {
        panic!("the Cortex-M7 predicts")
    };
    let looped = |times| cycles(&m7, &Memory::default(), &[NOP, BNE_BACK], times);
    assert_eq!(looped(10) - looped(9), 1);
    // The NOP opens the cycle that the branch shares; the last branch takes one of its own.
    assert_eq!(looped(1), 1 + mispredicted - 1);
}

/// `jr t0`, to what is behind it: an entry into unrolled code.
#[test]
fn a_computed_jump_costs_the_same_wherever_it_goes() {
    let jr = 0x0002_8067u32.to_le_bytes();
    let jr = decode(InstructionSet::Riscv, &jr).unwrap();
    for (name, cycles) in [("picorv32", 6), ("ibex", 2), ("vexriscv-full", 4)] {
        let core = Core::named(name).unwrap();
        for next in [4, 64] {
            let memory = Memory::default();
            let mut pipeline = Pipeline::new(&core, &memory);
            assert_eq!(pipeline.resolve(0, &jr, next), Class::JumpRegister);
            let taken = pipeline.step(0, &jr, next, Access::Other).unwrap();
            assert_eq!(taken, cycles, "{name}");
        }
    }
}

#[test]
fn two_instructions_share_a_cycle_where_nothing_stands_against_it() {
    let independent = once("cortex-m7", &[ADDS_R3_4, ADDS_R5_R6]);
    assert_eq!(independent, 1);
    assert_eq!(once("cortex-m7", &[ADDS_R3_4, ADDS_R3_4]), 2);
    // One multiplier, and a result of a load that is a cycle late.
    assert_eq!(once("cortex-m7", &[SMLAD, NOP, SMLAD, NOP]), 2);
    assert_eq!(once("cortex-m7", &[LDR_R0_R1, LDR_R2_R3, SMLAD]), 1 + 1 + 1);
    assert_eq!(once("cortex-m4", &[ADDS_R3_4, ADDS_R5_R6]), 2);
    // What a mix allows at most is not less.
    let m7 = Core::named("cortex-m7").unwrap();
    let mix = Mix::new()
        .with(Class::MultiplyAccumulate, 4)
        .with(Class::Alu, 2);
    assert_eq!(m7.cycles(&mix), 4);
    assert_eq!(m7.cycles(&Mix::new().with(Class::Alu, 5)), 3);
}

#[test]
fn flash_that_waits_is_fetched_ahead_in_lines() {
    let m4 = Core::named("cortex-m4").unwrap();
    let memory = Memory {
        flash: Some((0, 0x10_0000)),
        flash_wait_states: 5,
        flash_line_bytes: 16,
        ram_wait_states: 0,
    };
    let straight = |count: usize| cycles(&m4, &memory, &vec![NOP; count], 1);
    // The first line, then eight instructions hide the five cycles of the next.
    assert_eq!(straight(8), 5 + 8);
    assert_eq!(straight(16), 5 + 16);
    // Four instructions in a line of 4 × 32 bits do not.
    let wide: Vec<&[u16]> = vec![SMLAD; 8];
    assert_eq!(cycles(&m4, &memory, &wide, 1), 5 + 4 + 1 + 4);
    // A loop within its line is fetched once.
    assert_eq!(
        cycles(&m4, &memory, &[NOP, BNE_BACK], 10),
        5 + 10 + 9 * 3 + 1
    );
    // Code elsewhere does not wait; nor is anything added where nothing waits.
    let elsewhere = Memory {
        flash: Some((0x10_0000, 0x20_0000)),
        ..memory
    };
    assert_eq!(cycles(&m4, &elsewhere, &wide, 1), 8);
}

#[test]
fn data_wait_where_they_lie() {
    let m4 = Core::named("cortex-m4").unwrap();
    let memory = Memory {
        flash_wait_states: 3,
        ram_wait_states: 1,
        ..Memory::default()
    };
    let cost = |halves: &[u16], access| {
        let bytes: Vec<u8> = halves.iter().flat_map(|half| half.to_le_bytes()).collect();
        let instruction = decode(InstructionSet::Thumb, &bytes).unwrap();
        let mut pipeline = Pipeline::new(&m4, &memory);
        pipeline.step(0x1000, &instruction, 0x1002, access).unwrap()
    };
    assert_eq!(cost(LDR_R0_R1, Access::Other), 2);
    assert_eq!(cost(LDR_R0_R1, Access::Ram), 3);
    assert_eq!(cost(LDR_R0_R1, Access::Flash), 5);
    assert_eq!(cost(LDM_R1_4, Access::Flash), 5 + 4 * 3);
    assert_eq!(cost(NOP, Access::Flash), 1);
}

#[test]
fn a_late_result_is_waited_for() {
    let full = Core::named("vexriscv-full").unwrap();
    let memory = Memory::default();
    let run = |words: &[u32]| {
        let mut pipeline = Pipeline::new(&full, &memory);
        let mut address = 0;
        let mut total = 0;
        for word in words {
            let instruction = decode(InstructionSet::Riscv, &word.to_le_bytes()).unwrap();
            total += pipeline
                .step(address, &instruction, address + 4, Access::Other)
                .unwrap();
            address += 4;
        }
        total
    };
    const LW_A3: u32 = 0x0045_2683; // lw a3, 4(a0)
    const ADD_A4_A3: u32 = 0x00d7_0733; // add a4, a4, a3
    const ADDI_A1: u32 = 0x0015_8593; // addi a1, a1, 1
    assert_eq!(run(&[LW_A3, ADD_A4_A3]), 2 + 2);
    assert_eq!(run(&[LW_A3, ADDI_A1, ADD_A4_A3]), 3 + 1);
    assert_eq!(run(&[LW_A3, ADDI_A1, ADDI_A1, ADD_A4_A3]), 4);
}

#[test]
fn an_instruction_without_a_figure_is_named() {
    let m0 = Core::named("cortex-m0plus").unwrap();
    let memory = Memory::default();
    let smlad = decode(InstructionSet::Thumb, &[0x20, 0xfb, 0x02, 0x77]).unwrap();
    let error = Pipeline::new(&m0, &memory).step(0, &smlad, 4, Access::Other);
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("cortex-m0plus") && error.contains("multiply-accumulate"),
        "{error}"
    );
}
