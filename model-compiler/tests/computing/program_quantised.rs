//! From float graphs to programs: what each layer becomes, and that it computes what the floats do.

use crate::support::Random;
use hodoscope_compiler::graph::{
    Binary, Comparison, Executor, Graph, GraphBuilder, Kind, Op, Reduction, Tensor, Unary, ValueId,
};
use hodoscope_compiler::inputs::InputsSpec;
use hodoscope_compiler::quantise::Score;
use hodoscope_compiler::quantise::{Activations, Calibration, Options};
use hodoscope_compiler::{Compiled, compile};
use hodoscope_interpreter::{Event, Interpreter};
use hodoscope_program::{Operation, Program, Scale, Value};

const SIXTEEN: Options = Options {
    weights: 16,
    activations: Activations::Sixteen,
};

/// Numbers within ±1, the same on every host.
fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut random = Random::new(seed);
    let one = |_| (random.below(2001) as f32 - 1000.0) / 1000.0;
    (0..count).map(one).collect()
}

/// A graph under construction, with inputs `[1, …]`.
struct Network(GraphBuilder);

impl Network {
    fn new() -> Self {
        Self(GraphBuilder::new("test"))
    }

    fn input(&mut self, name: &str, shape: &[usize]) -> ValueId {
        let kind = Kind::Float;
        self.0.input(name, shape.to_vec(), kind).unwrap()
    }

    fn push(&mut self, name: &str, op: Op, inputs: &[ValueId]) -> ValueId {
        self.0.push(name, op, inputs).unwrap()
    }

    fn dense(&mut self, name: &str, x: ValueId, outputs: usize, seed: u64) -> ValueId {
        let inputs = *self.0.graph().shape(x).last().unwrap();
        let weights = Tensor::new(vec![outputs, inputs], numbers(outputs * inputs, seed)).unwrap();
        let bias = numbers(outputs, seed + 1);
        self.push(name, Op::Dense { weights, bias }, &[x])
    }

    fn affine(&mut self, name: &str, x: ValueId, scale: &[f64], shift: &[f64]) -> ValueId {
        let axis = self.0.graph().shape(x).len() - 1;
        let op = Op::ScaleShift {
            axis,
            scale: scale.to_vec(),
            shift: shift.to_vec(),
        };
        self.push(name, op, &[x])
    }

    fn unary(&mut self, name: &str, function: Unary, x: ValueId) -> ValueId {
        self.push(name, Op::Unary(function), &[x])
    }

    fn reduce(&mut self, name: &str, op: Reduction, axis: usize, x: ValueId) -> ValueId {
        let op = Op::Reduce {
            op,
            axes: vec![axis],
            keepdims: false,
        };
        self.push(name, op, &[x])
    }

    /// x where `mask > 0`, else 0.
    fn masked(&mut self, x: ValueId, mask: ValueId) -> ValueId {
        let zero = self.0.constant("zero", Tensor::scalar(0.0)).unwrap();
        let mask = self.push("mask", Op::Compare(Comparison::Greater), &[mask, zero]);
        self.push("masked", Op::Binary(Binary::Mul), &[x, mask])
    }

    fn channel(&mut self, name: &str, x: ValueId, start: usize, len: usize) -> ValueId {
        let axis = self.0.graph().shape(x).len() - 1;
        let op = Op::Slice {
            axis,
            start,
            step: 1,
            len,
        };
        self.push(name, op, &[x])
    }

    fn finish(mut self, outputs: &[(&str, ValueId)]) -> Graph {
        for (name, value) in outputs {
            self.0.output(*name, *value).unwrap();
        }
        self.0.finish()
    }
}

/// `graph` compiled, with events of its own: 200 of numbers within ±`range`.
struct Case {
    graph: Graph,
    compiled: Compiled,
    events: Vec<Vec<Vec<f32>>>,
}

