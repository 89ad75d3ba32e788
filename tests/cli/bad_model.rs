//! Models that are damaged or not supported: refused by name, exit code 2, nothing written.

use std::fs;

use hodoscope_compiler::graph::Op;
use hodoscope_compiler::{graph::simplify, import};

use crate::*;

/// `compile` and `inspect` refuse these bytes, name the things, and write nothing.
fn refused(place: &Place, bytes: &[u8], names: &[&str]) {
    let file = place.path("broken.onnx");
    fs::write(&file, bytes).expect("a file");
    let dir = place.path("new");
    let mut all = vec!["broken.onnx"];
    all.extend(names);
    fails(&mut compile(&file, &calibration(), &dir), 2, &all);
    assert!(!dir.exists());
    fails(hodoscope().arg("inspect").arg(&file), 2, &all);
}

fn bytes() -> Vec<u8> {
    fs::read(model()).expect("the reference model")
}

/// Replaces the only or every occurrence of `from` by `to`, of the same length.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = bytes.to_vec();
    let mut found = 0;
    for start in 0..=bytes.len() - from.len() {
        if bytes[start..].starts_with(from) {
            bytes[start..start + from.len()].copy_from_slice(to);
            found += 1;
        }
    }
    assert!(found > 0);
    bytes
}

#[test]
fn missing_and_foreign_files() {
    let place = Place::new();
    let dir = place.path("new");
    let none = place.path("none.onnx");
    fails(
        &mut compile(&none, &calibration(), &dir),
        2,
        &["none.onnx", "no such file"],
    );
    assert!(!dir.exists());
    refused(&place, b"", &["empty"]);
    refused(&place, b"PK\x03\x04 a checkpoint", &["zip"]);
    refused(&place, b"{\"format\": \"json\"}", &["not an ONNX model"]);
    refused(&place, &[0xff; 64], &["not an ONNX model"]);
}

#[test]
fn truncated_models() {
    let place = Place::new();
    let bytes = bytes();
    for part in 1..8 {
        refused(
            &place,
            &bytes[..bytes.len() * part / 8],
            &["not an ONNX model"],
        );
    }
}

#[test]
fn unknown_operators() {
    let place = Place::new();
    // The type of every rectifier; its length stands before it.
    refused(
        &place,
        &replaced(&bytes(), b"\x04Relu", b"\x04Rexu"),
        &["Rexu", "not supported"],
    );
}

#[test]
fn weights_that_are_no_numbers() {
    let place = Place::new();
    let graph = import::load(&model()).map(|graph| simplify(&graph).expect("a graph"));
    let graph = graph.expect("the reference model");
    let mut biases = graph.nodes().iter().filter_map(|node| match &node.op {
        Op::Dense { bias, .. } => bias.first_chunk::<2>().copied(),
        _ => None,
    });
    // Two neighbours are enough to find a bias in the file.
    let [first, second] = biases.next_back().expect("a dense layer with a bias");
    let from = [first.to_le_bytes(), second.to_le_bytes()].concat();
    for value in [f32::NAN, f32::NEG_INFINITY] {
        let to = [value.to_le_bytes(), second.to_le_bytes()].concat();
        refused(
            &place,
            &replaced(&bytes(), &from, &to),
            &["element 0", &value.to_string()],
        );
    }
}
