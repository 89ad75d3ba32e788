//! Quantised networks of the shared jets, in every dialect: their own integers against the exporter's result.

use std::fs::File;
use std::path::Path;

use crate::import_support::shared;
use hodoscope_compiler::exact::{Quantisers, exact, quantisers};
use hodoscope_compiler::import;
use hodoscope_compiler::inputs::InputsSpec;
use hodoscope_interpreter::{Event, Interpreter};
use hodoscope_program::Program;
use ndarray::{ArrayD, Axis};
use ndarray_npy::NpzReader;

fn array(path: &Path, name: &str) -> ArrayD<f32> {
    let file = File::open(path).expect("stored events");
    NpzReader::new(file)
        .expect("npz")
        .by_name(name)
        .expect("array")
}

/// The outputs' values for every event.
fn outputs(program: &Program, x: &ArrayD<f32>) -> Vec<Vec<f64>> {
    let interpreter = Interpreter::new(program).expect("program");
    let input = &program.inputs[0];
    let output = &program.outputs[0];
    let scale = &program.value(output.value).scale;
    let answer = |values: ndarray::ArrayViewD<'_, f32>| {
        let words = values.iter().enumerate().map(|(channel, value)| {
            let field = input.field(channel);
            field.encode(f64::from(*value)).expect("finite").word
        });
        let event = Event {
            inputs: vec![words.collect()],
        };
        let raws = interpreter.run(&event).expect("event").remove(0);
        let values = raws.iter().enumerate();
        values.map(|(c, raw)| *raw as f64 * scale.lsb(c)).collect()
    };
    x.axis_iter(Axis(0)).map(answer).collect()
}

/// Counts events whose outputs differ by more than `tolerance`, and the largest difference.
fn differing(file: &str, stored: &str, array_name: &str, tolerance: f64) -> Option<(usize, f64)> {
    let folder = shared("jets")?;
    let graph = import::load(&folder.join(file)).expect("import");
    let graph = match quantisers(&graph).expect("quantisers") {
        Quantisers::Spelled(graph) => *graph,
        _ => graph,
    };
    let mut spec = InputsSpec::default();
    if file == "top_pfn8.qop_u8s8.onnx" {
        // Its mask reads the words, too.
        spec.set_type("x=fixed<32,12>").expect("words");
    }
    let program = exact(&graph, "jets", &spec).unwrap_or_else(|error| panic!("{file}: {error}"));
    let stem = file.split('.').next().unwrap_or_default();
    let x = array(&folder.join(format!("{stem}.test.npz")), "x");
    let expected = array(&folder.join(stored), array_name);
    let mut worst = 0.0f64;
    let mut wrong = 0;
    for (found, expected) in outputs(&program, &x)
        .iter()
        .zip(expected.axis_iter(Axis(0)))
    {
        assert_eq!(found.len(), expected.len());
        let difference = |(found, expected): (&f64, &f32)| (found - f64::from(*expected)).abs();
        let event = found.iter().zip(expected.iter()).map(difference);
        let event = event.fold(0.0, f64::max);
        wrong += usize::from(event > tolerance);
        worst = worst.max(event);
    }
    println!(
        "{file}: {wrong}/{} events differ, by {worst:e} at most",
        expected.len_of(Axis(0))
    );
    Some((wrong, worst))
}

/// Powers of two: every event, to the last bit that single precision shows.
#[test]
fn brevitas_with_powers_of_two_is_exact() {
    for form in [
        "qonnx_ts",
        "qonnx_dyn",
        "qonnx_clean",
        "qcdq_ts",
        "qcdq_dyn",
    ] {
        let file = format!("qat_mlp_w6a6_po2.{form}.onnx");
        let stored = "qat_mlp_w6a6_po2.test.npz";
        // The stored result is rounded to single precision behind its last addition.
        let result = differing(&file, stored, "torch_fakequant.float", 1e-6);
        if let Some((wrong, _)) = result {
            assert_eq!(wrong, 0, "{file}");
        }
    }
}

/// Quantisers that tf2onnx spelled in Pow, Mul, Floor: every event, to the last bit.
#[test]
fn hgq2_is_exact() {
    let stored = "hgq_mlp.test.npz";
    if let Some((wrong, _)) = differing("hgq_mlp.tf13.onnx", stored, "Identity:0.float", 0.0) {
        assert_eq!(wrong, 0);
    }
}

#[test]
fn brevitas_with_scales_per_channel() {
    for form in ["qonnx_ts", "qonnx_dyn", "qonnx_clean", "qcdq_ts"] {
        let file = format!("qat_mlp_w4a8_perchan.{form}.onnx");
        let stored = "qat_mlp_w4a8_perchan.test.npz";
        let result = differing(&file, stored, "torch_fakequant.float", 1e-5);
        if let Some((wrong, _)) = result {
            assert_eq!(wrong, 0, "{file}: {wrong} events differ");
        }
    }
}

#[test]
fn onnxruntimes_static_quantisation() {
    for (model, forms) in [
        (
            "l1_ae57_recon",
            ["qdq_s8s8", "qdq_u8s8_perchan", "qdq_s16s8", "qop_u8s8"],
        ),
        (
            "top_pfn8",
            ["qdq_s8s8", "qdq_u8s8_perchan", "qdq_s16s8", "qop_u8s8"],
        ),
    ] {
        for form in forms {
            let file = format!("{model}.{form}.onnx");
            let stored = format!("{model}.{form}.out.npz");
            let Some((wrong, worst)) = differing(&file, &stored, "out", 1e-5) else {
                continue;
            };
            match form {
                // Single precision: the sums of onnxruntime have 24 bits, those of 16-bit activations 16 + 8 and more. A value
                // beside a tie of the next quantiser falls to its other side; in double precision it does not.
                "qdq_s16s8" => {
                    let (events, largest) = match model {
                        "l1_ae57_recon" => (102, 2.6e-4),
                        _ => (52, 1e-4),
                    };
                    assert!(
                        wrong <= events && worst < largest,
                        "{file}: {wrong}, {worst:e}"
                    );
                }
                // Words are rounded before the first quantiser is.
                "qop_u8s8" if model == "top_pfn8" => assert!(wrong <= 2, "{file}: {wrong}"),
                _ => assert_eq!(wrong, 0, "{file}: {wrong} events differ"),
            }
        }
    }
}
