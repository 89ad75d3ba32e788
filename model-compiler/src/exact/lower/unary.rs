//! Functions of one element that keep integers.

use hodoscope_program::{IntType, Operation, Overflow, Rounding};

use super::arithmetic::{negated, real, scaled};
use super::{Factors, Lowered, Lowering, PROPORTION, Real, Source, Term};
use crate::exact::dyadic::Dyadic;
use crate::graph::{Binary, Node, Quantiser, RoundingMode, Tensor, Unary};

/// Bits of a leaky slope's fraction, where the quantisers are ours.
const SLOPE_BITS: u8 = 15;

/// From here on twice a magnitude has more than 32 bits.
const WIDE: i64 = 1 << 30;

impl Lowering<'_> {
    pub(super) fn unary(&mut self, name: &str, node: &Node, function: Unary) -> Lowered<Term> {
        let x = self.operand(node, 0)?;
        if x.is_constant() {
            let numbers = x.numbers().ok_or(PROPORTION)?;
            let floats: Vec<f32> = numbers.iter().map(|n| n.to_f64() as f32).collect();
            let values = super::table::applied(function, floats)?;
            let real = Real::constant(x.shape, &values).ok_or(PROPORTION)?;
            return Ok(Term::Real(real));
        }
        let integer = |rounding| Quantiser {
            scale: Tensor::scalar(1.0),
            zero_point: Tensor::scalar(0.0),
            range: None,
            rounding,
            zero_first: true,
        };
        Ok(Term::Real(match function {
            Unary::Relu => self.relu(name, x)?,
            Unary::Neg => negated(x),
            Unary::Abs => self.magnitude(name, x)?,
            Unary::Square => {
                let shape = x.shape.clone();
                self.product(name, x.clone(), x, &shape)?
            }
            Unary::Clip { min, max } => {
                let bound = |v: f32| Dyadic::of(f64::from(v));
                self.clipped(name, x, bound(min), bound(max))?
            }
            Unary::Wrap { period } => self.wrapped(name, x, period)?,
            Unary::Floor => self.quantise(name, node, &integer(RoundingMode::Floor))?,
            Unary::Ceil => self.quantise(name, node, &integer(RoundingMode::Ceil))?,
            Unary::Round => self.quantise(name, node, &integer(RoundingMode::HalfEven))?,
            Unary::Trunc => self.quantise(name, node, &integer(RoundingMode::Down))?,
            Unary::Not => self.negation(x)?,
            Unary::LeakyRelu { alpha } if !self.ours && self.is_line(&x, alpha) => {
                let slope = Dyadic::of(f64::from(alpha)).ok_or(PROPORTION)?;
                self.leaky(name, x, |_| slope)?
            }
            other => return Ok(Term::Function(other, x)),
        }))
    }

    /// |x|: what lies above zero less what lies below, both on one grid.
    pub(super) fn magnitude(&mut self, name: &str, x: Real) -> Lowered<Real> {
        let largest = i64::try_from(self.interval(&x).magnitude());
        // One of both is zero, which their intervals do not tell.
        let bound = match (largest, super::quantise::uniform(&x.step)) {
            (Ok(largest), Some(step))
                if largest > WIDE && x.offset.iter().all(|offset| offset.is_zero()) =>
            {
                let step = if step.is_negative() {
                    step.negated()
                } else {
                    step
                };
                step.times(Dyadic::integer(largest))
            }
            _ => None,
        };
        let above = self.clipped(name, x.clone(), Some(Dyadic::ZERO), None)?;
        let below = self.clipped(name, x, None, Some(Dyadic::ZERO))?;
        let shape = above.shape.clone();
        let sum = self.sum(name, Binary::Sub, above, below, &shape)?;
        match bound {
            Some(bound) => self.clipped(name, sum, None, Some(bound)),
            None => Ok(sum),
        }
    }

    /// Whether a leaky line is computed, not tabulated: with a slope that needs no rounding, or of more integers than a table
    /// has entries.
    fn is_line(&self, x: &Real, slope: f32) -> bool {
        let slope = Dyadic::of(f64::from(slope));
        let wide = match &x.source {
            Source::Value(id) => self.builder.element(*id).width > super::table::INDEX_BITS,
            Source::Constant(_) => false,
        };
        wide || slope.is_some_and(|slope| slope.is_power_of_two())
    }

    /// A leaky ReLU that keeps the grid of its operand, as our own quantisers want it; none where another grid is wanted.
    pub(super) fn leaky_integers(
        &mut self,
        name: &str,
        x: &Real,
        alpha: f32,
        q: &Quantiser,
    ) -> Lowered<Option<Real>> {
        let scale = super::quantise::numbers(&q.scale, &x.shape)?;
        let plain = x.divisor == 1
            && x.offset.iter().all(|offset| offset.is_zero())
            && x.step == scale
            && q.zero_point.data.iter().all(|zero| *zero == 0.0)
            && q.rounding == RoundingMode::HalfCeil
            && (0.0..=1.0).contains(&alpha);
        let (Source::Value(id), true) = (&x.source, plain) else {
            return Ok(None);
        };
        let hull = self.interval(x);
        let inside = q.range.is_some_and(|(minimum, maximum)| {
            hull.minimum >= minimum.into() && hull.maximum <= maximum.into()
        });
        if !inside {
            return Ok(None);
        }
        let slope = libm::ldexp(f64::from(alpha), SLOPE_BITS.into());
        let operation = Operation::LeakyRelu {
            x: *id,
            multiplier: (slope + 0.5).floor() as i64,
            shift: SLOPE_BITS,
            rounding: Rounding::Rnd,
        };
        let dims = self.builder.dims(*id);
        let step = vec![Dyadic::ONE; x.elements()];
        let id = self.builder.push(name, &dims, operation, None, &step)?;
        Ok(Some(real(&x.shape, id, step)))
    }

    /// x above zero, x times a slope below; the slope of each element.
    pub(super) fn leaky(
        &mut self,
        name: &str,
        x: Real,
        slope: impl Fn(usize) -> Dyadic,
    ) -> Lowered<Real> {
        let shape = x.shape.clone();
        let above = self.clipped(
            &format!("{name}.above"),
            x.clone(),
            Some(Dyadic::ZERO),
            None,
        )?;
        let below = self.clipped(&format!("{name}.below"), x, None, Some(Dyadic::ZERO))?;
        let below = scaled(below, slope)?;
        self.sum(name, Binary::Add, above, below, &shape)
    }

    pub(super) fn relu(&mut self, name: &str, x: Real) -> Lowered<Real> {
        let x = self.centred(name, x)?;
        let Source::Value(id) = x.source else {
            return Err("its operand is a constant".into());
        };
        let id = self.builder.relu(name, id, &x.step)?;
        Ok(real(&x.shape, id, x.step))
    }

    /// x within bounds, on one grid that holds them too.
    pub(super) fn clipped(
        &mut self,
        name: &str,
        x: Real,
        minimum: Option<Dyadic>,
        maximum: Option<Dyadic>,
    ) -> Lowered<Real> {
        super::no_divisor(&x)?;
        let bounds = [minimum, maximum];
        let first = x.step[0];
        let holds = |grid: Dyadic| {
            let all = bounds.iter().flatten().chain(&x.step).chain(&x.offset);
            let mut all = all.copied();
            !grid.is_negative() && all.all(|n| n.integer_over(grid).is_some())
        };
        let grid = match holds(first) {
            true => Some(first),
            false => {
                let all = bounds.iter().flatten().chain(&x.step).chain(&x.offset);
                let finest = all.filter(|n| !n.is_zero()).map(|n| n.exponent()).min();
                finest.and_then(Dyadic::power)
            }
        };
        let grid = grid.ok_or(PROPORTION)?;
        let x = self.on_grid(name, x.clone(), &vec![grid; x.elements()])?;
        let Source::Value(id) = x.source else {
            return Err("its operand is a constant".into());
        };
        let bound = |n: Option<Dyadic>, none: i64| match n {
            None => Ok(none),
            Some(n) => {
                let counts = n.integer_over(grid).and_then(|n| i64::try_from(n).ok());
                counts.ok_or(PROPORTION)
            }
        };
        let (minimum, maximum) = (bound(minimum, i64::MIN)?, bound(maximum, i64::MAX)?);
        let hull = self.builder.interval(id);
        if hull.minimum >= minimum.into() && hull.maximum <= maximum.into() {
            return Ok(x);
        }
        let dims = self.builder.dims(id);
        let operation = Operation::Clip {
            x: id,
            minimum,
            maximum,
        };
        let id = self.builder.push(name, &dims, operation, None, &x.step)?;
        Ok(real(&x.shape, id, x.step))
    }

    /// x modulo a period, between −½ and ½ of it: the overflow of a two's complement type.
    fn wrapped(&mut self, name: &str, x: Real, period: f32) -> Lowered<Real> {
        super::no_divisor(&x)?;
        let finest = x.step.iter().chain(&x.offset);
        let finest = finest.filter(|n| !n.is_zero()).map(|n| n.exponent()).min();
        let period = Dyadic::of(f64::from(period)).ok_or(PROPORTION)?;
        let exponent = finest.unwrap_or(0).min(period.exponent() - 1);
        let grid = Dyadic::power(exponent).ok_or(PROPORTION)?;
        let width = u8::try_from(period.exponent() - exponent).ok();
        let width = width.filter(|w| (1..=63).contains(w)).ok_or(PROPORTION)?;
        let count = |n: &Dyadic| {
            let counts = n.integer_over(grid).and_then(|n| i64::try_from(n).ok());
            counts.ok_or(PROPORTION)
        };
        let factors = Factors {
            multipliers: x.step.iter().map(count).collect::<Result<_, _>>()?,
            offsets: x.offset.iter().map(count).collect::<Result<_, _>>()?,
            shifts: vec![0; x.elements()],
        };
        let Source::Value(id) = x.source else {
            return Err("its operand is a constant".into());
        };
        let step = vec![grid; x.elements()];
        let id = self.builder.rescale(
            name,
            id,
            factors,
            Rounding::Trn,
            Overflow::Wrap,
            Some(IntType::signed(width)),
            &step,
        )?;
        Ok(real(&x.shape, id, step))
    }
}
