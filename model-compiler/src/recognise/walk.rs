//! The walk over the graph's nodes, one function per family.

use super::classes::{Class, Classes, channel_axis, slot_axis};
use super::{
    Layer, Network, NetworkInput, NetworkNode, NetworkSet, NodeIndex, Predicate, RecogniseError,
    Rule,
};
use crate::graph::{Binary, Graph, Node, Op, Reduction, Unary, ValueId};
use crate::inputs::InputsSpec;

pub(super) fn walk(graph: &Graph, spec: &InputsSpec) -> Result<Network, RecogniseError> {
    let mut walk = Walk::start(graph, spec)?;
    for node in graph.nodes() {
        let class = walk.node(node)?;
        walk.classes.set(node.output, class);
    }
    walk.finish(spec)
}

struct Walk<'g> {
    graph: &'g Graph,
    classes: Classes,
    network: Network,
    /// Name and capacity of the set; its rule is found on the way.
    set: Option<(String, usize)>,
    rule: Option<Rule>,
}

type Walked<T> = Result<T, RecogniseError>;

impl<'g> Walk<'g> {
    fn start(graph: &'g Graph, spec: &InputsSpec) -> Walked<Self> {
        let refuse = |input: &str, reason: String| RecogniseError::Input {
            input: input.into(),
            reason,
        };
        for name in spec.names() {
            if !graph.inputs().iter().any(|input| input.name == name) {
                return Err(refuse(name, "the model has no input of this name".into()));
            }
        }
        // A set is stated, or it is the middle axis of [batch, constituents, features].
        let mut set: Option<(String, usize)> = None;
        for input in graph.inputs() {
            let shape = graph.shape(input.value);
            let stated = spec.get(&input.name).and_then(|s| s.set.clone());
            let Some(name) = stated.or((shape.len() == 3).then(|| "constituents".into())) else {
                continue;
            };
            let Some(capacity) = shape.get(1).copied().filter(|_| shape[0] == 1) else {
                return Err(refuse(
                    &input.name,
                    format!("shape {shape:?} has no set axis"),
                ));
            };
            if let Some(stated) = spec.get(&input.name).and_then(|s| s.capacity)
                && stated != capacity
            {
                let reason = format!("capacity {stated} is stated, the model has {capacity} slots");
                return Err(refuse(&input.name, reason));
            }
            if set.as_ref().is_some_and(|(_, other)| *other != capacity) {
                return Err(refuse(
                    &input.name,
                    "a second set is not supported yet".into(),
                ));
            }
            set.get_or_insert((name, capacity));
        }
        let mut walk = Self {
            graph,
            classes: Classes::new(graph.value_count()),
            network: Network {
                name: graph.name().into(),
                set: None,
                inputs: vec![],
                nodes: vec![],
                outputs: vec![],
            },
            set,
            rule: None,
        };
        for (index, input) in graph.inputs().iter().enumerate() {
            let shape = graph.shape(input.value);
            let in_set = walk
                .capacity()
                .is_some_and(|p| slot_axis(shape, p).is_some());
            let elements: usize = shape.iter().product();
            let channels = elements / walk.capacity().filter(|_| in_set).unwrap_or(1);
            walk.network.inputs.push(NetworkInput {
                name: input.name.clone(),
                channels,
                in_set,
            });
            let node = walk.push(
                &input.name,
                Layer::Input(index),
                in_set,
                channels,
                input.value,
            );
            let zero = None;
            walk.classes.set(
                input.value,
                Class::Row {
                    node,
                    per_constituent: in_set,
                    zero,
                },
            );
        }
        Ok(walk)
    }

