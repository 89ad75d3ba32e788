//! Every operator on small numbers, with results worked out by hand from the ONNX specification.

mod import_support;

use hodoscope_compiler::{
    graph::{Executor, Kind, Op},
    import::proto::{AttributeProto, NodeProto, TensorProto, data_type},
};
use import_support::*;

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

#[test]
fn functions_of_one_element() {
    let x = [-2.0f32, -0.5, 0.0, 0.5, 2.0];
    let of = |f: fn(f64) -> f64| x.map(|v| f(f64::from(v)) as f32);
    unary("Neg", vec![], &x, &of(|v| -v));
    unary("Abs", vec![], &x, &of(f64::abs));
    unary("Relu", vec![], &x, &of(|v| v.max(0.0)));
    unary("Exp", vec![], &x, &of(f64::exp));
    unary(
        "Sqrt",
        vec![],
        &[0.0, 2.0, 9.0],
        &[0.0, std::f32::consts::SQRT_2, 3.0],
    );
    unary("Log", vec![], &[1.0, 2.0], &[0.0, std::f32::consts::LN_2]);
    unary("Sigmoid", vec![], &x, &of(|v| 1.0 / (1.0 + (-v).exp())));
    unary("Tanh", vec![], &x, &of(f64::tanh));
    unary("Softplus", vec![], &x, &of(|v| (1.0 + v.exp()).ln()));
    unary("Softplus", vec![], &[100.0, -100.0], &[100.0, 0.0]);
    unary("Softsign", vec![], &x, &of(|v| v / (1.0 + v.abs())));
    unary("Mish", vec![], &x, &of(|v| v * (1.0 + v.exp()).ln().tanh()));
    unary(
        "HardSwish",
        vec![],
        &x,
        &of(|v| v * (v / 6.0 + 0.5).clamp(0.0, 1.0)),
    );
    unary("Reciprocal", vec![], &[2.0, -4.0], &[0.5, -0.25]);
    unary("Floor", vec![], &[-1.5, 1.5], &[-2.0, 1.0]);
    unary("Ceil", vec![], &[-1.5, 1.5], &[-1.0, 2.0]);
    unary(
        "Round",
        vec![],
        &[0.5, 1.5, 2.5, -0.5],
        &[0.0, 2.0, 2.0, 0.0],
    );
    unary("Sign", vec![], &x, &[-1.0, -1.0, 0.0, 1.0, 1.0]);
    unary("Erf", vec![], &[0.5, -1.0], &[0.520_499_9, -0.842_700_8]);
    unary(
        "LeakyRelu",
        vec![],
        &x,
        &of(|v| if v < 0.0 { 0.01 * v } else { v }),
    );
    unary(
        "LeakyRelu",
        vec![float("alpha", 0.25)],
        &x,
        &of(|v| if v < 0.0 { 0.25 * v } else { v }),
    );
    unary(
        "Elu",
        vec![float("alpha", 2.0)],
        &x,
        &of(|v| if v < 0.0 { 2.0 * (v.exp() - 1.0) } else { v }),
    );
    unary(
        "Celu",
        vec![float("alpha", 2.0)],
        &x,
        &of(|v| {
            if v < 0.0 {
                2.0 * ((v / 2.0).exp() - 1.0)
            } else {
                v
            }
        }),
    );
    unary(
        "Selu",
        vec![],
        &x,
        &of(|v| {
            1.050_701
                * if v < 0.0 {
                    1.673_263_2 * (v.exp() - 1.0)
                } else {
                    v
                }
        }),
    );
    unary(
        "HardSigmoid",
        vec![],
        &x,
        &of(|v| (0.2 * v + 0.5).clamp(0.0, 1.0)),
    );
    unary("Gelu", vec![], &[1.0, -1.0], &[0.841_344_8, -0.158_655_25]);
    unary(
        "Gelu",
        vec![string("approximate", "tanh")],
        &[1.0],
        &[0.841_192],
    );
    unary("Identity", vec![], &x, &x);
    unary("Dropout", vec![], &x, &x);
}

#[test]
fn clip_in_its_three_forms() {
    let x: (&[i64], &[f32]) = (&[1, 3], &[-5.0, 0.5, 5.0]);
    check(
        apply(
            9,
            x,
            vec![],
            node("Clip", "y", &["x"], vec![float("max", 1.0)]),
        ),
        &[1, 3],
        &[-5.0, 0.5, 1.0],
    );
    let bounds = vec![floats("lo", &[], &[-1.0]), floats("hi", &[], &[1.0])];
    check(
        apply(
            13,
            x,
            bounds.clone(),
            node("Clip", "y", &["x", "lo", "hi"], vec![]),
        ),
        &[1, 3],
        &[-1.0, 0.5, 1.0],
    );
    check(
        apply(11, x, bounds, node("Clip", "y", &["x", "", "hi"], vec![])),
        &[1, 3],
        &[-5.0, 0.5, 1.0],
    );
}

