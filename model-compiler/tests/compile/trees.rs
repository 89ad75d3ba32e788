//! Decision trees: as exporters write them against onnxruntime's results, and compiled, where every path must be the float
//! network's and every sum exact. `oracle/trees.py` makes the golden.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use crate::import_support::assert_close;
use hodoscope_compiler::graph::{
    Aggregate, Executor, Forest, Graph, GraphBuilder, Kind, Op, Question, Tensor, TreeNode,
    simplify,
};
use hodoscope_compiler::import;
use hodoscope_compiler::inputs::InputsSpec;
use hodoscope_compiler::plan::{Isa, Plan};
use hodoscope_compiler::quantise::{Activations, Calibration, Options};
use hodoscope_compiler::quantised;
use hodoscope_interpreter::{Event, Interpreter};
use hodoscope_kernel_executor::Executor as Kernels;
use hodoscope_program::{Operation, Program};
use ndarray::{ArrayD, Axis, IxDyn, OwnedRepr};
use ndarray_npy::NpzReader;
use proptest::prelude::*;

/// Largest rms error, as a fraction of the output's range.
const RMS: f64 = 1.0 / 512.0;

struct Golden {
    model: Vec<u8>,
    outputs: Vec<ArrayD<f32>>,
}

/// The events, and each model with onnxruntime's outputs.
fn golden() -> (ArrayD<f32>, BTreeMap<String, Golden>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/trees.npz");
    let mut npz = NpzReader::new(File::open(path).unwrap()).unwrap();
    let names = npz.names().unwrap();
    let mut all = BTreeMap::new();
    for name in names.iter().filter_map(|n| n.strip_suffix(".model")) {
        let model = npz.by_name::<OwnedRepr<u8>, IxDyn>(&format!("{name}.model"));
        let mut outputs = vec![];
        while names.contains(&format!("{name}.out{}", outputs.len())) {
            outputs.push(
                npz.by_name(&format!("{name}.out{}", outputs.len()))
                    .unwrap(),
            );
        }
        let model = model.unwrap().into_iter().collect();
        all.insert(name.to_owned(), Golden { model, outputs });
    }
    (npz.by_name("x").unwrap(), all)
}

fn rows(x: &ArrayD<f32>) -> Vec<Vec<f32>> {
    x.axis_iter(Axis(0))
        .map(|row| row.iter().copied().collect())
        .collect()
}

#[test]
fn exported_ensembles_agree_with_onnxruntime() {
    let (x, models) = golden();
    assert!(models.len() >= 9, "only {} models", models.len());
    for (name, golden) in models {
        let graph = import::from_bytes(&golden.model).unwrap_or_else(|e| panic!("{name}: {e}"));
        for graph in [&graph, &simplify(&graph).unwrap()] {
            let executor = Executor::new(graph).unwrap();
            assert_eq!(graph.outputs().len(), golden.outputs.len(), "{name}");
            for (event, row) in rows(&x).into_iter().enumerate() {
                let x = Tensor::new(vec![1, row.len()], row).unwrap();
                let found = executor.run(&[x]).unwrap();
                for (found, expected) in found.iter().zip(&golden.outputs) {
                    let expected: Vec<f32> = expected
                        .index_axis(Axis(0), event)
                        .iter()
                        .copied()
                        .collect();
                    assert_close(&found.data, &expected, 1e-5);
                }
            }
        }
    }
}

/// A program for `graph`, calibrated with `events`.
fn compiled(graph: &Graph, spec: &InputsSpec, events: &[Vec<f32>]) -> Program {
    let graph = simplify(graph).unwrap();
    let calibration = Calibration::new(&graph, vec![events.concat()]).unwrap();
    let options = Options::default();
    let (quantised, _) = quantised(&graph, "trees", spec, None, &calibration, &options).unwrap();
    quantised.program
}

