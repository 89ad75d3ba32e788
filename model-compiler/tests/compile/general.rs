//! Networks of many structures: the integer program against the float
//! executor, and the kernels of every plan against the interpreter.

use crate::networks;
use crate::networks::{Network, Random};
use crate::quantised_support::{RMS, SIXTEEN, compile, errors, events};
use hodoscope_compiler::graph::Graph;
use hodoscope_compiler::plan::{Isa, Plan};
use hodoscope_compiler::quantise::Options;
use hodoscope_interpreter::{Event, Interpreter};
use hodoscope_kernel_executor::Executor as Kernels;
use hodoscope_program::Program;

fn compiled(network: &Network, options: &Options) -> (Graph, Program) {
    let name = network.name;
    let made = compile(network, options);
    made.unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn sixteen_bits_agree_with_the_floats() {
    for network in networks::all() {
        let (graph, program) = compiled(&network, &SIXTEEN);
        let errors = errors(&network, &graph, &program);
        println!(
            "{}: rms {errors:?}, {} values",
            network.name,
            program.values.len()
        );
        for error in errors {
            assert!(error <= RMS, "{}: rms {error:.2e}", network.name);
        }
    }
}

/// By the kernels of every core, as the emitted crates call them.
#[test]
fn kernels_give_the_interpreters_bits() {
    for options in [SIXTEEN, Options::default()] {
        for network in networks::all() {
            let (_, program) = compiled(&network, &options);
            let interpreter = Interpreter::new(&program).unwrap();
            let plans = Isa::ALL.map(|isa| Plan::new(&program, isa).unwrap());
            let executors: Vec<_> = plans.iter().map(Kernels::new).collect();
            for (_, event) in events(&network, &program).into_iter().take(3) {
                let expected = interpreter.run(&event).unwrap();
                for (executor, isa) in executors.iter().zip(Isa::ALL) {
                    let found = executor.infer(&event.inputs);
                    assert_eq!(found, expected, "{} on {isa}", network.name);
                }
            }
        }
    }
}

/// The ends of every word's range: what saturates in the kernels saturates in the interpreter.
#[test]
fn kernels_agree_on_words_that_no_event_has() {
    for network in networks::all() {
        let (_, program) = compiled(&network, &Options::default());
        let interpreter = Interpreter::new(&program).unwrap();
        let plan = Plan::portable(&program).unwrap();
        let executor = Kernels::new(&plan);
        let mut random = Random::new(300);
        for _ in 0..4 {
            let inputs: Vec<Vec<i64>> = program
                .inputs
                .iter()
                .map(|input| {
                    let word = |channel: usize| {
                        let field = input.field(channel);
                        match random.below(3) {
                            0 => field.minimum,
                            1 => field.maximum,
                            _ => field.empty,
                        }
                    };
                    (0..input.channels).map(word).collect()
                })
                .collect();
            let event = Event {
                inputs: inputs.clone(),
            };
            let expected = interpreter.run(&event).unwrap();
            assert_eq!(executor.infer(&inputs), expected, "{}", network.name);
        }
    }
}