impl Case {
    fn new(graph: Graph, spec: &str, score: Option<&str>, options: Options, range: f32) -> Self {
        let spec = InputsSpec::parse(spec).unwrap();
        let score: Option<Score> = score.map(|score| score.parse().unwrap());
        let all: Vec<Vec<f32>> = graph
            .inputs()
            .iter()
            .enumerate()
            .map(|(i, input)| {
                let count = 200 * graph.elements(input.value);
                let values = numbers(count, 77 + i as u64).into_iter();
                values.map(|v| v * range).collect()
            })
            .collect();
        let events = (0..200).map(|event| {
            let rows = graph.inputs().iter().zip(&all);
            let rows = rows.map(|(input, values)| {
                let elements = graph.elements(input.value);
                values[event * elements..][..elements].to_vec()
            });
            rows.collect()
        });
        let events = events.collect();
        let calibration = Calibration::new(&graph, all.clone()).unwrap();
        let compiled = compile(
            &graph,
            "test",
            &spec,
            score.as_ref(),
            &calibration,
            &options,
        );
        let compiled = compiled.unwrap_or_else(|e| panic!("{e}"));
        Self {
            graph,
            compiled,
            events,
        }
    }

    fn program(&self) -> &Program {
        self.compiled.program()
    }

    fn value(&self, name: &str) -> &Value {
        let values = &self.program().values;
        let found = values.iter().find(|value| value.name == name);
        found.unwrap_or_else(|| panic!("no '{name}' in\n{}", self.program().to_text()))
    }

    /// The outputs of the program on an event, as real numbers.
    fn fixed(&self, event: &[Vec<f32>]) -> Vec<Vec<f64>> {
        let program = self.program();
        let inputs = program.inputs.iter().zip(event).map(|(input, values)| {
            let word = |(i, v): (usize, &f32)| {
                let field = input.field(i % input.channels);
                field.encode(f64::from(*v)).unwrap().word
            };
            values.iter().enumerate().map(word).collect()
        });
        let event = Event {
            inputs: inputs.collect(),
        };
        let raws = Interpreter::new(program).unwrap().run(&event).unwrap();
        let real = |(raws, output): (&Vec<i64>, &hodoscope_program::Output)| {
            let scale = &program.value(output.value).scale;
            let real = |(c, raw): (usize, &i64)| *raw as f64 * scale.lsb(c);
            raws.iter().enumerate().map(real).collect()
        };
        raws.iter().zip(&program.outputs).map(real).collect()
    }

    /// The graph's own outputs.
    fn float(&self, event: &[Vec<f32>]) -> Vec<Vec<f64>> {
        let inputs = self
            .graph
            .inputs()
            .iter()
            .zip(event)
            .map(|(input, values)| {
                let shape = self.graph.shape(input.value).to_vec();
                Tensor::new(shape, values.clone()).unwrap()
            });
        let inputs: Vec<Tensor> = inputs.collect();
        let outputs = Executor::new(&self.graph).unwrap().run(&inputs).unwrap();
        let wide = |t: &Tensor| t.data.iter().map(|v| f64::from(*v)).collect();
        outputs.iter().map(wide).collect()
    }

    /// Every output of every event is within `tolerance` of `expected`.
    fn agrees_with(&self, tolerance: f64, expected: impl Fn(&[Vec<f32>]) -> Vec<Vec<f64>>) {
        let mut largest: f64 = 0.0;
        for event in &self.events {
            let (fixed, float) = (self.fixed(event), expected(event));
            assert_eq!(fixed.len(), float.len());
            for (fixed, float) in fixed.iter().zip(&float) {
                assert_eq!(fixed.len(), float.len());
                for (fixed, float) in fixed.iter().zip(float) {
                    largest = largest.max((fixed - float).abs());
                }
            }
        }
        let text = self.program().to_text();
        assert!(largest <= tolerance, "off by {largest}\n{text}");
    }

    fn agrees(&self, tolerance: f64) {
        self.agrees_with(tolerance, |event| self.float(event));
    }
}

fn fields(input: &str, lsbs: &[f64]) -> String {
    let mut text = format!("[input.{input}]\n");
    for (i, lsb) in lsbs.iter().enumerate() {
        text += &format!(
            "[[input.{input}.field]]\nname = \"f{i}\"\nlsb = {lsb:?}\nminimum = -4096\nmaximum = 4095\n"
        );
    }
    text
}

#[test]
fn an_affine_with_an_offset_is_a_rescale() {
    for options in [Options::default(), SIXTEEN] {
        let mut n = Network::new();
        let x = n.input("x", &[1, 3]);
        let y = n.affine("norm", x, &[0.5, -3.0, 0.01], &[0.25, 1.0, -0.125]);
        // Two readers, so that no layer takes the factors up.
        let dense = n.dense("dense", y, 2, 5);
        let graph = n.finish(&[("y", y), ("dense", dense)]);
        let spec = fields("x", &[0.001, 0.001, 0.001]);
        let case = Case::new(graph, &spec, None, options, 1.0);
        let Operation::Rescale { offsets, .. } = &case.value("norm.q").operation else {
            panic!("{}", case.program().to_text());
        };
        assert!(offsets.iter().all(|offset| *offset != 0));
        case.agrees(if options == SIXTEEN { 0.002 } else { 0.06 });
    }
}

