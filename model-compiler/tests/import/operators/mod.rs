//! Every operator on small numbers, with results worked out by hand from the ONNX specification.

mod elements;
mod files;
mod moves;
mod products;

use crate::import_support::*;
use hodoscope_compiler::{
    graph::{Executor, Kind, Op},
    import::proto::{AttributeProto, NodeProto, TensorProto, data_type},
};

/// Runs one node on `x` (and constants); its first result.
fn apply(
    opset: i64,
    x: (&[i64], &[f32]),
    constants: Vec<TensorProto>,
    node: NodeProto,
) -> (Vec<usize>, Vec<f32>) {
    let output = node.output[0].clone();
    let shape: Vec<usize> = x.0.iter().map(|&d| d as usize).collect();
    let model = model(
        opset,
        vec![info("x", x.0)],
        constants,
        vec![node],
        &[&output],
    );
    let mut out = run(&model, &[t(&shape, x.1)]);
    let out = out.remove(0);
    (out.shape, out.data)
}

fn check(found: (Vec<usize>, Vec<f32>), shape: &[usize], data: &[f32]) {
    assert_eq!(found.0, shape);
    assert_close(&found.1, data, 1e-6);
}

fn unary(op: &str, attributes: Vec<AttributeProto>, x: &[f32], y: &[f32]) {
    let n = x.len();
    check(
        apply(
            20,
            (&[1, n as i64], x),
            vec![],
            node(op, "y", &["x"], attributes),
        ),
        &[1, n],
        y,
    );
}
