//! Masks, weights and sets in the forms that exporters write: each program gives the float graph's
//! values, or is refused by name. No form is taken for another one.

use hodoscope_compiler::compile;
use hodoscope_compiler::exact::Constituents;
use hodoscope_compiler::graph::{
    Binary, Comparison, Executor, Graph, GraphBuilder, Kind, Op, Reduction, Tensor, Unary, ValueId,
    simplify,
};
use hodoscope_compiler::inputs::InputsSpec;
use hodoscope_compiler::quantise::{Activations, Calibration, Options, Score};
use hodoscope_interpreter::{Event, Interpreter};

const SLOTS: usize = 4;
const EVENTS: usize = 64;

/// A graph over `x: [1, SLOTS, 2]` with fields pt (LSB 0.25) and angle (LSB 0.1).
struct Net {
    builder: GraphBuilder,
    x: ValueId,
}

impl Net {
    fn new() -> Self {
        let mut builder = GraphBuilder::new("net");
        let x = builder.input("x", vec![1, SLOTS, 2], Kind::Float).unwrap();
        Self { builder, x }
    }

    fn push(&mut self, op: Op, inputs: &[ValueId]) -> ValueId {
        self.builder.push("node", op, inputs).unwrap()
    }

    fn scalar(&mut self, value: f32) -> ValueId {
        self.push(Op::Constant(Tensor::scalar(value)), &[])
    }

    fn tensor(&mut self, shape: &[usize], data: &[f32]) -> ValueId {
        let tensor = Tensor::new(shape.to_vec(), data.to_vec()).unwrap();
        self.push(Op::Constant(tensor), &[])
    }

    fn channel(&mut self, channel: usize) -> ValueId {
        let op = Op::Slice {
            axis: 2,
            start: channel,
            step: 1,
            len: 1,
        };
        self.push(op, &[self.x])
    }

    /// A dense layer with relu on every constituent: 2 → `outputs`.
    fn phi(&mut self, x: ValueId, outputs: usize) -> ValueId {
        let weights = (0..outputs * 2).map(|i| 0.5 - 0.17 * i as f32).collect();
        let weights = Tensor::new(vec![outputs, 2], weights).unwrap();
        let bias = (0..outputs).map(|o| 0.3 + 0.1 * o as f32).collect();
        let y = self.push(Op::Dense { weights, bias }, &[x]);
        self.push(Op::Unary(Unary::Relu), &[y])
    }

    fn binary(&mut self, op: Binary, a: ValueId, b: ValueId) -> ValueId {
        self.push(Op::Binary(op), &[a, b])
    }

    fn sum(&mut self, x: ValueId) -> ValueId {
        let op = Op::Reduce {
            op: Reduction::Sum,
            axes: vec![1],
            keepdims: false,
        };
        self.push(op, &[x])
    }

    fn finish(mut self, output: ValueId) -> Graph {
        self.builder.output("y", output).unwrap();
        self.builder.finish()
    }
}

const SPEC: &str = "\
[input.x]
[[input.x.field]]
name = 'pt'
lsb = 0.25
minimum = 0
maximum = 255
[[input.x.field]]
name = 'angle'
lsb = 0.1
minimum = -50
maximum = 50
";

/// Jets of one to all slots, zero padded; values are whole words.
fn jets() -> Vec<f32> {
    let mut state = 7u32;
    let mut next = |n: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % n
    };
    let mut values = Vec::new();
    for event in 0..EVENTS {
        for slot in 0..SLOTS {
            let filled = slot <= event % SLOTS;
            let (pt, angle) = (1 + next(80), next(101) as i32 - 50);
            values.push(if filled { pt as f32 * 0.25 } else { 0.0 });
            values.push(if filled {
                (f64::from(angle) * 0.1) as f32
            } else {
                0.0
            });
        }
    }
    values
}

