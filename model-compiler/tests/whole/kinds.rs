//! What is wrong in silence where integers meet fractions: outputs in several units, choices of their own condition,
//! fractions as bounds of integers, and integers that are no activations.

use crate::{Random, SIXTEEN};
use hodoscope_compiler::graph::{
    Binary, Comparison, Executor, Graph, GraphBuilder, Kind, Op, Reduction, Tensor, Unary, ValueId,
    simplify,
};
use hodoscope_compiler::inputs::InputsSpec;
use hodoscope_compiler::quantise::{Calibration, Options};
use hodoscope_compiler::quantised;
use hodoscope_interpreter::{Event, Interpreter};
use hodoscope_program::{Operation, Program};

/// Events that formats are taken from, and that are judged.
const EVENTS: usize = 100;

pub struct Network(GraphBuilder);

impl Network {
    pub fn new() -> Self {
        Self(GraphBuilder::new("whole"))
    }

    pub fn input(&mut self, name: &str, shape: &[usize], kind: Kind) -> ValueId {
        self.0.input(name, shape.to_vec(), kind).unwrap()
    }

    pub fn push(&mut self, op: Op, inputs: &[ValueId]) -> ValueId {
        let name = format!("n{}", self.0.graph().value_count());
        self.0.push(name, op, inputs).unwrap()
    }

    pub fn unary(&mut self, function: Unary, x: ValueId) -> ValueId {
        self.push(Op::Unary(function), &[x])
    }

    pub fn binary(&mut self, op: Binary, a: ValueId, b: ValueId) -> ValueId {
        self.push(Op::Binary(op), &[a, b])
    }

    pub fn constant(&mut self, data: &[f32]) -> ValueId {
        let tensor = Tensor::new(vec![data.len()], data.to_vec()).unwrap();
        self.0.constant("constant", tensor).unwrap()
    }

    pub fn above(&mut self, x: ValueId, bound: f32) -> ValueId {
        let bound = self.constant(&[bound]);
        self.push(Op::Compare(Comparison::Greater), &[x, bound])
    }

    pub fn reshape(&mut self, x: ValueId, shape: &[usize]) -> ValueId {
        let shape = shape.to_vec();
        self.push(Op::Reshape { shape }, &[x])
    }

    pub fn elements(&self, value: ValueId) -> usize {
        self.0.graph().elements(value)
    }

    pub fn finish(mut self, outputs: &[ValueId]) -> Graph {
        for (index, value) in outputs.iter().enumerate() {
            self.0.output(format!("y{index}"), *value).unwrap();
        }
        simplify(&self.0.finish()).unwrap()
    }
}

pub fn compiled(graph: &Graph, events: &[Vec<Vec<f32>>], options: &Options) -> Program {
    let of = |input: usize| events.iter().flat_map(move |e| e[input].clone()).collect();
    let inputs = (0..graph.inputs().len()).map(of).collect();
    let calibration = Calibration::new(graph, inputs).unwrap();
    let spec = InputsSpec::default();
    let made = quantised(graph, "whole", &spec, None, &calibration, options);
    made.unwrap_or_else(|error| panic!("{error}")).0.program
}

/// The largest difference of each output from the float executor's on the same words.
pub fn differences(graph: &Graph, program: &Program, events: &[Vec<Vec<f32>>]) -> Vec<f64> {
    let mut worst = vec![0.0f64; graph.outputs().len()];
    compared(graph, program, events, |place, float, fixed| {
        worst[place] = worst[place].max((fixed - float).abs());
    });
    worst
}

/// The values of the first output, of the float executor and of the program.
pub fn differences_of_each(
    graph: &Graph,
    program: &Program,
    events: &[Vec<Vec<f32>>],
) -> Vec<(f64, f64)> {
    let mut pairs = vec![];
    compared(graph, program, events, |place, float, fixed| {
        if place == 0 {
            pairs.push((float, fixed));
        }
    });
    pairs
}

