//! Masks, and weights that are words.

use super::{MASKS, Walk, Walked, refuse};
use crate::graph::{Node, Op};
use crate::recognise::classes::Class;
use crate::recognise::{Layer, NodeIndex, Predicate, Rule, of_channel};

/// The same slots without an inversion, where there is such a comparison.
pub(super) fn normal(rule: Rule) -> Rule {
    match rule {
        Rule::Mask(predicate) => Rule::Mask(predicate.normal()),
        other => other,
    }
}

impl Walk<'_> {
    /// x · mask: x itself, in the slots that are live. The mask stands at operand `mask`.
    pub(super) fn masked(
        &mut self,
        node: &Node,
        x: usize,
        mask: usize,
        rule: Rule,
    ) -> Walked<Class> {
        if !(self.aligned(node, x) && self.aligned(node, mask)) {
            return refuse(node, "a mask that is not slot by slot", MASKS);
        }
        let (x, set, _) = self.operand(node, x)?;
        if !set {
            return refuse(node, "a mask on a value without constituents", MASKS);
        }
        // It is taken as the identity on live slots: then there can be one rule only.
        let rule = normal(rule);
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
        let Some(Class::Mask(rule)) = self.classes.get(node.inputs[0]) else {
            return refuse(node, "a condition that is no mask", MASKS);
        };
        let rule = *rule;
        if is_zero(2) {
            return self.masked(node, 1, 0, rule);
        }
        let fill = |index: usize| {
            let tensor = node.inputs.get(index).and_then(|v| self.graph.constant(*v));
            tensor.and_then(|t| t.single()).filter(|v| !v.is_nan())
        };
        if let Some(fill) = fill(2) {
            return self.filled(node, 1, rule, fill);
        }
        let inverted = rule.inverted();
        match (inverted, fill(1)) {
            (Some(rule), _) if is_zero(1) => self.masked(node, 2, 0, rule),
            (Some(rule), Some(fill)) => self.filled(node, 2, rule, fill),
            _ => refuse(node, "neither branch is one constant", MASKS),
        }
    }

    /// x where the mask holds, a constant elsewhere, for a maximum to read.
    fn filled(&mut self, node: &Node, x: usize, rule: Rule, fill: f32) -> Walked<Class> {
        let class = self.masked(node, x, 0, rule)?;
        let Class::Row { node, .. } = class else {
            return Ok(class);
        };
        let rule = normal(rule);
        Ok(Class::Filled { node, rule, fill })
    }

    /// A comparison of every feature of an input with one value, as a mask over several features begins.
    pub(super) fn features(&self, node: &Node) -> Option<Class> {
        let Op::Compare(crate::graph::Comparison::Equal) = node.op else {
            return None;
        };
        let constant = |i: usize| self.graph.constant(node.inputs[i]).and_then(|t| t.single());
        let (x, value) = match (constant(0), constant(1)) {
            (None, Some(value)) => (node.inputs[0], value),
            (Some(value), None) => (node.inputs[1], value),
            _ => return None,
        };
        let Some(Class::Row {
            node: x,
            per_constituent: true,
            ..
        }) = self.classes.get(x)
        else {
            return None;
        };
        match self.network.nodes[*x].layer {
            Layer::Input(input) if self.network.nodes[*x].channels > 1 => Some(Class::Features {
                input,
                value,
                differs: false,
            }),
            _ => None,
        }
    }

    /// `differing > t` for a t below one: some feature differs.
    pub(super) fn any_feature(&self, node: &Node) -> Option<Rule> {
        use crate::graph::Comparison::{Greater, GreaterOrEqual, Less, LessOrEqual};
        let Op::Compare(comparison) = &node.op else {
            return None;
        };
        let class = |i: usize| node.inputs.get(i).and_then(|v| self.classes.get(*v));
        let constant = |i: usize| self.graph.constant(node.inputs[i]).and_then(|t| t.single());
        let (class, threshold, comparison) = match (class(0), constant(1), class(1), constant(0)) {
            (Some(c @ Class::Differing { .. }), Some(t), ..) => (c, t, *comparison),
            (_, _, Some(c @ Class::Differing { .. }), Some(t)) => match comparison {
                Less => (c, t, Greater),
                LessOrEqual => (c, t, GreaterOrEqual),
                _ => return None,
            },
            _ => return None,
        };
        let some = match comparison {
            Greater => (0.0..1.0).contains(&threshold),
            GreaterOrEqual => threshold > 0.0 && threshold <= 1.0,
            _ => false,
        };
        match class {
            Class::Differing { input, value } if some => Some(Rule::Any {
                input: *input,
                value: *value,
            }),
            _ => None,
        }
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