/// Compiles at 16 bits and compares every event with the float graph; an error's text otherwise.
fn agrees(graph: &Graph) -> Result<(), String> {
    let spec = InputsSpec::parse(SPEC).unwrap();
    let values = jets();
    let calibration = Calibration::new(graph, vec![values.clone()]).unwrap();
    let options = Options {
        weights: 12,
        activations: Activations::Sixteen,
    };
    let compiled =
        compile(graph, "net", &spec, None, &calibration, &options).map_err(|e| e.to_string())?;
    let program = compiled.program();
    let interpreter = Interpreter::new(program).unwrap();
    let simple = simplify(graph).unwrap();
    let executor = Executor::new(&simple).unwrap();
    let mut workspace = executor.workspace();
    let output = simple.outputs()[0].value;
    let scale = &program.value(program.outputs[0].value).scale;
    let input = &program.inputs[0];
    for jet in values.chunks(SLOTS * 2) {
        executor.run_all(&mut workspace, &[jet]).unwrap();
        let words = jet.iter().enumerate();
        let words = words.map(|(i, v)| input.field(i % 2).encode(f64::from(*v)).unwrap().word);
        let event = Event {
            inputs: vec![words.collect()],
        };
        let raws = &interpreter.run(&event).unwrap()[0];
        for (c, (raw, float)) in raws.iter().zip(workspace.value(output)).enumerate() {
            let fixed = *raw as f64 * scale.lsb(c);
            let float = f64::from(*float);
            let close = (fixed - float).abs() <= 0.01 + 0.005 * float.abs();
            assert!(
                close,
                "{fixed} instead of {float} for {jet:?}\n{}",
                program.to_text()
            );
        }
    }
    Ok(())
}

/// h · (pt `comparison` threshold), or the constant on the left, summed.
fn masked(comparison: Comparison, threshold: f32, constant_first: bool) -> Graph {
    let mut net = Net::new();
    let h = net.phi(net.x, 3);
    let pt = net.channel(0);
    let t = net.scalar(threshold);
    let operands = if constant_first { [t, pt] } else { [pt, t] };
    let mask = net.push(Op::Compare(comparison), &operands);
    let kept = net.binary(Binary::Mul, h, mask);
    let y = net.sum(kept);
    net.finish(y)
}

#[test]
fn thresholds_on_either_side() {
    use Comparison::{Greater, GreaterOrEqual, Less, LessOrEqual};
    for threshold in [0.0, 0.3, 0.5] {
        agrees(&masked(Greater, threshold, false)).unwrap();
        agrees(&masked(Less, threshold, true)).unwrap();
    }
    agrees(&masked(GreaterOrEqual, 0.25, false)).unwrap();
    agrees(&masked(LessOrEqual, 0.25, true)).unwrap();
    // A mask that keeps soft slots keeps the padding.
    for graph in [masked(Less, 5.0, false), masked(Greater, 5.0, true)] {
        agrees(&graph).unwrap();
    }
}

#[test]
fn where_with_a_turned_condition() {
    let mut net = Net::new();
    let h = net.phi(net.x, 3);
    let pt = net.channel(0);
    let zero = net.scalar(0.0);
    let empty = net.push(Op::Compare(Comparison::Equal), &[pt, zero]);
    let y = net.push(Op::Where, &[empty, zero, h]);
    let y = net.sum(y);
    agrees(&net.finish(y)).unwrap();
}

#[test]
fn a_second_mask_holds_wherever_it_stands() {
    for first_on_input in [false, true] {
        let mut net = Net::new();
        let pt = net.channel(0);
        let (low, high) = (net.scalar(0.0), net.scalar(5.0));
        let low = net.push(Op::Compare(Comparison::Greater), &[pt, low]);
        let high = net.push(Op::Compare(Comparison::Greater), &[pt, high]);
        let x = if first_on_input {
            net.binary(Binary::Mul, net.x, high)
        } else {
            net.x
        };
        let mut h = net.phi(x, 3);
        if !first_on_input {
            h = net.binary(Binary::Mul, h, high);
        }
        let h = net.binary(Binary::Mul, h, low);
        let y = net.sum(h);
        agrees(&net.finish(y)).unwrap();
    }
}

