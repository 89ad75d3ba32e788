//! Quantised graphs of attention, neighbours and quotients: products of activations, Softmax, divisions, roots, order and
//! computed indices, against the float graph of the same quantisers.

use crate::support::Random;
use hodoscope_compiler::exact::{ExactError, exact};
use hodoscope_compiler::graph::{
    Binary, Comparison, Executor, Graph, GraphBuilder, Kind, Op, Quantiser, Reduction,
    RoundingMode, Tensor, Unary, ValueId,
};
use hodoscope_compiler::inputs::InputsSpec;
use hodoscope_interpreter::{Event, Interpreter};
use hodoscope_program::Program;

/// Events of each graph.
const EVENTS: usize = 100;

/// A graph under construction; its input `x` is quantised.
pub struct Network {
    pub builder: GraphBuilder,
    pub x: ValueId,
}

impl Network {
    pub fn new(shape: &[usize], frac: i32, width: u8) -> Self {
        let mut builder = GraphBuilder::new("test");
        let x = builder.input("x", shape.to_vec(), Kind::Float).unwrap();
        let mut network = Self { builder, x };
        network.x = network.quantised(x, frac, width);
        network
    }

    pub fn push(&mut self, op: Op, inputs: &[ValueId]) -> ValueId {
        let name = format!("n{}", self.builder.graph().value_count());
        self.builder.push(name, op, inputs).unwrap()
    }

    /// x in signed integers of `width` bits, counts of 2^−frac.
    pub fn quantised(&mut self, x: ValueId, frac: i32, width: u8) -> ValueId {
        self.quantised_by(x, Tensor::scalar(2f32.powi(-frac)), width)
    }

    /// x in signed integers of `width` bits, counts of `scale`.
    pub fn quantised_by(&mut self, x: ValueId, scale: Tensor, width: u8) -> ValueId {
        let zero_point = Tensor::scalar(0.0);
        let end = 1i64 << (width - 1);
        let quantiser = Quantiser {
            scale: scale.clone(),
            zero_point: zero_point.clone(),
            range: Some((-end, end - 1)),
            rounding: RoundingMode::HalfEven,
            zero_first: false,
        };
        let integers = self.push(Op::Quantise(Box::new(quantiser)), &[x]);
        self.push(Op::Dequantise { scale, zero_point }, &[integers])
    }

    pub fn constant(&mut self, shape: &[usize], data: Vec<f32>) -> ValueId {
        let tensor = Tensor::new(shape.to_vec(), data).unwrap();
        self.builder.constant("constant", tensor).unwrap()
    }

    pub fn transposed(&mut self, x: ValueId, perm: &[usize]) -> ValueId {
        let perm = perm.to_vec();
        self.push(Op::Transpose { perm }, &[x])
    }

    pub fn reshaped(&mut self, x: ValueId, shape: &[usize]) -> ValueId {
        let shape = shape.to_vec();
        self.push(Op::Reshape { shape }, &[x])
    }

    pub fn reduced(&mut self, op: Reduction, axis: usize, x: ValueId) -> ValueId {
        let op = Op::Reduce {
            op,
            axes: vec![axis],
            keepdims: true,
        };
        self.push(op, &[x])
    }

    pub fn finish(mut self, y: ValueId) -> Graph {
        self.builder.output("y", y).unwrap();
        self.builder.finish()
    }
}

pub fn program(graph: &Graph) -> Result<Program, ExactError> {
    let program = exact(graph, "test", &InputsSpec::default())?;
    // What is written reads back, and is the same program.
    assert_eq!(Program::from_text(&program.to_text()).unwrap(), program);
    Ok(program)
}

