//! What each operator refuses: by node, operator and attribute, with what to do.

mod import_support;

use hodoscope_compiler::import::proto::{
    AttributeProto, FunctionProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
};
use import_support::*;

/// A node on `x` `[1, 2, 5]` and `weights` `[2, 2, 3]`, of which the model has nothing else.
fn refused(
    op: &str,
    inputs: &[&str],
    attributes: Vec<AttributeProto>,
    constants: Vec<TensorProto>,
    parts: &[&str],
) {
    let weights = floats("weights", &[2, 2, 3], &[0.5; 12]);
    let mut all = vec![weights];
    all.extend(constants);
    let (domain, op) = op.split_once("::").unwrap_or(("", op));
    let node = NodeProto {
        name: "the_node".into(),
        domain: domain.into(),
        ..node(op, "y", inputs, attributes)
    };
    let inputs = vec![info("x", &[1, 2, 5]), info("other", &[1, 2, 3])];
    let message = error(&model(18, inputs, all, vec![node], &["y"]));
    for part in ["node 'the_node'", op].iter().chain(parts) {
        assert!(message.contains(part), "{message:?} does not say {part:?}");
    }
}

#[test]
fn convolutions() {
    let check = |attribute, parts: &[&str]| {
        refused("Conv", &["x", "weights"], vec![attribute], vec![], parts)
    };
    check(
        ints("kernel_shape", &[2]),
        &["'kernel_shape'", "[2]", "[3]"],
    );
    check(ints("strides", &[0]), &["'strides'", "zero"]);
    check(ints("dilations", &[1, 1]), &["'dilations'", "1 axes"]);
    check(ints("pads", &[-1, 0]), &["'pads'", "[-1, 0]"]);
    check(string("auto_pad", "SAME"), &["'auto_pad'", "SAME_UPPER"]);
    check(int("group", 0), &["'group'", "is 0"]);
    check(int("group", 3), &["3 groups", "2 channels"]);
    check(int("spin", 3), &["'spin'", "not supported"]);
    let weights = ["x", "other"];
    refused("Conv", &weights, vec![], vec![], &["weights", "constant"]);
    let transposed = |attribute, parts: &[&str]| {
        let operands = ["x", "weights"];
        refused("ConvTranspose", &operands, vec![attribute], vec![], parts)
    };
    transposed(ints("output_shape", &[4, 4]), &["'output_shape'", "[4, 4]"]);
    transposed(int("group", 1 << 40), &["more groups than weights"]);
    transposed(ints("pads", &[9, 9]), &["no elements"]);
}

#[test]
fn pooling() {
    let check = |attributes, parts: &[&str]| refused("MaxPool", &["x"], attributes, vec![], parts);
    check(vec![], &["'kernel_shape'", "missing"]);
    check(
        vec![ints("kernel_shape", &[0])],
        &["'kernel_shape'", "zero"],
    );
    check(vec![ints("kernel_shape", &[9])], &["does not fit axis 2"]);
    let padded = vec![ints("kernel_shape", &[2]), ints("pads", &[2, 0])];
    check(padded, &["padding is as wide as the window"]);
    let counted = vec![ints("kernel_shape", &[2]), int("count_include_pad", 2)];
    refused(
        "AveragePool",
        &["x"],
        counted,
        vec![],
        &["'count_include_pad'", "0 or 1"],
    );
    refused(
        "LpPool",
        &["x"],
        vec![],
        vec![],
        &["not supported", "rewrite"],
    );
    // Where the largest elements were is not computed.
    let mut pool = node("MaxPool", "y", &["x"], vec![ints("kernel_shape", &[2])]);
    pool.output.push("where".into());
    let reader = node("Identity", "z", &["where"], vec![]);
    let message = error(&model(
        13,
        vec![info("x", &[1, 2, 5])],
        vec![],
        vec![pool, reader],
        &["z"],
    ));
    assert!(
        message.contains("training only") && message.contains("'y'"),
        "{message}"
    );
}

