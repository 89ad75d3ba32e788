//! Loop and Scan with a number of rounds that is known: the rounds stand in the node's place, one behind the other. tf2onnx
//! writes recurrent layers of Keras so where it does not know their names, JAX and PyTorch their scans.

use std::collections::HashSet;

use super::{
    ImportError, Scope,
    compose::Compose,
    context::{Context, axis},
    node::NodeView,
    proto::GraphProto,
    renamed::Renaming,
    value::{Ints, Value},
};
use crate::graph::{Kind, Op};

/// Rounds that are written out, at most.
const MOST: usize = 1024;

type Values = Result<Vec<Value>, ImportError>;

impl Scope<'_> {
    /// Loop: until the number of rounds or the condition ends it, both of which must be known.
    pub(super) fn looped(&self, context: &mut Context<'_>, node: &NodeView<'_>) -> Values {
        let body = body(node)?;
        let rounds = match context.optional(node, 0)? {
            None => None,
            Some(rounds) => match known(context, &rounds) {
                None => {
                    return Err(
                        node.operand_error("has a number of rounds that depends on the event")
                    );
                }
                rounds => rounds,
            },
        };
        let mut goes_on = match context.optional(node, 1)? {
            None => true,
            Some(condition) => condition_of(context, node, &condition)?,
        };
        let mut carried = Vec::new();
        for index in 2..node.proto.input.len() {
            carried.push(context.input(node, index)?);
        }
        let count = carried.len();
        let mut stacks: Vec<Vec<Value>> = vec![];
        let mut round = 0;
        while goes_on && rounds.is_none_or(|rounds| (round as f64) < rounds) {
            let number = Value::ints(Ints::scalar(round as i64));
            let mut inputs = vec![number, Value::Ints(Kind::Bool, Ints::scalar(1))];
            inputs.append(&mut carried);
            let mut results = self.round(context, node, body, round, inputs)?;
            if results.len() <= count {
                return Err(
                    node.attribute_error("body", "has fewer outputs than it carries values")
                );
            }
            goes_on = condition_of(context, node, &results[0])?;
            stacked(&mut stacks, results.split_off(count + 1));
            carried = results.split_off(1);
            round += 1;
        }
        if round == 0 && body.output.len() > count + 1 {
            return Err(node.operand_error("has no round: what it would stack is empty"));
        }
        for stack in stacks {
            carried.push(joined(context, node, &stack, 0)?);
        }
        Ok(carried)
    }

    /// Scan: one round for each index of the axis that is scanned.
    pub(super) fn scanned(&self, context: &mut Context<'_>, node: &NodeView<'_>) -> Values {
        if node.opset < 9 {
            return Err(node.operand_error(
                "of operator set 8 has a batch of its own; export with opset 13 or later",
            ));
        }
        let body = body(node)?;
        let inputs = context.inputs(node)?;
        let scanned = node.int("num_scan_inputs")?.unwrap_or(0);
        let scanned = usize::try_from(scanned)
            .ok()
            .filter(|n| (1..=inputs.len()).contains(n));
        let scanned =
            scanned.ok_or_else(|| node.attribute_error("num_scan_inputs", "names no inputs"))?;
        let (states, rows) = inputs.split_at(inputs.len() - scanned);
        let mut states = states.to_vec();
        let list = |name: &str| Ok::<_, ImportError>(node.ints(name)?.unwrap_or_default());
        let (axes, ways) = (list("scan_input_axes")?, list("scan_input_directions")?);
        let (out_axes, out_ways) = (list("scan_output_axes")?, list("scan_output_directions")?);
        let at = |list: &[i64], index: usize| list.get(index).copied().unwrap_or(0);
        let mut places = Vec::with_capacity(rows.len());
        for (index, row) in rows.iter().enumerate() {
            places.push(axis(node, at(axes, index), context.shape(row).len())?);
        }
        let lengths = rows
            .iter()
            .zip(&places)
            .map(|(row, place)| context.shape(row)[*place]);
        let lengths: HashSet<usize> = lengths.collect();
        let (Some(length), 1) = (lengths.iter().next().copied(), lengths.len()) else {
            return Err(node.operand_error("scans axes of different lengths"));
        };
        let mut stacks: Vec<Vec<Value>> = vec![];
        for round in 0..length {
            let count = states.len();
            let mut inputs = std::mem::take(&mut states);
            for (index, (row, place)) in rows.iter().zip(&places).enumerate() {
                let own = match at(ways, index) {
                    0 => round,
                    _ => length - 1 - round,
                };
                let mut c = Compose::new(context, node);
                let slice = c.select(row, *place, vec![own])?;
                let mut shape = c.shape(&slice);
                shape.remove(*place);
                inputs.push(c.reshape(&slice, shape)?);
            }
            let mut results = self.round(context, node, body, round, inputs)?;
            if results.len() < count {
                return Err(node.attribute_error("body", "has fewer outputs than states"));
            }
            stacked(&mut stacks, results.split_off(count));
            states = results;
        }
        for (index, mut stack) in stacks.into_iter().enumerate() {
            if at(out_ways, index) != 0 {
                stack.reverse();
            }
            let rank = context.shape(&stack[0]).len() + 1;
            let place = axis(node, at(out_axes, index), rank)?;
            states.push(joined(context, node, &stack, place)?);
        }
        Ok(states)
    }

    /// The results of a body's nodes, for one round under names of their own.
    fn round(
        &self,
        context: &mut Context<'_>,
        node: &NodeView<'_>,
        body: &GraphProto,
        round: usize,
        inputs: Vec<Value>,
    ) -> Values {
        if round >= MOST {
            return Err(node.operand_error(format!(
                "has more than {MOST} rounds, which are not written out"
            )));
        }
        context.spend(node, body.node.len())?;
        if inputs.len() != body.input.len() {
            let (given, taken) = (inputs.len(), body.input.len());
            return Err(
                node.attribute_error("body", format!("takes {taken} values, and gets {given}"))
            );
        }
        let mut names = HashSet::new();
        collect(body, &mut names);
        let constants = body.initializer.iter().map(|tensor| tensor.name.as_str());
        let constants: HashSet<&str> = constants.collect();
        // Results are unique, names of nodes need not be.
        let results = node.proto.output.iter().find(|name| !name.is_empty());
        let prefix = results.map_or(node.name.as_str(), String::as_str);
        let own = Renaming {
            value: &|name| match names.contains(name) {
                // What is the same in all rounds is there once.
                _ if constants.contains(name) => format!("{prefix}/{name}"),
                true => format!("{prefix}/{name}/{round}"),
                false => name.to_owned(),
            },
            node: &|node| match node.name.is_empty() {
                true => String::new(),
                false => format!("{}/{round}", node.name),
            },
            attributes: &|node| node.attribute.clone(),
        };
        let own = own.graph(body);
        for (formal, value) in own.input.iter().zip(inputs) {
            context.define(&formal.name, value, &node.name)?;
        }
        for tensor in own.initializer.iter().filter(|_| round == 0) {
            context.set_element_type(&tensor.name, tensor.data_type);
            let constant = context.constant(&tensor.name, tensor)?;
            context.define(&tensor.name, constant, &node.name)?;
        }
        let nodes = self.nodes(&own.node)?;
        self.import(context, &nodes)?;
        let mut results = Vec::new();
        for output in &own.output {
            let value = context.lookup(&output.name)?;
            let missing = || node.attribute_error("body", format!("gives no '{}'", output.name));
            results.push(value.ok_or_else(missing)?);
        }
        Ok(results)
    }
}

