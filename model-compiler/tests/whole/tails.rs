//! Scores of events far beyond the calibration, and functions that ask small numbers for their digits.

use crate::kinds::{Network, compiled, differences, differences_of_each};
use crate::{Random, SIXTEEN};
use hodoscope_compiler::graph::{
    Binary, Circular, Executor, Graph, Kind, Op, Reduction, Tensor, Unary, ValueId,
};
use hodoscope_program::Program;

/// What an output may miss of its range.
const BAR: f64 = 1.0 / 256.0;

type Events = Vec<Vec<Vec<f32>>>;

fn tensor(shape: &[usize], random: &mut Random, size: f32) -> Tensor {
    let count = shape.iter().product();
    let data = (0..count).map(|_| random.normal() * size).collect();
    Tensor::new(shape.to_vec(), data).unwrap()
}

fn dense(
    net: &mut Network,
    x: ValueId,
    (inputs, outputs): (usize, usize),
    r: &mut Random,
) -> ValueId {
    let weights = tensor(&[outputs, inputs], r, 1.0 / (inputs as f32).sqrt());
    let bias = tensor(&[outputs], r, 0.1).data;
    net.push(Op::Dense { weights, bias }, &[x])
}

fn events(random: &mut Random, count: usize, features: usize, size: f32) -> Events {
    let mut event = || vec![(0..features).map(|_| size * random.normal()).collect()];
    (0..count).map(|_| event()).collect()
}

/// The largest difference over the range of the first output.
fn missed(graph: &Graph, program: &Program, events: &Events) -> f64 {
    let worst = differences(graph, program, events)[0];
    let executor = Executor::new(graph).unwrap();
    let mut workspace = executor.workspace();
    let mut ends = (f32::MAX, f32::MIN);
    for event in events {
        let slices: Vec<&[f32]> = event.iter().map(Vec::as_slice).collect();
        executor.run_all(&mut workspace, &slices).unwrap();
        for y in workspace.value(graph.outputs()[0].value) {
            ends = (ends.0.min(*y), ends.1.max(*y));
        }
    }
    worst / f64::from(ends.1 - ends.0)
}

/// One column of `x`.
fn part(net: &mut Network, x: ValueId, start: usize) -> ValueId {
    let column = Op::Slice {
        axis: 1,
        start,
        step: 1,
        len: 1,
    };
    net.push(column, &[x])
}

#[test]
fn a_squared_error_holds_for_events_ten_times_as_large() {
    let random = &mut Random::new(1);
    let mut net = Network::new();
    let x = net.input("x", &[1, 12], Kind::Float);
    let hidden = dense(&mut net, x, (12, 6), random);
    let hidden = net.unary(Unary::Relu, hidden);
    let back = dense(&mut net, hidden, (6, 12), random);
    let difference = net.binary(Binary::Sub, x, back);
    let square = net.unary(Unary::Square, difference);
    let mean = Op::Reduce {
        op: Reduction::Mean,
        axes: vec![1],
        keepdims: true,
    };
    let score = net.push(mean, &[square]);
    let graph = net.finish(&[score]);
    let program = compiled(&graph, &events(random, 300, 12, 1.0), &SIXTEEN);
    for size in [1.0, 3.0, 8.0] {
        let own = missed(&graph, &program, &events(random, 100, 12, size));
        assert!(own <= BAR, "{size} times as large: {own:.1e} of the range");
    }
}

#[test]
fn a_logit_and_its_sigmoid_hold_for_events_eight_times_as_large() {
    for sigmoid in [false, true] {
        let random = &mut Random::new(2);
        let mut net = Network::new();
        let x = net.input("x", &[1, 8], Kind::Float);
        let hidden = dense(&mut net, x, (8, 16), random);
        let hidden = net.unary(Unary::Relu, hidden);
        let mut score = dense(&mut net, hidden, (16, 1), random);
        if sigmoid {
            score = net.unary(Unary::Sigmoid, score);
        }
        let graph = net.finish(&[score]);
        let program = compiled(&graph, &events(random, 300, 8, 1.0), &SIXTEEN);
        for size in [1.0, 8.0] {
            let own = missed(&graph, &program, &events(random, 100, 8, size));
            assert!(own <= BAR, "{size} times as large: {own:.1e} of the range");
        }
    }
}

