//! Quotients by what is counted: a mean over live constituents is a sum times the reciprocal of a multiplicity, which
//! stands in a table.

use super::{Held, HeldKind, Insert, Insertion};
use crate::functions::covering;
use crate::graph::{Binary, Node, Op, Unary, ValueId};

/// Bits of a reciprocal, and largest count, in units of the smallest, whose reciprocal has 8 of them still.
const BITS: u8 = 16;
const FEW: f64 = 64.0;
/// The same of larger counts.
const MORE_BITS: u8 = 24;
/// Largest count of which there is a table.
const MOST: f64 = 4096.0;

impl Insertion<'_> {
    /// a / n for a count n; none where it is no count, or none of few.
    pub(super) fn per_count(
        &mut self,
        node: &Node,
        a: ValueId,
        n: ValueId,
    ) -> Insert<Option<Held>> {
        let Some(count) = self.whole_number(n).filter(|_| self.is_exact(n)) else {
            return Ok(None);
        };
        if count.measured || count.minimum < 0.0 || count.maximum > MOST {
            return Ok(None);
        }
        let mut divisor = self.integers(n)?;
        if count.minimum < 1.0 {
            // Nothing over nothing is nothing.
            let at_least_one = Unary::Clip {
                min: 1.0,
                max: f32::INFINITY,
            };
            divisor = self
                .new
                .push(&node.name, Op::Unary(at_least_one), &[divisor])?;
        }
        let reciprocal = Op::Unary(Unary::Reciprocal);
        let reciprocal = self.new.push(&node.name, reciprocal, &[divisor])?;
        let smallest = count.minimum.max(1.0);
        let bits = match count.maximum <= FEW * smallest {
            true => BITS,
            false => MORE_BITS,
        };
        let frac = covering(1.0 / smallest, bits);
        let reciprocal = self.quantised_part(node.output, reciprocal, &[frac], bits)?;
        let held = self.held(a)?;
        let operand = match held.kind {
            HeldKind::Sums => held.wide,
            _ => self.narrow(a)?.0,
        };
        let product = Op::Binary(Binary::Mul);
        let wide = self.new.push(&node.name, product, &[operand, reciprocal])?;
        Ok(Some(Held {
            wide,
            narrow: None,
            kind: HeldKind::Sums,
        }))
    }
}