#[test]
fn arithmetic_broadcasts() {
    let x: (&[i64], &[f32]) = (&[1, 2, 2], &[1.0, 2.0, 3.0, 4.0]);
    let c = || vec![floats("c", &[2, 1], &[2.0, 4.0])];
    let op = |name: &str| node(name, "y", &["x", "c"], vec![]);
    check(
        apply(13, x, c(), op("Add")),
        &[1, 2, 2],
        &[3.0, 4.0, 7.0, 8.0],
    );
    check(
        apply(13, x, c(), op("Sub")),
        &[1, 2, 2],
        &[-1.0, 0.0, -1.0, 0.0],
    );
    check(
        apply(13, x, c(), node("Sub", "y", &["c", "x"], vec![])),
        &[1, 2, 2],
        &[1.0, 0.0, 1.0, 0.0],
    );
    check(
        apply(13, x, c(), op("Mul")),
        &[1, 2, 2],
        &[2.0, 4.0, 12.0, 16.0],
    );
    check(
        apply(13, x, c(), op("Div")),
        &[1, 2, 2],
        &[0.5, 1.0, 0.75, 1.0],
    );
    check(
        apply(13, x, c(), node("Div", "y", &["c", "x"], vec![])),
        &[1, 2, 2],
        &[2.0, 1.0, 4.0 / 3.0, 1.0],
    );
    check(
        apply(13, x, c(), op("Pow")),
        &[1, 2, 2],
        &[1.0, 4.0, 81.0, 256.0],
    );
    check(
        apply(13, x, c(), op("Min")),
        &[1, 2, 2],
        &[1.0, 2.0, 3.0, 4.0],
    );
    check(
        apply(13, x, c(), op("Max")),
        &[1, 2, 2],
        &[2.0, 2.0, 4.0, 4.0],
    );
    check(
        apply(13, x, c(), node("Sum", "y", &["x", "c", "x"], vec![])),
        &[1, 2, 2],
        &[4.0, 6.0, 10.0, 12.0],
    );
    check(
        apply(13, x, c(), node("Mean", "y", &["x", "c"], vec![])),
        &[1, 2, 2],
        &[1.5, 2.0, 3.5, 4.0],
    );
    // A constant that is wider than the operand.
    let wide = vec![floats("c", &[2, 1, 1], &[1.0, 10.0])];
    check(
        apply(13, (&[1, 2], &[1.0, 2.0]), wide, op("Mul")),
        &[2, 1, 2],
        &[1.0, 2.0, 10.0, 20.0],
    );
    let slope = vec![floats("c", &[2], &[0.5, 2.0])];
    check(
        apply(13, (&[1, 2], &[-1.0, -1.0]), slope, op("PRelu")),
        &[1, 2],
        &[-0.5, -2.0],
    );
}

#[test]
fn powers_get_their_names() {
    let exponent = vec![floats("c", &[], &[2.0])];
    let square = model(
        13,
        vec![info("x", &[1, 2])],
        exponent,
        vec![node("Pow", "y", &["x", "c"], vec![])],
        &["y"],
    );
    let simple =
        hodoscope_compiler::graph::simplify(&load(&square).expect("import")).expect("simplify");
    assert_eq!(simple.nodes().len(), 1);
    assert_eq!(simple.nodes()[0].op.name(), "Square");
}

#[test]
fn comparisons_logic_and_choice() {
    let x: (&[i64], &[f32]) = (&[1, 3], &[-1.0, 0.0, 1.0]);
    let zero = || vec![floats("c", &[], &[0.0])];
    for (op, y) in [
        ("Greater", [0.0, 0.0, 1.0]),
        ("GreaterOrEqual", [0.0, 1.0, 1.0]),
        ("Less", [1.0, 0.0, 0.0]),
        ("LessOrEqual", [1.0, 1.0, 0.0]),
        ("Equal", [0.0, 1.0, 0.0]),
    ] {
        check(
            apply(16, x, zero(), node(op, "y", &["x", "c"], vec![])),
            &[1, 3],
            &y,
        );
    }
    for (op, y) in [
        ("And", [0.0, 0.0, 0.0]),
        ("Or", [1.0, 0.0, 1.0]),
        ("Xor", [1.0, 0.0, 1.0]),
    ] {
        let nodes = vec![
            node("Greater", "p", &["x", "c"], vec![]),
            node("Less", "n", &["x", "c"], vec![]),
            node(op, "y", &["p", "n"], vec![]),
        ];
        let out = run(
            &model(13, vec![info("x", x.0)], zero(), nodes, &["y"]),
            &[t(&[1, 3], x.1)],
        );
        assert_eq!(out[0].data, y);
    }
    let nodes = vec![
        node("Greater", "p", &["x", "c"], vec![]),
        node("Not", "n", &["p"], vec![]),
        node("Where", "w", &["n", "c", "x"], vec![]),
        node("Cast", "f", &["p"], vec![int("to", 1)]),
        node("Add", "y", &["w", "f"], vec![]),
    ];
    let out = run(
        &model(13, vec![info("x", x.0)], zero(), nodes, &["y"]),
        &[t(&[1, 3], x.1)],
    );
    assert_eq!(out[0].data, [0.0, 0.0, 2.0]);
}

