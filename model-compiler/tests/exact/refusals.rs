//! What the exact road refuses of a quantised network: the node, input or output, the operation, and what to do.

use crate::import_support::*;
use hodoscope_compiler::exact::exact;
use hodoscope_compiler::graph::{GraphBuilder, Kind, Op, Quantiser, RoundingMode, Tensor};
use hodoscope_compiler::import::proto::{
    AttributeProto, NodeProto, OperatorSetIdProto, TensorProto, attribute_type, data_type,
};
use hodoscope_compiler::inputs::InputsSpec;

const QONNX: &str = "qonnx.custom_op.general";

/// A quantiser of `x` by constants of these names.
fn quant(name: &str, x: &str, [scale, zero, bits]: [&str; 3]) -> NodeProto {
    NodeProto {
        domain: QONNX.into(),
        ..node("Quant", name, &[x, scale, zero, bits], vec![])
    }
}

/// `x` `[1, 4]` behind a quantiser of 8 bits, then the given nodes, of which the last gives the output `y`.
fn refused(nodes: Vec<NodeProto>, parts: &[&str]) {
    refused_with(vec![], nodes, parts);
}

fn refused_with(constants: Vec<TensorProto>, nodes: Vec<NodeProto>, parts: &[&str]) {
    let mut all = vec![
        floats("scale", &[], &[0.125]),
        floats("scales", &[4], &[0.125, 0.25, 0.5, 1.0]),
        floats("uneven", &[], &[0.3]),
        floats("zero", &[], &[0.0]),
        floats("one", &[], &[1.0]),
        floats("bits", &[], &[8.0]),
        floats("many", &[], &[24.0]),
        floats("third", &[1], &[0.333]),
        int64s("image", &[4], &[1, 1, 2, 2]),
        int64s("images", &[4], &[2, 1, 1, 2]),
        int64s("column", &[2], &[4, 1]),
    ];
    all.extend(constants);
    let q = quant("q", "x", ["scale", "zero", "bits"]);
    let nodes = [vec![q], nodes].concat();
    let mut model = model(13, vec![info("x", &[1, 4])], all, nodes, &["y"]);
    for domain in [QONNX, "ai.onnx.ml"] {
        model.opset_import.push(OperatorSetIdProto {
            domain: domain.into(),
            version: 1,
        });
    }
    let graph = load(&model).unwrap();
    let message = exact(&graph, "refused", &InputsSpec::default())
        .unwrap_err()
        .to_string();
    for part in parts {
        assert!(message.contains(part), "{message:?} does not say {part:?}");
    }
}

const EIGHT: [&str; 3] = ["scale", "zero", "bits"];

#[test]
fn functions_that_nothing_quantises() {
    // Of zero and below there is none.
    let logarithm = node("Log", "y", &["q"], vec![]);
    refused(vec![logarithm], &["output 'y'", "Log", "add a quantiser"]);
    let sigmoid = node("Sigmoid", "score", &["q"], vec![]);
    let half = node("Add", "y", &["score", "score"], vec![]);
    let parts = ["node 'y'", "Sigmoid", "add a quantiser"];
    refused(vec![sigmoid, half], &parts);
}

#[test]
fn inputs_whose_words_are_not_known() {
    let sum = node("Add", "y", &["x", "q"], vec![]);
    refused(vec![sum], &["input 'x'", "not stated", "--input"]);
}

#[test]
fn words_of_no_input_and_room_of_no_set() {
    let model = model(
        13,
        vec![info("x", &[1, 4])],
        vec![],
        then("Relu", &["x"], vec![]),
        &["y"],
    );
    let graph = load(&model).unwrap();
    let of = |text: &str| {
        let mut spec = InputsSpec::default();
        spec.set_type(text).unwrap();
        exact(&graph, "refused", &spec)
    };
    assert!(of("x=fixed<8,4>").is_ok());
    let message = of("pt=fixed<8,4>").unwrap_err().to_string();
    assert_eq!(message, "input 'pt': the model has no input of this name");
    let mut spec = InputsSpec::default();
    spec.set_multiplicity(2);
    let message = exact(&graph, "refused", &spec).unwrap_err().to_string();
    assert!(message.contains("2 constituents"), "{message}");
    assert!(message.contains("export it with that length"), "{message}");
}

#[test]
fn operations_without_integers() {
    let tangent = node("Tanh", "the_node", &["q"], vec![]);
    let after = node("Relu", "y", &["the_node"], vec![]);
    refused(
        vec![tangent, after],
        &["node 'y'", "a Tanh, is not quantised", "add a quantiser"],
    );
}

fn then(op: &str, inputs: &[&str], attributes: Vec<AttributeProto>) -> Vec<NodeProto> {
    vec![node(op, "y", inputs, attributes)]
}

fn image(op: &str, x: &str, attributes: Vec<AttributeProto>) -> Vec<NodeProto> {
    vec![
        node("Reshape", "shaped", &["q", x], vec![]),
        node(op, "y", &["shaped"], attributes),
    ]
}

