//! Every layout that is proved exact for a layer gives the interpreter's bits: random shapes, and the
//! ends of weights and operands.

use hodoscope_compiler::plan::layout::Layout;
use hodoscope_compiler::plan::{Isa, Kernel, Plan};
use hodoscope_interpreter::{Event, Interpreter};
use hodoscope_kernel_executor::Executor;
use hodoscope_program::Program;
use proptest::prelude::*;

/// How raws are drawn.
#[derive(Clone, Copy, Debug)]
enum Raws {
    Smallest,
    Largest,
    Ends,
    Small,
    Any,
}

impl Raws {
    fn strategy() -> impl Strategy<Value = Self> {
        prop_oneof![
            Just(Self::Smallest),
            Just(Self::Largest),
            Just(Self::Ends),
            Just(Self::Small),
            Just(Self::Any),
        ]
    }

    fn draw(self, random: &mut u64, (low, high): (i64, i64)) -> i64 {
        *random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let bits = (*random >> 33) as i64;
        match self {
            Self::Smallest => low,
            Self::Largest => high,
            Self::Ends => [low, high][(bits & 1) as usize],
            Self::Small => (bits % 7 - 3).clamp(low, high),
            Self::Any => low + bits % (high - low + 1),
        }
    }
}

/// A program of one dense layer.
#[derive(Clone, Debug)]
struct Layer {
    rows: usize,
    columns: usize,
    operand: (i64, i64),
    x: Raws,
    weights: Raws,
    /// Shifts, one or one for each row; none where the sums are the result.
    shifts: Option<(u8, bool)>,
    /// Bits of the rescaled result.
    bits: u8,
    relu: bool,
    /// Multiplier, offset, rounding and overflow of the rescale.
    rule: (i64, i64, &'static str, &'static str),
    seed: u64,
}

/// How rescales end: ours, and those that networks bring.
fn rules() -> impl Strategy<Value = (i64, i64, &'static str, &'static str)> {
    let roundings = [
        "rnd",
        "trn",
        "rnd_conv",
        "rnd_conv",
        "rnd_min_inf",
        "rnd_inf",
        "rnd_zero",
        "trn_zero",
    ];
    let overflows = ["sat", "sat", "sat", "sat_sym", "sat_zero", "wrap"];
    let own = Just((1, 0, "rnd", "sat"));
    let brought = (
        prop::sample::select(vec![1, 1, 1, 3, -2]),
        prop::sample::select(vec![0, 0, 1, -7, 5000]),
        prop::sample::select(roundings.to_vec()),
        prop::sample::select(overflows.to_vec()),
    );
    prop_oneof![1 => own, 3 => brought]
}

fn layers() -> impl Strategy<Value = Layer> {
    let operands = prop_oneof![
        Just((-128, 127)),
        Just((0, 127)),
        Just((-128, 0)),
        Just((-32768, 32767)),
        Just((0, 9000)),
    ];
    let shape = prop_oneof![4 => (1usize..=20, 1usize..=40), 1 => (1usize..=9, 100usize..=260)];
    let end = (
        proptest::option::of((0u8..=20, any::<bool>())),
        prop_oneof![Just(8u8), Just(5), Just(16), Just(20)],
        any::<bool>(),
        rules(),
    );
    (
        shape,
        operands,
        Raws::strategy(),
        Raws::strategy(),
        end,
        any::<u64>(),
    )
        .prop_map(
            |((rows, columns), operand, x, weights, (shifts, bits, relu, rule), seed)| Layer {
                rows,
                columns,
                operand,
                x,
                weights,
                shifts,
                bits,
                relu,
                rule,
                seed,
            },
        )
}

