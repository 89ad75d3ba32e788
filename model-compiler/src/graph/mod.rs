//! The float graph: what a network computes for one event, free of the format it came in.
//!
//! A [`Graph`] is in static single assignment and topologically ordered: a node reads only graph inputs and results of earlier
//! nodes, and has exactly one result. All shapes are known. The batch axis of the exporter stays as axis 0 with extent 1,
//! so that axis numbers keep their meaning. A graph is built with [`GraphBuilder`], which infers and checks every shape, so
//! a `Graph` that exists is well-formed; [`simplify`] rewrites it into fewer, larger operations; an [`Executor`] runs it.

mod builder;
mod circular;
mod eval;
mod executor;
mod fixed_point;
mod forest;
mod op;
pub mod passes;
mod quantiser;
pub mod sets;
mod shape;
mod tensor;
mod window;

pub use builder::GraphBuilder;
pub use circular::Circular;
pub(crate) use eval::{apply_unary, eval_constant};
pub use executor::{Executor, Workspace};
pub use fixed_point::{FixedPoint, FixedType};
pub use forest::{Aggregate, Forest, Question, TreeNode};
pub use op::{Binary, Comparison, Logic, Op, Padding, Pooling, Reduction, Unary};
pub(crate) use passes::without_dead_nodes;
pub use passes::{keep_quantisers, simplify, spelled_quantisers};
pub use quantiser::{Quantiser, RoundingMode};
pub use shape::broadcast;
pub use tensor::{MAX_ELEMENTS, Tensor, element_count};
pub use window::Window;

use std::fmt;

/// Index of a value (a graph input or a node's result).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueId(u32);

/// Index of a node; also its place in the order of execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u32);

impl ValueId {
    /// The index as a number, below [`Graph::value_count`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl NodeId {
    /// The index as a number, below the number of nodes.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for ValueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}", self.0)
    }
}

/// What the elements of a value stand for; all are stored as `f32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Real numbers.
    Float,
    /// Whole numbers.
    Int,
    /// 0 or 1.
    Bool,
}

/// An input of the graph.
#[derive(Clone, Debug, PartialEq)]
pub struct GraphInput {
    /// Its name in the model.
    pub name: String,
    /// Its value.
    pub value: ValueId,
    /// The declared element type.
    pub kind: Kind,
}

/// An output of the graph.
#[derive(Clone, Debug, PartialEq)]
pub struct GraphOutput {
    /// Its name in the model.
    pub name: String,
    /// Its value.
    pub value: ValueId,
}

/// One operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The name in the model (of the node, or of its output when it has none), for messages.
    pub name: String,
    /// What it computes.
    pub op: Op,
    /// What it reads.
    pub inputs: Vec<ValueId>,
    /// Its result.
    pub output: ValueId,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Producer {
    /// Graph input of this index.
    Input(usize),
    /// The result of a node.
    Node(NodeId),
}

#[derive(Clone, Debug, PartialEq)]
struct Value {
    shape: Vec<usize>,
    producer: Producer,
}

/// A float network. See the [module documentation](self).
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    name: String,
    inputs: Vec<GraphInput>,
    nodes: Vec<Node>,
    outputs: Vec<GraphOutput>,
    values: Vec<Value>,
}

impl Graph {
    /// The graph's name in the model.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The inputs, in the model's order.
    pub fn inputs(&self) -> &[GraphInput] {
        &self.inputs
    }

    /// The nodes, in an order in which they can be executed.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The outputs, in the model's order.
    pub fn outputs(&self) -> &[GraphOutput] {
        &self.outputs
    }

    /// A node by index.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// All values.
    pub fn values(&self) -> impl Iterator<Item = ValueId> {
        (0..self.values.len() as u32).map(ValueId)
    }

    /// The number of values.
    pub fn value_count(&self) -> usize {
        self.values.len()
    }

    /// A value's shape, outermost axis first; no extent is 0.
    pub fn shape(&self, value: ValueId) -> &[usize] {
        &self.values[value.index()].shape
    }

    /// A value's number of elements.
    pub fn elements(&self, value: ValueId) -> usize {
        self.shape(value).iter().product()
    }

    /// Where a value comes from.
    pub fn producer(&self, value: ValueId) -> Producer {
        self.values[value.index()].producer
    }

    /// The node that computes a value; `None` for a graph input.
    pub fn producing_node(&self, value: ValueId) -> Option<&Node> {
        match self.producer(value) {
            Producer::Input(_) => None,
            Producer::Node(id) => self.nodes.get(id.index()),
        }
    }

    /// The tensor, when the value is a constant.
    pub fn constant(&self, value: ValueId) -> Option<&Tensor> {
        match self.producing_node(value) {
            Some(Node {
                op: Op::Constant(tensor),
                ..
            }) => Some(tensor),
            _ => None,
        }
    }

    /// A name for the value: the graph input's, or the producing node's.
    pub fn value_name(&self, value: ValueId) -> &str {
        match self.producer(value) {
            Producer::Input(i) => &self.inputs[i].name,
            Producer::Node(id) => &self.nodes[id.index()].name,
        }
    }