/// Factors cost nothing; an output behind them has its own scale all the same.
#[test]
fn a_factor_before_an_output_changes_its_scale() {
    let mut n = Network::new();
    let x = n.input("x", &[1, 3]);
    let dense = n.dense("dense", x, 2, 3);
    let third = n.affine("third", dense, &[1.0 / 3.0], &[0.0]);
    let turned = n.affine("turned", dense, &[-0.5], &[0.0]);
    let each = n.affine("each", dense, &[0.25, 4.0], &[0.0, 0.0]);
    let relu = n.unary("relu", Unary::Relu, dense);
    let outputs = [
        ("dense", dense),
        ("third", third),
        ("turned", turned),
        ("each", each),
        ("relu", relu),
    ];
    let graph = n.finish(&outputs);
    let case = Case::new(graph, &fields("x", &[0.001]), None, SIXTEEN, 1.0);
    case.agrees(0.01);
    let scale = |name: &str| {
        let output = case
            .program()
            .outputs
            .iter()
            .find(|o| o.name == name)
            .unwrap();
        case.program().value(output.value).scale.clone()
    };
    assert_ne!(scale("dense"), scale("third"));
    // A negative LSB would turn a threshold around.
    assert!(
        matches!(scale("turned"), Scale::Pow2(_)),
        "{:?}",
        scale("turned")
    );
}

#[test]
fn raw_words_of_different_units_are_equalised() {
    for (options, tolerance) in [(Options::default(), 0.2), (SIXTEEN, 0.01)] {
        let mut n = Network::new();
        let x = n.input("x", &[1, 2]);
        // A wide field with small weights beside a narrow one with large weights.
        let weights = Tensor::new(vec![1, 2], vec![0.01, 10.0]).unwrap();
        let bias = vec![0.5];
        let y = n.push("dense", Op::Dense { weights, bias }, &[x]);
        let graph = n.finish(&[("y", y)]);
        let spec = fields("x", &[0.25, 0.001]);
        let spec = InputsSpec::parse(&spec).unwrap();
        let all: Vec<f32> = numbers(400, 9)
            .chunks(2)
            .flat_map(|x| [x[0] * 1000.0, x[1]])
            .collect();
        let calibration = Calibration::new(&graph, vec![all.clone()]).unwrap();
        let compiled = compile(&graph, "test", &spec, None, &calibration, &options).unwrap();
        let events = all.chunks(2).map(|x| vec![x.to_vec()]).collect();
        let case = Case {
            graph,
            compiled,
            events,
        };
        // One format serves both fields: the rescale and the weights share the work.
        let words = case.value("x.unit.q");
        assert_eq!(words.scale, Scale::Pow2(i32::from(words.element.width) - 1));
        case.agrees(tolerance);
    }
}

#[test]
fn a_leaky_slope_is_a_fraction_of_15_bits() {
    let mut n = Network::new();
    let x = n.input("x", &[1, 3]);
    let dense = n.dense("dense", x, 3, 11);
    let y = n.unary("leaky", Unary::LeakyRelu { alpha: 0.2 }, dense);
    let z = n.dense("last", y, 1, 13);
    let graph = n.finish(&[("y", y), ("z", z)]);
    let case = Case::new(graph, "", None, SIXTEEN, 1.0);
    let Operation::LeakyRelu {
        multiplier, shift, ..
    } = case.value("leaky.q").operation
    else {
        panic!("{}", case.program().to_text());
    };
    // ⌊0.2 · 2^15 + ½⌋
    assert_eq!((multiplier, shift), (6554, 15));
    case.agrees(0.002);
}

/// One that no leaky operation holds is computed in parts.
#[test]
fn a_slope_that_is_none_takes_the_general_road() {
    for alpha in [-0.1, 1.5] {
        let mut n = Network::new();
        let x = n.input("x", &[1, 3]);
        let dense = n.dense("dense", x, 3, 11);
        let y = n.unary("leaky", Unary::LeakyRelu { alpha }, dense);
        let z = n.dense("last", y, 1, 13);
        let graph = n.finish(&[("y", y), ("z", z)]);
        let case = Case::new(graph, "", None, SIXTEEN, 1.0);
        let leaky = |value: &Value| matches!(value.operation, Operation::LeakyRelu { .. });
        assert!(!case.program().values.iter().any(leaky));
        case.agrees(0.002);
    }
}