/// The largest difference between the program's output and the graph's, both in floats, over events of numbers within
/// ±`range`, among them ties.
pub fn largest_difference(graph: &Graph, range: f32) -> f64 {
    let program = program(graph).unwrap_or_else(|e| panic!("{e}"));
    let interpreter = Interpreter::new(&program).unwrap();
    let executor = Executor::new(graph).unwrap();
    let mut random = Random::new(7);
    let mut worst = 0.0f64;
    for event in 0..EVENTS {
        let input = &graph.inputs()[0];
        let steps = if event % 3 == 0 { 5 } else { 20_001 };
        let one = |_| (random.below(steps) as f32 / (steps - 1) as f32 * 2.0 - 1.0) * range;
        let values: Vec<f32> = (0..graph.elements(input.value)).map(one).collect();
        let field = |c: usize| program.inputs[0].field(c);
        let words = values
            .iter()
            .enumerate()
            .map(|(c, v)| field(c).encode(f64::from(*v)).unwrap().word);
        let inputs = vec![words.collect()];
        let raws = interpreter.run(&Event { inputs }).unwrap().remove(0);
        let shape = graph.shape(input.value).to_vec();
        let expected = executor
            .run(&[Tensor::new(shape, values).unwrap()])
            .unwrap();
        let scale = &program.value(program.outputs[0].value).scale;
        assert_eq!(raws.len(), expected[0].data.len());
        for (c, (raw, expected)) in raws.iter().zip(&expected[0].data).enumerate() {
            let found = *raw as f64 * scale.lsb(c);
            worst = worst.max((found - f64::from(*expected)).abs());
        }
    }
    worst
}

#[test]
fn products_of_activations_are_exact() {
    // Every event with itself, batches of heads, a batch of one, and constants on either side.
    let mut net = Network::new(&[1, 5, 6], 5, 8);
    let flipped = net.transposed(net.x, &[0, 2, 1]);
    let y = net.push(Op::MatMul, &[net.x, flipped]);
    assert_eq!(largest_difference(&net.finish(y), 4.0), 0.0);

    let mut net = Network::new(&[1, 5, 6], 5, 8);
    let heads = net.reshaped(net.x, &[1, 5, 2, 3]);
    let heads = net.transposed(heads, &[0, 2, 1, 3]);
    let flipped = net.transposed(heads, &[0, 1, 3, 2]);
    let logits = net.push(Op::MatMul, &[heads, flipped]);
    let logits = net.quantised(logits, 5, 12);
    let y = net.push(Op::MatMul, &[logits, heads]);
    let y = net.transposed(y, &[0, 2, 1, 3]);
    let y = net.reshaped(y, &[1, 5, 6]);
    assert_eq!(largest_difference(&net.finish(y), 4.0), 0.0);

    let mut net = Network::new(&[1, 4, 3], 5, 8);
    let relations = (0..20).map(|i| f32::from(i % 3 == 0)).collect();
    let relations = net.constant(&[5, 4], relations);
    let y = net.push(Op::MatMul, &[relations, net.x]);
    let one = net.constant(&[1, 3, 2], vec![0.5, -1.0, 2.0, 0.25, 1.5, 3.0]);
    let y = net.push(Op::MatMul, &[y, one]);
    assert_eq!(largest_difference(&net.finish(y), 4.0), 0.0);

    let mut net = Network::new(&[2, 4, 3], 5, 8);
    let each = (0..12).map(|i| i as f32 - 6.0).collect();
    let each = net.constant(&[2, 3, 2], each);
    let y = net.push(Op::MatMul, &[net.x, each]);
    let left = (0..16).map(|i| (i % 5) as f32 * 0.5).collect();
    let left = net.constant(&[2, 2, 4], left);
    let y = net.push(Op::MatMul, &[left, y]);
    assert_eq!(largest_difference(&net.finish(y), 4.0), 0.0);
}

#[test]
fn softmax_keeps_its_bound() {
    for (shape, axis) in [(&[1usize, 2][..], 1), (&[1, 3, 64], 2), (&[1, 16, 3], 1)] {
        let mut net = Network::new(shape, 10, 16);
        let y = net.push(Op::Softmax { axis }, &[net.x]);
        let bound = 2f64.powi(-13) + (shape[axis] as f64 + 3.0) * 2f64.powi(-16);
        for range in [0.5, 8.0, 31.0] {
            let mut net = Network::new(shape, 10, 16);
            let y = net.push(Op::Softmax { axis }, &[net.x]);
            let worst = largest_difference(&net.finish(y), range);
            println!("{shape:?} ±{range}: {worst:e} of {bound:e}");
            assert!(
                worst <= bound,
                "{shape:?} ±{range}: {worst:e}, not {bound:e}"
            );
        }
        let program = program(&net.finish(y)).unwrap();
        assert!(program.values.iter().any(|v| v.name.ends_with(".terms")));
    }
}

