//! Networks that carry a state: along a list of constituents, from neighbour to neighbour, up a clustering tree.

use super::{Net, Network, Random};
use crate::import_support::{floats, info, int, int64s, ints, string};
use hodoscope_compiler::import::proto::{ValueInfoProto, data_type};

/// Constituents, or leaves of a clustering.
const P: i64 = 6;

/// Constituents ordered in pT, one row each: log pT, η, φ and the fraction of the hardest.
fn ordered(random: &mut Random) -> Vec<f32> {
    hardest(random, P)
}

fn hardest(random: &mut Random, count: i64) -> Vec<f32> {
    let (mut pt, mut all) = (1.0f32, vec![]);
    for _ in 0..count {
        all.extend([pt.ln(), 0.4 * random.normal(), 0.4 * random.normal(), pt]);
        pt *= 0.5 + 0.45 * random.uniform();
    }
    all
}

/// A head of one score on `x` `[1, inputs]`.
fn scored(mut net: Net, x: &str, inputs: i64, inputs_of: Vec<ValueInfoProto>) -> Scored {
    let hidden = net.dense("head1", x, inputs, 6);
    let hidden = net.unary("Relu", &hidden);
    let logit = net.dense("head2", &hidden, 6, 1);
    let score = net.unary("Sigmoid", &logit);
    (net, inputs_of, vec![score, logit])
}

type Scored = (Net, Vec<ValueInfoProto>, Vec<String>);

fn named(
    name: &'static str,
    (net, inputs, outputs): Scored,
    event: fn(&mut Random) -> Vec<Vec<f32>>,
) -> Network {
    let outputs: Vec<&str> = outputs.iter().map(String::as_str).collect();
    Network {
        name,
        model: net.model(inputs, &outputs),
        event,
    }
}

/// A recurrent layer over the constituents, batch first, as torch exports it; the last states of all directions.
fn over_constituents(op: &str, gates: i64, hidden: i64, directions: i64, count: i64) -> Scored {
    let mut net = Net::new(20 + gates as u64);
    let perm = vec![ints("perm", &[1, 0, 2])];
    let x = net.op("Transpose", "sequence", &["constituents"], perm);
    let rows = gates * hidden;
    let spread = (1.0 / hidden as f32).sqrt();
    let w = net.normal("w", &[directions, rows, 4], 0.0, spread);
    let r = net.normal("r", &[directions, rows, hidden], 0.0, spread);
    let b = net.normal("b", &[directions, 2 * rows], 0.0, 0.2);
    let mut attributes = vec![int("hidden_size", hidden)];
    attributes.extend((op == "GRU").then(|| int("linear_before_reset", 1)));
    attributes.extend((directions == 2).then(|| string("direction", "bidirectional")));
    net.op(op, "states", &[&x, &w, &r, &b], attributes);
    // The sequence is the first result, the last state the second.
    if let Some(layer) = net.nodes.last_mut() {
        layer.output = vec![String::new(), "last".into()];
    }
    let width = directions * hidden;
    net.constants.push(int64s("row", &[2], &[1, width]));
    let last = net.op("Reshape", "last.row", &["last", "row"], vec![]);
    let inputs = vec![info("constituents", &[1, count, 4])];
    scored(net, &last, width, inputs)
}

pub fn gru() -> Network {
    let net = over_constituents("GRU", 3, 8, 1, P);
    named("gru", net, |random| vec![ordered(random)])
}

pub fn lstm() -> Network {
    let net = over_constituents("LSTM", 4, 5, 2, P);
    named("lstm", net, |random| vec![ordered(random)])
}

/// Of few constituents and states: every step of an unrolled layer is code of its own, which each target compiles.
pub fn short_gru() -> Network {
    let net = over_constituents("GRU", 3, 4, 1, 3);
    named("short-gru", net, |random| vec![hardest(random, 3)])
}

/// As [`short_gru`].
pub fn short_lstm() -> Network {
    let net = over_constituents("LSTM", 4, 3, 2, 3);
    named("short-lstm", net, |random| vec![hardest(random, 3)])
}

