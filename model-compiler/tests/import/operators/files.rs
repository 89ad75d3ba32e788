//! Constants, arithmetic on shapes, the batch and the inputs.

use super::*;
use hodoscope_compiler::import::proto::{FunctionProto, OperatorSetIdProto};

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

/// As `torch.nn.Module.half` and onnxconverter-common's `convert_float_to_float16` write it: the same as in single precision
/// where the weights are.
#[test]
fn half_precision_is_computed_in_single() {
    let weights = |half: bool| {
        let mut weights = floats("w", &[3, 2], &[0.5, -1.25, 3.0, 0.1875, -2.0, 1.0]);
        if half {
            // Sign, five bits of exponent, ten of fraction.
            let bits = [0x3800, 0xbd00, 0x4200, 0x3200, 0xc000, 0x3c00];
            weights.data_type = data_type::FLOAT16;
            weights.float_data.clear();
            weights.raw_data = bits.iter().flat_map(|b: &u16| b.to_le_bytes()).collect();
        }
        weights
    };
    let to = |code: i32| vec![int("to", code.into())];
    let casts = |code| {
        vec![
            node("Cast", "own", &["x"], to(code)),
            node("MatMul", "sums", &["own", "w"], vec![]),
            node("Tanh", "tanh", &["sums"], vec![]),
            node("Cast", "y", &["tanh"], to(data_type::FLOAT)),
        ]
    };
    let input = |code| {
        let mut x = info("x", &[1, 3]);
        let tensor = x.r#type.as_mut().and_then(|t| t.tensor_type.as_mut());
        tensor.expect("a tensor").elem_type = code;
        vec![x]
    };
    let event = [t(&[1, 3], &[0.3, -0.7, 1.1])];
    let of = |code, half| model(13, input(code), vec![weights(half)], casts(code), &["y"]);
    let single = run(&of(data_type::FLOAT, false), &event);
    for code in [data_type::FLOAT16, data_type::BFLOAT16] {
        assert_eq!(run(&of(code, true), &event), single);
    }
}

/// As onnxruntime's conversion to half precision leaves them, which appends its casts.
#[test]
fn nodes_in_any_order() {
    let to = || vec![int("to", data_type::FLOAT.into())];
    let nodes = vec![
        node("Neg", "c", &["b"], vec![]),
        node("Relu", "a", &["x.cast"], vec![]),
        node("Add", "b", &["a", "a"], vec![]),
        node("Cast", "y", &["c"], to()),
        node("Cast", "x.cast", &["x"], to()),
    ];
    let unsorted = model(13, vec![info("x", &[1, 3])], vec![], nodes, &["y"]);
    let out = run(&unsorted, &[t(&[1, 3], &[1.0, -2.0, 3.0])]);
    assert_eq!(out[0].data, [-2.0, 0.0, -6.0]);
}

