//! Fixed-point types of activations, one per element: recognised however they are spelled, and lowered exactly whatever
//! their widths.

use crate::support::Random;
use hodoscope_compiler::exact::{Quantisers, exact, quantisers};
use hodoscope_compiler::graph::{
    Binary, Comparison, Executor, FixedPoint, FixedType, Graph, GraphBuilder, Kind, Op,
    RoundingMode, Tensor, Unary, ValueId,
};
use hodoscope_compiler::inputs::InputsSpec;
use hodoscope_interpreter::{Event, Interpreter};

const EVENTS: usize = 100;
const WIDTH: usize = 6;

struct Network {
    builder: GraphBuilder,
    x: ValueId,
}

impl Network {
    fn new() -> Self {
        let mut builder = GraphBuilder::new("test");
        let x = builder.input("x", vec![1, WIDTH], Kind::Float).unwrap();
        Self { builder, x }
    }

    fn push(&mut self, op: Op, inputs: &[ValueId]) -> ValueId {
        let name = format!("n{}", self.builder.graph().value_count());
        self.builder.push(name, op, inputs).unwrap()
    }

    fn binary(&mut self, op: Binary, x: ValueId, numbers: Vec<f32>) -> ValueId {
        let numbers = self.push(Op::Constant(Tensor::vector(numbers)), &[]);
        self.push(Op::Binary(op), &[x, numbers])
    }

    fn unary(&mut self, op: Unary, x: ValueId) -> ValueId {
        self.push(Op::Unary(op), &[x])
    }

    fn finish(mut self, y: ValueId) -> Graph {
        self.builder.output("y", y).unwrap();
        self.builder.finish()
    }
}

/// From `low` to `high`, both among them.
fn within(random: &mut Random, low: i64, high: i64) -> i64 {
    low + random.below((high - low + 1) as usize) as i64
}

/// Types of any width from none to nine bits, signed or not.
fn types(random: &mut Random, uniform: bool) -> Vec<FixedType> {
    let mut one = || {
        let (frac, width) = (within(random, -2, 6) as i32, within(random, 0, 9));
        let signed = width > 0 && within(random, 0, 2) > 0;
        let minimum = if signed { -(1 << (width - 1)) } else { 0 };
        FixedType {
            frac,
            minimum,
            maximum: minimum + (1 << width) - 1,
        }
    };
    match uniform {
        true => vec![one(); WIDTH],
        false => (0..WIDTH).map(|_| one()).collect(),
    }
}

/// The program of `quantised` and its graph give the same numbers as `reference`, which sees the same events.
fn check(reference: &Graph, quantised: &Graph, spec: &InputsSpec, random: &mut Random, case: &str) {
    let program = exact(quantised, "test", spec);
    let program = program.unwrap_or_else(|e| panic!("{case}: {e}"));
    let interpreter = Interpreter::new(&program).unwrap();
    let executors = [reference, quantised].map(|graph| Executor::new(graph).unwrap());
    let scale = &program.value(program.outputs[0].value).scale;
    for _ in 0..EVENTS {
        // Ties, ends of types, and numbers far outside.
        let number = |random: &mut Random| within(random, -4000, 4000) as f32 / 128.0;
        let x: Vec<f32> = (0..WIDTH).map(|_| number(random)).collect();
        let field = |(c, v): (usize, &f32)| program.inputs[0].field(c).encode(f64::from(*v));
        let words = x.iter().enumerate().map(|it| field(it).unwrap().word);
        let event = Event {
            inputs: vec![words.collect()],
        };
        let raws = interpreter.run(&event).unwrap().swap_remove(0);
        let found: Vec<f64> = raws
            .iter()
            .enumerate()
            .map(|(c, raw)| *raw as f64 * scale.lsb(c))
            .collect();
        for executor in &executors {
            let y = executor
                .run(&[Tensor::new(vec![1, WIDTH], x.clone()).unwrap()])
                .unwrap();
            let y: Vec<f64> = y[0].data.iter().map(|v| f64::from(*v)).collect();
            assert_eq!(found, y, "{case}: {x:?}");
        }
    }
}

