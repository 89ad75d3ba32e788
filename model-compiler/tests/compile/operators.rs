//! Each operator of float ONNX in a small model of its own, compiled at 16 bits and held to the float executor, and its
//! kernels to the interpreter.

use crate::import_support::{float, floats, info, int, int64s, ints, model, node, string};
use crate::networks::{Network, Random};
use crate::quantised_support::{RMS, SIXTEEN, compile, errors, events};
use hodoscope_compiler::import::proto::{
    AttributeProto, FunctionProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
    data_type,
};
use hodoscope_compiler::plan::Plan;
use hodoscope_interpreter::Interpreter;
use hodoscope_kernel_executor::Executor as Kernels;

/// The operator set of all models that state none.
const OPSET: i64 = 20;

pub(crate) type Events = fn(&mut Random) -> Vec<Vec<f32>>;

/// `count` multiples of 2^−6 from `low` on: words hold them exactly, so that no comparison turns on a rounding.
pub(crate) fn numbers(random: &mut Random, count: usize, low: f32, high: f32) -> Vec<f32> {
    let steps = ((high - low) * 64.0) as usize;
    let number = |_| low + random.below(steps) as f32 / 64.0;
    (0..count).map(number).collect()
}

/// `x` [1, 6] between −2 and 2.
pub(crate) fn row(random: &mut Random) -> Vec<Vec<f32>> {
    vec![numbers(random, 6, -2.0, 2.0)]
}

/// `x` [1, 6] between ¼ and 4.
pub(crate) fn positive(random: &mut Random) -> Vec<Vec<f32>> {
    vec![numbers(random, 6, 0.25, 4.0)]
}

/// `x` and `y` [1, 6] between −2 and 2, in steps of ½: some are equal.
pub(crate) fn rows(random: &mut Random) -> Vec<Vec<f32>> {
    let mut halves = || (0..6).map(|_| random.below(9) as f32 / 2.0 - 2.0).collect();
    vec![halves(), halves()]
}

/// `x` [1, 6] between −2 and 2, `y` [1, 6] between ½ and 2.
pub(crate) fn quotients(random: &mut Random) -> Vec<Vec<f32>> {
    vec![numbers(random, 6, -2.0, 2.0), numbers(random, 6, 0.5, 2.0)]
}

/// `x` [1, 3, 4] between −2 and 2.
pub(crate) fn matrix(random: &mut Random) -> Vec<Vec<f32>> {
    vec![numbers(random, 12, -2.0, 2.0)]
}

/// `x` [1, 3, 4] and `y` [1, 4, 3] between −2 and 2.
pub(crate) fn matrices(random: &mut Random) -> Vec<Vec<f32>> {
    let matrix = |random: &mut Random| numbers(random, 12, -2.0, 2.0);
    vec![matrix(random), matrix(random)]
}

/// `x` [1, 2, 8] between −2 and 2.
pub(crate) fn line(random: &mut Random) -> Vec<Vec<f32>> {
    vec![numbers(random, 16, -2.0, 2.0)]
}

/// `x` [1, 2, 4, 4] between −2 and 2.
pub(crate) fn image(random: &mut Random) -> Vec<Vec<f32>> {
    vec![numbers(random, 32, -2.0, 2.0)]
}

/// The inputs' shapes that belong to each kind of event.
fn shapes(event: Events) -> &'static [&'static [i64]] {
    let all: [(Events, &[&[i64]]); 10] = [
        (row, &[&[1, 6]]),
        (positive, &[&[1, 6]]),
        (rows, &[&[1, 6], &[1, 6]]),
        (quotients, &[&[1, 6], &[1, 6]]),
        (matrix, &[&[1, 3, 4]]),
        (matrices, &[&[1, 3, 4], &[1, 4, 3]]),
        (line, &[&[1, 2, 8]]),
        (image, &[&[1, 2, 4, 4]]),
        (rows_and_nothing, &[&[1, 6]]),
        (three, &[&[1, 6], &[1, 6], &[1, 1]]),
    ];
    // Others are rows of six, as most are.
    let known = all
        .into_iter()
        .find(|(known, _)| std::ptr::fn_addr_eq(*known, event));
    known.map_or(&[&[1, 6]], |known| known.1)
}