fn compared(
    graph: &Graph,
    program: &Program,
    events: &[Vec<Vec<f32>>],
    mut see: impl FnMut(usize, f64, f64),
) {
    let executor = Executor::new(graph).unwrap();
    let mut workspace = executor.workspace();
    let interpreter = Interpreter::new(program).unwrap();
    for event in events {
        let (mut words, mut decoded) = (vec![], vec![]);
        for (input, values) in program.inputs.iter().zip(event) {
            let word = |(i, v): (usize, &f32)| input.field(i).encode(f64::from(*v)).unwrap().word;
            let own: Vec<i64> = values.iter().enumerate().map(word).collect();
            let value = |(i, w): (usize, &i64)| input.field(i).decode(*w) as f32;
            decoded.push(own.iter().enumerate().map(value).collect::<Vec<f32>>());
            words.push(own);
        }
        let slices: Vec<&[f32]> = decoded.iter().map(Vec::as_slice).collect();
        executor.run_all(&mut workspace, &slices).unwrap();
        let raws = interpreter.run(&Event { inputs: words }).unwrap();
        for (place, output) in graph.outputs().iter().enumerate() {
            let scale = &program.value(program.outputs[place].value).scale;
            for (c, expected) in workspace.value(output.value).iter().enumerate() {
                see(
                    place,
                    f64::from(*expected),
                    raws[place][c] as f64 * scale.lsb(c),
                );
            }
        }
    }
}

/// Every output within `bar` of the floats.
#[track_caller]
fn holds(graph: &Graph, bar: f64, mut event: impl FnMut(&mut Random) -> Vec<Vec<f32>>) -> Program {
    let mut random = Random::new(5);
    let events: Vec<_> = (0..EVENTS).map(|_| event(&mut random)).collect();
    let program = compiled(graph, &events, &SIXTEEN);
    let differences = differences(graph, &program, &events);
    for (output, difference) in graph.outputs().iter().zip(&differences) {
        assert!(*difference <= bar, "{}: {differences:?}", output.name);
    }
    program
}

fn normal(random: &mut Random, count: usize, scale: f32) -> Vec<f32> {
    (0..count).map(|_| random.normal() * scale).collect()
}

#[test]
fn the_same_raws_have_a_unit_for_each_output() {
    let mut n = Network::new();
    let x = n.input("x", &[1, 4], Kind::Float);
    let line = |scale: f64| Op::ScaleShift {
        axis: 0,
        scale: vec![scale],
        shift: vec![0.0],
    };
    let score = n.unary(Unary::Abs, x);
    let percent = n.push(line(100.0), &[score]);
    let square = n.reshape(score, &[1, 2, 2]);
    let half = n.push(line(0.5), &[square]);
    let reversed = n.push(
        Op::Select {
            axis: 1,
            indices: vec![3, 2, 1, 0],
        },
        &[percent],
    );
    let words = n.push(line(3.0), &[x]);
    let graph = n.finish(&[score, percent, half, reversed, words, x, score]);
    // Words of 28 bits are finer than the singles of the float network.
    let program = holds(&graph, 2e-5, |random| vec![normal(random, 4, 1.0)]);
    // Nothing is computed for another unit.
    let name = |output: usize| &program.value(program.outputs[output].value).operation;
    for output in [1, 2, 4] {
        assert!(
            matches!(name(output), Operation::Reshape { .. }),
            "{}",
            program.to_text()
        );
    }
}

#[test]
fn a_choice_may_be_its_own_condition() {
    let mut n = Network::new();
    let x = n.input("x", &[1, 4], Kind::Float);
    let condition = n.above(x, 0.5);
    let y = n.unary(Unary::Abs, x);
    let own = n.push(Op::Where, &[condition, condition, y]);
    let other = n.push(Op::Where, &[condition, y, condition]);
    let same = n.push(Op::Where, &[condition, y, y]);
    let graph = n.finish(&[own, other, same]);
    holds(&graph, 1e-3, |random| vec![normal(random, 4, 1.0)]);
}

