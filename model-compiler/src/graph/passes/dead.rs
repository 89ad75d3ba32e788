//! Nodes that no output depends on are dropped.

use crate::graph::{Graph, GraphBuilder, GraphError, ValueId};

pub(super) fn run(graph: &Graph) -> Result<Option<Graph>, GraphError> {
    let mut live = vec![false; graph.value_count()];
    for output in graph.outputs() {
        live[output.value.index()] = true;
    }
    for node in graph.nodes().iter().rev().filter(|n| !n.inputs.is_empty()) {
        if live[node.output.index()] {
            node.inputs.iter().for_each(|v| live[v.index()] = true);
        }
    }
    if graph.nodes().iter().all(|n| live[n.output.index()]) {
        return Ok(None);
    }
    let mut new = GraphBuilder::new(graph.name());
    let mut map: Vec<Option<ValueId>> = vec![None; graph.value_count()];
    // Inputs stay, read or not: they are the model's interface.
    for input in graph.inputs() {
        map[input.value.index()] =
            Some(new.input(&input.name, graph.shape(input.value).to_vec(), input.kind)?);
    }
    let mapped =
        |map: &[Option<ValueId>], v: ValueId| map[v.index()].ok_or(GraphError::UnknownValue(v.0));
    for node in graph.nodes().iter().filter(|n| live[n.output.index()]) {
        let inputs = node
            .inputs
            .iter()
            .map(|&v| mapped(&map, v))
            .collect::<Result<Vec<_>, _>>()?;
        map[node.output.index()] = Some(new.push(&node.name, node.op.clone(), &inputs)?);
    }
    for output in graph.outputs() {
        new.output(&output.name, mapped(&map, output.value)?)?;
    }
    Ok(Some(new.finish()))
}
