//! Products, sums over axes and normalisation.

use super::*;

#[test]
fn matrices() {
    let constants = || {
        vec![
            floats("w", &[5, 3], &[0.5; 15]),
            floats("c", &[2, 3], &[0.5; 6]),
        ]
    };
    refused("Gemm", &["x", "w"], vec![], constants(), &["two axes"]);
    refused(
        "Gemm",
        &["row", "w", "c"],
        vec![],
        constants(),
        &["C does not broadcast"],
    );
    refused(
        "Conv",
        &["x", "w"],
        vec![],
        constants(),
        &["as many axes", "[5, 3]"],
    );
    refused("MatMul", &["number", "w"], vec![], constants(), &["MatMul"]);
}

#[test]
fn equations() {
    let check = |equation: &str, inputs: &[&str], parts: &[&str]| {
        let equation_of = vec![string("equation", equation)];
        refused(
            "Einsum",
            inputs,
            equation_of,
            vec![],
            &[&["'equation'", equation], parts].concat(),
        );
    };
    check("ij,jk->ik", &["x"], &["names 2 operands, the node has 1"]);
    check("ij->i", &["x"], &["2 labels", "3 axes"]);
    check("...abcd->a", &["x"], &["too many labels"]);
    check("ijk->ijl", &["x"], &["label that is not in an operand"]);
    check("ijk->ii", &["x"], &["or twice"]);
    check("i1k->i", &["x"], &["'i1k'", "no list of labels"]);
    check(
        "ijk,ijl,il->k",
        &["x", "other"],
        &["names 3 operands, the node has 2"],
    );
    let differ = vec![string("equation", "ijk,ijk->ij")];
    refused(
        "Einsum",
        &["x", "other"],
        differ,
        vec![],
        &["differ along 'k'"],
    );
    refused("Einsum", &["x"], vec![], vec![], &["'equation'", "missing"]);
}

#[test]
fn normalisation() {
    let constants = |variance: f32, channels: usize| {
        let count = channels as i64;
        vec![
            floats("ones", &[count], &vec![1.0; channels]),
            floats("variance", &[count], &vec![variance; channels]),
        ]
    };
    let check = |opset, attributes, constants, parts: &[&str]| {
        let inputs = ["x", "ones", "ones", "ones", "variance"];
        refused_at(
            opset,
            "BatchNormalization",
            &inputs,
            attributes,
            constants,
            parts,
        );
    };
    check(
        18,
        vec![int("training_mode", 1)],
        constants(1.0, 2),
        &["'training_mode'", "model.eval()"],
    );
    check(
        8,
        vec![int("spatial", 0)],
        constants(1.0, 2),
        &["'spatial'", "per channel"],
    );
    check(
        18,
        vec![],
        constants(1.0, 3),
        &["scale has 3 elements", "(2)"],
    );
    check(18, vec![], constants(-1.0, 2), &["variance is -1"]);
    let inputs = ["number", "ones", "ones", "ones", "variance"];
    refused(
        "BatchNormalization",
        &inputs,
        vec![],
        constants(1.0, 2),
        &["[batch, channels"],
    );
    let half = vec![int("stash_type", 10)];
    refused(
        "LayerNormalization",
        &["x", "ones"],
        half,
        constants(1.0, 5),
        &["'stash_type'", "float32"],
    );
}

#[test]
fn reductions() {
    for op in ["GlobalAveragePool", "MaxPool"] {
        refused(op, &["row"], vec![], vec![], &["one spatial axis at least"]);
    }
    let noop = vec![int("noop_with_empty_axes", 1)];
    refused(
        "ReduceL2",
        &["x"],
        noop,
        vec![],
        &["'noop_with_empty_axes'", "not supported"],
    );
    let axes = vec![int64s("axes", &[2], &[1, -2])];
    refused_at(
        13,
        "ReduceSum",
        &["x", "axes"],
        vec![],
        axes,
        &["[1, -2] are not distinct"],
    );
    // A batch of four: the sum would go over four events.
    let sum = node("ReduceMean", "y", &["x"], vec![]);
    let mut batched = model(13, vec![info("x", &[4, 3])], vec![], vec![sum], &["y"]);
    batched.graph.as_mut().unwrap().output = vec![info("y", &[4, 1])];
    says(
        &error(&batched),
        &["node 'y'", "ReduceMean", "the batch, too", "with axes"],
    );
}

#[test]
fn order() {
    refused_at(9, "TopK", &["x"], vec![], vec![], &["'k'", "missing"]);
    let two = vec![int64s("k", &[2], &[1, 2])];
    refused("TopK", &["x", "k"], vec![], two, &["must be one"]);
    refused_at(9, "Pad", &["x"], vec![], vec![], &["'pads'", "missing"]);
}