#[test]
fn logits_of_coarse_and_odd_steps() {
    // A step above the tables' range, one between its counts, and one that is no power of two.
    for (frac, factor) in [(-4, 1.0f32), (3, 1.0), (6, 0.3)] {
        let mut net = Network::new(&[1, 4], frac, 8);
        let factor = net.constant(&[1], vec![factor]);
        let x = net.push(Op::Binary(Binary::Mul), &[net.x, factor]);
        let y = net.push(Op::Softmax { axis: 1 }, &[x]);
        let worst = largest_difference(&net.finish(y), 2f32.powi(6 - frac));
        assert!(worst <= 2f64.powi(-12), "{frac}: {worst:e}");
    }
}

#[test]
fn quotients_are_those_of_the_quantiser() {
    // By a column of sums, by another tensor, with a divisor that reaches 0, and one that is finer than the result.
    let mut net = Network::new(&[1, 4, 3], 4, 8);
    let squares = net.push(Op::Unary(Unary::Square), &[net.x]);
    let sums = net.reduced(Reduction::Sum, 2, squares);
    let one = net.constant(&[1], vec![0.25]);
    let sums = net.push(Op::Binary(Binary::Add), &[sums, one]);
    let parts = net.push(Op::Binary(Binary::Div), &[squares, sums]);
    let y = net.quantised(parts, 10, 12);
    assert_eq!(largest_difference(&net.finish(y), 4.0), 0.0);

    let mut net = Network::new(&[1, 6], 4, 8);
    let a = net.push(
        Op::Slice {
            axis: 1,
            start: 0,
            step: 1,
            len: 3,
        },
        &[net.x],
    );
    let b = net.push(
        Op::Slice {
            axis: 1,
            start: 3,
            step: 1,
            len: 3,
        },
        &[net.x],
    );
    let shift = net.constant(&[1], vec![16.0]);
    let b = net.push(Op::Binary(Binary::Add), &[b, shift]);
    let y = net.push(Op::Binary(Binary::Div), &[a, b]);
    let y = net.reshaped(y, &[3, 1]);
    let y = net.quantised(y, -2, 8);
    assert_eq!(largest_difference(&net.finish(y), 8.0), 0.0);
}

#[test]
fn a_quotient_that_nothing_quantises_is_refused() {
    let mut net = Network::new(&[1, 4], 4, 8);
    let y = net.push(Op::Binary(Binary::Div), &[net.x, net.x]);
    let error = program(&net.finish(y)).unwrap_err().to_string();
    assert!(
        error.contains("a division by an activation, is not quantised"),
        "{error}"
    );
}

#[test]
fn roots_are_those_of_the_quantiser() {
    for (frac, width) in [(3, 8), (10, 16), (1, 8)] {
        let mut net = Network::new(&[1, 4, 3], 5, 8);
        let norm = net.reduced(Reduction::L2, 2, net.x);
        let zero_point = Tensor::scalar(0.0);
        let quantiser = Quantiser {
            scale: Tensor::scalar(2f32.powi(-frac)),
            zero_point: zero_point.clone(),
            range: Some((0, (1 << width) - 1)),
            rounding: RoundingMode::HalfUp,
            zero_first: false,
        };
        let scale = quantiser.scale.clone();
        let y = net.push(Op::Quantise(Box::new(quantiser)), &[norm]);
        let y = net.push(Op::Dequantise { scale, zero_point }, &[y]);
        assert_eq!(largest_difference(&net.finish(y), 4.0), 0.0, "{frac}");
    }
}

