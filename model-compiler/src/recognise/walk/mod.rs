//! The walk over the graph's nodes, one function per family.

mod masks;
mod pooling;
mod shapes;

use super::classes::{Class, Classes, channel_axis, slot_axis};
use super::{
    Layer, Network, NetworkInput, NetworkNode, NetworkSet, NodeIndex, RecogniseError, Rule,
};
use crate::graph::{Binary, Forest, Graph, GraphInput, Node, Op, Unary, ValueId};
use crate::inputs::{InputsSpec, SetSpec};

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
            let name = match spec.get(&input.name).and_then(|s| s.set.clone()) {
                Some(SetSpec::Name(name)) => name,
                Some(SetSpec::IsOne(false)) => continue,
                Some(SetSpec::IsOne(true)) => "constituents".into(),
                None if shape.len() == 3 => "constituents".into(),
                None => continue,
            };
            let Some(capacity) = shape.get(1).copied().filter(|_| shape[0] == 1) else {
                return Err(refuse(
                    &input.name,
                    format!("shape {shape:?} has no set axis"),
                ));
            };
            let stated_one = spec.get(&input.name).is_some_and(|s| s.set.is_some());
            if capacity == 1 && !stated_one {
                continue;
            }
            if capacity == 1 {
                let reason = "a set of one slot is no set: state `set = false` in inputs.toml";
                return Err(refuse(&input.name, reason.into()));
            }
            if let Some(stated) = spec.get(&input.name).and_then(|s| s.capacity)
                && stated != capacity
            {
                let reason = format!("capacity {stated} is stated, the model has {capacity} slots");
                return Err(refuse(&input.name, reason));
            }
            if set
                .as_ref()
                .is_some_and(|known| *known != (name.clone(), capacity))
            {
                let stated =
                    |input: &GraphInput| spec.get(&input.name).is_some_and(|s| s.set.is_some());
                if graph.inputs().iter().any(stated) {
                    let reason =
                        "a second set is not supported yet; state `set = false` for one of them";
                    return Err(refuse(&input.name, reason.into()));
                }
                return Err(RecogniseError::Sets {
                    input: input.name.clone(),
                });
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
            let denied = spec.get(&input.name).and_then(|s| s.set.clone());
            let in_set = denied != Some(SetSpec::IsOne(false))
                && walk
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
        if let Some((name, capacity)) = self.set.clone() {
            let Some(live) = self.rule else {
                return Err(RecogniseError::Input {
                    input: self.first_of_set(),
                    reason: "its constituents are never pooled; a dense input states `set = false` in inputs.toml".into(),
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
            let order = order.or(live.place());
            self.network.set = Some(NetworkSet {
                name,
                capacity,
                live,
                order,
            });
        }
        Ok(self.network)
    }

    /// Name of the set's first input.
    fn first_of_set(&self) -> String {
        let mut inputs = self.network.inputs.iter();
        let first = inputs.find(|input| input.in_set);
        first.map_or(String::new(), |input| input.name.clone())
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
            Op::Compare(_) => {
                if let Some(features) = self.features(node) {
                    return Ok(features);
                }
                match self.any_feature(node) {
                    Some(rule) => Ok(Class::Mask(rule)),
                    None => Ok(Class::Mask(Rule::Mask(self.predicate(node)?))),
                }
            }
            Op::Where => self.choose(node),
            Op::ArgMax {
                axis,
                largest: true,
                last: false,
            } => self.arg_max(node, *axis),
            Op::Trees(forest) => self.trees(node, forest),
            Op::Gather { axis: 0 } => self.lookup(node),
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

    fn trees(&mut self, node: &Node, forest: &Forest) -> Walked<Class> {
        let (x, set, _) = self.operand(node, 0)?;
        if self.network.nodes[x].channels != forest.features {
            return refuse(
                node,
                "trees on an axis that is not the last of its rows",
                "export the constituents as [batch, constituents, features]",
            );
        }
        let forest = Box::new(forest.clone());
        self.row(node, Layer::Trees { x, forest }, set, None)
    }

    fn affine(&mut self, node: &Node, axis: usize, scale: &[f64], shift: &[f64]) -> Walked<Class> {
        if let (
            Some(Class::Count {
                rule,
                minimum,
                offset,
            }),
            ([1.0], [more]),
        ) = (self.classes.get(node.inputs[0]), (scale, shift))
        {
            return Ok(Class::Count {
                rule: *rule,
                minimum: *minimum,
                offset: offset + more,
            });
        }
        // A mask that is cast and scaled by one is simplified away; any other is refused.
        let (x, set, zero) = self.operand(node, 0)?;
        let shape = self.graph.shape(node.output);
        let first = self.row_start(shape, set);
        if scale.len() > 1 && (axis < first || channel_axis(shape, first) != Some(axis)) {
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
            (Some(Class::Mask(rule)), Unary::Not) => {
                return match rule.inverted() {
                    Some(rule) => Ok(Class::Mask(rule)),
                    None => refuse(node, "the opposite of a mask over several features", MASKS),
                };
            }
            (
                Some(Class::Features {
                    input,
                    value,
                    differs,
                }),
                Unary::Not,
            ) => {
                return Ok(Class::Features {
                    input: *input,
                    value: *value,
                    differs: !differs,
                });
            }
            (
                Some(Class::Count {
                    rule,
                    minimum,
                    offset,
                }),
                Unary::Clip { min, max },
            ) if *offset == 0.0 && f64::from(max) >= self.capacity().unwrap_or(1) as f64 => {
                return Ok(Class::Count {
                    rule: *rule,
                    minimum: minimum.max(f64::from(min)),
                    offset: 0.0,
                });
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
            (Binary::Mul, [Some(Class::Mask(rule)), Some(Class::Row { .. })]) => {
                let rule = *rule;
                self.masked(node, 1, 0, rule)
            }
            (Binary::Mul, [Some(Class::Row { .. }), Some(Class::Mask(rule))]) => {
                let rule = *rule;
                self.masked(node, 0, 1, rule)
            }
            (Binary::Div, [Some(Class::Row { .. }), Some(Class::Count { .. })]) => {
                self.per_count(node)
            }
            (Binary::Max, [Some(Class::Count { .. }), _]) => self.at_least(node, 0, 1),
            (Binary::Max, [_, Some(Class::Count { .. })]) => self.at_least(node, 1, 0),
            (Binary::Mul, _) => self.product(node),
            (
                Binary::Sub,
                [
                    Some(Class::Row { node: a, .. }),
                    Some(Class::Row { node: b, .. }),
                ],
            ) => {
                let elements = |value| self.graph.elements(value);
                if node
                    .inputs
                    .iter()
                    .any(|x| elements(*x) != elements(node.output))
                {
                    return refuse(node, "a difference that broadcasts", SQUARES);
                }
                Ok(Class::Difference { a: *a, b: *b })
            }
            _ => refuse(node, "between two activations", ISSUE),
        }
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
