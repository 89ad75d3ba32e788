//! Every operator against onnxruntime: small random networks with its results, made by `oracle/generate.py`.
//!
//! The golden is committed, so that no Python is needed; `HODOSCOPE_ORACLE=X.npz` names another one, with more cases.

use hodoscope_compiler::graph::{Executor, Tensor, simplify};
use hodoscope_compiler::import;
use ndarray::{ArrayD, IxDyn, OwnedRepr};
use ndarray_npy::NpzReader;
use std::{collections::BTreeMap, fs::File, path::PathBuf};

/// Largest deviation, relative to the result or to the root mean square of all, whichever is larger, or to the terms that
/// may have cancelled in it: those are of order one.
const TOLERANCE: f32 = 1e-5;
const TERMS: f32 = 0.1;
/// Operators in the golden; fewer mean that some went missing.
const OPERATORS: usize = 101;

struct Case {
    model: Vec<u8>,
    inputs: Vec<Tensor>,
    outputs: Vec<Tensor>,
}

fn cases() -> BTreeMap<String, Case> {
    let golden = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/cases.npz");
    let path = std::env::var_os("HODOSCOPE_ORACLE").map_or_else(golden, PathBuf::from);
    let file = File::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut npz = NpzReader::new(file).expect("an npz");
    let names = npz.names().expect("names");
    let mut cases = BTreeMap::new();
    for name in names.iter().filter_map(|n| n.strip_suffix(".model")) {
        let model = npz
            .by_name::<OwnedRepr<u8>, IxDyn>(&format!("{name}.model"))
            .expect("the model's bytes");
        let mut list = |what: &str| {
            let mut tensors = Vec::new();
            while names.contains(&format!("{name}.{what}{}", tensors.len())) {
                let array: ArrayD<f32> = npz
                    .by_name(&format!("{name}.{what}{}", tensors.len()))
                    .expect("floats");
                let data = array.iter().copied().collect();
                tensors.push(Tensor::new(array.shape().to_vec(), data).expect("a tensor"));
            }
            tensors
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

/// What is wrong with a case, if anything is.
fn check(case: &Case) -> Result<(), String> {
    let graph = import::from_bytes(&case.model).map_err(|e| e.to_string())?;
    let simple = simplify(&graph).map_err(|e| e.to_string())?;
    for (what, graph) in [("imported", &graph), ("simplified", &simple)] {
        let executor = Executor::new(graph).map_err(|e| e.to_string())?;
        let found = executor.run(&case.inputs).map_err(|e| e.to_string())?;
        if found.len() != case.outputs.len() || case.outputs.is_empty() {
            return Err(format!("{what}: {} outputs", found.len()));
        }
        for (found, wanted) in found.iter().zip(&case.outputs) {
            if found.shape != wanted.shape {
                return Err(format!(
                    "{what}: shape {:?}, not {:?}",
                    found.shape, wanted.shape
                ));
            }
            let squares: f32 = wanted.data.iter().map(|v| v * v).sum();
            let rms = (squares / wanted.data.len() as f32).sqrt();
            for (f, w) in found.data.iter().zip(&wanted.data) {
                let close = (f - w).abs() <= TOLERANCE * w.abs().max(rms).max(TERMS);
                if !close {
                    return Err(format!("{what}: {f}, onnxruntime has {w}"));
                }
            }
        }
    }
    Ok(())
}

#[test]
fn every_operator_agrees_with_onnxruntime() {
    let cases = cases();
    let mut operators: Vec<&str> = cases
        .keys()
        .filter_map(|name| Some(name.rsplit_once('.')?.0))
        .collect();
    operators.dedup();
    assert!(
        operators.len() >= OPERATORS,
        "only {} operators",
        operators.len()
    );
    let failures: Vec<String> = cases
        .iter()
        .filter_map(|(name, case)| Some(format!("{name}: {}", check(case).err()?)))
        .collect();
    println!("{} cases of {} operators", cases.len(), operators.len());
    assert!(
        failures.is_empty(),
        "{} of {}:\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
}