#[test]
fn layer_normalisation_follows_the_float_graph() {
    let mut net = Network::new(&[1, 4, 8], 6, 8);
    let mean = net.reduced(Reduction::Mean, 2, net.x);
    let mean = net.quantised(mean, 9, 12);
    let centred = net.push(Op::Binary(Binary::Sub), &[net.x, mean]);
    let centred = net.quantised(centred, 7, 10);
    let squares = net.push(Op::Unary(Unary::Square), &[centred]);
    let variance = net.reduced(Reduction::Mean, 2, squares);
    let epsilon = net.constant(&[1], vec![2f32.powi(-14)]);
    let variance = net.push(Op::Binary(Binary::Add), &[variance, epsilon]);
    let deviation = net.push(Op::Unary(Unary::Sqrt), &[variance]);
    let deviation = net.quantised(deviation, 12, 16);
    let y = net.push(Op::Binary(Binary::Div), &[centred, deviation]);
    let y = net.quantised(y, 12, 16);
    // A quotient in single precision may miss the side of a tie: one count.
    let worst = largest_difference(&net.finish(y), 2.0);
    assert!(worst <= 2f64.powi(-12), "{worst:e}");
}

#[test]
fn extremes_and_their_places_are_exact() {
    for axis in [1, 2] {
        for op in [Reduction::Max, Reduction::Min] {
            let mut net = Network::new(&[1, 4, 5], 5, 8);
            let y = net.reduced(op, axis, net.x);
            assert_eq!(largest_difference(&net.finish(y), 4.0), 0.0);
        }
        for (largest, last) in [(true, false), (true, true), (false, false), (false, true)] {
            let mut net = Network::new(&[1, 4, 5], 5, 8);
            let op = Op::ArgMax {
                axis,
                largest,
                last,
            };
            let y = net.push(op, &[net.x]);
            assert_eq!(
                largest_difference(&net.finish(y), 4.0),
                0.0,
                "{largest} {last}"
            );
        }
        for indices in [false, true] {
            for largest in [false, true] {
                let mut net = Network::new(&[1, 4, 5], 5, 8);
                let op = Op::TopK {
                    axis,
                    k: 3,
                    largest,
                    indices,
                };
                let y = net.push(op, &[net.x]);
                assert_eq!(
                    largest_difference(&net.finish(y), 4.0),
                    0.0,
                    "{largest} {indices}"
                );
            }
        }
    }
    for op in [Binary::Max, Binary::Min] {
        let mut net = Network::new(&[1, 4, 5], 5, 8);
        let coarse = net.quantised(net.x, 3, 8);
        let flipped = net.push(Op::Unary(Unary::Neg), &[coarse]);
        let y = net.push(Op::Binary(op), &[net.x, flipped]);
        assert_eq!(largest_difference(&net.finish(y), 4.0), 0.0);
    }
}

#[test]
fn two_activations_are_compared_by_their_difference() {
    for comparison in [
        Comparison::Greater,
        Comparison::GreaterOrEqual,
        Comparison::Less,
        Comparison::LessOrEqual,
    ] {
        // On two grids, with an offset and a sign.
        let mut net = Network::new(&[1, 4, 5], 5, 8);
        let coarse = net.quantised(net.x, 1, 8);
        let shift = net.constant(&[1], vec![0.25]);
        let other = net.push(Op::Binary(Binary::Sub), &[shift, coarse]);
        let largest = net.reduced(Reduction::Max, 1, net.x);
        let a = net.push(Op::Compare(comparison), &[net.x, other]);
        let b = net.push(Op::Compare(comparison), &[net.x, largest]);
        let y = net.push(Op::Concat { axis: 1 }, &[a, b]);
        assert_eq!(
            largest_difference(&net.finish(y), 2.0),
            0.0,
            "{comparison:?}"
        );
    }
}

