//! What is wrong with a model is said by name.

use crate::import_support::*;
use hodoscope_compiler::{
    graph::Graph,
    import::{
        self, ImportError, Options,
        proto::{
            AttributeProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto,
            TensorProto, ValueInfoProto, attribute_type, data_type,
        },
    },
};
use proptest::prelude::*;
use prost::Message;

/// A model of one node that reads `x` `[1, 4]`.
fn one(node: NodeProto) -> ModelProto {
    let output = node.output[0].clone();
    model(
        13,
        vec![info("x", &[1, 4])],
        Vec::new(),
        vec![node],
        &[&output],
    )
}

/// A dense layer on `x`, whose weights the test may spoil.
fn dense() -> ModelProto {
    let weights = floats("w", &[4, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
    model(
        13,
        vec![info("x", &[1, 4])],
        vec![weights],
        vec![node("MatMul", "y", &["x", "w"], vec![])],
        &["y"],
    )
}

fn check(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{message:?} does not say {part:?}");
    }
}

fn from_bytes_error(bytes: &[u8]) -> String {
    import::from_bytes(bytes)
        .map(|g: Graph| g.to_string())
        .expect_err("must be refused")
        .to_string()
}

#[test]
fn files_that_are_no_model() {
    check(&from_bytes_error(b""), &["not an ONNX model", "empty"]);
    check(&from_bytes_error(b"PK\x03\x04rest"), &["zip archive"]);
    check(&from_bytes_error(b"\x89HDF\r\n\x1a\n"), &["HDF5"]);
    check(
        &from_bytes_error(b"\x1c\x00\x00\x00TFL3"),
        &["TensorFlow Lite"],
    );
    check(
        &from_bytes_error(b"version https://git-lfs.github.com/spec/v1"),
        &["git-lfs"],
    );
    check(&from_bytes_error(&[0xff; 64]), &["not an ONNX model"]);
    check(
        &from_bytes_error(b"hello, this is text"),
        &["not an ONNX model"],
    );
}

#[test]
fn every_truncation_is_an_error() {
    let bytes = dense().encode_to_vec();
    for length in 0..bytes.len() {
        // The operator sets come last, so no prefix is complete.
        assert!(
            import::from_bytes(&bytes[..length]).is_err(),
            "{length} of {} bytes",
            bytes.len()
        );
    }
    assert!(import::from_bytes(&bytes).is_ok());
}

#[test]
fn missing_file_names_the_path() {
    let error = import::load(std::path::Path::new("no/such/model.onnx"))
        .expect_err("refused")
        .to_string();
    check(&error, &["no/such/model.onnx"]);
}

#[test]
fn unsupported_operators_are_named_with_what_to_do() {
    let hashed = NodeProto {
        name: "unique_1".into(),
        ..node("Unique", "y", &["x"], vec![])
    };
    check(
        &error(&one(hashed)),
        &["node 'unique_1'", "operator Unique", "supported operators"],
    );
    let quant = NodeProto {
        domain: "qonnx.custom_op.general".into(),
        ..node("Quant", "q", &["x"], vec![])
    };
    check(
        &error(&one(quant)),
        &["node 'q'", "qonnx.custom_op.general::Quant"],
    );
    let attention = NodeProto {
        domain: "com.microsoft".into(),
        ..node("QAttention", "a", &["x"], vec![])
    };
    check(
        &error(&one(attention)),
        &["com.microsoft::QAttention", "QDQ"],
    );
    let blocked = NodeProto {
        domain: "com.microsoft.nchwc".into(),
        ..node("Conv", "c", &["x"], vec![])
    };
    check(&error(&one(blocked)), &["ORT_ENABLE_BASIC"]);
    check(
        &error(&one(node("If", "i", &["x"], vec![]))),
        &["node 'i'", "depends on the event", "Where"],
    );
    check(
        &error(&one(node("Loop", "l", &["x"], vec![]))),
        &["node 'l'", "body", "is missing"],
    );
    check(
        &error(&one(node("RandomNormalLike", "r", &["x"], vec![]))),
        &["random", "inference"],
    );
}

#[test]
fn a_node_without_name_is_named_by_its_output() {
    let anonymous = NodeProto {
        name: String::new(),
        ..node("Conv", "feature_map", &["x"], vec![])
    };
    check(&error(&one(anonymous)), &["node 'feature_map'", "Conv"]);
}

#[test]
fn unknown_operator_set() {
    for version in [0, 6, 99] {
        let mut model = dense();
        model.opset_import[0].version = version;
        check(
            &error(&model),
            &[
                "operator set 'ai.onnx'",
                &version.to_string(),
                "opset_version",
            ],
        );
    }
    let mut model = dense();
    model.opset_import = vec![OperatorSetIdProto {
        domain: "other".into(),
        version: 13,
    }];
    check(&error(&model), &["version 0"]);
}

#[test]
fn weights_must_be_finite() {
    for (value, shown) in [
        (f32::NAN, "NaN"),
        (f32::INFINITY, "inf"),
        (f32::NEG_INFINITY, "-inf"),
    ] {
        let mut model = dense();
        if let Some(graph) = &mut model.graph {
            graph.initializer[0].float_data[5] = value;
        }
        check(&error(&model), &["tensor 'w'", "element 5", shown]);
    }
    // An infinity alone may be a bound, but not a weight.
    let weights = floats("gain", &[1], &[f32::INFINITY]);
    let nodes = vec![node("Mul", "y", &["x", "gain"], vec![])];
    check(
        &error(&model(
            13,
            vec![info("x", &[1, 4])],
            vec![weights],
            nodes,
            &["y"],
        )),
        &["tensor 'gain'", "inf"],
    );
}

#[test]
fn tensors_that_do_not_fill_their_shape() {
    let spoil = |change: &dyn Fn(&mut TensorProto)| {
        let mut model = dense();
        model
            .graph
            .as_mut()
            .map(|g| change(&mut g.initializer[0]))
            .expect("graph");
        error(&model)
    };
    check(
        &spoil(&|t| t.dims = vec![4, 3]),
        &["tensor 'w'", "8 elements", "12"],
    );
    check(
        &spoil(&|t| t.dims = vec![-4, 2]),
        &["tensor 'w'", "negative extent"],
    );
    check(
        &spoil(&|t| t.dims = vec![i64::MAX, i64::MAX]),
        &["tensor 'w'", "more elements"],
    );
    check(
        &spoil(&|t| t.dims = vec![1 << 20, 1 << 20]),
        &["tensor 'w'", "more elements"],
    );
    check(
        &spoil(&|t| t.raw_data = vec![0; 31]),
        &["tensor 'w'", "31 bytes"],
    );
    check(
        &spoil(&|t| t.data_type = data_type::STRING),
        &["tensor 'w'", "string", "float32"],
    );
    check(&spoil(&|t| t.data_type = 77), &["tensor 'w'", "number 77"]);
}

#[test]
fn graphs_that_are_cyclic_or_incomplete() {
    let input = || vec![info("x", &[1, 4])];
    let cyclic = vec![
        node("Add", "a", &["x", "b"], vec![]),
        node("Relu", "b", &["a"], vec![]),
    ];
    check(
        &error(&model(13, input(), vec![], cyclic, &["b"])),
        &["node 'a'", "'b'", "cyclic"],
    );
    let missing = vec![node("MatMul", "y", &["x", "weights"], vec![])];
    check(
        &error(&model(13, input(), vec![], missing, &["y"])),
        &["node 'y'", "'weights'", "lacks an initializer"],
    );
    let twice = vec![
        node("Relu", "y", &["x"], vec![]),
        node("Abs", "y", &["x"], vec![]),
    ];
    check(
        &error(&model(13, input(), vec![], twice, &["y"])),
        &["'y'", "more than once"],
    );
    check(
        &error(&model(13, input(), vec![], vec![], &["nothing"])),
        &["output 'nothing'"],
    );
    check(
        &error(&one(node("Add", "y", &["x"], vec![]))),
        &["node 'y'", "input 1 is missing"],
    );
    check(
        &error(&one(node("Add", "y", &["x", ""], vec![]))),
        &["node 'y'", "input 1 is missing"],
    );
}

#[test]
fn attributes_of_wrong_type_or_without_meaning_here() {
    let wrong = AttributeProto {
        r#type: attribute_type::STRING,
        ..int("axis", 1)
    };
    check(
        &error(&one(node("Softmax", "s", &["x"], vec![wrong]))),
        &["node 's'", "'axis'", "a string", "an int"],
    );
    let unknown = node("Relu", "r", &["x"], vec![int("threshold", 3)]);
    check(
        &error(&one(unknown)),
        &["node 'r'", "Relu", "'threshold'", "not supported"],
    );
    check(
        &error(&one(node("Concat", "c", &["x", "x"], vec![]))),
        &["'axis'", "missing"],
    );
    check(
        &error(&one(node("Softmax", "s", &["x"], vec![int("axis", 7)]))),
        &["axis 7", "2 axes"],
    );
    check(
        &error(&one(node("Cast", "c", &["x"], vec![int("to", 3)]))),
        &["'to'", "int8"],
    );
    check(
        &error(&one(node(
            "LeakyRelu",
            "l",
            &["x"],
            vec![float("alpha", f32::NAN)],
        ))),
        &["'alpha'", "NaN"],
    );
    check(
        &error(&one(node(
            "Einsum",
            "e",
            &["x"],
            vec![string("equation", "ii->i")],
        ))),
        &["'equation'", "diagonal"],
    );
}

#[test]
fn shapes_that_do_not_fit() {
    let weights = floats("w", &[3, 2], &[0.0; 6]);
    let nodes = vec![node("MatMul", "y", &["x", "w"], vec![])];
    let message = error(&model(
        13,
        vec![info("x", &[1, 4])],
        vec![weights],
        nodes,
        &["y"],
    ));
    check(&message, &["node 'y'", "MatMul", "[1, 4]", "[3, 2]"]);
}

#[test]
fn extents_must_be_known_but_the_batch() {
    let relu = || vec![node("Relu", "y", &["x"], vec![])];
    let open = model(13, vec![info("x", &[-1, -2, 3])], vec![], relu(), &["y"]);
    check(&error(&open), &["input 'x'", "axis 1", "d2", "fixed size"]);
    for key in ["d2", "x:1"] {
        let options = Options {
            extents: [(key.to_owned(), 16)].into(),
        };
        let graph = import::from_bytes_with(&open.encode_to_vec(), &options).expect("given extent");
        assert_eq!(graph.shape(graph.inputs()[0].value), [1, 16, 3]);
    }
    let mut unranked = model(13, vec![info("x", &[1])], vec![], relu(), &["y"]);
    if let Some(t) = unranked
        .graph
        .as_mut()
        .and_then(|g| g.input[0].r#type.as_mut())
        .and_then(|t| t.tensor_type.as_mut())
    {
        t.shape = None;
    }
    check(&error(&unranked), &["input 'x'", "rank"]);
    let sequence = ValueInfoProto {
        name: "x".into(),
        r#type: None,
    };
    check(
        &error(&model(13, vec![sequence], vec![], relu(), &["y"])),
        &["input 'x'", "no tensor"],
    );
    let huge = model(
        13,
        vec![info("x", &[1, i64::MAX, i64::MAX])],
        vec![],
        relu(),
        &["y"],
    );
    check(&error(&huge), &["input 'x'", "more than"]);
}

#[test]
fn constants_cannot_ask_for_memory_without_bound() {
    let shape = int64s("shape", &[2], &[1 << 20, 1 << 20]);
    let fill = vec![
        node("ConstantOfShape", "f", &["shape"], vec![]),
        node("Add", "y", &["x", "f"], vec![]),
    ];
    check(
        &error(&model(
            13,
            vec![info("x", &[1, 4])],
            vec![shape],
            fill,
            &["y"],
        )),
        &["node 'f'", "more than is allowed"],
    );
    // Doubling many times.
    let mut nodes = vec![node("Concat", "c0", &["x", "x"], vec![int("axis", 1)])];
    for i in 1..60 {
        let before = format!("c{}", i - 1);
        nodes.push(node(
            "Concat",
            &format!("c{i}"),
            &[&before, &before],
            vec![int("axis", 1)],
        ));
    }
    check(
        &error(&model(
            13,
            vec![info("x", &[1, 4])],
            vec![],
            nodes,
            &["c59"],
        )),
        &["Concat", "more than"],
    );
}

#[test]
fn external_data() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("model.onnx");
    let entry = |key: &str, value: &str| StringStringEntryProto {
        key: key.into(),
        value: value.into(),
    };
    let write = |entries: Vec<StringStringEntryProto>| {
        let mut model = dense();
        if let Some(graph) = &mut model.graph {
            graph.initializer[0].float_data.clear();
            graph.initializer[0].data_location = 1;
            graph.initializer[0].external_data = entries;
        }
        std::fs::write(&path, model.encode_to_vec()).expect("write");
        import::load(&path)
    };
    let message = |entries| {
        write(entries)
            .map(|g| g.to_string())
            .expect_err("refused")
            .to_string()
    };
    check(
        &message(vec![entry("location", "weights.bin")]),
        &["tensor 'w'", "weights.bin", "beside the model"],
    );
    check(
        &message(vec![entry("location", "../weights.bin")]),
        &["tensor 'w'", "outside", "refused"],
    );
    check(
        &message(vec![entry("location", "/etc/passwd")]),
        &["tensor 'w'", "outside", "refused"],
    );
    check(&message(vec![]), &["tensor 'w'", "without a location"]);
    let bytes: Vec<u8> = (0..10).flat_map(|i| (i as f32).to_le_bytes()).collect();
    std::fs::write(folder.path().join("weights.bin"), bytes).expect("write");
    let at = |offset: &str, length: &str| {
        vec![
            entry("location", "weights.bin"),
            entry("offset", offset),
            entry("length", length),
        ]
    };
    assert!(write(at("8", "32")).is_ok());
    check(
        &message(at("9", "32")),
        &["tensor 'w'", "weights.bin", "40"],
    );
    check(&message(at("18446744073709551615", "32")), &["tensor 'w'"]);
    check(&message(at("0", "36")), &["tensor 'w'", "36 bytes"]);
    check(&message(at("x", "32")), &["tensor 'w'", "offset 'x'"]);
    let mut model = dense();
    if let Some(graph) = &mut model.graph {
        graph.initializer[0].data_location = 1;
        graph.initializer[0].external_data = vec![entry("location", "weights.bin")];
    }
    check(&error(&model), &["tensor 'w'", "weights.bin"]);
    // A pipe into which nobody writes would be waited for.
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.is_ok_and(|status| status.success()), "mkfifo");
    check(
        &message(vec![entry("location", "pipe")]),
        &["tensor 'w'", "'pipe', which is no file", "refused"],
    );
}

