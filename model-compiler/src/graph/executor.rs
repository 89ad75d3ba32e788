//! Runs a graph on events: the float reference, and the source of calibration data.

use super::{
    Graph, GraphError, Op, Tensor, ValueId,
    eval::{DenseWeights, View, eval},
};

/// Elements that all values of one event may have together (1 GiB of `f32`).
const MAX_WORKSPACE: usize = 1 << 28;

/// Runs one graph, event by event.
///
/// Arithmetic is `f32` with a fixed order of summation, the same bits on every host.
#[derive(Debug)]
pub struct Executor<'g> {
    graph: &'g Graph,
    /// Prepared weights of the dense layers, by node.
    dense: Vec<Option<DenseWeights>>,
}

/// The values of one event. Made once per [`Executor`] and reused: constants are written once.
#[derive(Clone, Debug)]
pub struct Workspace {
    values: Vec<Vec<f32>>,
}

impl Workspace {
    /// The elements of a value, as of the last run; row-major, shaped as [`Graph::shape`] says.
    ///
    /// A value of another graph gives an empty slice.
    pub fn value(&self, value: ValueId) -> &[f32] {
        self.values.get(value.index()).map_or(&[], Vec::as_slice)
    }
}

impl<'g> Executor<'g> {
    /// Prepares a graph for execution.
    ///
    /// # Errors
    /// [`GraphError::Workspace`] when the values of one event do not fit in memory.
    pub fn new(graph: &'g Graph) -> Result<Self, GraphError> {
        let elements = graph
            .values()
            .fold(0usize, |n, v| n.saturating_add(graph.elements(v)));
        if elements > MAX_WORKSPACE {
            return Err(GraphError::Workspace {
                elements,
                limit: MAX_WORKSPACE,
            });
        }
        let prepare = |op: &Op| match op {
            Op::Dense { weights, bias } => Some(DenseWeights::new(weights, bias)),
            _ => None,
        };
        Ok(Self {
            graph,
            dense: graph.nodes().iter().map(|n| prepare(&n.op)).collect(),
        })
    }

    /// The graph that is run.
    pub fn graph(&self) -> &'g Graph {
        self.graph
    }

    /// Memory for the values of one event.
    pub fn workspace(&self) -> Workspace {
        let mut values: Vec<Vec<f32>> = self
            .graph
            .values()
            .map(|v| vec![0.0; self.graph.elements(v)])
            .collect();
        for node in self.graph.nodes() {
            if let Op::Constant(t) = &node.op {
                values[node.output.index()].copy_from_slice(&t.data);
            }
        }
        Workspace { values }
    }

    /// Runs one event and keeps every value in `workspace`, which [`Executor::workspace`] of this executor made.
    ///
    /// `inputs` are the elements of the graph inputs, in their order, row-major.
    ///
    /// # Errors
    /// When the number of inputs or the number of elements of one differs from the graph's.
    pub fn run_all(&self, workspace: &mut Workspace, inputs: &[&[f32]]) -> Result<(), GraphError> {
        let expected = self.graph.inputs();
        if inputs.len() != expected.len() {
            return Err(GraphError::InputCount {
                expected: expected.len(),
                found: inputs.len(),
            });
        }
        if workspace.values.len() != self.graph.value_count() {
            return Err(GraphError::UnknownValue(workspace.values.len() as u32));
        }
        for (input, data) in expected.iter().zip(inputs) {
            let target = &mut workspace.values[input.value.index()];
            if target.len() != data.len() {
                return Err(GraphError::InputShape {
                    name: input.name.clone(),
                    expected: self.graph.shape(input.value).to_vec(),
                    found: vec![data.len()],
                });
            }
            target.copy_from_slice(data);
        }
        for (node, dense) in self.graph.nodes().iter().zip(&self.dense) {
            if matches!(node.op, Op::Constant(_)) {
                continue;
            }
            // The result is taken out while it is written, so that the operands can be borrowed.
            let mut out = std::mem::take(&mut workspace.values[node.output.index()]);
            match (dense, &node.inputs[..]) {
                (Some(dense), [x]) => dense.apply(&workspace.values[x.index()], &mut out),
                _ => {
                    let view = |&v: &ValueId| View {
                        shape: self.graph.shape(v),
                        data: &workspace.values[v.index()],
                    };
                    let operands: Vec<View<'_>> = node.inputs.iter().map(view).collect();
                    eval(&node.op, &operands, self.graph.shape(node.output), &mut out);
                }
            }
            workspace.values[node.output.index()] = out;
        }
        Ok(())
    }

    /// Runs one event.
    ///
    /// # Errors
    /// When the number of inputs or a shape differs from the graph's.
    pub fn run(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>, GraphError> {
        for (input, tensor) in self.graph.inputs().iter().zip(inputs) {
            let expected = self.graph.shape(input.value);
            if tensor.shape != expected {
                return Err(GraphError::InputShape {
                    name: input.name.clone(),
                    expected: expected.to_vec(),
                    found: tensor.shape.clone(),
                });
            }
        }
        let mut workspace = self.workspace();
        let slices: Vec<&[f32]> = inputs.iter().map(|t| &t.data[..]).collect();
        self.run_all(&mut workspace, &slices)?;
        let outputs = self.graph.outputs().iter();
        Ok(outputs
            .map(|o| Tensor {
                shape: self.graph.shape(o.value).to_vec(),
                data: workspace.value(o.value).to_vec(),
            })
            .collect())
    }
}
