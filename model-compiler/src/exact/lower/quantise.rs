//! Quantisers: rescales with the rounding and overflow that the graph states.

use hodoscope_program::{Interval, Operation, Overflow, Rounding};

use super::factors::{Quotients, approximate, fits, half_up, is_of_few_bits, sticky};
use super::{Factors, Lowered, Lowering, PROPORTION, Real, Source, Term, clamp_type, ties};
use crate::exact::dyadic::Dyadic;
use crate::graph::{Node, Quantiser, RoundingMode, Tensor, Unary};

/// Bits of a multiplier that stands for a quotient of scales, and of the product that it gives.
const MULTIPLIER_BITS: i32 = 30;
const PRODUCT_BITS: i32 = 61;
/// The same before results of few bits, where the quantisers are ours: products of a word stay within 32 bits.
const SHORT_MULTIPLIER_BITS: i32 = 15;
const FEW_BITS: i64 = 16;
/// A multiplier of fewer bits would say little.
const FEWEST_BITS: i32 = 12;
/// The root of a wider number is computed, that of a narrower one looked up.
const ROOT_BITS: u32 = 9;
/// The program's name for a rounding; none for those that it lacks.
pub(in crate::exact) fn rounding(mode: RoundingMode) -> Option<Rounding> {
    Some(match mode {
        RoundingMode::HalfEven => Rounding::RndConv,
        RoundingMode::Floor => Rounding::Trn,
        RoundingMode::Down => Rounding::TrnZero,
        RoundingMode::HalfUp => Rounding::RndInf,
        RoundingMode::HalfDown => Rounding::RndZero,
        RoundingMode::HalfCeil => Rounding::Rnd,
        RoundingMode::Ceil | RoundingMode::Up => return None,
    })
}

