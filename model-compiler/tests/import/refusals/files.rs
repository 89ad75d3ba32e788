//! What is wrong with a file as a whole: its inputs, outputs and constants.

use super::*;
use hodoscope_compiler::import::{
    self,
    proto::{ModelProto, SparseTensorProto, StringStringEntryProto},
};
use prost::Message as _;

/// `y = x + w`, with the constant changed.
fn sum(w: TensorProto) -> ModelProto {
    let nodes = vec![node("Add", "y", &["x", "w"], vec![])];
    model(13, vec![info("x", &[1, 4])], vec![w], nodes, &["y"])
}

fn w() -> TensorProto {
    floats("w", &[4], &[1.0; 4])
}

#[test]
fn graphs() {
    let mut twice = sum(w());
    twice.graph.as_mut().unwrap().initializer.push(w());
    says(&error(&twice), &["'w'", "more than once", "corrupt"]);
    let mut blind = sum(w());
    blind.graph.as_mut().unwrap().output.clear();
    says(
        &error(&blind),
        &["not an ONNX model", "no output", "truncated"],
    );
    let mut sparse = sum(w());
    sparse.graph.as_mut().unwrap().sparse_initializer =
        vec![SparseTensorProto { values: Some(w()) }];
    says(&error(&sparse), &["tensor 'w'", "sparse", "dense weights"]);
    let mut words = sum(w());
    of_type(
        &mut words.graph.as_mut().unwrap().input[0],
        data_type::STRING,
    );
    says(&error(&words), &["input 'x'", "string", "float32 inputs"]);
}

#[test]
fn constants() {
    let of = |code, changed: TensorProto| {
        error(&sum(TensorProto {
            data_type: code,
            ..changed
        }))
    };
    let mut large = int64s("w", &[1], &[]);
    large.uint64_data = vec![u64::MAX];
    says(
        &of(data_type::UINT64, large),
        &["tensor 'w'", "uint64", "int64"],
    );
    let mut nibbles = int64s("w", &[4], &[]);
    nibbles.raw_data = vec![0x21];
    says(
        &of(data_type::INT4, nibbles),
        &["tensor 'w'", "1 bytes", "4 bits"],
    );
    let many = int64s("w", &[1 << 23], &[]);
    says(
        &of(data_type::INT64, many),
        &["tensor 'w'", "integers, more than"],
    );
    // One of the four kinds of 8-bit floats.
    says(&of(17, w()), &["tensor 'w'", "float8", "float32"]);
}

#[cfg(unix)]
#[test]
fn data_behind_a_link() {
    let outside = tempfile::tempdir().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let data = outside.path().join("weights.bin");
    std::fs::write(&data, [0; 16]).unwrap();
    std::os::unix::fs::symlink(&data, folder.path().join("weights.bin")).unwrap();
    let location = StringStringEntryProto {
        key: "location".into(),
        value: "weights.bin".into(),
    };
    let linked = TensorProto {
        float_data: vec![],
        data_location: 1,
        external_data: vec![location],
        ..w()
    };
    let path = folder.path().join("model.onnx");
    std::fs::write(&path, sum(linked).encode_to_vec()).unwrap();
    let message = import::load(&path).unwrap_err().to_string();
    says(
        &message,
        &["tensor 'w'", "a link out of the model's folder", "refused"],
    );
}

#[test]
fn constants_without_a_name_are_named_by_their_node() {
    let infinite = tensor("value", floats("", &[2], &[1.0, f32::INFINITY]));
    let nodes = vec![
        node("Constant", "w", &[], vec![infinite]),
        node("Add", "y", &["x", "w"], vec![]),
    ];
    let message = error(&model(13, vec![info("x", &[1, 2])], vec![], nodes, &["y"]));
    says(&message, &["tensor 'w'", "element 1 is inf"]);
}
