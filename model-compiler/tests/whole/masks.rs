//! Masks, places and bins of an input are those of its words, in whatever few bits layers read it.

use crate::kinds::{Network, compiled, differences};
use crate::{Random, SIXTEEN};
use hodoscope_compiler::graph::{
    Binary, Comparison, Graph, Kind, Logic, Op, Reduction, Tensor, Unary, ValueId,
};
use hodoscope_compiler::quantise::{Activations, Options};

const SLOTS: usize = 6;
const EVENTS: usize = 200;

fn slice(n: &mut Network, x: ValueId, channel: usize) -> ValueId {
    let column = Op::Slice {
        axis: 2,
        start: channel,
        step: 1,
        len: 1,
    };
    n.push(column, &[x])
}

fn reduced(n: &mut Network, op: Reduction, axis: usize, x: ValueId) -> ValueId {
    let axes = vec![axis];
    let keepdims = true;
    n.push(Op::Reduce { op, axes, keepdims }, &[x])
}

/// A layer and its function: the operand of the masks is also an operand of few bits.
fn layer(n: &mut Network, x: ValueId, inputs: usize) -> ValueId {
    let weights = (0..4 * inputs).map(|i| (i * 7 % 11) as f32 / 8.0 - 0.6);
    let weights = Tensor::new(vec![4, inputs], weights.collect()).unwrap();
    let bias = vec![0.1, -0.2, 0.3, 0.0];
    let y = n.push(Op::Dense { weights, bias }, &[x]);
    n.unary(Unary::Tanh, y)
}

/// Counts of what each form of a mask keeps, and other whole numbers of the words; a layer of each operand.
fn network() -> Graph {
    let mut n = Network::new();
    let x = n.input("x", &[1, SLOTS, 3], Kind::Float);
    let pt = slice(&mut n, x, 0);
    let eta = slice(&mut n, x, 1);
    let all = layer(&mut n, x, 3);
    let hard = layer(&mut n, pt, 1);
    let both = n.push(Op::Concat { axis: 2 }, &[pt, eta]);
    let pair = layer(&mut n, both, 2);
    let mut masks = vec![n.above(pt, 0.0)];
    let zero = n.constant(&[0.0]);
    let none = n.push(Op::Compare(Comparison::Equal), &[pt, zero]);
    masks.push(n.unary(Unary::Not, none));
    let scaled = Op::ScaleShift {
        axis: 2,
        scale: vec![0.01],
        shift: vec![-0.2],
    };
    let scaled = n.push(scaled, &[pt]);
    masks.push(n.above(scaled, -0.1999));
    let factor = n.constant(&[0.01]);
    let product = n.binary(Binary::Mul, pt, factor);
    masks.push(n.above(product, 0.0));
    let sizes = n.unary(Unary::Abs, x);
    let sizes = reduced(&mut n, Reduction::Sum, 2, sizes);
    masks.push(n.above(sizes, 0.0));
    let not_zero = n.push(Op::Compare(Comparison::Equal), &[both, zero]);
    let not_zero = n.unary(Unary::Not, not_zero);
    masks.push(reduced(&mut n, Reduction::Max, 2, not_zero));
    let size = n.unary(Unary::Abs, eta);
    let inside = n.push(Op::Compare(Comparison::Less), &[size, factor]);
    let alive = n.above(pt, 0.02);
    masks.push(n.push(Op::Logic(Logic::And), &[inside, alive]));
    // The number itself is a condition.
    let one = n.constant(&[1.0]);
    masks.push(n.push(Op::Where, &[pt, one, zero]));
    let keys = n.reshape(pt, &[1, SLOTS]);
    let turned = n.reshape(pt, &[1, SLOTS, 1]);
    let beside = n.reshape(pt, &[1, 1, SLOTS]);
    masks.push(n.push(Op::Compare(Comparison::Greater), &[turned, beside]));
    let mut outputs: Vec<ValueId> = masks
        .into_iter()
        .map(|mask| counted(&mut n, mask))
        .collect();
    let argument = Op::ArgMax {
        axis: 1,
        largest: true,
        last: false,
    };
    outputs.push(n.push(argument, &[keys]));
    let bins = n.constant(&[32.0]);
    let bin = n.binary(Binary::Mul, eta, bins);
    let bin = n.unary(Unary::Floor, bin);
    outputs.push(n.reshape(bin, &[1, SLOTS]));
    outputs.extend([all, hard, pair].map(|layer| n.reshape(layer, &[1, 4 * SLOTS])));
    n.finish(&outputs)
}

fn counted(n: &mut Network, mask: ValueId) -> ValueId {
    let elements = n.elements(mask);
    let flat = n.reshape(mask, &[1, elements]);
    reduced(n, Reduction::Sum, 1, flat)
}

/// pT over five decades, the softest far below what 8 or 16 bits count; some slots are absent.
fn event(random: &mut Random) -> Vec<Vec<f32>> {
    let live = random.below(SLOTS + 1);
    let slot = |slot: usize| match slot < live {
        false => [0.0; 3],
        true => {
            let pt = (random.uniform() * 11.0 - 5.0).exp();
            [pt, random.normal() * 0.3, random.normal()]
        }
    };
    vec![(0..SLOTS).flat_map(slot).collect()]
}

#[test]
fn a_mask_reads_the_words_and_not_what_layers_read() {
    let graph = network();
    let mut random = Random::new(7);
    let events: Vec<_> = (0..EVENTS).map(|_| event(&mut random)).collect();
    let eight = Options {
        activations: Activations::Eight,
        ..Options::default()
    };
    for options in [eight, Options::default(), SIXTEEN] {
        let program = compiled(&graph, &events, &options);
        let found = differences(&graph, &program, &events);
        let whole = &found[..found.len() - 3];
        assert!(whole.iter().all(|d| *d == 0.0), "{options:?}: {found:?}");
    }
}
