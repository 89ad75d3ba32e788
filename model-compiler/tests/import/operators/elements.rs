//! Functions of one element, arithmetic, comparisons and casts.

use super::*;

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

/// A support vector machine decides by its sign, also where probabilities that were fitted behind it say otherwise.
#[test]
fn a_machines_label_is_its_decision() {
    let machine = NodeProto {
        domain: "ai.onnx.ml".into(),
        output: vec!["y".into(), "p".into()],
        ..node(
            "SVMClassifier",
            "y",
            &["x"],
            vec![
                string("kernel_type", "LINEAR"),
                list("kernel_params", &[1.0, 0.0, 3.0]),
                list("coefficients", &[1.0, 0.0]),
                list("support_vectors", &[1.0, -1.0]),
                list("rho", &[0.0]),
                list("prob_a", &[-1.0]),
                list("prob_b", &[1.0]),
                ints("vectors_per_class", &[1, 1]),
                ints("classlabels_ints", &[5, 7]),
            ],
        )
    };
    let model = model(
        13,
        vec![info("x", &[1, 1])],
        vec![],
        vec![machine],
        &["y", "p"],
    );
    for (decision, label) in [(0.5f32, 5.0), (-0.5, 7.0), (2.0, 5.0)] {
        let found = run(&model, &[t(&[1, 1], &[decision])]);
        assert_eq!(found[0].data, [label], "{decision}");
        let first = 1.0 / (1.0 + (1.0 - decision).exp());
        assert_close(&found[1].data, &[first, 1.0 - first], 1e-6);
    }
}

fn list(name: &str, numbers: &[f32]) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        r#type: hodoscope_compiler::import::proto::attribute_type::FLOATS,
        floats: numbers.to_vec(),
        ..Default::default()
    }
}
