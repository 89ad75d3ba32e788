//! Rescales by multiplier and shift: against gemmlowp's and TensorFlow Lite's functions, spelled here once more as their
//! sources have them, and on the kernels of every core.

use crate::import_support::{floats, info, int, load, model, node};
use crate::networks::Random;
use hodoscope_compiler::exact::{Rescale, exact_with};
use hodoscope_compiler::import::proto::{ModelProto, TensorProto, data_type};
use hodoscope_compiler::inputs::InputsSpec;
use hodoscope_compiler::plan::{Isa, Plan};
use hodoscope_interpreter::{Event, Interpreter};
use hodoscope_kernel_executor::Executor as Kernels;
use hodoscope_program::Program;

const INPUTS: usize = 24;
const OUTPUTS: usize = 16;
const EVENTS: usize = 40;
/// Zero points of the words, and of a result without an activation.
const WORDS_ZERO: i8 = 17;
const PLAIN_ZERO: i8 = -9;

/// gemmlowp, fixedpoint/fixedpoint.h.
fn saturating_rounding_doubling_high_mul(a: i32, b: i32) -> i32 {
    let overflow = a == b && a == i32::MIN;
    let ab_64 = i64::from(a) * i64::from(b);
    let nudge = if ab_64 >= 0 { 1 << 30 } else { 1 - (1 << 30) };
    // Division in C truncates, as it does here.
    let ab_x2_high32 = ((ab_64 + nudge) / (1i64 << 31)) as i32;
    if overflow { i32::MAX } else { ab_x2_high32 }
}

/// gemmlowp, fixedpoint/fixedpoint.h.
fn rounding_divide_by_pot(x: i32, exponent: i32) -> i32 {
    assert!((0..=31).contains(&exponent));
    let mask = ((1i64 << exponent) - 1) as i32;
    let remainder = x & mask;
    let threshold = (mask >> 1) + i32::from(x < 0);
    (x >> exponent) + i32::from(remainder > threshold)
}

/// tensorflow/lite/kernels/internal/common.cc, without and with TFLITE_SINGLE_ROUNDING.
fn multiply_by_quantized_multiplier(x: i32, multiplier: i32, shift: i32, rule: Rescale) -> i32 {
    if rule == Rescale::Single {
        let total_shift = 31 - shift;
        let round = 1i64 << (total_shift - 1);
        return ((i64::from(x) * i64::from(multiplier) + round) >> total_shift) as i32;
    }
    let (left, right) = if shift > 0 { (shift, 0) } else { (0, -shift) };
    let high = saturating_rounding_doubling_high_mul(x * (1 << left), multiplier);
    rounding_divide_by_pot(high, right)
}

/// tensorflow/lite/kernels/internal/quantization_util.cc: by halving and doubling, not by the exponent's bits.
fn quantize_multiplier(real: f64) -> (i32, i32) {
    let (mut mantissa, mut shift) = (real, 0);
    while mantissa >= 1.0 {
        (mantissa, shift) = (mantissa / 2.0, shift + 1);
    }
    while mantissa < 0.5 {
        (mantissa, shift) = (mantissa * 2.0, shift - 1);
    }
    let mut fixed = (mantissa * (1u64 << 31) as f64).round() as i64;
    if fixed == 1 << 31 {
        (fixed, shift) = (fixed / 2, shift + 1);
    }
    (fixed as i32, shift)
}

/// One quantised layer.
struct Layer {
    /// `[outputs, inputs]`.
    weights: Vec<i8>,
    bias: Vec<i32>,
    words_scale: f32,
    /// One, or one per output.
    weights_scale: Vec<f32>,
    result_scale: f32,
    /// A convolution of one element, whose weights' scales are per channel; else a dense layer.
    convolution: bool,
    relu: bool,
}

impl Layer {
    fn new(seed: u64, convolution: bool, relu: bool, ratio: f32) -> Self {
        let mut random = Random::new(seed);
        let mut byte = || random.below(255) as i32 - 127;
        // The first row's weights are even: a count of its sum is one of the scales all the same.
        let weight = |i: usize, byte: i32| if i < INPUTS { byte & !1 } else { byte };
        let weights = (0..INPUTS * OUTPUTS).map(|i| weight(i, byte()) as i8);
        let weights = weights.collect();
        let bias = (0..OUTPUTS).map(|_| 40 * byte()).collect();
        let scales = if convolution { OUTPUTS } else { 1 };
        let weights_scale: Vec<f32> = (0..scales)
            .map(|_| 0.004 + 0.01 * random.uniform())
            .collect();
        let words_scale = 0.02 + 0.1 * random.uniform();
        Self {
            weights,
            bias,
            words_scale,
            result_scale: words_scale * weights_scale[0] / ratio,
            weights_scale,
            convolution,
            relu,
        }
    }

