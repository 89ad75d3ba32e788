//! Quantised idioms of deployed networks, against integers worked out beside them: quotients by ten, widths of each channel,
//! thresholds of FINN, and the gradient that QKeras lets through its quantisers.

use crate::import_support::{float, floats, info, int, int64s, ints, load, model, node, string};
use crate::support::Random;
use hodoscope_compiler::exact::exact;
use hodoscope_compiler::import::proto::{NodeProto, OperatorSetIdProto, TensorProto, data_type};
use hodoscope_compiler::inputs::InputsSpec;
use hodoscope_interpreter::{Event, Interpreter};

const QONNX: &str = "qonnx.custom_op.general";
const EVENTS: usize = 200;

fn own(op: &str, name: &str, inputs: &[&str], rounding: Option<&str>) -> NodeProto {
    let attributes = rounding.map(|mode| string("rounding_mode", mode));
    NodeProto {
        domain: QONNX.into(),
        ..node(op, name, inputs, attributes.into_iter().collect())
    }
}

/// `q`, eighths of 8 bits, of an input of `count` numbers, then the nodes, of which the last gives `y`.
fn check(
    count: usize,
    constants: Vec<TensorProto>,
    nodes: Vec<NodeProto>,
    expected: impl Fn(&[i64]) -> Vec<f64>,
) {
    let mut all = vec![
        floats("eighth", &[], &[0.125]),
        floats("zero", &[], &[0.0]),
        floats("byte", &[], &[8.0]),
    ];
    all.extend(constants);
    let first = own("Quant", "q", &["x", "eighth", "zero", "byte"], None);
    let nodes = [vec![first], nodes].concat();
    let mut model = model(13, vec![info("x", &[1, count as i64])], all, nodes, &["y"]);
    model.opset_import.push(OperatorSetIdProto {
        domain: QONNX.into(),
        version: 1,
    });
    let graph = load(&model).unwrap();
    let program = exact(&graph, "idiom", &InputsSpec::default()).unwrap();
    let interpreter = Interpreter::new(&program).unwrap();
    let scale = &program.value(program.outputs[0].value).scale;
    let mut random = Random::new(5);
    for _ in 0..EVENTS {
        let counts: Vec<i64> = (0..count).map(|_| random.below(256) as i64 - 128).collect();
        let word = |(c, v): (usize, &i64)| {
            let field = program.inputs[0].field(c);
            field.encode(*v as f64 / 8.0).unwrap().word
        };
        let words = counts.iter().enumerate().map(word).collect();
        let event = Event {
            inputs: vec![words],
        };
        let raws = interpreter.run(&event).unwrap().swap_remove(0);
        let found = raws.iter().enumerate();
        let found: Vec<f64> = found.map(|(c, raw)| *raw as f64 * scale.lsb(c)).collect();
        assert_eq!(found, expected(&counts), "{counts:?}");
    }
}

#[test]
fn a_sum_over_ten_is_rounded_down_once() {
    let nodes = |divided| {
        vec![
            node("ReduceSum", "sum", &["q", "last"], vec![]),
            divided,
            own("Quant", "y", &["d", "fine", "zero", "byte"], Some("FLOOR")),
        ]
    };
    let constants = || {
        vec![
            int64s("last", &[1], &[1]),
            floats("ten", &[], &[10.0]),
            floats("twenty", &[], &[-20.0]),
            floats("fine", &[], &[0.0625]),
        ]
    };
    let expected = |tenths: i64| {
        move |counts: &[i64]| {
            let sum: i64 = counts.iter().sum();
            // Sixteenths: twice the eighths over ten, or over minus twenty.
            let sixteenths = (2 * sum).div_euclid(tenths.abs());
            let sixteenths = match tenths < 0 {
                true => (-2 * sum).div_euclid(-tenths),
                false => sixteenths,
            };
            vec![sixteenths.clamp(-128, 127) as f64 / 16.0]
        }
    };
    let by = |divisor| node("Div", "d", &["sum", divisor], vec![]);
    check(10, constants(), nodes(by("ten")), expected(10));
    check(10, constants(), nodes(by("twenty")), expected(-20));
}

