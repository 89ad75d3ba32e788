//! What the verifier proves holds for whatever events a program gets.
#![allow(clippy::unwrap_used)] // A test that unwraps fails with the line that is wrong.

#[path = "../../program/tests/support/mod.rs"]
mod support;

use std::collections::BTreeMap;

use hodoscope_interpreter::{Event, Interpreter};
use hodoscope_program::{Dim, Live, Operation, Program, ValueId};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use support::{ANY, Random, Reach, event, programs};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn every_result_lies_within_its_proof(program in programs(ANY), seed in any::<u64>()) {
        let interpreter = Interpreter::new(&program).unwrap();
        let proof = interpreter.proof();
        let mut random = Random::new(seed);
        for _ in 0..12 {
            let inputs = event(&program, &mut random, Reach::Anything);
            let trace = interpreter.trace(&Event { inputs }).unwrap();
            for (id, value) in program.values() {
                let raws = &trace.values[id.index()];
                let multiplicity = match value.shape.0[0] {
                    Dim::Multiplicity(set) => trace.multiplicity[set.index()],
                    Dim::Fixed(_) => 0,
                };
                prop_assert_eq!(raws.len(), value.shape.elements(multiplicity));
                for (index, raw) in raws.iter().enumerate() {
                    let interval = proof.intervals[id.index()][index % value.shape.channels()];
                    let inside = (interval.minimum..=interval.maximum).contains(&(*raw).into());
                    prop_assert!(inside, "{}: {raw} outside of {interval}", value.name);
                    prop_assert!(value.element.contains(*raw), "{}: {raw}", value.name);
                }
                let worst = worst_partial_sum(&program, id, &trace.values, &mut random);
                let bound = proof.bounds[id.index()];
                prop_assert!(worst <= bound, "{}: {worst} exceeds {bound}", value.name);
            }
        }
    }
}

/// The largest partial sum of a value, in the given order, in a shuffled one, and in the two that
/// add all of one sign first.
fn worst_partial_sum(
    program: &Program,
    id: ValueId,
    values: &[Vec<i64>],
    random: &mut Random,
) -> i128 {
    let raws = |x: &ValueId| &values[x.index()];
    let channels = |x: &ValueId| program.value(*x).shape.channels();
    let mut worst = 0;
    let mut consider = |mut terms: Vec<i128>| {
        for order in 0..4 {
            match order {
                0 => {}
                1 => terms.sort_unstable(),
                2 => terms.reverse(),
                _ => random.shuffle(&mut terms),
            }
            let mut sum = 0i128;
            for term in &terms {
                sum += term;
                worst = worst.max(sum.abs());
            }
        }
    };
    let wide = |x: i64| i128::from(x);
    match &program.value(id).operation {
        Operation::Dense { x, weights, bias } => {
            let weights = &program.constant(*weights).data;
            for row in raws(x).chunks(channels(x)) {
                let layer = weights.chunks(channels(x));
                for (weights, bias) in layer.zip(&program.constant(*bias).data) {
                    let products = weights.iter().zip(row).map(|(w, x)| wide(*w) * wide(*x));
                    consider(products.chain([wide(*bias)]).collect());
                }
            }
        }
        Operation::MatMul { a, b } => {
            // Every row of a with every row of b, also of other matrices: their bound is the same.
            for row in raws(a).chunks(channels(a)) {
                for other in raws(b).chunks(channels(b)) {
                    consider(
                        row.iter()
                            .zip(other)
                            .map(|(a, b)| wide(*a) * wide(*b))
                            .collect(),
                    );
                }
            }
        }
        Operation::Sum { x } => {
            // One sum for each element of a row, which may have axes of its own.
            let row = program.value(id).shape.elements(1);
            for element in 0..row {
                let column = raws(x).iter().skip(element).step_by(row);
                consider(column.map(|x| wide(*x)).collect());
            }
        }
        Operation::SumSquares { x } => {
            for row in raws(x).chunks(channels(x)) {
                consider(row.iter().map(|x| wide(*x) * wide(*x)).collect());
            }
        }
        Operation::SquaredError { a, b } => {
            let differences = raws(a)
                .iter()
                .zip(raws(b))
                .map(|(a, b)| wide(*a) - wide(*b));
            let squares: Vec<i128> = differences.map(|d| d * d).collect();
            squares
                .chunks(channels(a))
                .for_each(|row| consider(row.to_vec()));
        }
        _ => {}
    }
    worst
}

