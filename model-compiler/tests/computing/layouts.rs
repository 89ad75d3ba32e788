//! Every layout that is proved exact for a layer computes what its definition says, over random
//! shapes and extreme ones; what is not exact is refused.

use hodoscope_compiler::plan::layout::{Layer, Layout, filled};
use hodoscope_compiler::plan::{Accumulator, Reduction, Requantise};
use hodoscope_kernels::layout::pairs::Pairs;
use hodoscope_kernels::layout::{byte_pairs, half_pairs, nested_pairs};
use hodoscope_program::{Constant, IntType, Interval, Rounding};
use proptest::prelude::*;

/// Columns of the longest row here.
const LONGEST: usize = 640;

/// A dense layer of its own.
#[derive(Clone, Debug)]
struct Case {
    weights: Vec<i64>,
    bias: Vec<i64>,
    x: Vec<i64>,
    bits: u8,
    requantise: Requantise,
    limits: (i64, i64),
    rescaled: bool,
}

impl Case {
    /// ⌊(bias + Σ w·x) / 2^shift + ½⌋ within the limits, or with one multiplier and offset, or the sums.
    fn by_definition(&self) -> Vec<i64> {
        let rows = self.weights.chunks(self.x.len()).zip(&self.bias);
        rows.enumerate()
            .map(|(row, (weights, bias))| {
                let products = weights.iter().zip(&self.x).map(|(w, x)| w * x);
                let sum = bias + products.sum::<i64>();
                let rounded = match &self.requantise {
                    Requantise::Shift(shifts) => (sum + ((1 << shifts[row]) >> 1)) >> shifts[row],
                    Requantise::Imported {
                        offsets,
                        shifts,
                        rounding,
                        ..
                    } => {
                        let (sum, one) = (sum + offsets[0], 1i64 << shifts[row]);
                        let (floor, left) = (sum.div_euclid(one), sum.rem_euclid(one));
                        let up = match rounding {
                            Rounding::Trn => false,
                            Rounding::RndMinInf => 2 * left > one,
                            Rounding::RndConv => 2 * left + (floor & 1) > one,
                            other => panic!("{other:?}"),
                        };
                        floor + i64::from(up)
                    }
                    Requantise::Scaled {
                        multiplier,
                        offset,
                        shift,
                    } => {
                        let product = i128::from(sum) * i128::from(*multiplier);
                        let exact = product + (i128::from(*offset) << 32);
                        i64::try_from(exact >> (32 + shift)).unwrap()
                    }
                    other => panic!("{other:?}"),
                };
                match self.rescaled {
                    true => rounded.clamp(self.limits.0, self.limits.1),
                    false => sum,
                }
            })
            .collect()
    }

    /// Whether every partial sum, in any order, fits in 32 bits, as a plan's accumulators do.
    fn fits(&self) -> bool {
        let magnitude = 1i64 << (self.bits - 1);
        let rows = self.weights.chunks(self.x.len()).zip(&self.bias);
        rows.into_iter().all(|(weights, bias)| {
            let norm: i64 = weights.iter().map(|w| w.abs()).sum();
            norm * magnitude + bias.abs() + (1 << 20) <= i64::from(i32::MAX)
        })
    }

    /// The layouts that compute it, after checking that they do so rightly.
    fn check(&self) -> Vec<Layout> {
        let (rows, columns) = (self.bias.len(), self.x.len());
        let constant = |shape: Vec<usize>, data: &[i64]| Constant {
            name: "constant".into(),
            shape,
            element: IntType::signed(32),
            data: data.to_vec(),
        };
        let weights = constant(vec![rows, columns], &self.weights);
        let bias = constant(vec![rows], &self.bias);
        let operand = IntType::signed(self.bits);
        let layer = Layer {
            weights: &weights,
            bias: &bias,
            operand,
            interval: Interval::of_type(operand),
            result: IntType::signed(16),
            accumulator: Accumulator::I32,
            rescale: self.rescaled.then_some((&self.requantise, self.limits)),
            twins: false,
            plain: (false, false),
            is_viewed: false,
            is_single: true,
        };
        let mut exact = vec![];
        for layout in Layout::ALL {
            let portable = match layout {
                Layout::NestedPairs => nested_pairs::portable,
                Layout::BytePairs => byte_pairs::portable,
                Layout::HalfPairs => half_pairs::portable,
                // Their kernels are held to the interpreter in `kernels_random`.
                _ => continue,
            };
            if layout.prove(&layer).is_err() {
                continue;
            }
            let stream = layout.constants(&layer).stream.unwrap().data;
            let stream: Vec<i32> = stream.iter().map(|w| i32::try_from(*w).unwrap()).collect();
            let mut x: Vec<i16> = self.x.iter().map(|x| i16::try_from(*x).unwrap()).collect();
            // What stands in the columns beyond the row must not matter.
            x.resize(filled(columns), -1234);
            let mut y = vec![0; filled(rows)];
            let (low, high) = self.limits;
            match (self.rescaled, &self.requantise) {
                (true, Requantise::Scaled { .. }) => {
                    let scale = match (layout, low) {
                        (Layout::NestedPairs, 0) => nested_pairs::dense_scale::<0, 127>,
                        (Layout::NestedPairs, _) => nested_pairs::dense_scale::<-128, 127>,
                        (Layout::BytePairs, 0) => byte_pairs::dense_scale::<0, 127>,
                        (Layout::BytePairs, _) => byte_pairs::dense_scale::<-128, 127>,
                        (_, 0) => half_pairs::dense_scale::<0, 127>,
                        _ => half_pairs::dense_scale::<-128, 127>,
                    };
                    let mut halves = vec![0; filled(rows)];
                    let mut whole = Box::new(Pairs::<LONGEST>::ZERO);
                    whole[..x.len()].copy_from_slice(&x);
                    scale(&whole[..x.len()], &stream, &mut halves);
                    y = halves.into_iter().map(i64::from).collect();
                }
                (true, requantise) if requantise.folded().unwrap().is_even() => {
                    let even = match layout {
                        Layout::NestedPairs => nested_pairs::portable_even,
                        Layout::BytePairs => byte_pairs::portable_even,
                        _ => half_pairs::portable_even,
                    };
                    even(&x, &stream, &mut |row, exact| {
                        y[row] = i64::from(exact).clamp(low, high);
                    });
                }
                (rescaled, _) => portable(&x, &stream, rescaled, &mut |row, exact: i32| {
                    y[row] = match rescaled {
                        true => i64::from(exact).clamp(low, high),
                        false => exact.into(),
                    };
                }),
            }
            assert_eq!(y[..rows], self.by_definition(), "{layout}: {self:?}");
            exact.push(layout);
        }
        exact
    }
}

