//! Quantised sets over live constituents: the bits of the program that computes every slot, for any number of them.

use crate::activations::Network;
use crate::support::Random;
use hodoscope_compiler::exact::{Constituents, Rescale, exact_over_live, exact_padded};
use hodoscope_compiler::graph::{
    Binary, Comparison, FixedPoint, FixedType, Graph, GraphBuilder, Kind, Op, Quantiser, Reduction,
    RoundingMode, Tensor, Unary, ValueId,
};
use hodoscope_compiler::inputs::InputsSpec;
use hodoscope_compiler::plan::{Isa, Layouts, Plan};
use hodoscope_interpreter::{Event, Interpreter};
use hodoscope_kernel_executor::Executor as Kernels;
use hodoscope_program::{Live, Program};

/// Slots, and features of each.
const SLOTS: usize = 5;
const FEATURES: usize = 4;

impl Network {
    /// A dense layer of weights in counts of 1/8, different for each `seed`.
    fn dense(&mut self, x: ValueId, outputs: usize, seed: u64) -> ValueId {
        let inputs = *self.builder.graph().shape(x).last().unwrap();
        let mut random = Random::new(seed);
        let mut number = || random.below(15) as f32 / 8.0 - 0.875;
        let weights = (0..outputs * inputs).map(|_| number()).collect();
        let bias = (0..outputs).map(|_| number()).collect();
        let weights = Tensor::new(vec![outputs, inputs], weights).unwrap();
        self.push(Op::Dense { weights, bias }, &[x])
    }

    /// A layer with a relu and a quantiser of `width` bits without a sign, halves to even.
    fn layer(&mut self, x: ValueId, outputs: usize, width: u8, seed: u64) -> ValueId {
        let y = self.dense(x, outputs, seed);
        let y = self.push(Op::Unary(Unary::Relu), &[y]);
        self.unsigned(y, 3, width)
    }

    fn unsigned(&mut self, x: ValueId, frac: i32, width: u8) -> ValueId {
        let scale = Tensor::scalar(2f32.powi(-frac));
        let zero_point = Tensor::scalar(0.0);
        let quantiser = Quantiser {
            scale: scale.clone(),
            zero_point: zero_point.clone(),
            range: Some((0, (1 << width) - 1)),
            rounding: RoundingMode::HalfEven,
            zero_first: false,
        };
        let integers = self.push(Op::Quantise(Box::new(quantiser)), &[x]);
        self.push(Op::Dequantise { scale, zero_point }, &[integers])
    }

    /// What stands behind the pooling.
    fn judged(mut self, pooled: ValueId) -> Graph {
        let x = self.quantised(pooled, 2, 12);
        let features = self.builder.graph().elements(x);
        let x = self.reshaped(x, &[1, features]);
        let x = self.layer(x, 3, 8, 90);
        let y = self.dense(x, 2, 91);
        self.finish(y)
    }
}

/// Both programs: over live constituents, which it must be, and over all slots.
fn both(graph: &Graph) -> (Program, Program) {
    let spec = InputsSpec::default();
    let (live, constituents) = exact_over_live(graph, "set", &spec, Rescale::Quotient)
        .unwrap_or_else(|error| panic!("{error}\n{graph}"));
    assert_eq!(
        constituents,
        Constituents::Live { counted: None },
        "{graph}"
    );
    assert_eq!(live.sets.len(), 1);
    assert_eq!(Program::from_text(&live.to_text()).unwrap(), live);
    let padded = exact_padded(graph, "set", &spec).unwrap();
    assert!(padded.sets.is_empty());
    (live, padded)
}

/// Words of one slot of every input of the set: any, or the empty ones.
fn slot(program: &Program, random: &mut Random, empty: bool) -> Vec<Vec<i64>> {
    let word = |input: &hodoscope_program::Input, channel: usize, random: &mut Random| {
        let field = input.field(channel);
        let span = (field.maximum - field.minimum) as usize + 1;
        match (empty, random.below(4)) {
            (true, _) => field.empty,
            (_, 0) => [field.minimum, field.maximum, field.empty][random.below(3)],
            _ => field.minimum + random.below(span) as i64,
        }
    };
    let inputs = program.inputs.iter();
    inputs
        .map(|input| {
            (0..input.channels)
                .map(|channel| word(input, channel, random))
                .collect()
        })
        .collect()
}