#[test]
fn widths_of_each_channel_saturate_at_their_own_ends() {
    let constants = vec![floats("widths", &[3], &[4.0, 6.0, 8.0])];
    let nodes = vec![own("Quant", "y", &["q", "eighth", "zero", "widths"], None)];
    check(3, constants, nodes, |counts| {
        let ends = [8, 32, 128];
        let cut = |(v, end): (&i64, i64)| (*v).clamp(-end, end - 1) as f64 / 8.0;
        counts.iter().zip(ends).map(cut).collect()
    });
    // Weights, too: 3 bits hold −4 to 3 counts.
    let constants = vec![
        floats("w", &[2, 2], &[1.0, 1.0, -1.0, 0.25]),
        floats("widths", &[2], &[3.0, 8.0]),
    ];
    let nodes = vec![
        own("Quant", "wq", &["w", "eighth", "zero", "widths"], None),
        node("MatMul", "y", &["q", "wq"], vec![]),
    ];
    check(2, constants, nodes, |counts| {
        let (a, b) = (counts[0] as f64, counts[1] as f64);
        vec![(3.0 * a - 4.0 * b) / 64.0, (8.0 * a + 2.0 * b) / 64.0]
    });
}

#[test]
fn thresholds_that_a_number_reaches_are_counted() {
    let limits = [[-4.0f32, 0.0, 0.5], [-1.0, 1.0, 8.0]];
    let constants = vec![floats("limits", &[2, 3], limits.as_flattened())];
    let mut counted = own("MultiThreshold", "y", &["q", "limits"], None);
    counted.attribute = vec![
        string("out_dtype", "UINT2"),
        string("data_layout", "NC"),
        float("out_scale", 0.5),
        float("out_bias", -1.0),
    ];
    check(2, constants, vec![counted], move |counts| {
        let reached = |(v, limits): (&i64, &[f32; 3])| {
            let number = limits.iter().filter(|t| *v as f32 / 8.0 >= **t).count();
            number as f64 / 2.0 - 1.0
        };
        counts.iter().zip(&limits).map(reached).collect()
    });
}

#[test]
fn a_gradient_that_passes_a_quantiser_changes_nothing() {
    let nodes = vec![
        own(
            "Quant",
            "coarse",
            &["q", "half", "zero", "byte"],
            Some("FLOOR"),
        ),
        node("Neg", "minus", &["q"], vec![]),
        node("Add", "difference", &["minus", "coarse"], vec![]),
        node("Add", "y", &["q", "difference"], vec![]),
    ];
    let constants = vec![floats("half", &[], &[0.5])];
    check(2, constants, nodes, |counts| {
        let halves = counts.iter().map(|v| v.div_euclid(4) as f64 / 2.0);
        halves.collect()
    });
}