#[test]
fn padding_and_order() {
    let sizes = |v: &[i64]| vec![int64s("sizes", &[v.len() as i64], v)];
    let pad = |mode, list: &[i64], parts: &[&str]| {
        let mode = vec![string("mode", mode)];
        refused("Pad", &["x", "sizes"], mode, sizes(list), parts)
    };
    pad("mirror", &[0; 6], &["'mode'", "'mirror'", "reflect"]);
    pad("constant", &[0; 4], &["4 sizes", "3 axes"]);
    pad("reflect", &[0, 2, 0, 0, 0, 0], &["too much padding"]);
    pad(
        "constant",
        &[0, 0, i64::MAX, 0, 0, i64::MAX],
        &["too much padding"],
    );
    pad(
        "constant",
        &[0, 0, -5, 0, 0, 0],
        &["nothing is left of axis 2"],
    );
    refused(
        "Pad",
        &["x", "other"],
        vec![],
        vec![],
        &["sizes must be known"],
    );
    let k = |v: i64| vec![int64s("k", &[1], &[v])];
    refused("TopK", &["x", "k"], vec![], k(6), &["6 of 5 elements"]);
    refused("TopK", &["x", "k"], vec![], k(0), &["0 of 5 elements"]);
    refused(
        "TopK",
        &["x", "other"],
        vec![],
        vec![],
        &["number k must be known"],
    );
    refused(
        "ArgMax",
        &["x"],
        vec![int("axis", 3)],
        vec![],
        &["axis 3 does not exist"],
    );
    refused(
        "Gather",
        &["x", "other"],
        vec![],
        vec![],
        &["indices are no integers", "cast"],
    );
}

#[test]
fn scikit_learn() {
    let check = |op, attributes, parts: &[&str]| refused(op, &["x"], attributes, vec![], parts);
    check(
        "ai.onnx.ml::Normalizer",
        vec![string("norm", "L2")],
        &["normalise the inputs before"],
    );
    check("ai.onnx.ml::LinearClassifier", vec![], &["MLPClassifier"]);
    check(
        "ai.onnx.ml::SVMClassifier",
        vec![],
        &["export the same model"],
    );
    check("ai.onnx.ml::Imputer", vec![], &["only Scaler"]);
    check(
        "ai.onnx.ml::Scaler",
        vec![list("offset", &[1.0, 2.0])],
        &["'offset'", "2 entries for 5 features"],
    );
    check(
        "ai.onnx.ml::Scaler",
        vec![list("scale", &[f32::NAN])],
        &["'scale'", "NaN"],
    );
    check(
        "ai.onnx.ml::LinearRegressor",
        vec![string("post_transform", "PROBIT")],
        &["'post_transform'", "NONE"],
    );
    check(
        "ai.onnx.ml::LinearRegressor",
        vec![list("coefficients", &[1.0; 4])],
        &["'coefficients'", "5 features"],
    );
}

fn list(name: &str, values: &[f32]) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        floats: values.to_vec(),
        r#type: hodoscope_compiler::import::proto::attribute_type::FLOATS,
        ..Default::default()
    }
}

fn names(name: &str, values: &[&str]) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        strings: values.iter().map(|v| v.as_bytes().to_vec()).collect(),
        r#type: hodoscope_compiler::import::proto::attribute_type::STRINGS,
        ..Default::default()
    }
}

/// A stump on feature 0 that gives target 0 one of two values, with attributes changed.
fn stump(kind: &str, changed: Vec<AttributeProto>) -> Vec<AttributeProto> {
    let own = |what: &str| format!("{kind}_{what}");
    let mut all = vec![
        ints("nodes_treeids", &[0, 0, 0]),
        ints("nodes_nodeids", &[0, 1, 2]),
        ints("nodes_featureids", &[0, 0, 0]),
        ints("nodes_truenodeids", &[1, 0, 0]),
        ints("nodes_falsenodeids", &[2, 0, 0]),
        list("nodes_values", &[0.5, 0.0, 0.0]),
        names("nodes_modes", &["BRANCH_LEQ", "LEAF", "LEAF"]),
        ints(&own("treeids"), &[0, 0]),
        ints(&own("nodeids"), &[1, 2]),
        ints(&own("ids"), &[0, 0]),
        list(&own("weights"), &[-1.0, 2.0]),
    ];
    match kind {
        "class" => all.push(ints("classlabels_int64s", &[0, 1])),
        _ => all.push(int("n_targets", 1)),
    }
    for attribute in changed {
        all.retain(|known| known.name != attribute.name);
        all.push(attribute);
    }
    all
}

