//! The int8 autoencoder of MLPerf Tiny, as a QDQ file: its stored integers against those of onnxruntime.

use crate::import_support;
use hodoscope_compiler::exact::exact;
use hodoscope_compiler::import;
use hodoscope_compiler::inputs::InputsSpec;
use hodoscope_interpreter::{Event, Interpreter};
use ndarray::Array2;
use ndarray_npy::NpzReader;
use std::fs::File;

/// Bands of a frame, and successive frames of an event.
const BANDS: usize = 128;
const FRAMES: usize = 5;
/// Zero point of the output: the golden has stored integers, a program's output counts from zero.
const ZERO: i64 = 112;

fn golden() -> Array2<i8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/mlperf.npz");
    let mut npz = NpzReader::new(File::open(path).unwrap()).unwrap();
    npz.by_name("out").unwrap()
}

/// The window, the output, what was found and what onnxruntime gives, wherever they differ.
fn differing() -> Option<Vec<(usize, usize, i64, i64)>> {
    let folder = import_support::shared("mlperf-tiny")?;
    let graph = import::load(&folder.join("deep_autoencoder.onnx")).unwrap();
    let program = exact(&graph, "ad01", &InputsSpec::default()).unwrap();
    let interpreter = Interpreter::new(&program).unwrap();
    let features = std::fs::read(folder.join("normal_id_01_00000000_hist_librosa.bin")).unwrap();
    let (features, _) = features.as_chunks::<4>();
    let features: Vec<f32> = features.iter().map(|b| f32::from_le_bytes(*b)).collect();
    let windows = features.windows(FRAMES * BANDS).step_by(BANDS);
    let golden = golden();
    assert_eq!((windows.len(), golden.dim()), (196, (196, FRAMES * BANDS)));
    let mut differing = vec![];
    for (at, (window, expected)) in windows.zip(golden.rows()).enumerate() {
        let encoded = |v: &f32| program.inputs[0].field(0).encode(f64::from(*v));
        let words = window.iter().map(|v| encoded(v).unwrap().word).collect();
        let inputs = vec![words];
        let found = interpreter.run(&Event { inputs }).unwrap().swap_remove(0);
        assert_eq!(found.len(), expected.len());
        for (output, (found, expected)) in found.iter().zip(expected).enumerate() {
            let expected = i64::from(*expected) - ZERO;
            if *found != expected {
                differing.push((at, output, *found, expected));
            }
        }
    }
    Some(differing)
}

/// ONNX's rule, the quotient of the scales and halves to even, but that onnxruntime multiplies in single precision: one
/// number of 125,440 is beside a tie, −44130 counts, or −65.4999955 of the output's, and there the product is −65.5.
#[test]
fn integers_are_onnxruntimes() {
    let Some(differing) = differing() else { return };
    assert_eq!(differing, [(117, 538, -65, -66)]);
    let ratio = 0.014_648_988_f32 * 0.031_25 / 0.308_425_52;
    assert_eq!(-44_130.0 * ratio, -65.5);
    assert!(
        -44_130.0 * f64::from(0.014_648_988_f32) * 0.031_25 / f64::from(0.308_425_52_f32) > -65.5
    );
}