    fn zero(&self) -> i8 {
        if self.relu { -128 } else { PLAIN_ZERO }
    }

    fn model(&self) -> ModelProto {
        let bytes = |name: &str, dims: &[i64], data: Vec<i32>, data_type| TensorProto {
            name: name.into(),
            dims: dims.to_vec(),
            data_type,
            int32_data: data,
            ..TensorProto::default()
        };
        let (outputs, inputs) = (OUTPUTS as i64, INPUTS as i64);
        let count = self.weights_scale.len() as i64;
        let own: &[i64] = if count == 1 { &[] } else { &[count] };
        let products: Vec<f32> = self
            .weights_scale
            .iter()
            .map(|scale| scale * self.words_scale)
            .collect();
        let weights = self.weights.iter().map(|w| i32::from(*w)).collect();
        let shape: &[i64] = match self.convolution {
            true => &[outputs, inputs, 1],
            false => &[outputs, inputs],
        };
        let zeros =
            |name: &str, data_type| bytes(name, own, vec![0; self.weights_scale.len()], data_type);
        let constants = vec![
            floats("x.scale", &[], &[self.words_scale]),
            bytes("x.zero", &[], vec![WORDS_ZERO.into()], data_type::INT8),
            floats("w.scale", own, &self.weights_scale),
            zeros("w.zero", data_type::INT8),
            bytes("w.q", shape, weights, data_type::INT8),
            floats("b.scale", own, &products),
            zeros("b.zero", data_type::INT32),
            bytes("b.q", &[outputs], self.bias.clone(), data_type::INT32),
            floats("y.scale", &[], &[self.result_scale]),
            bytes("y.zero", &[], vec![self.zero().into()], data_type::INT8),
        ];
        let pair = |x: &str, q: &str, y: &str, of: &str| {
            let factors = [format!("{of}.scale"), format!("{of}.zero")];
            let operands = |first| [first, factors[0].as_str(), factors[1].as_str()];
            [
                node("QuantizeLinear", q, &operands(x), vec![]),
                node("DequantizeLinear", y, &operands(q), vec![]),
            ]
        };
        let mut nodes = vec![
            node(
                "DequantizeLinear",
                "w",
                &["w.q", "w.scale", "w.zero"],
                vec![int("axis", 0)],
            ),
            node(
                "DequantizeLinear",
                "b",
                &["b.q", "b.scale", "b.zero"],
                vec![int("axis", 0)],
            ),
        ];
        nodes.extend(pair("x", "x.q", "x.x", "x"));
        nodes.push(match self.convolution {
            true => node("Conv", "sums", &["x.x", "w", "b"], vec![]),
            false => node("Gemm", "sums", &["x.x", "w", "b"], vec![int("transB", 1)]),
        });
        let sums = match self.relu {
            true => {
                nodes.push(node("Relu", "rectified", &["sums"], vec![]));
                "rectified"
            }
            false => "sums",
        };
        nodes.extend(pair(sums, "y.q", "y", "y"));
        let dims: &[i64] = match self.convolution {
            true => &[1, inputs, 1],
            false => &[1, inputs],
        };
        model(13, vec![info("x", dims)], constants, nodes, &["y"])
    }

    /// The int8 result of words, as the reference kernels compute it.
    fn reference(&self, words: &[i64], rule: Rescale) -> Vec<i64> {
        let output = |o: usize| {
            let mut sum = self.bias[o];
            for (weight, word) in self.weights[o * INPUTS..].iter().zip(words) {
                sum += i32::from(*weight) * (*word as i32 - i32::from(WORDS_ZERO));
            }
            let scale = self.weights_scale[o % self.weights_scale.len()];
            // A dense layer's product of scales is a single there, a convolution's a double.
            let product = match self.convolution {
                true => f64::from(self.words_scale) * f64::from(scale),
                false => f64::from(self.words_scale * scale),
            };
            let (multiplier, shift) = quantize_multiplier(product / f64::from(self.result_scale));
            let zero = i32::from(self.zero());
            let scaled = multiply_by_quantized_multiplier(sum, multiplier, shift, rule) + zero;
            let least = if self.relu { zero } else { -128 };
            i64::from(scaled.clamp(least, 127))
        };
        (0..OUTPUTS).map(output).collect()
    }

    fn program(&self, rule: Rescale) -> Program {
        let graph = load(&self.model()).unwrap();
        exact_with(&graph, "layer", &InputsSpec::default(), rule).unwrap()
    }
}

