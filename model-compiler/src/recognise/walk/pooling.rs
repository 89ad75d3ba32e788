//! Products, sums over constituents, and sums of squares.

use super::{ISSUE, SQUARES, Walk, Walked, refuse};
use crate::graph::{Node, Reduction};
use crate::recognise::classes::{Class, slot_axis};
use crate::recognise::{Layer, NetworkNode, NodeIndex, Rule};

impl Walk<'_> {
    pub(super) fn product(&mut self, node: &Node) -> Walked<Class> {
        let (a, set_a, zero_a) = self.operand(node, 0)?;
        let (b, set_b, zero_b) = self.operand(node, 1)?;
        if set_a != set_b {
            return refuse(node, "a product of a constituent with the event", ISSUE);
        }
        if !(0..2).all(|index| self.aligned(node, index)) {
            return refuse(node, "a product that is not row by row", ISSUE);
        }
        let weight = |x| self.weight(x).filter(|_| set_a);
        let zero = zero_a.or(zero_b).or(weight(a)).or(weight(b));
        self.row(node, Layer::Mul { a, b }, set_a, zero)
    }

    /// [.., 1, P] × [.., P, C]: Σ over constituents of weight · row.
    pub(super) fn weighted_sum(&mut self, node: &Node) -> Walked<Class> {
        let (a, set_a, zero_a) = self.operand(node, 0)?;
        let (b, set_b, zero_b) = self.operand(node, 1)?;
        let slot_from_end = |index: usize| {
            let shape = self.graph.shape(node.inputs[index]);
            let slot = self.capacity().and_then(|p| slot_axis(shape, p));
            slot.map(|axis| shape.len() - axis)
        };
        let places = (slot_from_end(0), slot_from_end(1)) == (Some(1), Some(2));
        if !(set_a && set_b && places) || self.network.nodes[a].channels != 1 {
            return refuse(
                node,
                "a product of two activations that is no weighted sum over constituents",
                ISSUE,
            );
        }
        let zero = zero_a.or(zero_b).or(self.weight(a)).or(self.weight(b));
        let channels = self.network.nodes[b].channels;
        self.network.nodes.push(NetworkNode {
            name: format!("{}.weighted", node.name),
            layer: Layer::Mul { a, b },
            per_constituent: true,
            channels,
            value: None,
        });
        let x = self.network.nodes.len() - 1;
        self.pool(node, zero)?;
        self.row(node, Layer::Sum { x }, false, None)
    }

    pub(super) fn reduce(&mut self, node: &Node, op: Reduction, axes: &[usize]) -> Walked<Class> {
        let shape = self.graph.shape(node.inputs[0]);
        let row_score = |set: bool| {
            let first = self.row_start(shape, set);
            (0..shape.len()).all(|axis| shape[axis] == 1 || axis >= first && axes.contains(&axis))
        };
        let channels = |x: NodeIndex| self.network.nodes[x].channels as f64;
        let divisor = |x| match op {
            Reduction::Mean => Some(channels(x)),
            Reduction::Sum | Reduction::SumSquare => Some(1.0),
            _ => None,
        };
        match self.classes.get(node.inputs[0]).cloned() {
            Some(Class::SquaredDifference { a, b }) if op != Reduction::SumSquare => {
                let set = self.network.nodes[a].per_constituent;
                match divisor(a).filter(|_| !set && row_score(false)) {
                    Some(divisor) => {
                        self.row(node, Layer::SquaredError { a, b, divisor }, false, None)
                    }
                    None => refuse(
                        node,
                        "an error that is not summed over the whole row",
                        SQUARES,
                    ),
                }
            }
            Some(Class::Difference { a, b }) if op == Reduction::SumSquare && row_score(false) => {
                let divisor = 1.0;
                self.row(node, Layer::SquaredError { a, b, divisor }, false, None)
            }
            Some(Class::Square { x }) if op != Reduction::SumSquare => {
                let set = self.network.nodes[x].per_constituent;
                match divisor(x).filter(|_| !set && row_score(false)) {
                    Some(divisor) => self.row(node, Layer::SumSquares { x, divisor }, false, None),
                    None => refuse(
                        node,
                        "squares that are not summed over the whole row",
                        SQUARES,
                    ),
                }
            }
            Some(Class::Row {
                node: x,
                per_constituent: false,
                ..
            }) if op == Reduction::SumSquare && row_score(false) => {
                let divisor = 1.0;
                self.row(node, Layer::SumSquares { x, divisor }, false, None)
            }
            Some(Class::Row {
                node: x,
                per_constituent: true,
                zero,
            }) => {
                let capacity = self.capacity().unwrap_or(1);
                let slot = slot_axis(shape, capacity);
                let over_slots = axes.iter().all(|a| Some(*a) == slot || shape[*a] == 1)
                    && axes.iter().any(|a| Some(*a) == slot);
                if !over_slots || !matches!(op, Reduction::Sum | Reduction::Mean) {
                    return refuse(node, "only sums over the constituents are supported", ISSUE);
                }
                self.pool(node, zero)?;
                if op == Reduction::Sum {
                    return self.row(node, Layer::Sum { x }, false, None);
                }
                // The mean over all slots, padded ones included, as the graph says.
                let channels = self.network.nodes[x].channels;
                self.network.nodes.push(NetworkNode {
                    name: format!("{}.sum", node.name),
                    layer: Layer::Sum { x },
                    per_constituent: false,
                    channels,
                    value: None,
                });
                let layer = Layer::Affine {
                    x: self.network.nodes.len() - 1,
                    scale: vec![1.0 / capacity as f64],
                    shift: vec![0.0],
                };
                self.row(node, layer, false, None)
            }
            _ => refuse(node, "this reduction is not supported", ISSUE),
        }
    }

    /// Notes the rule of a pooling, which must be the same for all.
    pub(super) fn pool(&mut self, node: &Node, zero: Option<Rule>) -> Walked<()> {
        let Some(rule) = zero else {
            return refuse(
                node,
                "padded slots reach the pooling: there is no mask",
                "multiply by a mask such as (pt > 0) before it; padding without a mask is not supported yet",
            );
        };
        match self.rule {
            Some(known) if known != rule => refuse(
                node,
                "a second mask over the same constituents",
                "use one mask for all poolings",
            ),
            _ => {
                self.rule = Some(rule);
                Ok(())
            }
        }
    }
}
