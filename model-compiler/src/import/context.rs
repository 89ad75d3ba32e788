//! The state of an import: what each name stands for, and the graph that grows.

use super::{
    ImportError,
    node::NodeView,
    proto::TensorProto,
    tensor::{Constant, decode},
    value::{Ints, MAX_INTS, Value},
};
use crate::graph::{
    Graph, GraphBuilder, GraphError, Kind, Op, Tensor, ValueId, broadcast, element_count,
    eval_constant,
};
use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

/// Work that folding constants may take per model, in multiplications: a small file must not ask for hours or gigabytes.
const BUDGET: usize = 1 << 26;

pub(super) struct Context<'a> {
    pub builder: GraphBuilder,
    /// The extent of a static leading axis that was taken as the batch and set to 1.
    pub batch: Option<usize>,
    /// Whether the first axis of the inputs is a batch of any number of events, or of several.
    pub has_batch: bool,
    /// Whether the model rounds: then its numbers must be its own to the last bit.
    pub quantised: bool,
    folder: Option<&'a Path>,
    values: HashMap<String, Value>,
    initializers: HashMap<&'a str, &'a TensorProto>,
    /// Results that an operator has but that are not computed: name → node.
    absent: HashMap<String, String>,
    /// Element types of constants that nodes hold.
    element_types: HashMap<String, i32>,
    /// Values of which the last axis has the sum 1 whatever the event.
    distributions: HashSet<ValueId>,
    budget: usize,
}

impl<'a> Context<'a> {
    pub fn new(
        name: &str,
        initializers: &'a [TensorProto],
        folder: Option<&'a Path>,
    ) -> Result<Self, ImportError> {
        let mut map = HashMap::new();
        for tensor in initializers {
            if map.insert(tensor.name.as_str(), tensor).is_some() {
                let node = "initializer".to_owned();
                return Err(ImportError::Duplicate {
                    value: tensor.name.clone(),
                    node,
                });
            }
        }
        Ok(Self {
            builder: GraphBuilder::new(name),
            batch: None,
            has_batch: false,
            quantised: false,
            folder,
            values: HashMap::new(),
            initializers: map,
            absent: HashMap::new(),
            element_types: HashMap::new(),
            distributions: HashSet::new(),
            budget: BUDGET,
        })
    }

    pub fn is_initializer(&self, name: &str) -> bool {
        self.initializers.contains_key(name)
    }

    /// Gives a name to a value.
    pub fn define(&mut self, name: &str, value: Value, node: &str) -> Result<(), ImportError> {
        if self.initializers.contains_key(name)
            || self.values.insert(name.to_owned(), value).is_some()
        {
            return Err(ImportError::Duplicate {
                value: name.to_owned(),
                node: node.to_owned(),
            });
        }
        Ok(())
    }

    /// Gives names to a node's results; those that the operator's importer did not compute are remembered as absent.
    pub fn define_outputs(
        &mut self,
        node: &NodeView<'_>,
        results: Vec<Value>,
    ) -> Result<(), ImportError> {
        let mut results = results.into_iter();
        for name in &node.proto.output {
            let result = results.next();
            if name.is_empty() {
                continue;
            }
            match result {
                Some(value) => self.define(name, value, &node.name)?,
                None => drop(self.absent.insert(name.clone(), node.name.clone())),
            }
        }
        Ok(())
    }

    /// The value of a name, if there is one.
    pub fn lookup(&mut self, name: &str) -> Result<Option<Value>, ImportError> {
        if let Some(value) = self.values.get(name) {
            return Ok(Some(value.clone()));
        }
        let Some(proto) = self.initializers.get(name).copied() else {
            return Ok(None);
        };
        let value = self.constant(name, proto)?;
        self.values.insert(name.to_owned(), value.clone());
        Ok(Some(value))
    }