/// Two layers whose activations have types of their own, behind a relu or not.
#[test]
fn any_types_are_lowered_exactly() {
    use RoundingMode::{Ceil, Down, Floor, HalfCeil, HalfDown, HalfEven, HalfUp, Up};
    let mut random = Random::new(5);
    for case in 0..120 {
        let mut net = Network::new();
        let mut x = net.x;
        let mut described = format!("case {case}:");
        for layer in 0..3 {
            let wraps = within(&mut random, 0, 1) == 1;
            let rounding = match layer {
                // The words' rounding: those that a detector word can have.
                0 => [HalfEven, Floor, Down, HalfCeil][random.below(4)],
                _ => [HalfEven, Ceil, Floor, Up, Down, HalfUp, HalfDown, HalfCeil][random.below(8)],
            };
            let uniform = within(&mut random, 0, 2) == 0;
            let quantiser = FixedPoint {
                types: types(&mut random, uniform),
                rounding,
                wraps,
            };
            described += &format!(" {quantiser:?}");
            x = net.push(Op::FixedPoint(Box::new(quantiser)), &[x]);
            if layer < 2 {
                let weight = |random: &mut Random| within(random, -15, 15) as f32 / 8.0;
                let weights = (0..WIDTH * WIDTH).map(|_| weight(&mut random)).collect();
                let weights = Tensor::new(vec![WIDTH, WIDTH], weights).unwrap();
                let bias = (0..WIDTH).map(|_| within(&mut random, -900, 900) as f32 / 256.0);
                let bias = bias.collect();
                x = net.push(Op::Dense { weights, bias }, &[x]);
                if within(&mut random, 0, 1) == 1 {
                    described += " relu";
                    x = net.unary(Unary::Relu, x);
                }
            }
        }
        let graph = net.finish(x);
        let mut spec = InputsSpec::default();
        if within(&mut random, 0, 1) == 1 {
            // Words that hold every event, and leave the first types to be computed.
            spec.set_type("x=fixed<16,9>").unwrap();
        }
        check(&graph, &graph, &spec, &mut random, &described);
    }
}

/// How a range is spelled.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Spelling {
    Wrap,
    Clip,
    MinMax,
    /// Comparisons with what is bounded last; each choice as Where, or as c·a + ¬c·b.
    Where {
        arithmetic: bool,
        before: bool,
    },
}

/// x·s rounded, over s.
fn rounded(net: &mut Network, x: ValueId, scale: &[f32], mode: RoundingMode) -> ValueId {
    let up = net.binary(Binary::Mul, x, scale.to_vec());
    let half = vec![0.5; WIDTH];
    let integer = match mode {
        RoundingMode::Floor => net.unary(Unary::Floor, up),
        RoundingMode::HalfEven => net.unary(Unary::Round, up),
        RoundingMode::Down => net.unary(Unary::Trunc, up),
        _ => {
            // What is left of a gradient.
            let nothing = net.push(Op::Binary(Binary::Sub), &[up, up]);
            let more = net.binary(Binary::Add, up, half);
            let floor = net.unary(Unary::Floor, more);
            net.push(Op::Binary(Binary::Add), &[floor, nothing])
        }
    };
    net.binary(Binary::Div, integer, scale.to_vec())
}

/// One side of a range.
fn choice(
    net: &mut Network,
    (compared, inner): (ValueId, ValueId),
    bounds: &[f32],
    op: Comparison,
    arithmetic: bool,
) -> ValueId {
    let bounds = net.push(Op::Constant(Tensor::vector(bounds.to_vec())), &[]);
    let beyond = net.push(Op::Compare(op), &[compared, bounds]);
    if !arithmetic {
        return net.push(Op::Where, &[beyond, bounds, inner]);
    }
    let inside = net.unary(Unary::Not, beyond);
    let left = net.push(Op::Binary(Binary::Mul), &[bounds, beyond]);
    let right = net.push(Op::Binary(Binary::Mul), &[inner, inside]);
    net.push(Op::Binary(Binary::Add), &[left, right])
}