/// An event of some slots.
fn event(program: &Program, slots: &[Vec<Vec<i64>>]) -> Event {
    let of = |index: usize| slots.iter().flat_map(|slot| slot[index].clone()).collect();
    Event {
        inputs: (0..program.inputs.len()).map(of).collect(),
    }
}

/// Holds the program over live constituents to the padded one: for every number of slots, with holes and without, and
/// with more than there is room for; interpreter and kernels.
fn equal(graph: &Graph) -> Program {
    let (live, padded) = both(graph);
    let slots = live.sets[0].capacity;
    let interpreter = Interpreter::new(&live).unwrap();
    let reference = Interpreter::new(&padded).unwrap();
    let plans: Vec<Plan<'_>> = Isa::ALL
        .into_iter()
        .map(|isa| Plan::with(&live, isa, 0, Layouts::Fastest).unwrap())
        .collect();
    let mut kernels: Vec<Kernels<'_>> = plans.iter().map(Kernels::new).collect();
    let mut random = Random::new(3);
    let mut different = 0;
    let mut first = None;
    for n in (0..=slots).cycle().take(12 * (slots + 1)) {
        let mut all: Vec<_> = (0..n).map(|_| slot(&live, &mut random, false)).collect();
        let present = event(&live, &all);
        // Holes between them, at places of their own.
        while all.len() < slots {
            let at = random.below(all.len() + 1);
            all.insert(at, slot(&live, &mut random, true));
        }
        let whole = event(&live, &all);
        let expected = reference.run(&whole).unwrap();
        assert_eq!(interpreter.run(&present).unwrap(), expected, "{n} slots");
        assert_eq!(interpreter.run(&whole).unwrap(), expected, "{n} and holes");
        for (plan, kernels) in plans.iter().zip(&mut kernels) {
            let seen = kernels.run(&whole.inputs);
            for (output, expected) in live.outputs.iter().zip(&expected) {
                let found = seen[output.value.index()].as_ref();
                assert_eq!(found, Some(expected), "{n} slots, {}", plan.isa);
            }
        }
        let first = first.get_or_insert_with(|| expected.clone());
        different += usize::from(*first != expected);
    }
    assert!(different > slots, "the outputs hardly depend on the event");
    live
}

fn input(shape: &[usize]) -> Network {
    Network::new(shape, 3, 8)
}

fn slots() -> Network {
    input(&[1, SLOTS, FEATURES])
}

#[test]
fn empty_slots_count_in_every_pooling() {
    for pooling in [
        Reduction::Sum,
        Reduction::Mean,
        Reduction::Max,
        Reduction::Min,
        Reduction::SumSquare,
        Reduction::L1,
    ] {
        let mut net = slots();
        let x = net.layer(net.x, 6, 5, 1);
        let x = net.layer(x, 3, 5, 2);
        let pooled = net.reduced(pooling, 1, x);
        let live = equal(&net.judged(pooled));
        assert!(matches!(live.sets[0].live, Live::NotEmpty { .. }));
        let text = live.to_text();
        let has_maximum = matches!(pooling, Reduction::Max | Reduction::Min);
        assert_eq!(text.contains(" = max "), has_maximum, "{text}");
        assert_eq!(text.contains(" = count "), !has_maximum, "{text}");
    }
}

#[test]
fn a_set_of_sixteen_has_a_mean_by_a_shift() {
    let mut net = input(&[1, 16, 3]);
    let x = net.layer(net.x, 4, 6, 1);
    let pooled = net.reduced(Reduction::Mean, 1, x);
    let live = equal(&net.judged(pooled));
    assert!(!live.to_text().contains(" divide "));
}

#[test]
fn flat_words_are_slots_behind_their_reshape() {
    let mut net = input(&[1, SLOTS * FEATURES]);
    let x = net.reshaped(net.x, &[1, SLOTS, FEATURES]);
    let x = net.layer(x, 6, 5, 1);
    let pooled = net.reduced(Reduction::Sum, 1, x);
    let live = equal(&net.judged(pooled));
    assert_eq!(live.inputs[0].channels, FEATURES);
}

