//! Tables of functions for quantisers of the compiler's own: straight lines between entries.
//!
//! A table has as many cells as bring its largest error below half a count of the result, or below 2^−18 of what it
//! reaches, and 4,096 at most.

use crate::graph::{Circular, Unary, apply_unary};

/// Cells of a table, as powers of two: few and many.
const CELLS: std::ops::RangeInclusive<u32> = 5..=12;
/// Cells of a logarithm's table, as a power of two.
const MANTISSA_CELLS: u8 = 10;
/// What a table may miss of the largest value that it reaches.
const PART: f64 = 1.0 / (1u32 << 18) as f64;

/// Bits of an argument that is looked up between the entries of a table.
pub(crate) const ARGUMENT_BITS: u8 = 24;
/// Fraction bits of the argument of a function that ends, and the magnitude that 24 bits of them hold: such functions
/// share one format, and so one table.
const ENDING: (i32, f64) = (18, 32.0);

/// Fraction bits of the argument of a function that is `magnitude` at most.
pub(crate) fn argument_frac(function: Unary, magnitude: f64) -> i32 {
    let ends = matches!(function, Unary::Sigmoid | Unary::Tanh);
    match ends && magnitude <= ENDING.1 {
        true => ENDING.0,
        false => covering(magnitude, ARGUMENT_BITS),
    }
}

/// The largest frac at which ±`magnitude`, however small or large, fits a signed type of `bits` bits.
pub(crate) fn covering(magnitude: f64, bits: u8) -> i32 {
    if magnitude.is_nan() || magnitude <= 0.0 {
        return i32::from(bits) - 1;
    }
    let exponent = libm::ilogb(magnitude);
    let limit = libm::ldexp(1.0, i32::from(bits) - 1) - 1.0;
    let frac = i32::from(bits) - 1 - exponent;
    let fits = |frac: &i32| libm::ldexp(magnitude, *frac) <= limit + 0.5;
    (frac - 2..=frac).rev().find(fits).unwrap_or(frac - 2)
}

/// The counts of a result: its step, and the integers that it may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counts {
    /// The value of a count.
    pub scale: f64,
    /// Smallest and largest count.
    pub range: (i64, i64),
}

impl Counts {
    /// The nearest count, halves up.
    pub fn nearest(&self, value: f64) -> i64 {
        let count = (value / self.scale + 0.5).floor();
        (count as i64).clamp(self.range.0, self.range.1)
    }
}

/// The function in double precision.
fn value(function: Unary, x: f64) -> f64 {
    match function {
        Unary::Sigmoid => 1.0 / (1.0 + libm::exp(-x)),
        Unary::Tanh => libm::tanh(x),
        Unary::Exp => libm::exp(x),
        Unary::Erf => libm::erf(x),
        Unary::Softplus => x.max(0.0) + libm::log1p(libm::exp(-x.abs())),
        Unary::Gelu { tanh: false } => {
            0.5 * x * (1.0 + libm::erf(x * std::f64::consts::FRAC_1_SQRT_2))
        }
        Unary::Elu { alpha } if x < 0.0 => f64::from(alpha) * libm::expm1(x),
        Unary::Elu { .. } => x,
        // The others in single precision: 2^−24 of a value is less than a table's error.
        other => apply_unary(other, &[x as f32])
            .first()
            .map_or(f64::NAN, |value| f64::from(*value)),
    }
}

/// The raws between which a function still changes by half a count, in steps of its argument.
pub(crate) fn useful(function: Unary, step: f64, counts: &Counts) -> (i64, i64) {
    let (low, high) = bounds(function, counts);
    let count = |raw: f64| raw.clamp(-1e18, 1e18) as i64;
    let (mut first, mut last) = (
        count(libm::floor(low / step)),
        count(libm::ceil(high / step)),
    );
    // Where it is no number it is what it is at the last argument where it is one.
    if let Unary::Circular(circular) = function {
        let (low, high) = circular.domain();
        let finite = |raw: i64| value(function, raw as f64 * step).is_finite();
        first = first.max(count(libm::ceil(f64::from(low) / step)));
        last = last.min(count(libm::floor(f64::from(high) / step)));
        first += i64::from(low.is_finite() && !finite(first));
        last -= i64::from(high.is_finite() && !finite(last));
    }
    (first, last)
}

/// Where a function still changes by half a count: outside it is what it is at the ends.
fn bounds(function: Unary, counts: &Counts) -> (f64, f64) {
    // e^−x below half a count.
    let far = -libm::log(counts.scale / 2.0).min(0.0) + 1.0;
    match function {
        Unary::Sigmoid => (-far, far),
        Unary::Tanh => (-far / 2.0 - 1.0, far / 2.0 + 1.0),
        Unary::Erf => (-libm::sqrt(far) - 1.0, libm::sqrt(far) + 1.0),
        Unary::Exp => {
            let top = counts.scale * counts.range.1 as f64;
            (-far, libm::log(top.max(counts.scale)) + 1e-3)
        }
        // They leave single precision before they leave their argument.
        Unary::Circular(Circular::Sinh | Circular::Cosh) => {
            let top = counts.scale * counts.range.1 as f64;
            let far = libm::log(2.0 * top.max(counts.scale)).max(0.0) + 1e-3;
            (-far, far)
        }
        Unary::Elu { .. } | Unary::Selu { .. } => (-far - 1.0, f64::INFINITY),
        Unary::Softplus => (-far, f64::INFINITY),
        Unary::Gelu { .. } => (-far - 2.0, f64::INFINITY),
        _ => (f64::NEG_INFINITY, f64::INFINITY),
    }
}