/// Every entry is the function at its own argument, rounded to the nearest.
#[test]
fn tables_hold_the_rounded_function() {
    let sigmoid: fn(f64) -> f64 = |v| 1.0 / (1.0 + libm::exp(-v));
    for (function, exact) in [(Unary::Sigmoid, sigmoid), (Unary::Tanh, libm::tanh)] {
        let mut n = Network::new();
        let x = n.input("x", &[1, 3]);
        let dense = n.dense("dense", x, 3, 21);
        let hidden = n.unary("hidden", function, dense);
        let last = n.dense("last", hidden, 2, 23);
        let score = n.unary("score", function, last);
        let graph = n.finish(&[("score", score)]);
        let case = Case::new(graph, "", None, Options::default(), 3.0);
        let proof = case.program().verify().unwrap();
        for (name, bits) in [("hidden.q", 10), ("score.q", 12)] {
            let value = case.value(name);
            let Operation::Table { x, table } = value.operation else {
                panic!("{name}")
            };
            let index = case.program().value(x);
            assert_eq!(index.element.width, bits);
            let (Scale::Pow2(from), Scale::Pow2(to)) = (&index.scale, &value.scale) else {
                panic!()
            };
            let entries = &case.program().constant(table).data;
            assert_eq!(entries.len(), 1 << bits);
            let reached = proof.interval(x);
            for (i, entry) in entries.iter().enumerate() {
                let raw = index.element.minimum() + i as i64;
                if !(reached.minimum..=reached.maximum).contains(&i128::from(raw)) {
                    continue;
                }
                let y = exact(libm::ldexp(raw as f64, -from)) * libm::ldexp(1.0, *to);
                // To the nearest, but for what single precision misses of the function.
                let missed = *entry as f64 - y.min(value.element.maximum() as f64);
                assert!(missed.abs() <= 0.504, "{name}, raw {raw}: {entry}, not {y}");
            }
        }
        case.agrees(0.05);
    }
}

#[test]
fn parts_of_a_concatenation_keep_their_formats() {
    let mut n = Network::new();
    let x = n.input("x", &[1, 3]);
    let a = n.dense("a", x, 2, 31);
    let a = n.affine("a.large", a, &[50.0], &[0.0]);
    let b = n.dense("b", x, 3, 33);
    let b = n.unary("b.relu", Unary::Relu, b);
    let both = n.push("both", Op::Concat { axis: 1 }, &[a, b]);
    let last = n.dense("last", both, 2, 35);
    let graph = n.finish(&[("both", both), ("last", last)]);
    let case = Case::new(graph, "", None, SIXTEEN, 1.0);
    let Operation::Concat { parts } = &case.value("both").operation else {
        panic!()
    };
    // Each channel in the format of its part.
    let lsbs = parts.iter().flat_map(|part| {
        let part = case.program().value(*part);
        (0..part.shape.channels()).map(|c| part.scale.lsb(c))
    });
    let both = &case.value("both").scale;
    assert!(
        lsbs.enumerate().all(|(c, lsb)| lsb == both.lsb(c)),
        "{both:?}"
    );
    case.agrees(0.05);
}

/// A jet of 4 slots with (pt, eta): Φ, masked by pt > 0, pooled by `reduction`.
fn pooled(reduction: Reduction, behind: bool) -> Graph {
    let mut n = Network::new();
    let x = n.input("x", &[1, 4, 2]);
    let pt = n.channel("pt", x, 0, 1);
    let phi = n.dense("phi", x, 3, 41);
    let phi = n.unary("phi.relu", Unary::Relu, phi);
    let masked = n.masked(phi, pt);
    let pooled = n.reduce("pooled", reduction, 1, masked);
    let y = match behind {
        true => n.dense("head", pooled, 2, 43),
        false => pooled,
    };
    n.finish(&[("y", y)])
}

