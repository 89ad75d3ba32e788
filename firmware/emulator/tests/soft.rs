//! Numbers made of integers are those of the processor, and words those of the written rule.

#![allow(clippy::unwrap_used)]

use hodoscope_emulator::field;
use hodoscope_emulator::soft::{DOUBLE, SINGLE, Soft, Whole, widened};
use hodoscope_emulator::{Field, Text};
use proptest::prelude::*;

/// Any bits; and numbers near whole and half ones, where rounding is decided.
fn doubles() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<u64>().prop_map(f64::from_bits),
        (-4_000_000i64..4_000_000, -3i64..4).prop_map(|(n, ulps)| {
            let near = n as f64 * 0.25;
            f64::from_bits(near.to_bits().wrapping_add_signed(ulps))
        }),
        (any::<i32>(), -1080i32..1020).prop_map(|(n, e)| f64::from(n) * 2f64.powi(e)),
    ]
}

/// Positive ones.
fn lsbs() -> impl Strategy<Value = f64> {
    let positive = |value: f64| value.is_finite() && value != 0.0;
    doubles().prop_map(move |value| if positive(value) { value.abs() } else { 0.05 })
}

fn finite(value: f64) -> Option<u64> {
    value.is_finite().then(|| value.to_bits())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40_000))]

    #[test]
    fn doubles_are_computed_as_the_processor_does(a in doubles(), b in doubles()) {
        let (Some(x), Some(y)) = (Soft::of(a), Soft::of(b)) else {
            prop_assert!(!a.is_finite() || !b.is_finite());
            return Ok(());
        };
        prop_assert_eq!(x.double().to_bits(), a.to_bits());
        let bits = |soft: Option<Soft>| soft.map(|s| s.double().to_bits());
        prop_assert_eq!(bits(x.over(y, DOUBLE)), finite(a / b));
        prop_assert_eq!(bits(x.times(y, DOUBLE)), finite(a * b));
        // The sign of a zero is not kept: no rule looks at it.
        let sum = x.plus(y, DOUBLE).map(Soft::double);
        prop_assert_eq!(sum, (a + b).is_finite().then_some(a + b));
        let wholes = [
            (Whole::Floor, a.floor()), (Whole::Ceil, a.ceil()), (Whole::Truncate, a.trunc()),
            (Whole::Away, a.abs().ceil().copysign(a)), (Whole::TiesEven, a.round_ties_even()), (Whole::TiesAway, a.round()),
        ];
        for (how, expected) in wholes {
            prop_assert_eq!(x.whole(how), expected as i64, "{:?} of {}", how, a);
        }
    }

    #[test]
    fn singles_are_computed_as_the_processor_does(a in doubles(), b in doubles(), bits in any::<u32>()) {
        let single = f32::from_bits(bits);
        prop_assert!(widened(single).to_bits() == f64::from(single).to_bits() || single.is_nan());
        let (Some(x), Some(y)) = (Soft::of(a), Soft::of(b)) else { return Ok(()) };
        let (narrow, other) = (a as f32, b as f32);
        let value = |soft: Option<Soft>| soft.map(|s| s.double() as f32);
        let finite = |value: f32| value.is_finite().then_some(value);
        prop_assert_eq!(value(x.to(SINGLE)), finite(narrow));
        if let (Some(x), Some(y)) = (x.to(SINGLE), y.to(SINGLE)) {
            prop_assert_eq!(value(x.over(y, SINGLE)), finite(narrow / other));
            prop_assert_eq!(value(x.plus(y, SINGLE)), finite(narrow + other));
        }
    }

    #[test]
    fn words_are_those_of_the_rule(
        value in doubles(),
        lsb in prop_oneof![Just(0.25), Just(0.05), Just(std::f64::consts::PI / 720.0), Just(2.3e-308), Just(4e-39), Just(1e300)],
        (minimum, words) in (-40_000i64..1, 1i64..70_000),
        wraps in 0..2i32,
        (rounding, zero_point, zero_first) in (0..10i32, -300i64..300, 0..2i32),
    ) {
        let nearest = rounding == field::NEAREST;
        let zero_point = if nearest { 0 } else { zero_point };
        let maximum = minimum + words - 1;
        let field = Field {
            name: Text::new(c"x"), unit: Text::new(c""), lsb, minimum, maximum, empty: minimum,
            zero_point, rounding, zero_first, wraps, reserved: 0,
        };
        let counts = if nearest { (value / lsb + 0.5).floor() } else { single(value, &field).into() };
        let expected = counts.is_finite().then(|| {
            let raw = (counts as i64).saturating_add(if zero_first == 1 { 0 } else { zero_point });
            let period = i128::from(words);
            match wraps {
                1 => (i128::from(raw) - i128::from(minimum)).rem_euclid(period) as i64 + minimum,
                _ => raw.clamp(minimum, maximum),
            }
        });
        let got = field.encode(value).map(|encoded| i64::from(encoded.word));
        prop_assert_eq!(got, expected, "{} over {}", value, lsb);
    }

    #[test]
    fn scores_are_products(raw in any::<i64>(), shift in 0..63, lsb in lsbs()) {
        let raw = raw >> shift;
        prop_assert_eq!(field::value(raw, lsb).to_bits(), (raw as f64 * lsb).to_bits());
    }
}

/// What the quantiser makes of a value, as the contract says it.
fn single(value: f64, field: &Field) -> f32 {
    let first = if field.zero_first == 1 {
        field.zero_point
    } else {
        0
    };
    let quotient = value as f32 / field.lsb as f32 + first as f32;
    match field.rounding {
        field::TRN => quotient.floor(),
        field::TRN_ZERO => quotient.trunc(),
        field::RND => (quotient + 0.5).floor(),
        field::RND_CONV => quotient.round_ties_even(),
        field::RND_ZERO => (quotient.abs() - 0.5).ceil().copysign(quotient),
        field::RND_INF => quotient.round(),
        field::RND_MIN_INF => (quotient - 0.5).ceil(),
        field::CEIL => quotient.ceil(),
        _ => quotient.abs().ceil().copysign(quotient),
    }
}