/// A program of 16-bit activations for `graph`, whatever its structure.
fn in_general(graph: &Graph, events: &[Vec<f32>]) -> Program {
    let graph = simplify(graph).unwrap();
    let calibration = Calibration::new(&graph, vec![events.concat()]).unwrap();
    let options = Options {
        activations: Activations::Sixteen,
        ..Options::default()
    };
    let spec = InputsSpec::default();
    let made = quantised(&graph, "trees", &spec, None, &calibration, &options);
    made.unwrap().0.program
}

fn words(program: &Program, row: &[f32]) -> Event {
    let input = &program.inputs[0];
    let word = |(c, v): (usize, &f32)| input.field(c).encode(f64::from(*v)).unwrap().word;
    Event {
        inputs: vec![row.iter().enumerate().map(word).collect()],
    }
}

#[test]
fn compiled_ensembles_keep_labels_and_scores() {
    let (x, models) = golden();
    let rows = rows(&x);
    for (name, golden) in &models {
        let graph = import::from_bytes(&golden.model).unwrap();
        let program = match name.as_str() {
            // A softmax of three classes.
            "sk_gb3" | "xgb3" => in_general(&graph, &rows),
            _ => compiled(&graph, &InputsSpec::default(), &rows),
        };
        let has_trees = |v: &hodoscope_program::Value| matches!(v.operation, Operation::Trees(_));
        assert!(program.values.iter().any(has_trees), "{name}");
        assert_eq!(Program::from_text(&program.to_text()).unwrap(), program);
        let interpreter = Interpreter::new(&program).unwrap();
        let plans = Isa::ALL.map(|isa| Plan::new(&program, isa).unwrap());
        for (output, expected) in program.outputs.iter().zip(&golden.outputs) {
            let index = program.outputs.iter().position(|o| o == output).unwrap();
            let scale = &program.value(output.value).scale;
            let (mut squares, mut low, mut high) = (0.0, f64::INFINITY, f64::NEG_INFINITY);
            for (event, row) in rows.iter().enumerate() {
                let raws = interpreter
                    .run(&words(&program, row))
                    .unwrap()
                    .swap_remove(index);
                let expected = expected.index_axis(Axis(0), event);
                assert_eq!(raws.len(), expected.len());
                for (c, (raw, expected)) in raws.iter().zip(expected).enumerate() {
                    let expected = f64::from(*expected);
                    squares += (*raw as f64 * scale.lsb(c) - expected).powi(2);
                    low = low.min(expected);
                    high = high.max(expected);
                }
            }
            let rms = f64::sqrt(squares / expected.len() as f64) / (high - low);
            println!("{name} {}: rms {rms:.2e} of {:.2}", output.name, high - low);
            // Labels are whole numbers: not one may differ.
            let bar = if output.name == "label" { 0.0 } else { RMS };
            assert!(rms <= bar, "{name} {}: rms {rms:.2e}", output.name);
        }
        for row in rows.iter().take(100) {
            let event = words(&program, row);
            let outputs = interpreter.run(&event).unwrap();
            for plan in &plans {
                let seen = Kernels::new(plan).infer(&event.inputs);
                assert_eq!(seen, outputs, "{name} {}", plan.isa);
            }
        }
    }
}

const FEATURES: usize = 3;
/// Value of one count of the features: a power of two, and two that are none.
const STEPS: [f64; FEATURES] = [0.25, 0.1, 0.03];

fn spec() -> InputsSpec {
    let fields = STEPS.iter().enumerate().map(|(i, lsb)| {
        format!("[[input.x.field]]\nname = \"f{i}\"\nlsb = {lsb}\nminimum = -128\nmaximum = 127\n")
    });
    InputsSpec::parse(&fields.collect::<String>()).unwrap()
}

/// Feature and threshold, question, whether the tree ends here, values of the leaf.
type Drawn = ((usize, f32), usize, bool, Vec<i32>);

