//! Products, sums over constituents, and sums of squares.

use super::masks::normal;
use super::{ISSUE, MASKS, SQUARES, Walk, Walked, refuse};
use crate::graph::{Node, Reduction};
use crate::recognise::classes::{Class, channel_axis, slot_axis};
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
        if let Some(Class::Mask(rule)) = self.classes.get(node.inputs[0]) {
            let rule = *rule;
            return self.masked_sum(node, rule);
        }
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
        let padded = self.pool(node, zero)?;
        self.row(node, Layer::Sum { x, padded }, false, None)
    }

    /// [.., 1, P] × [.., P, C] with a mask as the first: Σ over live constituents.
    fn masked_sum(&mut self, node: &Node, rule: Rule) -> Walked<Class> {
        let (x, set, _) = self.operand(node, 1)?;
        let from_end = |index: usize| {
            let shape = self.graph.shape(node.inputs[index]);
            let slot = self.capacity().and_then(|p| slot_axis(shape, p));
            slot.map(|axis| shape.len() - axis)
        };
        if !set || (from_end(0), from_end(1)) != (Some(1), Some(2)) {
            return refuse(node, "a product with a mask that is no sum", MASKS);
        }
        self.pool(node, Some(normal(rule)))?;
        let padded = false;
        self.row(node, Layer::Sum { x, padded }, false, None)
    }

    /// A row divided by the number of live constituents.
    pub(super) fn per_count(&mut self, node: &Node) -> Walked<Class> {
        let (x, set, _) = self.operand(node, 0)?;
        let Some(Class::Count {
            rule,
            minimum,
            offset,
        }) = self.classes.get(node.inputs[1])
        else {
            return refuse(node, "a division that is not by the multiplicity", ISSUE);
        };
        let (rule, minimum, offset) = (*rule, *minimum, *offset);
        if set || self.graph.elements(node.inputs[0]) != self.graph.elements(node.output) {
            return refuse(node, "constituents divided by the multiplicity", ISSUE);
        }
        self.pool(node, Some(rule))?;
        let layer = Layer::PerCount { x, minimum, offset };
        self.row(node, layer, false, None)
    }

    /// max(n, constant).
    pub(super) fn at_least(&mut self, node: &Node, count: usize, bound: usize) -> Walked<Class> {
        let bound = self.graph.constant(node.inputs[bound]);
        match (
            self.classes.get(node.inputs[count]),
            bound.and_then(|t| t.single()),
        ) {
            (
                Some(Class::Count {
                    rule,
                    minimum,
                    offset: 0.0,
                }),
                Some(bound),
            ) => Ok(Class::Count {
                rule: *rule,
                minimum: minimum.max(f64::from(bound)),
                offset: 0.0,
            }),
            _ => refuse(node, "the multiplicity beside an activation", ISSUE),
        }
    }

    pub(super) fn arg_max(&mut self, node: &Node, axis: usize) -> Walked<Class> {
        let (x, set, _) = self.operand(node, 0)?;
        let shape = self.graph.shape(node.inputs[0]);
        let first = self.row_start(shape, set);
        if axis < first || channel_axis(shape, first) != Some(axis) {
            return refuse(node, "along an axis that is not the features'", ISSUE);
        }
        self.row(node, Layer::ArgMax { x }, set, None)
    }

    /// What a reduction of truth values stands for: the multiplicity, or whether some feature differs.
    fn counted(&self, node: &Node, op: Reduction, axes: &[usize]) -> Walked<Option<Class>> {
        let shape = self.graph.shape(node.inputs[0]);
        let capacity = self.capacity().unwrap_or(1);
        let slot = slot_axis(shape, capacity);
        let over = |wanted: &dyn Fn(usize) -> bool| {
            let wide = (0..shape.len()).filter(|axis| shape[*axis] != 1 && wanted(*axis));
            let reduced = axes.iter().filter(|axis| shape[**axis] != 1);
            reduced.copied().eq(wide)
        };
        Ok(match self.classes.get(node.inputs[0]) {
            Some(Class::Mask(rule)) if op == Reduction::Sum && over(&|a| Some(a) == slot) => {
                Some(Class::Count {
                    rule: normal(*rule),
                    minimum: 0.0,
                    offset: 0.0,
                })
            }
            Some(Class::Features {
                input,
                value,
                differs: true,
            }) if matches!(op, Reduction::Sum | Reduction::Max) && over(&|a| Some(a) != slot) => {
                Some(Class::Differing {
                    input: *input,
                    value: *value,
                })
            }
            Some(Class::Mask(_) | Class::Features { .. }) => {
                return refuse(node, "this reduction of a mask", MASKS);
            }
            _ => None,
        })
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
        if let Some(class) = self.counted(node, op, axes)? {
            return Ok(class);
        }
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
                let known = matches!(op, Reduction::Sum | Reduction::Mean | Reduction::Max);
                if !over_slots || !known {
                    return refuse(
                        node,
                        "only sums, means and maxima over the constituents are supported",
                        ISSUE,
                    );
                }
                let padded = self.pool(node, zero)?;
                if op == Reduction::Max {
                    // In a slot that is not live the mask left a zero.
                    let empty = (!padded).then_some(0.0);
                    return self.row(node, Layer::Max { x, empty }, false, None);
                }
                if op == Reduction::Sum {
                    return self.row(node, Layer::Sum { x, padded }, false, None);
                }
                // The mean over all slots, padded ones included, as the graph says.
                let channels = self.network.nodes[x].channels;
                self.network.nodes.push(NetworkNode {
                    name: format!("{}.sum", node.name),
                    layer: Layer::Sum { x, padded },
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
            Some(Class::Filled {
                node: x,
                rule,
                fill,
            }) if op == Reduction::Max => {
                let capacity = self.capacity().unwrap_or(1);
                let slot = slot_axis(shape, capacity);
                let over_slots = axes.iter().all(|a| Some(*a) == slot || shape[*a] == 1)
                    && axes.iter().any(|a| Some(*a) == slot);
                if !over_slots {
                    return refuse(node, "a maximum that is not over the constituents", ISSUE);
                }
                self.pool(node, Some(rule))?;
                let empty = Some(fill);
                self.row(node, Layer::Max { x, empty }, false, None)
            }
            _ => refuse(node, "this reduction is not supported", ISSUE),
        }
    }

    /// Notes the rule of a pooling, which must be the same for all; without one, padded slots count: then it says so.
    pub(super) fn pool(&mut self, node: &Node, zero: Option<Rule>) -> Walked<bool> {
        let rule = zero.unwrap_or(Rule::Padding);
        match self.rule {
            Some(known) if known != rule => refuse(
                node,
                "a second mask over the same constituents, or one pooling with a mask and one without",
                "use one mask for all poolings",
            ),
            _ => {
                self.rule = Some(rule);
                Ok(rule == Rule::Padding)
            }
        }
    }
}
