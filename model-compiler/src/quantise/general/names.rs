//! One value for each name: what an operation was spelled out in is no result of it.

use std::collections::HashSet;

use crate::graph::{Graph, GraphBuilder, GraphError, ValueId};

/// The graph with names of their own for nodes that lie on the way to one of the same name: `mean.part` for the sum of which
/// `mean` is a part. Who traces the program compares values with the nodes that they are named after.
pub(super) fn apart(graph: &Graph) -> Result<Graph, GraphError> {
    let mut last = HashSet::new();
    let nodes = graph.nodes().iter().rev();
    let mut results: Vec<bool> = nodes.map(|node| last.insert(node.name.as_str())).collect();
    results.reverse();
    let mut builder = GraphBuilder::new(graph.name());
    let mut map: Vec<ValueId> = graph.values().collect();
    for input in graph.inputs() {
        let shape = graph.shape(input.value).to_vec();
        map[input.value.index()] = builder.input(&input.name, shape, input.kind)?;
    }
    for (node, is_result) in graph.nodes().iter().zip(results) {
        let operands: Vec<ValueId> = node.inputs.iter().map(|v| map[v.index()]).collect();
        let name = match is_result {
            true => node.name.clone(),
            false => format!("{}.part", node.name),
        };
        map[node.output.index()] = builder.push(name, node.op.clone(), &operands)?;
    }
    for output in graph.outputs() {
        builder.output(&output.name, map[output.value.index()])?;
    }
    Ok(builder.finish())
}