impl Lowering<'_> {
    /// The integers of a quantiser, as a real tensor whose step is 1 where it is computed.
    pub(super) fn quantise(&mut self, name: &str, node: &Node, q: &Quantiser) -> Lowered<Real> {
        if let Term::Function(function, x) = self.term(node, 0)? {
            let (function, x) = (*function, x.clone());
            if let (true, Unary::LeakyRelu { alpha }) = (self.ours, function)
                && let Some(real) = self.leaky_integers(name, &x, alpha, q)?
            {
                return Ok(real);
            }
            if function == Unary::Sqrt && self.interval(&x).signed_bits() > ROOT_BITS {
                return self.root(name, x, q);
            }
            return self.tabulated(name, function, x, q);
        }
        if let Term::Quotient(a, b, shape) = self.term(node, 0)? {
            let (operands, shape) = ((a.clone(), b.clone()), shape.clone());
            return self.quotient(name, operands, q, &shape);
        }
        let x = self.operand(node, 0)?;
        let scale = numbers(&q.scale, &x.shape)?;
        let zero = numbers(&q.zero_point, &x.shape)?;
        if x.is_constant() {
            return constant(&x, q, &scale, &zero);
        }
        if x.divisor != 1 {
            return self.divided(name, x, q, &scale, &zero);
        }
        if let Some(real) = self.by_multiplier(name, node, &x, q)? {
            return Ok(real);
        }
        // A zero point that is added after the rounding moves before it, where it cannot change a tie.
        let even = |z: &Dyadic| z.is_zero() || z.exponent() > 0;
        let exact = (0..x.elements()).all(|e| x.step[e].over(scale[e]).is_some());
        let inside = q.zero_first
            || q.rounding == RoundingMode::Floor
            || q.rounding == RoundingMode::HalfEven && (!exact || zero.iter().all(even));
        let added = |e: usize| if inside { zero[e] } else { Dyadic::ZERO };
        let x = self.before_relu(x, q, &zero);
        let digits = self.multiplier_bits(q);
        let quotients = self.quotients(&x, &scale, added, exact, digits)?;
        let (minimum, maximum) = q.range.unwrap_or((i64::MIN >> 1, i64::MAX >> 1));
        let left = |e: usize| if inside { Dyadic::ZERO } else { zero[e] };
        let after: Vec<Dyadic> = (0..x.elements()).map(left).collect();
        let Some(later) = uniform(&after) else {
            return Err("zero points that differ per channel have no exact form yet".into());
        };
        let later = later.counts(0).and_then(|z| i64::try_from(z).ok());
        let later = later.ok_or(PROPORTION)?;
        let range = (minimum - later, maximum - later);
        let offset = Dyadic::integer(later);
        self.rounded(name, x, quotients, q.rounding, range, offset)
    }

    /// The operand of a relu that the quantiser repeats: one that starts at the integer of zero.
    pub(super) fn before_relu(&mut self, x: Real, q: &Quantiser, zero: &[Dyadic]) -> Real {
        let Source::Value(id) = x.source else {
            return x;
        };
        let starts_at_zero = q.range.is_some_and(|(minimum, _)| {
            let minimum = Dyadic::integer(minimum);
            zero.iter().all(|z| *z == minimum)
        });
        let repeats = starts_at_zero
            && x.offset.iter().all(|o| o.is_zero())
            && x.step.iter().all(|s| !s.is_negative());
        match self.builder.before_relu(id) {
            Some(before) if repeats => Real {
                source: Source::Value(before),
                ..x
            },
            _ => x,
        }
    }

    /// Bits of the multipliers before a quantiser.
    fn multiplier_bits(&self, q: &Quantiser) -> i32 {
        let end = 1i64 << (FEW_BITS - 1);
        let is_short = |(low, high): (i64, i64)| low >= -end && high < end;
        match self.ours && q.range.is_some_and(is_short) {
            true => SHORT_MULTIPLIER_BITS,
            false => MULTIPLIER_BITS,
        }
    }

    /// The quotients of the operand's steps by `scale`, each exact where `exact` asks for it and it has no more than
    /// `digits` bits or a power of two, else the nearest of so many.
    fn quotients(
        &self,
        x: &Real,
        scale: &[Dyadic],
        added: impl Fn(usize) -> Dyadic,
        exact: bool,
        digits: i32,
    ) -> Lowered<Quotients> {
        let mut quotients = Quotients::default();
        let magnitude = self.interval(x).magnitude().max(1);
        let bits = 128 - magnitude.leading_zeros() as i32;
        for (e, scale) in scale.iter().enumerate() {
            let ratio = x.step[e].over(*scale);
            let offset = x.offset[e].over(*scale);
            let whole = match (ratio, offset) {
                (Some(ratio), Some(offset)) if exact => {
                    let offset = offset.plus(added(e)).ok_or(PROPORTION)?;
                    let whole = sticky(ratio, offset);
                    whole.filter(|(m, o, s)| {
                        let short = digits >= MULTIPLIER_BITS || is_of_few_bits(*m, digits);
                        short && fits(*m, *o, *s, magnitude)
                    })
                }
                _ => None,
            };
            quotients.push(match whole {
                Some(whole) => whole,
                // No multiplier of 32 bits is the quotient, an LSB of 0.1 over a power of two: the nearest one.
                None => {
                    let bits = digits.min(PRODUCT_BITS - bits);
                    if bits < FEWEST_BITS {
                        return Err(PROPORTION.into());
                    }
                    let own = (x.step[e], x.offset[e]);
                    approximate(own, magnitude, *scale, added(e), bits).ok_or(PROPORTION)?
                }
            });
        }
        Ok(quotients)
    }

    /// The nearest multiplier and shift from counts of `step` to counts of `scale`, for the raws of a value.
    pub(super) fn to_counts(
        &self,
        x: hodoscope_program::ValueId,
        step: Dyadic,
        scale: Dyadic,
    ) -> Lowered<Factors> {
        let magnitude = self.builder.interval(x).magnitude().max(1);
        let bits = 128 - magnitude.leading_zeros() as i32;
        let bits = MULTIPLIER_BITS.min(PRODUCT_BITS - bits);
        let none = Dyadic::ZERO;
        let mut quotients = Quotients::default();
        quotients.push(approximate((step, none), magnitude, scale, none, bits).ok_or(PROPORTION)?);
        quotients.factors()
    }

    /// Rounds and clamps. The result's numbers are raw + `offset`, in counts.
    fn rounded(
        &mut self,
        name: &str,
        x: Real,
        mut q: Quotients,
        mode: RoundingMode,
        range: (i64, i64),
        offset: Dyadic,
    ) -> Lowered<Real> {
        let Source::Value(id) = x.source else {
            return Err("its operand is a constant".into());
        };
        let hull = self.interval(&x);
        if q.shifts.iter().all(|s| *s == 0) {
            // Nothing to round: a new meaning of the same raws, where none leaves the range.
            let stays = |e: usize| {
                let ends = [hull.minimum, hull.maximum].map(|raw| {
                    raw.saturating_mul(q.multipliers[e])
                        .saturating_add(q.offsets[e])
                });
                ends.iter()
                    .all(|end| (i128::from(range.0)..=i128::from(range.1)).contains(end))
            };
            if (0..x.elements()).all(stays) {
                let Factors {
                    multipliers,
                    offsets,
                    ..
                } = q.factors()?;
                let sum = |o: &i64| Dyadic::integer(*o).plus(offset).ok_or(PROPORTION);
                return Ok(Real {
                    step: multipliers.iter().map(|m| Dyadic::integer(*m)).collect(),
                    offset: offsets.iter().map(sum).collect::<Result<_, _>>()?,
                    ..x
                });
            }
        }
        let rounding = match mode {
            RoundingMode::Ceil => {
                for (offset, shift) in q.offsets.iter_mut().zip(&q.shifts) {
                    *offset += (1i128 << shift) - 1;
                }
                Rounding::Trn
            }
            RoundingMode::Up => return self.away_from_zero(name, x, q, range, offset),
            mode => rounding(mode).unwrap_or(Rounding::Trn),
        };
        let step = vec![Dyadic::ONE; x.elements()];
        if let Some(value) = self.wrapped_and_floored(name, id, &q, rounding, range, &step)? {
            return Ok(counted(x, value, step, offset));
        }
        let rounding = ties::without(rounding, &mut q, hull);
        ties::reduce(rounding, &mut q);
        let (factors, rounding) = half_up(q.factors()?, rounding);
        let value = self.clamped(name, id, factors, rounding, range, &step)?;
        Ok(counted(x, value, step, offset))
    }

    /// A rescale into a range, with a clip where the range is no type's.
    pub(super) fn clamped(
        &mut self,
        name: &str,
        x: hodoscope_program::ValueId,
        factors: Factors,
        rounding: Rounding,
        range: (i64, i64),
        step: &[Dyadic],
    ) -> Lowered<hodoscope_program::ValueId> {
        let (ty, overflow, clip) = clamp_type(range.0, range.1).ok_or(PROPORTION)?;
        let value = self
            .builder
            .rescale(name, x, factors, rounding, overflow, Some(ty), step)?;
        self.builder.shrink(value);
        let hull = self.builder.interval(value);
        let inside = hull.minimum >= range.0.into() && hull.maximum <= range.1.into();
        match clip {
            Some((minimum, maximum)) if !inside => {
                let dims = self.builder.dims(value);
                let operation = Operation::Clip {
                    x: value,
                    minimum,
                    maximum,
                };
                let name = format!("{name}.range");
                self.builder.push(&name, &dims, operation, None, step)
            }
            _ => Ok(value),
        }
    }

    /// ⌊wrap(v) / 2^k⌋ = wrap(⌊v / 2^k⌋): a floor behind a wrap is one rescale.
    fn wrapped_and_floored(
        &mut self,
        name: &str,
        id: hodoscope_program::ValueId,
        q: &Quotients,
        rounding: Rounding,
        range: (i64, i64),
        step: &[Dyadic],
    ) -> Lowered<Option<hodoscope_program::ValueId>> {
        let value = self.builder.program.value(id);
        let element = value.element;
        let Operation::Rescale {
            x,
            multipliers,
            offsets,
            shifts,
            overflow: Overflow::Wrap,
            rounding: Rounding::Trn,
        } = &value.operation
        else {
            return Ok(None);
        };
        let shift = q.shifts[0];
        let plain = rounding == Rounding::Trn
            && q.shifts.iter().all(|s| *s == shift)
            && q.multipliers.iter().all(|m| *m == 1)
            && q.offsets.iter().all(|o| *o == 0)
            && shifts.iter().all(|s| *s == 0)
            && shift < i32::from(element.width);
        if !plain {
            return Ok(None);
        }
        let narrow = hodoscope_program::IntType::signed(element.width - shift as u8);
        if narrow.minimum() < range.0 || narrow.maximum() > range.1 {
            return Ok(None);
        }
        let factors = Factors {
            multipliers: multipliers.clone(),
            offsets: offsets.clone(),
            shifts: vec![shift as u8],
        };
        let x = *x;
        let value = self.builder.rescale(
            name,
            x,
            factors,
            Rounding::Trn,
            Overflow::Wrap,
            Some(narrow),
            step,
        )?;
        Ok(Some(value))
    }

    /// Up: the ceiling above zero less that of the negative below it.
    fn away_from_zero(
        &mut self,
        name: &str,
        x: Real,
        q: Quotients,
        range: (i64, i64),
        offset: Dyadic,
    ) -> Lowered<Real> {
        let Source::Value(id) = x.source else {
            return Err("its operand is a constant".into());
        };
        let step = vec![Dyadic::ONE; x.elements()];
        let widest = clamp_type(0, range.1.max(range.0.saturating_neg())).ok_or(PROPORTION)?;
        let mut half = |sign: i128, side: &str| -> Lowered<hodoscope_program::ValueId> {
            let terms = q.multipliers.iter().zip(&q.offsets).zip(&q.shifts);
            let mut factors = Factors {
                multipliers: vec![],
                offsets: vec![],
                shifts: vec![],
            };
            for ((m, o), s) in terms {
                let ceil = sign * o + (1i128 << s) - 1;
                let narrow = |n: i128| i64::try_from(n).map_err(|_| PROPORTION);
                factors.multipliers.push(narrow(sign * m)?);
                factors.offsets.push(narrow(ceil)?);
                factors.shifts.push(*s as u8);
            }
            let name = format!("{name}.{side}");
            self.builder.rescale(
                &name,
                id,
                factors,
                Rounding::Trn,
                Overflow::Sat,
                Some(widest.0),
                &step,
            )
        };
        let (above, below) = (half(1, "above")?, half(-1, "below")?);
        let dims = self.builder.dims(above);
        let below = self.builder.view(below, &dims)?;
        let difference = Operation::Sub { a: above, b: below };
        let exact = format!("{name}.up");
        let exact = self.builder.push(&exact, &dims, difference, None, &step)?;
        let same = Factors {
            multipliers: vec![1],
            offsets: vec![0],
            shifts: vec![0],
        };
        let value = self.clamped(name, exact, same, Rounding::Trn, range, &step)?;
        Ok(counted(x, value, step, offset))
    }

    /// The quantised mean of a number of rows that is no power of two.
    fn divided(
        &mut self,
        name: &str,
        x: Real,
        q: &Quantiser,
        scale: &[Dyadic],
        zero: &[Dyadic],
    ) -> Lowered<Real> {
        let rows = x.divisor;
        let rounding = rounding(q.rounding)
            .ok_or("a mean that is rounded up is not supported; round it down or to the nearest")?;
        let x = Real { divisor: 1, ..x };
        let quotients = self.quotients(&x, scale, |_| Dyadic::ZERO, true, MULTIPLIER_BITS)?;
        let (multiplier, shift) = (quotients.multipliers[0], quotients.shifts[0]);
        let uniform = quotients.multipliers.iter().all(|m| *m == multiplier)
            && quotients.shifts.iter().all(|s| *s == shift)
            && quotients.offsets.iter().all(|o| *o == 0)
            && zero.iter().all(|z| z.is_zero());
        let divisor = u32::try_from(shift)
            .ok()
            .and_then(|shift| rows.checked_mul(1i64.checked_shl(shift)?))
            .filter(|d| (1..=65_535).contains(d));
        let (Some(divisor), true, Source::Value(id)) = (divisor, uniform, &x.source) else {
            // To the nearest, as any quotient of scales that has no exact form: only beside a tie may it differ.
            if !matches!(rounding, Rounding::Trn | Rounding::TrnZero) {
                let rows = Dyadic::integer(rows);
                let scale = scale.iter().map(|s| s.times(rows));
                let scale: Vec<Dyadic> = scale.collect::<Option<_>>().ok_or(PROPORTION)?;
                let quotients = self.quotients(&x, &scale, |e| zero[e], false, MULTIPLIER_BITS)?;
                let range = q.range.unwrap_or((i64::MIN >> 1, i64::MAX >> 1));
                return self.rounded(name, x, quotients, q.rounding, range, Dyadic::ZERO);
            }
            return Err(format!(
                "a mean over {rows} rows, or a division by as many, of this scale has no exact form; use one power-of-two scale before and after it"
            ));
        };
        let step = vec![Dyadic::ONE; x.elements()];
        let mut id = *id;
        if multiplier != 1 {
            let factors = Factors {
                multipliers: vec![i64::try_from(multiplier).map_err(|_| PROPORTION)?],
                offsets: vec![0],
                shifts: vec![0],
            };
            let scaled = format!("{name}.grid");
            id = self.builder.rescale(
                &scaled,
                id,
                factors,
                Rounding::Trn,
                Overflow::Sat,
                None,
                &step,
            )?;
        }
        let dims = self.builder.dims(id);
        let operation = Operation::Divide {
            x: id,
            divisor,
            rounding,
        };
        let mean = self.builder.push(name, &dims, operation, None, &step)?;
        let mean = Real {
            source: Source::Value(mean),
            step: step.clone(),
            ..x
        };
        let same = Quotients {
            multipliers: vec![1; step.len()],
            offsets: vec![0; step.len()],
            shifts: vec![0; step.len()],
        };
        let range = q.range.unwrap_or((i64::MIN >> 1, i64::MAX >> 1));
        let name = format!("{name}.range");
        self.rounded(&name, mean, same, RoundingMode::Floor, range, Dyadic::ZERO)
    }

    /// (x − zero point)·scale: another meaning of the same raws.
    pub(super) fn dequantise(
        &mut self,
        x: Real,
        scale: &Tensor,
        zero_point: &Tensor,
    ) -> Lowered<Real> {
        super::no_divisor(&x)?;
        let scale = numbers(scale, &x.shape)?;
        let zero = numbers(zero_point, &x.shape)?;
        let stored = |numbers: Vec<Dyadic>| {
            let floats: Vec<f32> = numbers.iter().map(|n| n.to_f64() as f32).collect();
            Real::integers(x.shape.clone(), &floats)
        };
        let mut real = match x.numbers().and_then(stored) {
            Some(integers) => integers,
            None => x,
        };
        for e in 0..real.elements() {
            let offset = real.offset[e].minus(zero[e]);
            real.offset[e] = offset.and_then(|o| o.times(scale[e])).ok_or(PROPORTION)?;
            real.step[e] = real.step[e].times(scale[e]).ok_or(PROPORTION)?;
        }
        self.restate(&real);
        Ok(real)
    }
}