/// Results that differ from the reference of `judged`, where the program was made by `rule`.
fn differing(layer: &Layer, rule: Rescale, judged: Rescale, seed: u64) -> usize {
    let program = layer.program(rule);
    let interpreter = Interpreter::new(&program).unwrap();
    let scale = &program.value(program.outputs[0].value).scale;
    let mut random = Random::new(seed);
    let mut count = 0;
    for _ in 0..EVENTS {
        let words: Vec<i64> = (0..INPUTS)
            .map(|_| random.below(256) as i64 - 128)
            .collect();
        let event = Event {
            inputs: vec![words.clone()],
        };
        let raws = interpreter.run(&event).unwrap().swap_remove(0);
        // In counts of the result's step, from its zero point.
        let counts = |(c, raw): (usize, &i64)| {
            (*raw as f64 * scale.lsb(c) / f64::from(layer.result_scale)).round() as i64
        };
        let found = raws.iter().enumerate().map(counts);
        let expected = layer.reference(&words, judged).into_iter();
        let expected = expected.map(|q| q - i64::from(layer.zero()));
        count += found.zip(expected).filter(|(f, e)| f != e).count();
    }
    count
}

/// Ratios of scales below and above one: sums are shifted to either side.
const RATIOS: [f32; 5] = [0.0007, 0.004, 0.031, 0.6, 1.7];

#[test]
fn both_roundings_are_those_of_the_reference_kernels() {
    let (mut unlike, mut rounded_otherwise) = (0, 0);
    for (index, ratio) in RATIOS.into_iter().enumerate() {
        for (convolution, relu) in [(false, false), (false, true), (true, false), (true, true)] {
            let layer = Layer::new(11 + index as u64, convolution, relu, ratio);
            for rule in [Rescale::Single, Rescale::Double] {
                let wrong = differing(&layer, rule, rule, 5);
                assert_eq!(
                    wrong, 0,
                    "{rule:?}, ratio {ratio}, convolution {convolution}, relu {relu}"
                );
            }
            unlike += differing(&layer, Rescale::Single, Rescale::Double, 5);
            rounded_otherwise += differing(&layer, Rescale::Quotient, Rescale::Double, 5);
        }
    }
    // The rules are told apart by these events.
    assert!(
        unlike > 0 && rounded_otherwise > 0,
        "{unlike}, {rounded_otherwise}"
    );
}

#[test]
fn the_program_states_both_roundings() {
    let text = |rule| Layer::new(3, false, false, 0.004).program(rule).to_text();
    let rescales = |text: &str| {
        let lines = text.lines().filter(|line| line.contains("= rescale"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let (single, double) = (text(Rescale::Single), text(Rescale::Double));
    let [one] = &rescales(&single)[..] else {
        panic!("{single}");
    };
    assert!(one.contains(" rnd sat"), "{one}");
    let [high, low] = &rescales(&double)[..] else {
        panic!("{double}");
    };
    assert!(high.contains(" shift 31 rnd sat"), "{high}");
    assert!(low.contains(" rnd_inf sat"), "{low}");
    let program = Layer::new(3, false, false, 0.004).program(Rescale::Double);
    assert_eq!(Program::from_text(&double).unwrap(), program);
}

#[test]
fn kernels_of_every_core_give_these_bits() {
    for (seed, ratio) in [(21, 0.004), (22, 1.7)] {
        for rule in [Rescale::Single, Rescale::Double] {
            let program = Layer::new(seed, seed == 22, false, ratio).program(rule);
            let interpreter = Interpreter::new(&program).unwrap();
            let plans = Isa::ALL.map(|isa| Plan::new(&program, isa).unwrap());
            let executors: Vec<_> = plans.iter().map(Kernels::new).collect();
            let mut random = Random::new(seed);
            for _ in 0..10 {
                let words = (0..INPUTS)
                    .map(|_| random.below(256) as i64 - 128)
                    .collect();
                let event = Event {
                    inputs: vec![words],
                };
                let expected = interpreter.run(&event).unwrap();
                for (executor, isa) in executors.iter().zip(Isa::ALL) {
                    let found = executor.infer(&event.inputs);
                    assert_eq!(found, expected, "{rule:?} on {isa}");
                }
            }
        }
    }
}

/// −3 of 4 is −0.75, −½ is away from zero −1: the first rounding goes up, the second away from zero.
#[test]
fn ties_of_the_two_steps_go_different_ways() {
    assert_eq!(saturating_rounding_doubling_high_mul(-1, 1 << 30), 0);
    assert_eq!(saturating_rounding_doubling_high_mul(1, 1 << 30), 1);
    assert_eq!(rounding_divide_by_pot(-2, 2), -1);
    assert_eq!(rounding_divide_by_pot(2, 2), 1);
    assert_eq!(
        saturating_rounding_doubling_high_mul(i32::MIN, i32::MIN),
        i32::MAX
    );
}
