//! Tables over the detector's grid: what is tabulated, and what stands in the table.

use hodoscope_compiler::plan::{Isa, Kernel, Plan};
use hodoscope_interpreter::{Event, Interpreter};
use hodoscope_program::Program;

/// Φ sees two words of three; the first weighs it.
const FLOW: &str = r#"hodoscope-program 1
program flow
set constituents capacity 4
input x set constituents channels 3
  field pt unit "GeV" lsb 1 range 0 15 saturate empty 0
  field deta unit "1" lsb 1 range -2 2 saturate empty 0
  field dphi unit "1" lsb 1 range 0 2 saturate empty 0
live constituents x[0] above 0
order constituents x[0]
constant w i8 [2, 2]
 3 -5
 -7 2
constant b i16 [2]
 4 -1
value x [constituents, 3] i5 frac 0 = input x
value pt [constituents, 1] i5 frac 0 = select x channels 0
value angles [constituents, 2] i5 frac 0 = select x channels 1 2
value phi [constituents, 2] i16 frac 0 = dense angles weights w bias b
value phi.q [constituents, 2] i8 frac 0 = rescale phi by 1 plus 0 shift 1 rnd sat
value relu [constituents, 2] i8 frac 0 = relu phi.q
value weighed [constituents, 2] i16 frac 0 = mul pt relu
value sum [2] i32 frac 0 = sum weighed
output y = sum
"#;

fn flow() -> Program {
    Program::from_text(FLOW).expect("the program of this test reads")
}

#[test]
fn a_value_of_few_words_is_tabulated_and_its_layers_are_gone() {
    let program = flow();
    let plan = Plan::with_tables(&program, Isa::ArmV7eDsp, 30).unwrap();
    let [grid] = &plan.grids[..] else {
        panic!("{:?}", plan.grids);
    };
    assert_eq!(program.value(grid.result).name, "relu");
    assert_eq!((grid.cells(), grid.bytes(&program)), (15, 30));
    let is_dense =
        |kernel: &Kernel| matches!(kernel, Kernel::Dense { .. } | Kernel::DenseRescale { .. });
    assert!(!plan.constituent.iter().any(|step| is_dense(&step.kernel)));

    // Cell by cell, the last axis fastest, against constituents that come alone.
    let interpreter = Interpreter::new(&program).unwrap();
    let mut entries = grid.entries.chunks(2);
    for deta in -2..=2 {
        for dphi in 0..=2 {
            let inputs = vec![vec![1, deta, dphi]];
            let trace = interpreter.trace(&Event { inputs }).unwrap();
            let expected = &trace.values[grid.result.index()][..];
            assert_eq!(entries.next(), Some(expected), "{deta} {dphi}");
        }
    }
    assert!(grid.entries.iter().any(|entry| *entry != 0));
}

#[test]
fn a_table_that_does_not_fit_is_not_made() {
    let program = flow();
    let plan = Plan::with_tables(&program, Isa::ArmV7eDsp, 29).unwrap();
    assert_eq!(plan.grids, []);
    let layers = Plan::new(&program, Isa::ArmV7eDsp).unwrap();
    assert!(plan.same_steps(&layers));
}

#[test]
fn a_field_as_wide_as_a_word_is_never_tabulated() {
    let wide = "range -2147483648 2147483647";
    let text = FLOW
        .replace("range -2 2", wide)
        .replace("i5 frac", "i32 frac")
        .replace("constant b i16", "constant b i32")
        .replace("phi [constituents, 2] i16", "phi [constituents, 2] i38");
    let program = Program::from_text(&text).unwrap();
    let plan = Plan::with_tables(&program, Isa::ArmV7eDsp, 1 << 30).unwrap();
    assert_eq!(plan.grids, []);
}

#[test]
fn cells_of_what_is_not_live_are_zero() {
    let text = FLOW.replace("x[0] above 0", "x[2] not 1");
    let program = Program::from_text(&text).unwrap();
    let plan = Plan::with_tables(&program, Isa::Rv32im, 30).unwrap();
    let entries: Vec<_> = plan.grids[0].entries.chunks(2).collect();
    for (index, entry) in entries.iter().enumerate() {
        if index % 3 == 1 {
            assert_eq!(*entry, [0, 0]);
        }
    }
    assert!(entries.iter().any(|entry| **entry != [0, 0]));
}

#[test]
fn the_table_reaches_as_far_as_the_words_do() {
    let text = FLOW.replace("select x channels 1 2", "select x channels 0 2");
    let program = Program::from_text(&text).unwrap();
    // pT and dphi: the product depends on the same two words, so that itself is the table.
    let plan = Plan::with_tables(&program, Isa::Rv32im, 1 << 20).unwrap();
    let names: Vec<_> = plan
        .grids
        .iter()
        .map(|g| &program.value(g.result).name[..])
        .collect();
    assert_eq!(names, ["weighed"]);
}
