//! tract as a second oracle: what it computes of every operator, beside the results of onnxruntime to which this
//! engine's float graph is held (`model-compiler/tests/import/oracle.rs`).

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Cursor;
use std::path::PathBuf;

use ndarray::{ArrayD, IxDyn, OwnedRepr};
use ndarray_npy::NpzReader;
use tract_onnx::prelude::*;

/// As for the float graph.
const TOLERANCE: f32 = 1e-5;
const TERMS: f32 = 0.1;

/// Operators of which tract computes some networks otherwise than onnxruntime does.
const DIFFERENT: [&str; 6] = [
    "Celu",
    "GRU",
    "LSTM",
    "Pad",
    "RNN",
    "ml.TreeEnsembleClassifier",
];
/// Operators of which tract agrees in one network at least; fewer mean that some went missing.
const OPERATORS: usize = 91;

struct Case {
    model: Vec<u8>,
    inputs: Vec<ArrayD<f32>>,
    outputs: Vec<ArrayD<f32>>,
}

fn cases() -> BTreeMap<String, Case> {
    let golden = || {
        PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("../../model-compiler/tests/oracle/cases.npz")
    };
    let path = std::env::var_os("HODOSCOPE_ORACLE").map_or_else(golden, PathBuf::from);
    let mut npz = NpzReader::new(File::open(&path).expect("the golden")).expect("an npz");
    let names = npz.names().expect("names");
    let mut cases = BTreeMap::new();
    for name in names.iter().filter_map(|n| n.strip_suffix(".model")) {
        let model: ArrayD<u8> = npz
            .by_name::<OwnedRepr<u8>, IxDyn>(&format!("{name}.model"))
            .expect("the model's bytes");
        let mut list = |what: &str| {
            let mut arrays: Vec<ArrayD<f32>> = Vec::new();
            while names.contains(&format!("{name}.{what}{}", arrays.len())) {
                let name = format!("{name}.{what}{}", arrays.len());
                arrays.push(npz.by_name(&name).expect("floats"));
            }
            arrays
        };
        let case = Case {
            inputs: list("in"),
            outputs: list("out"),
            model: model.iter().copied().collect(),
        };
        cases.insert(name.to_owned(), case);
    }
    cases
}

/// What tract answers, or why it does not.
fn answers(case: &Case) -> TractResult<Vec<ArrayD<f32>>> {
    let mut model = tract_onnx::onnx().model_for_read(&mut Cursor::new(&case.model))?;
    for (at, input) in case.inputs.iter().enumerate() {
        model.set_input_fact(at, f32::fact(input.shape()).into())?;
    }
    let model = model.into_typed()?.into_runnable()?;
    let inputs = case.inputs.iter().map(|input| {
        let data: Vec<f32> = input.iter().copied().collect();
        Ok(Tensor::from_shape(input.shape(), &data)?.into_tvalue())
    });
    let outputs = model.run(inputs.collect::<TractResult<_>>()?)?;
    outputs
        .iter()
        .map(|output| {
            let floats = output.cast_to::<f32>()?;
            let data = floats.try_as_plain_ram()?.as_slice::<f32>()?.to_vec();
            Ok(ArrayD::from_shape_vec(IxDyn(output.shape()), data)?)
        })
        .collect()
}

/// What is wrong with an answer, if anything is.
fn difference(found: &[ArrayD<f32>], wanted: &[ArrayD<f32>]) -> Option<String> {
    if found.len() != wanted.len() {
        return Some(format!("{} outputs, not {}", found.len(), wanted.len()));
    }
    for (found, wanted) in found.iter().zip(wanted) {
        if found.shape() != wanted.shape() {
            return Some(format!(
                "shape {:?}, not {:?}",
                found.shape(),
                wanted.shape()
            ));
        }
        let squares: f32 = wanted.iter().map(|v| v * v).sum();
        let rms = (squares / wanted.len() as f32).sqrt();
        for (f, w) in found.iter().zip(wanted) {
            let close = (f - w).abs() <= TOLERANCE * w.abs().max(rms).max(TERMS);
            if !close {
                return Some(format!("{f}, onnxruntime has {w}"));
            }
        }
    }
    None
}

#[test]
fn tract_and_onnxruntime_agree() {
    let cases = cases();
    let mut agreed = BTreeMap::<&str, usize>::new();
    let (mut wrong, mut refused) = (Vec::new(), 0);
    for (name, case) in &cases {
        let operator = name
            .rsplit_once('.')
            .map_or(name.as_str(), |(operator, _)| operator);
        // What tract does not take, it refuses, or panics.
        let answers = std::panic::catch_unwind(|| answers(case));
        let Ok(Ok(found)) = answers else {
            refused += 1;
            continue;
        };
        match difference(&found, &case.outputs) {
            None => *agreed.entry(operator).or_default() += 1,
            Some(_) if DIFFERENT.contains(&operator) => refused += 1,
            Some(difference) => wrong.push(format!("{name}: {difference}")),
        }
    }
    println!(
        "{} of {} networks of {} operators agree, {refused} are refused or of {DIFFERENT:?}",
        agreed.values().sum::<usize>(),
        cases.len(),
        agreed.len(),
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(agreed.len() >= OPERATORS, "{agreed:?}");
}
