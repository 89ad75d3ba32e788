//! Verilog computes what the interpreter computes, one event each clock, after as many clocks as were stated; and as an instruction of
//! a core whatever the alignment of a payload.
#![allow(clippy::unwrap_used)] // A test that unwraps fails with the line that is wrong.

#[path = "../../program/tests/support/mod.rs"]
mod support;

mod port;

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use hodoscope_fabric::verilog::{answer, beats, write};
use hodoscope_fabric::{Circuit, Cut, Options, Schedule};
use hodoscope_interpreter::{Event, Interpreter};
use hodoscope_program::Program;
use port::Session;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use support::{Random, Reach, Style, event, programs};

/// All that the contract knows, of one set at most.
const STYLE: Style = Style {
    sets: 1,
    leaky_roundings: true,
    wrapping_products: true,
    odd_names: true,
};

fn without_rtl() -> bool {
    let without = std::env::var_os("HODOSCOPE_WITHOUT_RTL").is_some_and(|value| value == "1");
    if without {
        println!("SKIPPED: Verilog, since HODOSCOPE_WITHOUT_RTL=1");
    }
    without
}

/// Builds the testbench of what lies in `dir`.
fn build(dir: &Path) {
    let files = std::fs::read_dir(dir).unwrap().map(|f| f.unwrap().path());
    let verilog = files.filter(|f| f.extension().is_some_and(|e| e == "v"));
    let output = Command::new("verilator")
        .args(["--cc", "--exe", "--build", "--top-module", "testbench", "-O1"])
        .args(["--x-initial", "unique", "--x-assign", "unique", "-Wno-fatal"])
        .args(["-Wno-lint", "-Wno-style", "-MAKEFLAGS", "OPT_FAST=-O0 OPT_SLOW=-O0 OPT_GLOBAL=-O0"])
        .args(verilog)
        .arg("main.cpp")
        .current_dir(dir)
        .output()
        .expect("verilator is not installed; run: apt-get install verilator, or go on with HODOSCOPE_WITHOUT_RTL=1");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
}