#[test]
fn a_transposed_pooling_is_one() {
    // Channels first between the layers, as a convolution of width 1 has them.
    let mut net = slots();
    let x = net.layer(net.x, 6, 5, 1);
    let x = net.transposed(x, &[0, 2, 1]);
    let x = net.quantised(x, 2, 5);
    let pooled = net.reduced(Reduction::Sum, 2, x);
    equal(&net.judged(pooled));
}

#[test]
fn a_mask_is_the_live_rule() {
    let mut net = slots();
    let pt = net.push(
        Op::Slice {
            axis: 2,
            start: 0,
            step: 1,
            len: 1,
        },
        &[net.x],
    );
    let threshold = net.constant(&[1], vec![0.5]);
    let mask = net.push(Op::Compare(Comparison::Greater), &[pt, threshold]);
    let x = net.layer(net.x, 6, 5, 1);
    let x = net.push(Op::Binary(Binary::Mul), &[x, mask]);
    let pooled = net.reduced(Reduction::Sum, 1, x);
    let live = equal(&net.judged(pooled));
    // Counts of 1/8.
    assert!(
        matches!(live.sets[0].live, Live::Above { word, threshold: 4 } if word.channel == 0),
        "{:?}",
        live.sets[0]
    );
    assert_eq!(live.sets[0].order.unwrap().channel, 0);
    assert!(!live.to_text().contains(" = count "));
}

#[test]
fn a_weight_is_the_live_rule() {
    // Σ pt · Φ(angles), as a product of matrices.
    let mut net = input(&[1, SLOTS, 2]);
    let pt = net
        .builder
        .input("pt", vec![1, SLOTS], Kind::Float)
        .unwrap();
    let pt = net.unsigned(pt, 2, 8);
    let pt = net.reshaped(pt, &[1, 1, SLOTS]);
    let x = net.layer(net.x, 6, 5, 1);
    let pooled = net.push(Op::MatMul, &[pt, x]);
    let live = equal(&net.judged(pooled));
    let Live::Above { word, threshold: 0 } = live.sets[0].live else {
        panic!("{:?}", live.sets[0]);
    };
    assert_eq!(live.input(word.input).name, "pt");
}

#[test]
fn features_are_joined_cut_and_ordered_within_a_slot() {
    let mut net = slots();
    let slice = |net: &mut Network, x, start, step, len| {
        let axis = 2;
        net.push(
            Op::Slice {
                axis,
                start,
                step,
                len,
            },
            &[x],
        )
    };
    let x = net.x;
    let two = slice(&mut net, x, 1, 2, 2);
    let back = slice(&mut net, x, 3, -1, 4);
    let sum = net.reduced(Reduction::Sum, 2, x);
    let sum = net.quantised(sum, 2, 8);
    let square = net.push(Op::Binary(Binary::Mul), &[x, x]);
    let square = net.quantised(square, 2, 8);
    let largest = net.push(
        Op::TopK {
            axis: 2,
            k: 2,
            largest: true,
            indices: true,
        },
        &[x],
    );
    let joined = net.push(Op::Concat { axis: 2 }, &[two, back, sum, square, largest]);
    let x = net.layer(joined, 5, 5, 1);
    let soft = net.push(Op::Softmax { axis: 2 }, &[x]);
    let pooled = net.reduced(Reduction::Sum, 1, soft);
    equal(&net.judged(pooled));
}

#[test]
fn an_equal_weight_for_every_slot_is_a_pooling() {
    let mut net = slots();
    let x = net.layer(net.x, 6, 5, 1);
    let x = net.transposed(x, &[0, 2, 1]);
    let weights = Tensor::new(vec![1, SLOTS], vec![0.25; SLOTS]).unwrap();
    let bias = vec![0.5];
    let pooled = net.push(Op::Dense { weights, bias }, &[x]);
    equal(&net.judged(pooled));
}

