//! A model's own functions.

use super::*;
use hodoscope_compiler::import::proto::{FunctionProto, ModelProto};

/// A model whose only node calls the last of `functions`, all of domain `own`.
fn calling(functions: Vec<FunctionProto>) -> ModelProto {
    let name = functions.last().map(|f| f.name.clone()).unwrap_or_default();
    let call = NodeProto {
        name: "call".into(),
        ..own(&name, "x", "y")
    };
    let mut model = model(13, vec![info("x", &[1, 4])], vec![], vec![call], &["y"]);
    model.opset_import.push(OperatorSetIdProto {
        domain: "own".into(),
        version: 1,
    });
    model.functions = functions;
    model
}

fn own(op: &str, input: &str, output: &str) -> NodeProto {
    NodeProto {
        domain: "own".into(),
        ..node(op, output, &[input], vec![])
    }
}

fn function(name: &str, body: Vec<NodeProto>) -> FunctionProto {
    FunctionProto {
        name: name.into(),
        domain: "own".into(),
        input: vec!["a".into()],
        output: vec!["b".into()],
        node: body,
        ..Default::default()
    }
}

#[test]
fn functions() {
    let message = error(&calling(vec![function("F", vec![own("F", "a", "b")])]));
    assert!(message.contains("called by itself"), "{message}");
    // Twenty functions, each of which calls the one before it twice.
    let mut many = vec![function("F0", vec![node("Relu", "b", &["a"], vec![])])];
    for i in 1..20 {
        let before = format!("F{}", i - 1);
        let body = vec![own(&before, "a", "h"), own(&before, "h", "b")];
        many.push(function(&format!("F{i}"), body));
    }
    let message = error(&calling(many));
    assert!(message.contains("more than 65536 nodes"), "{message}");
    // What a function's body lacks is named by the call and the node within.
    let unique = NodeProto {
        name: "unique".into(),
        ..node("Unique", "b", &["a"], vec![])
    };
    let message = error(&calling(vec![function("F", vec![unique])]));
    assert!(message.contains("node 'call/unique'"), "{message}");
    let two = NodeProto {
        input: vec!["x".into(), "x".into()],
        ..own("F", "x", "y")
    };
    let mut model = calling(vec![function("F", vec![node("Relu", "b", &["a"], vec![])])]);
    if let Some(graph) = &mut model.graph {
        graph.node = vec![two];
    }
    let message = error(&model);
    assert!(message.contains("more inputs or outputs"), "{message}");
}

#[test]
fn a_function_that_only_hands_on_is_no_operation() {
    let same = FunctionProto {
        output: vec!["a".into()],
        ..function("Same", vec![])
    };
    let out = run(&calling(vec![same]), &[t(&[1, 4], &[1.0, 2.0, 3.0, 4.0])]);
    assert_eq!(out[0].data, [1.0, 2.0, 3.0, 4.0]);
}