    /// Reads a constant of the file.
    pub fn constant(&mut self, name: &str, proto: &TensorProto) -> Result<Value, ImportError> {
        let fail = |detail: String| ImportError::Tensor {
            tensor: name.to_owned(),
            detail,
        };
        match decode(name, proto, self.folder)? {
            Constant::Ints(kind, ints) => Ok(Value::Ints(kind, ints)),
            // No value of a graph: an operand that is not given, as Resize has it.
            Constant::Float(Tensor { shape, data }) if data.is_empty() => {
                let data = vec![];
                Ok(Value::Ints(Kind::Float, Ints { shape, data }))
            }
            Constant::Float(tensor) => {
                let id = self
                    .builder
                    .constant(name, tensor)
                    .map_err(|e| fail(e.to_string()))?;
                Ok(Value::Graph(Kind::Float, id))
            }
        }
    }

    /// Input `index` of a node; `None` when it is optional and absent.
    pub fn optional(
        &mut self,
        node: &NodeView<'_>,
        index: usize,
    ) -> Result<Option<Value>, ImportError> {
        let Some(name) = node.proto.input.get(index).filter(|n| !n.is_empty()) else {
            return Ok(None);
        };
        if let Some(value) = self.lookup(name)? {
            return Ok(Some(value));
        }
        let detail = match self.absent.get(name) {
            Some(producer) => format!("a result of node '{producer}' that is not supported (it matters in training only)"),
            None => "which no other node, input or initializer gives: the graph is cyclic, or lacks an initializer; \
                     check the file with onnx.checker"
                .to_owned(),
        };
        Err(ImportError::MissingValue {
            node: node.name.clone(),
            operator: node.operator(),
            value: name.clone(),
            detail,
        })
    }

    /// Input `index` of a node, which must be there.
    pub fn input(&mut self, node: &NodeView<'_>, index: usize) -> Result<Value, ImportError> {
        match self.optional(node, index)? {
            Some(value) => Ok(value),
            None => Err(node.operand_error(format!("input {index} is missing"))),
        }
    }

    /// All inputs of a node, none absent.
    pub fn inputs(&mut self, node: &NodeView<'_>) -> Result<Vec<Value>, ImportError> {
        (0..node.proto.input.len())
            .map(|i| self.input(node, i))
            .collect()
    }

    pub fn shape(&self, value: &Value) -> Vec<usize> {
        match value {
            Value::Ints(_, ints) => ints.shape.clone(),
            Value::Graph(_, id) => self.builder.graph().shape(*id).to_vec(),
        }
    }

    /// A value of the graph; integers become a constant of it.
    pub fn id(&mut self, node: &NodeView<'_>, value: &Value) -> Result<ValueId, ImportError> {
        match value {
            Value::Graph(_, id) => Ok(*id),
            Value::Ints(_, ints) => {
                let tensor = ints.to_tensor().ok_or_else(|| {
                    node.operand_error("an integer constant does not fit a float exactly")
                })?;
                self.builder
                    .constant(&node.name, tensor)
                    .map_err(|e| node.graph_error(e))
            }
        }
    }

    /// The float constant that a value is, if it is one.
    pub fn float_constant(&self, value: &Value) -> Option<Tensor> {
        match value {
            Value::Graph(_, id) => self.builder.graph().constant(*id).cloned(),
            Value::Ints(_, ints) => ints.to_tensor(),
        }
    }

    /// The float constant that input `what` must be, without infinities.
    pub fn weights(
        &self,
        node: &NodeView<'_>,
        value: &Value,
        what: &str,
    ) -> Result<Tensor, ImportError> {
        let tensor = self.float_constant(value).ok_or_else(|| {
            node.operand_error(format!(
                "{what} must be a constant; export the model in inference mode"
            ))
        })?;
        if let Some(index) = tensor.data.iter().position(|v| !v.is_finite()) {
            let name = match value {
                Value::Graph(_, id) => self.builder.graph().value_name(*id).to_owned(),
                Value::Ints(..) => what.to_owned(),
            };
            return Err(ImportError::NonFinite {
                tensor: name,
                index,
                value: tensor.data[index],
            });
        }
        Ok(tensor)
    }

    /// The integers that input `what` must be.
    pub fn integers(
        &self,
        node: &NodeView<'_>,
        value: &Value,
        what: &str,
    ) -> Result<Vec<i64>, ImportError> {
        if let Value::Ints(_, ints) = value {
            return Ok(ints.data.clone());
        }
        Err(node.operand_error(format!(
            "{what} must be known when the model is imported; export with fixed shapes, or let onnxsim fold them"
        )))
    }