/// One network in onnxruntime's two formats of quantised files gives one answer for every event.
#[test]
fn quantised_operators_are_their_quantisers() {
    let byte = |name: &str, dims: &[i64], data: &[i32], code: i32| TensorProto {
        data_type: code,
        float_data: vec![],
        int32_data: data.to_vec(),
        ..floats(name, dims, &[])
    };
    let (signed, unsigned) = (data_type::INT8, data_type::UINT8);
    let constants = || {
        vec![
            floats("s", &[], &[0.11]),
            byte("z", &[], &[128], unsigned),
            byte("w", &[3, 1, 2], &[5, -7, 90, 33, -128, 4], signed),
            floats("ws", &[3], &[0.02, 0.005, 0.013]),
            byte("wz", &[3], &[0, 0, 0], signed),
            byte("b", &[3], &[40, -3, 900], data_type::INT32),
            floats("bs", &[3], &[0.11 * 0.02, 0.11 * 0.005, 0.11 * 0.013]),
            floats("cs", &[], &[0.2]),
            byte("cz", &[], &[100], unsigned),
            byte("m", &[3, 2], &[1, -2, 30, 4, 50, -60], signed),
            floats("ms", &[], &[0.002]),
            byte("mz", &[], &[0], signed),
            floats("ds", &[], &[0.4]),
            floats("ps", &[], &[0.03]),
            byte("pz", &[], &[0], unsigned),
            floats("us", &[], &[1.0 / 256.0]),
            int64s("flat", &[2], &[1, -1]),
        ]
    };
    let microsoft = |op, name, inputs: &[&str]| NodeProto {
        domain: "com.microsoft".into(),
        ..node(op, name, inputs, vec![])
    };
    let first = || node("QuantizeLinear", "q", &["x", "s", "z"], vec![]);
    let last = || node("DequantizeLinear", "y", &["j", "ps", "pz"], vec![]);
    let written = vec![
        first(),
        node(
            "QLinearConv",
            "c",
            &["q", "s", "z", "w", "ws", "wz", "cs", "cz", "b"],
            vec![],
        ),
        microsoft(
            "QLinearAdd",
            "a",
            &["c", "cs", "cz", "c", "cs", "cz", "ds", "z"],
        ),
        node(
            "ReduceMax",
            "t",
            &["a"],
            vec![ints("axes", &[2]), int("keepdims", 0)],
        ),
        node(
            "QLinearMatMul",
            "g",
            &["t", "ds", "z", "m", "ms", "mz", "ds", "cz"],
            vec![],
        ),
        microsoft("QLinearSigmoid", "h", &["g", "ds", "cz", "us", "pz"]),
        NodeProto {
            attribute: vec![int("axis", 1)],
            ..microsoft(
                "QLinearConcat",
                "j",
                &["ps", "pz", "h", "us", "pz", "t", "ds", "z"],
            )
        },
        last(),
    ];
    let back =
        |name: &str, inputs: &[&str]| node("DequantizeLinear", name, inputs, vec![int("axis", 0)]);
    let to = |name: &str, inputs: &[&str]| node("QuantizeLinear", name, inputs, vec![]);
    let spelled = vec![
        first(),
        back("q.f", &["q", "s", "z"]),
        back("w.f", &["w", "ws", "wz"]),
        back("b.f", &["b", "bs"]),
        node("Conv", "c.f", &["q.f", "w.f", "b.f"], vec![]),
        to("c", &["c.f", "cs", "cz"]),
        back("c.g", &["c", "cs", "cz"]),
        node("Add", "a.f", &["c.g", "c.g"], vec![]),
        to("a", &["a.f", "ds", "z"]),
        node(
            "ReduceMax",
            "t",
            &["a"],
            vec![ints("axes", &[2]), int("keepdims", 0)],
        ),
        back("t.f", &["t", "ds", "z"]),
        back("m.f", &["m", "ms", "mz"]),
        node("MatMul", "g.f", &["t.f", "m.f"], vec![]),
        to("g", &["g.f", "ds", "cz"]),
        back("g.g", &["g", "ds", "cz"]),
        node("Sigmoid", "h.f", &["g.g"], vec![]),
        to("h", &["h.f", "us", "pz"]),
        back("h.g", &["h", "us", "pz"]),
        back("t.g", &["t", "ds", "z"]),
        node("Concat", "j.f", &["h.g", "t.g"], vec![int("axis", 1)]),
        to("j", &["j.f", "ps", "pz"]),
        last(),
    ];
    let program = |nodes| {
        let graph = load(&model(
            13,
            vec![info("x", &[1, 1, 6])],
            constants(),
            nodes,
            &["y"],
        ));
        exact(&graph.unwrap(), "formats", &InputsSpec::default()).unwrap()
    };
    let (written, spelled) = (program(written), program(spelled));
    let mut random = Random::new(3);
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..EVENTS {
        let words = |program: &hodoscope_program::Program, numbers: &[i64]| {
            let word = |(c, n): (usize, &i64)| {
                let field = program.inputs[0].field(c);
                field.encode(*n as f64 * 0.01).unwrap().word
            };
            let words = numbers.iter().enumerate().map(word).collect();
            let event = Event {
                inputs: vec![words],
            };
            Interpreter::new(program)
                .unwrap()
                .run(&event)
                .unwrap()
                .swap_remove(0)
        };
        let numbers: Vec<i64> = (0..6).map(|_| random.below(3000) as i64 - 1500).collect();
        let found = words(&written, &numbers);
        assert_eq!(found, words(&spelled, &numbers), "{numbers:?}");
        seen.insert(found);
    }
    assert!(seen.len() > EVENTS / 4, "{} answers", seen.len());
}
