//! What is refused before a float network is quantised: calibration events, statements of inputs and scores that are not the
//! model's.

use crate::import_support::*;
use hodoscope_compiler::graph::{Graph, simplify};
use hodoscope_compiler::import::proto::{NodeProto, ValueInfoProto};
use hodoscope_compiler::inputs::InputsSpec;
use hodoscope_compiler::quantise::Score;
use hodoscope_compiler::quantise::{Calibration, Options};
use hodoscope_compiler::{compile, quantised};

fn says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{message:?} does not say {part:?}");
    }
}

fn graph(inputs: Vec<ValueInfoProto>, nodes: Vec<NodeProto>, outputs: &[&str]) -> Graph {
    let constants = vec![
        floats("phi", &[2, 3], &[0.5, -1.0, 0.25, 1.0, 0.75, -0.5]),
        floats("own", &[4, 4], &[0.25; 16]),
        floats("ends", &[4, 2], &[0.25; 8]),
        floats("head", &[3, 1], &[1.0, -1.0, 0.5]),
        int64s("slots", &[1], &[1]),
    ];
    let model = model(13, inputs, constants, nodes, outputs);
    simplify(&load(&model).unwrap()).unwrap()
}

/// A deep set of four constituents, two features each.
fn deep_set() -> Graph {
    let nodes = vec![
        node("MatMul", "sums", &["x", "phi"], vec![]),
        node("Relu", "phi_of", &["sums"], vec![]),
        node(
            "ReduceSum",
            "pool",
            &["phi_of", "slots"],
            vec![int("keepdims", 0)],
        ),
        node("MatMul", "y", &["pool", "head"], vec![]),
    ];
    graph(vec![info("x", &[1, 4, 2])], nodes, &["y"])
}

/// A layer of four values on as many, or two.
fn chain(weights: &str, name: &str) -> Graph {
    let nodes = vec![
        node("Relu", "positive", &["x"], vec![]),
        node("MatMul", name, &["positive", weights], vec![]),
    ];
    graph(vec![info("x", &[1, 4])], nodes, &[name])
}

/// A product of a layer and a curve.
fn curved(name: &str) -> Graph {
    let nodes = vec![
        node("Softplus", "bent", &["x"], vec![]),
        node("MatMul", "sums", &["bent", "own"], vec![]),
        node("Mul", name, &["sums", "bent"], vec![]),
    ];
    graph(vec![info("x", &[1, 4])], nodes, &[name])
}

/// What of its slots a network computes.
fn computed(graph: &Graph, inputs: &str) -> String {
    let spec = InputsSpec::parse(inputs).unwrap();
    let (calibration, options) = (calibration(graph), Options::default());
    let made = quantised(graph, "computed", &spec, None, &calibration, &options);
    made.unwrap().1.to_string()
}

fn calibration(graph: &Graph) -> Calibration {
    let values = |elements: usize| (0..16 * elements).map(|i| (i % 7) as f32 / 4.0).collect();
    let inputs = graph.inputs().iter();
    let events = inputs.map(|input| values(graph.elements(input.value)));
    Calibration::new(graph, events.collect()).unwrap()
}

fn refused(graph: &Graph, inputs: &str, score: Option<Score>, parts: &[&str]) {
    let spec = InputsSpec::parse(inputs).unwrap();
    let (calibration, options) = (calibration(graph), Options::default());
    let made = quantised(
        graph,
        "refused",
        &spec,
        score.as_ref(),
        &calibration,
        &options,
    );
    says(&made.map(|_| ()).unwrap_err().to_string(), parts);
}

#[test]
fn calibration_events() {
    let chain = chain("own", "y");
    let check = |inputs: &[&[f32]], parts: &[&str]| {
        let inputs = inputs.iter().map(|values| values.to_vec()).collect();
        let message = Calibration::new(&chain, inputs).unwrap_err().to_string();
        says(&message, &[&["calibration"], parts].concat());
    };
    check(&[], &["0 inputs, the model has 1"]);
    check(
        &[&[0.0; 6]],
        &["input 'x'", "6 values", "the 4 of an event"],
    );
    check(&[&[]], &["input 'x'", "no events"]);
    let broken = [0.0, 1.0, 2.0, 3.0, 0.0, f32::NAN, 2.0, 3.0];
    check(&[&broken], &["input 'x'", "event 1", "not finite"]);
    let two = graph(
        vec![info("a", &[1, 2]), info("b", &[1, 2])],
        vec![node("Add", "y", &["a", "b"], vec![])],
        &["y"],
    );
    let events = vec![vec![0.0; 4], vec![0.0; 6]];
    let message = Calibration::new(&two, events).unwrap_err().to_string();
    says(&message, &["input 'b' has 3 events", "others have not"]);
    let none = graph(vec![], vec![node("Relu", "y", &["phi"], vec![])], &["y"]);
    let message = Calibration::new(&none, vec![]).unwrap_err().to_string();
    says(&message, &["no inputs"]);
}

