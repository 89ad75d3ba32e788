//! What masks put in the place of values that are not there has no business in their formats: each way of writing a mask,
//! before each operation that orders values; and what guards against nothing being there, or reads it.

use crate::import_support::{floats, info, int, int64s, ints, model, node};
use crate::networks::{Network, Random};
use crate::quantised_support::{RMS, SIXTEEN, compile, events};
use hodoscope_compiler::graph::Executor;
use hodoscope_compiler::import::proto::{NodeProto, TensorProto};
use hodoscope_compiler::plan::Plan;
use hodoscope_compiler::quantise::Options;
use hodoscope_interpreter::Interpreter;
use hodoscope_kernel_executor::Executor as Kernels;

const SLOTS: usize = 6;

/// `x` [1, 6, 3] of signed features and `m` [1, 6, 1], a mask of one in sixteen events that are empty.
fn set(random: &mut Random) -> Vec<Vec<f32>> {
    let live = match random.below(16) {
        0 => 0,
        _ => 1 + random.below(SLOTS),
    };
    let number = |random: &mut Random| (random.below(257) as f32 - 128.0) / 64.0;
    let x = (0..3 * SLOTS).map(|e| match e / 3 < live {
        true => number(random),
        false => 0.0,
    });
    let x = x.collect();
    let mask = (0..SLOTS).map(|slot| f32::from(u8::from(slot < live)));
    vec![x, mask.collect()]
}

fn weights(name: &str, dims: &[i64], bias: f32) -> TensorProto {
    let count = dims.iter().product::<i64>() as usize;
    let data: Vec<f32> = (0..count)
        .map(|i| ((i * 11 % 17) as f32 - 8.0) / 9.0 + bias)
        .collect();
    floats(name, dims, &data)
}

/// `h` [1, 6, 4], signed and mostly below zero, then nodes that give `out`.
fn network(name: &'static str, mut nodes: Vec<NodeProto>, constants: Vec<TensorProto>) -> Network {
    let mut all = vec![
        node("MatMul", "hw", &["x", "w"], vec![]),
        node("Add", "h", &["hw", "b"], vec![]),
        node("Sub", "gone", &["one", "m"], vec![]),
        node("Greater", "there", &["m", "zero"], vec![]),
        node("Slice", "x0", &["x", "from", "slots", "columns"], vec![]),
    ];
    all.append(&mut nodes);
    let mut given = vec![
        weights("w", &[3, 4], 0.0),
        floats("b", &[4], &[-2.0, -1.0, -3.0, 0.5]),
        floats("one", &[1], &[1.0]),
        floats("zero", &[1], &[0.0]),
        weights("last", &[4, 2], 0.1),
        int64s("slots", &[1], &[1]),
        int64s("from", &[1], &[0]),
        int64s("columns", &[1], &[2]),
        int64s("two", &[1], &[2]),
        floats("half", &[1], &[0.5]),
    ];
    for (name, value) in [
        ("-1e4", -1e4),
        ("-1e9", -1e9),
        ("1e9", 1e9),
        ("-999", -999.0),
        ("-inf", f32::NEG_INFINITY),
        ("-50", -50.0),
        ("-5e3", -5e3),
        ("-4", -4.0),
        ("inf", f32::INFINITY),
    ] {
        given.push(floats(name, &[1], &[value]));
    }
    given.extend(constants);
    let inputs = vec![info("x", &[1, 6, 3]), info("m", &[1, 6, 1])];
    Network {
        name,
        model: model(17, inputs, given, all, &["out"]),
        event: set,
    }
}

/// `h` behind an additive mask of a size.
fn added(fill: &str) -> Vec<NodeProto> {
    vec![
        node("Mul", "term", &["gone", fill], vec![]),
        node("Add", "masked", &["h", "term"], vec![]),
    ]
}

/// The largest of the slots, behind a layer.
fn largest(op: &'static str) -> Vec<NodeProto> {
    vec![
        node(
            op,
            "most",
            &["masked"],
            vec![ints("axes", &[1]), int("keepdims", 0)],
        ),
        node("MatMul", "out", &["most", "last"], vec![]),
    ]
}