#[test]
fn fractions_bound_integers() {
    let mut n = Network::new();
    let x = n.input("x", &[1, 4], Kind::Float);
    let truth = n.above(x, 0.5);
    let floor = n.unary(Unary::Floor, x);
    let mut outputs = vec![];
    for whole in [truth, floor] {
        let third = n.constant(&[0.3]);
        let several = n.constant(&[0.3, 0.6, -0.2, 0.9]);
        outputs.push(n.unary(Unary::Clip { min: 0.3, max: 0.7 }, whole));
        outputs.push(n.unary(Unary::LeakyRelu { alpha: 0.3 }, whole));
        for op in [
            Binary::Max,
            Binary::Min,
            Binary::Add,
            Binary::Sub,
            Binary::Mul,
        ] {
            outputs.push(n.binary(op, whole, third));
            outputs.push(n.binary(op, several, whole));
        }
        outputs.push(n.binary(Binary::PRelu, whole, several));
        outputs.push(n.push(Op::Where, &[truth, whole, third]));
        outputs.push(n.push(Op::Where, &[truth, third, whole]));
        outputs.push(n.push(Op::Concat { axis: 1 }, &[whole, x]));
    }
    // Also where more is computed from them.
    for output in outputs.clone() {
        let rows = n.0.graph().shape(output)[1];
        let weights = Tensor::new(vec![1, rows], vec![0.25; rows]).unwrap();
        let bias = vec![0.1];
        outputs.push(n.push(Op::Dense { weights, bias }, &[output]));
    }
    let graph = n.finish(&outputs);
    holds(&graph, 2e-3, |random| vec![normal(random, 4, 1.5)]);
}

/// A bound that few of an operand's numbers reach has the result's format, also where others read the operand.
#[test]
fn what_others_read_too_is_bounded_in_the_results_format() {
    let mut n = Network::new();
    let x = n.input("x", &[1, 4], Kind::Float);
    let wide = n.binary(Binary::Mul, x, x);
    let small = n.unary(
        Unary::Clip {
            min: 0.0,
            max: 0.01,
        },
        wide,
    );
    let root = n.binary(Binary::Mul, wide, x);
    let graph = n.finish(&[small, root]);
    let mut random = Random::new(5);
    let events: Vec<_> = (0..EVENTS)
        .map(|_| vec![normal(&mut random, 4, 10.0)])
        .collect();
    let program = compiled(&graph, &events, &SIXTEEN);
    let found = differences(&graph, &program, &events);
    assert!(found[0] <= 1e-4, "{found:?}");
}

#[test]
fn integers_are_divided_exactly() {
    let mut n = Network::new();
    let x = n.input("x", &[1, 4], Kind::Int);
    let mut outputs = vec![];
    for divisor in [3.0f32, 7.0, 10.0, 49.0] {
        let d = n.constant(&[divisor]);
        let inverse = n.constant(&[1.0 / divisor]);
        let quotient = n.binary(Binary::Div, x, d);
        let floor = n.unary(Unary::Floor, quotient);
        outputs.push(floor);
        outputs.push(n.unary(Unary::Trunc, quotient));
        // Single precision puts some multiples of a seventh on the wrong side.
        if divisor != 7.0 {
            let product = n.binary(Binary::Mul, x, inverse);
            outputs.push(n.unary(Unary::Floor, product));
            outputs.push(n.unary(Unary::Ceil, product));
        }
        // The remainder.
        let back = n.binary(Binary::Mul, floor, d);
        outputs.push(n.binary(Binary::Sub, x, back));
    }
    let graph = n.finish(&outputs);
    let mut next = -2000;
    holds(&graph, 0.0, |_| {
        let own = (next..next + 4).map(|v| v as f32).collect();
        next += 41;
        vec![own]
    });
}

