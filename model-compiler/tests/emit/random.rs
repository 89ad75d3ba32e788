//! A program that verifies and is planned has a crate that builds: random programs, checked by cargo without being linked.

use std::path::Path;

use crate::emit_programs;
use crate::support::{PLANNED, programs};
use hodoscope_compiler::emit::emit_crate;
use hodoscope_compiler::plan::{Isa, Layouts, Plan};
use hodoscope_program::Program;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use super::builds::Workspace;

/// Random programs; `HODOSCOPE_EMIT=400` asks for more.
const RANDOM: usize = 32;

#[test]
fn whatever_is_planned_builds() {
    let asked = std::env::var("HODOSCOPE_EMIT").ok();
    let count = asked.map_or(RANDOM, |count| count.parse().expect("a number"));
    let mut runner = TestRunner::deterministic();
    let tree = programs(PLANNED).prop_filter("longer ones say more", |p| p.values.len() > 8);
    let mut programs: Vec<Program> = (0..count)
        .map(|_| tree.new_tree(&mut runner).unwrap().current())
        .collect();
    programs.extend(emit_programs::pairings());
    let workspace = Workspace::new(Path::new(env!("CARGO_TARGET_TMPDIR")).join("emitted-random"));
    let mut names = vec![];
    for (index, program) in programs.iter_mut().enumerate() {
        program.name = format!("planned-{index}");
        // Both ends of the choice between cycles and flash take other layouts.
        let layouts = [Layouts::Fastest, Layouts::Smallest][index % 2];
        let plans = Isa::ALL.map(|isa| Plan::with(program, isa, 0, layouts).unwrap());
        for (path, text) in emit_crate(&plans) {
            workspace.write(&format!("{}/{path}", program.name), &text);
        }
        names.push(program.name.clone());
    }
    workspace.kernels();
    workspace.members(&names.iter().map(String::as_str).collect::<Vec<_>>());
    if let Err(errors) = workspace.check() {
        let failed = programs
            .iter()
            .filter(|p| errors.contains(&format!("could not compile `{}`", p.name)));
        let texts: Vec<String> = failed.map(Program::to_text).collect();
        panic!("{errors}\n{}", texts.join("\n"));
    }
}
