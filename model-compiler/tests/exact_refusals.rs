//! What the exact road refuses of a quantised network: the node, input or output, the operation, and what to do.
#![allow(clippy::unwrap_used)] // A test that unwraps fails with the line that is wrong.

mod import_support;

use hodoscope_compiler::exact::exact;
use hodoscope_compiler::import::proto::NodeProto;
use hodoscope_compiler::inputs::InputsSpec;
use import_support::*;

/// `x` `[1, 4]` behind a quantiser of 8 bits, then the given nodes, of which the last gives the output `y`.
fn refused(nodes: Vec<NodeProto>, parts: &[&str]) {
    let constants = vec![
        floats("scale", &[], &[0.125]),
        floats("zero", &[], &[0.0]),
        floats("bits", &[], &[8.0]),
        floats("third", &[1], &[0.333]),
    ];
    let quantiser = NodeProto {
        domain: "qonnx.custom_op.general".into(),
        ..node("Quant", "q", &["x", "scale", "zero", "bits"], vec![])
    };
    let nodes = [vec![quantiser], nodes].concat();
    let mut model = model(13, vec![info("x", &[1, 4])], constants, nodes, &["y"]);
    model
        .opset_import
        .push(hodoscope_compiler::import::proto::OperatorSetIdProto {
            domain: "qonnx.custom_op.general".into(),
            version: 1,
        });
    let graph = load(&model).unwrap();
    let message = exact(&graph, "refused", &InputsSpec::default())
        .unwrap_err()
        .to_string();
    for part in parts {
        assert!(message.contains(part), "{message:?} does not say {part:?}");
    }
}

#[test]
fn functions_that_nothing_quantises() {
    let sigmoid = node("Sigmoid", "y", &["q"], vec![]);
    refused(vec![sigmoid], &["output 'y'", "Sigmoid", "add a quantiser"]);
}

#[test]
fn inputs_whose_words_are_not_known() {
    let sum = node("Add", "y", &["x", "q"], vec![]);
    refused(vec![sum], &["input 'x'", "not stated", "--input"]);
}

#[test]
fn operations_without_integers() {
    let softmax = node("LogSoftmax", "the_node", &["q"], vec![int("axis", 1)]);
    let after = node("Relu", "y", &["the_node"], vec![]);
    refused(vec![softmax, after], &["node 'the_node'", "LogSoftmax"]);
}
