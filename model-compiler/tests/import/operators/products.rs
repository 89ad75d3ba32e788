//! Products, sums over axes and normalisation.

use super::*;

#[test]
fn gemm_in_all_forms() {
    let x: (&[i64], &[f32]) = (&[2, 2], &[1.0, 2.0, 3.0, 4.0]);
    let b = || floats("b", &[2, 3], &[1.0, 0.0, 2.0, 0.0, 1.0, 1.0]);
    let bt = floats("b", &[3, 2], &[1.0, 0.0, 0.0, 1.0, 2.0, 1.0]);
    let y = [1.0, 2.0, 4.0, 3.0, 4.0, 10.0];
    // [2, 2] is kept: its output's shape is not declared to have the same leading extent as a batch.
    let gemm = |attributes| node("Gemm", "y", &["x", "b"], attributes);
    let with = |c: TensorProto, attributes| {
        let model = model(
            13,
            vec![info("x", &[2, 2]), info("unused", &[1])],
            vec![b(), c],
            vec![node("Gemm", "y", &["x", "b", "c"], attributes)],
            &["y"],
        );
        run(&model, &[t(&[2, 2], x.1), t(&[1], &[0.0])])
            .remove(0)
            .data
    };
    let plain = |c: TensorProto, attributes: Vec<AttributeProto>| {
        let model = model(
            13,
            vec![info("x", &[2, 2]), info("unused", &[1])],
            vec![c],
            vec![gemm(attributes)],
            &["y"],
        );
        run(&model, &[t(&[2, 2], x.1), t(&[1], &[0.0])])
            .remove(0)
            .data
    };
    assert_close(&plain(b(), vec![]), &y, 1e-6);
    assert_close(&plain(bt, vec![int("transB", 1)]), &y, 1e-6);
    assert_close(
        &plain(b(), vec![int("transA", 1)]),
        &[1.0, 3.0, 5.0, 2.0, 4.0, 8.0],
        1e-6,
    );
    assert_close(
        &plain(b(), vec![float("alpha", 0.5)]),
        &y.map(|v| v / 2.0),
        1e-6,
    );
    let c = [10.0, 20.0, 30.0];
    let added = [11.0, 22.0, 34.0, 13.0, 24.0, 40.0];
    assert_close(&with(floats("c", &[3], &c), vec![]), &added, 1e-6);
    assert_close(&with(floats("c", &[1, 3], &c), vec![]), &added, 1e-6);
    assert_close(
        &with(
            floats("c", &[3], &c.map(|v| v / 2.0)),
            vec![float("beta", 2.0)],
        ),
        &added,
        1e-6,
    );
    assert_close(
        &with(floats("c", &[], &[1.0]), vec![]),
        &y.map(|v| v + 1.0),
        1e-6,
    );
    assert_close(
        &with(floats("c", &[2, 1], &[1.0, 2.0]), vec![]),
        &[2.0, 3.0, 5.0, 5.0, 6.0, 12.0],
        1e-6,
    );
}

#[test]
fn matmul_of_vectors_matrices_and_batches() {
    let two = |a: &[i64], da: &[f32], b: &[i64], db: &[f32]| {
        let nodes = vec![node("MatMul", "y", &["x", "z"], vec![])];
        // An unused input of one axis says that leading extents are no batch.
        let inputs = vec![info("x", a), info("z", b), info("unused", &[1])];
        let shape = |s: &[i64]| s.iter().map(|&d| d as usize).collect::<Vec<_>>();
        let model = model(13, inputs, vec![], nodes, &["y"]);
        let out = run(
            &model,
            &[t(&shape(a), da), t(&shape(b), db), t(&[1], &[0.0])],
        )
        .remove(0);
        (out.shape, out.data)
    };
    check(
        two(&[1, 2], &[1.0, 2.0], &[2, 1], &[3.0, 4.0]),
        &[1, 1],
        &[11.0],
    );
    check(two(&[2], &[1.0, 2.0], &[2], &[3.0, 4.0]), &[], &[11.0]);
    check(
        two(&[2], &[1.0, 2.0], &[2, 2], &[1.0, 2.0, 3.0, 4.0]),
        &[2],
        &[7.0, 10.0],
    );
    check(
        two(&[2, 2], &[1.0, 2.0, 3.0, 4.0], &[2], &[1.0, 2.0]),
        &[2],
        &[5.0, 11.0],
    );
    check(
        two(&[2, 1, 2], &[1.0, 2.0, 3.0, 4.0], &[1, 2, 1], &[1.0, 10.0]),
        &[2, 1, 1],
        &[21.0, 43.0],
    );
}