#[test]
fn names_that_lead_astray() {
    let named = |name: &str| {
        let mut node = node("Relu", "y", &["x"], vec![]);
        node.name = name.to_owned();
        one(node)
    };
    for name in ["plain", "größe/層.0", "a b", ""] {
        assert!(load(&named(name)).is_ok(), "{name}");
    }
    for (name, shown, which) in [
        ("a\nerror: b", "'a\\u{a}error: b'", "\\u{a}"),
        ("a\u{1b}[31m", "'a\\u{1b}[31m'", "\\u{1b}"),
        ("a\u{202e}b", "'a\\u{202e}b'", "\\u{202e}"),
        ("a\u{2066}b", "'a\\u{2066}b'", "\\u{2066}"),
    ] {
        check(&error(&named(name)), &["node", shown, which, "rename"]);
    }
    let long = "n".repeat(5_000);
    let message = error(&named(&long));
    check(&message, &["node 'nnnn", "has 5000 bytes"]);
    assert!(message.len() < 300, "{message}");
    let mut input = model(
        13,
        vec![info("x\u{200f}", &[1, 4])],
        vec![],
        vec![node("Relu", "y", &["x\u{200f}"], vec![])],
        &["y"],
    );
    check(&error(&input), &["input or output 'x\\u{200f}'"]);
    if let Some(graph) = &mut input.graph {
        graph.name = "a\tb".to_owned();
    }
    check(&error(&input), &["graph 'a\\u{9}b'"]);
}