/// Self-attention whose keys are masked by `key` [1, 1, 6], or pairs by [1, 6, 6].
fn attention(fill: &str, mask: Vec<NodeProto>, late_scale: bool) -> Vec<NodeProto> {
    let mut nodes = vec![
        node("Transpose", "keys", &["h"], vec![ints("perm", &[0, 2, 1])]),
        node("MatMul", "scores", &["h", "keys"], vec![]),
    ];
    nodes.extend(mask);
    nodes.push(node("Mul", "term", &["key", fill], vec![]));
    match late_scale {
        true => {
            nodes.push(node("Add", "biased", &["scores", "term"], vec![]));
            nodes.push(node("Mul", "logits", &["biased", "half"], vec![]));
        }
        false => {
            nodes.push(node("Mul", "halved", &["scores", "half"], vec![]));
            nodes.push(node("Add", "logits", &["halved", "term"], vec![]));
        }
    }
    nodes.extend([
        node("Softmax", "weights", &["logits"], vec![int("axis", 2)]),
        node("MatMul", "mixed", &["weights", "h"], vec![]),
        node("Mul", "kept", &["mixed", "m"], vec![]),
        node(
            "ReduceSum",
            "pooled",
            &["kept", "slots"],
            vec![int("keepdims", 0)],
        ),
        node("MatMul", "out", &["pooled", "last"], vec![]),
    ]);
    nodes
}

fn key() -> Vec<NodeProto> {
    vec![node(
        "Transpose",
        "key",
        &["gone"],
        vec![ints("perm", &[0, 2, 1])],
    )]
}

/// 1 − mᵢ·mⱼ.
fn pairs() -> Vec<NodeProto> {
    vec![
        node(
            "Transpose",
            "turned",
            &["m"],
            vec![ints("perm", &[0, 2, 1])],
        ),
        node("MatMul", "pair", &["m", "turned"], vec![]),
        node("Sub", "key", &["one", "pair"], vec![]),
    ]
}

/// `guarded`: `fill` where `questions` about `x` hold, else `x`; behind a layer.
fn guarded(questions: Vec<NodeProto>, x: &str, fill: &str, columns: bool) -> Vec<NodeProto> {
    let mut nodes = questions;
    nodes.push(node("Where", "guarded", &["so", fill, x], vec![]));
    if columns {
        nodes.push(node("MatMul", "out", &["guarded", "last"], vec![]));
    }
    nodes
}

fn most(op: &'static str) -> NodeProto {
    let attributes = vec![ints("axes", &[1]), int("keepdims", 0)];
    node(op, "most", &["masked"], attributes)
}

fn sum(from: &str, to: &str) -> NodeProto {
    node("ReduceSum", to, &[from, "slots"], vec![int("keepdims", 0)])
}

/// What people write so that an event of nothing gives a number; and networks that read what it gives.
fn networks_of_nothing() -> Vec<Network> {
    let joined = |parts: Vec<Vec<NodeProto>>| parts.concat();
    let choice = |fill: &'static str| node("Where", "masked", &["there", "h", fill], vec![]);
    let ask = |op: &'static str, of: &'static str| vec![node(op, "so", &[of], vec![])];
    let compare =
        |op: &'static str, bound: &'static str| vec![node(op, "so", &["most", bound], vec![])];
    // Weights of a Softmax over h, and what they pool.
    let softmax = || {
        vec![
            choice("-inf"),
            node("Softmax", "weights", &["masked"], vec![int("axis", 1)]),
        ]
    };
    let pooled = |weights: &'static str| {
        vec![
            node("Mul", "mixed", &[weights, "h"], vec![]),
            sum("mixed", "pooled"),
        ]
    };
    let mean = || {
        vec![
            node("Mul", "kept", &["h", "m"], vec![]),
            sum("kept", "total"),
            sum("m", "count"),
            node("Div", "mean", &["total", "count"], vec![]),
        ]
    };
    let logarithm = || vec![sum("m", "count"), node("Log", "log", &["count"], vec![])];
    let ending = |x: &'static str| vec![node("Mul", "out", &[x, "half"], vec![])];
    vec![
        network(
            "NaN of a softmax of nothing",
            joined(vec![
                softmax(),
                guarded(ask("IsNaN", "weights"), "weights", "zero", false),
                pooled("guarded"),
                vec![node("MatMul", "out", &["pooled", "last"], vec![])],
            ]),
            vec![],
        ),
        network(
            "a softmax of nothing is not itself",
            joined(vec![
                softmax(),
                pooled("weights"),
                vec![
                    node("Equal", "number", &["pooled", "pooled"], vec![]),
                    node("Where", "guarded", &["number", "pooled", "half"], vec![]),
                    node("MatMul", "out", &["guarded", "last"], vec![]),
                ],
            ]),
            vec![],
        ),
        network(
            "NaN of a mean of nothing",
            joined(vec![
                mean(),
                guarded(ask("IsNaN", "mean"), "mean", "half", true),
            ]),
            vec![],
        ),
        network(
            "infinite logarithm of a count",
            joined(vec![
                logarithm(),
                guarded(ask("IsInf", "log"), "log", "-4", false),
                ending("guarded"),
            ]),
            vec![],
        ),
        network(
            "infinite maximum of nothing",
            joined(vec![
                vec![choice("-inf"), most("ReduceMax")],
                guarded(ask("IsInf", "most"), "most", "zero", true),
            ]),
            vec![],
        ),
        network(
            "a maximum of nothing is -inf",
            joined(vec![
                vec![choice("-inf"), most("ReduceMax")],
                guarded(compare("Equal", "-inf"), "most", "half", true),
            ]),
            vec![],
        ),
        network(
            "infinite minimum of nothing",
            joined(vec![
                vec![choice("inf"), most("ReduceMin")],
                guarded(ask("IsInf", "most"), "most", "zero", true),
            ]),
            vec![],
        ),
        network(
            "a maximum of nothing is below a bound",
            joined(vec![
                vec![choice("-1e9"), most("ReduceMax")],
                guarded(compare("Less", "-5e3"), "most", "half", true),
            ]),
            vec![],
        ),
        network(
            "a maximum of nothing is -999",
            joined(vec![
                vec![choice("-999"), most("ReduceMax")],
                guarded(compare("Equal", "-999"), "most", "zero", true),
            ]),
            vec![],
        ),
        network(
            "layers read -999",
            joined(vec![
                vec![choice("-999"), most("ReduceMax")],
                vec![
                    node("MatMul", "read", &["most", "last"], vec![]),
                    node("Sigmoid", "out", &["read"], vec![]),
                ],
            ]),
            vec![],
        ),
        network(
            "fewer than TopK takes",
            joined(vec![
                vec![
                    choice("-inf"),
                    node("TopK", "three", &["masked", "k"], vec![int("axis", 1)]),
                ],
                guarded(ask("IsInf", "three"), "three", "zero", false),
                vec![sum("guarded", "out")],
            ]),
            vec![int64s("k", &[1], &[3])],
        ),
        network(
            "masks in series",
            joined(vec![vec![
                choice("-1e9"),
                node("Greater", "positive", &["x0", "zero"], vec![]),
                node("Where", "twice", &["positive", "masked", "-1e9"], vec![]),
                node(
                    "ReduceMax",
                    "most",
                    &["twice"],
                    vec![ints("axes", &[1]), int("keepdims", 0)],
                ),
                node("Max", "bounded", &["most", "-4"], vec![]),
                node("MatMul", "out", &["bounded", "last"], vec![]),
            ]]),
            vec![],
        ),
    ]
}

