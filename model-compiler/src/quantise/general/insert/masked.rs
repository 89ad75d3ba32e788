//! Choices between real values and ∓∞: the format is that of the real values.

use super::fine::MASKED_BITS;
use super::{Grid, Held, HeldKind, Insert, Insertion};
use crate::graph::{Binary, GraphError, Node, Op, ValueId};

impl Insertion<'_> {
    /// What a masked choice has elsewhere: ∓∞, or ∓∞ that is added to the real value.
    pub(super) fn sentinel(&self, node: &Node) -> Option<ValueId> {
        let &[_, real, other] = &node.inputs[..] else {
            return None;
        };
        if self.is_infinite(other) {
            return Some(other);
        }
        let sum = self.graph.producing_node(other)?;
        match (&sum.op, &sum.inputs[..]) {
            (Op::Binary(Binary::Add), [x, constant])
                if *x == real && self.is_infinite(*constant) =>
            {
                Some(*constant)
            }
            _ => None,
        }
    }

    pub(super) fn is_infinite(&self, value: ValueId) -> bool {
        let tensor = self.graph.constant(value);
        tensor.is_some_and(|t| t.data.iter().all(|v| v.is_infinite()))
    }

    /// A choice whose other side the lowering puts just beyond what the format holds.
    pub(super) fn masked(&mut self, node: &Node) -> Insert<Held> {
        let (&[condition, real, other], Some(sentinel)) = (&node.inputs[..], self.sentinel(node))
        else {
            return Err(GraphError::UnknownValue(node.output.index() as u32));
        };
        let condition = self.truth(node, condition)?;
        let like = self.format_of(node, real, other != sentinel);
        let (operand, frac) = match self.ordered(real, like, node.output)? {
            Some(fine) => fine,
            None => {
                let (operand, grid) = self.narrow_like(real, like)?;
                match grid.single() {
                    Some(frac) => (operand, frac),
                    None => self.uniform(real)?,
                }
            }
        };
        self.or_sentinel(
            node,
            [condition, operand],
            frac,
            (sentinel, other == sentinel),
        )
    }

    /// The same among activations of more than 8 bits.
    pub(super) fn masked_finely(
        &mut self,
        node: &Node,
        condition: ValueId,
        real: ValueId,
        other: ValueId,
    ) -> Insert<Held> {
        let Some(sentinel) = self.sentinel(node) else {
            return Err(GraphError::UnknownValue(node.output.index() as u32));
        };
        let condition = match self.is_truth(condition) {
            true => self.held(condition)?.wide,
            false => self.uniform(condition)?.0,
        };
        let like = self.format_of(node, real, other != sentinel);
        let operand = self.in_full_like(real, like, MASKED_BITS)?;
        let frac = self.span(operand).map_or(0, |span| span.frac);
        self.or_sentinel(
            node,
            [condition, operand],
            frac,
            (sentinel, other == sentinel),
        )
    }

    /// The value whose format a masked choice takes: real values alone say what it is, in other places there may be
    /// anything. `added`: whether the sentinel is added to the real value, which then has one reader more.
    fn format_of(&self, node: &Node, real: ValueId, added: bool) -> ValueId {
        let readers = self.uses[real.index()] - usize::from(added);
        let chosen = &self.observations.values[node.output.index()];
        match readers == 1 && !chosen.samples.is_empty() {
            true => node.output,
            false => real,
        }
    }

    /// The choice between an operand and ∓∞, or ∓∞ that is added to the operand.
    fn or_sentinel(
        &mut self,
        node: &Node,
        [condition, operand]: [ValueId; 2],
        frac: i32,
        (sentinel, bare): (ValueId, bool),
    ) -> Insert<Held> {
        let infinity = self.held(sentinel)?.wide;
        let elsewhere = match bare {
            true => infinity,
            false => {
                let sum = Op::Binary(Binary::Add);
                self.new.push(&node.name, sum, &[operand, infinity])?
            }
        };
        let operands = [condition, operand, elsewhere];
        let wide = self.new.push(&node.name, Op::Where, &operands)?;
        Ok(Held {
            wide,
            narrow: Some((wide, Grid::uniform(frac))),
            kind: HeldKind::Sums,
        })
    }
}