#[test]
fn a_divergence_holds_for_events_three_times_as_large() {
    let random = &mut Random::new(3);
    let mut net = Network::new();
    let x = net.input("x", &[1, 8], Kind::Float);
    let mean = dense(&mut net, x, (8, 4), random);
    let variance = dense(&mut net, x, (8, 4), random);
    let square = net.unary(Unary::Square, mean);
    let power = net.unary(Unary::Exp, variance);
    let sum = net.binary(Binary::Add, square, power);
    let terms = net.binary(Binary::Sub, sum, variance);
    let sum = Op::Reduce {
        op: Reduction::Sum,
        axes: vec![1],
        keepdims: true,
    };
    let score = net.push(sum, &[terms]);
    let graph = net.finish(&[score]);
    let program = compiled(&graph, &events(random, 300, 8, 1.0), &SIXTEEN);
    for size in [1.0, 3.0] {
        let own = missed(&graph, &program, &events(random, 100, 8, size));
        assert!(own <= BAR, "{size} times as large: {own:.1e} of the range");
    }
}

/// One event of 3,000 in a column takes no digits from the other events, nor from the weights of other columns.
#[test]
fn a_single_large_word_leaves_the_others_their_digits() {
    let random = &mut Random::new(6);
    let mut net = Network::new();
    let x = net.input("x", &[1, 6], Kind::Float);
    let hidden = dense(&mut net, x, (6, 8), random);
    let score = net.unary(Unary::Softsign, hidden);
    let graph = net.finish(&[score]);
    let mut all = events(random, 300, 6, 1.0);
    all[77][0][2] = 3000.0;
    let program = compiled(&graph, &all, &SIXTEEN);
    let own = missed(&graph, &program, &events(random, 100, 6, 1.0));
    assert!(own <= 1.0 / 1024.0, "{own:.1e} of the range");
}

/// The magnitude of 32 bits has 31, so that its square has 62.
#[test]
fn the_square_of_a_magnitude_fits() {
    let random = &mut Random::new(7);
    let mut net = Network::new();
    let x = net.input("x", &[1, 2], Kind::Float);
    let (a, b) = (part(&mut net, x, 0), part(&mut net, x, 1));
    let product = net.binary(Binary::Mul, a, b);
    let magnitude = net.unary(Unary::Abs, product);
    let square = net.unary(Unary::Square, magnitude);
    let one = net.constant(&[1.0]);
    let sum = net.binary(Binary::Add, square, one);
    let root = net.unary(Unary::Sqrt, sum);
    let graph = net.finish(&[root]);
    let all = events(random, 300, 2, 3.0);
    let own = missed(&graph, &compiled(&graph, &all, &SIXTEEN), &all);
    assert!(own <= 1e-5, "{own:.1e} of the range");
}

/// One function of words between `low` and `high`.
fn function(
    made: impl Fn(&mut Network, ValueId) -> ValueId,
    features: usize,
    value: impl Fn(&mut Random) -> f32,
) -> f64 {
    let random = &mut Random::new(4);
    let mut net = Network::new();
    let x = net.input("x", &[1, features], Kind::Float);
    let y = made(&mut net, x);
    let graph = net.finish(&[y]);
    let mut event = || vec![(0..features).map(|_| value(random)).collect()];
    let all: Events = (0..300).map(|_| event()).collect();
    let program = compiled(&graph, &all, &SIXTEEN);
    missed(&graph, &program, &all)
}

#[test]
fn the_logarithm_of_an_absent_number_is_that_of_its_epsilon() {
    let own = function(
        |net, x| {
            let epsilon = net.constant(&[1e-8]);
            let sum = net.binary(Binary::Add, x, epsilon);
            net.unary(Unary::Log, sum)
        },
        4,
        |random| match random.below(2) {
            0 => 0.0,
            _ => 1.0 + 30.0 * random.uniform(),
        },
    );
    assert!(own <= BAR, "{own:.1e} of the range");
}