/// A tree below a node: leaves on a grid of 1/64, thresholds on words and between them.
fn tree(targets: usize) -> impl Strategy<Value = Vec<TreeNode>> {
    let threshold = (0..FEATURES, -130i32..130, any::<bool>()).prop_map(|(f, word, half)| {
        let word = f64::from(word) + if half { 0.5 } else { 0.0 };
        (f, (word * STEPS[f]) as f32)
    });
    let node = (
        threshold,
        0..6usize,
        any::<bool>(),
        prop::collection::vec(-512i32..512, targets),
    );
    prop::collection::vec(node, 1..16).prop_map(move |nodes| {
        const QUESTIONS: [Question; 6] = [
            Question::LessOrEqual,
            Question::Less,
            Question::GreaterOrEqual,
            Question::Greater,
            Question::Equal,
            Question::NotEqual,
        ];
        let count = nodes.len();
        let node = |(at, node): (usize, Drawn)| {
            let ((feature, threshold), question, ends, values) = node;
            let (yes, no) = (2 * at + 1, 2 * at + 2);
            match no < count && !(ends && at > 2) {
                true => TreeNode::Branch {
                    feature,
                    question: QUESTIONS[question],
                    threshold,
                    missing: false,
                    yes,
                    no,
                },
                false => TreeNode::Leaf(values.iter().map(|v| *v as f32 / 64.0).collect()),
            }
        };
        nodes.into_iter().enumerate().map(node).collect()
    })
}

fn forests() -> impl Strategy<Value = Forest> {
    let aggregates = [
        Aggregate::Sum,
        Aggregate::Min,
        Aggregate::Max,
        Aggregate::Average,
    ];
    (
        1..4usize,
        prop::sample::select(aggregates.to_vec()),
        0..3u32,
    )
        .prop_flat_map(|(targets, aggregate, doublings)| {
            // A mean of 2^k trees stays on the grid.
            let count = match aggregate {
                Aggregate::Average => 1 << doublings..(1 << doublings) + 1,
                _ => 1..6usize,
            };
            let base = prop::collection::vec(-256i32..256, targets);
            (prop::collection::vec(tree(targets), count), base).prop_map(move |(trees, base)| {
                Forest {
                    features: FEATURES,
                    targets,
                    trees,
                    aggregate,
                    base: base.iter().map(|b| *b as f32 / 64.0).collect(),
                }
            })
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Every path is the float network's, and every sum is exact.
    #[test]
    fn any_forest_is_computed_exactly(
        forest in forests(),
        events in prop::collection::vec(prop::collection::vec(-128i64..128, FEATURES), 40),
    ) {
        let mut builder = GraphBuilder::new("forest");
        let x = builder.input("x", vec![1, FEATURES], Kind::Float).unwrap();
        let y = builder.push("trees", Op::Trees(Box::new(forest.clone())), &[x]).unwrap();
        builder.output("y", y).unwrap();
        let graph = builder.finish();
        let float = |row: &[i64]| -> Vec<f32> {
            row.iter().zip(STEPS).map(|(word, step)| (*word as f64 * step) as f32).collect()
        };
        let rows: Vec<Vec<f32>> = events.iter().map(|row| float(row)).collect();
        let program = compiled(&graph, &spec(), &rows);
        let interpreter = Interpreter::new(&program).unwrap();
        let scale = &program.value(program.outputs[0].value).scale;
        for (row, words) in rows.iter().zip(&events) {
            let raws = interpreter.run(&Event { inputs: vec![words.clone()] }).unwrap().swap_remove(0);
            let found: Vec<f64> = raws.iter().enumerate().map(|(c, raw)| *raw as f64 * scale.lsb(c)).collect();
            let mut expected = vec![0.0; forest.targets];
            forest.evaluate(row, &mut expected);
            let expected: Vec<f64> = expected.into_iter().map(f64::from).collect();
            prop_assert_eq!(found, expected, "{:?}", words);
        }
    }
}