/// Two rows and a number.
fn three(random: &mut Random) -> Vec<Vec<f32>> {
    let mut all = quotients(random);
    all.push(numbers(random, 1, 0.0, 2.0));
    all
}

/// A constant of numbers between −1 and 1, the same every time.
pub(crate) fn weights(name: &str, dims: &[i64]) -> TensorProto {
    let mut random = Random::new(7);
    let count = dims.iter().product::<i64>();
    let data: Vec<f32> = (0..count).map(|_| 2.0 * random.uniform() - 1.0).collect();
    floats(name, dims, &data)
}

/// What a case is made of.
#[derive(Default)]
pub(crate) struct Case {
    pub name: &'static str,
    pub constants: Vec<TensorProto>,
    pub nodes: Vec<NodeProto>,
    pub outputs: Vec<&'static str>,
    pub functions: Vec<FunctionProto>,
}

impl Case {
    /// Compiles, runs and compares; what went wrong, if something did.
    fn check(self, event: Events) -> Result<(), String> {
        let Self {
            name,
            constants,
            nodes,
            outputs,
            functions,
        } = self;
        let inputs = shapes(event).iter().zip(["x", "y", "z"]);
        let inputs = inputs.map(|(dims, input)| info(input, dims)).collect();
        let mut model = model(OPSET, inputs, constants, nodes, &outputs);
        if !functions.is_empty() {
            model.opset_import.push(OperatorSetIdProto {
                domain: "own".into(),
                version: 1,
            });
            model.functions = functions;
        }
        held(name, model, event)
    }
}

pub(crate) fn held(name: &'static str, model: ModelProto, event: Events) -> Result<(), String> {
    let network = Network { name, model, event };
    let (graph, program) = compile(&network, &SIXTEEN).map_err(|e| format!("{name}: {e}"))?;
    let errors = errors(&network, &graph, &program);
    println!("{name}: rms {errors:?}");
    let interpreter = Interpreter::new(&program).unwrap();
    let plan = Plan::portable(&program).unwrap();
    let kernels = Kernels::new(&plan);
    for (_, event) in events(&network, &program).iter().take(3) {
        let expected = interpreter.run(event).unwrap();
        assert_eq!(kernels.infer(&event.inputs), expected, "{name}");
    }
    match errors.iter().find(|e| **e > RMS) {
        Some(error) => Err(format!("{name}: rms {error:.2e}")),
        None => Ok(()),
    }
}

/// One node, whose first operands are the inputs.
pub(crate) fn one(
    op: &'static str,
    inputs: &[&str],
    attributes: Vec<AttributeProto>,
    constants: Vec<TensorProto>,
) -> Case {
    Case {
        name: op,
        constants,
        nodes: vec![node(op, "out", inputs, attributes)],
        outputs: vec!["out"],
        ..Case::default()
    }
}

/// All cases of a table; every one that fails is named.
pub(crate) fn check(cases: Vec<(Case, Events)>) {
    let failed: Vec<String> = cases
        .into_iter()
        .filter_map(|(case, event)| case.check(event).err())
        .collect();
    assert!(
        failed.is_empty(),
        "{} fail:\n{}",
        failed.len(),
        failed.join("\n")
    );
}

