//! Outputs that no quantiser ends: a mean in the unit of its sum's parts, a function in counts that are fine enough.
//!
//! Nothing behind an output says how fine it has to be. A mean over rows is the sum, whose LSB is the rows' part of a
//! step; a function is rounded to 2^−15 where its results are a score, within −1 and 1, else to 23 bits of the largest.

use hodoscope_program::{Overflow, Rounding};

use super::arithmetic::real;
use super::{Factors, Lowered, Lowering, PROPORTION, Real, Source, table};
use crate::exact::dyadic::Dyadic;
use crate::graph::{Quantiser, RoundingMode, Tensor, Unary};

/// Fraction of a score, and bits of any other result.
const SCORE_BITS: i32 = 15;
const BITS: i32 = 23;
/// Bits of an operand that a function is looked up of.
const OPERAND_BITS: u32 = 30;
/// Largest exponential that is not left to a quantiser.
const EXPONENTIAL: f32 = 1024.0;
/// Why an output has no program.
pub(super) const CONSTANT: &str =
    "it is the same for every event, a constant; take it out of the model's outputs";
/// Places of an operand's interval at which a function is tried.
const PLACES: u32 = 1 << 12;

impl Lowering<'_> {
    /// A mean as the sum in another unit, the nearest of double precision, without an offset.
    pub(super) fn in_unit(&mut self, name: &str, x: Real) -> Lowered<Real> {
        let rows = x.divisor;
        let x = self.centred(name, Real { divisor: 1, ..x })?;
        if rows == 1 {
            return Ok(x);
        }
        let part = |n: &Dyadic| Dyadic::of(n.to_f64() / rows as f64);
        Ok(Real {
            step: x
                .step
                .iter()
                .map(part)
                .collect::<Option<_>>()
                .ok_or(PROPORTION)?,
            ..x
        })
    }

    /// A number of more bits than an index of lines has, without those that no result shows.
    fn in_few_bits(&mut self, name: &str, x: Real) -> Lowered<Real> {
        let bits = self.interval(&x).signed_bits();
        let (Source::Value(id), Some(shift)) = (&x.source, bits.checked_sub(OPERAND_BITS)) else {
            return Ok(x);
        };
        let coarse = i32::try_from(shift).ok().and_then(Dyadic::power);
        let step = coarse.and_then(|c| x.step[0].times(c)).ok_or(PROPORTION)?;
        let factors = Factors {
            multipliers: vec![1],
            offsets: vec![0],
            shifts: vec![u8::try_from(shift).map_err(|_| PROPORTION)?],
        };
        let (rounding, overflow) = (Rounding::Rnd, Overflow::Sat);
        let step = vec![step; x.elements()];
        let name = format!("{name}.operand");
        let id = self
            .builder
            .rescale(&name, *id, factors, rounding, overflow, None, &step)?;
        Ok(real(&x.shape, id, step))
    }

    /// A function at an output, in counts of its own.
    pub(super) fn ended(&mut self, name: &str, function: Unary, x: Real) -> Lowered<Real> {
        let unquantised = || {
            format!(
                "its operand, a {}, is not quantised; add a quantiser behind it",
                function.name()
            )
        };
        let x = self.in_unit(name, x)?;
        let x = self.on_one_grid(name, x)?;
        let x = self.in_few_bits(name, x)?;
        // Between a table's entries a root bends too much near zero.
        if function == Unary::Sqrt && !x.step[0].is_power_of_two() && self.is_wide(&x) {
            return Err(unquantised());
        }
        let hull = self.interval(&x);
        let span = (hull.maximum - hull.minimum) as f64;
        let place = |i: u32| hull.minimum as f64 + span * f64::from(i) / f64::from(PLACES);
        let step = x.step[0].to_f64();
        let numbers = (0..=PLACES).map(|i| (place(i).round() * step) as f32);
        let values = table::applied(function, numbers.collect())?;
        if !values.iter().all(|v| v.is_finite()) {
            return Err(unquantised());
        }
        let largest = values.iter().fold(0.0f32, |m, v| m.max(v.abs()));
        // What is proved of a steep function says little of its results: counts would be too coarse for most of them.
        if function == Unary::Exp && largest > EXPONENTIAL {
            return Err(unquantised());
        }
        let score = matches!(function, Unary::Sigmoid | Unary::Tanh);
        let frac = match score {
            true => SCORE_BITS,
            false => BITS - 1 - libm::ilogb(f64::from(largest.max(f32::MIN_POSITIVE))),
        };
        let end = 1i64 << if score { SCORE_BITS } else { BITS };
        let count = Dyadic::power(-frac).ok_or(PROPORTION)?;
        let quantiser = Quantiser {
            scale: Tensor::scalar(count.to_f64() as f32),
            zero_point: Tensor::scalar(0.0),
            range: Some((-end, end)),
            rounding: RoundingMode::HalfEven,
            zero_first: true,
        };
        let Source::Value(_) = x.source else {
            return Err(CONSTANT.into());
        };
        let result = match self.is_wide(&x) {
            true if function == Unary::Sqrt => self.root(name, x, &quantiser)?,
            true => self.function(name, function, x, &quantiser)?,
            false => self.tabulated(name, function, x, &quantiser)?,
        };
        let step = result.step.iter().map(|s| s.times(count));
        Ok(Real {
            step: step.collect::<Option<_>>().ok_or(PROPORTION)?,
            ..result
        })
    }
}
