//! Quotients of two activations, and roots: only a quantiser says how fine they are.

use hodoscope_program::{IntType, Operation, Overflow, Rounding, ValueId};

use super::arithmetic::real;
use super::quantise::rounding;
use super::{Factors, Lowered, Lowering, PROPORTION, Real, Source, clamp_type, extents};
use crate::exact::dyadic::Dyadic;
use crate::graph::Quantiser;

/// Largest shift of a dividend, and of the operand of a root.
const SHIFT: i32 = 62;

/// What a quantiser asks of a result: the step, the integers that it may take, and how they are rounded.
struct Wanted {
    scale: Dyadic,
    range: (i64, i64),
    rounding: Rounding,
}

fn wanted(q: &Quantiser) -> Lowered<Wanted> {
    let number = |v: Option<f32>| v.map(f64::from).and_then(Dyadic::of);
    let scale = number(q.scale.single()).ok_or("it needs one scale for all channels")?;
    if number(q.zero_point.single()) != Some(Dyadic::ZERO) {
        return Err("a zero point behind it has no exact form yet; quantise symmetrically".into());
    }
    Ok(Wanted {
        scale,
        range: q.range.unwrap_or((i32::MIN.into(), i32::MAX.into())),
        rounding: rounding(q.rounding)
            .ok_or("a quotient that is rounded up is not supported; round to the nearest")?,
    })
}

/// The exponent of a power of two.
fn exponent(ratio: Option<Dyadic>) -> Lowered<i32> {
    let ratio = ratio.filter(|r| r.is_power_of_two() && !r.is_negative());
    let ratio = ratio.ok_or("it needs scales that are powers of two")?;
    Ok(ratio.exponent())
}

impl Lowering<'_> {
    /// round(a / b / scale), as the quantiser behind the division says.
    pub(super) fn quotient(
        &mut self,
        name: &str,
        (a, b): (Real, Real),
        q: &Quantiser,
        shape: &[usize],
    ) -> Lowered<Real> {
        let wanted = wanted(q)?;
        let a = self.on_one_grid(name, a)?;
        let a = self.on_power_of_two(name, a)?;
        let a = self.broadcast(name, a, shape)?;
        let b = self.on_one_grid(name, b)?;
        let b = self.on_power_of_two(name, b)?;
        // A divisor with one channel serves all channels of its row.
        let serves = b.shape.len() == shape.len()
            && b.shape.last() == Some(&1)
            && b.shape[..shape.len() - 1] == shape[..shape.len() - 1];
        let b = match serves {
            true => b,
            false => self.broadcast(name, b, shape)?,
        };
        let unit = b.step[0].times(wanted.scale).ok_or(PROPORTION)?;
        let ratio = exponent(a.step[0].over(unit))?;
        if !(-SHIFT..=SHIFT).contains(&ratio) {
            return Err(PROPORTION.into());
        }
        let b = match ratio < 0 {
            true => self.multiplied(name, b, -ratio)?,
            false => b,
        };
        let (a, b) = self.values(name, &a, &b)?;
        let dims = extents(shape);
        let a = self.builder.view(a, &dims)?;
        let mut own = dims.clone();
        if let (true, Some(channels)) = (serves, own.last_mut()) {
            *channels = 1;
        }
        let b = self.builder.view(b, &own)?;
        let operation = Operation::Quotient {
            a,
            b,
            shift: ratio.max(0) as u8,
            rounding: wanted.rounding,
        };
        let (minimum, maximum) = wanted.range;
        let (ty, overflow, clip) = clamp_type(minimum, maximum).ok_or(PROPORTION)?;
        if ty.width > 32 {
            return Err("the quantiser behind it has more than 32 bits".into());
        }
        let step = vec![Dyadic::ONE; shape.iter().product()];
        let id = self.builder.push(name, &dims, operation, Some(ty), &step)?;
        let cut = match overflow {
            Overflow::SatSym => Some((minimum, maximum)),
            _ => clip,
        };
        let id = self.cut(name, id, cut, &step)?;
        Ok(real(shape, id, step))
    }

    /// √x / scale, rounded as the quantiser behind the root says; halves, which only squares can reach, go up.
    pub(super) fn root(&mut self, name: &str, x: Real, q: &Quantiser) -> Lowered<Real> {
        let wanted = wanted(q)?;
        // The floor of a root, rounded again, is the rounded root: but for halves it cannot say whether there was more.
        let rounding = match wanted.rounding {
            Rounding::Trn | Rounding::TrnZero => Rounding::Trn,
            _ => Rounding::Rnd,
        };
        let shape = x.shape.clone();
        let x = self.on_one_grid(name, x)?;
        let x = self.on_power_of_two(name, x)?;
        let square = wanted.scale.times(wanted.scale).ok_or(PROPORTION)?;
        let ratio = exponent(x.step[0].over(square))?;
        // √(x·2^2t)·2^−t is √x: bits that say how to round.
        let dropped = ((1 - ratio).max(0) / 2).max(1);
        let shift = ratio + 2 * dropped;
        if shift > SHIFT || dropped > SHIFT {
            return Err(PROPORTION.into());
        }
        let Source::Value(id) = x.source else {
            return Err("its operand is a constant".into());
        };
        let dims = self.builder.dims(id);
        let step = vec![Dyadic::ONE; x.elements()];
        let operation = Operation::SquareRoot {
            x: id,
            shift: shift as u8,
        };
        let root = self.builder.push(name, &dims, operation, None, &step)?;
        let factors = Factors {
            multipliers: vec![1],
            offsets: vec![0],
            shifts: vec![dropped as u8],
        };
        let name = format!("{name}.rounded");
        let id = self.clamped(&name, root, factors, rounding, wanted.range, &step)?;
        Ok(real(&shape, id, step))
    }

    /// x·2^bits, in raws.
    fn multiplied(&mut self, name: &str, x: Real, bits: i32) -> Lowered<Real> {
        let Source::Value(id) = x.source else {
            return Err("its divisor is a constant".into());
        };
        let multiplier = 1i64 << bits;
        if bits > 30 {
            return Err(PROPORTION.into());
        }
        let factors = Factors {
            multipliers: vec![multiplier],
            offsets: vec![0],
            shifts: vec![0],
        };
        let name = format!("{name}.divisor");
        let (rounding, overflow) = (Rounding::Trn, Overflow::Sat);
        let id = self
            .builder
            .rescale(&name, id, factors, rounding, overflow, None, &x.step)?;
        Ok(Real {
            source: Source::Value(id),
            ..x
        })
    }

    /// A value within the limits of a range that is no type's.
    fn cut(
        &mut self,
        name: &str,
        x: ValueId,
        range: Option<(i64, i64)>,
        step: &[Dyadic],
    ) -> Lowered<ValueId> {
        let Some((minimum, maximum)) = range else {
            return Ok(x);
        };
        let dims = self.builder.dims(x);
        let operation = Operation::Clip {
            x,
            minimum,
            maximum,
        };
        let name = format!("{name}.range");
        let element: Option<IntType> = None;
        self.builder.push(&name, &dims, operation, element, step)
    }
}
