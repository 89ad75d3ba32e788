//! Fixed-point types of activations, one for each element: how HGQ quantises, and `ap_fixed` overflows.

use super::RoundingMode;

/// From a real number to the nearest of a type's numbers: q·2^−frac, q = ⌊x·2^frac⌉ within the type's range.
///
/// Rounding and overflow are those of `ap_fixed` (AMD Vitis HLS user guide, UG1399), which the quantisers of HGQ follow.
#[derive(Clone, Debug, PartialEq)]
pub struct FixedPoint {
    /// One per element of the operand, in its order.
    pub types: Vec<FixedType>,
    /// How x·2^frac is rounded.
    pub rounding: RoundingMode,
    /// Whether an integer out of range comes in again at the other end; else it is the nearest in range.
    pub wraps: bool,
}

/// The type of one element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedType {
    /// Binary digits behind the point.
    pub frac: i32,
    /// Smallest integer.
    pub minimum: i64,
    /// Largest integer; of a type that wraps, a power of two integers from the smallest.
    pub maximum: i64,
}

impl FixedType {
    /// The type that holds nothing but 0.
    pub const ZERO: Self = Self {
        frac: 0,
        minimum: 0,
        maximum: 0,
    };

    /// Value of one count.
    pub fn lsb(&self) -> f32 {
        libm::ldexpf(1.0, -self.frac)
    }
}

impl FixedPoint {
    /// The number of `x`, computed in `f32` as the exporters' own runtimes do.
    pub fn apply(&self, x: f32, ty: FixedType) -> f32 {
        let counts = self.rounding.apply(x / ty.lsb());
        if !counts.is_finite() {
            return counts;
        }
        // Types are narrower than an f64's mantissa, so that neither end is rounded.
        let (counts, low, high) = (f64::from(counts), ty.minimum as f64, ty.maximum as f64);
        let inside = match self.wraps {
            true => low + (counts - low).rem_euclid(high - low + 1.0),
            false => counts.clamp(low, high.max(low)),
        };
        inside as f32 * ty.lsb()
    }

    /// Why this is no quantiser of an operand of so many elements.
    pub(super) fn fault(&self, elements: usize) -> Option<String> {
        let own = self.types.len();
        if own != elements {
            return Some(format!("{own} types do not fit {elements} elements"));
        }
        let sound = |ty: &FixedType| {
            let range = i128::from(ty.maximum) - i128::from(ty.minimum) + 1;
            let fits = range > 0 && range <= 1 << MAX_WIDTH && ty.frac.abs() <= MAX_FRAC;
            fits && (!self.wraps || range.count_ones() == 1)
        };
        let faulty = self.types.iter().find(|ty| !sound(ty))?;
        Some(format!("no type: {faulty:?}"))
    }
}

/// Bits of a type, at most: integers of singles are exact.
pub(super) const MAX_WIDTH: u32 = 24;
/// Binary digits behind or before the point, at most.
pub(super) const MAX_FRAC: i32 = 60;

#[cfg(test)]
mod tests {
    use super::*;

    fn quantiser(wraps: bool) -> FixedPoint {
        FixedPoint {
            types: vec![],
            rounding: RoundingMode::HalfCeil,
            wraps,
        }
    }

    #[test]
    fn numbers_out_of_range_wrap_or_saturate() {
        let signed = FixedType {
            frac: 2,
            minimum: -8,
            maximum: 7,
        };
        let of = |wraps, x| quantiser(wraps).apply(x, signed);
        assert_eq!([of(true, 1.9), of(false, 1.9)], [-2.0, 1.75]);
        assert_eq!([of(true, -2.2), of(false, -2.2)], [1.75, -2.0]);
        assert_eq!([of(true, 0.125), of(false, -0.125)], [0.25, 0.0]);
        let unsigned = FixedType {
            frac: 0,
            minimum: 0,
            maximum: 15,
        };
        assert_eq!(quantiser(true).apply(16.5, unsigned), 1.0);
        assert_eq!(quantiser(true).apply(5.0, FixedType::ZERO), 0.0);
    }

    #[test]
    fn faults_are_named() {
        let mut q = quantiser(true);
        assert!(q.fault(1).is_some());
        q.types.push(FixedType {
            frac: 0,
            minimum: 0,
            maximum: 2,
        });
        // Three integers wrap around nothing.
        assert!(q.fault(1).is_some());
        q.wraps = false;
        assert_eq!(q.fault(1), None);
    }
}