#[test]
fn a_mask_along_the_channels_is_no_mask_of_slots() {
    let mut net = Net::new();
    // As many channels as slots: only the axes tell them apart.
    let h = net.phi(net.x, SLOTS);
    let pt = net.channel(0);
    let flat = net.push(
        Op::Reshape {
            shape: vec![1, SLOTS],
        },
        &[pt],
    );
    let zero = net.scalar(0.0);
    let mask = net.push(Op::Compare(Comparison::Greater), &[flat, zero]);
    let kept = net.binary(Binary::Mul, h, mask);
    let y = net.sum(kept);
    agrees(&net.finish(y)).unwrap();
}

#[test]
fn factors_per_slot() {
    let mut net = Net::new();
    let pt = net.channel(0);
    let flat = net.push(
        Op::Reshape {
            shape: vec![1, SLOTS],
        },
        &[pt],
    );
    let factors = net.tensor(&[SLOTS], &[1.0, 0.1, 3.0, 0.01]);
    let w = net.binary(Binary::Mul, flat, factors);
    let w = net.push(
        Op::Reshape {
            shape: vec![1, SLOTS, 1],
        },
        &[w],
    );
    let h = net.phi(net.x, 3);
    let y = net.binary(Binary::Mul, h, w);
    let y = net.sum(y);
    agrees(&net.finish(y)).unwrap();
}

#[test]
fn weights_need_no_mask_in_either_form() {
    let weighted = |matmul: bool| {
        let mut net = Net::new();
        let h = net.phi(net.x, 3);
        let pt = net.channel(0);
        let scale = net.scalar(0.1);
        let z = net.binary(Binary::Mul, pt, scale);
        let y = if matmul {
            let z = net.push(
                Op::Reshape {
                    shape: vec![1, 1, SLOTS],
                },
                &[z],
            );
            let y = net.push(Op::MatMul, &[z, h]);
            net.push(Op::Reshape { shape: vec![1, 3] }, &[y])
        } else {
            let y = net.binary(Binary::Mul, z, h);
            net.sum(y)
        };
        net.finish(y)
    };
    agrees(&weighted(false)).unwrap();
    agrees(&weighted(true)).unwrap();
}

#[test]
fn pooling_without_a_mask_counts_padding() {
    let mut net = Net::new();
    let h = net.phi(net.x, 3);
    let y = net.sum(h);
    agrees(&net.finish(y)).unwrap();
}

#[test]
fn an_offset_between_mask_and_pooling() {
    let mut net = Net::new();
    let h = net.phi(net.x, 3);
    let pt = net.channel(0);
    let zero = net.scalar(0.0);
    let mask = net.push(Op::Compare(Comparison::Greater), &[pt, zero]);
    let kept = net.binary(Binary::Mul, h, mask);
    let offset = net.scalar(0.5);
    let moved = net.binary(Binary::Add, kept, offset);
    let y = net.sum(moved);
    agrees(&net.finish(y)).unwrap();
}

#[test]
fn a_factor_before_the_output_is_kept() {
    for factor in [0.25, 5.0, -1.0, -0.3] {
        for reduction in [Reduction::Sum, Reduction::Mean] {
            let mut net = Net::new();
            let h = net.phi(net.x, 3);
            let pt = net.channel(0);
            let zero = net.scalar(0.0);
            let mask = net.push(Op::Compare(Comparison::Greater), &[pt, zero]);
            let h = net.binary(Binary::Mul, h, mask);
            let op = Op::Reduce {
                op: reduction,
                axes: vec![1],
                keepdims: false,
            };
            let pooled = net.push(op, &[h]);
            let by = net.scalar(factor);
            let y = net.binary(Binary::Mul, pooled, by);
            agrees(&net.finish(y)).unwrap();
        }
    }
}