fn in_range(net: &mut Network, x: ValueId, types: &[FixedType], spelling: Spelling) -> ValueId {
    let numbers = |of: fn(&FixedType) -> i64| -> Vec<f32> {
        types.iter().map(|ty| of(ty) as f32 * ty.lsb()).collect()
    };
    let (low, high) = (numbers(|ty| ty.minimum), numbers(|ty| ty.maximum));
    match spelling {
        Spelling::Wrap => {
            let modulus = numbers(|ty| ty.maximum - ty.minimum + 1);
            let below: Vec<f32> = low.iter().map(|l| -l).collect();
            let moved = net.binary(Binary::Add, x, below.clone());
            let turns = net.binary(Binary::Div, moved, modulus.clone());
            let turns = net.unary(Unary::Floor, turns);
            let whole = net.binary(Binary::Mul, turns, modulus);
            let rest = net.push(Op::Binary(Binary::Sub), &[moved, whole]);
            net.binary(Binary::Sub, rest, below)
        }
        Spelling::Clip => net.unary(
            Unary::Clip {
                min: low[0],
                max: high[0],
            },
            x,
        ),
        Spelling::MinMax => {
            let above = net.binary(Binary::Max, x, low);
            net.binary(Binary::Min, above, high)
        }
        Spelling::Where { arithmetic, .. } => {
            let inner = choice(net, (x, x), &low, Comparison::Less, arithmetic);
            choice(net, (x, inner), &high, Comparison::Greater, arithmetic)
        }
    }
}

/// A graph with one spelled quantiser of `types`.
fn spelled(types: &[FixedType], mode: RoundingMode, spelling: Spelling) -> Graph {
    let mut net = Network::new();
    let scale: Vec<f32> = types.iter().map(|ty| 1.0 / ty.lsb()).collect();
    let x = net.x;
    let y = match spelling {
        Spelling::Where { before: true, .. } => {
            let inside = in_range(&mut net, x, types, spelling);
            rounded(&mut net, inside, &scale, mode)
        }
        _ => {
            let on_grid = rounded(&mut net, x, &scale, mode);
            in_range(&mut net, on_grid, types, spelling)
        }
    };
    net.finish(y)
}

#[test]
fn every_spelling_is_recognised() {
    use RoundingMode::{Down, Floor, HalfCeil, HalfEven};
    let mut random = Random::new(9);
    let choices = [false, true]
        .map(|arithmetic| [false, true].map(|before| Spelling::Where { arithmetic, before }));
    let mut spellings = choices.as_flattened().to_vec();
    spellings.extend([Spelling::Wrap, Spelling::Clip, Spelling::MinMax]);
    for spelling in spellings {
        for mode in [Floor, HalfEven, Down, HalfCeil] {
            for _ in 0..6 {
                let types = types(&mut random, spelling == Spelling::Clip);
                let graph = spelled(&types, mode, spelling);
                let case = format!("{spelling:?} {mode:?} {types:?}");
                let Quantisers::Spelled(found) = quantisers(&graph).unwrap() else {
                    panic!("{case}: not recognised");
                };
                let expected = FixedPoint {
                    types,
                    rounding: mode,
                    wraps: spelling == Spelling::Wrap,
                };
                let node = &found.nodes()[0];
                assert_eq!(node.op, Op::FixedPoint(Box::new(expected)), "{case}");
                let spec = InputsSpec::default();
                check(&graph, &found, &spec, &mut random, &case);
            }
        }
    }
}