#[test]
fn a_batch_baked_into_constants_is_seen() {
    let fill = floats("fill", &[4, 3], &[0.0; 12]);
    let mut model = model(
        13,
        vec![info("x", &[4, 3])],
        vec![fill],
        vec![node("Add", "y", &["x", "fill"], vec![])],
        &["y"],
    );
    if let Some(graph) = &mut model.graph {
        graph.output = vec![info("y", &[4, 3])];
    }
    assert!(matches!(load(&model), Err(ImportError::Output { .. })));
    check(&error(&model), &["output 'y'", "batch of 4", "batch 1"]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    /// Corrupt files give an error or a graph, never a panic.
    #[test]
    fn corrupt_bytes_do_not_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut nodes = vec![
            node("Shape", "s", &["x"], vec![]),
            node("Slice", "b", &["s", "zero", "one", "zero"], vec![]),
            node("Concat", "target", &["b", "minus"], vec![int("axis", 0)]),
            node("Reshape", "r", &["x", "target"], vec![]),
            node("MatMul", "m", &["r", "w"], vec![]),
            node("Clip", "c", &["m", "low", ""], vec![]),
            node("ReduceSum", "y", &["c", "one"], vec![int("keepdims", 0)]),
        ];
        nodes.push(node("Transpose", "t", &["c"], vec![ints("perm", &[1, 0])]));
        let constants = vec![
            int64s("zero", &[1], &[0]),
            int64s("one", &[1], &[1]),
            int64s("minus", &[1], &[-1]),
            floats("w", &[4, 2], &[0.5; 8]),
            floats("low", &[], &[0.0]),
        ];
        let mut bytes = model(13, vec![info("x", &[-1, 2, 2])], constants, nodes, &["y", "t"]).encode_to_vec();
        prop_assert!(import::from_bytes(&bytes).is_ok());
        for (index, value) in changes {
            let at = index.index(bytes.len());
            bytes[at] = value;
        }
        let _ = import::from_bytes(&bytes).map(|g| hodoscope_compiler::graph::simplify(&g).map(|g| g.nodes().len()));
    }
}