    /// Adds a node, or its result if all operands are constants.
    pub fn emit(
        &mut self,
        node: &NodeView<'_>,
        op: Op,
        inputs: &[ValueId],
    ) -> Result<ValueId, ImportError> {
        let folded = eval_constant(self.builder.graph(), &op, inputs, &mut self.budget);
        let op = match folded.map_err(|e| node.graph_error(e))? {
            Some(tensor) => {
                return self
                    .builder
                    .constant(&node.name, tensor)
                    .map_err(|e| node.graph_error(e));
            }
            None => op,
        };
        self.builder
            .push(&node.name, op, inputs)
            .map_err(|e| node.graph_error(e))
    }

    /// Adds a node also where its operand is constant: a quantiser's integers are more than their value.
    pub fn keep(
        &mut self,
        node: &NodeView<'_>,
        kind: Kind,
        op: Op,
        x: &Value,
    ) -> Result<Value, ImportError> {
        let x = self.id(node, x)?;
        let id = self.builder.push(&node.name, op, &[x]);
        Ok(Value::Graph(kind, id.map_err(|e| node.graph_error(e))?))
    }

    /// Remembers the element type of a constant that a node holds.
    pub fn set_element_type(&mut self, name: &str, code: i32) {
        self.element_types.insert(name.to_owned(), code);
    }

    /// The element type of a constant of the file.
    pub fn element_type(&self, name: &str) -> Option<i32> {
        let initializer = self.initializers.get(name).map(|t| t.data_type);
        initializer.or_else(|| self.element_types.get(name).copied())
    }