impl Layer {
    fn program(&self) -> Program {
        let mut random = self.seed;
        let mut list = |raws: Raws, count: usize, ends: (i64, i64)| -> String {
            let list: Vec<String> = (0..count)
                .map(|_| raws.draw(&mut random, ends).to_string())
                .collect();
            list.join(" ")
        };
        let Self { rows, columns, .. } = *self;
        let weights = list(self.weights, rows * columns, (-128, 127));
        let bias = list(Raws::Any, rows, (-500_000, 500_000));
        let (low, high) = self.operand;
        let element = match self.operand {
            (-128, _) => "i8",
            (0, 127) => "u7",
            (0, _) => "u14",
            _ => "i16",
        };
        let mut text = format!(
            "hodoscope-program 1\nprogram layer\ninput x channels {columns}\n  \
             field x unit \"\" lsb 1.0 range {low} {high} saturate empty 0\n\
             constant weights i8 [{rows}, {columns}]\n  {weights}\n\
             constant bias i32 [{rows}]\n  {bias}\n\
             value x [{columns}] {element} frac 0 = input x\n\
             value sums [{rows}] i32 frac 0 = dense x weights weights bias bias\n"
        );
        let mut result = "sums";
        if let Some((shift, each)) = self.shifts {
            let shifts: Vec<u8> = match each {
                true => (0..rows)
                    .map(|row| shift.saturating_sub(row as u8 % 3))
                    .collect(),
                false => vec![shift],
            };
            let list: Vec<String> = shifts.iter().map(u8::to_string).collect();
            let fracs: Vec<String> = shifts
                .iter()
                .map(|s| (-i16::from(*s)).to_string())
                .collect();
            let scale = match each && rows > 1 {
                true => format!("fracs {}", fracs.join(" ")),
                false => format!("frac {}", fracs[0]),
            };
            let (list, bits) = (list.join(" "), self.bits);
            let (multiplier, offset, rounding, overflow) = self.rule;
            text += &format!(
                "value q [{rows}] i{bits} {scale} = rescale sums by {multiplier} plus {offset} shift {list} {rounding} {overflow}\n"
            );
            result = "q";
            if self.relu {
                text += &format!("value r [{rows}] u{} {scale} = relu q\n", bits - 1);
                result = "r";
            }
        }
        text += &format!("output y = {result}\n");
        Program::from_text(&text).unwrap()
    }

    fn event(&self) -> Event {
        let mut random = !self.seed;
        let x = (0..self.columns).map(|_| self.x.draw(&mut random, self.operand));
        Event {
            inputs: vec![x.collect()],
        }
    }
}

/// The plan with its dense layer in `layout`.
fn forced<'p>(program: &'p Program, isa: Isa, layout: Layout) -> Plan<'p> {
    let mut plan = Plan::new(program, isa).unwrap();
    for step in &mut plan.event {
        if let Kernel::Dense { layout: own, .. } | Kernel::DenseRescale { layout: own, .. } =
            &mut step.kernel
        {
            *own = layout;
        }
    }
    plan
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn layouts_that_are_proved_are_exact(layer in layers()) {
        let program = layer.program();
        let event = layer.event();
        let expected = Interpreter::new(&program).unwrap().run(&event).unwrap();
        for isa in [Isa::ArmV6m, Isa::ArmV7eDsp, Isa::Rv32im, Isa::Rv32i] {
            // To find what rows share takes time with the square of their length.
            if isa == Isa::Rv32i && layer.columns > 40 {
                continue;
            }
            let plan = Plan::new(&program, isa).unwrap();
            for candidate in &plan.choices[0].candidates {
                if candidate.verdict.is_ok() {
                    let plan = forced(&program, isa, candidate.layout);
                    let seen = Executor::new(&plan).infer(&event.inputs);
                    prop_assert_eq!(&seen, &expected, "{} on {}", candidate.layout, isa);
                }
            }
        }
    }
}

/// What each layout is refused for.
fn verdicts(layer: &Layer) -> Vec<(Layout, Option<String>)> {
    let program = layer.program();
    let plan = Plan::new(&program, Isa::Rv32im).unwrap();
    let mut verdicts: Vec<_> = plan.choices[0]
        .candidates
        .iter()
        .map(|candidate| (candidate.layout, candidate.verdict.clone().err()))
        .collect();
    verdicts.sort();
    verdicts
}

