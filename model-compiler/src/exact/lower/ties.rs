//! Roundings to the nearest that never meet a tie are one and the same: a half, and the floor.
//!
//! A quotient of two scales becomes a multiplier of many bits, and then hardly a raw lies halfway between two
//! integers. Which do is a congruence: raw·m + o ≡ 2^(s−1) modulo 2^s. Where its solutions lie outside what is
//! proved of the raws, the half goes into the offset, and the kernel has no tie to look for.

use hodoscope_program::{Interval, Rounding};

use super::factors::Quotients;

/// `Trn`, with a half in every offset, where `rounding` is to the nearest and no raw in `interval` is a tie; else
/// `rounding`.
pub(super) fn without(rounding: Rounding, q: &mut Quotients, interval: Interval) -> Rounding {
    let nearest = !matches!(rounding, Rounding::Trn | Rounding::TrnZero);
    let mut terms = q.multipliers.iter().zip(&q.offsets).zip(&q.shifts);
    if !nearest || terms.any(|((m, o), s)| ties(*m, *o, *s, interval)) {
        return rounding;
    }
    for (offset, shift) in q.offsets.iter_mut().zip(&q.shifts) {
        *offset += (1 << shift) >> 1;
    }
    Rounding::Trn
}

/// Takes out of each term the powers of two that no result shows: a common one of multiplier, offset and divisor, and,
/// where a floor is taken, of multiplier and divisor alone, since what the offset has below is never enough for a carry.
/// A shift without a multiplier has faster kernels.
pub(super) fn reduce(rounding: Rounding, q: &mut Quotients) {
    let terms = q.multipliers.iter_mut().zip(&mut q.offsets);
    for ((multiplier, offset), shift) in terms.zip(&mut q.shifts) {
        let twos = |n: i128| i32::try_from(n.trailing_zeros()).unwrap_or(i32::MAX);
        let common = twos(*multiplier).min(*shift);
        let spare = match rounding {
            Rounding::Trn => common,
            // The half that is added must stay whole.
            Rounding::Rnd => common.min(*shift - 1),
            _ => common.min(twos(*offset)),
        };
        let spare = spare.max(0);
        *multiplier >>= spare;
        *offset >>= spare;
        *shift -= spare;
    }
}

/// Whether raw·multiplier + offset is an odd multiple of 2^(shift − 1) for a raw of `interval`.
fn ties(multiplier: i128, offset: i128, shift: i32, interval: Interval) -> bool {
    if shift <= 0 {
        return false;
    }
    let modulo = |x: i128, bits: i32| x & ((1 << bits) - 1);
    let target = modulo((1 << (shift - 1)) - offset, shift);
    let twos = match multiplier {
        0 => shift,
        m => (m.trailing_zeros() as i32).min(shift),
    };
    if modulo(target, twos) != 0 {
        return false;
    }
    let bits = shift - twos;
    let residue = modulo(
        (target >> twos).wrapping_mul(inverse(multiplier >> twos)),
        bits,
    );
    let first = interval.minimum + modulo(residue - interval.minimum, bits);
    first <= interval.maximum
}

/// The inverse of an odd number modulo 2^64.
fn inverse(odd: i128) -> i128 {
    // Three bits are right at first; Newton's step doubles them.
    let odd = odd as u64;
    let step = |x: u64, _| x.wrapping_mul(2u64.wrapping_sub(odd.wrapping_mul(x)));
    (0..5).fold(odd, step).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tie_is_found_where_there_is_one_and_nowhere_else() {
        let mut found = [0; 2];
        for multiplier in -20..=20 {
            for offset in [-70, -8, -3, 0, 1, 4, 32, 1000] {
                for shift in 0..8 {
                    for (minimum, maximum) in [(-5, 5), (0, 0), (3, 90), (-300, -200)] {
                        let halfway = |raw: i128| {
                            let rest = (raw * multiplier + offset).rem_euclid(1 << shift);
                            shift > 0 && 2 * rest == 1 << shift
                        };
                        let expected = (minimum..=maximum).any(halfway);
                        let interval = Interval::between(minimum, maximum);
                        let case = (multiplier, offset, shift, minimum, maximum);
                        assert_eq!(
                            ties(multiplier, offset, shift, interval),
                            expected,
                            "{case:?}"
                        );
                        found[usize::from(expected)] += 1;
                    }
                }
            }
        }
        assert!(found.iter().all(|count| *count > 100), "{found:?}");
    }

    #[test]
    fn what_is_reduced_rounds_as_before() {
        let rounded = |rounding, n: i128, s: i32| match rounding {
            Rounding::Trn => n >> s,
            Rounding::Rnd => (n + ((1 << s) >> 1)) >> s,
            _ => (n as f64 / f64::from(1 << s)).round_ties_even() as i128,
        };
        let mut reduced = 0;
        for rounding in [Rounding::Trn, Rounding::Rnd, Rounding::RndConv] {
            for multiplier in -12..=12 {
                for (offset, shift) in (-40..40).flat_map(|o| (0..6).map(move |s| (o, s))) {
                    let mut q = Quotients {
                        multipliers: vec![multiplier],
                        offsets: vec![offset],
                        shifts: vec![shift],
                    };
                    reduce(rounding, &mut q);
                    reduced += usize::from(q.shifts[0] < shift);
                    for raw in -30..30 {
                        let before = rounded(rounding, raw * multiplier + offset, shift);
                        let after = raw * q.multipliers[0] + q.offsets[0];
                        let case = (rounding, multiplier, offset, shift, raw);
                        assert_eq!(rounded(rounding, after, q.shifts[0]), before, "{case:?}");
                    }
                }
            }
        }
        assert!(reduced > 1000, "{reduced}");
    }

    #[test]
    fn roundings_to_the_nearest_become_a_floor_where_nothing_ties() {
        let quotients = || Quotients {
            multipliers: vec![1_049_783_042],
            offsets: vec![-35_184_372_088_832],
            shifts: vec![38],
        };
        let (narrow, wide) = (
            Interval::between(-9_000_000, 9_000_000),
            Interval::between(0, 1 << 37),
        );
        let mut moved = quotients();
        assert_eq!(
            without(Rounding::RndConv, &mut moved, narrow),
            Rounding::Trn
        );
        assert_eq!(moved.offsets, [-35_184_372_088_832 + (1 << 37)]);
        let mut kept = quotients();
        assert_eq!(
            without(Rounding::RndConv, &mut kept, wide),
            Rounding::RndConv
        );
        assert_eq!(
            without(Rounding::TrnZero, &mut kept, narrow),
            Rounding::TrnZero
        );
        assert_eq!(kept.offsets, quotients().offsets);
    }
}