    fn finish(mut self, spec: &InputsSpec) -> Walked<Network> {
        for output in self.graph.outputs() {
            let node = match self.classes.get(output.value) {
                Some(Class::Row {
                    node,
                    per_constituent: false,
                    ..
                }) => *node,
                other => {
                    let reason = match other {
                        Some(Class::Row { .. }) => "an output with a value per constituent",
                        _ => "an output that is no tensor of numbers",
                    };
                    return Err(RecogniseError::Node {
                        node: self.graph.value_name(output.value).into(),
                        operation: format!("output '{}'", output.name),
                        reason: format!("{reason} is not supported"),
                        instead: "pool over the constituents, or export without it".into(),
                    });
                }
            };
            self.network.outputs.push((output.name.clone(), node));
        }
        if let Some((name, capacity)) = self.set {
            let Some(live) = self.rule else {
                return Err(RecogniseError::Input {
                    input: self.network.inputs[0].name.clone(),
                    reason: "its constituents are never pooled".into(),
                });
            };
            let mut order = None;
            for (index, input) in self.network.inputs.iter().enumerate() {
                let stated = spec.get(&input.name);
                let Some(wanted) = stated.and_then(|s| s.order.as_ref()) else {
                    continue;
                };
                let fields = stated.map(|s| s.fields()).unwrap_or_default();
                let Some(channel) = fields.iter().position(|f| f.name == *wanted) else {
                    return Err(RecogniseError::Input {
                        input: input.name.clone(),
                        reason: format!("order = \"{wanted}\" is not one of its fields"),
                    });
                };
                order = Some((index, channel));
            }
            // Without a statement the hardest are those with the largest weight or masked value.
            let order = order.or(match live {
                Rule::Mask(p) => Some((p.input, p.channel)),
                Rule::Weight { input, channel } => Some((input, channel)),
            });
            self.network.set = Some(NetworkSet {
                name,
                capacity,
                live,
                order,
            });
        }
        Ok(self.network)
    }

    fn capacity(&self) -> Option<usize> {
        self.set.as_ref().map(|(_, capacity)| *capacity)
    }

    fn push(
        &mut self,
        name: &str,
        layer: Layer,
        per_constituent: bool,
        channels: usize,
        value: ValueId,
    ) -> NodeIndex {
        self.network.nodes.push(NetworkNode {
            name: name.into(),
            layer,
            per_constituent,
            channels,
            value: Some(value),
        });
        self.network.nodes.len() - 1
    }

    /// Pushes the layer of `node` with the given `zero` guarantee, of the rows of its result.
    fn row(&mut self, node: &Node, layer: Layer, set: bool, zero: Option<Rule>) -> Walked<Class> {
        let elements = self.graph.elements(node.output);
        let slots = self.capacity().filter(|_| set).unwrap_or(1);
        let index = self.push(&node.name, layer, set, elements / slots, node.output);
        Ok(Class::Row {
            node: index,
            per_constituent: set,
            zero,
        })
    }

    fn node(&mut self, node: &Node) -> Walked<Class> {
        match &node.op {
            Op::Constant(_) => Ok(Class::Constant),
            Op::Dense { weights, bias } => {
                let (x, set, _) = self.operand(node, 0)?;
                let layer = Layer::Dense {
                    x,
                    weights: weights.data.clone(),
                    bias: bias.clone(),
                };
                if self.network.nodes[x].channels * bias.len() != weights.data.len() {
                    return refuse(
                        node,
                        "a dense layer on an axis that is not the last of its rows",
                        "export the constituents as [batch, constituents, features]",
                    );
                }
                self.row(node, layer, set, None)
            }
            Op::ScaleShift { axis, scale, shift } => self.affine(node, *axis, scale, shift),
            Op::Unary(function) => self.unary(node, *function),
            Op::Binary(op) => self.binary(node, *op),
            Op::Compare(comparison) => {
                let predicate = self.predicate(node)?;
                Ok(Class::Mask(Predicate {
                    comparison: *comparison,
                    ..predicate
                }))
            }
            Op::Where => self.choose(node),
            Op::MatMul => self.weighted_sum(node),
            Op::Reduce { op, axes, .. } => self.reduce(node, *op, axes),
            Op::Reshape { .. } | Op::Transpose { .. } => self.reshape(node),
            Op::Slice {
                axis,
                start,
                step,
                len,
            } => {
                let channels = (0..*len as isize).map(|i| (*start as isize + i * step) as usize);
                self.select(node, *axis, channels.collect())
            }
            Op::Select { axis, indices } => self.select(node, *axis, indices.clone()),
            Op::Concat { axis } => self.concat(node, *axis),
            _ => refuse(node, "this operation is not supported", ISSUE),
        }
    }