/// Rows of 64 points among their neighbours: i·P + j names every row.
#[test]
fn indices_are_no_activations() {
    let (rows, channels, nearest) = (64, 3, 3);
    let mut n = Network::new();
    let x = n.input("x", &[1, rows, channels], Kind::Float);
    let first = n.push(
        Op::Slice {
            axis: 2,
            start: 0,
            step: 1,
            len: 1,
        },
        &[x],
    );
    let keys = n.reshape(first, &[1, rows]);
    let top = Op::TopK {
        axis: 1,
        k: nearest,
        largest: true,
        indices: true,
    };
    let top = n.push(top, &[keys]);
    let stride = n.constant(&[channels as f32]);
    let at = n.binary(Binary::Mul, top, stride);
    let offset = n.constant(&[1.0]);
    let at = n.binary(Binary::Add, at, offset);
    let at = n.reshape(at, &[nearest]);
    let flat = n.reshape(x, &[1, rows * channels]);
    let found = n.push(Op::Gather { axis: 1 }, &[flat, at]);
    let sum = Op::Reduce {
        op: Reduction::Sum,
        axes: vec![1],
        keepdims: true,
    };
    let places = n.push(sum, &[top]);
    let graph = n.finish(&[found, top, places]);
    // Calibration in order: the largest stand at the end.
    let mut random = Random::new(9);
    let mut event = |ordered: bool| {
        let mut keys: Vec<f32> = (0..rows).map(|row| row as f32 / 64.0).collect();
        if !ordered {
            for row in (1..rows).rev() {
                keys.swap(row, random.below(row + 1));
            }
        }
        let values = keys
            .iter()
            .flat_map(|key| [*key, random.normal(), random.normal()]);
        vec![values.collect::<Vec<f32>>()]
    };
    let ordered: Vec<_> = (0..EVENTS).map(|_| event(true)).collect();
    let mixed: Vec<_> = (0..EVENTS).map(|_| event(false)).collect();
    for options in [SIXTEEN, Options::default()] {
        let program = compiled(&graph, &ordered, &options);
        let differences = differences(&graph, &program, &mixed);
        let bar = if options == SIXTEEN { 1e-3 } else { 0.1 };
        assert!(differences[0] <= bar, "{differences:?}");
        assert_eq!(differences[1..], [0.0, 0.0]);
    }
}

/// An integer input that names rows: every row, also those that calibration did not see, and from the end.
#[test]
fn index_inputs_name_every_row() {
    let mut n = Network::new();
    let x = n.input("x", &[1, 40], Kind::Float);
    let i = n.input("i", &[1, 3], Kind::Int);
    let zero = n.constant(&[0.0]);
    let rows = n.constant(&[40.0]);
    let below = n.push(Op::Compare(Comparison::Less), &[i, zero]);
    let turned = n.binary(Binary::Add, i, rows);
    let index = n.push(Op::Where, &[below, turned, i]);
    let index = n.reshape(index, &[3]);
    let y = n.push(Op::Gather { axis: 1 }, &[x, index]);
    let graph = n.finish(&[y]);
    let events = |low: i32, high: i32| {
        let mut random = Random::new(3);
        let event = |_| {
            let index = |_| (low + random.below((high - low) as usize) as i32) as f32;
            let indices = (0..3).map(index).collect();
            vec![normal(&mut Random::new(4), 40, 1.0), indices]
        };
        (0..EVENTS).map(event).collect::<Vec<_>>()
    };
    let program = compiled(&graph, &events(0, 4), &SIXTEEN);
    assert!(differences(&graph, &program, &events(0, 40))[0] <= 1e-3);
    assert_eq!(program.inputs[1].fields[0].maximum, 39);
    let program = compiled(&graph, &events(-2, 2), &SIXTEEN);
    assert!(differences(&graph, &program, &events(-40, 40))[0] <= 1e-3);
}

/// Integers at several places of an input have one range: that of the largest.
#[test]
fn integer_inputs_have_one_range() {
    let mut n = Network::new();
    let i = n.input("i", &[1, 3], Kind::Int);
    let half = n.constant(&[0.5]);
    let y = n.binary(Binary::Mul, i, half);
    let graph = n.finish(&[y]);
    holds(&graph, 0.0, |random| {
        let value = |place: usize, random: &mut Random| random.below(2 + 1000 * place) as f32;
        vec![(0..3).map(|place| value(place, random)).collect()]
    });
}

