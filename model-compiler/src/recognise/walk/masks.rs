//! Masks, and weights that are words.

use super::{MASKS, Walk, Walked, refuse};
use crate::graph::{Node, Op};
use crate::recognise::classes::Class;
use crate::recognise::{Layer, NodeIndex, Predicate, Rule, of_channel};

impl Walk<'_> {
    /// x · mask: x itself, in the slots that are live. The mask stands at operand `mask`.
    pub(super) fn masked(
        &mut self,
        node: &Node,
        x: usize,
        mask: usize,
        predicate: Predicate,
    ) -> Walked<Class> {
        if !(self.aligned(node, x) && self.aligned(node, mask)) {
            return refuse(node, "a mask that is not slot by slot", MASKS);
        }
        let (x, set, _) = self.operand(node, x)?;
        if !set {
            return refuse(node, "a mask on a value without constituents", MASKS);
        }
        // It is taken as the identity on live slots: then there can be one rule only.
        let rule = Rule::Mask(predicate.normal());
        self.pool(node, Some(rule))?;
        Ok(Class::Row {
            node: x,
            per_constituent: true,
            zero: Some(rule),
        })
    }

    pub(super) fn choose(&mut self, node: &Node) -> Walked<Class> {
        let is_zero = |index: usize| {
            let tensor = node.inputs.get(index).and_then(|v| self.graph.constant(*v));
            tensor.is_some_and(|t| t.data.iter().all(|v| *v == 0.0))
        };
        let Some(Class::Mask(predicate)) = self.classes.get(node.inputs[0]) else {
            return refuse(node, "a condition that is no mask", MASKS);
        };
        let mut predicate = *predicate;
        if is_zero(2) {
            return self.masked(node, 1, 0, predicate);
        }
        if is_zero(1) {
            predicate.inverted = !predicate.inverted;
            return self.masked(node, 2, 0, predicate);
        }
        refuse(node, "neither branch is zero", MASKS)
    }

    /// The input word that `x` is, up to a positive or negative factor: where it is zero, x is.
    pub(super) fn weight(&self, x: NodeIndex) -> Option<Rule> {
        let (input, channel, _, shift) = self.source(x)?;
        (shift == 0.0).then_some(Rule::Weight { input, channel })
    }

    /// x = input\[channel\] · scale + shift with one affine step at most, for an x of one channel.
    pub(super) fn source(&self, x: NodeIndex) -> Option<(usize, usize, f64, f64)> {
        let mut channel = 0;
        let mut affine = None;
        let mut at = x;
        if self.network.nodes[x].channels != 1 {
            return None;
        }
        loop {
            match &self.network.nodes[at].layer {
                Layer::Input(input) => {
                    let (scale, shift) = affine.unwrap_or((1.0, 0.0));
                    return Some((*input, channel, scale, shift));
                }
                Layer::Select { x, channels } => {
                    channel = channels[channel];
                    at = *x;
                }
                Layer::Affine { x, scale, shift } if affine.is_none() => {
                    affine = Some((of_channel(scale, channel), of_channel(shift, channel)));
                    at = *x;
                }
                _ => return None,
            }
        }
    }

    /// The condition of a comparison.
    pub(super) fn predicate(&self, node: &Node) -> Walked<Predicate> {
        use crate::graph::Comparison::{Greater, GreaterOrEqual, Less, LessOrEqual};
        let constant = |i: usize| self.graph.constant(node.inputs[i]).and_then(|t| t.single());
        let Op::Compare(comparison) = &node.op else {
            return refuse(node, "no comparison", MASKS);
        };
        let ((x, set, _), threshold, comparison) = match (constant(0), constant(1)) {
            (None, Some(t)) => (self.operand(node, 0)?, t, *comparison),
            (Some(t), None) => {
                let turned = match comparison {
                    Greater => Less,
                    GreaterOrEqual => LessOrEqual,
                    Less => Greater,
                    LessOrEqual => GreaterOrEqual,
                    equal => *equal,
                };
                (self.operand(node, 1)?, t, turned)
            }
            _ => return refuse(node, "a comparison that is not with one constant", MASKS),
        };
        match self.source(x) {
            Some((input, channel, scale, shift)) if set => Ok(Predicate {
                input,
                channel,
                scale,
                shift,
                comparison,
                threshold,
                inverted: false,
            }),
            _ => refuse(
                node,
                "a mask that is not computed from one feature of the constituents",
                MASKS,
            ),
        }
    }
}