    /// A row operand: node, whether it is per constituent, and its zero guarantee.
    fn operand(&self, node: &Node, index: usize) -> Walked<(NodeIndex, bool, Option<Rule>)> {
        match node.inputs.get(index).and_then(|id| self.classes.get(*id)) {
            Some(Class::Row {
                node,
                per_constituent,
                zero,
            }) => Ok((*node, *per_constituent, *zero)),
            Some(Class::Mask(_)) => refuse(node, "arithmetic on a mask", MASKS),
            Some(Class::Constant) => refuse(
                node,
                "a constant in this place",
                "fold it into a dense layer",
            ),
            _ => refuse(
                node,
                "a difference or square that is not summed over the row",
                SQUARES,
            ),
        }
    }

    fn affine(&mut self, node: &Node, axis: usize, scale: &[f64], shift: &[f64]) -> Walked<Class> {
        // A mask that is cast and scaled by one is simplified away; any other is refused.
        let (x, set, zero) = self.operand(node, 0)?;
        let shape = self.graph.shape(node.output);
        let first = self.row_start(shape, set);
        if scale.len() > 1 && channel_axis(shape, first) != Some(axis) {
            return refuse(
                node,
                "factors that differ from slot to slot",
                "scale each feature by one constant",
            );
        }
        let zero = zero.filter(|_| shift.iter().all(|s| *s == 0.0));
        let layer = Layer::Affine {
            x,
            scale: scale.to_vec(),
            shift: shift.to_vec(),
        };
        self.row(node, layer, set, zero)
    }

    fn unary(&mut self, node: &Node, function: Unary) -> Walked<Class> {
        match (self.classes.get(node.inputs[0]), function) {
            (Some(Class::Mask(p)), Unary::Not) => {
                return Ok(Class::Mask(Predicate {
                    inverted: !p.inverted,
                    ..*p
                }));
            }
            (Some(Class::Difference { a, b }), Unary::Square) => {
                return Ok(Class::SquaredDifference { a: *a, b: *b });
            }
            (Some(Class::Row { node, .. }), Unary::Square) => {
                return Ok(Class::Square { x: *node });
            }
            _ => {}
        }
        let keeps_zero = match function {
            Unary::Relu | Unary::LeakyRelu { .. } | Unary::Tanh => true,
            Unary::Sigmoid => false,
            _ => return refuse(node, "this function is not supported", ISSUE),
        };
        let (x, set, zero) = self.operand(node, 0)?;
        let layer = Layer::Activation { x, function };
        self.row(node, layer, set, zero.filter(|_| keeps_zero))
    }

    fn binary(&mut self, node: &Node, op: Binary) -> Walked<Class> {
        let classes = [0, 1].map(|i| node.inputs.get(i).and_then(|v| self.classes.get(*v)));
        match (op, classes) {
            (Binary::Mul, [Some(Class::Mask(p)), Some(Class::Row { .. })]) => {
                let predicate = *p;
                self.masked(node, 1, predicate)
            }
            (Binary::Mul, [Some(Class::Row { .. }), Some(Class::Mask(p))]) => {
                let predicate = *p;
                self.masked(node, 0, predicate)
            }
            (Binary::Mul, _) => self.product(node),
            (
                Binary::Sub,
                [
                    Some(Class::Row { node: a, .. }),
                    Some(Class::Row { node: b, .. }),
                ],
            ) => {
                let channels = |n: &NodeIndex| self.network.nodes[*n].channels;
                if channels(a) != channels(b) {
                    return refuse(node, "a difference that broadcasts", SQUARES);
                }
                Ok(Class::Difference { a: *a, b: *b })
            }
            _ => refuse(node, "between two activations", ISSUE),
        }
    }

