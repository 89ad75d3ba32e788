//! Values that were zero in all calibration events: they tell no range, and how they are computed does. The turns that
//! bring an angle back into its circle are 0 for most events, a sum behind a cut may be 0 for all.

use super::{HeldKind, Insertion};
use crate::graph::{Binary, Op, Tensor, ValueId};

/// What a value is at most is taken for its range up to here.
const LARGEST: f64 = (1u64 << 40) as f64;

impl Insertion<'_> {
    /// The magnitude that a format has to cover: what calibration saw of `like`, or what `value` can be where it saw zero
    /// alone. The second says whether it was seen.
    pub(super) fn magnitude(&mut self, value: ValueId, like: ValueId) -> (f64, bool) {
        let observed = &self.observations.values[like.index()];
        let seen = f64::from(observed.magnitude());
        // Nothing at all was seen of a value of no live constituent.
        if seen > 0.0 || observed.samples.is_empty() {
            return (seen, true);
        }
        match self.possible(value) {
            Some(possible) if possible > 0.0 && possible <= LARGEST => (possible, false),
            _ => (seen, true),
        }
    }

    /// What a value is at most, for any input; none where that is not known.
    fn possible(&mut self, value: ValueId) -> Option<f64> {
        let held = self.held(value).ok()?.clone();
        if let (HeldKind::Sums, Some(span)) = (held.kind, self.span(held.wide)) {
            return Some(span.bound);
        }
        let node = self.graph.producing_node(value)?;
        let largest = |tensor: &Tensor| {
            tensor
                .data
                .iter()
                .fold(0.0, |m, v| f64::max(m, v.abs().into()))
        };
        let factor = |v: &ValueId| self.graph.constant(*v).map(largest);
        match (&node.op, &node.inputs[..]) {
            (Op::ScaleShift { scale, shift, .. }, [x]) => {
                let most = |v: &[f64]| v.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
                Some(self.whole_end(*x)? * most(scale) + most(shift))
            }
            (Op::Binary(Binary::Mul), [a, b]) => match (factor(a), factor(b)) {
                (None, Some(factor)) => Some(self.whole_end(*a)? * factor),
                (Some(factor), None) => Some(self.whole_end(*b)? * factor),
                _ => None,
            },
            (op, inputs) if op.moves() => {
                let inputs = inputs.to_vec();
                let mut most = 0.0;
                for input in inputs {
                    most = f64::max(most, self.possible(input)?);
                }
                Some(most)
            }
            _ => None,
        }
    }

    fn whole_end(&self, value: ValueId) -> Option<f64> {
        let whole = self.whole_number(value)?;
        Some(whole.maximum.abs().max(whole.minimum.abs()))
    }
}
