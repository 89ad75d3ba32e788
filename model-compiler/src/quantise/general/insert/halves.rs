//! The nearest whole number to a quotient of whole numbers: a half goes to the even one.
//!
//! An inverse of an even divisor has no exact form, and what lies beside a half by its last bit goes to the wrong side.
//! Over two divisors d the nearest number rises twice, behind d/2 (which goes down, to 0) and at 3d/2 (which goes up,
//! to 2): round(x/d) = ⌊(x + 3d/2 − 1)/2d⌋ + ⌊(x + d/2)/2d⌋ for every whole x. Half a count more in either dividend
//! changes no floor, and keeps it from the steps.

use super::multiple::{Multiple, fine, of_few_bits};
use super::{Held, Insert, Insertion};
use crate::graph::{Binary, Node, Op, Unary, ValueId};

/// Largest divisor: half a count outweighs what its inverse lacks.
const LARGEST: f64 = 16_384.0;

/// Half of the divisor that a scale stands for, if it is a whole number, even and no power of two. A scale may be
/// single precision's inverse.
fn half(multiple: Multiple) -> Option<f64> {
    let divisor = match multiple {
        Multiple::Over(divisor) => f64::from(divisor),
        Multiple::Times(scale) => 1.0 / f64::from(scale),
        Multiple::Line(scale, 0.0) => 1.0 / scale,
        Multiple::Line(..) => return None,
    };
    let half = libm::round(divisor / 2.0);
    let even = (2.0 * half - divisor).abs() <= divisor.abs() * 1e-7;
    let size = 2.0 * half.abs();
    let exact = size == libm::exp2(libm::trunc(libm::log2(size)));
    (even && !exact && size <= LARGEST).then_some(half)
}

/// Scale and shift of both floors.
fn lines(half: f64) -> [(f64, f64); 2] {
    let twice = 4.0 * half;
    let (scale, _) = of_few_bits(1.0 / twice);
    [3.0 * half - 1.0, half].map(|added| (scale, fine((added + 0.5) / twice)))
}

impl Insertion<'_> {
    /// The nearest whole number to x/divisor of whole x, where a half can be met that no multiplier hits.
    pub(super) fn nearest_of_quotient(
        &mut self,
        node: &Node,
        value: ValueId,
    ) -> Insert<Option<Held>> {
        let (Op::Unary(Unary::Round), Some(scaled)) = (&node.op, self.multiple(value)) else {
            return Ok(None);
        };
        let Some(half) = half(scaled.multiple) else {
            return Ok(None);
        };
        let axis = self.graph.shape(scaled.x).len().saturating_sub(1);
        let operand = self.integers(scaled.x)?;
        // Over a negative divisor it is the negative over its size: halves are the same.
        let operand = match half < 0.0 {
            true => self
                .new
                .push(&node.name, Op::Unary(Unary::Neg), &[operand])?,
            false => operand,
        };
        let mut floors = vec![];
        for (side, (scale, shift)) in ["down", "up"].iter().zip(lines(half.abs())) {
            let name = format!("{}.{side}", node.name);
            let (scale, shift) = (vec![scale], vec![shift]);
            let line = Op::ScaleShift { axis, scale, shift };
            let line = self.new.push(&name, line, &[operand])?;
            let line = self.in_place(&name, &scaled, line)?;
            floors.push(self.new.push(&name, Op::Unary(Unary::Floor), &[line])?);
        }
        let sum = self.integral(node, Op::Binary(Binary::Add), &floors)?;
        Ok(Some(sum))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_to_the_even_number() {
        for divisor in (6..=1000).step_by(2) {
            let Some(half) = half(Multiple::Over(divisor as f32)) else {
                assert_eq!(i32::count_ones(divisor), 1, "{divisor}");
                continue;
            };
            let lines = lines(half);
            for x in (-3000..=3000).chain(16_000_000..16_002_000) {
                let floors = lines.map(|(scale, shift)| (f64::from(x) * scale + shift).floor());
                let expected = libm::rint(f64::from(x) / f64::from(divisor));
                assert_eq!(floors[0] + floors[1], expected, "{x} / {divisor}");
            }
        }
        let none = [
            Multiple::Over(5.0),
            Multiple::Over(2.5),
            Multiple::Over(64.0),
        ];
        assert!(none.map(half).iter().all(Option::is_none));
        let same = [
            Multiple::Over(-6.0),
            Multiple::Times(-1.0 / 6.0),
            Multiple::Line(-1.0 / 6.0, 0.0),
        ];
        assert_eq!(same.map(half), [Some(-3.0); 3]);
    }
}