fn networks() -> Vec<Network> {
    let joined = |parts: Vec<Vec<NodeProto>>| parts.concat();
    let choice =
        |a: &'static str, b: &'static str| vec![node("Where", "masked", &["there", a, b], vec![])];
    vec![
        network(
            "max of an added 1e9",
            joined(vec![added("-1e9"), largest("ReduceMax")]),
            vec![],
        ),
        network(
            "max of an added 1e4",
            joined(vec![added("-1e4"), largest("ReduceMax")]),
            vec![],
        ),
        network(
            "max of product and sum",
            joined(vec![
                vec![
                    node("Mul", "kept", &["h", "m"], vec![]),
                    node("Sub", "lost", &["m", "one"], vec![]),
                    node("Mul", "term", &["lost", "1e9"], vec![]),
                    node("Add", "masked", &["kept", "term"], vec![]),
                ],
                largest("ReduceMax"),
            ]),
            vec![],
        ),
        network(
            "max of -inf",
            joined(vec![choice("h", "-inf"), largest("ReduceMax")]),
            vec![],
        ),
        network(
            "max of -999",
            joined(vec![choice("h", "-999"), largest("ReduceMax")]),
            vec![],
        ),
        network(
            "min of 1e9",
            joined(vec![choice("h", "1e9"), largest("ReduceMin")]),
            vec![],
        ),
        network(
            "max pool of -1e9",
            joined(vec![
                choice("h", "-1e9"),
                vec![
                    node(
                        "Transpose",
                        "turned",
                        &["masked"],
                        vec![ints("perm", &[0, 2, 1])],
                    ),
                    node("GlobalMaxPool", "most", &["turned"], vec![]),
                    node("Squeeze", "flat", &["most", "columns"], vec![]),
                    node("MatMul", "out", &["flat", "last"], vec![]),
                ],
            ]),
            vec![],
        ),
        network("keys added 1e4", attention("-1e4", key(), false), vec![]),
        network(
            "keys added 1e9, scaled later",
            attention("-1e9", key(), true),
            vec![],
        ),
        network("keys added 50", attention("-50", key(), false), vec![]),
        network("pairs added 1e9", attention("-1e9", pairs(), false), vec![]),
        network(
            "pooled by attention",
            joined(vec![
                added("-1e9"),
                vec![
                    node("Softmax", "weights", &["masked"], vec![int("axis", 1)]),
                    node("Mul", "mixed", &["weights", "h"], vec![]),
                    node(
                        "ReduceSum",
                        "out",
                        &["mixed", "slots"],
                        vec![int("keepdims", 0)],
                    ),
                ],
            ]),
            vec![],
        ),
        network(
            "top of masked scores",
            joined(vec![
                choice("h", "-inf"),
                vec![
                    node(
                        "ReduceMax",
                        "score",
                        &["masked"],
                        vec![ints("axes", &[2]), int("keepdims", 0)],
                    ),
                    node("TopK", "out", &["score", "k"], vec![int("axis", 1)]),
                ],
            ]),
            vec![int64s("k", &[1], &[1])],
        ),
        network(
            "place of the largest",
            joined(vec![
                added("-1e9"),
                vec![
                    node(
                        "ArgMax",
                        "place",
                        &["masked"],
                        vec![int("axis", 1), int("keepdims", 0)],
                    ),
                    node("Cast", "out", &["place"], vec![int("to", 1)]),
                ],
            ]),
            vec![],
        ),
        network(
            "relu of a mask",
            joined(vec![
                added("-1e9"),
                vec![
                    node("Relu", "above", &["masked"], vec![]),
                    node(
                        "ReduceSum",
                        "pooled",
                        &["above", "slots"],
                        vec![int("keepdims", 0)],
                    ),
                    node("MatMul", "out", &["pooled", "last"], vec![]),
                ],
            ]),
            vec![],
        ),
        network(
            "sum of exponentials",
            joined(vec![
                added("-1e4"),
                vec![
                    node("Exp", "terms", &["masked"], vec![]),
                    node(
                        "ReduceSum",
                        "out",
                        &["terms", "slots"],
                        vec![int("keepdims", 0)],
                    ),
                ],
            ]),
            vec![],
        ),
    ]
}