#[test]
fn a_mean_divides_by_the_slots_as_the_graph_does() {
    for behind in [false, true] {
        for reduction in [Reduction::Sum, Reduction::Mean] {
            let spec = fields("x", &[0.001, 0.002]);
            let case = Case::new(pooled(reduction, behind), &spec, None, SIXTEEN, 1.0);
            case.agrees(0.02);
            let sums = case.program().values.iter();
            let sums = sums.filter(|v| matches!(v.operation, Operation::Sum { .. }));
            assert_eq!(sums.count(), 1, "{}", case.program().to_text());
        }
    }
}

#[test]
fn a_mean_squared_error_is_computed_from_input_and_output() {
    for (options, tolerance) in [(Options::default(), 0.1), (SIXTEEN, 0.005)] {
        let mut n = Network::new();
        let x = n.input("x", &[1, 4]);
        let hidden = n.dense("encoder", x, 2, 51);
        let hidden = n.unary("relu", Unary::Relu, hidden);
        let y = n.dense("decoder", hidden, 4, 53);
        let graph = n.finish(&[("y", y)]);
        let spec = fields("x", &[0.001, 0.002, 0.001, 0.004]);
        let case = Case::new(graph, &spec, Some("mse"), options, 1.0);
        assert_eq!(case.program().outputs[0].name, "score");
        case.agrees_with(tolerance, |event| {
            let y = case.float(event);
            let squares = event[0]
                .iter()
                .zip(&y[0])
                .map(|(x, y)| (f64::from(*x) - y).powi(2));
            let score = squares.sum::<f64>() / 4.0;
            vec![vec![score], y[0].clone()]
        });
    }
}

/// The target of the error is an input that is normalised with an offset, and read by two layers.
#[test]
fn an_error_to_normalised_words_keeps_their_offset() {
    for (options, tolerance) in [(Options::default(), 0.2), (SIXTEEN, 0.01)] {
        let mut n = Network::new();
        let x = n.input("x", &[1, 3]);
        let norm = n.affine("norm", x, &[2.0, 0.5, 1.0], &[-0.5, 0.25, 0.125]);
        let hidden = n.dense("encoder", norm, 2, 61);
        let hidden = n.unary("relu", Unary::Relu, hidden);
        let y = n.dense("decoder", hidden, 3, 63);
        let difference = n.push("difference", Op::Binary(Binary::Sub), &[y, norm]);
        let square = n.unary("square", Unary::Square, difference);
        let score = n.reduce("score", Reduction::Mean, 1, square);
        let graph = n.finish(&[("score", score)]);
        let case = Case::new(graph, &fields("x", &[0.001]), None, options, 1.0);
        case.agrees(tolerance);
    }
}

#[test]
fn a_sum_of_squares_is_computed_from_an_output() {
    let mut n = Network::new();
    let x = n.input("x", &[1, 4]);
    let mu = n.dense("mu", x, 3, 71);
    let sigma = n.dense("sigma", x, 3, 73);
    let graph = n.finish(&[("mu", mu), ("sigma", sigma)]);
    let case = Case::new(graph, "", Some("sum-squares:mu"), SIXTEEN, 1.0);
    case.agrees_with(0.01, |event| {
        let float = case.float(event);
        let score = float[0].iter().map(|v| v * v).sum();
        vec![vec![score], float[0].clone(), float[1].clone()]
    });
}

#[test]
fn a_score_that_is_not_there_is_refused() {
    let check = |score: &str, parts: &[&str]| {
        let mut n = Network::new();
        let x = n.input("x", &[1, 4]);
        let mu = n.dense("mu", x, 3, 71);
        let graph = n.finish(&[("mu", mu)]);
        let calibration = Calibration::new(&graph, vec![numbers(40, 1)]).unwrap();
        let spec = InputsSpec::default();
        let score: Score = score.parse().unwrap();
        let options = Options::default();
        let error = compile(&graph, "test", &spec, Some(&score), &calibration, &options);
        let error = error.unwrap_err().to_string();
        for part in parts {
            assert!(error.contains(part), "{error}");
        }
    };
    check("mse", &["--score mse", "3 values of the output"]);
    check(
        "sum-squares:sigma",
        &["--score sum-squares:sigma", "the outputs are mu"],
    );
    check("anything", &["--score anything", "the outputs are mu"]);
}