#[test]
fn quotients_and_powers() {
    let by_itself = [
        vec![quant("other", "q", EIGHT)],
        then("Pow", &["q", "other"], vec![]),
    ];
    refused(
        by_itself.concat(),
        &["node 'y'", "Pow", "squares", "products"],
    );
    let quotient = |name: &str| node("Div", name, &["q", "q"], vec![]);
    refused(
        vec![quotient("y")],
        &["output 'y'", "division", "add a quantiser"],
    );
    let behind = |factors| vec![quotient("ratio"), quant("y", "ratio", factors)];
    refused(
        behind(["scale", "one", "bits"]),
        &["node 'y'", "zero point", "symmetrically"],
    );
    refused(
        behind(["scales", "zero", "bits"]),
        &["node 'y'", "one scale for all channels"],
    );
}

#[test]
fn slopes() {
    let slope = [
        vec![quant("other", "q", EIGHT)],
        then("PRelu", &["q", "other"], vec![]),
    ];
    refused(slope.concat(), &["node 'y'", "PRelu", "make it a constant"]);
}

#[test]
fn choices() {
    let and = || {
        vec![
            node("Cast", "truth", &["q"], vec![int("to", 9)]),
            node("And", "both", &["truth", "truth"], vec![]),
            node("Cast", "y", &["both"], vec![int("to", 1)]),
        ]
    };
    refused(and(), &["no comparison"]);
}

#[test]
fn means_without_a_quantiser() {
    // Of four a mean is a shift.
    let mean = |name: &str| {
        let three = node("Slice", "three", &["q", "start", "end", "axis"], vec![]);
        let mean = node("ReduceMean", name, &["three"], vec![ints("axes", &[1])]);
        vec![three, mean]
    };
    let check = |nodes, parts: &[&str]| {
        let bounds = [("start", 0), ("end", 3), ("axis", 1)];
        let bounds = bounds.map(|(name, at)| int64s(name, &[1], &[at]));
        refused_with(bounds.to_vec(), nodes, parts);
    };
    let behind = |last| [mean("mean"), vec![last]].concat();
    let joined = node("Concat", "y", &["mean", "q"], vec![int("axis", 1)]);
    check(
        behind(joined),
        &["node 'y'", "Concat", "mean", "add a quantiser"],
    );
    let logits = node("Softmax", "y", &["mean"], vec![int("axis", 1)]);
    check(
        behind(logits),
        &["node 'y'", "mean over 3 rows", "add a quantiser"],
    );
}

#[test]
fn tables() {
    let table = |x: &str, factors| {
        vec![
            quant("wide", "q", ["scale", "zero", "many"]),
            node("Sigmoid", "score", &[x], vec![]),
            quant("y", "score", factors),
        ]
    };
    refused(
        table("q", ["scales", "zero", "bits"]),
        &["node 'y'", "one scale for all channels"],
    );
    let product = node("Mul", "wide", &["q", "q"], vec![]);
    let square = node("Mul", "wider", &["wide", "q"], vec![]);
    let score = node("Sigmoid", "score", &["wider"], vec![]);
    let behind = quant("y", "score", EIGHT);
    refused(
        vec![product, square, score, behind],
        &["table over", "quantise its operand to 16 bits"],
    );
}

#[test]
fn zero_points_per_channel() {
    let points = TensorProto {
        data_type: data_type::INT8,
        int32_data: vec![0, 1, 2, 3],
        ..int64s("points", &[4], &[])
    };
    // Halves to even, then the zero point: an odd one turns them round.
    let nodes = vec![
        node(
            "QuantizeLinear",
            "stored",
            &["q", "fourths", "points"],
            vec![],
        ),
        node(
            "DequantizeLinear",
            "y",
            &["stored", "fourths", "points"],
            vec![],
        ),
    ];
    let fourths = floats("fourths", &[4], &[0.25; 4]);
    refused_with(
        vec![points, fourths],
        nodes,
        &["node 'stored'", "zero points that differ per channel"],
    );
}

