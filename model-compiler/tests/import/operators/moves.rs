//! What picks, cuts and reshapes.

use super::*;

#[test]
fn moves() {
    let x: (&[i64], &[f32]) = (&[1, 2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let list = |name: &str, v: &[i64]| int64s(name, &[v.len() as i64], v);
    let flat =
        |n: NodeProto, c: Vec<TensorProto>, shape: &[usize]| check(apply(13, x, c, n), shape, x.1);
    flat(
        node("Reshape", "y", &["x", "s"], vec![]),
        vec![list("s", &[0, -1])],
        &[1, 6],
    );
    flat(
        node("Reshape", "y", &["x", "s"], vec![]),
        vec![list("s", &[3, 2])],
        &[3, 2],
    );
    flat(node("Flatten", "y", &["x"], vec![]), vec![], &[1, 6]);
    flat(
        node("Flatten", "y", &["x"], vec![int("axis", -1)]),
        vec![],
        &[2, 3],
    );
    flat(
        node("Flatten", "y", &["x"], vec![int("axis", 3)]),
        vec![],
        &[6, 1],
    );
    flat(
        node("Squeeze", "y", &["x", "a"], vec![]),
        vec![list("a", &[0])],
        &[2, 3],
    );
    flat(
        node("Unsqueeze", "y", &["x", "a"], vec![]),
        vec![list("a", &[-1, 0])],
        &[1, 1, 2, 3, 1],
    );
    check(
        apply(
            11,
            x,
            vec![],
            node("Unsqueeze", "y", &["x"], vec![ints("axes", &[1])]),
        ),
        &[1, 1, 2, 3],
        x.1,
    );
    let transpose = node("Transpose", "y", &["x"], vec![ints("perm", &[0, 2, 1])]);
    check(
        apply(13, x, vec![], transpose),
        &[1, 3, 2],
        &[1.0, 4.0, 2.0, 5.0, 3.0, 6.0],
    );
    check(
        apply(13, x, vec![], node("Transpose", "y", &["x"], vec![])),
        &[3, 2, 1],
        &[1.0, 4.0, 2.0, 5.0, 3.0, 6.0],
    );
    let gather = |indices: TensorProto, axis| {
        apply(
            13,
            x,
            vec![indices],
            node("Gather", "y", &["x", "i"], vec![int("axis", axis)]),
        )
    };
    check(
        gather(list("i", &[2, -3]), 2),
        &[1, 2, 2],
        &[3.0, 1.0, 6.0, 4.0],
    );
    check(gather(int64s("i", &[], &[1]), 1), &[1, 3], &[4.0, 5.0, 6.0]);
    check(
        gather(int64s("i", &[2, 1], &[1, 0]), 2),
        &[1, 2, 2, 1],
        &[2.0, 1.0, 5.0, 4.0],
    );
    let concat = node("Concat", "y", &["x", "x"], vec![int("axis", -1)]);
    check(
        apply(13, x, vec![], concat),
        &[1, 2, 6],
        &[1.0, 2.0, 3.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 4.0, 5.0, 6.0],
    );
    let expand = node("Expand", "y", &["x", "s"], vec![]);
    check(
        apply(
            13,
            (&[1, 2], &[1.0, 2.0]),
            vec![list("s", &[2, 1, 1])],
            expand,
        ),
        &[2, 1, 2],
        &[1.0, 2.0, 1.0, 2.0],
    );
}

/// `squeeze()` of PyTorch: a batch of any number of events is never of one element.
#[test]
fn squeeze_without_axes_keeps_an_open_batch() {
    let squeezed = |batch: i64| {
        let nodes = vec![node("Squeeze", "y", &["x"], vec![])];
        let graph = load(&model(
            13,
            vec![info("x", &[batch, 1, 3, 1])],
            vec![],
            nodes,
            &["y"],
        ));
        let graph = graph.unwrap();
        graph.shape(graph.outputs()[0].value).to_vec()
    };
    assert_eq!(squeezed(-1), [1, 3]);
    assert_eq!(squeezed(1), [3]);
    let nodes = vec![
        node("Transpose", "t", &["x"], vec![ints("perm", &[2, 0, 1])]),
        node("Squeeze", "y", &["t"], vec![]),
    ];
    let moved = error(&model(
        13,
        vec![info("x", &[-1, 1, 3])],
        vec![],
        nodes,
        &["y"],
    ));
    assert!(moved.contains("ambiguous"), "{moved}");
}

#[test]
fn slices() {
    let x: (&[i64], &[f32]) = (&[1, 5], &[0.0, 1.0, 2.0, 3.0, 4.0]);
    let slice = |start: i64, end: i64, step: i64| {
        let c =
            [("s", start), ("e", end), ("a", 1), ("t", step)].map(|(n, v)| int64s(n, &[1], &[v]));
        apply(
            13,
            x,
            c.to_vec(),
            node("Slice", "y", &["x", "s", "e", "a", "t"], vec![]),
        )
        .1
    };
    assert_eq!(slice(1, 3, 1), [1.0, 2.0]);
    assert_eq!(slice(-2, i64::MAX, 1), [3.0, 4.0]);
    assert_eq!(slice(0, 5, 2), [0.0, 2.0, 4.0]);
    assert_eq!(slice(-1, i64::MIN, -1), [4.0, 3.0, 2.0, 1.0, 0.0]);
    assert_eq!(slice(3, 0, -2), [3.0, 1.0]);
    assert_eq!(slice(i64::MAX, i64::MIN, -3), [4.0, 1.0]);
    assert_eq!(slice(2, i64::MAX, i64::MAX), [2.0]);
    let old = node(
        "Slice",
        "y",
        &["x"],
        vec![
            ints("starts", &[1]),
            ints("ends", &[-1]),
            ints("axes", &[1]),
        ],
    );
    assert_eq!(apply(9, x, vec![], old).1, [1.0, 2.0, 3.0]);
}

#[test]
fn splits() {
    let x = t(&[1, 5], &[0.0, 1.0, 2.0, 3.0, 4.0]);
    let parts = |opset, inputs: &[&str], attributes, constants| {
        let split = NodeProto {
            output: vec!["a".into(), "b".into()],
            ..node("Split", "s", inputs, attributes)
        };
        let model = model(
            opset,
            vec![info("x", &[1, 5])],
            constants,
            vec![split],
            &["a", "b"],
        );
        let out = run(&model, std::slice::from_ref(&x));
        (out[0].data.clone(), out[1].data.clone())
    };
    let sizes = vec![int64s("n", &[2], &[1, 4])];
    let expected = (vec![0.0], vec![1.0, 2.0, 3.0, 4.0]);
    assert_eq!(
        parts(13, &["x", "n"], vec![int("axis", 1)], sizes),
        expected
    );
    assert_eq!(
        parts(
            11,
            &["x"],
            vec![int("axis", 1), ints("split", &[1, 4])],
            vec![]
        ),
        expected
    );
    let uneven = (vec![0.0, 1.0, 2.0], vec![3.0, 4.0]);
    assert_eq!(
        parts(
            18,
            &["x"],
            vec![int("axis", 1), int("num_outputs", 2)],
            vec![]
        ),
        uneven
    );
}

/// With the factors as an attribute, as before operator set 9.
#[test]
fn enlargements() {
    let scales = AttributeProto {
        name: "scales".into(),
        floats: vec![1.0, 1.0, 1.0, 3.0],
        r#type: hodoscope_compiler::import::proto::attribute_type::FLOATS,
        ..Default::default()
    };
    let enlarge = node("Upsample", "y", &["x"], vec![scales]);
    let found = apply(8, (&[1, 1, 2, 2], &[1.0, 2.0, 3.0, 4.0]), vec![], enlarge);
    let rows = [1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 3.0, 3.0, 3.0, 4.0, 4.0, 4.0];
    check(found, &[1, 1, 2, 6], &rows);
}

#[test]
fn a_part_that_is_stated_as_empty_is_no_value() {
    let mut split = node("Split", "a", &["x", "sizes"], vec![int("axis", 1)]);
    split.output = ["a", "b", "none"].map(String::from).into();
    let nodes = vec![split, node("Add", "y", &["a", "b"], vec![])];
    let sizes = vec![int64s("sizes", &[3], &[2, 2, 0])];
    let model = model(13, vec![info("x", &[1, 4])], sizes, nodes, &["y"]);
    let found = run(&model, &[t(&[1, 4], &[1.0, 2.0, 3.0, 4.0])]);
    assert_eq!(found[0].data, [4.0, 6.0]);
}