    /// x · mask: x itself, in the slots that are live.
    fn masked(&mut self, node: &Node, x: usize, predicate: Predicate) -> Walked<Class> {
        let (x, set, _) = self.operand(node, x)?;
        if !set {
            return refuse(node, "a mask on a value without constituents", MASKS);
        }
        let Some(predicate) = predicate.normal() else {
            return refuse(node, "a mask that keeps the small values", MASKS);
        };
        Ok(Class::Row {
            node: x,
            per_constituent: true,
            zero: Some(Rule::Mask(predicate)),
        })
    }

    fn choose(&mut self, node: &Node) -> Walked<Class> {
        let is_zero = |index: usize| {
            let tensor = node.inputs.get(index).and_then(|v| self.graph.constant(*v));
            tensor.is_some_and(|t| t.data.iter().all(|v| *v == 0.0))
        };
        let Some(Class::Mask(predicate)) = self.classes.get(node.inputs[0]) else {
            return refuse(node, "a condition that is no mask", MASKS);
        };
        let mut predicate = *predicate;
        if is_zero(2) {
            return self.masked(node, 1, predicate);
        }
        if is_zero(1) {
            predicate.inverted = !predicate.inverted;
            return self.masked(node, 2, predicate);
        }
        refuse(node, "neither branch is zero", MASKS)
    }

    fn product(&mut self, node: &Node) -> Walked<Class> {
        let (a, set_a, zero_a) = self.operand(node, 0)?;
        let (b, set_b, zero_b) = self.operand(node, 1)?;
        if set_a != set_b {
            return refuse(node, "a product of a constituent with the event", ISSUE);
        }
        let weight = |x| self.weight(x).filter(|_| set_a);
        let zero = zero_a.or(zero_b).or(weight(a)).or(weight(b));
        self.row(node, Layer::Mul { a, b }, set_a, zero)
    }