#[test]
fn einsum_forms() {
    let pool = |equation: &str, z: &[i64], p: &[i64], shape: &[usize], y: &[f32]| {
        let nodes = vec![node(
            "Einsum",
            "y",
            &["z", "p"],
            vec![string("equation", equation)],
        )];
        let size = |s: &[i64]| s.iter().map(|&d| d as usize).collect::<Vec<_>>();
        let ramp = |s: &[i64]| {
            (0..s.iter().product::<i64>())
                .map(|i| i as f32 + 1.0)
                .collect::<Vec<_>>()
        };
        let model = model(13, vec![info("z", z), info("p", p)], vec![], nodes, &["y"]);
        let out = run(&model, &[t(&size(z), &ramp(z)), t(&size(p), &ramp(p))]).remove(0);
        check((out.shape, out.data), shape, y);
    };
    pool("bn,bnc->bc", &[1, 2], &[1, 2, 2], &[1, 2], &[7.0, 10.0]);
    pool("bnc,bn->bc", &[1, 2, 2], &[1, 2], &[1, 2], &[7.0, 10.0]);
    pool("bn,bnc", &[1, 2], &[1, 2, 2], &[2], &[7.0, 10.0]);
    pool(
        "...n,...nc->...c",
        &[1, 2],
        &[1, 2, 2],
        &[1, 2],
        &[7.0, 10.0],
    );
    pool(
        "bi,bj->bij",
        &[1, 2],
        &[1, 2],
        &[1, 2, 2],
        &[1.0, 2.0, 2.0, 4.0],
    );
    pool(
        "bi,bj->bji",
        &[1, 2],
        &[1, 3],
        &[1, 3, 2],
        &[1.0, 2.0, 2.0, 4.0, 3.0, 6.0],
    );
    pool("bn,bnc->b", &[1, 2], &[1, 2, 2], &[1], &[17.0]);
    pool(
        "bnc,bmc->bnm",
        &[1, 2, 2],
        &[1, 2, 2],
        &[1, 2, 2],
        &[5.0, 11.0, 11.0, 25.0],
    );
    let weights = || vec![floats("w", &[2, 3], &[1.0, 0.0, 2.0, 0.0, 1.0, 1.0])];
    let x: (&[i64], &[f32]) = (&[1, 2, 2], &[1.0, 2.0, 3.0, 4.0]);
    let y = [1.0, 2.0, 4.0, 3.0, 4.0, 10.0];
    for (equation, operands) in [
        ("bnc,cd->bnd", ["x", "w"]),
        ("cd,bnc->bnd", ["w", "x"]),
        ("...c,cd->...d", ["x", "w"]),
    ] {
        let nodes = vec![node(
            "Einsum",
            "y",
            &operands,
            vec![string("equation", equation)],
        )];
        let model = model(13, vec![info("x", x.0)], weights(), nodes, &["y"]);
        let simple =
            hodoscope_compiler::graph::simplify(&load(&model).expect("import")).expect("simplify");
        assert!(
            matches!(simple.nodes()[..], [ref n] if matches!(n.op, Op::Dense { .. })),
            "{simple}"
        );
        check(
            {
                let out = run(&model, &[t(&[1, 2, 2], x.1)]).remove(0);
                (out.shape, out.data)
            },
            &[1, 2, 3],
            &y,
        );
    }
    check(
        apply(
            13,
            x,
            vec![],
            node("Einsum", "y", &["x"], vec![string("equation", "bij->bji")]),
        ),
        &[1, 2, 2],
        &[1.0, 3.0, 2.0, 4.0],
    );
}

