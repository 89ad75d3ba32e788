//! The range of a fixed-point type: what lies outside is brought in again, or becomes the nearest number inside.

use super::reader::{Reader, exponent};
use super::rounding::Rounded;
use crate::graph::fixed_point::{FixedPoint, FixedType, MAX_FRAC, MAX_WIDTH};
use crate::graph::{Binary, Op, Unary, ValueId};

/// A value between bounds.
struct Bounded {
    x: ValueId,
    low: Vec<f32>,
    high: Vec<f32>,
}

impl Reader<'_> {
    /// (r + c) mod m − c of a number r on a grid: m counts, of which the lower half are negative or none.
    pub fn wrapped(&self, value: ValueId) -> Option<(ValueId, FixedPoint)> {
        let zeros = || vec![0.0; self.shape.iter().product()];
        let (rest, back) = match self.shifted(value) {
            Some((rest, numbers)) => (rest, numbers.into_iter().map(|n| -n).collect()),
            None => (value, zeros()),
        };
        let (dividend, moduli) = self.remainder(rest)?;
        let (on_grid, there) = match self.shifted(dividend) {
            Some(shifted) if shifted.1 == back => shifted,
            _ if back == zeros() => (dividend, back.clone()),
            _ => return None,
        };
        let rounded = self.rounded(on_grid)?;
        let all = rounded.fracs.iter().zip(&moduli).zip(&there);
        let types = all.map(|((&frac, &modulus), &c)| {
            let width = u32::try_from(exponent(modulus)? + frac).ok()?;
            let counts = 1i64.checked_shl(width).filter(|_| width <= MAX_WIDTH)?;
            let minimum = match c {
                0.0 => 0,
                half if half == modulus / 2.0 && counts > 1 => -counts / 2,
                _ => return None,
            };
            let maximum = minimum + counts - 1;
            kind(frac, minimum, maximum)
        });
        let types = types.collect::<Option<Vec<_>>>()?;
        Some((rounded.x, of(&rounded, types, true)))
    }

    /// A number on a grid between bounds on it: bounded before or after it is rounded, which is the same.
    pub fn saturated(&self, value: ValueId) -> Option<(ValueId, FixedPoint)> {
        let (x, rounded, bounded) = match self.rounded(value) {
            Some(rounded) => {
                let bounded = self.bounded(rounded.x)?;
                (bounded.x, rounded, bounded)
            }
            None => {
                let bounded = self.bounded(value)?;
                let rounded = self.rounded(bounded.x)?;
                (rounded.x, rounded, bounded)
            }
        };
        let all = rounded.fracs.iter().zip(&bounded.low).zip(&bounded.high);
        let types = all.map(|((&frac, &low), &high)| {
            let counts = |bound: f32| {
                let counts = libm::ldexp(f64::from(bound), frac);
                (counts == counts.trunc() && counts.abs() <= f64::from(1u32 << MAX_WIDTH))
                    .then_some(counts as i64)
            };
            kind(frac, counts(low)?, counts(high)?)
        });
        let types = types.collect::<Option<Vec<_>>>()?;
        Some((x, of(&rounded, types, false)))
    }

    /// y·c with c = 0 or 1 of a number y of a type: elements that the network trained away.
    pub fn gated(&self, value: ValueId) -> Option<(ValueId, FixedPoint)> {
        let (y, gates) = self.with_numbers(value, Binary::Mul)?;
        let (Op::FixedPoint(quantiser), &[x]) = self.operation(y)? else {
            return None;
        };
        let types = quantiser
            .types
            .iter()
            .zip(&gates)
            .map(|(ty, gate)| match gate {
                0.0 => Some(FixedType::ZERO),
                1.0 => Some(*ty),
                _ => None,
            });
        let types = types.collect::<Option<Vec<_>>>()?;
        let gated = FixedPoint {
            types,
            ..(**quantiser).clone()
        };
        Some((x, gated))
    }

    /// a and m of a − ⌊a / m⌋·m.
    fn remainder(&self, value: ValueId) -> Option<(ValueId, Vec<f32>)> {
        let (a, whole) = self.binary(value, Binary::Sub)?;
        let (floor, moduli) = self.with_numbers(whole, Binary::Mul)?;
        let quotient = self.unary(floor, Unary::Floor)?;
        let (dividend, exponents) = self.scaled(quotient)?;
        let inverse = |(m, e): (&f32, &i32)| exponent(*m) == Some(-e);
        let same = dividend == a && moduli.iter().zip(&exponents).all(inverse);
        same.then_some((a, moduli))
    }

    /// A value between constants, however it is written.
    fn bounded(&self, value: ValueId) -> Option<Bounded> {
        if let (Op::Unary(Unary::Clip { min, max }), &[x]) = self.operation(value)? {
            let all = |bound: f32| vec![bound; self.shape.iter().product()];
            return Some(Bounded {
                x,
                low: all(*min),
                high: all(*max),
            });
        }
        let (inner, outer, above) = self.one_side(value)?;
        let (x, other, opposite) = self.one_side(inner)?;
        let (low, high) = match (above, opposite) {
            (true, false) => (other, outer),
            (false, true) => (outer, other),
            _ => return None,
        };
        Some(Bounded { x, low, high })
    }

    /// A value, its bounds, and whether they are upper ones.
    fn one_side(&self, value: ValueId) -> Option<(ValueId, Vec<f32>, bool)> {
        for (op, above) in [(Binary::Min, true), (Binary::Max, false)] {
            if let Some((x, bounds)) = self.with_numbers(value, op) {
                return Some((x, bounds, above));
            }
        }
        let (condition, bounds, inner) = self.choice(value)?;
        let bounds = self.numbers(bounds)?;
        // The comparison may be with what was bounded on the other side before: the same where bounds are in order.
        let compared = [Some(inner), self.choice(inner).map(|(_, _, x)| x)];
        compared.into_iter().flatten().find_map(|x| {
            [true, false].into_iter().find_map(|above| {
                let limits = self.beyond(condition, x, above)?;
                (limits == bounds).then(|| (inner, bounds.clone(), above))
            })
        })
    }
}

fn kind(frac: i32, minimum: i64, maximum: i64) -> Option<FixedType> {
    let sound = minimum <= maximum && frac.abs() <= MAX_FRAC;
    sound.then_some(FixedType {
        frac,
        minimum,
        maximum,
    })
}

fn of(rounded: &Rounded, types: Vec<FixedType>, wraps: bool) -> FixedPoint {
    FixedPoint {
        types,
        rounding: rounded.mode,
        wraps,
    }
}
