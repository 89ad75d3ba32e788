//! Quantised networks against those who define them: QONNX's Trunc and BipolarQuant as the qonnx package executes them, and
//! convolutions as onnxruntime quantises and computes them. `oracle/quantised.py` makes the golden.

use std::fs::File;
use std::path::Path;

use crate::import_support::assert_close;
use hodoscope_compiler::exact::{Quantisers, exact, quantisers};
use hodoscope_compiler::graph::{Executor, Graph, Op, Tensor};
use hodoscope_compiler::import;
use hodoscope_compiler::inputs::InputsSpec;
use hodoscope_interpreter::{Event, Interpreter};
use ndarray::{ArrayD, Axis, IxDyn, OwnedRepr};
use ndarray_npy::NpzReader;

struct Golden {
    name: String,
    model: Vec<u8>,
    /// By event.
    x: ArrayD<f32>,
    out: ArrayD<f32>,
}

/// The models whose names start with `prefix`.
fn golden(prefix: &str) -> Vec<Golden> {
    golden_of("quantised.npz", prefix)
}

fn golden_of(file: &str, prefix: &str) -> Vec<Golden> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/oracle")
        .join(file);
    let mut npz = NpzReader::new(File::open(path).unwrap()).unwrap();
    let names = npz.names().unwrap();
    let models = names.iter().filter_map(|n| n.strip_suffix(".model"));
    let models = models.filter(|n| n.starts_with(prefix));
    models
        .map(|name| {
            let own = format!("{name}.x");
            let x = if names.contains(&own) { &own } else { "x" };
            let model = npz.by_name::<OwnedRepr<u8>, IxDyn>(&format!("{name}.model"));
            Golden {
                name: name.to_owned(),
                model: model.unwrap().into_iter().collect(),
                x: npz.by_name(x).unwrap(),
                out: npz.by_name(&format!("{name}.out")).unwrap(),
            }
        })
        .collect()
}

/// Holds the float executor and the exact program to the golden; numbers may differ by `within`.
fn check(golden: &Golden, spec: &InputsSpec, within: f64) {
    let name = &golden.name;
    let graph = import::from_bytes(&golden.model).unwrap_or_else(|e| panic!("{name}: {e}"));
    check_graph(golden, &graph, &graph, spec, within);
}

/// Holds the float executor of `graph` and the exact program of `quantised` to the golden.
fn check_graph(golden: &Golden, graph: &Graph, quantised: &Graph, spec: &InputsSpec, within: f64) {
    let name = &golden.name;
    let executor = Executor::new(graph).unwrap();
    let program = exact(quantised, "golden", spec).unwrap_or_else(|e| panic!("{name}: {e}"));
    let interpreter = Interpreter::new(&program).unwrap();
    let input = &program.inputs[0];
    let scale = &program.value(program.outputs[0].value).scale;
    let shape = graph.shape(graph.inputs()[0].value).to_vec();
    for (row, expected) in golden
        .x
        .axis_iter(Axis(0))
        .zip(golden.out.axis_iter(Axis(0)))
    {
        let row: Vec<f32> = row.iter().copied().collect();
        let expected: Vec<f32> = expected.iter().copied().collect();
        let word = |(c, v): (usize, &f32)| input.field(c).encode(f64::from(*v)).unwrap().word;
        let words = row.iter().enumerate().map(word).collect();
        let event = Event {
            inputs: vec![words],
        };
        let raws = interpreter.run(&event).unwrap().swap_remove(0);
        assert_eq!(raws.len(), expected.len());
        for (c, (raw, expected)) in raws.iter().zip(&expected).enumerate() {
            let found = *raw as f64 * scale.lsb(c);
            let missed = (found - f64::from(*expected)).abs();
            assert!(
                missed <= within,
                "{name}: {found} is not {expected}: {row:?}"
            );
        }
        let x = Tensor::new(shape.clone(), row).unwrap();
        let found = executor.run(&[x]).unwrap();
        assert_close(&found[0].data, &expected, 1e-6);
    }
}

#[test]
fn trunc_in_every_rounding_mode() {
    let all = golden("trunc");
    assert_eq!(
        all.len(),
        64,
        "two versions, eight modes, signs, narrow, zero points"
    );
    for golden in all {
        check(&golden, &InputsSpec::default(), 0.0);
    }
}

/// Quantisers spelled in arithmetic: every rounding, wrapping and saturating, a width for each element. The spelled graph
/// and the recognised one give onnxruntime's numbers, and so do the integers.
#[test]
fn quantisers_of_hgq2_keep_their_integers() {
    let all = golden_of("hgq2.npz", "");
    assert_eq!(all.len(), 13);
    for golden in all {
        let name = &golden.name;
        let graph = import::from_bytes(&golden.model).unwrap_or_else(|e| panic!("{name}: {e}"));
        let Quantisers::Spelled(quantised) = quantisers(&graph).unwrap() else {
            panic!("{name}: its quantisers are not recognised");
        };
        let found = quantised.nodes().iter();
        let found = found.filter(|node| matches!(node.op, Op::FixedPoint(_)));
        assert_eq!(found.count(), 3, "{name}");
        for reference in [&graph, &*quantised] {
            check_graph(&golden, reference, &quantised, &InputsSpec::default(), 0.0);
        }
    }
}

#[test]
fn bipolar_numbers_and_weights() {
    // Words of 10 bits, since a bipolar quantiser does not say what its operand's are.
    let mut words = InputsSpec::default();
    words.set_type("x=fixed<10,5>").unwrap();
    let all = golden("bipolar");
    assert_eq!(all.len(), 3);
    for golden in all {
        let own = golden.name == "bipolar_weights";
        let spec = if own { &InputsSpec::default() } else { &words };
        check(&golden, spec, 0.0);
    }
}

#[test]
fn convolutions_as_onnxruntime_quantises_them() {
    let all = golden("ort");
    assert_eq!(all.len(), 2);
    for golden in all {
        // The product of an integer and the step, in single precision there.
        check(&golden, &InputsSpec::default(), 1e-6);
    }
}