fn body<'n>(node: &NodeView<'n>) -> Result<&'n GraphProto, ImportError> {
    let mut bodies = node.proto.attribute.iter().filter(|a| a.name == "body");
    let body = bodies.find_map(|a| a.g.as_ref());
    body.ok_or_else(|| node.attribute_error("body", "is missing"))
}

/// The number that a value is for every event.
pub(super) fn known(context: &Context<'_>, value: &Value) -> Option<f64> {
    match value {
        Value::Ints(_, ints) => ints.data.first().map(|number| *number as f64),
        Value::Graph(..) => context.float_constant(value)?.single().map(f64::from),
    }
}

fn condition_of(
    context: &Context<'_>,
    node: &NodeView<'_>,
    condition: &Value,
) -> Result<bool, ImportError> {
    let known = known(context, condition).map(|known| known != 0.0);
    known.ok_or_else(|| {
        node.operand_error(
            "ends by a condition that depends on the event: give it a fixed number of rounds, and choose with Where",
        )
    })
}

/// Adds what a round gives to what those before it gave.
fn stacked(stacks: &mut Vec<Vec<Value>>, results: Vec<Value>) {
    stacks.resize(stacks.len().max(results.len()), vec![]);
    for (stack, result) in stacks.iter_mut().zip(results) {
        stack.push(result);
    }
}

/// Values side by side along a new axis.
fn joined(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    stack: &[Value],
    place: usize,
) -> Result<Value, ImportError> {
    let mut rows = Vec::with_capacity(stack.len());
    for value in stack {
        let mut c = Compose::new(context, node);
        let mut shape = c.shape(value);
        shape.insert(place, 1);
        rows.push(c.reshape(value, shape)?);
    }
    match &rows[..] {
        [row] => Ok(row.clone()),
        rows => context.rearrange(node, Op::Concat { axis: place }, rows),
    }
}

/// The names that a graph gives to values, those within its nodes included.
fn collect<'b>(graph: &'b GraphProto, into: &mut HashSet<&'b str>) {
    into.extend(graph.input.iter().map(|info| info.name.as_str()));
    into.extend(graph.initializer.iter().map(|tensor| tensor.name.as_str()));
    for node in &graph.node {
        into.extend(
            node.output
                .iter()
                .map(String::as_str)
                .filter(|name| !name.is_empty()),
        );
        for inner in node.attribute.iter().filter_map(|a| a.g.as_ref()) {
            collect(inner, into);
        }
    }
}