#[test]
fn trees() {
    let check = |op: &str, kind, changed: Vec<AttributeProto>, parts: &[&str]| {
        let op = format!("ai.onnx.ml::{op}");
        refused(&op, &["x"], stump(kind, changed), vec![], parts);
    };
    let regressor = |changed, parts: &[&str]| {
        check("TreeEnsembleRegressor", "target", vec![changed], parts);
    };
    let classifier = |changed: Vec<AttributeProto>, parts: &[&str]| {
        check("TreeEnsembleClassifier", "class", changed, parts);
    };
    regressor(
        names("nodes_modes", &["BRANCH_MEMBER", "LEAF", "LEAF"]),
        &["'nodes_modes'", "BRANCH_MEMBER", "one threshold"],
    );
    regressor(
        string("aggregate_function", "MEDIAN"),
        &["'aggregate_function'", "MEDIAN", "AVERAGE"],
    );
    regressor(
        string("post_transform", "PROBIT"),
        &["'post_transform'", "PROBIT", "export NONE"],
    );
    regressor(
        string("post_transform", "LOGISTIC"),
        &["'post_transform'", "onnxruntime", "export NONE"],
    );
    regressor(
        list("base_values", &[1.0, 2.0]),
        &["'base_values'", "1 targets"],
    );
    regressor(
        ints("nodes_truenodeids", &[7, 0, 0]),
        &["'nodes_truenodeids'", "node 7", "tree 0"],
    );
    regressor(
        ints("nodes_truenodeids", &[0, 0, 0]),
        &["'nodes_truenodeids'", "two ways"],
    );
    regressor(
        ints("nodes_featureids", &[5, 0, 0]),
        &["tree 0 leads nowhere"],
    );
    regressor(
        ints("nodes_featureids", &[0, 0]),
        &["'nodes_featureids'", "2 entries for 3 nodes"],
    );
    regressor(
        list("nodes_values", &[f32::NAN, 0.0, 0.0]),
        &["'nodes_values'", "NaN"],
    );
    regressor(
        ints("target_ids", &[0, 1]),
        &["'target_ids'", "target 1 of node 2"],
    );
    regressor(ints("n_targets", &[1]), &["'n_targets'"]);
    regressor(int("n_targets", 0), &["'n_targets'", "is 0"]);
    // Thresholds of double precision stand in an attribute of another name.
    let tensor = tensor("nodes_values_as_tensor", floats("", &[1], &[0.5]));
    regressor(tensor, &["'nodes_values_as_tensor'", "export without it"]);
    let partial = vec![
        ints("target_treeids", &[0]),
        ints("target_nodeids", &[2]),
        ints("target_ids", &[0]),
        list("target_weights", &[1.0]),
    ];
    let with = |more| [partial.clone(), vec![more]].concat();
    check(
        "TreeEnsembleRegressor",
        "target",
        with(list("base_values", &[1.0])),
        &["'base_values'", "target 0", "runtimes disagree"],
    );
    check(
        "TreeEnsembleRegressor",
        "target",
        with(string("aggregate_function", "MIN")),
        &["'aggregate_function'", "export SUM"],
    );
    classifier(
        vec![list("base_values", &[1.0, 2.0])],
        &["'base_values'", "two classes"],
    );
    classifier(
        vec![ints("classlabels_int64s", &[7])],
        &["'class_ids'", "fewer than two"],
    );
    classifier(
        vec![
            ints("classlabels_int64s", &[4, 5]),
            ints("class_ids", &[0, 1]),
        ],
        &["'classlabels_int64s'", "disagree"],
    );
    classifier(
        vec![ints("classlabels_int64s", &[4, 5, 6])],
        &["'class_ids'", "no weight"],
    );
    for transform in ["SOFTMAX_ZERO", "PROBIT"] {
        classifier(
            vec![string("post_transform", transform)],
            &["'post_transform'", transform, "LOGISTIC", "export NONE"],
        );
    }
}

#[test]
fn recurrent_layers() {
    let constants = |rows: i64, hidden: i64| {
        let count = |n: i64| vec![0.5; usize::try_from(n).unwrap_or(0)];
        vec![
            floats("w", &[1, rows, 5], &count(rows * 5)),
            floats("r", &[1, rows, hidden], &count(rows * hidden)),
            int64s("two", &[1], &[2]),
            floats("state", &[1, 4, hidden], &count(4 * hidden)),
        ]
    };
    // x is [1, 2, 5]: one step of a batch of two.
    let check = |op, inputs: &[&str], attributes, parts: &[&str]| {
        let rows = if op == "LSTM" { 12 } else { 9 };
        refused(op, inputs, attributes, constants(rows, 3), parts);
    };
    let gru = |attribute, parts: &[&str]| check("GRU", &["x", "w", "r"], vec![attribute], parts);
    gru(int("layout", 1), &["'layout'", "transpose"]);
    gru(
        string("direction", "up"),
        &["'direction'", "'up'", "reverse"],
    );
    gru(int("hidden_size", 4), &["'hidden_size'", "is 4, not 3"]);
    gru(
        names("activations", &["Sigmoid", "Affine"]),
        &["'activations'", "'Affine'", "Softsign"],
    );
    gru(
        names("activations", &["Sigmoid"]),
        &["'activations'", "1 functions, not 2"],
    );
    gru(
        list("activation_alpha", &[0.5]),
        &["'activation_alpha'", "export without it"],
    );
    check(
        "LSTM",
        &["x", "w", "r"],
        vec![int("input_forget", 1)],
        &["'input_forget'"],
    );
    check("GRU", &["x", "r", "w"], vec![], &["do not fit"]);
    check(
        "GRU",
        &["x", "other", "r"],
        vec![],
        &["weights W", "constant"],
    );
    check(
        "GRU",
        &["x", "w", "r", "", "two"],
        vec![],
        &["sequence_lens", "packed"],
    );
    check(
        "GRU",
        &["x", "w", "r", "", "", "state"],
        vec![],
        &["[1, 4, 3], not [1, 2, 3]"],
    );
}