#[test]
fn statements_of_inputs() {
    let field = |input: &str, name: &str| {
        format!(
            "[[input.{input}.field]]\nname = '{name}'\nlsb = 0.25\nminimum = 0\nmaximum = 255\n"
        )
    };
    let check = |inputs: &str, parts: &[&str]| refused(&deep_set(), inputs, None, parts);
    check(
        "[input.jet]\nset = true\n",
        &["input 'jet'", "no input of this name"],
    );
    check(
        "[input.x]\ncapacity = 8\n",
        &["input 'x'", "capacity 8", "4 slots"],
    );
    let ordered = format!(
        "[input.x]\norder = 'et'\n{}{}",
        field("x", "pt"),
        field("x", "eta")
    );
    check(&ordered, &["input 'x'", "\"et\" is not one of its fields"]);
    let three = ["a", "b", "c"].map(|name| field("x", name)).concat();
    refused(
        &curved("y"),
        &three,
        None,
        &["input 'x'", "3 fields", "last axis, of 4 values"],
    );
    let row = graph(
        vec![info("x", &[4])],
        vec![node("Relu", "y", &["x"], vec![])],
        &["y"],
    );
    refused(
        &row,
        "[input.x]\nset = true\n",
        None,
        &["input 'x'", "[4] has no set axis"],
    );
    let sums = ["a", "b"].map(|x| node("ReduceSum", &format!("{x}.sum"), &[x, "slots"], vec![]));
    let sum = node("Add", "y", &["a.sum", "b.sum"], vec![]);
    let inputs = vec![info("a", &[1, 4, 2]), info("b", &[1, 5, 2])];
    let two = graph(inputs, [sums.to_vec(), vec![sum]].concat(), &["y"]);
    refused(
        &two,
        "[input.a]\nset = true\n[input.b]\nset = true\n",
        None,
        &["input 'b'", "second set", "set = false"],
    );
    // The first is a set, and the second stated.
    let of_b = "[input.b]\nset = true\ncapacity = 5\n";
    let layers = |of: &'static str| {
        let sums = node("MatMul", "sums", &[of, "phi"], vec![]);
        let pool = node(
            "ReduceSum",
            "pool",
            &["sums", "slots"],
            vec![int("keepdims", 0)],
        );
        let flat = node("Flatten", "flat", &["b"], vec![]);
        let all = node("Concat", "y", &["pool", "flat"], vec![int("axis", 1)]);
        graph(
            vec![info("a", &[1, 4, 2]), info("b", &[1, 5, 2])],
            vec![sums, pool, flat, all],
            &["y"],
        )
    };
    refused(
        &layers("a"),
        "[input.a]\norder = 'pt'\n",
        None,
        &["input 'a'", "not one of its fields"],
    );
    let told = computed(&layers("a"), of_b);
    says(&told, &["all slots", "'b' has no effect", "set = false"]);
    let channels_first = [field("x", "a"), field("x", "b"), field("x", "c")].concat();
    refused(
        &deep_set(),
        &channels_first,
        None,
        &["input 'x'", "3 fields", "last axis, of 2 values"],
    );
}

#[test]
fn scores() {
    let (output, squares) = (
        |name: &str| Some(Score::Output(name.into())),
        |name: &str| Some(Score::SumSquares(name.into())),
    );
    type Network = fn(&str) -> Graph;
    for network in [|name| chain("own", name), curved] as [Network; 2] {
        let check = |name, score, parts: &[&str]| {
            refused(&network(name), "", score, &[&["--score"], parts].concat());
        };
        check("y", output("z"), &["the outputs are y"]);
        check("y", squares("z"), &["the outputs are y"]);
        check("score", Some(Score::Mse), &["an output 'score' already"]);
    }
    let narrow = chain("ends", "y");
    refused(
        &narrow,
        "",
        Some(Score::Mse),
        &["--score", "'x'", "2 values of the output"],
    );
    let both = graph(
        vec![info("x", &[1, 4]), info("z", &[1, 4])],
        vec![node("Concat", "y", &["x", "z"], vec![int("axis", 1)])],
        &["y"],
    );
    refused(
        &both,
        "",
        Some(Score::Mse),
        &["--score", "one input and one output"],
    );
}

#[test]
fn a_multiplicity_of_no_set() {
    let graph = curved("y");
    let mut spec = InputsSpec::default();
    spec.set_multiplicity(3);
    let calibration = Calibration::new(&graph, vec![vec![0.5; 64]]).unwrap();
    let made = compile(
        &graph,
        "refused",
        &spec,
        None,
        &calibration,
        &Options::default(),
    );
    let message = made.map(|_| ()).unwrap_err().to_string();
    says(
        &message,
        &["--multiplicity", "there is no set", "no axis of slots"],
    );
}