#[test]
fn two_events_at_once_are_those_alone_unless_an_operation_joins_them() {
    use hodoscope_compiler::import::{Options, pair_from_bytes};
    use prost::Message;

    let pair = |nodes: Vec<NodeProto>, dims: &[i64]| {
        let constants = vec![
            int64s("first", &[1, 1, 2], &[0, 0]),
            floats("ones", &[1, 1, 2], &[1.0, 1.0]),
        ];
        let model = model(17, vec![info("x", dims)], constants, nodes, &["y"]);
        let graph = pair_from_bytes(&model.encode_to_vec(), None, &Options::default())?;
        let x = t(&[2, 2, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
        Some(
            Executor::new(&graph).unwrap().run(&[x]).unwrap()[0]
                .data
                .clone(),
        )
    };
    let sum = || {
        let axes = vec![ints("axes", &[1]), int("keepdims", 0)];
        vec![node("ReduceMax", "y", &["x"], axes)]
    };
    assert_eq!(pair(sum(), &[-1, 2, 2]).unwrap(), [3.0, 4.0, 7.0, 8.0]);
    // Indices of one event reach the first one alone.
    let scatter = node(
        "ScatterElements",
        "y",
        &["x", "first", "ones"],
        vec![int("axis", 1)],
    );
    let scattered = pair(vec![scatter], &[-1, 2, 2]).unwrap();
    assert_eq!(scattered, [1.0, 1.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
    // A batch that the file fixes has no second event.
    assert_eq!(pair(sum(), &[1, 2, 2]), None);
}

/// A subgraph as an attribute.
fn body(
    inputs: &[&str],
    constants: Vec<TensorProto>,
    nodes: Vec<NodeProto>,
    outputs: &[&str],
) -> AttributeProto {
    let inputs = inputs.iter().map(|name| info(name, &[])).collect();
    AttributeProto {
        name: "body".into(),
        g: model(17, inputs, constants, nodes, outputs).graph,
        r#type: hodoscope_compiler::import::proto::attribute_type::GRAPH,
        ..AttributeProto::default()
    }
}

#[test]
fn rounds_of_a_loop_stand_one_behind_the_other() {
    // As tf2onnx has a recurrent layer: the condition compares a counter, rows are gathered by it, states are stacked.
    let nodes = vec![
        node("Gather", "row", &["rows", "at"], vec![int("axis", 0)]),
        node("Add", "state_out", &["state", "row"], vec![]),
        node("Add", "at_out", &["at", "step"], vec![]),
        node("Less", "go_out", &["at_out", "count_in"], vec![]),
        node("Mul", "seen", &["state_out", "state_out"], vec![]),
    ];
    let inner = |rounds: &str| {
        let attribute = body(
            &["round", "go", "at", "state", "count_in"],
            vec![int64s("step", &[], &[1])],
            nodes.clone(),
            &["go_out", "at_out", "state_out", "count_in", "seen"],
        );
        let mut node = node(
            "Loop",
            "at_end",
            &[rounds, "", "zero", "x", "count"],
            vec![attribute],
        );
        node.output = ["at_end", "state_end", "count_end", "all"]
            .map(String::from)
            .into();
        let constants = vec![
            floats("rows", &[4, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]),
            int64s("zero", &[], &[0]),
            int64s("count", &[], &[3]),
            int64s("two", &[], &[2]),
        ];
        let outputs = ["state_end", "all"];
        model(
            17,
            vec![info("x", &[1, 2])],
            constants,
            vec![node],
            &outputs,
        )
    };
    let found = run(&inner(""), &[t(&[1, 2], &[10.0, 20.0])]);
    assert_eq!(found[0].data, [19.0, 32.0]);
    assert_eq!(found[1].shape, [3, 1, 2]);
    assert_eq!(found[1].data, [121.0, 484.0, 196.0, 676.0, 361.0, 1024.0]);
    let found = run(&inner("two"), &[t(&[1, 2], &[10.0, 20.0])]);
    assert_eq!(found[0].data, [14.0, 26.0]);
    assert_eq!(found[1].shape, [2, 1, 2]);
    let text = error(&inner("x"));
    for part in ["at_end", "rounds", "depends on the event"] {
        assert!(text.contains(part), "{text}");
    }
}

/// `state` plus what `captured` names, three times.
fn three_times(captured: &str, start: &str, rounds: &str, result: &str) -> NodeProto {
    let nodes = vec![
        node("Add", "state_out", &["state", captured], vec![]),
        node("Identity", "go_out", &["go"], vec![]),
    ];
    let attribute = body(
        &["round", "go", "state"],
        vec![],
        nodes,
        &["go_out", "state_out"],
    );
    node("Loop", result, &[rounds, "", start], vec![attribute])
}

#[test]
fn loops_with_bodies_of_the_same_names_stand_side_by_side() {
    let three = vec![int64s("three", &[], &[3])];
    let nodes = vec![
        three_times("x", "x", "three", "first"),
        three_times("first", "x", "three", "y"),
    ];
    let model = model(17, vec![info("x", &[1, 2])], three, nodes, &["y"]);
    // 4x, and three times that more than x.
    let found = run(&model, &[t(&[1, 2], &[1.0, 2.0])]);
    assert_eq!(found[0].data, [13.0, 26.0]);
}

#[test]
fn a_loop_in_a_function_captures_what_the_function_has() {
    let rounds = node("Constant", "three", &[], vec![int("value_int", 3)]);
    let function = FunctionProto {
        name: "F".into(),
        domain: "own".into(),
        input: vec!["x".into()],
        output: vec!["b".into()],
        node: vec![rounds, three_times("x", "x", "three", "b")],
        opset_import: vec![OperatorSetIdProto {
            domain: String::new(),
            version: 17,
        }],
        ..Default::default()
    };
    let call = NodeProto {
        domain: "own".into(),
        ..node("F", "y", &["n"], vec![])
    };
    // The caller has an x of its own.
    let nodes = vec![node("Neg", "n", &["x"], vec![]), call];
    let mut model = model(17, vec![info("x", &[1, 2])], vec![], nodes, &["y"]);
    model.opset_import.push(OperatorSetIdProto {
        domain: "own".into(),
        version: 1,
    });
    model.functions = vec![function];
    let found = run(&model, &[t(&[1, 2], &[1.0, 2.0])]);
    assert_eq!(found[0].data, [-4.0, -8.0]);
}

#[test]
fn a_scan_goes_along_its_axis_in_either_direction() {
    let scan = |backwards: i64| {
        let nodes = vec![
            node("Add", "sum", &["state", "row"], vec![]),
            node("Identity", "seen", &["sum"], vec![]),
        ];
        let attributes = vec![
            body(&["state", "row"], vec![], nodes, &["sum", "seen"]),
            int("num_scan_inputs", 1),
            ints("scan_input_axes", &[1]),
            ints("scan_input_directions", &[backwards]),
            ints("scan_output_axes", &[1]),
        ];
        let mut node = node("Scan", "end", &["start", "x"], attributes);
        node.output = ["end", "all"].map(String::from).into();
        let start = vec![floats("start", &[1, 2], &[0.0, 100.0])];
        let model = model(
            17,
            vec![info("x", &[1, 3, 2])],
            start,
            vec![node],
            &["end", "all"],
        );
        let mut found = run(&model, &[t(&[1, 3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])]);
        assert_eq!(found[1].shape, [1, 3, 2]);
        (found.remove(0).data, found.remove(0).data)
    };
    assert_eq!(
        scan(0),
        (vec![9.0, 112.0], vec![1.0, 102.0, 4.0, 106.0, 9.0, 112.0])
    );
    assert_eq!(
        scan(1),
        (vec![9.0, 112.0], vec![5.0, 106.0, 8.0, 110.0, 9.0, 112.0])
    );
}

#[test]
fn batch_normalisation_by_computed_statistics_is_a_layer_normalisation() {
    // tf2onnx's form of Keras' LayerNormalization: rows are channels.
    let axes = || vec![ints("axes", &[0, 2]), int("keepdims", 0)];
    let nodes = vec![
        node("ReduceMean", "mean", &["x"], axes()),
        node("Mul", "square", &["x", "x"], vec![]),
        node("ReduceMean", "power", &["square"], axes()),
        node("Mul", "of_mean", &["mean", "mean"], vec![]),
        node("Sub", "variance", &["power", "of_mean"], vec![]),
        node(
            "BatchNormalization",
            "y",
            &["x", "ones", "zeros", "mean", "variance"],
            vec![float("epsilon", 0.0)],
        ),
    ];
    let constants = vec![
        floats("ones", &[2], &[1.0, 2.0]),
        floats("zeros", &[2], &[0.0, 1.0]),
    ];
    let model = model(13, vec![info("x", &[1, 2, 2])], constants, nodes, &["y"]);
    let found = run(&model, &[t(&[1, 2, 2], &[1.0, 3.0, 10.0, 30.0])]);
    assert_close(&found[0].data, &[-1.0, 1.0, -1.0, 3.0], 1e-5);
}