    /// [`Context::emit`] on values, whose result is of the given kind.
    pub fn apply(
        &mut self,
        node: &NodeView<'_>,
        kind: Kind,
        op: Op,
        inputs: &[Value],
    ) -> Result<Value, ImportError> {
        let ids = inputs
            .iter()
            .map(|v| self.id(node, v))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Value::Graph(kind, self.emit(node, op, &ids)?))
    }

    /// Applies an operation that only moves elements, exactly also on integers.
    pub fn rearrange(
        &mut self,
        node: &NodeView<'_>,
        op: Op,
        inputs: &[Value],
    ) -> Result<Value, ImportError> {
        let kind = inputs.first().map_or(Kind::Float, Value::kind);
        let all: Option<Vec<&Ints>> = inputs
            .iter()
            .map(|v| {
                if let Value::Ints(_, i) = v {
                    Some(i)
                } else {
                    None
                }
            })
            .collect();
        let Some(all) = all else {
            return self.apply(node, kind, op, inputs);
        };
        // The operation is applied to the elements' positions, which are small enough to be exact in f32.
        let mut graph = GraphBuilder::new("");
        let mut pool: Vec<i64> = Vec::new();
        let mut ids = Vec::new();
        for ints in all {
            if let Op::Reshape { shape } = &op
                && shape.contains(&0)
            {
                return self.empty(node, kind, shape, ints);
            }
            if ints.data.is_empty() {
                // Joining with nothing leaves the others.
                if matches!(op, Op::Concat { .. }) {
                    continue;
                }
                return Err(node.operand_error("an empty integer tensor is not supported here"));
            }
            let positions = (pool.len()..pool.len() + ints.data.len())
                .map(|i| i as f32)
                .collect();
            let tensor = Tensor {
                shape: ints.shape.clone(),
                data: positions,
            };
            pool.extend(&ints.data);
            ids.push(
                graph
                    .constant("", tensor)
                    .map_err(|e| node.graph_error(e))?,
            );
        }
        if ids.is_empty() {
            return Ok(Value::Ints(kind, Ints::vector(Vec::new())));
        }
        if pool.len() > MAX_INTS {
            return Err(self.over_budget(node));
        }
        let shapes: Vec<&[usize]> = ids.iter().map(|&i| graph.graph().shape(i)).collect();
        let shape = op.infer(&shapes).map_err(|e| node.graph_error(e))?;
        if element_count(&shape).is_none_or(|n| n > MAX_INTS) {
            return Err(self.over_budget(node));
        }
        let moved = eval_constant(graph.graph(), &op, &ids, &mut self.budget)
            .map_err(|e| node.graph_error(e))?;
        let moved = moved.ok_or_else(|| self.over_budget(node))?;
        let data = moved
            .data
            .iter()
            .filter_map(|&i| pool.get(i as usize).copied())
            .collect();
        Ok(Value::Ints(
            kind,
            Ints {
                shape: moved.shape,
                data,
            },
        ))
    }

    fn empty(
        &self,
        node: &NodeView<'_>,
        kind: Kind,
        shape: &[usize],
        ints: &Ints,
    ) -> Result<Value, ImportError> {
        if ints.data.is_empty() {
            return Ok(Value::Ints(
                kind,
                Ints {
                    shape: shape.to_vec(),
                    data: Vec::new(),
                },
            ));
        }
        Err(node.graph_error(GraphError::Empty {
            op: "Reshape",
            shape: shape.to_vec(),
        }))
    }

    /// Operands broadcast to their common shape, if all are integers.
    pub fn broadcast_ints(
        &mut self,
        node: &NodeView<'_>,
        inputs: &[Value],
    ) -> Result<Option<Vec<Ints>>, ImportError> {
        if inputs.iter().any(|v| matches!(v, Value::Graph(..))) {
            return Ok(None);
        }
        let shapes: Vec<Vec<usize>> = inputs.iter().map(|v| self.shape(v)).collect();
        let views: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
        let shape =
            broadcast(&views).ok_or_else(|| node.operand_error("shapes do not broadcast"))?;
        let mut out = Vec::new();
        for input in inputs {
            if let Value::Ints(_, ints) = self.rearrange(
                node,
                Op::Broadcast {
                    shape: shape.clone(),
                },
                std::slice::from_ref(input),
            )? {
                out.push(ints);
            }
        }
        Ok(Some(out))
    }

    /// Takes from the budget of constant folding.
    pub fn spend(&mut self, node: &NodeView<'_>, work: usize) -> Result<(), ImportError> {
        self.budget = self
            .budget
            .checked_sub(work)
            .ok_or_else(|| self.over_budget(node))?;
        Ok(())
    }

    pub fn over_budget(&self, node: &NodeView<'_>) -> ImportError {
        ImportError::Budget {
            node: node.name.clone(),
            operator: node.operator(),
            hint: "simplify the model with onnxsim before".to_owned(),
        }
    }

    /// Remembers that a value's last axis holds the probabilities of all classes.
    pub fn set_distribution(&mut self, value: &Value) {
        if let Value::Graph(_, id) = value {
            self.distributions.insert(*id);
        }
    }

    /// Whether a value's last axis holds the probabilities of all classes.
    pub fn is_distribution(&self, value: &Value) -> bool {
        matches!(value, Value::Graph(_, id) if self.distributions.contains(id))
    }

    /// The graph so far.
    pub fn graph(&self) -> &Graph {
        self.builder.graph()
    }
}

/// An axis counted from the front.
pub(super) fn axis(node: &NodeView<'_>, axis: i64, rank: usize) -> Result<usize, ImportError> {
    let from_end = if axis < 0 {
        axis.checked_add(rank as i64)
    } else {
        Some(axis)
    };
    from_end
        .and_then(|a| usize::try_from(a).ok())
        .filter(|&a| a < rank)
        .ok_or_else(|| {
            node.operand_error(format!(
                "axis {axis} does not exist in a tensor of {rank} axes"
            ))
        })
}

/// Axes counted from the front, ascending and distinct.
pub(super) fn axes(
    node: &NodeView<'_>,
    list: &[i64],
    rank: usize,
) -> Result<Vec<usize>, ImportError> {
    let mut out = list
        .iter()
        .map(|&a| axis(node, a, rank))
        .collect::<Result<Vec<_>, _>>()?;
    out.sort_unstable();
    if out.windows(2).any(|w| w[0] == w[1]) {
        return Err(node.operand_error(format!("axes {list:?} are not distinct")));
    }
    Ok(out)
}