/// A learned adjacency, and nodes that take its messages as a GRU cell does, twice.
pub fn message_passing() -> Network {
    let mut net = Net::new(30);
    let width = 6;
    net.constants.push(floats("one", &[1], &[1.0]));
    let mut h = linear(&mut net, "embed", "constituents", 4, width);
    h = net.unary("Tanh", &h);
    for round in 0..2 {
        let name = |what: &str| format!("{what}{round}");
        let key = linear(&mut net, &name("key"), &h, width, 3);
        let perm = vec![ints("perm", &[0, 2, 1])];
        let turned = net.op("Transpose", &name("turned"), &[&key], perm);
        let logits = net.op("MatMul", &name("logits"), &[&key, &turned], vec![]);
        let adjacency = net.op(
            "Softmax",
            &name("adjacency"),
            &[&logits],
            vec![int("axis", -1)],
        );
        let message = net.op("MatMul", &name("message"), &[&adjacency, &h], vec![]);
        let gate = |net: &mut Net, what: &str| {
            let a = linear(net, &name(&format!("{what}.m")), &message, width, width);
            let b = linear(net, &name(&format!("{what}.h")), &h, width, width);
            let sum = net.op("Add", &name(what), &[&a, &b], vec![]);
            net.unary("Sigmoid", &sum)
        };
        let (update, reset) = (gate(&mut net, "update"), gate(&mut net, "reset"));
        let own = linear(&mut net, &name("new.h"), &h, width, width);
        let kept = net.op("Mul", &name("kept"), &[&reset, &own], vec![]);
        let given = linear(&mut net, &name("new.m"), &message, width, width);
        let sum = net.op("Add", &name("new"), &[&given, &kept], vec![]);
        let new = net.unary("Tanh", &sum);
        let rest = net.op("Sub", &name("rest"), &["one", &update], vec![]);
        let fresh = net.op("Mul", &name("fresh"), &[&rest, &new], vec![]);
        let old = net.op("Mul", &name("old"), &[&update, &h], vec![]);
        h = net.op("Add", &name("state"), &[&fresh, &old], vec![]);
    }
    let keep = vec![ints("axes", &[1]), int("keepdims", 0)];
    let mean = net.op("ReduceMean", "mean", &[&h], keep);
    let inputs = vec![info("constituents", &[1, P, 4])];
    let net = scored(net, &mean, width, inputs);
    named("message-passing-gru", net, |random| vec![ordered(random)])
}

fn linear(net: &mut Net, name: &str, x: &str, inputs: i64, outputs: i64) -> String {
    let spread = (1.5 / inputs as f32).sqrt();
    let weights = net.normal(&format!("{name}.weight"), &[inputs, outputs], 0.0, spread);
    let bias = net.normal(&format!("{name}.bias"), &[outputs], 0.0, 0.1);
    let product = net.op("MatMul", &format!("{name}.product"), &[x, &weights], vec![]);
    net.op("Add", name, &[&product, &bias], vec![])
}

/// Pairs of states, named by the clustering, are merged through a gate until one is left: leaves first, then merges.
pub fn clustering() -> Network {
    let mut net = Net::new(40);
    let (width, merges) = (5, P - 1);
    net.constants.push(floats("one", &[1], &[1.0]));
    net.constants.push(int64s("leaves", &[2], &[P, 4]));
    net.constants.push(int64s("pair", &[2], &[1, 2 * width]));
    let flat = net.op("Reshape", "leaf.rows", &["constituents", "leaves"], vec![]);
    let leaves = linear(&mut net, "embed", &flat, 4, width);
    let mut states = net.unary("Tanh", &leaves);
    let index = |at: i64| int64s(&format!("at{at}"), &[2], &[2 * at, 2 * at + 1]);
    for at in 0..merges {
        net.constants.push(index(at));
        let none = vec![0.0; ((merges - at) * width) as usize];
        let padding = format!("padding{at}");
        net.constants
            .push(floats(&padding, &[merges - at, width], &none));
        let name = |what: &str| format!("{what}{at}");
        let axis = |axis| vec![int("axis", axis)];
        // Rows that are not merged yet are zero.
        let all = net.op("Concat", &name("all"), &[&states, &padding], axis(0));
        net.constants.push(int64s(&name("two"), &[1], &[2]));
        let own = net.op("Gather", &name("own"), &["tree", &name("at")], axis(1));
        let own = net.op("Reshape", &name("children"), &[&own, &name("two")], vec![]);
        let both = net.op("Gather", &name("both"), &[&all, &own], axis(0));
        let pair = net.op("Reshape", &name("pair"), &[&both, "pair"], vec![]);
        let gate = linear(&mut net, &name("gate"), &pair, 2 * width, width);
        let gate = net.unary("Sigmoid", &gate);
        let new = linear(&mut net, &name("new"), &pair, 2 * width, width);
        let new = net.unary("Tanh", &new);
        let keep = vec![ints("axes", &[0]), int("keepdims", 1)];
        let mean = net.op("ReduceMean", &name("mean"), &[&both], keep);
        let rest = net.op("Sub", &name("rest"), &["one", &gate], vec![]);
        let fresh = net.op("Mul", &name("fresh"), &[&gate, &new], vec![]);
        let old = net.op("Mul", &name("old"), &[&rest, &mean], vec![]);
        let merged = net.op("Add", &name("merged"), &[&fresh, &old], vec![]);
        states = match at + 1 == merges {
            true => merged,
            false => net.op("Concat", &name("states"), &[&states, &merged], axis(0)),
        };
    }
    let mut tree = info("tree", &[1, 2 * merges]);
    let kind = tree.r#type.as_mut().and_then(|t| t.tensor_type.as_mut());
    if let Some(kind) = kind {
        kind.elem_type = data_type::INT64;
    }
    let inputs = vec![info("constituents", &[1, P, 4]), tree];
    let net = scored(net, &states, width, inputs);
    named("clustering", net, |random| {
        let constituents = ordered(random);
        let mut open: Vec<usize> = (0..P as usize).collect();
        let mut tree = vec![];
        for merged in P as usize..2 * P as usize - 1 {
            for _ in 0..2 {
                let child = open.swap_remove(random.below(open.len()));
                tree.push(child as f32);
            }
            open.push(merged);
        }
        vec![constituents, tree]
    })
}
