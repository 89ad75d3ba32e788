//! The events of a verification's own tell a program from its mutants.
//!
//! A mutant that gives the same on the own events must give the same on many others, found from another seed; one in
//! three hundred may be missed. Of each program a sample
//! of mutants is judged; `HODOSCOPE_MUTANTS=1000000` judges all of them, by so many other events.
#![allow(clippy::unwrap_used)] // A test that unwraps fails with the line that is wrong.

use hodoscope_interpreter::Interpreter;
use hodoscope_program::Program;
use hodoscope_sim::own::{self, Coverage, mutants};
use rayon::prelude::*;

#[path = "../../model-compiler/tests/emit_programs/mod.rs"]
mod emit_programs;

/// Own events: what `hodoscope verify` makes where nothing else is asked.
const OWN: usize = 256;
/// Events on which a mutant that was not told must be equal.
const OTHERS: usize = 1000;
/// Mutants of a program that are judged where nothing else is asked.
const SAMPLE: usize = 300;
/// Multiply-accumulates of an event of the largest programs that are judged.
const WORK: u64 = 20_000;

/// Mutants that were told, and those that were missed.
fn judge(name: &str, program: &Program) -> (usize, Vec<String>) {
    let asked = std::env::var("HODOSCOPE_MUTANTS").ok();
    let asked = asked.map(|count| count.parse::<usize>().expect("a number"));
    let interpreter = Interpreter::new(program).unwrap();
    let make = |count: usize, seed: u64| {
        let mut coverage = Coverage::new(program, interpreter.proof());
        let own = own::events(&interpreter, &[], count, seed, &mut coverage).unwrap();
        let traced = own.events.into_iter().map(|(event, _)| {
            let trace = interpreter.trace(&event).unwrap();
            (event, trace)
        });
        traced.collect::<Vec<_>>()
    };
    let events = make(OWN, 1);
    assert_eq!(events.len(), OWN, "{name}");
    let mut others = None;
    let mut mutated = program.clone();
    let (mut told, mut equal, mut missed) = (0, 0, vec![]);
    let most = asked.map_or(SAMPLE, |_| usize::MAX);
    for mut mutant in mutants::of(program, most, 3) {
        let what = mutant.text(program);
        mutant.exchange(&mut mutated);
        let tells = |(event, trace): &_| {
            let difference = mutant.difference(&mutated, event, trace);
            difference.unwrap().in_output
        };
        if events.iter().any(tells) {
            told += 1;
        } else {
            let others = others.get_or_insert_with(|| make(asked.unwrap_or(OTHERS), 2));
            match others.iter().position(tells) {
                None => equal += 1,
                Some(event) => missed.push(format!("{name}: {what} (other event {event})")),
            }
        }
        mutant.exchange(&mut mutated);
    }
    let few = missed.len();
    println!("{name}: {told} told, {equal} equal, {few} missed");
    (told, missed)
}

#[test]
fn every_mutant_is_told_or_equal() {
    let judged = emit_programs::all()
        .into_par_iter()
        .filter_map(|(name, text)| {
            let program = Program::from_text(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
            let capacity = program.sets.iter().map(|set| set.capacity).max();
            let is_large = capacity > Some(1000) || program.macs(capacity.unwrap_or(0)) > WORK;
            (!is_large).then(|| judge(name, &program))
        });
    let (told, missed): (Vec<usize>, Vec<_>) = judged.unzip();
    let (told, missed) = (told.iter().sum::<usize>(), missed.concat());
    println!("{told} told; missed:\n{}", missed.join("\n"));
    assert!(told > 1000, "only {told} mutants");
    // A search is no proof: a few mutants are left that one event in a thousand tells.
    assert!(missed.len() * 300 < told, "{}", missed.join("\n"));
}
