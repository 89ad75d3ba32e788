//! Functions of many-bit numbers, for quantisers that the compiler inserted: straight lines between the entries of a
//! table, and logarithms by the digits of their operand.
//!
//! A network that brings its own quantisers gets what its exporter computed, entry by entry; there is no such thing for
//! the compiler's own.

use hodoscope_program::{Interval, Operation, Overflow, Rounding, ValueId};

use super::arithmetic::real;
use super::{Factors, Lowered, Lowering, PROPORTION, Real, Source};
use crate::exact::dyadic::Dyadic;
use crate::functions::{Counts, Lines, line_above, useful};
use crate::graph::{Quantiser, Unary};

/// Index bits of a table that has an entry for every raw.
pub(super) const PLAIN_BITS: u8 = 12;
/// Digits of a logarithm's operand that are looked up.
const MANTISSA: u8 = 24;

impl Lowering<'_> {
    /// A quantised function of a number of many bits.
    pub(super) fn function(
        &mut self,
        name: &str,
        function: Unary,
        x: Real,
        q: &Quantiser,
    ) -> Lowered<Real> {
        let counts = counts(q)?;
        let shape = x.shape.clone();
        let x = self.on_one_grid(name, x)?;
        let Source::Value(id) = x.source else {
            return Err("its operand is a constant".into());
        };
        let step = x.step[0].to_f64();
        let id = match function {
            Unary::Log => self.logarithm(name, id, step, &counts)?,
            _ => self.lines(name, function, id, x.step[0], &counts)?,
        };
        let ones = vec![Dyadic::ONE; shape.iter().product()];
        Ok(real(&shape, id, ones))
    }

    /// Straight lines between entries.
    fn lines(
        &mut self,
        name: &str,
        function: Unary,
        x: ValueId,
        unit: Dyadic,
        counts: &Counts,
    ) -> Lowered<ValueId> {
        let step = unit.to_f64();
        let inside = self.within(name, x, useful(function, step, counts))?;
        let reached = ends(self.builder.interval(inside))?;
        let (lines, enough) = Lines::of_function(function, step, reached, counts)?;
        match line_above(function, counts) {
            Some(line) if !enough => self.beside_line(name, function, (x, unit), line, counts),
            _ => self.interpolated(name, inside, lines),
        }
    }

    /// A function that is a line far above zero: the line, and what it is beside it from a table. So a wide argument has
    /// no coarser cells.
    fn beside_line(
        &mut self,
        name: &str,
        function: Unary,
        (x, unit): (ValueId, Dyadic),
        (slope, (low, high)): (f64, (f64, f64)),
        counts: &Counts,
    ) -> Lowered<ValueId> {
        let step = unit.to_f64();
        let fine = Counts {
            range: (i32::MIN.into(), i32::MAX.into()),
            ..*counts
        };
        let bounds = (
            libm::floor(low / step) as i64,
            libm::ceil(high / step) as i64,
        );
        let bent = self.within(&format!("{name}.bent"), x, bounds)?;
        let reached = ends(self.builder.interval(bent))?;
        let lines = Lines::beside_line((function, slope), step, reached, &fine);
        let part = self.interpolated(&format!("{name}.part"), bent, lines)?;
        let above = self.within(&format!("{name}.above"), x, (0, u32::MAX.into()))?;
        let number = |value: f64| Dyadic::of(value).ok_or(PROPORTION);
        let factors = self.to_counts(above, number(step * slope)?, number(counts.scale)?)?;
        let one = [Dyadic::ONE];
        let round = (Rounding::Rnd, Overflow::Sat);
        let line = self.builder.rescale(
            &format!("{name}.line"),
            above,
            factors,
            round.0,
            round.1,
            None,
            &one,
        )?;
        let dims = self.builder.dims(x);
        let sum = Operation::Add { a: line, b: part };
        let sum = self
            .builder
            .push(&format!("{name}.sum"), &dims, sum, None, &one)?;
        let same = Factors {
            multipliers: vec![1],
            offsets: vec![0],
            shifts: vec![0],
        };
        self.clamped(name, sum, same, Rounding::Trn, counts.range, &one)
    }

    fn interpolated(&mut self, name: &str, x: ValueId, lines: Lines) -> Lowered<ValueId> {
        let table = format!("{name}.table");
        let entries = lines.entries;
        let table = self.builder.constant(&table, vec![entries.len()], entries);
        let operation = Operation::Interpolate {
            x,
            table,
            first: lines.first,
            shift: lines.shift,
        };
        let dims = self.builder.dims(x);
        self.builder
            .push(name, &dims, operation, None, &[Dyadic::ONE])
    }

    /// ln(x·step): the digits of x give the power of two, and a table the rest. What is not positive counts as one.
    pub(super) fn logarithm(
        &mut self,
        name: &str,
        x: ValueId,
        step: f64,
        counts: &Counts,
    ) -> Lowered<ValueId> {
        let x = self.within(name, x, (1, u32::MAX.into()))?;
        let dims = self.builder.dims(x);
        let one = [Dyadic::ONE];
        let push = |lowering: &mut Self, part: &str, operation| {
            let name = format!("{name}.{part}");
            lowering.builder.push(&name, &dims, operation, None, &one)
        };
        let exponent = push(self, "exponent", Operation::Exponent { x })?;
        let bits = MANTISSA;
        let mantissa = push(self, "mantissa", Operation::Mantissa { x, bits })?;
        // The part of [½, 1), and that of the power of two: in counts, with as many more digits as 31 bits have room for.
        let reach = 64.0 * std::f64::consts::LN_2 + libm::fabs(libm::log(step));
        let room = 30 - libm::ilogb(reach / counts.scale);
        let guard = room.clamp(0, 12);
        let fine = Counts {
            scale: libm::ldexp(counts.scale, -guard),
            range: (i32::MIN.into(), i32::MAX.into()),
        };
        let lines = Lines::of_mantissa(bits, &fine);
        let part = self.interpolated(&format!("{name}.part"), mantissa, lines)?;
        let entry =
            |digits: i64| fine.nearest(digits as f64 * std::f64::consts::LN_2 + libm::log(step));
        let ty = self.builder.element(exponent);
        let entries: Vec<i64> = (ty.minimum()..=ty.maximum()).map(entry).collect();
        let table = format!("{name}.powers");
        let table = self.builder.constant(&table, vec![entries.len()], entries);
        let power = push(self, "power", Operation::Table { x: exponent, table })?;
        let sum = push(self, "sum", Operation::Add { a: power, b: part })?;
        let factors = Factors {
            multipliers: vec![1],
            offsets: vec![0],
            shifts: vec![guard as u8],
        };
        self.clamped(name, sum, factors, Rounding::Rnd, counts.range, &one)
    }

    /// x within two bounds that a function needs, and within 32 bits.
    fn within(&mut self, name: &str, x: ValueId, (low, high): (i64, i64)) -> Lowered<ValueId> {
        let (low, high) = (low.max(i32::MIN.into()), high.min(u32::MAX.into()));
        let hull = self.builder.interval(x);
        if hull.minimum >= low.into() && hull.maximum <= high.into() {
            return Ok(x);
        }
        let dims = self.builder.dims(x);
        let operation = Operation::Clip {
            x,
            minimum: low,
            maximum: high,
        };
        let step = vec![Dyadic::ONE; dims.iter().product()];
        let name = format!("{name}.within");
        self.builder.push(&name, &dims, operation, None, &step)
    }
}

/// The counts that a quantiser asks for.
fn counts(q: &Quantiser) -> Lowered<Counts> {
    let scale = q.scale.single().map(f64::from);
    Ok(Counts {
        scale: scale.ok_or("a table needs one scale for all channels")?,
        range: q.range.ok_or("its result has no range")?,
    })
}

/// The ends of an interval of 32 bits.
fn ends(reached: Interval) -> Lowered<(i64, i64)> {
    let end = |raw: i128| i64::try_from(raw).map_err(|_| PROPORTION.to_owned());
    let (first, last) = (end(reached.minimum)?, end(reached.maximum)?);
    match last - first <= i32::MAX.into() {
        true => Ok((first, last)),
        false => Err("a table over more than 31 bits is too long".into()),
    }
}
