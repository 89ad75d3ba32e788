//! What each operator refuses: by node, operator and attribute, with what to do.

mod elements;
mod files;
mod functions;
mod moves;
mod products;
mod quantisers;
mod recurrent;
mod trees;
mod windows;

use crate::import_support::*;
use hodoscope_compiler::import::proto::{
    AttributeProto, NodeProto, OperatorSetIdProto, TensorProto, ValueInfoProto, data_type,
};

/// A node on `x` `[1, 2, 5]`, `other` `[1, 2, 3]`, `row` `[1, 5]`, `number` without axes, whole `counts` `[1, 2, 5]` and
/// `weights` `[2, 2, 3]`, of which the model has nothing else, in operator set 18.
fn refused(
    op: &str,
    inputs: &[&str],
    attributes: Vec<AttributeProto>,
    constants: Vec<TensorProto>,
    parts: &[&str],
) {
    refused_at(18, op, inputs, attributes, constants, parts);
}

/// [`refused`], in any operator set.
fn refused_at(
    opset: i64,
    op: &str,
    inputs: &[&str],
    attributes: Vec<AttributeProto>,
    constants: Vec<TensorProto>,
    parts: &[&str],
) {
    let mut all = vec![
        floats("weights", &[2, 2, 3], &[0.5; 12]),
        int64s("no_axes", &[0], &[]),
    ];
    all.extend(constants);
    let (domain, op) = op.split_once("::").unwrap_or(("", op));
    let refused = NodeProto {
        name: "the_node".into(),
        domain: domain.into(),
        ..node(op, "y", inputs, attributes)
    };
    let mut counts = info("counts", &[1, 2, 5]);
    of_type(&mut counts, data_type::INT64);
    let inputs = vec![
        info("x", &[1, 2, 5]),
        info("other", &[1, 2, 3]),
        info("row", &[1, 5]),
        info("number", &[]),
        counts,
    ];
    let mut model = model(opset, inputs, all, vec![refused], &["y"]);
    model.opset_import.push(OperatorSetIdProto {
        domain: domain.into(),
        version: if domain.is_empty() { opset } else { 1 },
    });
    says(&error(&model), &[&["node 'the_node'", op], parts].concat());
}

fn says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{message:?} does not say {part:?}");
    }
}

/// Changes the element type of an input.
fn of_type(input: &mut ValueInfoProto, element: i32) {
    let tensor = input.r#type.as_mut().and_then(|t| t.tensor_type.as_mut());
    tensor.unwrap().elem_type = element;
}

fn list(name: &str, values: &[f32]) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        floats: values.to_vec(),
        r#type: hodoscope_compiler::import::proto::attribute_type::FLOATS,
        ..Default::default()
    }
}

fn names(name: &str, values: &[&str]) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        strings: values.iter().map(|v| v.as_bytes().to_vec()).collect(),
        r#type: hodoscope_compiler::import::proto::attribute_type::STRINGS,
        ..Default::default()
    }
}
