//! An operator written in others: a short chain of the graph's operations, all under the node's name.

use super::{ImportError, context::Context, node::NodeView, value::Value};
use crate::graph::{Binary, Comparison, Kind, Op, Reduction, Tensor, Unary};

type Composed = Result<Value, ImportError>;

/// Appends operations on behalf of one node of the file.
pub(super) struct Compose<'s, 'c, 'n> {
    pub context: &'s mut Context<'c>,
    pub node: &'s NodeView<'n>,
}

impl<'s, 'c, 'n> Compose<'s, 'c, 'n> {
    pub fn new(context: &'s mut Context<'c>, node: &'s NodeView<'n>) -> Self {
        Self { context, node }
    }

    pub fn shape(&self, x: &Value) -> Vec<usize> {
        self.context.shape(x)
    }

    /// A constant.
    pub fn tensor(&mut self, tensor: Tensor) -> Composed {
        let id = self.context.builder.constant(&self.node.name, tensor);
        Ok(Value::Graph(
            Kind::Float,
            id.map_err(|e| self.node.graph_error(e))?,
        ))
    }

    /// One number.
    pub fn number(&mut self, number: f32) -> Composed {
        self.tensor(Tensor::scalar(number))
    }

    pub fn unary(&mut self, function: Unary, x: &Value) -> Composed {
        let op = Op::Unary(function);
        self.context
            .apply(self.node, Kind::Float, op, std::slice::from_ref(x))
    }

    pub fn binary(&mut self, op: Binary, a: &Value, b: &Value) -> Composed {
        let kind = match (a.kind(), b.kind()) {
            (Kind::Float, _) | (_, Kind::Float) => Kind::Float,
            _ => Kind::Int,
        };
        let operands = [a.clone(), b.clone()];
        self.context
            .apply(self.node, kind, Op::Binary(op), &operands)
    }

    /// An operation of which the second operand is one number.
    pub fn with(&mut self, op: Binary, x: &Value, number: f32) -> Composed {
        let number = self.number(number)?;
        let number = match (x.kind(), number) {
            // Of integers and a whole number come integers.
            (Kind::Int, Value::Graph(_, id)) if op != Binary::Div => Value::Graph(Kind::Int, id),
            (_, number) => number,
        };
        self.binary(op, x, &number)
    }

    pub fn compare(&mut self, op: Comparison, a: &Value, b: &Value) -> Composed {
        let operands = [a.clone(), b.clone()];
        self.context
            .apply(self.node, Kind::Bool, Op::Compare(op), &operands)
    }

    /// `a` where the condition holds, else `b`.
    pub fn choose(&mut self, condition: &Value, a: &Value, b: &Value) -> Composed {
        let operands = [condition.clone(), a.clone(), b.clone()];
        self.context
            .apply(self.node, a.kind(), Op::Where, &operands)
    }

    /// A reduction; the axes stay with extent 1 if `keepdims`.
    pub fn reduce(&mut self, op: Reduction, x: &Value, axes: &[usize], keepdims: bool) -> Composed {
        let op = Op::Reduce {
            op,
            axes: axes.to_vec(),
            keepdims,
        };
        self.context
            .apply(self.node, Kind::Float, op, std::slice::from_ref(x))
    }

    pub fn reshape(&mut self, x: &Value, shape: Vec<usize>) -> Composed {
        if self.shape(x) == shape {
            return Ok(x.clone());
        }
        let op = Op::Reshape { shape };
        self.context
            .rearrange(self.node, op, std::slice::from_ref(x))
    }

    pub fn transpose(&mut self, x: &Value, perm: Vec<usize>) -> Composed {
        if perm.iter().copied().eq(0..perm.len()) {
            return Ok(x.clone());
        }
        let op = Op::Transpose { perm };
        self.context
            .rearrange(self.node, op, std::slice::from_ref(x))
    }

    /// Elements of one axis, which stays.
    pub fn select(&mut self, x: &Value, axis: usize, indices: Vec<usize>) -> Composed {
        let op = Op::Select { axis, indices };
        self.context
            .rearrange(self.node, op, std::slice::from_ref(x))
    }

    /// The same elements under another kind, where nothing has to be computed.
    pub fn like(x: Value, kind: Kind) -> Value {
        match x {
            Value::Ints(_, ints) => Value::Ints(kind, ints),
            Value::Graph(_, id) => Value::Graph(kind, id),
        }
    }

    /// A matrix `[out, in]` applied along one axis, whose extent becomes `out`.
    pub fn along(&mut self, x: &Value, axis: usize, weights: Tensor) -> Composed {
        let rank = self.shape(x).len();
        let mut perm: Vec<usize> = (0..rank).filter(|a| *a != axis).collect();
        perm.push(axis);
        let mut back: Vec<usize> = (0..rank - 1).collect();
        back.insert(axis, rank - 1);
        let moved = self.transpose(x, perm)?;
        let bias = vec![0.0; weights.shape[0]];
        let op = Op::Dense { weights, bias };
        let product = self.context.apply(self.node, x.kind(), op, &[moved])?;
        self.transpose(&product, back)
    }
}