/// A type of each element, the same in all slots where `alike`.
fn fixed_point(alike: bool) -> Graph {
    let mut builder = GraphBuilder::new("hgq");
    let x = builder
        .input("x", vec![1, SLOTS, FEATURES], Kind::Float)
        .unwrap();
    let mut net = Network { builder, x };
    let typed = |net: &mut Network, x: ValueId, channels: usize, alike: bool, wraps: bool| {
        let ty = |e: usize| {
            // Of every other slot another one.
            let of = e % channels + usize::from(!alike) * (e / channels % 2);
            FixedType {
                frac: 2 + (of % 3) as i32,
                minimum: -(8 << (of % 2)),
                maximum: (8 << (of % 2)) - 1,
            }
        };
        let quantiser = FixedPoint {
            types: (0..SLOTS * channels).map(ty).collect(),
            rounding: RoundingMode::HalfCeil,
            wraps,
        };
        net.push(Op::FixedPoint(Box::new(quantiser)), &[x])
    };
    let x = typed(&mut net, x, FEATURES, true, false);
    let x = net.dense(x, 6, 1);
    let x = typed(&mut net, x, 6, alike, true);
    let pooled = net.reduced(Reduction::Sum, 1, x);
    net.judged(pooled)
}

#[test]
fn types_of_elements_agree_in_all_slots_or_fix_them() {
    equal(&fixed_point(true));
    refused(&fixed_point(false), "its numbers differ from slot to slot");
}

/// Every slot is computed as before, and why is said.
fn refused(graph: &Graph, reason: &str) {
    let spec = InputsSpec::default();
    let (program, constituents) = exact_over_live(graph, "set", &spec, Rescale::Quotient).unwrap();
    let Constituents::All { because } = &constituents else {
        panic!("{constituents:?}\n{graph}");
    };
    assert!(because.contains(reason), "{because}");
    assert_eq!(program, exact_padded(graph, "set", &spec).unwrap());
}

#[test]
fn slots_with_places_of_their_own_stay() {
    let mut net = slots();
    let x = net.layer(net.x, 6, 5, 1);
    let x = net.reshaped(x, &[1, SLOTS * 6]);
    let x = net.dense(x, 3, 7);
    refused(&net.judged(x), "its weights differ from slot to slot");

    let mut net = slots();
    let x = net.layer(net.x, 6, 5, 1);
    let soft = net.push(Op::Softmax { axis: 1 }, &[x]);
    let pooled = net.reduced(Reduction::Sum, 1, soft);
    refused(&net.judged(pooled), "depends on all others");

    let mut net = slots();
    let flipped = net.transposed(net.x, &[0, 2, 1]);
    let pairs = net.push(Op::MatMul, &[net.x, flipped]);
    let pairs = net.quantised(pairs, 2, 8);
    let pooled = net.reduced(Reduction::Sum, 1, pairs);
    refused(&net.judged(pooled), "slots meet each other");

    // A table of places.
    let mut net = slots();
    let places = (0..SLOTS * FEATURES).map(|e| e as f32 / 8.0).collect();
    let places = net.constant(&[SLOTS, FEATURES], places);
    let x = net.push(Op::Binary(Binary::Add), &[net.x, places]);
    let x = net.layer(x, 6, 5, 1);
    let pooled = net.reduced(Reduction::Sum, 1, x);
    refused(&net.judged(pooled), "its numbers differ from slot to slot");
}

#[test]
fn features_before_slots_are_told() {
    let mut net = input(&[1, FEATURES, SLOTS]);
    let x = net.transposed(net.x, &[0, 2, 1]);
    let x = net.layer(x, 6, 5, 1);
    let pooled = net.reduced(Reduction::Sum, 1, x);
    refused(&net.judged(pooled), "stand behind its features");
}

#[test]
fn the_user_may_say_that_there_is_no_set() {
    let mut net = slots();
    let x = net.layer(net.x, 6, 5, 1);
    let pooled = net.reduced(Reduction::Sum, 1, x);
    let graph = net.judged(pooled);
    let text = "[input.x]\nset = false\n[[input.x.field]]\nname = \"f\"\nlsb = 0.125\nminimum = -128\nmaximum = 127\n";
    let spec = InputsSpec::parse(text).unwrap();
    let (program, constituents) = exact_over_live(&graph, "set", &spec, Rescale::Quotient).unwrap();
    assert_eq!(constituents, Constituents::None);
    assert!(program.sets.is_empty());
    let spec = InputsSpec::parse(&text.replace("false", "\"particles\"\norder = \"f\"")).unwrap();
    let (program, _) = exact_over_live(&graph, "set", &spec, Rescale::Quotient).unwrap();
    assert_eq!(program.sets[0].name, "particles");
    assert_eq!(program.sets[0].order.unwrap().channel, 0);
}