#[test]
fn steep_functions_hold_where_their_operands_are_small() {
    let log_of_odds = |net: &mut Network, x: ValueId| {
        let one = net.constant(&[1.0]);
        let score = net.unary(Unary::Sigmoid, x);
        let other = net.binary(Binary::Sub, one, score);
        let odds = net.binary(Binary::Div, score, other);
        net.unary(Unary::Log, odds)
    };
    let log_of_score = |net: &mut Network, x: ValueId| {
        let score = net.unary(Unary::Sigmoid, x);
        net.unary(Unary::Log, score)
    };
    let acosh = |net: &mut Network, x: ValueId| {
        let square = net.unary(Unary::Square, x);
        let one = net.constant(&[1.001]);
        let above = net.binary(Binary::Add, square, one);
        net.unary(Unary::Circular(Circular::Acosh), above)
    };
    let ratio = |net: &mut Network, x: ValueId| {
        let (a, b) = (part(net, x, 0), part(net, x, 1));
        let (a, b) = (net.unary(Unary::Exp, a), net.unary(Unary::Exp, b));
        let ratio = net.binary(Binary::Div, a, b);
        net.unary(Unary::Log, ratio)
    };
    let wide = |random: &mut Random| 6.0 * random.normal();
    let worst = [
        // Beyond that single precision has no odds.
        (
            "log of odds",
            function(log_of_odds, 2, |r| 2.0 * r.normal()),
        ),
        ("log of a score", function(log_of_score, 2, wide)),
        ("acosh", function(acosh, 2, wide)),
        ("log of a ratio", function(ratio, 2, |r| 3.0 * r.normal())),
    ];
    for (what, own) in worst {
        assert!(own <= BAR, "{what}: {own:.1e} of the range");
    }
}

#[test]
fn a_discriminant_of_two_rare_classes_has_its_digits() {
    let discriminant = |signal: &'static [usize], all: &'static [usize]| {
        move |net: &mut Network, x: ValueId| {
            let p = net.push(Op::Softmax { axis: 1 }, &[x]);
            let p = net.reshape(p, &[1, 6, 1]);
            let mut sum = |classes: &[usize]| {
                let mut sum = part(net, p, classes[0]);
                for class in &classes[1..] {
                    let other = part(net, p, *class);
                    sum = net.binary(Binary::Add, sum, other);
                }
                sum
            };
            let (a, b) = (sum(signal), sum(all));
            net.binary(Binary::Div, a, b)
        }
    };
    let wide = |random: &mut Random| 6.0 * random.normal();
    for (what, own) in [
        ("one of two", function(discriminant(&[0], &[0, 1]), 6, wide)),
        (
            "two of four",
            function(discriminant(&[2, 0], &[0, 1, 2, 4]), 6, wide),
        ),
    ] {
        assert!(own <= BAR, "{what}: {own:.1e} of the range");
    }
}

#[test]
fn powers_of_activations_and_of_each_channel_hold() {
    let of_two = |net: &mut Network, x: ValueId| {
        let (a, b) = (part(net, x, 0), part(net, x, 1));
        let a = net.unary(Unary::Relu, a);
        let b = net.unary(Unary::Sigmoid, b);
        net.binary(Binary::Pow, a, b)
    };
    let of_each = |net: &mut Network, x: ValueId| {
        let exponents = net.constant(&[2.0, 3.0, 1.0, 4.0]);
        net.binary(Binary::Pow, x, exponents)
    };
    let normal = |random: &mut Random| 2.0 * random.normal();
    for (what, own) in [
        ("of two", function(of_two, 2, normal)),
        ("of each", function(of_each, 4, normal)),
    ] {
        assert!(own <= BAR, "{what}: {own:.1e} of the range");
    }
}

/// A function that is a line above zero bends below one: an argument of hundreds leaves no coarse cells there.
#[test]
fn functions_that_end_in_a_line_bend_finely_for_wide_arguments() {
    let functions = [
        Unary::Elu { alpha: 1.0 },
        Unary::Celu { alpha: 0.5 },
        Unary::Softplus,
        Unary::Gelu { tanh: false },
        Unary::Mish,
        Unary::HardSwish,
    ];
    let mut net = Network::new();
    let x = net.input("x", &[1, 6], Kind::Float);
    // What lies around zero is looked at in units of its own.
    let outputs: Vec<ValueId> = functions
        .into_iter()
        .map(|function| {
            let y = net.unary(function, x);
            net.unary(
                Unary::Clip {
                    min: -1.0,
                    max: 2.0,
                },
                y,
            )
        })
        .collect();
    let graph = net.finish(&outputs);
    let random = &mut Random::new(3);
    let mut event = || {
        let x = |_| {
            let size = if random.below(2) == 0 { 1.0 } else { 200.0 };
            size * random.normal()
        };
        vec![(0..6).map(x).collect()]
    };
    let events: Events = (0..200).map(|_| event()).collect();
    let program = compiled(&graph, &events, &SIXTEEN);
    let found = differences(&graph, &program, &events);
    assert!(found.iter().all(|d| *d <= 1e-3), "{found:?}");
}

