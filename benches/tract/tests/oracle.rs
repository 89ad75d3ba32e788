//! tract as a second oracle: what it computes of every operator, beside the results of onnxruntime to which this
//! engine's float graph is held (`model-compiler/tests/import/oracle.rs`).

#[path = "../../../model-compiler/tests/oracle/cases.rs"]
mod cases;

use std::collections::BTreeMap;
use std::io::Cursor;

use cases::{Case, cases, difference, operator};
use ndarray::{ArrayD, IxDyn};
use tract_onnx::prelude::*;

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

#[test]
fn tract_and_onnxruntime_agree() {
    let cases = cases("../../model-compiler/tests/oracle/cases.npz");
    let mut agreed = BTreeMap::<&str, usize>::new();
    let (mut wrong, mut refused) = (Vec::new(), 0);
    for (name, case) in &cases {
        let operator = operator(name);
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
