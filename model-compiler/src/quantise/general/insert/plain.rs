//! Values that are detector words as they came: what orders or compares them needs no format.

use super::{HeldKind, Insert, Insertion, Words, formats};
use crate::graph::{Binary, Graph, Op, Unary, ValueId};

/// Bits of what is not rounded before it is put in order.
const UNROUNDED: i32 = 48;
/// Bits of what is put in order: one is left for what lies beyond.
const ORDERED: u8 = 31;

/// What a value is of the words.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Plain {
    /// Computed from them, or a constant.
    No,
    /// Words of several LSBs.
    Words,
    /// Words of one LSB.
    Alike(f64),
}

impl Plain {
    pub fn is_words(self) -> bool {
        self != Self::No
    }
}

/// Each value's.
pub(super) fn plain(graph: &Graph, words: &[Words]) -> Vec<Plain> {
    let mut plain = vec![Plain::No; graph.value_count()];
    for (input, words) in graph.inputs().iter().zip(words) {
        let lsb = |channel: usize| words.input.field(channel).lsb.0;
        let alike = (1..words.input.channels).all(|channel| lsb(channel) == lsb(0));
        plain[input.value.index()] = match alike {
            true => Plain::Alike(lsb(0)),
            false => Plain::Words,
        };
    }
    for node in graph.nodes() {
        let parts = || node.inputs.iter().map(|value| plain[value.index()]);
        plain[node.output.index()] = match &node.op {
            op if op.moves() && parts().all(Plain::is_words) => {
                let mut parts = parts();
                let first = parts.next().unwrap_or(Plain::No);
                match parts.all(|part| part == first) {
                    true => first,
                    false => Plain::Words,
                }
            }
            _ => Plain::No,
        };
    }
    plain
}

/// Of each value whether all that becomes of it is that a TopK or an ArgMax takes its place among others.
pub(super) fn ordering(graph: &Graph) -> Vec<bool> {
    let mut ordering = vec![true; graph.value_count()];
    for output in graph.outputs() {
        ordering[output.value.index()] = false;
    }
    for node in graph.nodes().iter().rev() {
        let own = ordering[node.output.index()];
        for (place, value) in node.inputs.iter().enumerate() {
            ordering[value.index()] &= match &node.op {
                Op::TopK { indices: true, .. } | Op::ArgMax { .. } => true,
                Op::Where => own && place > 0,
                Op::Unary(Unary::Neg) | Op::Binary(Binary::Add | Binary::Sub) => own,
                op => op.moves() && own,
            };
        }
    }
    ordering
}

impl Insertion<'_> {
    /// An operand as wide as it is computed.
    pub(super) fn unrounded(&mut self, value: ValueId) -> Insert<ValueId> {
        let held = self.held(value)?.clone();
        // On a power of two of not too many bits, so that it meets others.
        let few = self.span(held.wide).is_some_and(|s| s.bits() <= UNROUNDED);
        match (held.kind, self.plain[value.index()]) {
            (HeldKind::Sums, Plain::No) if few => Ok(held.wide),
            _ => Ok(self.narrow(value)?.0),
        }
    }

    /// What only its order is wanted of, in as many bits as an order can have; none of what has fewer anyway.
    pub(super) fn ordered(
        &mut self,
        value: ValueId,
        like: ValueId,
        reader: ValueId,
    ) -> Insert<Option<(ValueId, i32)>> {
        let held = self.held(value)?;
        if !self.ordering[reader.index()] || held.kind != HeldKind::Sums || held.narrow.is_some() {
            return Ok(None);
        }
        let wide = held.wide;
        let chosen = formats::of_value(
            &self.observations.values[like.index()],
            ORDERED,
            self.room(),
        );
        let quantised = self.quantised(value, wide, &[chosen.frac], ORDERED)?;
        Ok(Some((quantised, chosen.frac)))
    }

    /// An operand of which only the order counts: words of one LSB as they are, else all elements on one grid.
    pub(super) fn ranked(&mut self, value: ValueId) -> Insert<ValueId> {
        if let Some(words) = self.ordered_words(value)? {
            return Ok(words);
        }
        if self.ordering[value.index()]
            && let Some((fine, _)) = self.ordered(value, value, value)?
        {
            return Ok(fine);
        }
        Ok(self.uniform(value)?.0)
    }
}