/// A model whose only node calls the last of `functions`, all of domain `own`.
fn calling(functions: Vec<FunctionProto>) -> ModelProto {
    let name = functions.last().map(|f| f.name.clone()).unwrap_or_default();
    let call = NodeProto {
        name: "call".into(),
        ..own(&name, "x", "y")
    };
    let mut model = model(13, vec![info("x", &[1, 4])], vec![], vec![call], &["y"]);
    model.opset_import.push(OperatorSetIdProto {
        domain: "own".into(),
        version: 1,
    });
    model.functions = functions;
    model
}

fn own(op: &str, input: &str, output: &str) -> NodeProto {
    NodeProto {
        domain: "own".into(),
        ..node(op, output, &[input], vec![])
    }
}

fn function(name: &str, body: Vec<NodeProto>) -> FunctionProto {
    FunctionProto {
        name: name.into(),
        domain: "own".into(),
        input: vec!["a".into()],
        output: vec!["b".into()],
        node: body,
        ..Default::default()
    }
}

#[test]
fn functions() {
    let message = error(&calling(vec![function("F", vec![own("F", "a", "b")])]));
    assert!(message.contains("called by itself"), "{message}");
    // Twenty functions, each of which calls the one before it twice.
    let mut many = vec![function("F0", vec![node("Relu", "b", &["a"], vec![])])];
    for i in 1..20 {
        let before = format!("F{}", i - 1);
        let body = vec![own(&before, "a", "h"), own(&before, "h", "b")];
        many.push(function(&format!("F{i}"), body));
    }
    let message = error(&calling(many));
    assert!(message.contains("more than 65536 nodes"), "{message}");
    // What a function's body lacks is named by the call and the node within.
    let hardmax = NodeProto {
        name: "hardmax".into(),
        ..node("Hardmax", "b", &["a"], vec![])
    };
    let message = error(&calling(vec![function("F", vec![hardmax])]));
    assert!(message.contains("node 'call/hardmax'"), "{message}");
    let two = NodeProto {
        input: vec!["x".into(), "x".into()],
        ..own("F", "x", "y")
    };
    let mut model = calling(vec![function("F", vec![node("Relu", "b", &["a"], vec![])])]);
    if let Some(graph) = &mut model.graph {
        graph.node = vec![two];
    }
    let message = error(&model);
    assert!(message.contains("more inputs or outputs"), "{message}");
}

#[test]
fn a_function_that_only_hands_on_is_no_operation() {
    let same = FunctionProto {
        output: vec!["a".into()],
        ..function("Same", vec![])
    };
    let out = run(&calling(vec![same]), &[t(&[1, 4], &[1.0, 2.0, 3.0, 4.0])]);
    assert_eq!(out[0].data, [1.0, 2.0, 3.0, 4.0]);
}

#[test]
fn quantised_convolutions() {
    // Weights [2, 2, 3] whose scales lie along the operand's channels, and a transposed one of two groups.
    let check = |op: &str, axis: i64, attributes: Vec<AttributeProto>, parts: &[&str]| {
        let constants = vec![
            floats("stored", &[2, 2, 3], &[3.0; 12]),
            floats("scale", &[2], &[0.5, 0.25]),
            floats("zero", &[2], &[0.0; 2]),
        ];
        let factors = ["stored", "scale", "zero"];
        let nodes = vec![
            node(
                "DequantizeLinear",
                "weights",
                &factors,
                vec![int("axis", axis)],
            ),
            node(op, "y", &["x", "weights"], attributes),
        ];
        let message = error(&model(
            13,
            vec![info("x", &[1, 2, 5])],
            constants,
            nodes,
            &["y"],
        ));
        for part in ["node 'y'", op].iter().chain(parts) {
            assert!(message.contains(part), "{message:?} does not say {part:?}");
        }
    };
    let another = &["another axis", "per output channel"];
    check("Conv", 1, vec![], another);
    check("ConvTranspose", 0, vec![], another);
    let groups = vec![int("group", 2)];
    check("ConvTranspose", 1, groups, &["groups", "per tensor"]);
}
