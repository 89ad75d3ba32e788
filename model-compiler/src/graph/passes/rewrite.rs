//! The walk that the passes share.

use crate::graph::{Graph, GraphBuilder, GraphError, Node, Op, ValueId};

/// A pass's view: the graph it reads, the graph it builds, and how values correspond.
pub(super) struct Rewriter<'g> {
    pub old: &'g Graph,
    /// Reads of each value of the old graph.
    pub uses: Vec<usize>,
    new: GraphBuilder,
    map: Vec<Option<ValueId>>,
    changed: bool,
}

impl<'g> Rewriter<'g> {
    /// The new value of an old one that was already visited.
    pub fn mapped(&self, value: ValueId) -> Result<ValueId, GraphError> {
        self.map
            .get(value.index())
            .copied()
            .flatten()
            .ok_or(GraphError::UnknownValue(value.0))
    }

    /// Adds a node that reads new values.
    pub fn push(&mut self, name: &str, op: Op, inputs: &[ValueId]) -> Result<ValueId, GraphError> {
        self.new.push(name, op, inputs)
    }

    /// The shape of a new value.
    pub fn new_shape(&self, value: ValueId) -> &[usize] {
        self.new.graph().shape(value)
    }

    /// The old node that computes a value, when nothing else reads the value.
    pub fn sole_producer(&self, value: ValueId) -> Option<&'g Node> {
        let node = self.old.producing_node(value)?;
        (self.uses[value.index()] == 1).then_some(node)
    }
}

/// Rebuilds a graph: `replace` returns the new value that stands for a node's result, or `None` to copy the node.
pub(super) fn rewrite(
    graph: &Graph,
    mut replace: impl FnMut(&mut Rewriter<'_>, &Node) -> Result<Option<ValueId>, GraphError>,
) -> Result<Option<Graph>, GraphError> {
    let mut rewriter = Rewriter {
        old: graph,
        uses: graph.use_counts(),
        new: GraphBuilder::new(graph.name()),
        map: vec![None; graph.value_count()],
        changed: false,
    };
    for input in graph.inputs() {
        let value =
            rewriter
                .new
                .input(&input.name, graph.shape(input.value).to_vec(), input.kind)?;
        rewriter.map[input.value.index()] = Some(value);
    }
    for node in graph.nodes() {
        let value = match replace(&mut rewriter, node)? {
            Some(value) => {
                rewriter.changed = true;
                value
            }
            None => {
                let inputs = node
                    .inputs
                    .iter()
                    .map(|&v| rewriter.mapped(v))
                    .collect::<Result<Vec<_>, GraphError>>()?;
                rewriter.new.push(&node.name, node.op.clone(), &inputs)?
            }
        };
        rewriter.map[node.output.index()] = Some(value);
    }
    if !rewriter.changed {
        return Ok(None);
    }
    for output in graph.outputs() {
        let value = rewriter.mapped(output.value)?;
        rewriter.new.output(&output.name, value)?;
    }
    Ok(Some(rewriter.new.finish()))
}