#[test]
fn windows() {
    let two = || vec![ints("kernel_shape", &[2, 2]), ints("strides", &[1, 1])];
    let batch = image("MaxPool", "images", vec![ints("kernel_shape", &[1, 2])]);
    refused(batch, &["node 'y'", "MaxPool", "batch of several events"]);
    let padded = [two(), vec![ints("pads", &[1, 1, 1, 1])]].concat();
    refused(
        image("AveragePool", "image", padded),
        &["node 'y'", "padding", "count_include_pad"],
    );
    let beyond = vec![
        ints("kernel_shape", &[2, 2]),
        ints("strides", &[2, 2]),
        ints("pads", &[1, 1, 0, 0]),
        int("ceil_mode", 1),
        int("count_include_pad", 1),
    ];
    refused(
        image("AveragePool", "image", beyond),
        &["node 'y'", "end behind the padding", "ceil_mode"],
    );
    let pads = vec![
        int64s("pads", &[4], &[0, 1, 0, 0]),
        floats("value", &[], &[2.0]),
    ];
    let pad = then("Pad", &["q", "pads", "value"], vec![]);
    refused_with(pads, pad, &["node 'y'", "padding of 2", "pad with zeros"]);
    let one = || vec![floats("one_by_one", &[1, 1, 1, 1], &[0.5])];
    let layer = |op: &str, shape: &str, attributes| {
        vec![
            node("Reshape", "shaped", &["q", shape], vec![]),
            node(op, "y", &["shaped", "one_by_one"], attributes),
        ]
    };
    refused_with(
        one(),
        layer("Conv", "images", vec![]),
        &["node 'y'", "Conv", "batch"],
    );
    let apart = layer("ConvTranspose", "image", vec![ints("strides", &[2, 2])]);
    refused_with(
        one(),
        apart,
        &["node 'y'", "ConvTranspose", "kernel as wide as the stride"],
    );
}

#[test]
fn rows_of_tables() {
    let constants = vec![floats("table", &[2, 3], &[1.0; 6])];
    let nodes = vec![
        node(
            "ArgMax",
            "index",
            &["q"],
            vec![int("axis", 1), int("keepdims", 0)],
        ),
        node("Gather", "y", &["table", "index"], vec![int("axis", 1)]),
    ];
    refused_with(constants, nodes, &["node 'y'", "Gather", "axis 0"]);
}

#[test]
fn trees() {
    let list = |name: &str, values: &[f32]| AttributeProto {
        name: name.into(),
        floats: values.to_vec(),
        r#type: attribute_type::FLOATS,
        ..Default::default()
    };
    let modes = AttributeProto {
        name: "nodes_modes".into(),
        strings: ["BRANCH_LEQ", "LEAF", "LEAF"].map(|m| m.into()).to_vec(),
        r#type: attribute_type::STRINGS,
        ..Default::default()
    };
    let forest = |x: &str, leaves: &[f32]| NodeProto {
        domain: "ai.onnx.ml".into(),
        ..node(
            "TreeEnsembleRegressor",
            "y",
            &[x],
            vec![
                ints("nodes_treeids", &[0, 0, 0]),
                ints("nodes_nodeids", &[0, 1, 2]),
                ints("nodes_featureids", &[0, 0, 0]),
                ints("nodes_truenodeids", &[1, 0, 0]),
                ints("nodes_falsenodeids", &[2, 0, 0]),
                list("nodes_values", &[0.5, 0.0, 0.0]),
                modes.clone(),
                ints("target_treeids", &[0, 0]),
                ints("target_nodeids", &[1, 2]),
                ints("target_ids", &[0, 0]),
                list("target_weights", leaves),
                int("n_targets", 1),
            ],
        )
    };
    refused(
        vec![forest("q", &[1e-9, 1e9])],
        &["node 'y'", "leaves share no grid", "power of two"],
    );
    let rows = vec![
        quant("own", "q", ["scales", "zero", "bits"]),
        node("Reshape", "column_of", &["own", "column"], vec![]),
        forest("column_of", &[1.0, 2.0]),
    ];
    refused(
        rows,
        &["node 'y'", "features of different units", "one scale"],
    );
}

/// Products that are quantised one by one before they are summed, as `ap_fixed` accumulators do.
#[test]
fn products_that_are_rounded() {
    let check = |scale: f32, range, rounding, parts: &[&str]| {
        let mut builder = GraphBuilder::new("refused");
        let x = builder.input("x", vec![1, 2], Kind::Float).unwrap();
        let product = Quantiser {
            scale: Tensor::scalar(scale),
            zero_point: Tensor::scalar(0.0),
            range,
            rounding,
            zero_first: false,
        };
        let layer = Op::DenseStepwise {
            weights: Tensor::new(vec![1, 2], vec![0.5, -0.25]).unwrap(),
            product: Box::new(product),
        };
        let y = builder.push("layer", layer, &[x]).unwrap();
        builder.output("y", y).unwrap();
        let mut words = InputsSpec::default();
        words.set_type("x=fixed<8,4>").unwrap();
        let message = exact(&builder.finish(), "refused", &words).unwrap_err();
        let message = message.to_string();
        for part in [&["node 'layer'", "DenseStepwise"], parts].concat() {
            assert!(message.contains(part), "{message:?} does not say {part:?}");
        }
    };
    let byte = Some((-128, 127));
    let (floor, ceil) = (RoundingMode::Floor, RoundingMode::Ceil);
    check(0.3, byte, floor, &["no power of two", "not supported"]);
    check(0.125, None, floor, &["no range"]);
    check(0.125, Some((-100, 27)), floor, &["range that is no type's"]);
    check(0.125, byte, ceil, &["rounded up", "use FLOOR"]);
}