    /// [.., 1, P] × [.., P, C]: Σ over constituents of weight · row.
    fn weighted_sum(&mut self, node: &Node) -> Walked<Class> {
        let (a, set_a, zero_a) = self.operand(node, 0)?;
        let (b, set_b, zero_b) = self.operand(node, 1)?;
        if !(set_a && set_b) || self.network.nodes[a].channels != 1 {
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

    /// The input word that `x` is, up to a positive or negative factor: where it is zero, x is.
    fn weight(&self, x: NodeIndex) -> Option<Rule> {
        let (input, channel, _, shift) = self.source(x)?;
        (shift == 0.0).then_some(Rule::Weight { input, channel })
    }

    /// x = input\[channel\] · scale + shift, for an x of one channel.
    fn source(&self, x: NodeIndex) -> Option<(usize, usize, f64, f64)> {
        let mut channel = 0;
        let (mut scale, mut shift) = (1.0, 0.0);
        let mut at = x;
        if self.network.nodes[x].channels != 1 {
            return None;
        }
        loop {
            match &self.network.nodes[at].layer {
                Layer::Input(input) => return Some((*input, channel, scale, shift)),
                Layer::Select { x, channels } => {
                    channel = channels[channel];
                    at = *x;
                }
                Layer::Affine {
                    x,
                    scale: s,
                    shift: t,
                } => {
                    let pick = |v: &[f64]| v[if v.len() == 1 { 0 } else { channel }];
                    shift += scale * pick(t);
                    scale *= pick(s);
                    at = *x;
                }
                _ => return None,
            }
        }
    }

    /// The condition of a comparison, in the input's unit.
    fn predicate(&self, node: &Node) -> Walked<Predicate> {
        use crate::graph::Comparison::{Greater, GreaterOrEqual, Less, LessOrEqual};
        let constant = |i: usize| self.graph.constant(node.inputs[i]).and_then(|t| t.single());
        let Op::Compare(comparison) = &node.op else {
            return refuse(node, "no comparison", MASKS);
        };
        let (x, threshold, mut comparison) = match (constant(0), constant(1)) {
            (None, Some(t)) => (self.operand(node, 0)?.0, t, *comparison),
            (Some(t), None) => {
                let turned = match comparison {
                    Greater => Less,
                    GreaterOrEqual => LessOrEqual,
                    Less => Greater,
                    LessOrEqual => GreaterOrEqual,
                    equal => *equal,
                };
                (self.operand(node, 1)?.0, t, turned)
            }
            _ => return refuse(node, "a comparison that is not with one constant", MASKS),
        };
        let Some((input, channel, scale, shift)) = self.source(x).filter(|s| s.2 != 0.0) else {
            return refuse(
                node,
                "a mask that is not computed from one input feature",
                MASKS,
            );
        };
        if scale < 0.0 {
            comparison = match comparison {
                Greater => Less,
                GreaterOrEqual => LessOrEqual,
                Less => Greater,
                LessOrEqual => GreaterOrEqual,
                equal => equal,
            };
        }
        Ok(Predicate {
            input,
            channel,
            comparison,
            threshold: (f64::from(threshold) - shift) / scale,
            inverted: false,
        })
    }

    fn reduce(&mut self, node: &Node, op: Reduction, axes: &[usize]) -> Walked<Class> {
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
    fn pool(&mut self, node: &Node, zero: Option<Rule>) -> Walked<()> {
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

    fn reshape(&mut self, node: &Node) -> Walked<Class> {
        let class = self.classes.get(node.inputs[0]).cloned();
        let (from, to) = (
            self.graph.shape(node.inputs[0]),
            self.graph.shape(node.output),
        );
        // Moving axes of extent 1 is a reshape.
        if let Op::Transpose { perm } = &node.op {
            let wide = |axis: &&usize| from[**axis] != 1;
            if !perm.iter().filter(wide).is_sorted() {
                return refuse(node, "a transpose", ISSUE);
            }
        }
        let set = match &class {
            Some(Class::Row {
                per_constituent, ..
            }) => *per_constituent,
            Some(Class::Mask(_)) => true,
            _ => false,
        };
        if set {
            let slots = |shape: &[usize]| self.capacity().and_then(|p| slot_axis(shape, p));
            if slots(from).is_none() || slots(to).is_none() {
                return refuse(
                    node,
                    "constituents that are flattened into one row",
                    "pool over the constituents, or state the input as dense",
                );
            }
        }
        match class {
            Some(class) => Ok(class),
            None => refuse(node, "an operand that is not known", ISSUE),
        }
    }

    /// First axis of a row in a tensor of this shape.
    fn row_start(&self, shape: &[usize], set: bool) -> usize {
        let slot = self
            .capacity()
            .filter(|_| set)
            .and_then(|p| slot_axis(shape, p));
        slot.map_or(0, |axis| axis + 1)
    }

    fn select(&mut self, node: &Node, axis: usize, channels: Vec<usize>) -> Walked<Class> {
        let (x, set, zero) = self.operand(node, 0)?;
        let shape = self.graph.shape(node.inputs[0]);
        let first = self.row_start(shape, set);
        if axis < first || channel_axis(shape, first) != Some(axis) {
            return refuse(node, "a selection that is not of features", ISSUE);
        }
        self.row(node, Layer::Select { x, channels }, set, zero)
    }

    fn concat(&mut self, node: &Node, axis: usize) -> Walked<Class> {
        let mut parts = Vec::new();
        let mut set = None;
        for index in 0..node.inputs.len() {
            let (x, s, _) = self.operand(node, index)?;
            if set.is_some_and(|known| known != s) {
                return refuse(node, "constituents beside event values", ISSUE);
            }
            set = Some(s);
            parts.push(x);
        }
        let set = set.unwrap_or(false);
        let shape = self.graph.shape(node.output);
        let first = self.row_start(shape, set);
        if axis < first || channel_axis(shape, first) != Some(axis) {
            return refuse(node, "along an axis that is not the features'", ISSUE);
        }
        self.row(node, Layer::Concat { parts }, set, None)
    }
}

const ISSUE: &str = "export the network without it, or ask for it with the model attached";
const MASKS: &str = "compute the mask from one input feature, such as (pt > 0), and multiply by it";
const SQUARES: &str = "sum or average the squares over the features";

fn refuse<T>(node: &Node, reason: impl Into<String>, instead: &str) -> Walked<T> {
    Err(RecogniseError::Node {
        node: node.name.clone(),
        operation: node.op.name().into(),
        reason: reason.into(),
        instead: instead.into(),
    })
}