#[test]
fn a_normalisation_with_an_offset_that_the_mask_shares() {
    let mut net = Net::new();
    let (shift, scale) = (net.tensor(&[2], &[3.0, 0.1]), net.tensor(&[2], &[0.2, 0.5]));
    let normal = net.binary(Binary::Sub, net.x, shift);
    let normal = net.binary(Binary::Mul, normal, scale);
    let h = net.phi(normal, 3);
    let op = Op::Slice {
        axis: 2,
        start: 0,
        step: 1,
        len: 1,
    };
    let pt = net.push(op, &[normal]);
    let least = net.scalar(-0.58);
    let mask = net.push(Op::Compare(Comparison::Greater), &[pt, least]);
    let kept = net.binary(Binary::Mul, h, mask);
    let y = net.sum(kept);
    agrees(&net.finish(y)).unwrap();
}

/// pT below half a count, but not nothing, counts as a float and not as a word; what a mask, or a weight of nothing, leaves
/// out counts in neither.
#[test]
fn constituents_that_words_lose_are_told() {
    let lost = |graph: &Graph, slots: &[[f32; 2]]| {
        let spec = InputsSpec::parse(SPEC).unwrap();
        let mut values = jets();
        let last = values.len() - SLOTS * 2;
        values.truncate(last);
        values.extend(slots.iter().flatten());
        let calibration = Calibration::new(graph, vec![values]).unwrap();
        let options = Options::default();
        let made = compile(graph, "net", &spec, None, &calibration, &options).unwrap();
        made.quantised.calibration.unwrap().lost
    };
    let by_mask = |threshold| masked(Comparison::Greater, threshold, false);
    let [empty, soft, hard] = [[0.0, 0.0], [0.1, 0.5], [5.0, 0.5]];
    assert_eq!(lost(&by_mask(0.0), &[hard, soft, soft, empty]), 2);
    assert_eq!(lost(&by_mask(1.0), &[hard, soft, soft, empty]), 0);
    // An angle without pT is padding to a mask, whatever it is.
    assert_eq!(lost(&by_mask(0.0), &[hard, [0.0, 0.5], empty, empty]), 0);
    let mut net = Net::new();
    let h = net.phi(net.x, 3);
    let pt = net.channel(0);
    let y = net.binary(Binary::Mul, pt, h);
    let y = net.sum(y);
    let by_weight = net.finish(y);
    assert_eq!(lost(&by_weight, &[hard, [0.0, 0.5], soft, empty]), 1);
}

/// An empty word that the mask lets pass counts, as it does in the float network: that is said.
#[test]
fn an_empty_word_that_passes_the_mask_is_told() {
    let graph = masked(Comparison::Greater, 0.0, false);
    let told = |empty: i64| {
        let stated = SPEC.replacen(
            "maximum = 255\n",
            &format!("maximum = 255\nempty = {empty}\n"),
            1,
        );
        let spec = InputsSpec::parse(&stated).unwrap();
        let calibration = Calibration::new(&graph, vec![jets()]).unwrap();
        let options = Options::default();
        let made = compile(&graph, "net", &spec, None, &calibration, &options).unwrap();
        assert_eq!(made.quantised.calibration.unwrap().lost, 0);
        made.constituents.to_string()
    };
    assert!(!told(0).contains("counts"), "{}", told(0));
    let counts = told(40);
    assert!(
        counts.contains("'pt' of 'x' is 10") && counts.contains("`empty = 0`"),
        "{counts}"
    );
}

/// An output with a row per slot keeps all of them, unless the score is all that is left.
#[test]
fn an_output_that_is_left_out_ends_no_set() {
    let mut net = Net::new();
    let h = net.phi(net.x, 3);
    let y = net.sum(h);
    net.builder.output("y", y).unwrap();
    net.builder.output("rows", h).unwrap();
    let graph = net.builder.finish();
    let computed = |score: Option<&Score>| {
        let spec = InputsSpec::parse(SPEC).unwrap();
        let calibration = Calibration::new(&graph, vec![jets()]).unwrap();
        let options = Options::default();
        let made = compile(&graph, "net", &spec, score, &calibration, &options).unwrap();
        made.constituents
    };
    let only = Score::Only(Box::new(Score::Output("y".into())));
    assert!(matches!(computed(None), Constituents::All { .. }));
    assert_eq!(computed(Some(&only)), Constituents::Live { counted: None });
}