/// What a function is far above zero, in units of its argument, and between which arguments it is anything else than
/// that times max(x, 0); none where it is no line there.
pub(crate) fn line_above(function: Unary, counts: &Counts) -> Option<(f64, (f64, f64))> {
    let far = -libm::log(counts.scale / 2.0).min(0.0) + 1.0;
    Some(match function {
        Unary::Elu { .. } => (1.0, (-far - 1.0, 0.0)),
        Unary::Selu { gamma, .. } => (f64::from(gamma), (-far - 1.0, 0.0)),
        Unary::Celu { alpha } => (1.0, (-(far + 1.0) * f64::from(alpha.abs()), 0.0)),
        Unary::Softplus => (1.0, (-far, far)),
        Unary::Gelu { .. } => (1.0, (-far - 2.0, far + 2.0)),
        Unary::Mish => (1.0, (-2.0 * far - 2.0, far + 4.0)),
        Unary::HardSwish => (1.0, (-3.0, 3.0)),
        _ => return None,
    })
}

/// A function's table over a stretch of raws.
#[derive(Clone, Debug)]
pub(crate) struct Lines {
    /// One more than there are cells.
    pub entries: Vec<i64>,
    /// The raw of the first entry.
    pub first: i64,
    /// A cell has 2^shift raws.
    pub shift: u8,
}

impl Lines {
    /// A function's, over the raws from `first` to `last`, and whether it holds the bound.
    ///
    /// # Errors
    /// Where the function is not finite at an end.
    pub fn of_function(
        function: Unary,
        step: f64,
        (first, last): (i64, i64),
        counts: &Counts,
    ) -> Result<(Self, bool), String> {
        let ends = (first as f64, last as f64);
        let f = |raw: f64| value(function, raw.clamp(ends.0, ends.1) * step);
        if let Some(end) = [first, last]
            .into_iter()
            .find(|raw| !f(*raw as f64).is_finite())
        {
            let x = end as f64 * step;
            return Err(format!(
                "{} is not finite on {x:e}, which its operand can reach; clip the operand to where it is",
                function.name()
            ));
        }
        // Cells begin at multiples of their size, so that a bend at zero lies between two.
        let digits = 64 - (last - first).leading_zeros();
        let coarsest = digits.saturating_sub(*CELLS.start());
        let first = (first >> coarsest) << coarsest;
        Ok(Self::fitted(&f, (first, last), counts))
    }

    /// What a function is beside `slope`·max(x, 0).
    pub fn beside_line(
        (function, slope): (Unary, f64),
        step: f64,
        (first, last): (i64, i64),
        counts: &Counts,
    ) -> Self {
        let rest = |raw: f64| {
            let x = raw.clamp(first as f64, last as f64) * step;
            value(function, x) - slope * x.max(0.0)
        };
        let digits = 64 - (last - first).leading_zeros();
        let coarsest = digits.saturating_sub(*CELLS.start());
        let first = (first >> coarsest) << coarsest;
        Self::fitted(&rest, (first, last), counts).0
    }

    /// The natural logarithm of raws of `bits` digits, as parts of 2^bits.
    pub fn of_mantissa(bits: u8, counts: &Counts) -> Self {
        let unit = libm::ldexp(1.0, -i32::from(bits));
        let first = 1i64 << (bits - 1);
        let part = |raw: f64| libm::log(raw * unit);
        Self::of(
            &part,
            (first, 2 * first - 1),
            bits - 1 - MANTISSA_CELLS,
            counts,
        )
        .0
    }

    /// Of cells with 2^shift raws, and the largest error beside the middle of a cell, in counts; of a cell beside zero, at more places.
    fn of(
        f: &dyn Fn(f64) -> f64,
        (first, last): (i64, i64),
        shift: u8,
        counts: &Counts,
    ) -> (Self, f64) {
        let cells = ((last - first) >> shift) + 1;
        let at = |cell: i64| f((first + (cell << shift)) as f64);
        let values: Vec<f64> = (0..=cells).map(at).collect();
        let size = (1i64 << shift) as f64;
        let mut worst = 0.0f64;
        for (cell, ends) in values.windows(2).enumerate() {
            let begin = (first + ((cell as i64) << shift)) as f64;
            // Beside zero a function may bend in a small part of a large cell.
            let beside = [begin, begin + size].contains(&0.0);
            let halvings = if beside { i32::from(shift).max(1) } else { 1 };
            let parts = (1..=halvings).map(|k| libm::ldexp(1.0, -k));
            let parts = parts.flat_map(|part| [part, 1.0 - part]);
            for part in parts.take(if beside { usize::MAX } else { 1 }) {
                let line = ends[0] + (ends[1] - ends[0]) * part;
                let error = (f(begin + size * part) - line).abs() / counts.scale;
                if error.is_finite() {
                    worst = worst.max(error);
                }
            }
        }
        let entries = values.into_iter().map(|v| counts.nearest(v)).collect();
        let lines = Self {
            entries,
            first,
            shift,
        };
        (lines, worst)
    }

    /// As few cells as hold the bound, and no more than a table may have; whether they hold it.
    fn fitted(f: &dyn Fn(f64) -> f64, ends: (i64, i64), counts: &Counts) -> (Self, bool) {
        let digits = 64 - (ends.1 - ends.0).leading_zeros();
        let mut best = None;
        for cells in CELLS {
            let shift = digits.saturating_sub(cells).min(30) as u8;
            let (lines, error) = Self::of(f, ends, shift, counts);
            let largest = lines.entries.iter().map(|e| e.abs()).max().unwrap_or(0);
            let enough = error <= f64::max(0.5, largest as f64 * PART) || shift == 0;
            best = Some((lines, enough));
            if enough {
                break;
            }
        }
        let none = Self {
            entries: vec![0, 0],
            first: ends.0,
            shift: 0,
        };
        best.unwrap_or((none, false))
    }
}
