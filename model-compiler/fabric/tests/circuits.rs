//! Circuits compute what the interpreter computes.
#![allow(clippy::unwrap_used)] // A test that unwraps fails with the line that is wrong.

#[path = "../../program/tests/support/mod.rs"]
mod support;

use hodoscope_fabric::matrix::Aim;
use hodoscope_fabric::{Circuit, Options, Refused, Words};
use hodoscope_interpreter::{Event, Interpreter};
use hodoscope_program::Program;
use proptest::prelude::*;
use support::{Random, Reach, Style, event, programs};

/// All that the contract knows, of one set at most.
const STYLE: Style = Style {
    sets: 1,
    leaky_roundings: true,
    wrapping_products: true,
    odd_names: true,
};

/// Words as they come through a port of the input's type.
fn at_ports(program: &Program, inputs: &[Vec<i64>]) -> Vec<Vec<i64>> {
    let clamped = program.inputs.iter().zip(inputs).map(|(input, words)| {
        let ty = input.element();
        let words = words.iter();
        words
            .map(|w| (*w).clamp(ty.minimum(), ty.maximum()))
            .collect()
    });
    clamped.collect()
}

fn agrees(program: &Program, seed: u64, aim: Aim, events: usize) -> Result<(), TestCaseError> {
    let circuit = match Circuit::of(program, Options { aim }) {
        Ok(circuit) => circuit,
        Err(error) => return Err(TestCaseError::fail(error.to_string())),
    };
    let interpreter = Interpreter::new(program).unwrap();
    let channels: Vec<usize> = program.inputs.iter().map(|i| i.channels).collect();
    let of_set: Vec<bool> = program.inputs.iter().map(|i| i.set.is_some()).collect();
    let mut random = Random::new(seed);
    for _ in 0..events {
        let inputs = event(program, &mut random, Reach::Anything);
        let words = at_ports(program, &inputs);
        let expected = interpreter.run(&Event { inputs }).unwrap();
        let got = circuit.evaluate(Words {
            inputs: &words,
            channels: &channels,
            of_set: &of_set,
        });
        match got {
            Ok(got) => prop_assert_eq!(got, expected),
            Err(_) => {
                // Marked, not answered: the set has an order, and too many are live.
                prop_assert!(program.sets[0].order.is_some());
                let rows = words
                    .iter()
                    .zip(&program.inputs)
                    .find(|(_, i)| i.set.is_some());
                let (words, input) = rows.unwrap();
                prop_assert!(words.len() / input.channels > program.sets[0].capacity);
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn circuits_and_interpreter_agree(program in programs(STYLE), seed in any::<u64>()) {
        agrees(&program, seed, Aim::Shallow, 12)?;
        agrees(&program, seed, Aim::Fewest, 2)?;
    }
}

#[test]
fn two_sets_are_refused_by_name() {
    let text = "hodoscope-program 1
        program two
        set jets capacity 2
        set muons capacity 3
        input j set jets channels 1
          field pt unit \"\" lsb 1.0 range 0 100 saturate empty 0
        input m set muons channels 1
          field pt unit \"\" lsb 1.0 range 0 100 saturate empty 0
        live jets always
        live muons always
        value j [jets, 1] u7 frac 0 = input j
        value m [muons, 1] u7 frac 0 = input m
        value a [1] i32 frac 0 = sum j
        value b [1] i32 frac 0 = sum m
        output a = a
        output b = b";
    let program = Program::from_text(text).unwrap();
    let error = Circuit::of(&program, Options::default()).unwrap_err();
    assert!(matches!(error, Refused::Sets { .. }));
    assert!(error.to_string().contains("jets, muons"), "{error}");
}

#[test]
fn what_is_far_too_large_is_refused_before_it_is_made() {
    let weights = "89 ".repeat(1_000_000);
    let text = format!(
        "hodoscope-program 1
        program large
        input x channels 1000
          field w unit \"\" lsb 1.0 range 0 100 saturate empty 0
        constant w i8 [1000, 1000] {weights}
        constant b i8 [1000] {}
        value x [1000] u7 frac 0 = input x
        value y [1000] i32 frac 0 = dense x weights w bias b
        output y = y",
        "0 ".repeat(1000)
    );
    let program = Program::from_text(&text).unwrap();
    let error = Circuit::of(&program, Options::default()).unwrap_err();
    assert!(matches!(&error, Refused::Large { value, .. } if value == "y"));
    assert!(error.to_string().contains("'y' (dense)"), "{error}");
}