pub(super) fn counted(
    x: Real,
    value: hodoscope_program::ValueId,
    step: Vec<Dyadic>,
    offset: Dyadic,
) -> Real {
    Real {
        shape: x.shape,
        source: Source::Value(value),
        offset: vec![offset; step.len()],
        step,
        divisor: 1,
    }
}

pub(super) fn uniform(entries: &[Dyadic]) -> Option<Dyadic> {
    let first = *entries.first()?;
    entries.iter().all(|e| *e == first).then_some(first)
}

/// The quantiser of a constant, in single precision as the exporter computed it.
fn constant(x: &Real, q: &Quantiser, scale: &[Dyadic], zero: &[Dyadic]) -> Lowered<Real> {
    let numbers = x.numbers().ok_or(PROPORTION)?;
    let integer = |e: usize| {
        let (scale, zero) = (scale[e].to_f64() as f32, zero[e].to_f64() as f32);
        q.apply(numbers[e].to_f64() as f32, scale, zero) as i64
    };
    Ok(Real {
        shape: x.shape.clone(),
        source: Source::Constant((0..x.elements()).map(integer).collect()),
        step: vec![Dyadic::ONE; x.elements()],
        offset: vec![Dyadic::ZERO; x.elements()],
        divisor: 1,
    })
}

/// A factor's numbers, one for each element of a shape that it broadcasts to.
pub(super) fn numbers(factor: &Tensor, shape: &[usize]) -> Lowered<Vec<Dyadic>> {
    let number = |v: f32| Dyadic::of(f64::from(v)).ok_or(PROPORTION);
    if let Some(single) = factor.single() {
        let elements = shape.iter().product();
        return Ok(vec![number(single)?; elements]);
    }
    let order = super::moves::broadcast(&factor.shape, shape);
    order
        .into_iter()
        .map(|i| number(factor.data[i]).map_err(String::from))
        .collect()
}

/// Every raw of an interval, for tables.
pub(super) fn raws(interval: Interval) -> impl Iterator<Item = i64> {
    interval.minimum as i64..=interval.maximum as i64
}