    /// How often each value is read, by nodes and as a graph output; indexed by [`ValueId::index`].
    pub fn use_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.values.len()];
        let reads = self
            .nodes
            .iter()
            .flat_map(|n| &n.inputs)
            .chain(self.outputs.iter().map(|o| &o.value));
        for value in reads {
            counts[value.index()] += 1;
        }
        counts
    }

    /// The nodes that read each value, in order; indexed by [`ValueId::index`].
    pub fn consumers(&self) -> Vec<Vec<NodeId>> {
        let mut out = vec![Vec::new(); self.values.len()];
        for (i, node) in self.nodes.iter().enumerate() {
            for input in &node.inputs {
                out[input.index()].push(NodeId(i as u32));
            }
        }
        out
    }

    /// Whether every element is 0 or 1 whatever the event: comparisons, logic, boolean inputs and what only moves those.
    pub fn is_boolean(&self, value: ValueId) -> bool {
        let node = match self.producer(value) {
            Producer::Input(i) => return self.inputs[i].kind == Kind::Bool,
            Producer::Node(id) => &self.nodes[id.index()],
        };
        match &node.op {
            Op::Compare(_) | Op::Logic(_) | Op::Unary(Unary::Not) => true,
            Op::Constant(t) => t.data.iter().all(|&v| v == 0.0 || v == 1.0),
            op if op.moves() => node.inputs.iter().all(|&v| self.is_boolean(v)),
            Op::Binary(Binary::Mul | Binary::Min | Binary::Max)
            | Op::Reduce {
                op: Reduction::Max | Reduction::Min | Reduction::Prod,
                ..
            } => node.inputs.iter().all(|&v| self.is_boolean(v)),
            Op::Where => node.inputs[1..].iter().all(|&v| self.is_boolean(v)),
            _ => false,
        }
    }
}

impl fmt::Display for Graph {
    /// One line per node: result, shape, operation, operands, name. For people; not a format to parse.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "graph {:?}", self.name)?;
        for input in &self.inputs {
            writeln!(
                f,
                "  {} {:?} = input {:?}",
                input.value,
                self.shape(input.value),
                input.name
            )?;
        }
        for node in &self.nodes {
            write!(
                f,
                "  {} {:?} = {}",
                node.output,
                self.shape(node.output),
                node.op
            )?;
            match &node.op {
                Op::Constant(t) if t.data.len() <= 4 => write!(f, " {:?}", t.data)?,
                Op::Constant(_)
                | Op::Dense { .. }
                | Op::ScaleShift { .. }
                | Op::Conv { .. }
                | Op::ConvTranspose { .. }
                | Op::Trees(_)
                | Op::FixedPoint(_) => {}
                Op::Unary(u) => write!(f, " {u:?}")?,
                op => write!(f, " {op:?}")?,
            }
            for input in &node.inputs {
                write!(f, " {input}")?;
            }
            writeln!(f, "  # {}", node.name)?;
        }
        for output in &self.outputs {
            writeln!(f, "  output {:?} = {}", output.name, output.value)?;
        }
        Ok(())
    }
}

/// Why a graph cannot be built or run.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum GraphError {
    /// Operands, axes or constants do not fit.
    #[error("{op} of shapes {inputs:?}: {detail}")]
    Shape {
        /// The operation.
        op: &'static str,
        /// Shapes of its inputs.
        inputs: Vec<Vec<usize>>,
        /// What does not fit.
        detail: String,
    },
    /// A result would have no elements.
    #[error("{op} gives an empty tensor of shape {shape:?}")]
    Empty {
        /// The operation.
        op: &'static str,
        /// The result's shape.
        shape: Vec<usize>,
    },
    /// A result would exceed the limit.
    #[error(
        "{op} gives a tensor of shape {shape:?}, more than the {limit} elements that are supported"
    )]
    TooLarge {
        /// The operation.
        op: &'static str,
        /// The result's shape.
        shape: Vec<usize>,
        /// The limit, in elements.
        limit: usize,
    },
    /// Running needs more memory than is allowed.
    #[error(
        "the network's values have {elements} elements in total, more than the {limit} that the executor supports"
    )]
    Workspace {
        /// Elements of all values.
        elements: usize,
        /// The limit.
        limit: usize,
    },
    /// The executor was given a wrong number of inputs.
    #[error("the network has {expected} inputs, {found} were given")]
    InputCount {
        /// What the graph has.
        expected: usize,
        /// What was given.
        found: usize,
    },
    /// The executor was given an input of the wrong shape.
    #[error("input '{name}' has shape {expected:?}, {found:?} was given")]
    InputShape {
        /// The input.
        name: String,
        /// What the graph has.
        expected: Vec<usize>,
        /// What was given.
        found: Vec<usize>,
    },
    /// A value of another graph, or more values than can be counted.
    #[error("value {0} is not part of this graph")]
    UnknownValue(u32),
}
