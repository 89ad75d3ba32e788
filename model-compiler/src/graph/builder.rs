//! Building graphs: every shape is inferred and checked as a node is added.

use super::{
    Graph, GraphError, GraphInput, GraphOutput, Kind, Node, NodeId, Op, Producer, Tensor, Value,
    ValueId, element_count, tensor::MAX_ELEMENTS,
};

/// Builds a [`Graph`] in the order of execution.
#[derive(Debug)]
pub struct GraphBuilder {
    graph: Graph,
}

impl GraphBuilder {
    /// An empty graph.
    pub fn new(name: impl Into<String>) -> Self {
        let graph = Graph {
            name: name.into(),
            inputs: Vec::new(),
            nodes: Vec::new(),
            outputs: Vec::new(),
            values: Vec::new(),
        };
        Self { graph }
    }

    /// Adds a graph input.
    ///
    /// # Errors
    /// When an extent is 0 or the shape exceeds [`MAX_ELEMENTS`].
    pub fn input(
        &mut self,
        name: impl Into<String>,
        shape: Vec<usize>,
        kind: Kind,
    ) -> Result<ValueId, GraphError> {
        if shape.contains(&0) {
            return Err(GraphError::Empty { op: "Input", shape });
        }
        if element_count(&shape).is_none() {
            return Err(GraphError::TooLarge {
                op: "Input",
                shape,
                limit: MAX_ELEMENTS,
            });
        }
        let value = self.value(shape, Producer::Input(self.graph.inputs.len()))?;
        self.graph.inputs.push(GraphInput {
            name: name.into(),
            value,
            kind,
        });
        Ok(value)
    }

    /// Adds a node and returns its result.
    ///
    /// # Errors
    /// When an input is not a value of this graph, or [`Op::infer`] refuses the inputs' shapes.
    pub fn push(
        &mut self,
        name: impl Into<String>,
        op: Op,
        inputs: &[ValueId],
    ) -> Result<ValueId, GraphError> {
        if let Some(unknown) = inputs.iter().find(|v| v.index() >= self.graph.values.len()) {
            return Err(GraphError::UnknownValue(unknown.0));
        }
        let shapes: Vec<&[usize]> = inputs.iter().map(|&v| self.graph.shape(v)).collect();
        let shape = op.infer(&shapes)?;
        let id = NodeId(self.graph.nodes.len() as u32);
        let output = self.value(shape, Producer::Node(id))?;
        self.graph.nodes.push(Node {
            name: name.into(),
            op,
            inputs: inputs.to_vec(),
            output,
        });
        Ok(output)
    }

    /// Adds a constant.
    ///
    /// # Errors
    /// When the tensor is empty or its elements do not fill its shape.
    pub fn constant(
        &mut self,
        name: impl Into<String>,
        tensor: Tensor,
    ) -> Result<ValueId, GraphError> {
        self.push(name, Op::Constant(tensor), &[])
    }

    /// Declares a value as a graph output.
    ///
    /// # Errors
    /// When the value is not one of this graph.
    pub fn output(&mut self, name: impl Into<String>, value: ValueId) -> Result<(), GraphError> {
        if value.index() >= self.graph.values.len() {
            return Err(GraphError::UnknownValue(value.0));
        }
        self.graph.outputs.push(GraphOutput {
            name: name.into(),
            value,
        });
        Ok(())
    }

    /// The graph as built so far.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The finished graph.
    pub fn finish(self) -> Graph {
        self.graph
    }

    fn value(&mut self, shape: Vec<usize>, producer: Producer) -> Result<ValueId, GraphError> {
        let id = u32::try_from(self.graph.values.len())
            .map_err(|_| GraphError::UnknownValue(u32::MAX))?;
        self.graph.values.push(Value { shape, producer });
        Ok(ValueId(id))
    }
}