/// A column between 10^−d and 10^d, as often in each decade.
fn decades(random: &mut Random, decades: f32) -> f32 {
    10f32.powf((2.0 * random.uniform() - 1.0) * decades)
}

/// What nineteen of twenty values of the first output miss of themselves.
fn relative(graph: &Graph, program: &Program, events: &Events) -> f64 {
    let pairs = differences_of_each(graph, program, events);
    let mut errors: Vec<f64> = pairs
        .iter()
        .map(|(float, fixed)| ((fixed - float) / float).abs())
        .collect();
    errors.sort_by(f64::total_cmp);
    errors[errors.len() * 19 / 20]
}

/// Exponentials, roots of sums, quotients and cosines over many decades: their small values are as good as the large ones.
#[test]
fn numbers_of_many_decades_keep_their_small_values() {
    let column = |net: &mut Network, x, start| part(net, x, start);
    let exponential = |net: &mut Network, x| net.unary(Unary::Exp, x);
    let hypotenuse = |net: &mut Network, x| {
        let squares = [0, 1].map(|c| {
            let own = column(net, x, c);
            net.unary(Unary::Square, own)
        });
        let sum = net.binary(Binary::Add, squares[0], squares[1]);
        let tiny = net.constant(&[1e-12]);
        let sum = net.binary(Binary::Add, sum, tiny);
        net.unary(Unary::Sqrt, sum)
    };
    let quotient = |net: &mut Network, x| {
        let [a, b, c, d] = [0, 1, 2, 3].map(|c| column(net, x, c));
        let (above, below) = (net.binary(Binary::Mul, a, b), net.binary(Binary::Mul, c, d));
        net.binary(Binary::Div, above, below)
    };
    type Observable<'a> = &'a dyn Fn(&mut Network, ValueId) -> ValueId;
    type Values<'a> = &'a dyn Fn(&mut Random) -> f32;
    let cases: [(&str, Observable<'_>, Values<'_>); 3] = [
        ("exponential", &exponential, &|r| 24.0 * r.uniform() - 12.0),
        ("hypotenuse", &hypotenuse, &|r| decades(r, 3.0)),
        ("quotient", &quotient, &|r| 10.0 * decades(r, 1.5)),
    ];
    for (name, observable, value) in cases {
        let mut net = Network::new();
        let x = net.input("x", &[1, 4], Kind::Float);
        let y = observable(&mut net, x);
        let graph = net.finish(&[y]);
        let mut random = Random::new(3);
        let mut event = || vec![(0..4).map(|_| value(&mut random)).collect::<Vec<f32>>()];
        let (seen, others): (Events, Events) = (
            (0..400).map(|_| event()).collect(),
            (0..400).map(|_| event()).collect(),
        );
        let program = compiled(&graph, &seen, &SIXTEEN);
        let error = relative(&graph, &program, &others);
        assert!(error < 2e-4, "{name}: {error:e}");
    }
}

/// The cosine between vectors whose lengths span seven decades.
#[test]
fn a_cosine_does_not_know_how_long_vectors_are() {
    let mut net = Network::new();
    let x = net.input("x", &[1, 6], Kind::Float);
    let half = |net: &mut Network, start| {
        net.push(
            Op::Slice {
                axis: 1,
                start,
                step: 1,
                len: 3,
            },
            &[x],
        )
    };
    let (a, b) = (half(&mut net, 0), half(&mut net, 3));
    let reduced = |net: &mut Network, op, x| {
        let (axes, keepdims) = (vec![1], true);
        net.push(Op::Reduce { op, axes, keepdims }, &[x])
    };
    let product = net.binary(Binary::Mul, a, b);
    let product = reduced(&mut net, Reduction::Sum, product);
    let lengths = [a, b].map(|v| reduced(&mut net, Reduction::L2, v));
    let length = net.binary(Binary::Mul, lengths[0], lengths[1]);
    let cosine = net.binary(Binary::Div, product, length);
    let graph = net.finish(&[cosine]);
    let mut random = Random::new(8);
    let mut event = || {
        let size = decades(&mut random, 1.7);
        vec![(0..6).map(|_| size * random.normal()).collect::<Vec<f32>>()]
    };
    let (seen, others): (Events, Events) = (
        (0..400).map(|_| event()).collect(),
        (0..400).map(|_| event()).collect(),
    );
    let program = compiled(&graph, &seen, &SIXTEEN);
    let error = missed(&graph, &program, &others);
    assert!(error < 1e-3, "{error:e}");
}

