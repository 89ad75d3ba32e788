//! Every operator against onnxruntime: small random networks with its results, made by `oracle/generate.py`.
//!
//! The golden is committed, so that no Python is needed; `HODOSCOPE_ORACLE=X.npz` names another one, with more cases.

#[path = "../oracle/cases.rs"]
mod cases;

use cases::{Case, cases, difference, operator};
use hodoscope_compiler::graph::{Executor, Tensor, simplify};
use hodoscope_compiler::import;
use ndarray::ArrayD;

/// Operators in the golden; fewer mean that some went missing.
const OPERATORS: usize = 164;

/// What is wrong with a case, if anything is.
fn check(case: &Case) -> Result<(), String> {
    let graph = import::from_bytes(&case.model).map_err(|e| e.to_string())?;
    let simple = simplify(&graph).map_err(|e| e.to_string())?;
    let tensor = |array: &ArrayD<f32>| {
        Tensor::new(array.shape().to_vec(), array.iter().copied().collect()).expect("a tensor")
    };
    let inputs: Vec<Tensor> = case.inputs.iter().map(tensor).collect();
    for (what, graph) in [("imported", &graph), ("simplified", &simple)] {
        let executor = Executor::new(graph).map_err(|e| e.to_string())?;
        let found = executor.run(&inputs).map_err(|e| e.to_string())?;
        let found: Vec<ArrayD<f32>> = found
            .into_iter()
            .map(|tensor| ArrayD::from_shape_vec(tensor.shape, tensor.data).expect("an array"))
            .collect();
        if let Some(difference) = difference(&found, &case.outputs) {
            return Err(format!("{what}: {difference}"));
        }
    }
    Ok(())
}

#[test]
fn every_operator_agrees_with_onnxruntime() {
    let cases = cases("tests/oracle/cases.npz");
    let mut operators: Vec<&str> = cases.keys().map(|name| operator(name)).collect();
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