#[test]
fn reductions_with_axes_as_attribute_and_as_input() {
    let x: (&[i64], &[f32]) = (&[1, 2, 2], &[1.0, -2.0, 3.0, 4.0]);
    for (op, y) in [
        ("ReduceSum", [4.0, 2.0]),
        ("ReduceMean", [2.0, 1.0]),
        ("ReduceMax", [3.0, 4.0]),
        ("ReduceMin", [1.0, -2.0]),
        ("ReduceProd", [3.0, -8.0]),
        ("ReduceSumSquare", [10.0, 20.0]),
        ("ReduceL1", [4.0, 6.0]),
        ("ReduceL2", [10f32.sqrt(), 20f32.sqrt()]),
    ] {
        let attributes = vec![ints("axes", &[-2]), int("keepdims", 0)];
        check(
            apply(11, x, vec![], node(op, "y", &["x"], attributes)),
            &[1, 2],
            &y,
        );
        let axes = vec![int64s("a", &[1], &[1])];
        check(
            apply(18, x, axes, node(op, "y", &["x", "a"], vec![])),
            &[1, 1, 2],
            &y,
        );
    }
    check(
        apply(
            13,
            x,
            vec![],
            node("ReduceSum", "y", &["x"], vec![int("keepdims", 0)]),
        ),
        &[],
        &[6.0],
    );
    let noop = node(
        "ReduceSum",
        "y",
        &["x"],
        vec![int("noop_with_empty_axes", 1)],
    );
    check(apply(13, x, vec![], noop), &[1, 2, 2], x.1);
    check(
        apply(
            13,
            x,
            vec![],
            node("GlobalAveragePool", "y", &["x"], vec![]),
        ),
        &[1, 2, 1],
        &[-0.5, 3.5],
    );
    check(
        apply(13, x, vec![], node("GlobalMaxPool", "y", &["x"], vec![])),
        &[1, 2, 1],
        &[1.0, 4.0],
    );
}

#[test]
fn normalisations() {
    let x: (&[i64], &[f32]) = (&[1, 2, 2], &[1.0, 2.0, 3.0, 4.0]);
    let p = [
        ("g", [1.0, 2.0]),
        ("b", [0.0, 1.0]),
        ("m", [1.0, 2.0]),
        ("v", [4.0, 1.0]),
    ];
    let parameters = p.map(|(n, v)| floats(n, &[2], &v)).to_vec();
    let norm = node(
        "BatchNormalization",
        "y",
        &["x", "g", "b", "m", "v"],
        vec![float("epsilon", 0.0)],
    );
    check(
        apply(15, x, parameters, norm),
        &[1, 2, 2],
        &[0.0, 0.5, 3.0, 5.0],
    );
    let layer = node(
        "LayerNormalization",
        "y",
        &["x", "g", "b"],
        vec![float("epsilon", 0.0)],
    );
    let parameters = [("g", [1.0, 2.0]), ("b", [0.0, 1.0])]
        .map(|(n, v)| floats(n, &[2], &v))
        .to_vec();
    check(
        apply(17, x, parameters, layer),
        &[1, 2, 2],
        &[-1.0, 3.0, -1.0, 3.0],
    );
    let e = 1.0 / (1.0 + 1f32.exp());
    let soft = node("Softmax", "y", &["x"], vec![]);
    check(
        apply(13, x, vec![], soft.clone()),
        &[1, 2, 2],
        &[e, 1.0 - e, e, 1.0 - e],
    );
    // Before operator set 13 the axes from 1 on are one.
    let total: f32 = (0..4).map(|i| (-(i as f32)).exp()).sum();
    let together: Vec<f32> = (0..4).map(|i| (i as f32 - 3.0).exp() / total).collect();
    check(apply(11, x, vec![], soft), &[1, 2, 2], &together);
    let log = node("LogSoftmax", "y", &["x"], vec![]);
    check(
        apply(13, x, vec![], log),
        &[1, 2, 2],
        &[e.ln(), (1.0 - e).ln(), e.ln(), (1.0 - e).ln()],
    );
}

#[test]
fn determinants() {
    let matrix: (&[i64], &[f32]) = (&[1, 2, 2], &[3.0, 1.0, 4.0, 2.0]);
    let det = || node("Det", "y", &["x"], vec![]);
    check(apply(11, matrix, vec![], det()), &[1], &[2.0]);
    let three: (&[i64], &[f32]) = (&[1, 3, 3], &[2.0, 0.0, 1.0, 1.0, 3.0, 2.0, 1.0, 1.0, 4.0]);
    check(apply(11, three, vec![], det()), &[1], &[18.0]);
    // Of constants of any size: a permutation of four rows with factors.
    let mut rows = [0.0; 16];
    for (row, (column, value)) in [(1, 2.0), (0, 3.0), (3, 0.5), (2, 4.0)]
        .into_iter()
        .enumerate()
    {
        rows[row * 4 + column] = value;
    }
    let model = model(
        13,
        vec![info("x", &[1])],
        vec![floats("m", &[4, 4], &rows)],
        vec![
            node("Det", "d", &["m"], vec![]),
            node("Mul", "y", &["x", "d"], vec![]),
        ],
        &["y"],
    );
    assert_eq!(run(&model, &[t(&[1], &[2.0])])[0].data, [24.0]);
}