fn simulate(dir: &Path, seed: u32) -> String {
    let output = Command::new(dir.join("obj_dir/Vtestbench"))
        .args([
            "+verilator+rand+reset+2",
            &format!("+verilator+seed+{seed}"),
        ])
        .current_dir(dir)
        .output()
        .unwrap();
    assert!(output.status.success());
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Events of which the port takes some clocks each.
const AT_PORT: usize = 60;

/// Writes a program and events for it; returns its schedule, and what a core does with the first events.
fn prepare(
    program: &Program,
    cut: Cut,
    dir: &Path,
    seed: u64,
    events: usize,
) -> (Schedule, Session) {
    let circuit = Circuit::of(program, Options::default()).unwrap();
    let schedule = Schedule::of(&circuit, cut);
    for (name, text) in write(&circuit, &schedule, "0123abcd").files {
        std::fs::write(dir.join(name), text).unwrap();
    }
    let interpreter = Interpreter::new(program).unwrap();
    let mut random = Random::new(seed);
    let (mut vectors, mut expected) = (String::new(), String::new());
    let (mut session, mut places) = (Session::default(), Random::new(seed + 1));
    for number in 0..events {
        let inputs = event(program, &mut random, Reach::Anything);
        beats(&circuit, &inputs, &mut vectors);
        let trace = interpreter
            .trace(&Event {
                inputs: inputs.clone(),
            })
            .unwrap();
        let raws = interpreter
            .run(&Event {
                inputs: inputs.clone(),
            })
            .unwrap();
        let is_over = trace.multiplicity.first().is_some_and(|n| {
            let set = &program.sets[0];
            set.order.is_some() && *n == set.capacity && live(program, &inputs) > *n
        });
        let raws = (!is_over).then_some(&raws[..]);
        let _ = writeln!(expected, "{}", answer(&circuit, raws));
        if number < AT_PORT {
            session.event(program, &inputs, raws, &mut places);
        }
        // A clock without anything, now and then.
        for _ in 0..random.below(4).saturating_sub(1) {
            let _ = writeln!(vectors, "0 {} 1 {:x}", random.below(2), random.next() & 1);
        }
    }
    std::fs::write(dir.join("vectors.txt"), vectors).unwrap();
    std::fs::write(dir.join("expected.txt"), expected).unwrap();
    (schedule, session)
}

/// Slots that are live: those of a set without limits.
fn live(program: &Program, inputs: &[Vec<i64>]) -> usize {
    let mut wide = program.clone();
    wide.sets[0].capacity = 60_000;
    // What follows the set does not matter, and need not fit.
    wide.values
        .retain(|value| matches!(value.operation, hodoscope_program::Operation::Input(_)));
    let count = hodoscope_program::Operation::Count {
        set: hodoscope_program::SetId::new(0),
    };
    wide.values.push(hodoscope_program::Value {
        name: "live".into(),
        shape: hodoscope_program::Shape::row(1),
        element: hodoscope_program::IntType::unsigned(16),
        scale: hodoscope_program::Scale::Pow2(0),
        operation: count,
    });
    let value = hodoscope_program::ValueId::new(wide.values.len() - 1);
    wide.outputs = vec![hodoscope_program::Output {
        name: "live".into(),
        value,
    }];
    let interpreter = Interpreter::new(&wide).unwrap();
    interpreter
        .run(&Event {
            inputs: inputs.to_vec(),
        })
        .unwrap()[0][0] as usize
}

/// Clocks for the events of all programs: slots and pauses.
const CLOCKS: usize = 8_000;

/// Many programs side by side in one simulator, as it takes some seconds to build one.
#[test]
fn random_programs_are_the_same_in_verilog() {
    if without_rtl() {
        return;
    }
    let mut runner = TestRunner::deterministic();
    let number = std::env::var("HODOSCOPE_FABRIC").map_or(16, |n| n.parse().unwrap());
    let place = tempfile::tempdir().unwrap();
    let (mut around, mut expected, mut texts) = (String::new(), vec![], vec![]);
    let mut sessions = vec![];
    for index in 0..number {
        let mut program = programs(STYLE).new_tree(&mut runner).unwrap().current();
        while program.values.len() < 12 {
            program = programs(STYLE).new_tree(&mut runner).unwrap().current();
        }
        program.name = format!("random{index}");
        let cut = [
            Cut::Clock(150.0),
            Cut::Stages(3),
            Cut::Clock(400.0),
            Cut::Stages(1),
        ][index % 4];
        let own = place.path().join(index.to_string());
        std::fs::create_dir(&own).unwrap();
        let (schedule, session) = prepare(&program, cut, &own, 7 + index as u64, 300);
        session.write(index, place.path());
        let instruction = std::fs::read_to_string(own.join("instruction.v")).unwrap();
        let instruction = instruction.replace(
            "module instruction ",
            &format!("module instruction{index} "),
        );
        std::fs::remove_file(own.join("instruction.v")).unwrap();
        std::fs::write(
            place.path().join(format!("instruction{index}.v")),
            instruction,
        )
        .unwrap();
        sessions.push(session);
        let bench = std::fs::read_to_string(own.join("testbench.v")).unwrap();
        let bench = bench
            .replace("module testbench", &format!("module testbench{index}"))
            .replace("vectors.txt", &format!("{index}/vectors.txt"))
            .replace("expected.txt", &format!("{index}/expected.txt"))
            // Who is ready waits for the others.
            .replace("$finish;", "idle <= -1000000;")
            .replace("(\"PASS:", &format!("(\"PASS {index}:"));
        std::fs::remove_file(own.join("testbench.v")).unwrap();
        std::fs::write(place.path().join(format!("testbench{index}.v")), bench).unwrap();
        for file in std::fs::read_dir(&own).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|e| e == "v" || e == "cpp") {
                std::fs::rename(&path, place.path().join(path.file_name().unwrap())).unwrap();
            }
        }
        let _ = writeln!(around, "    testbench{index} t{index} (.clk(clk));");
        let _ = writeln!(around, "    portbench{index} p{index} (.clk(clk));");
        expected.push(format!(
            "PASS {index}: 300 events, {} clocks each",
            schedule.latency
        ));
        texts.push(program.to_text());
    }
    let around = format!(
        "module testbench (input wire clk);\n{around}    integer clock = 0;\n    always @(posedge clk) begin\n        clock <= clock + 1;\n        if (clock == {CLOCKS}) $finish;\n    end\nendmodule\n"
    );
    std::fs::write(place.path().join("testbench.v"), around).unwrap();
    build(place.path());
    for seed in [1, 2] {
        let text = simulate(place.path(), seed);
        for (line, program) in expected.iter().zip(&texts) {
            assert!(text.contains(line), "{line}\n{text}\n{program}");
        }
        for (index, (session, program)) in sessions.iter().zip(&texts).enumerate() {
            if let Err(wrong) = session.check(index, place.path()) {
                panic!("program {index} at the port: {wrong}\n{program}");
            }
        }
    }
}
