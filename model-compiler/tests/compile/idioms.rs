//! What exporters and toolkits write beside the plain operators: circular functions, remainders, running sums,
//! codes, norms, fused layers, scatters, linear models and support vectors.

use crate::import_support::{float, floats, info, int, int64s, ints, model, node, string};
use crate::networks::Random;
use crate::operators::{
    Case, Events, check, held, image, matrices, matrix, numbers, one, positive, quotients, row,
    weights,
};
use hodoscope_compiler::import::proto::{
    AttributeProto, ModelProto, NodeProto, OperatorSetIdProto, attribute_type,
};

/// A node of another domain.
fn of(domain: &str, node: NodeProto) -> NodeProto {
    NodeProto {
        domain: domain.into(),
        ..node
    }
}

/// A list of numbers as an attribute.
fn list(name: &str, floats: &[f32]) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        floats: floats.to_vec(),
        r#type: attribute_type::FLOATS,
        ..AttributeProto::default()
    }
}

/// `x` [1, 6] between −7/8 and 7/8.
fn inside(random: &mut Random) -> Vec<Vec<f32>> {
    vec![numbers(random, 6, -0.875, 0.875)]
}

/// A model with nodes of further domains.
fn with_domains(
    inputs: &[(&str, &[i64])],
    constants: Vec<hodoscope_compiler::import::proto::TensorProto>,
    nodes: Vec<NodeProto>,
    outputs: &[&str],
) -> ModelProto {
    let inputs = inputs.iter().map(|(name, dims)| info(name, dims)).collect();
    let mut model = model(20, inputs, constants, nodes, outputs);
    for domain in ["ai.onnx.ml", "com.microsoft"] {
        model.opset_import.push(OperatorSetIdProto {
            domain: domain.into(),
            version: 1,
        });
    }
    model
}

#[test]
fn circular_functions() {
    let everywhere = ["Sin", "Cos", "Atan", "Sinh", "Cosh", "Asinh"];
    let mut cases: Vec<(Case, Events)> = everywhere
        .map(|op| (one(op, &["x"], vec![], vec![]), row as Events))
        .into();
    for op in ["Asin", "Acos", "Atanh", "Tan"] {
        cases.push((one(op, &["x"], vec![], vec![]), inside));
    }
    // The angle of a vector in the right half-plane, and with both halves as exporters spell it.
    let angle = Case {
        name: "atan2",
        constants: vec![
            floats("zero", &[], &[0.0]),
            floats("pi", &[], &[std::f32::consts::PI]),
            floats("minus_pi", &[], &[-std::f32::consts::PI]),
        ],
        nodes: vec![
            node("Div", "slope", &["x", "y"], vec![]),
            node("Atan", "angle", &["slope"], vec![]),
            node("Greater", "above", &["x", "zero"], vec![]),
            node("Where", "turn", &["above", "pi", "minus_pi"], vec![]),
            node("Add", "turned", &["angle", "turn"], vec![]),
            node("Less", "left", &["y", "zero"], vec![]),
            node("Where", "out", &["left", "turned", "angle"], vec![]),
        ],
        outputs: vec!["out"],
        ..Case::default()
    };
    cases.push((angle, quotients));
    check(cases);
}

#[test]
fn remainders_and_running_sums() {
    let fmod = || vec![int("fmod", 1)];
    let mut cases: Vec<(Case, Events)> = vec![
        (
            one("Mod", &["x", "c"], fmod(), vec![floats("c", &[], &[1.0])]),
            row,
        ),
        (
            one("Mod", &["x", "c"], fmod(), vec![floats("c", &[], &[0.5])]),
            row,
        ),
    ];
    for flags in [
        vec![],
        vec![int("exclusive", 1)],
        vec![int("reverse", 1)],
        vec![int("exclusive", 1), int("reverse", 1)],
    ] {
        let axis = vec![int64s("axis", &[], &[1])];
        cases.push((one("CumSum", &["x", "axis"], flags, axis), matrix));
    }
    for op in ["ReduceLogSumExp", "ReduceLogSum"] {
        let event = if op == "ReduceLogSum" { positive } else { row };
        let axes = vec![int64s("axes", &[1], &[1])];
        cases.push((one(op, &["x", "axes"], vec![], axes), event));
    }
    check(cases);
}