#[test]
fn casts_are_exact() {
    let x: (&[i64], &[f32]) = (&[1, 4], &[-1.7, 0.0, 0.3, 2.9]);
    check(
        apply(13, x, vec![], node("Cast", "y", &["x"], vec![int("to", 7)])),
        &[1, 4],
        &[-1.0, 0.0, 0.0, 2.0],
    );
    check(
        apply(13, x, vec![], node("Cast", "y", &["x"], vec![int("to", 9)])),
        &[1, 4],
        &[1.0, 0.0, 1.0, 1.0],
    );
    check(
        apply(13, x, vec![], node("Cast", "y", &["x"], vec![int("to", 1)])),
        &[1, 4],
        x.1,
    );
}

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
fn arithmetic_on_shapes_folds() {
    // What tf2onnx writes around a layer: the batch from Shape, the rest as constants.
    let constants = vec![
        int64s("zero", &[1], &[0]),
        int64s("one", &[1], &[1]),
        int64s("rest", &[1], &[4]),
        int64s("index", &[], &[1]),
    ];
    let nodes = vec![
        node("Shape", "shape", &["x"], vec![]),
        node("Cast", "cast", &["shape"], vec![int("to", 6)]),
        node("Slice", "batch", &["cast", "zero", "one", "zero"], vec![]),
        node(
            "Gather",
            "particles",
            &["shape", "index"],
            vec![int("axis", 0)],
        ),
        node("Unsqueeze", "unsqueezed", &["particles", "zero"], vec![]),
        node(
            "Concat",
            "target",
            &["batch", "unsqueezed", "rest"],
            vec![int("axis", 0)],
        ),
        node("Mul", "doubled", &["unsqueezed", "rest"], vec![]),
        node("Div", "half", &["doubled", "rest"], vec![]),
        node(
            "Concat",
            "again",
            &["batch", "half", "rest"],
            vec![int("axis", 0)],
        ),
        node("Equal", "same", &["target", "again"], vec![]),
        node("Where", "chosen", &["same", "target", "zero"], vec![]),
        node("ReduceProd", "count", &["chosen"], vec![int("keepdims", 1)]),
        node("Range", "range", &["index", "index", "index"], vec![]),
        node(
            "Concat",
            "flat",
            &["batch", "count", "range"],
            vec![int("axis", 0)],
        ),
        node("Reshape", "r", &["x", "flat"], vec![]),
        node("ConstantOfShape", "zeros", &["target"], vec![]),
        node("Expand", "e", &["zeros", "target"], vec![]),
        node("Add", "y", &["x", "e"], vec![]),
    ];
    let model = model(
        13,
        vec![info("x", &[-1, 2, 4])],
        constants,
        nodes,
        &["r", "y"],
    );
    let x = t(&[1, 2, 4], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
    let out = run(&model, std::slice::from_ref(&x));
    assert_eq!((&out[0].shape[..], &out[0].data), (&[1, 8][..], &x.data));
    assert_eq!(out[1], x);
}

#[test]
fn constants_of_every_type() {
    let mut tensors = Vec::new();
    let raw = |name: &str, data_type: i32, bytes: &[u8]| TensorProto {
        name: name.into(),
        dims: vec![2],
        data_type,
        raw_data: bytes.to_vec(),
        ..Default::default()
    };
    tensors.push(raw(
        "float",
        data_type::FLOAT,
        &[1.5f32.to_le_bytes(), (-2f32).to_le_bytes()].concat(),
    ));
    tensors.push(raw(
        "double",
        data_type::DOUBLE,
        &[1.5f64.to_le_bytes(), (-2f64).to_le_bytes()].concat(),
    ));
    tensors.push(raw("half", data_type::FLOAT16, &[0x00, 0x3e, 0x00, 0xc0]));
    tensors.push(raw("brain", data_type::BFLOAT16, &[0xc0, 0x3f, 0x00, 0xc0]));
    for tensor in tensors {
        let add = node("Add", "y", &["x", &tensor.name.clone()], vec![]);
        check(
            apply(13, (&[1, 2], &[0.0, 0.0]), vec![tensor], add),
            &[1, 2],
            &[1.5, -2.0],
        );
    }
    for (name, code, bytes) in [
        (
            "int64",
            data_type::INT64,
            [3i64.to_le_bytes(), (-4i64).to_le_bytes()].concat(),
        ),
        (
            "int32",
            data_type::INT32,
            [3i32.to_le_bytes(), (-4i32).to_le_bytes()].concat(),
        ),
        (
            "int16",
            data_type::INT16,
            [3i16.to_le_bytes(), (-4i16).to_le_bytes()].concat(),
        ),
        ("int8", data_type::INT8, vec![3, 0xfc]),
    ] {
        let nodes = vec![
            node("Cast", "c", &[name], vec![int("to", 1)]),
            node("Add", "y", &["x", "c"], vec![]),
        ];
        let model = model(
            13,
            vec![info("x", &[1, 2])],
            vec![raw(name, code, &bytes)],
            nodes,
            &["y"],
        );
        assert_eq!(run(&model, &[t(&[1, 2], &[0.0, 0.0])])[0].data, [3.0, -4.0]);
    }
    let attributes = [
        (tensor("value", floats("", &[], &[2.0])), 2.0),
        (float("value_float", 3.0), 3.0),
        (int("value_int", 4), 4.0),
    ];
    for (attribute, value) in attributes {
        let nodes = vec![
            node("Constant", "c", &[], vec![attribute]),
            node("Cast", "f", &["c"], vec![int("to", 1)]),
            node("Mul", "y", &["x", "f"], vec![]),
        ];
        let model = model(13, vec![info("x", &[1, 1])], vec![], nodes, &["y"]);
        assert_eq!(run(&model, &[t(&[1, 1], &[1.0])])[0].data, [value]);
    }
}

#[test]
fn initializers_listed_as_inputs_are_constants() {
    let nodes = vec![node("Add", "y", &["x", "c"], vec![])];
    let constants = vec![floats("c", &[2], &[1.0, 2.0])];
    let graph = load(&model(
        13,
        vec![info("x", &[1, 2]), info("c", &[2])],
        constants,
        nodes,
        &["y"],
    ))
    .expect("import");
    assert_eq!(graph.inputs().len(), 1);
    assert_eq!(graph.inputs()[0].kind, Kind::Float);
}

#[test]
fn the_batch_becomes_one_only_where_it_is_one() {
    let shape = |inputs, outputs: Vec<_>| {
        let mut model = model(
            13,
            inputs,
            vec![],
            vec![node("Relu", "y", &["x"], vec![])],
            &["y"],
        );
        if let Some(graph) = &mut model.graph {
            graph.output = outputs;
        }
        let graph = load(&model).expect("import");
        graph.shape(graph.inputs()[0].value).to_vec()
    };
    assert_eq!(
        shape(vec![info("x", &[-1, 16, 3])], vec![info("y", &[-1, 16, 3])]),
        [1, 16, 3]
    );
    assert_eq!(
        shape(vec![info("x", &[4, 16, 3])], vec![info("y", &[4, 16, 3])]),
        [1, 16, 3]
    );
    // One set of 16 particles without a batch: the output says so.
    assert_eq!(
        shape(vec![info("x", &[16, 3])], vec![info("y", &[1, 2])]),
        [16, 3]
    );
    assert_eq!(shape(vec![info("x", &[57])], vec![info("y", &[57])]), [57]);
}

#[test]
fn a_batch_written_into_reshapes_is_undone() {
    let constants = vec![
        int64s("merge", &[2], &[8, 3]),
        int64s("split", &[3], &[4, -1, 3]),
    ];
    let nodes = vec![
        node("Reshape", "m", &["x", "merge"], vec![]),
        node("Relu", "r", &["m"], vec![]),
        node("Reshape", "y", &["r", "split"], vec![]),
    ];
    let mut model = model(13, vec![info("x", &[4, 2, 3])], constants, nodes, &["y"]);
    if let Some(graph) = &mut model.graph {
        graph.output = vec![info("y", &[4, 2, 3])];
    }
    let graph = load(&model).expect("import");
    assert_eq!(graph.shape(graph.outputs()[0].value), [1, 2, 3]);
    let simple = hodoscope_compiler::graph::simplify(&graph).expect("simplify");
    assert_eq!(simple.nodes().len(), 1, "{simple}");
}

#[test]
fn inputs_are_checked() {
    let graph = load(&model(
        13,
        vec![info("x", &[1, 2])],
        vec![],
        vec![node("Relu", "y", &["x"], vec![])],
        &["y"],
    ))
    .expect("import");
    let executor = Executor::new(&graph).expect("executor");
    let message = |inputs: &[_]| executor.run(inputs).expect_err("refused").to_string();
    assert_eq!(message(&[]), "the network has 1 inputs, 0 were given");
    assert_eq!(
        message(&[t(&[2, 1], &[0.0; 2])]),
        "input 'x' has shape [1, 2], [2, 1] was given"
    );
}