/// How far a sentinel that no format holds may lead, in units of the range.
const REACH: f64 = 8.0;
/// The same of what integers make of it: their operand has room for events far beyond the calibration.
const ROOM: f64 = 64.0;

fn held(network: &Network, options: &Options, limit: f64) {
    let name = network.name;
    let made = compile(network, options);
    let (graph, program) = made.unwrap_or_else(|error| panic!("{name}: {error}"));
    let executor = Executor::new(&graph).unwrap();
    let mut workspace = executor.workspace();
    let interpreter = Interpreter::new(&program).unwrap();
    let plan = Plan::portable(&program).unwrap();
    let kernels = Kernels::new(&plan);
    let scale = &program.value(program.outputs[0].value).scale;
    // Pairs of float and fixed, of events in which something is there, and of those in which nothing is.
    let (mut some, mut none) = (vec![], vec![]);
    for (floats, event) in events(network, &program) {
        let raws = interpreter.run(&event).unwrap();
        // The kernels of the tests know no set of six slots.
        if program.sets.is_empty() {
            assert_eq!(kernels.infer(&event.inputs), raws, "{name}");
        }
        let fixed = raws[0].iter().enumerate();
        let fixed = fixed.map(|(c, r)| *r as f64 * scale.lsb(c));
        let slices: Vec<&[f32]> = floats.iter().map(Vec::as_slice).collect();
        executor.run_all(&mut workspace, &slices).unwrap();
        let float = workspace.value(graph.outputs()[0].value);
        let float = float.iter().map(|v| f64::from(*v));
        match floats[1][0] == 0.0 {
            true => none.extend(float.zip(fixed)),
            false => some.extend(float.zip(fixed)),
        }
    }
    let low = some.iter().map(|(v, _)| *v).fold(f64::INFINITY, f64::min);
    let high = some
        .iter()
        .map(|(v, _)| *v)
        .fold(f64::NEG_INFINITY, f64::max);
    let range = high - low;
    let squares: f64 = some.iter().map(|(a, b)| (a - b) * (a - b)).sum();
    let rms = f64::sqrt(squares / some.len() as f64) / range;
    println!("{name}: rms {rms:.1e}, {} values", program.values.len());
    assert!(rms <= limit, "{name}: rms {rms:.2e}");
    // Without anything there, a result is the float network's, or one of moderate size where that is a sentinel's.
    assert!(!none.is_empty(), "{name}: no event is empty");
    for (float, fixed) in none {
        let within = |v: f64, reach: f64| (low - reach * range..=high + reach * range).contains(&v);
        let equal = (float - fixed).abs() <= 4.0 * limit * range.max(float.abs());
        let moderate = !within(float, REACH) && within(fixed, ROOM);
        assert!(
            equal || moderate,
            "{name}: {fixed} of nothing, {float} in float, between {low} and {high}"
        );
    }
}

#[test]
fn masks_do_not_set_formats() {
    for network in networks() {
        held(&network, &SIXTEEN, RMS);
        held(&network, &Options::default(), 0.04);
    }
}

#[test]
fn nothing_is_what_the_float_network_makes_of_it() {
    for network in networks_of_nothing() {
        held(&network, &SIXTEEN, RMS);
        held(&network, &Options::default(), 0.04);
    }
}