/// Numbers within a range, some cases with nothing but its ends.
fn numbers(count: usize, low: i64, high: i64) -> impl Strategy<Value = Vec<i64>> {
    prop_oneof![
        4 => prop::collection::vec(low..=high, count),
        1 => Just(vec![low; count]),
        1 => Just(vec![high; count]),
        1 => prop::collection::vec(prop::sample::select(vec![low, high]), count),
    ]
}

/// Scales by one multiplier, extreme ones among them.
fn scales() -> impl Strategy<Value = Requantise> {
    let multipliers = prop_oneof![
        4 => any::<i32>(),
        1 => prop::sample::select(vec![i32::MIN, i32::MAX, 1 << 30, 1, 0]),
    ];
    let end = (1 << 30) - 1;
    let offsets = prop_oneof![
        4 => -20_000..=20_000,
        1 => prop::sample::select(vec![-end, end]),
    ];
    (multipliers, offsets, 0..=31u8).prop_map(|(multiplier, offset, shift)| Requantise::Scaled {
        multiplier,
        offset,
        shift,
    })
}

/// Roundings that a bias takes up, with an offset.
fn brought() -> impl Strategy<Value = (Rounding, i64)> {
    let roundings = vec![Rounding::Trn, Rounding::RndMinInf, Rounding::RndConv];
    (prop::sample::select(roundings), -9000..=9000i64)
}

fn cases() -> impl Strategy<Value = Case> {
    let shapes = prop_oneof![
        (1..10usize, 1..70usize),
        (1..3usize, prop::sample::select(vec![127, 128, 512, 640])),
    ];
    let shapes = (shapes, prop::sample::select(vec![2u8, 8, 12, 16]));
    let limits = prop::sample::select(vec![(0, 127), (-128, 127), (-32_768, 32_767), (0, 32_767)]);
    shapes.prop_flat_map(move |((rows, columns), bits)| {
        let end = 1i64 << (bits - 1);
        let weights = prop_oneof![
            4 => numbers(rows * columns, -127, 127),
            1 => numbers(rows * columns, -128, 127),
            1 => numbers(rows * columns, -32_768, 32_767),
        ];
        (
            weights,
            prop::collection::vec(-100_000..=100_000i64, rows),
            numbers(columns, -end, end - 1),
            prop::collection::vec(0..=20u8, rows),
            limits.clone(),
            any::<bool>(),
            prop::option::weighted(0.3, scales()),
            prop::option::of(brought()),
        )
            .prop_map(
                move |(weights, bias, x, shifts, limits, rescaled, scale, brought)| Case {
                    weights,
                    bias,
                    x,
                    bits,
                    // The bodies that scale are instances for two types.
                    limits: match &scale {
                        Some(_) => (limits.0.max(-128), 127),
                        None => limits,
                    },
                    requantise: scale.unwrap_or(match brought {
                        Some((rounding, offset)) => Requantise::Imported {
                            multipliers: vec![1],
                            offsets: vec![offset],
                            shifts,
                            rounding,
                            overflow: Reduction::Saturated,
                        },
                        None => Requantise::Shift(shifts),
                    }),
                    rescaled,
                },
            )
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn layouts_compute_the_definition(case in cases()) {
        prop_assume!(case.fits());
        case.check();
    }
}

fn uniform(weight: i64, columns: usize, x: i64) -> Case {
    Case {
        weights: vec![weight; 5 * columns],
        bias: vec![-7; 5],
        x: vec![x; columns],
        bits: 8,
        requantise: Requantise::Shift(vec![7; 5]),
        limits: (-128, 127),
        rescaled: true,
    }
}

#[test]
fn the_longest_rows_of_extremes_are_taken_as_far_as_they_are_exact() {
    use Layout::{BytePairs, HalfPairs, NestedPairs};
    // 127·512·128 is below 2^23, 127·640·128 is not; −128 does not nest.
    for (weight, columns, expected) in [
        (127, 512, vec![NestedPairs, BytePairs, HalfPairs]),
        (-127, 512, vec![NestedPairs, BytePairs, HalfPairs]),
        (127, 640, vec![BytePairs, HalfPairs]),
        (-128, 64, vec![BytePairs, HalfPairs]),
        (128, 64, vec![HalfPairs]),
        (127, 1, vec![NestedPairs, BytePairs, HalfPairs]),
    ] {
        for x in [-128, 127] {
            let exact = uniform(weight, columns, x).check();
            assert_eq!(exact, expected, "weights of {weight}, {columns} columns");
        }
    }
}