/// What varies beside a large offset, read by a layer or once the offset is subtracted: whatever road the network takes.
#[test]
fn what_varies_beside_an_offset_is_not_lost() {
    const OFFSETS: [f32; 3] = [3e4, -500.0, 91.2];
    const SPREADS: [f32; 3] = [5.0, 0.1, 2.5];
    for subtracted in [false, true] {
        let mut random = Random::new(4);
        let mut net = Network::new();
        let x = net.input("x", &[1, 3], Kind::Float);
        let normal = Op::ScaleShift {
            axis: 1,
            scale: SPREADS.map(|s| f64::from(1.0 / s)).to_vec(),
            shift: [0, 1, 2]
                .map(|f| f64::from(-OFFSETS[f] / SPREADS[f]))
                .to_vec(),
        };
        let mut weights = tensor(&[6, 3], &mut random, 0.7);
        let mut bias = vec![0.1; 6];
        let operand = match subtracted {
            true => net.push(normal, &[x]),
            false => {
                for (row, bias) in weights.data.chunks_mut(3).zip(&mut bias) {
                    for (f, w) in row.iter_mut().enumerate() {
                        *w /= SPREADS[f];
                        *bias -= *w * OFFSETS[f];
                    }
                }
                x
            }
        };
        let hidden = net.push(Op::Dense { weights, bias }, &[operand]);
        let hidden = net.unary(Unary::Relu, hidden);
        let y = dense(&mut net, hidden, (6, 1), &mut random);
        let graph = net.finish(&[y]);
        let mut event = || {
            let feature = |f: usize| OFFSETS[f] + SPREADS[f] * random.normal();
            vec![[0, 1, 2].map(feature).to_vec()]
        };
        let (seen, others): (Events, Events) = (
            (0..400).map(|_| event()).collect(),
            (0..400).map(|_| event()).collect(),
        );
        let program = compiled(&graph, &seen, &SIXTEEN);
        let error = missed(&graph, &program, &others);
        assert!(error < 2e-3, "{subtracted}: {error:e}");
    }
}

/// At the usual 8 bits, too, a divisor of inputs is not rounded to zero, and elements that are only taken keep their bits.
#[test]
fn observables_and_taken_elements_are_computed_in_many_bits() {
    let mut random = Random::new(6);
    let mut net = Network::new();
    let x = net.input("x", &[1, 4], Kind::Float);
    let hidden = dense(&mut net, x, (4, 8), &mut random);
    let hidden = net.unary(Unary::Tanh, hidden);
    let score = dense(&mut net, hidden, (8, 1), &mut random);
    let squares = [1, 2].map(|c| {
        let own = part(&mut net, x, c);
        net.unary(Unary::Square, own)
    });
    let missing = net.binary(Binary::Sub, squares[0], squares[1]);
    let root = net.unary(Unary::Sqrt, missing);
    let above = part(&mut net, x, 0);
    let ratio = net.binary(Binary::Div, above, root);
    let largest = Op::TopK {
        axis: 1,
        k: 2,
        largest: true,
        indices: true,
    };
    let places = net.push(largest, &[x]);
    let places = net.reshape(places, &[2]);
    let taken = net.push(Op::Gather { axis: 1 }, &[x, places]);
    let graph = net.finish(&[ratio, taken, score]);
    let mut event = || {
        let h = 50.0 + 400.0 * random.uniform();
        let missing = h * (1.0 - 1.0 / (8.0 + 200.0 * random.uniform()));
        vec![vec![h / 2.0, h, missing, 30.0 * random.uniform()]]
    };
    let events: Events = (0..400).map(|_| event()).collect();
    let program = compiled(
        &graph,
        &events,
        &hodoscope_compiler::quantise::Options::default(),
    );
    let error = missed(&graph, &program, &events);
    assert!(error < 1e-3, "{error:e}");
    let found = differences(&graph, &program, &events);
    assert!(found[1] < 1e-3, "{found:?}");
}

