//! Choices between real values and ∓∞: the format is that of the real values.

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
        // Real values alone say what the format is: in other places there may be anything.
        let readers = self.uses[real.index()] - usize::from(other != sentinel);
        let chosen = &self.observations.values[node.output.index()];
        let like = match readers == 1 && !chosen.samples.is_empty() {
            true => node.output,
            false => real,
        };
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
        let infinity = self.held(sentinel)?.wide;
        let elsewhere = match other == sentinel {
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
