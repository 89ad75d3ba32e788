//! A float model compiled with calibration, and its program against the float executor.
#![allow(dead_code)] // Each test uses its part.

use crate::import_support;
use crate::networks::{Network, Random};
use hodoscope_compiler::graph::{Executor, Graph, simplify};
use hodoscope_compiler::inputs::InputsSpec;
use hodoscope_compiler::quantise::{Activations, Calibration, Options};
use hodoscope_compiler::{CompileError, quantised};
use hodoscope_interpreter::{Event, Interpreter};
use hodoscope_program::Program;

pub const CALIBRATION: usize = 200;
pub const EVENTS: usize = 60;
pub const SIXTEEN: Options = Options {
    weights: 16,
    activations: Activations::Sixteen,
};
/// Largest rms error at 16 bits, as a fraction of an output's range.
pub const RMS: f64 = 1.0 / 512.0;

/// The simplified graph with its program, or why there is none.
pub fn compile(network: &Network, options: &Options) -> Result<(Graph, Program), CompileError> {
    compile_words(network, &InputsSpec::default(), options)
}

/// [`compile`] on words that are stated.
pub fn compile_words(
    network: &Network,
    spec: &InputsSpec,
    options: &Options,
) -> Result<(Graph, Program), CompileError> {
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
    let made = quantised(&graph, network.name, spec, None, &calibration, options);
    made.map(|(quantised, _)| (graph, quantised.program))
}

/// Events that calibration did not see: floats, and words.
pub fn events(network: &Network, program: &Program) -> Vec<(Vec<Vec<f32>>, Event)> {
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
pub fn errors(network: &Network, graph: &Graph, program: &Program) -> Vec<f64> {
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
        assert!(high > low, "{}: an output that is constant", network.name);
        (squares / count).sqrt() / (high - low)
    })
    .collect()
}