#[test]
fn functions_of_one_element() {
    let plain = [
        "Neg",
        "Abs",
        "Relu",
        "Sigmoid",
        "Tanh",
        "Softplus",
        "Softsign",
        "Mish",
        "HardSwish",
        "Exp",
        "Erf",
        "Elu",
        "Selu",
        "Celu",
        "LeakyRelu",
        "HardSigmoid",
        "Gelu",
        "Floor",
        "Ceil",
        "Round",
        "Sign",
    ];
    let mut cases: Vec<(Case, Events)> = plain
        .map(|op| (one(op, &["x"], vec![], vec![]), row as Events))
        .into();
    for op in ["Sqrt", "Log", "Reciprocal"] {
        cases.push((one(op, &["x"], vec![], vec![]), positive));
    }
    let tanh = vec![string("approximate", "tanh")];
    cases.push((one("Gelu", &["x"], tanh, vec![]), row));
    let steep = vec![float("alpha", 1.5)];
    cases.push((one("LeakyRelu", &["x"], steep.clone(), vec![]), row));
    cases.push((one("Elu", &["x"], steep.clone(), vec![]), row));
    cases.push((one("Celu", &["x"], steep, vec![]), row));
    let bounds = || vec![floats("low", &[], &[-0.7]), floats("high", &[], &[1.1])];
    cases.push((one("Clip", &["x", "low", "high"], vec![], bounds()), row));
    cases.push((one("Clip", &["x", "low"], vec![], bounds()), row));
    let slopes = vec![floats("slope", &[6], &[0.1, 0.2, -0.3, 0.0, 1.0, 2.0])];
    cases.push((one("PRelu", &["x", "slope"], vec![], slopes), row));
    for to in [data_type::INT32, data_type::FLOAT] {
        cases.push((one("Cast", &["x"], vec![int("to", to.into())], vec![]), row));
    }
    let whole = Case {
        name: "Dropout, Identity",
        nodes: vec![
            node("Dropout", "kept", &["x"], vec![]),
            node("Identity", "out", &["kept"], vec![]),
        ],
        outputs: vec!["out"],
        ..Case::default()
    };
    cases.push((whole, row));
    check(cases);
}

#[test]
fn functions_of_two_elements() {
    let mut cases: Vec<(Case, Events)> = vec![];
    for op in ["Add", "Sub", "Mul", "Min", "Max", "Sum", "Mean"] {
        cases.push((one(op, &["x", "y"], vec![], vec![]), rows));
        cases.push((one(op, &["x", "c"], vec![], vec![weights("c", &[6])]), row));
        cases.push((one(op, &["c", "x"], vec![], vec![weights("c", &[1])]), row));
    }
    cases.push((one("Div", &["x", "y"], vec![], vec![]), quotients));
    cases.push((
        one(
            "Div",
            &["x", "c"],
            vec![],
            vec![floats("c", &[6], &[0.3, 1.0, 2.0, 3.0, -4.0, 5.0])],
        ),
        row,
    ));
    cases.push((
        one(
            "Div",
            &["c", "x"],
            vec![],
            vec![floats("c", &[6], &[0.3, 1.0, 2.0, 3.0, -4.0, 5.0])],
        ),
        positive,
    ));
    for exponent in [0.5, 2.0, 3.0, -1.0, 1.7] {
        cases.push((
            one(
                "Pow",
                &["x", "c"],
                vec![],
                vec![floats("c", &[], &[exponent])],
            ),
            positive,
        ));
    }
    cases.push((
        one("Pow", &["x", "c"], vec![], vec![floats("c", &[], &[3.0])]),
        row,
    ));
    cases.push((
        one("Pow", &["c", "x"], vec![], vec![floats("c", &[], &[2.0])]),
        row,
    ));
    check(cases);
}

#[test]
fn comparisons_and_logic() {
    let mut cases: Vec<(Case, Events)> = vec![];
    for op in ["Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal"] {
        cases.push((one(op, &["x", "y"], vec![], vec![]), rows));
        cases.push((
            one(op, &["x", "c"], vec![], vec![floats("c", &[], &[0.5])]),
            rows_and_nothing,
        ));
    }
    let truths = || {
        vec![
            node("Greater", "a", &["x", "c"], vec![]),
            node("Less", "b", &["y", "c"], vec![]),
        ]
    };
    for op in ["And", "Or", "Xor"] {
        let mut case = one(op, &["a", "b"], vec![], vec![floats("c", &[], &[0.25])]);
        case.nodes = [truths(), case.nodes].concat();
        cases.push((case, rows));
    }
    let mut not = one("Not", &["a"], vec![], vec![floats("c", &[], &[0.25])]);
    not.nodes
        .insert(0, node("Greater", "a", &["x", "c"], vec![]));
    cases.push((not, row));
    let mut choice = one("Where", &["a", "x", "y"], vec![], vec![]);
    choice
        .nodes
        .insert(0, node("Greater", "a", &["x", "y"], vec![]));
    cases.push((choice, rows));
    let mut constant = one(
        "Where",
        &["a", "x", "c"],
        vec![],
        vec![floats("c", &[], &[0.25])],
    );
    constant
        .nodes
        .insert(0, node("Greater", "a", &["x", "c"], vec![]));
    cases.push((constant, row));
    check(cases);
}