/// The random programs are no trivial ones: otherwise the tests above would say little.
#[test]
fn the_random_programs_reach_every_operation_and_rule() {
    let mut runner = TestRunner::deterministic();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..1200 {
        let program = programs(ANY).new_tree(&mut runner).unwrap().current();
        for value in &program.values {
            *counts.entry(value.operation.keyword()).or_default() += 1;
        }
        for set in &program.sets {
            let rule = match set.live {
                Live::Always => "always",
                Live::NotEmpty { .. } => "not_empty",
                Live::Above { .. } => "above",
                Live::NotEqual { .. } => "not",
            };
            *counts.entry(rule).or_default() += 1;
            *counts
                .entry(if set.order.is_some() {
                    "order"
                } else {
                    "no order"
                })
                .or_default() += 1;
        }
        *counts
            .entry(["no set", "one set", "two sets"][program.sets.len()])
            .or_default() += 1;
    }
    println!("{counts:?}");
    let expected = [
        "input",
        "rescale",
        "dense",
        "relu",
        "leaky_relu",
        "clip",
        "table",
        "sum",
        "max",
        "count",
        "arg_max",
        "mul",
        "add",
        "sub",
        "squared_error",
        "sum_squares",
        "select",
        "concat",
        "mat_mul",
        "quotient",
        "square_root",
        "interpolate",
        "exponent",
        "mantissa",
        "larger",
        "smaller",
        "largest",
        "top_k",
        "take",
        "trees",
        "always",
        "above",
        "not",
        "not_empty",
        "order",
        "no order",
        "no set",
        "one set",
        "two sets",
    ];
    for name in expected {
        let count = counts.get(name).copied().unwrap_or(0);
        assert!(count >= 40, "{name}: {count} in 1200 programs");
    }
}

mod definitions {
    //! Sets, worked out by hand.

    use super::*;

    const TEXT: &str = "hodoscope-program 1
        program sets
        set jet capacity 2
        input x set jet channels 2
          field pt unit \"\" lsb 1.0 range 0 100 saturate empty 0
          field eta unit \"\" lsb 1.0 range -10 10 saturate empty 0
        live jet x[0] above 1
        order jet x[0]
        value x [jet, 2] i8 frac 0 = input x
        value sum [2] i32 frac 0 = sum x
        output sum = sum";

    fn check(live: &str, rows: &[[i64; 2]], kept: &[i64], sum: [i64; 2]) {
        let text = TEXT.replace("live jet x[0] above 1\n        order jet x[0]", live);
        let program = Program::from_text(&text).unwrap();
        let interpreter = Interpreter::new(&program).unwrap();
        let inputs = vec![rows.iter().flatten().copied().collect()];
        let trace = interpreter.trace(&Event { inputs }).unwrap();
        assert_eq!(trace.values[0], kept, "{live}, {rows:?}");
        assert_eq!(trace.values[1], sum, "{live}, {rows:?}");
    }

    #[test]
    fn which_slots_are_kept() {
        let ordered = "live jet x[0] above 1 order jet x[0]";
        check(ordered, &[], &[], [0, 0]);
        check(ordered, &[[1, 5]], &[], [0, 0]);
        check(ordered, &[[1, 5], [2, 6]], &[2, 6], [2, 6]);
        // The hardest two, in the order of arrival; of equally hard ones the first.
        check(ordered, &[[3, 1], [9, 2], [5, 3]], &[9, 2, 5, 3], [14, 5]);
        check(ordered, &[[5, 1], [5, 2], [5, 3]], &[5, 1, 5, 2], [10, 3]);
        check(ordered, &[[5, 1], [6, 2], [5, 3]], &[5, 1, 6, 2], [11, 3]);
        // Words are clamped before they decide: 500 and 100 are as hard.
        check(
            ordered,
            &[[100, 1], [500, 2], [700, 3]],
            &[100, 1, 100, 2],
            [200, 3],
        );
        let first = "live jet x[0] above 1";
        check(
            first,
            &[[3, 1], [1, 9], [9, 2], [50, 3]],
            &[3, 1, 9, 2],
            [12, 3],
        );
        let codes = "live jet x[1] not -10";
        check(
            codes,
            &[[3, -10], [0, 0], [9, -99], [2, 2]],
            &[0, 0, 2, 2],
            [2, 2],
        );
        let always = "live jet always order jet x[1]";
        check(always, &[[0, -10], [0, 3], [7, 3]], &[0, 3, 7, 3], [7, 6]);
    }

    #[test]
    fn an_event_that_is_not_the_programs_is_refused() {
        let program = Program::from_text(TEXT).unwrap();
        let interpreter = Interpreter::new(&program).unwrap();
        let run = |inputs: Vec<Vec<i64>>| {
            interpreter
                .run(&Event { inputs })
                .map_err(|e| e.to_string())
        };
        assert_eq!(run(vec![vec![2, 3]]), Ok(vec![vec![2, 3]]));
        let error = run(vec![]).unwrap_err();
        assert!(error.contains("0 inputs, the program 1"), "{error}");
        let error = run(vec![vec![2, 3, 4]]).unwrap_err();
        assert!(error.contains("input 'x': 3 words, not 2"), "{error}");
    }
}
