//! Agreement of the float executor with onnxruntime's stored outputs on the reference models of this repository.

use crate::import_support::{TOLERANCE, deviation};
use hodoscope_compiler::{graph::simplify, import};
use std::path::Path;

#[test]
fn reference_models_agree_with_onnxruntime() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models");
    let mut models = Vec::new();
    for entry in std::fs::read_dir(&folder).expect("the folder of reference models") {
        let path = entry.expect("entry").path();
        if path.join("model.onnx").is_file() {
            models.push(path);
        }
    }
    models.sort();
    assert!(models.len() >= 4, "only {models:?}");
    for path in models {
        let graph = import::load(&path.join("model.onnx"))
            .unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let simple = simplify(&graph).expect("simplify");
        for graph in [&graph, &simple] {
            let d = deviation(graph, &path.join("test.npz"), 2000).expect("comparison");
            println!("{}: {d:.1e}", path.display());
            assert!(d <= TOLERANCE, "{} deviates by {d:.1e}", path.display());
        }
    }
}