/// One row in steps of ½.
fn rows_and_nothing(random: &mut Random) -> Vec<Vec<f32>> {
    let mut all = rows(random);
    all.truncate(1);
    all
}

#[test]
fn layers() {
    let bias = || weights("b", &[4]);
    let gemm = vec![int("transB", 1), float("alpha", 0.5), float("beta", 2.0)];
    let conv = |dims: &[i64]| vec![weights("w", dims), bias()];
    let operands = ["x", "w", "b"];
    let same = vec![ints("pads", &[1, 1])];
    let around = vec![ints("pads", &[1, 1, 1, 1]), ints("strides", &[2, 2])];
    let dilated = vec![ints("dilations", &[2, 2]), string("auto_pad", "SAME_UPPER")];
    let twice = || vec![ints("strides", &[2, 2])];
    let normal = || {
        let own = |name: &str, low: f32| floats(name, &[2], &[low, low + 0.5]);
        vec![
            own("gamma", 0.5),
            own("beta", -0.2),
            own("mean", 0.1),
            own("variance", 0.7),
        ]
    };
    let pool = |op, window: &[i64], more: Vec<AttributeProto>| {
        let own = vec![ints("kernel_shape", window), ints("strides", window)];
        one(op, &["x"], [own, more].concat(), vec![])
    };
    let counted = vec![ints("pads", &[1, 1, 1, 1]), int("count_include_pad", 1)];
    check(vec![
        (one("Gemm", &operands, gemm, conv(&[4, 6])), row),
        (
            one("MatMul", &["x", "w"], vec![], vec![weights("w", &[6, 4])]),
            row,
        ),
        (one("MatMul", &["x", "y"], vec![], vec![]), matrices),
        (
            one(
                "Einsum",
                &["x", "y"],
                vec![string("equation", "bij,bjk->bik")],
                vec![],
            ),
            matrices,
        ),
        (
            one(
                "Einsum",
                &["x", "w"],
                vec![string("equation", "bij,jk->bik")],
                vec![weights("w", &[4, 3])],
            ),
            matrix,
        ),
        (one("Conv", &operands, vec![], conv(&[4, 2, 3])), line),
        (one("Conv", &operands, same, conv(&[4, 2, 3])), line),
        (one("Conv", &operands, vec![], conv(&[4, 2, 3, 3])), image),
        (one("Conv", &operands, around, conv(&[4, 2, 3, 3])), image),
        (one("Conv", &operands, dilated, conv(&[4, 2, 3, 3])), image),
        (
            one(
                "Conv",
                &operands,
                vec![int("group", 2)],
                conv(&[4, 1, 3, 3]),
            ),
            image,
        ),
        (
            one("Conv", &operands, vec![int("group", 2)], conv(&[4, 1, 3])),
            line,
        ),
        (
            one("ConvTranspose", &operands, twice(), conv(&[2, 4, 2, 2])),
            image,
        ),
        (
            one(
                "ConvTranspose",
                &operands,
                [twice(), vec![ints("output_padding", &[1, 1])]].concat(),
                conv(&[2, 4, 3, 3]),
            ),
            image,
        ),
        (
            one(
                "ConvTranspose",
                &operands,
                vec![int("group", 2)],
                conv(&[2, 2, 2, 2]),
            ),
            image,
        ),
        (pool("MaxPool", &[2], vec![]), line),
        (pool("MaxPool", &[2, 2], vec![]), image),
        (pool("MaxPool", &[3, 3], vec![int("ceil_mode", 1)]), image),
        (pool("AveragePool", &[2], vec![]), line),
        (pool("AveragePool", &[2, 2], vec![]), image),
        (pool("LpPool", &[2, 2], vec![int("p", 1)]), image),
        (
            pool("LpPool", &[3, 3], vec![ints("pads", &[1, 1, 1, 1])]),
            image,
        ),
        (pool("LpPool", &[2], vec![]), line),
        (
            pool("AveragePool", &[3, 3], vec![ints("pads", &[1, 1, 1, 1])]),
            image,
        ),
        (pool("AveragePool", &[3, 3], counted), image),
        (one("GlobalAveragePool", &["x"], vec![], vec![]), image),
        (one("GlobalMaxPool", &["x"], vec![], vec![]), image),
        (one("GlobalAveragePool", &["x"], vec![], vec![]), line),
        (one("GlobalMaxPool", &["x"], vec![], vec![]), line),
        (
            one(
                "BatchNormalization",
                &["x", "gamma", "beta", "mean", "variance"],
                vec![],
                normal(),
            ),
            image,
        ),
        (
            one(
                "LayerNormalization",
                &["x", "g", "h"],
                vec![],
                vec![weights("g", &[4]), weights("h", &[4])],
            ),
            matrix,
        ),
        (
            one(
                "LayerNormalization",
                &["x", "g"],
                vec![int("axis", 1)],
                vec![weights("g", &[3, 4])],
            ),
            matrix,
        ),
        (one("Softmax", &["x"], vec![], vec![]), row),
        (one("Softmax", &["x"], vec![int("axis", 1)], vec![]), matrix),
        (one("LogSoftmax", &["x"], vec![], vec![]), row),
        (
            one("LogSoftmax", &["x"], vec![int("axis", 1)], vec![]),
            matrix,
        ),
    ]);
}

