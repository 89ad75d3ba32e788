//! Networks that are neither deep sets nor dense chains take the general road: the integer program against the float
//! executor, and the kernels of every plan against the interpreter.
#![allow(clippy::unwrap_used)] // A test that unwraps fails with the line that is wrong.

mod import_support;
#[path = "kernels_support/mod.rs"]
mod kernels_support;
mod networks;

use hodoscope_compiler::graph::{Executor, Graph, simplify};
use hodoscope_compiler::inputs::InputsSpec;
use hodoscope_compiler::plan::{Isa, Plan};

use hodoscope_compiler::quantise::{Activations, Calibration, Options};
use hodoscope_compiler::{Road, quantised};
use hodoscope_interpreter::{Event, Interpreter};
use hodoscope_program::Program;
use networks::{Network, Random};

const CALIBRATION: usize = 200;
const EVENTS: usize = 60;
const SIXTEEN: Options = Options {
    weights: 16,
    activations: Activations::Sixteen,
};
/// Largest rms error at 16 bits, as a fraction of an output's range.
const RMS: f64 = 1.0 / 512.0;

fn compiled(network: &Network, options: &Options) -> (Graph, Program) {
    let graph = import_support::load(&network.model).unwrap();
    let graph = simplify(&graph).unwrap();
    let mut random = Random::new(100);
    let mut inputs = vec![vec![]; graph.inputs().len()];
    for _ in 0..CALIBRATION {
        for (all, event) in inputs.iter_mut().zip((network.event)(&mut random)) {
            all.extend(event);
        }
    }
    let calibration = Calibration::new(&graph, inputs).unwrap();
    let spec = InputsSpec::default();
    let name = network.name;
    let made = quantised(&graph, name, &spec, None, &calibration, options);
    let (quantised, road) = made.unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(matches!(road, Road::General { .. }), "{name}: {road}");
    (graph, quantised.program)
}

/// Events that calibration did not see: floats, and words.
fn events(network: &Network, program: &Program) -> Vec<(Vec<Vec<f32>>, Event)> {
    let mut random = Random::new(200);
    let mut event = || {
        let floats = (network.event)(&mut random);
        let inputs = program.inputs.iter().zip(&floats);
        let words = inputs.map(|(input, values)| {
            let word = |(i, v): (usize, &f32)| input.field(i).encode(f64::from(*v)).unwrap().word;
            values.iter().enumerate().map(word).collect()
        });
        let inputs = words.collect();
        (floats, Event { inputs })
    };
    (0..EVENTS).map(|_| event()).collect()
}

/// rms error of each output as a fraction of its range.
fn errors(network: &Network, graph: &Graph, program: &Program) -> Vec<f64> {
    let executor = Executor::new(graph).unwrap();
    let mut workspace = executor.workspace();
    let interpreter = Interpreter::new(program).unwrap();
    let outputs = program.outputs.len();
    let (mut squares, mut counts) = (vec![0.0; outputs], vec![0.0; outputs]);
    let mut ranges = vec![(f64::INFINITY, f64::NEG_INFINITY); outputs];
    for (floats, event) in events(network, program) {
        let slices: Vec<&[f32]> = floats.iter().map(Vec::as_slice).collect();
        executor.run_all(&mut workspace, &slices).unwrap();
        let raws = interpreter.run(&event).unwrap();
        for (index, (raws, output)) in raws.iter().zip(&program.outputs).enumerate() {
            let scale = &program.value(output.value).scale;
            let float = workspace.value(graph.outputs()[index].value);
            assert_eq!(float.len(), raws.len());
            for (c, (float, raw)) in float.iter().zip(raws).enumerate() {
                let (float, fixed) = (f64::from(*float), *raw as f64 * scale.lsb(c));
                squares[index] += (float - fixed) * (float - fixed);
                counts[index] += 1.0;
                let range = &mut ranges[index];
                *range = (range.0.min(float), range.1.max(float));
            }
        }
    }
    let all = squares.iter().zip(&counts).zip(&ranges);
    all.map(|((squares, count), (low, high))| {
        assert!(high > low, "an output that is constant");
        (squares / count).sqrt() / (high - low)
    })
    .collect()
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
            let executors: Vec<_> = plans.iter().map(kernels_support::Executor::new).collect();
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
        let executor = kernels_support::Executor::new(&plan);
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