/// A count of truths names a row of a constant table, although a sum may be wide.
#[test]
fn counts_of_truths_name_rows() {
    let mut n = Network::new();
    let x = n.input("x", &[1, 4], Kind::Float);
    let bounds: Vec<f32> = (0..7).map(|i| i as f32 - 3.0).collect();
    let bounds = n.push(
        Op::Constant(Tensor::new(vec![1, 1, 7], bounds).unwrap()),
        &[],
    );
    let column = n.reshape(x, &[1, 4, 1]);
    let above = n.push(Op::Compare(Comparison::Greater), &[column, bounds]);
    let sum = Op::Reduce {
        op: Reduction::Sum,
        axes: vec![2],
        keepdims: false,
    };
    let bin = n.push(sum, &[above]);
    let bin = n.reshape(bin, &[4]);
    let rows: Vec<f32> = (0..16).map(|i| (i * 5 % 7) as f32 / 4.0).collect();
    let table = n.push(Op::Constant(Tensor::new(vec![8, 2], rows).unwrap()), &[]);
    let rows = n.push(Op::Gather { axis: 0 }, &[table, bin]);
    let flat = n.reshape(rows, &[1, 8]);
    let graph = n.finish(&[flat]);
    holds(&graph, 0.0, |random| vec![normal(random, 4, 2.0)]);
}

/// Anything but 0 is true.
#[test]
fn numbers_are_truths() {
    let mut n = Network::new();
    let x = n.input("x", &[1, 4], Kind::Int);
    let none = n.unary(Unary::Not, x);
    let some = n.unary(Unary::Not, none);
    let small = n.above(x, 1.0);
    let both = n.push(
        Op::Logic(hodoscope_compiler::graph::Logic::And),
        &[x, small],
    );
    let half = n.constant(&[0.5]);
    let chosen = n.push(Op::Where, &[x, half, x]);
    let graph = n.finish(&[none, some, both, chosen]);
    holds(&graph, 1e-4, |random| {
        vec![(0..4).map(|_| random.below(5) as f32 - 2.0).collect()]
    });
}

/// Neighbours of points whose coordinates stand beside a larger column: what moves the absent ones away lies beyond all
/// coordinates, if not beyond that column.
#[test]
fn absent_points_are_moved_beyond_their_coordinates() {
    const POINTS: usize = 6;
    let mut n = Network::new();
    let x = n.input("x", &[1, POINTS, 3], Kind::Float);
    let column = |n: &mut Network, channel: usize| {
        let slice = Op::Slice {
            axis: 2,
            start: channel,
            step: 1,
            len: 1,
        };
        n.push(slice, &[x])
    };
    let pt = column(&mut n, 0);
    let there = n.above(pt, 0.0);
    let gone = n.unary(Unary::Not, there);
    let far = n.constant(&[1000.0]);
    let far = n.binary(Binary::Mul, gone, far);
    let mut distance = None;
    for channel in [1, 2] {
        let own = column(&mut n, channel);
        let moved = n.binary(Binary::Add, own, far);
        let (row, line) = (
            n.reshape(moved, &[1, POINTS, 1]),
            n.reshape(moved, &[1, 1, POINTS]),
        );
        let difference = n.binary(Binary::Sub, row, line);
        let square = n.unary(Unary::Square, difference);
        distance = Some(match distance {
            None => square,
            Some(first) => n.binary(Binary::Add, first, square),
        });
    }
    let top = Op::TopK {
        axis: 2,
        k: 2,
        largest: false,
        indices: false,
    };
    let nearest = n.push(top, &[distance.unwrap()]);
    let near = n.unary(Unary::Clip { min: 0.0, max: 4.0 }, nearest);
    let flat = n.reshape(near, &[1, 2 * POINTS]);
    let graph = n.finish(&[flat]);
    holds(&graph, 1e-4, |random| {
        let live = 1 + random.below(POINTS);
        let point = |slot: usize| match slot < live {
            true => [
                (random.uniform() * 6.0).exp(),
                random.normal(),
                random.normal(),
            ],
            false => [0.0; 3],
        };
        vec![(0..POINTS).flat_map(point).collect()]
    });
}