#[test]
fn without_a_file_words_are_calibrated() {
    let mut n = Network::new();
    let x = n.input("x", &[1, 2]);
    let y = n.dense("dense", x, 2, 81);
    let graph = n.finish(&[("y", y)]);
    let case = Case::new(graph, "", None, SIXTEEN, 5.0);
    let input = &case.program().inputs[0];
    for field in &input.fields {
        // 22 bits, a power of two, and a factor of sixteen above the largest value seen.
        assert_eq!((field.minimum, field.maximum), (-2_097_152, 2_097_151));
        assert_eq!(field.lsb.0, libm::ldexp(1.0, -14), "{field:?}");
    }
    assert_eq!(
        case.compiled
            .quantised
            .calibration
            .clone()
            .unwrap()
            .saturated,
        0
    );
    case.agrees(0.01);
}

#[test]
fn weights_of_4_to_16_bits() {
    let error = |bits: u8| {
        let mut n = Network::new();
        let x = n.input("x", &[1, 8]);
        let y = n.dense("dense", x, 4, 91);
        let graph = n.finish(&[("y", y)]);
        let options = Options {
            weights: bits,
            ..SIXTEEN
        };
        let case = Case::new(graph, "", None, options, 1.0);
        let Operation::Dense { weights, .. } = case.value("dense").operation else {
            panic!()
        };
        let weights = case.program().constant(weights);
        // Symmetric, and used to the end.
        let limit = (1i64 << (bits - 1)) - 1;
        let largest = weights.data.iter().map(|w| w.abs()).max().unwrap();
        assert!(
            largest <= limit && largest > limit / 2,
            "{bits} bits: {largest}"
        );
        let mut sum = 0.0;
        for event in &case.events {
            let (fixed, float) = (case.fixed(event), case.float(event));
            sum += fixed[0]
                .iter()
                .zip(&float[0])
                .map(|(a, b)| (a - b).powi(2))
                .sum::<f64>();
        }
        sum
    };
    let errors = [4, 6, 8, 10, 12, 16].map(error);
    assert!(errors.is_sorted_by(|a, b| a > b), "{errors:?}");
}

#[test]
fn widths_of_weights_that_cannot_be_are_refused() {
    for weights in [0, 3, 17] {
        let mut n = Network::new();
        let x = n.input("x", &[1, 2]);
        let y = n.dense("dense", x, 2, 81);
        let graph = n.finish(&[("y", y)]);
        let calibration = Calibration::new(&graph, vec![numbers(20, 1)]).unwrap();
        let options = Options {
            weights,
            ..Options::default()
        };
        let spec = InputsSpec::default();
        let error = compile(&graph, "test", &spec, None, &calibration, &options).unwrap_err();
        assert!(
            error
                .to_string()
                .contains(&format!("{weights} bits for weights")),
            "{error}"
        );
    }
}

/// A unit without weights is its bias, and not a rounded one.
#[test]
fn a_row_of_zeros_keeps_its_bias() {
    let mut n = Network::new();
    let x = n.input("x", &[1, 2]);
    let weights = Tensor::new(vec![3, 2], vec![0.0, 0.0, 0.0, 0.0, 1.0, -1.0]).unwrap();
    let bias = vec![0.3, -1e-4, 0.1];
    let large = n.affine("large", x, &[1000.0], &[0.0]);
    let hidden = n.unary("tanh", Unary::Tanh, large);
    let dense = n.push("dense", Op::Dense { weights, bias }, &[hidden]);
    let graph = n.finish(&[("y", dense)]);
    let case = Case::new(graph, "", None, SIXTEEN, 1.0);
    let event = &case.events[0];
    let fixed = case.fixed(event);
    assert!((fixed[0][0] - 0.3).abs() < 1e-3, "{fixed:?}");
}

/// A weight that is a detector word, times Φ, pooled: as an energy flow network does.
#[test]
fn a_weighted_sum_keeps_its_words() {
    let mut n = Network::new();
    let x = n.input("x", &[1, 4, 3]);
    let pt = n.channel("pt", x, 0, 1);
    let angles = n.channel("angles", x, 1, 2);
    let phi = n.dense("phi", angles, 3, 101);
    let phi = n.unary("phi.relu", Unary::Relu, phi);
    let weighted = n.push("weighted", Op::Binary(Binary::Mul), &[phi, pt]);
    let pooled = n.reduce("pooled", Reduction::Sum, 1, weighted);
    let y = n.dense("head", pooled, 1, 103);
    let graph = n.finish(&[("y", y)]);
    let spec = fields("x", &[0.001, 0.001, 0.001]);
    let case = Case::new(graph, &spec, None, SIXTEEN, 1.0);
    case.agrees(0.02);
}