/// What is divided by a count keeps its digits where the count is large, too.
#[test]
fn quotients_by_large_counts_keep_their_digits() {
    let mut random = Random::new(12);
    let mut net = Network::new();
    let x = net.input("x", &[1, 4], Kind::Float);
    let n = net.input("n", &[1, 1], Kind::Int);
    let hidden = dense(&mut net, x, (4, 8), &mut random);
    let hidden = net.unary(Unary::Tanh, hidden);
    let sums = dense(&mut net, hidden, (8, 2), &mut random);
    let mean = net.binary(Binary::Div, sums, n);
    let behind = Op::Dense {
        weights: tensor(&[3, 2], &mut random, 1000.0),
        bias: vec![0.0; 3],
    };
    let y = net.push(behind, &[mean]);
    let y = net.unary(Unary::Relu, y);
    let graph = net.finish(&[y]);
    let mut event = || {
        let count = 1500.0 + (100.0 * random.normal()).floor();
        vec![(0..4).map(|_| random.normal()).collect(), vec![count]]
    };
    let (seen, others): (Events, Events) = (
        (0..400).map(|_| event()).collect(),
        (0..400).map(|_| event()).collect(),
    );
    let options = hodoscope_compiler::quantise::Options {
        weights: 16,
        activations: hodoscope_compiler::quantise::Activations::Eight,
    };
    let program = compiled(&graph, &seen, &options);
    let error = missed(&graph, &program, &others);
    // In 16 bits its reciprocal would miss 3.5e-2.
    assert!(error < 2.8e-2, "{error:e}");
}

#[test]
fn what_calibration_shows_as_zero_may_be_more() {
    // A feature that no calibration event has.
    let random = &mut Random::new(40);
    let mut net = Network::new();
    let x = net.input("x", &[1, 6], Kind::Float);
    let hidden = dense(&mut net, x, (6, 16), random);
    let hidden = net.unary(Unary::Relu, hidden);
    let score = dense(&mut net, hidden, (16, 1), random);
    let graph = net.finish(&[score]);
    let mut few = events(random, 300, 6, 20.0);
    few.iter_mut().for_each(|event| event[0][2] = 0.0);
    let program = compiled(&graph, &few, &SIXTEEN);
    let own = missed(&graph, &program, &events(random, 100, 6, 14.0));
    assert!(own <= BAR, "a feature: {own:.1e} of the range");
    for layer in [false, true] {
        // A sum behind a cut that no calibration event passes.
        let random = &mut Random::new(41);
        let mut net = Network::new();
        let x = net.input("x", &[1, 8], Kind::Float);
        let above = net.above(x, 3.0);
        let passed = net.binary(Binary::Mul, x, above);
        let sum = Op::Reduce {
            op: Reduction::Sum,
            axes: vec![1],
            keepdims: true,
        };
        let hard = net.push(sum.clone(), &[passed]);
        let score = match layer {
            true => {
                let all = net.push(sum, &[x]);
                let both = net.push(Op::Concat { axis: 1 }, &[hard, all]);
                dense(&mut net, both, (2, 3), random)
            }
            false => hard,
        };
        let graph = net.finish(&[score]);
        let mut few = events(random, 300, 8, 1.0);
        few.iter_mut()
            .flatten()
            .flatten()
            .for_each(|v| *v = v.min(2.9));
        let program = compiled(&graph, &few, &SIXTEEN);
        let own = missed(&graph, &program, &events(random, 100, 8, 2.0));
        assert!(
            own <= 4.0 * BAR,
            "a cut before a layer ({layer}): {own:.1e} of the range"
        );
    }
}

#[test]
fn turns_that_calibration_does_not_show_are_taken_back() {
    // As exporters spell remainder(a − b + π, 2π) − π.
    let turn = std::f32::consts::TAU;
    let mut net = Network::new();
    let x = net.input("x", &[1, 2], Kind::Float);
    let (a, b) = (part(&mut net, x, 0), part(&mut net, x, 1));
    let [half, whole] = [turn / 2.0, turn].map(|v| net.constant(&[v]));
    let difference = net.binary(Binary::Sub, a, b);
    let shifted = net.binary(Binary::Add, difference, half);
    let turns = net.binary(Binary::Div, shifted, whole);
    let turns = net.unary(Unary::Floor, turns);
    let turns = net.binary(Binary::Mul, turns, whole);
    let rest = net.binary(Binary::Sub, shifted, turns);
    let angle = net.binary(Binary::Sub, rest, half);
    let angle = net.unary(Unary::Abs, angle);
    let graph = net.finish(&[angle]);
    let random = &mut Random::new(42);
    let program = compiled(&graph, &events(random, 300, 2, 0.2), &SIXTEEN);
    let own = missed(&graph, &program, &events(random, 200, 2, 1.0));
    assert!(own <= BAR, "{own:.1e} of the range");
}
