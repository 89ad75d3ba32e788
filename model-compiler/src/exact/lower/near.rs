//! Steps that are no powers of two, as an LSB of 0.05 or π/720 is: where numbers of several such steps must share one
//! grid, or a root or a quotient wants a power of two, they are brought onto a fine one by a rescale.
//!
//! Only among our own quantisers: a network that brings its own is exact or refused. The multiplier has 30 bits, so that
//! a number misses its value by half a count of the grid and 2^−30 of itself at most; the grid is 2^14 times as fine as
//! the finest step.

use hodoscope_program::{Overflow, Rounding};

use super::factors::{Quotients, approximate};
use super::{Lowered, Lowering, PROPORTION, Real, Source};
use crate::exact::dyadic::Dyadic;

/// How much finer than the finest step a grid is.
const FINER: i32 = 14;
/// Bits of a multiplier, and of a product.
const MULTIPLIER_BITS: i32 = 30;
const PRODUCT_BITS: i32 = 61;

/// Whether every number is so many counts of a grid, and a rescale of 32 bits says how many, behind one by a power of two
/// perhaps.
pub(super) fn divides(x: &Real, grid: &[Dyadic]) -> bool {
    let narrow = |m: i128| m.abs() >> m.trailing_zeros().min(30) < 1 << 31;
    let pairs = x.step.iter().zip(&x.offset).zip(grid);
    x.is_constant()
        || pairs.into_iter().all(|((step, offset), grid)| {
            step.integer_over(*grid).is_some_and(narrow) && offset.integer_over(*grid).is_some()
        })
}

/// A power of two of which all steps are counts: the coarsest that divides them, or a fine one that they miss.
pub(super) fn common(steps: &[Dyadic], ours: bool) -> Option<Dyadic> {
    let steps = || steps.iter().filter(|step| !step.is_zero());
    let exact = steps().map(|step| step.exponent()).min().unwrap_or(0);
    let largest = steps().map(|step| step.to_f64().abs()).fold(0.0, f64::max);
    if !ours || largest < libm::ldexp(1.0, exact + 31) {
        return Dyadic::power(exact);
    }
    let smallest = steps().map(|step| step.to_f64().abs());
    let smallest = smallest.fold(f64::INFINITY, f64::min);
    Dyadic::power(exact.max(libm::ilogb(smallest) - FINER))
}

impl Lowering<'_> {
    /// The nearest multiples of a grid.
    pub(super) fn near_grid(&mut self, name: &str, x: Real, grid: &[Dyadic]) -> Lowered<Real> {
        let Source::Value(id) = x.source else {
            return Err(PROPORTION.into());
        };
        let magnitude = self.interval(&x).magnitude().max(1);
        let bits = MULTIPLIER_BITS.min(PRODUCT_BITS - (128 - magnitude.leading_zeros() as i32));
        let mut quotients = Quotients::default();
        for (e, grid) in grid.iter().enumerate() {
            let (own, none) = ((x.step[e], x.offset[e]), Dyadic::ZERO);
            let nearest = approximate(own, magnitude, *grid, none, bits);
            quotients.push(nearest.ok_or(PROPORTION)?);
        }
        let factors = quotients.factors()?;
        let name = format!("{name}.near");
        let (rounding, overflow) = (Rounding::Rnd, Overflow::Sat);
        let id = self
            .builder
            .rescale(&name, id, factors, rounding, overflow, None, grid)?;
        Ok(Real {
            shape: x.shape,
            source: Source::Value(id),
            step: grid.to_vec(),
            offset: vec![Dyadic::ZERO; grid.len()],
            divisor: 1,
        })
    }

    /// The same numbers on one grid that is a power of two, for what shifts.
    pub(super) fn on_power_of_two(&mut self, name: &str, x: Real) -> Lowered<Real> {
        if !self.ours || x.is_constant() || x.step.iter().all(|s| s.is_power_of_two()) {
            return Ok(x);
        }
        let grid = common(&x.step, true).ok_or(PROPORTION)?;
        let grid = vec![grid; x.elements()];
        self.on_grid(name, x, &grid)
    }
}