/// `x` [1, 6] of whole numbers from −3 to 3.
fn codes(random: &mut Random) -> Vec<Vec<f32>> {
    vec![(0..6).map(|_| random.below(7) as f32 - 3.0).collect()]
}

#[test]
fn a_code_in_a_column_of_floats() {
    let int64 = || vec![int("to", 7)];
    let embedding = vec![
        node("Abs", "size", &["x"], vec![]),
        node("Cast", "code", &["size"], int64()),
        node("Gather", "rows", &["table", "code"], vec![]),
        node("Flatten", "out", &["rows"], vec![]),
    ];
    let hot = vec![
        node("Cast", "code", &["x"], int64()),
        node("OneHot", "hot", &["code", "depth", "values"], vec![]),
        node("Flatten", "flat", &["hot"], vec![]),
        node("MatMul", "out", &["flat", "matrix"], vec![]),
    ];
    let constants = || {
        vec![
            weights("table", &[4, 2]),
            int64s("depth", &[1], &[4]),
            floats("values", &[2], &[0.0, 1.0]),
            weights("matrix", &[24, 3]),
        ]
    };
    for (name, nodes) in [("embedding", embedding), ("OneHot", hot)] {
        let model = model(13, vec![info("x", &[1, 6])], constants(), nodes, &["out"]);
        held(name, model, codes).unwrap();
    }
}

#[test]
fn norms_of_the_event() {
    let factors = || {
        vec![
            floats("g", &[4], &[0.5, 1.0, -1.0, 2.0]),
            floats("b", &[4], &[0.0, 0.5, 1.0, -1.0]),
            floats("g2", &[2], &[0.5, 2.0]),
            floats("b2", &[2], &[0.5, -1.0]),
        ]
    };
    let epsilon = || float("epsilon", 0.01);
    let case = |nodes, opset: i64, dims: &[i64]| {
        model(opset, vec![info("x", dims)], factors(), nodes, &["out"])
    };
    let rms = vec![node(
        "RMSNormalization",
        "out",
        &["x", "g"],
        vec![epsilon()],
    )];
    held("RMSNormalization", case(rms, 23, &[1, 3, 4]), matrix).unwrap();
    let instance = vec![node(
        "InstanceNormalization",
        "out",
        &["x", "g2", "b2"],
        vec![epsilon()],
    )];
    held(
        "InstanceNormalization",
        case(instance, 13, &[1, 2, 4, 4]),
        image,
    )
    .unwrap();
    let group = vec![node(
        "GroupNormalization",
        "out",
        &["x", "g2", "b2"],
        vec![epsilon(), int("num_groups", 1)],
    )];
    held("GroupNormalization", case(group, 21, &[1, 2, 4, 4]), image).unwrap();
    let length = vec![node("LpNormalization", "out", &["x"], vec![])];
    held("LpNormalization", case(length, 13, &[1, 6]), positive).unwrap();
    // torch.std with one degree of freedom less.
    let deviation = vec![
        node("ReduceMean", "mean", &["x", "last"], vec![]),
        node("Sub", "centred", &["x", "mean"], vec![]),
        node("Mul", "square", &["centred", "centred"], vec![]),
        node("ReduceMean", "variance", &["square", "last"], vec![]),
        node("Mul", "sum", &["variance", "count"], vec![]),
        node("Div", "unbiased", &["sum", "less"], vec![]),
        node("Sqrt", "out", &["unbiased"], vec![]),
    ];
    let constants = vec![
        int64s("last", &[1], &[1]),
        floats("count", &[], &[6.0]),
        floats("less", &[], &[5.0]),
    ];
    let std = model(18, vec![info("x", &[1, 6])], constants, deviation, &["out"]);
    held("torch.std", std, row).unwrap();
}

#[test]
fn layers_that_onnxruntime_fused() {
    let fused = vec![
        of(
            "com.microsoft",
            node(
                "FusedGemm",
                "h",
                &["x", "w", "b"],
                vec![string("activation", "Relu")],
            ),
        ),
        of("com.microsoft", node("QuickGelu", "g", &["h"], vec![])),
        of("com.microsoft", node("FastGelu", "f", &["g", "b"], vec![])),
        of(
            "com.microsoft",
            node(
                "SkipLayerNormalization",
                "out",
                &["f", "h", "b"],
                vec![float("epsilon", 0.01)],
            ),
        ),
    ];
    let constants = vec![weights("w", &[6, 4]), weights("b", &[4])];
    let model = with_domains(&[("x", &[1, 6])], constants, fused, &["out"]);
    held("fused", model, row).unwrap();
}