#[test]
fn a_layout_that_is_not_exact_is_refused_by_its_condition() {
    let layer = Layer {
        rows: 8,
        columns: 32,
        operand: (-128, 127),
        x: Raws::Any,
        weights: Raws::Any,
        shifts: Some((9, false)),
        bits: 8,
        relu: true,
        rule: (1, 0, "rnd", "sat"),
        seed: 1,
    };
    assert!(
        verdicts(&layer)
            .iter()
            .all(|(_, refused)| refused.is_none())
    );
    let wide = Layer {
        operand: (-32768, 32767),
        ..layer.clone()
    };
    let reason = Some("its operand has 16 bits, not 8".to_owned());
    assert_eq!(
        verdicts(&wide),
        [
            (Layout::Rows, None),
            (Layout::PackedWords, reason.clone()),
            (Layout::ByteQuads, reason),
            (Layout::RowBlocks, None),
        ]
    );
}

/// Layouts that leave the rescale to a pass behind their sums.
fn apart(layer: &Layer, isa: Isa) -> Vec<Layout> {
    let program = layer.program();
    let plan = Plan::new(&program, isa).unwrap();
    let step = plan.event.iter().find(|step| step.layout().is_some());
    let dense = plan.layer(step.unwrap()).unwrap();
    let candidates = plan.choices[0].candidates.iter();
    let exact = candidates.filter(|candidate| candidate.verdict.is_ok());
    let layouts = exact.map(|candidate| candidate.layout);
    let mut apart: Vec<Layout> = layouts.filter(|layout| dense.is_apart(*layout)).collect();
    apart.sort();
    apart
}

#[test]
fn sums_are_left_to_a_rescale_behind_them_where_a_layout_has_none() {
    use Layout::{BytePairs, ByteQuads, HalfPairs, NestedPairs, PackedWords, RowBlocks};
    let layer = Layer {
        rows: 8,
        columns: 32,
        operand: (-128, 127),
        x: Raws::Any,
        weights: Raws::Any,
        shifts: Some((9, false)),
        bits: 8,
        relu: false,
        rule: (1, 0, "trn", "sat"),
        seed: 3,
    };
    let with = |rule| Layer {
        rule,
        ..layer.clone()
    };
    let groups = [PackedWords, ByteQuads, RowBlocks];
    // A floor, an offset, and halves downwards are in the bias.
    for rule in [
        (1, 0, "trn", "sat"),
        (1, 77, "trn", "sat"),
        (1, -5, "rnd_min_inf", "sat"),
    ] {
        assert_eq!(apart(&with(rule), Isa::Rv32im), [], "{rule:?}");
        assert_eq!(apart(&with(rule), Isa::ArmV7eDsp), [], "{rule:?}");
    }
    // The DSP routines round halves to even.
    let even = with((1, 0, "rnd_conv", "sat"));
    assert_eq!(apart(&even, Isa::Rv32im), groups);
    assert_eq!(apart(&even, Isa::ArmV7eDsp), []);
    for rule in [
        (3, 0, "trn", "sat"),
        (1, 0, "trn", "wrap"),
        (1, 0, "trn", "sat_sym"),
        (1, 0, "trn_zero", "sat"),
    ] {
        let fewer = match rule.3 {
            // Limits of any size are in the bias.
            "sat_sym" => &[][..],
            _ => &groups[..],
        };
        assert_eq!(apart(&with(rule), Isa::Rv32im), fewer, "{rule:?}");
        let pairs = apart(&with(rule), Isa::ArmV7eDsp);
        assert_eq!(pairs, [NestedPairs, BytePairs, HalfPairs], "{rule:?}");
    }
    // 2^19 · 2^12 is no number of 32 bits: the upper limit does not fit before the shift.
    let steep = Layer {
        shifts: Some((20, false)),
        bits: 13,
        ..with((1, 0, "rnd", "sat"))
    };
    assert_eq!(apart(&steep, Isa::Rv32im), groups);
}