/// The nearest neighbours of each constituent, in the space of its features, and what an edge sees of them: EdgeConv as
/// ParticleNet has it.
#[test]
fn nearest_neighbours_are_gathered() {
    for axis in [0, 1] {
        let (n, k, features) = (6, 3, 4);
        let mut net = Network::new(&[1, n, features], 4, 8);
        let flipped = net.transposed(net.x, &[0, 2, 1]);
        let products = net.push(Op::MatMul, &[net.x, flipped]);
        let two = net.constant(&[1], vec![2.0]);
        let products = net.push(Op::Binary(Binary::Mul), &[products, two]);
        let squares = net.reduced(Reduction::SumSquare, 2, net.x);
        let others = net.transposed(squares, &[0, 2, 1]);
        // Minus the squared distance: the nearest are the largest.
        let near = net.push(Op::Binary(Binary::Sub), &[products, squares]);
        let near = net.push(Op::Binary(Binary::Sub), &[near, others]);
        let indices = net.push(
            Op::TopK {
                axis: 2,
                k,
                largest: true,
                indices: true,
            },
            &[near],
        );
        let indices = net.reshaped(indices, &[n, k]);
        let table = match axis {
            0 => net.reshaped(net.x, &[n, features]),
            _ => net.transposed(net.x, &[0, 2, 1]),
        };
        let table = match axis {
            0 => table,
            _ => net.reshaped(table, &[features, n]),
        };
        let neighbours = net.push(Op::Gather { axis }, &[table, indices]);
        let neighbours = match axis {
            0 => neighbours,
            _ => net.transposed(neighbours, &[1, 2, 0]),
        };
        let own = net.reshaped(net.x, &[n, 1, features]);
        let edges = net.push(Op::Binary(Binary::Sub), &[neighbours, own]);
        let y = net.reduced(Reduction::Max, 1, edges);
        assert_eq!(largest_difference(&net.finish(y), 4.0), 0.0);
    }
}

#[test]
fn an_index_that_may_be_no_row_is_refused() {
    let mut net = Network::new(&[4, 3], 0, 4);
    let first = net.push(
        Op::Slice {
            axis: 1,
            start: 0,
            step: 1,
            len: 1,
        },
        &[net.x],
    );
    let y = net.push(Op::Gather { axis: 0 }, &[net.x, first]);
    let error = program(&net.finish(y)).unwrap_err().to_string();
    assert!(
        error.contains("an index can reach -8..=7, of 4 rows"),
        "{error}"
    );
}

#[test]
fn what_has_no_exact_form_is_refused_by_name() {
    for (op, part) in [
        (
            Op::Reduce {
                op: Reduction::Prod,
                axes: vec![1],
                keepdims: true,
            },
            "ReduceProd: a product of many activations",
        ),
        (
            Op::Unary(Unary::Log),
            "output 'y': its operand, a Log, is not quantised",
        ),
    ] {
        let mut net = Network::new(&[1, 4], 4, 8);
        let y = net.push(op, &[net.x]);
        let error = program(&net.finish(y)).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

/// A leaky line behind sums of more bits than a table has: no slope is rounded.
#[test]
fn leaky_lines_are_exact() {
    let weights = Tensor::new(
        vec![3, 4],
        (0..12).map(|i| (i as f32 - 5.0) / 8.0).collect(),
    );
    for slope in [0.25, 0.1] {
        let mut net = Network::new(&[1, 4], 10, 16);
        let dense = Op::Dense {
            weights: weights.clone().unwrap(),
            bias: vec![0.5, -0.5, 0.0],
        };
        let sums = net.push(dense, &[net.x]);
        let leaky = net.push(Op::Unary(Unary::LeakyRelu { alpha: slope }), &[sums]);
        let y = net.quantised(leaky, 6, 12);
        // Some ties fall the other way where the float product was rounded.
        let one = if slope == 0.25 { 0.0 } else { 2f64.powi(-6) };
        assert!(largest_difference(&net.finish(y), 20.0) <= one, "{slope}");
    }
    // A slope for each channel, without a quantiser behind.
    let mut net = Network::new(&[1, 4], 5, 8);
    let slopes = net.constant(&[4], vec![0.5, -0.25, 0.0, 2.0]);
    let y = net.push(Op::Binary(Binary::PRelu), &[net.x, slopes]);
    assert_eq!(largest_difference(&net.finish(y), 4.0), 0.0);
}