/// `x` [1, 6] and `y` [1, 4, 3], of which the first four numbers of x name rows.
fn edges(random: &mut Random) -> Vec<Vec<f32>> {
    let targets = (0..4).map(|_| random.below(3) as f32).collect();
    vec![targets, numbers(random, 12, -2.0, 2.0)]
}

#[test]
fn messages_along_edges_are_added_where_they_go() {
    let nodes = vec![
        node("Cast", "target", &["x"], vec![int("to", 7)]),
        node("Unsqueeze", "column", &["target", "last"], vec![]),
        node("Expand", "index", &["column", "shape"], vec![]),
        node(
            "ScatterElements",
            "out",
            &["zeros", "index", "y"],
            vec![int("axis", 1), string("reduction", "add")],
        ),
    ];
    let constants = vec![
        int64s("last", &[1], &[2]),
        int64s("shape", &[3], &[1, 4, 3]),
        floats("zeros", &[1, 3, 3], &[0.0; 9]),
    ];
    let inputs = vec![info("x", &[1, 4]), info("y", &[1, 4, 3])];
    held(
        "scatter",
        model(18, inputs, constants, nodes, &["out"]),
        edges,
    )
    .unwrap();
}

#[test]
fn known_places_are_replaced() {
    let at = vec![int64s("at", &[1, 2, 2], &[0, 1, 0, 3])];
    let nodes = vec![
        node("Slice", "part", &["x", "first", "end", "last"], vec![]),
        node("ScatterND", "out", &["x", "at", "part"], vec![]),
    ];
    let mut constants = at;
    constants.push(int64s("first", &[1], &[0]));
    constants.push(int64s("end", &[1], &[2]));
    constants.push(int64s("last", &[1], &[1]));
    let model = model(18, vec![info("x", &[1, 6])], constants, nodes, &["out"]);
    held("ScatterND", model, row).unwrap();
}

#[test]
fn products_of_many_and_images_between_their_pixels() {
    let einsum = one(
        "Einsum",
        &["x", "y", "c"],
        vec![string("equation", "bij,bjk,kl->bil")],
        vec![weights("c", &[3, 2])],
    );
    let resize = one(
        "Resize",
        &["x", "", "scales"],
        vec![string("mode", "linear")],
        vec![floats("scales", &[4], &[1.0, 1.0, 2.0, 2.0])],
    );
    check(vec![(einsum, matrices), (resize, image)]);
}

#[test]
fn linear_models_and_support_vectors() {
    let ml = |node| of("ai.onnx.ml", node);
    let coefficients = |count: usize| {
        let mut random = Random::new(3);
        let all: Vec<f32> = (0..count).map(|_| 2.0 * random.uniform() - 1.0).collect();
        all
    };
    let classifier = ml(NodeProto {
        output: vec!["label".into(), "out".into()],
        ..node(
            "LinearClassifier",
            "label",
            &["x"],
            vec![
                list("coefficients", &coefficients(18)),
                list("intercepts", &[0.1, -0.2, 0.3]),
                ints("classlabels_ints", &[0, 1, 2]),
                string("post_transform", "SOFTMAX"),
            ],
        )
    });
    let normalised = ml(node(
        "Normalizer",
        "p",
        &["out"],
        vec![string("norm", "L1")],
    ));
    let model = |nodes, outputs: &[&str]| with_domains(&[("x", &[1, 6])], vec![], nodes, outputs);
    held(
        "LinearClassifier",
        model(vec![classifier, normalised], &["p"]),
        row,
    )
    .unwrap();
    let machine = ml(node(
        "SVMRegressor",
        "out",
        &["x"],
        vec![
            string("kernel_type", "RBF"),
            list("kernel_params", &[0.1, 0.0, 3.0]),
            list("coefficients", &[1.0, -0.5, 0.75]),
            list("support_vectors", &coefficients(18)),
            list("rho", &[0.25]),
            int("n_supports", 3),
        ],
    ));
    held("SVMRegressor", model(vec![machine], &["out"]), row).unwrap();
}
