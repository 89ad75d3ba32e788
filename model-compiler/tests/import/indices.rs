//! Computed indices: GatherElements and GatherND against their definitions, with constant indices and with those of TopK;
//! Tile.

use crate::import_support::{error, info, int, int64s, model, node, run, t};
use hodoscope_compiler::graph::Tensor;
use hodoscope_compiler::import::proto::{AttributeProto, NodeProto, TensorProto};

/// y of a node that reads `x` of shape `[1, 3, 4]` and the first `k` of its ranks along axis 1, or constant indices.
fn gathered(
    op: &str,
    attributes: Vec<AttributeProto>,
    constants: Vec<TensorProto>,
    before: Vec<NodeProto>,
    x: &Tensor,
) -> Tensor {
    let mut nodes = before;
    nodes.push(node(op, "y", &["x", "i"], attributes));
    let dims: Vec<i64> = x.shape.iter().map(|d| *d as i64).collect();
    let model = model(13, vec![info("x", &dims)], constants, nodes, &["y"]);
    run(&model, std::slice::from_ref(x)).remove(0)
}

fn x() -> Tensor {
    let data = [
        3.0, 1.0, 4.0, 1.0, //
        5.0, 9.0, 2.0, 6.0, //
        5.0, 3.0, 5.0, 8.0,
    ];
    t(&[1, 3, 4], &data)
}

/// Ranks of x along an axis, `i`.
fn ranks(axis: i64, k: i64) -> (Vec<TensorProto>, Vec<NodeProto>) {
    let mut top = node("TopK", "values", &["x", "k"], vec![int("axis", axis)]);
    top.output.push("i".into());
    (vec![int64s("k", &[1], &[k])], vec![top])
}

#[test]
fn gather_elements_of_computed_indices() {
    let (constants, before) = ranks(1, 2);
    let y = gathered(
        "GatherElements",
        vec![int("axis", 1)],
        constants,
        before,
        &x(),
    );
    assert_eq!(y, t(&[1, 2, 4], &[5.0, 9.0, 5.0, 8.0, 5.0, 3.0, 4.0, 6.0]));
    // Along the other axis the indices of the first name columns.
    let (constants, before) = ranks(1, 2);
    let y = gathered(
        "GatherElements",
        vec![int("axis", 2)],
        constants,
        before,
        &x(),
    );
    assert_eq!(y, t(&[1, 2, 4], &[1.0, 1.0, 4.0, 4.0, 2.0, 2.0, 5.0, 9.0]));
}

#[test]
fn gather_elements_of_constant_indices() {
    let list = int64s("i", &[1, 1, 3], &[3, 0, -1]);
    let y = gathered(
        "GatherElements",
        vec![int("axis", 2)],
        vec![list],
        vec![],
        &x(),
    );
    assert_eq!(y, t(&[1, 1, 3], &[1.0, 3.0, 1.0]));
}

#[test]
fn gather_nd_names_rows_and_elements() {
    let list = || int64s("i", &[2, 2], &[0, 2, 0, 1]);
    let y = gathered("GatherND", vec![], vec![list()], vec![], &x());
    assert_eq!(y, t(&[2, 4], &[5.0, 3.0, 5.0, 8.0, 5.0, 9.0, 2.0, 6.0]));
    let list = int64s("i", &[1, 2, 1], &[-1, 0]);
    let y = gathered(
        "GatherND",
        vec![int("batch_dims", 1)],
        vec![list],
        vec![],
        &x(),
    );
    assert_eq!(y, t(&[1, 2, 4], &[5.0, 3.0, 5.0, 8.0, 3.0, 1.0, 4.0, 1.0]));
}

#[test]
fn gather_nd_of_computed_indices() {
    // The ranks of each row of a matrix name rows: the last axis of the indices must have one element.
    let (mut constants, mut before) = ranks(2, 3);
    before[0].output[1] = "ranks".into();
    constants.push(int64s("last", &[1], &[3]));
    before.push(node("Unsqueeze", "i", &["ranks", "last"], vec![]));
    let square = t(&[1, 3, 3], &[3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0, 5.0]);
    let batch = vec![int("batch_dims", 1)];
    let y = gathered("GatherND", batch, constants, before, &square);
    let row = |i: usize| &square.data[3 * i..][..3];
    let order = [[2, 0, 1], [2, 1, 0], [1, 2, 0]];
    let expected: Vec<f32> = order
        .iter()
        .flatten()
        .flat_map(|i| row(*i).to_vec())
        .collect();
    assert_eq!(y, t(&[1, 3, 3, 3], &expected));
}

#[test]
fn tiles() {
    let repeats = int64s("i", &[3], &[1, 2, 3]);
    let y = gathered(
        "Tile",
        vec![],
        vec![repeats],
        vec![],
        &t(&[1, 2, 1], &[1.0, 2.0]),
    );
    assert_eq!(y.shape, [1, 4, 3]);
    assert_eq!(y.data[..6], [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]);
    assert_eq!(y.data[..6], y.data[6..]);
}

#[test]
fn indices_that_name_nothing_are_refused() {
    let refused = |op: &str, attributes: Vec<AttributeProto>, list: TensorProto, part: &str| {
        let nodes = vec![node(op, "y", &["x", "i"], attributes)];
        let model = model(13, vec![info("x", &[1, 3, 4])], vec![list], nodes, &["y"]);
        let error = error(&model);
        assert!(error.contains("'y'") && error.contains(op), "{error}");
        assert!(error.contains(part), "{error}");
    };
    let list = |dims: &[i64], data: &[i64]| int64s("i", dims, data);
    let outside = "an index lies outside of an axis of 3 elements";
    refused(
        "GatherElements",
        vec![int("axis", 1)],
        list(&[1, 1, 1], &[3]),
        outside,
    );
    refused("GatherND", vec![], list(&[1, 2], &[0, -4]), outside);
    let shape = "name no elements of [1, 3, 4]";
    refused("GatherND", vec![], list(&[1, 4], &[0, 0, 0, 0]), shape);
    refused(
        "GatherND",
        vec![int("batch_dims", 2)],
        list(&[1, 1], &[0]),
        shape,
    );
    refused(
        "GatherElements",
        vec![],
        list(&[1, 1], &[0]),
        "do not name elements of [1, 3, 4]",
    );
    refused("Tile", vec![], list(&[2], &[1, 1]), "repeats [1, 1]");
}

#[test]
fn computed_indices_may_count_from_the_end() {
    let cast = node("Cast", "i", &["c"], vec![int("to", 7)]);
    let inputs = || vec![info("x", &[1, 3, 2]), info("c", &[1, 2, 2])];
    let x = t(&[1, 3, 2], &[10.0, 11.0, 20.0, 21.0, 30.0, 31.0]);
    let c = t(&[1, 2, 2], &[-1.0, 0.0, 1.0, -3.0]);
    let elements = node("GatherElements", "y", &["x", "i"], vec![int("axis", 1)]);
    let nodes = vec![cast.clone(), elements];
    let model_of = |nodes| model(13, inputs(), vec![], nodes, &["y"]);
    let y = run(&model_of(nodes), &[x.clone(), c]);
    assert_eq!(y[0].data, [30.0, 11.0, 20.0, 11.0]);
    // Each part of an index has its own axis.
    let nd = node("GatherND", "y", &["x", "i"], vec![int("batch_dims", 1)]);
    let c = t(&[1, 2, 2], &[-1.0, -2.0, 0.0, 1.0]);
    let y = run(&model_of(vec![cast, nd]), &[x, c]);
    assert_eq!(y[0].data, [30.0, 11.0]);
}
