//! Values that are detector words as they came: what orders or compares them needs no format.

use super::{Grid, HeldKind, Insert, Insertion, Words, formats};
use crate::graph::{Binary, Graph, GraphError, Op, Unary, ValueId};

/// Bits of what is not rounded before it is put in order.
const UNROUNDED: i32 = 48;
/// Bits of words that a product of few bits reads as they are.
const FEW: u8 = 16;
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
    /// Whether a value is words of one input in another order: each keeps the format that its word has.
    pub(super) fn is_moved_words(&self, value: ValueId) -> bool {
        let node = self.graph.producing_node(value);
        node.is_some_and(|node| {
            self.plain[value.index()].is_words() && node.op.moves() && node.inputs.len() == 1
        })
    }

    /// Words of few bits as they came, moved and in another unit perhaps.
    pub(super) fn few_words(&mut self, value: ValueId) -> Insert<Option<ValueId>> {
        match self.word_bits(value) {
            Some(bits) if bits <= FEW => self.of_words(value),
            _ => Ok(None),
        }
    }

    /// Bits of the words that a value is, in whatever unit.
    fn word_bits(&self, value: ValueId) -> Option<u8> {
        if let Some(input) = self.words_of(value) {
            return Some(self.words[input].bits());
        }
        let node = self.graph.producing_node(value)?;
        let constant = |value: &ValueId| self.graph.constant(*value).is_some();
        match (&node.op, &node.inputs[..]) {
            (op, [x]) if op.moves() => self.word_bits(*x),
            (Op::ScaleShift { shift, .. }, [x]) if shift.iter().all(|t| *t == 0.0) => {
                self.word_bits(*x)
            }
            (Op::Binary(Binary::Mul | Binary::Div), [x, factor]) if constant(factor) => {
                self.word_bits(*x)
            }
            _ => None,
        }
    }

    /// Moved words in few bits.
    pub(super) fn narrow_moved_words(&mut self, value: ValueId) -> Insert<(ValueId, Grid)> {
        let unknown = GraphError::UnknownValue(value.index() as u32);
        let node = self.graph.producing_node(value).ok_or(unknown)?.clone();
        let x = node.inputs[0];
        let (narrow, grid) = self.narrow(x)?;
        let (operand, grid) = match Grid::moved(&node.op, &[(&grid, self.graph.shape(x))]) {
            Some(grid) => (narrow, grid),
            None => {
                let (uniform, frac) = self.uniform(x)?;
                (uniform, Grid::uniform(frac))
            }
        };
        Ok((self.new.push(&node.name, node.op, &[operand])?, grid))
    }

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