/// What looks like a quantiser and is none stays arithmetic.
#[test]
fn what_is_no_quantiser_stays_as_it_is() {
    let ty = FixedType {
        frac: 3,
        minimum: -16,
        maximum: 15,
    };
    let build = |change: &dyn Fn(&mut Network, ValueId) -> ValueId| {
        let mut net = Network::new();
        let x = net.x;
        let y = change(&mut net, x);
        net.finish(y)
    };
    let grid = |net: &mut Network, x, there: f32, back: f32| {
        let up = net.binary(Binary::Mul, x, vec![there; WIDTH]);
        let floor = net.unary(Unary::Floor, up);
        net.binary(Binary::Div, floor, vec![back; WIDTH])
    };
    let wrap = |net: &mut Network, x, there: f32, modulus: f32, back: f32| {
        let moved = net.binary(Binary::Add, x, vec![there; WIDTH]);
        let turns = net.binary(Binary::Div, moved, vec![modulus; WIDTH]);
        let turns = net.unary(Unary::Floor, turns);
        let whole = net.binary(Binary::Mul, turns, vec![modulus; WIDTH]);
        let rest = net.push(Op::Binary(Binary::Sub), &[moved, whole]);
        net.binary(Binary::Sub, rest, vec![back; WIDTH])
    };
    let none: Vec<(&str, Graph)> = vec![
        ("no range", build(&|net, x| grid(net, x, 8.0, 8.0))),
        ("another factor back", {
            build(&|net, x| {
                let y = grid(net, x, 8.0, 4.0);
                wrap(net, y, 2.0, 4.0, 2.0)
            })
        }),
        ("no power of two", {
            build(&|net, x| {
                let y = grid(net, x, 10.0, 10.0);
                wrap(net, y, 2.0, 4.0, 2.0)
            })
        }),
        ("another offset back", {
            build(&|net, x| {
                let y = grid(net, x, 8.0, 8.0);
                wrap(net, y, 2.0, 4.0, 1.0)
            })
        }),
        ("a third of a turn", {
            build(&|net, x| {
                let y = grid(net, x, 8.0, 8.0);
                wrap(net, y, 1.0, 4.0, 1.0)
            })
        }),
        ("a modulus of three", {
            build(&|net, x| {
                let y = grid(net, x, 8.0, 8.0);
                wrap(net, y, 1.5, 3.0, 1.5)
            })
        }),
        ("no rounding", build(&|net, x| wrap(net, x, 2.0, 4.0, 2.0))),
        ("bounds between numbers", {
            build(&|net, x| {
                let y = grid(net, x, 8.0, 8.0);
                net.unary(
                    Unary::Clip {
                        min: -1.9,
                        max: 1.9,
                    },
                    y,
                )
            })
        }),
        ("compared with another bound", {
            build(&|net, x| {
                let y = grid(net, x, 8.0, 8.0);
                let inner = net.binary(Binary::Max, y, vec![-2.0; WIDTH]);
                let limits = net.push(Op::Constant(Tensor::vector(vec![1.5; WIDTH])), &[]);
                let beyond = net.push(Op::Compare(Comparison::Greater), &[inner, limits]);
                let bounds = net.push(Op::Constant(Tensor::vector(vec![2.0; WIDTH])), &[]);
                net.push(Op::Where, &[beyond, bounds, inner])
            })
        }),
        ("one bound", {
            build(&|net, x| {
                let y = grid(net, x, 8.0, 8.0);
                net.binary(Binary::Min, y, vec![2.0; WIDTH])
            })
        }),
        ("bounds that cross", {
            build(&|net, x| {
                let y = grid(net, x, 8.0, 8.0);
                let y = net.binary(Binary::Max, y, vec![2.0; WIDTH]);
                net.binary(Binary::Min, y, vec![-2.0; WIDTH])
            })
        }),
    ];
    for (case, graph) in none {
        assert!(
            matches!(quantisers(&graph).unwrap(), Quantisers::None),
            "{case}"
        );
    }
    let whole = spelled(&[ty; WIDTH], RoundingMode::Floor, Spelling::Wrap);
    assert!(matches!(
        quantisers(&whole).unwrap(),
        Quantisers::Spelled(_)
    ));
}
