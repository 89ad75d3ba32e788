//! ∓∞ on one side of a choice: what a mask puts in the place of a value that is not there. Its integer lies beyond all
//! that the other side can reach, as far as what reads the choice asks.

use super::{Lowered, Lowering, PROPORTION, Real, Source};
use crate::exact::dyadic::Dyadic;
use crate::graph::{Binary, Node, Op, Pooling, Reduction, ValueId};

/// Before a Softmax e to the power of less is less than half a count of the result.
const BEFORE_SOFTMAX: i64 = 16;

/// How far beyond a sentinel lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Beyond {
    /// As far as the last value that is reached: the largest of both is the same.
    Ends,
    /// One count.
    Count,
    /// [`BEFORE_SOFTMAX`] units.
    Units,
}

impl Lowering<'_> {
    /// Whether a value is an infinity, or one that is added to something; with its sign.
    pub(super) fn infinity(&self, value: ValueId) -> Option<f32> {
        let node = self.graph.producing_node(value)?;
        match (&node.op, &node.inputs[..]) {
            (Op::Constant(tensor), _) => {
                let first = *tensor.data.first()?;
                let same = first.is_infinite() && tensor.data.iter().all(|v| *v == first);
                same.then_some(first)
            }
            (Op::Binary(Binary::Add), [_, constant]) => self.infinity(*constant),
            _ => None,
        }
    }

    /// Both sides of a choice, a number in the place of an infinity.
    pub(super) fn choices(&mut self, node: &Node) -> Lowered<(Real, Real)> {
        let infinite = |place: usize| self.infinity(node.inputs[place]);
        let (sides, sign) = match (infinite(1), infinite(2)) {
            (None, None) => return Ok((self.operand(node, 1)?, self.operand(node, 2)?)),
            (Some(_), Some(_)) => return Err("both choices are infinities".into()),
            (Some(sign), None) => ((2, 1), sign),
            (None, Some(sign)) => ((1, 2), sign),
        };
        let x = self.operand(node, sides.0)?;
        let x = self.on_one_grid(&node.name, x)?;
        let hull = self.interval(&x);
        let narrow = |raw: i128| i64::try_from(raw).map_err(|_| PROPORTION);
        let (low, high) = (narrow(hull.minimum)?, narrow(hull.maximum)?);
        let step = x.step[0];
        let beyond = match self.beyond(node.output, 0) {
            Beyond::Ends => 0,
            Beyond::Count => 1,
            Beyond::Units => {
                let units = Dyadic::integer(BEFORE_SOFTMAX);
                narrow(units.floor_over(step).ok_or(PROPORTION)? + 1)?
            }
        };
        let added = !matches!(
            self.graph
                .producing_node(node.inputs[sides.1])
                .map(|n| &n.op),
            Some(Op::Constant(_))
        );
        let raw = match (added, sign < 0.0) {
            (true, negative) => {
                let distance = high.checked_sub(low).and_then(|d| d.checked_add(beyond));
                let distance = distance.ok_or(PROPORTION)?;
                if negative { -distance } else { distance }
            }
            (false, true) => low.checked_sub(beyond).ok_or(PROPORTION)?,
            (false, false) => high.checked_add(beyond).ok_or(PROPORTION)?,
        };
        let elsewhere = match added {
            true => {
                let moved = Dyadic::integer(raw).times(step).ok_or(PROPORTION)?;
                let mut elsewhere = x.clone();
                for offset in &mut elsewhere.offset {
                    *offset = offset.plus(moved).ok_or(PROPORTION)?;
                }
                elsewhere
            }
            false => Real {
                shape: vec![1],
                source: Source::Constant(vec![raw]),
                step: vec![step],
                offset: vec![Dyadic::ZERO],
                divisor: 1,
            },
        };
        Ok(match sides {
            (1, _) => (x, elsewhere),
            _ => (elsewhere, x),
        })
    }

    /// What the readers of a choice ask.
    fn beyond(&self, value: ValueId, depth: usize) -> Beyond {
        let readers = self.graph.nodes().iter();
        let readers = readers.filter(|node| node.inputs.contains(&value));
        let asked = readers.map(|node| match &node.op {
            Op::Reduce {
                op: Reduction::Max | Reduction::Min,
                ..
            }
            | Op::Pool {
                op: Pooling::Max, ..
            } => Beyond::Ends,
            Op::TopK { .. } | Op::ArgMax { .. } => Beyond::Count,
            op if op.moves() && depth < 32 => self.beyond(node.output, depth + 1),
            // A choice within a choice: the outer one knows.
            _ => Beyond::Units,
        });
        asked.max().unwrap_or(Beyond::Ends)
    }
}
