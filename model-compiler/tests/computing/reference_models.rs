//! The four reference taggers through the whole compiler, against onnxruntime's float outputs.

use std::fs::File;
use std::path::PathBuf;
use std::time::Instant;

use hodoscope_compiler::graph::Graph;
use hodoscope_compiler::inputs::InputsSpec;
use hodoscope_compiler::quantise::{Activations, Calibration, Options};
use hodoscope_compiler::{Compiled, compile, import};
use hodoscope_interpreter::{Event, Interpreter};
use hodoscope_program::Program;
use ndarray::{ArrayD, Axis};
use ndarray_npy::NpzReader;

const MODELS: [&str; 4] = ["ae-qcd", "efn-top", "pfn-qg", "vae-l1"];

fn folder(model: &str) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.join("../models").join(model)
}

fn array(model: &str, file: &str, name: &str) -> ArrayD<f32> {
    let file = File::open(folder(model).join(file)).unwrap();
    NpzReader::new(file).unwrap().by_name(name).unwrap()
}

fn labels(model: &str) -> Vec<bool> {
    let file = File::open(folder(model).join("test.npz")).unwrap();
    let mut npz = NpzReader::new(file).unwrap();
    let name = "labels";
    if let Ok(labels) = npz.by_name::<ndarray::OwnedRepr<i64>, ndarray::Ix1>(name) {
        return labels.iter().map(|l| *l != 0).collect();
    }
    let labels: ndarray::Array1<i32> = npz.by_name(name).unwrap();
    labels.iter().map(|l| *l != 0).collect()
}

fn compiled(model: &str, options: &Options) -> (Graph, Compiled) {
    let graph = import::load(&folder(model).join("model.onnx")).unwrap();
    let spec = std::fs::read_to_string(folder(model).join("inputs.toml")).unwrap();
    let spec = InputsSpec::parse(&spec).unwrap();
    let inputs = graph.inputs().iter();
    let inputs = inputs.map(|input| {
        array(model, "calibration.npz", &input.name)
            .into_iter()
            .collect()
    });
    let calibration = Calibration::new(&graph, inputs.collect()).unwrap();
    let result = compile(&graph, model, &spec, None, &calibration, options).unwrap();
    (graph, result)
}

/// Words of each event of an array `[events, …]`.
fn events(program: &Program, values: &ArrayD<f32>) -> Vec<Event> {
    let input = &program.inputs[0];
    let word = |(i, v): (usize, &f32)| {
        input
            .field(i % input.channels)
            .encode(f64::from(*v))
            .unwrap()
            .word
    };
    values
        .axis_iter(Axis(0))
        .map(|event| Event {
            inputs: vec![event.iter().enumerate().map(word).collect()],
        })
        .collect()
}

fn auc(labels: &[bool], scores: &[f64]) -> f64 {
    let (mut wins, mut pairs) = (0.0, 0.0);
    for (s, _) in scores.iter().zip(labels).filter(|(_, l)| **l) {
        for (b, _) in scores.iter().zip(labels).filter(|(_, l)| !**l) {
            pairs += 1.0;
            wins += if s > b {
                1.0
            } else if s == b {
                0.5
            } else {
                0.0
            };
        }
    }
    wins / pairs
}

/// AUC of the float scores and of the fixed ones, on the committed test set.
fn figures(model: &str, options: &Options) -> (f64, f64) {
    let started = Instant::now();
    let (_, compiled) = compiled(model, options);
    let seconds = started.elapsed().as_secs_f64();
    let program = compiled.program();
    assert_eq!(Program::from_text(&program.to_text()).unwrap(), *program);
    let interpreter = Interpreter::new(program).unwrap();
    let output = &program.outputs[0];
    let scale = &program.value(output.value).scale;
    let values = array(model, "test.npz", &program.inputs[0].name);
    let fixed: Vec<f64> = events(program, &values)
        .iter()
        .map(|event| interpreter.run(event).unwrap()[0][0] as f64 * scale.lsb(0))
        .collect();
    let float = array(model, "test.npz", &format!("{}.float", output.name));
    let float: Vec<f64> = float.iter().map(|v| f64::from(*v)).collect();
    let labels = labels(model);
    let (float, fixed) = (auc(&labels, &float), auc(&labels, &fixed));
    println!("{model} {options:?}: {seconds:.2} s, AUC {float:.5} -> {fixed:.5}");
    println!("  {:?}", compiled.quantised.calibration);
    for format in &compiled.quantised.formats {
        println!("  {format:?}");
    }
    (float, fixed)
}

#[test]
fn auc_holds_at_the_default_widths() {
    for model in MODELS {
        let (float, fixed) = figures(model, &Options::default());
        assert!(fixed >= float - 0.003, "{model}: {float} -> {fixed}");
    }
}

#[test]
fn auc_holds_at_sixteen_bit_activations() {
    let activations = Activations::Sixteen;
    for model in MODELS {
        let (float, fixed) = figures(
            model,
            &Options {
                activations,
                ..Options::default()
            },
        );
        assert!(fixed >= float - 0.001, "{model}: {float} -> {fixed}");
    }
}