#[test]
fn reductions_and_order() {
    let mut cases: Vec<(Case, Events)> = vec![];
    for op in [
        "ReduceSum",
        "ReduceMean",
        "ReduceMax",
        "ReduceMin",
        "ReduceProd",
        "ReduceL1",
        "ReduceL2",
        "ReduceSumSquare",
    ] {
        for (axes, keep, event) in [
            (vec![1], 0, matrix as Events),
            (vec![1, 2], 1, matrix),
            (vec![-1], 1, row),
        ] {
            let axes = int64s("axes", &[axes.len() as i64], &axes);
            cases.push((
                one(op, &["x", "axes"], vec![int("keepdims", keep)], vec![axes]),
                event,
            ));
        }
    }
    for op in ["ArgMax", "ArgMin"] {
        cases.push((
            one(op, &["x"], vec![int("axis", 1), int("keepdims", 0)], vec![]),
            row,
        ));
        cases.push((
            one(
                op,
                &["x"],
                vec![int("axis", 2), int("select_last_index", 1)],
                vec![],
            ),
            matrix,
        ));
    }
    for largest in [1, 0] {
        let mut top = one(
            "TopK",
            &["x", "k"],
            vec![int("largest", largest)],
            vec![int64s("k", &[1], &[3])],
        );
        top.nodes[0].output = vec!["values".into(), "indices".into()];
        top.outputs = vec!["values", "indices"];
        cases.push((top, row));
    }
    check(cases);
}

#[test]
fn moves() {
    let list = |values: &[i64]| vec![int64s("c", &[values.len() as i64], values)];
    let with = |op, values: &[i64]| one(op, &["x", "c"], vec![], list(values));
    let mut split = one("Split", &["x", "c"], vec![int("axis", 1)], list(&[2, 4]));
    split.nodes[0].output = vec!["first".into(), "second".into()];
    split.outputs = vec!["first", "second"];
    let slice = vec![
        int64s("starts", &[2], &[2, -1]),
        int64s("ends", &[2], &[0, -9]),
        int64s("axes", &[2], &[1, 2]),
        int64s("steps", &[2], &[-1, -2]),
    ];
    let slice = one(
        "Slice",
        &["x", "starts", "ends", "axes", "steps"],
        vec![],
        slice,
    );
    let gathered = one(
        "Gather",
        &["x", "c"],
        vec![int("axis", 2)],
        list(&[3, 0, -1, 3]),
    );
    let nd = one(
        "GatherND",
        &["x", "c"],
        vec![],
        vec![int64s("c", &[2, 3], &[0, 2, 1, 0, 0, 3])],
    );
    let elements = vec![int64s("c", &[1, 3, 1], &[3, 0, 2])];
    let elements = one(
        "GatherElements",
        &["x", "c"],
        vec![int("axis", 2)],
        elements,
    );
    let chosen = Case {
        name: "Gather by a computed index",
        nodes: vec![
            node(
                "ArgMax",
                "largest",
                &["y"],
                vec![int("axis", 1), int("keepdims", 0)],
            ),
            node("Gather", "out", &["x", "largest"], vec![int("axis", 1)]),
        ],
        outputs: vec!["out"],
        ..Case::default()
    };
    let mode = |mode| vec![string("mode", mode)];
    // As torch.nn.Upsample(scale_factor=2) is exported.
    let scales = vec![floats("c", &[4], &[1.0, 1.0, 2.0, 2.0])];
    let rules = vec![
        string("coordinate_transformation_mode", "asymmetric"),
        string("nearest_mode", "floor"),
    ];
    let enlarged = one("Resize", &["x", "", "c"], rules, scales);
    let pads = [0, 1, 0, 0, 0, 2];
    let value = || vec![int64s("c", &[6], &pads), floats("v", &[], &[0.5])];
    check(vec![
        (
            one("Concat", &["x", "y"], vec![int("axis", 1)], vec![]),
            quotients,
        ),
        (
            one(
                "Concat",
                &["x", "c"],
                vec![int("axis", 1)],
                vec![weights("c", &[1, 2])],
            ),
            row,
        ),
        (split, row),
        (slice, matrix),
        (gathered, matrix),
        (nd, matrix),
        (elements, matrix),
        (chosen, quotients),
        (
            one("Transpose", &["x"], vec![ints("perm", &[0, 2, 1])], vec![]),
            matrix,
        ),
        (with("Reshape", &[1, -1, 2]), matrix),
        (one("Flatten", &["x"], vec![], vec![]), matrix),
        (with("Squeeze", &[0]), matrix),
        (with("Unsqueeze", &[1, -1]), matrix),
        (with("Expand", &[2, 3, 4]), matrix),
        (with("Tile", &[1, 2, 2]), matrix),
        (with("Pad", &pads), matrix),
        (one("Pad", &["x", "c", "v"], vec![], value()), matrix),
        (one("Pad", &["x", "c"], mode("edge"), list(&pads)), matrix),
        (
            one("Pad", &["x", "c"], mode("reflect"), list(&pads)),
            matrix,
        ),
        (one("Pad", &["x", "c"], mode("wrap"), list(&pads)), matrix),
        (enlarged, image),
    ]);
}

#[test]
fn recurrent_layers() {
    let layer = |op: &'static str, gates: i64| {
        let constants = vec![
            weights("w", &[1, 3 * gates, 4]),
            weights("r", &[1, 3 * gates, 3]),
            weights("b", &[1, 6 * gates]),
        ];
        let mut case = one(
            op,
            &["sequence", "w", "r", "b"],
            vec![int("hidden_size", 3)],
            constants,
        );
        case.nodes.insert(
            0,
            node(
                "Transpose",
                "sequence",
                &["x"],
                vec![ints("perm", &[1, 0, 2])],
            ),
        );
        case
    };
    check(vec![
        (layer("RNN", 1), matrix),
        (layer("GRU", 3), matrix),
        (layer("LSTM", 4), matrix),
    ]);
}

#[test]
fn inputs_outputs_and_functions() {
    let several = Case {
        name: "several inputs and outputs",
        constants: vec![weights("w", &[4, 6]), weights("b", &[4])],
        nodes: vec![
            node("Add", "sum", &["x", "y"], vec![]),
            node("Mul", "scaled", &["sum", "z"], vec![]),
            node(
                "Gemm",
                "logits",
                &["scaled", "w", "b"],
                vec![int("transB", 1)],
            ),
            node("Softmax", "classes", &["logits"], vec![]),
        ],
        outputs: vec!["logits", "classes", "sum"],
        ..Case::default()
    };
    let own = FunctionProto {
        name: "Swish".into(),
        domain: "own".into(),
        input: vec!["a".into()],
        output: vec!["b".into()],
        node: vec![
            node("Sigmoid", "s", &["a"], vec![]),
            node("Mul", "b", &["a", "s"], vec![]),
        ],
        ..FunctionProto::default()
    };
    let call = NodeProto {
        domain: "own".into(),
        ..node("Swish", "out", &["x"], vec![])
    };
    let function = Case {
        name: "a function in the model",
        nodes: vec![call],
        outputs: vec!["out"],
        functions: vec![own],
        ..Case::default()
    };
    check(vec![(several, three), (function, row)]);
}
