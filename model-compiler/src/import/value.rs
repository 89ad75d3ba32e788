//! Values while importing: integer constants, which shape arithmetic needs exactly, and values of the graph.

use crate::graph::{Kind, Tensor, ValueId, element_count};

/// Elements that one integer constant may have. Shapes and index tables are far smaller.
pub(super) const MAX_INTS: usize = 1 << 22;

/// A tensor of exact integers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ints {
    pub shape: Vec<usize>,
    pub data: Vec<i64>,
}

impl Ints {
    /// A one-dimensional tensor.
    pub fn vector(data: Vec<i64>) -> Self {
        Self {
            shape: vec![data.len()],
            data,
        }
    }

    /// A scalar.
    pub fn scalar(value: i64) -> Self {
        Self {
            shape: Vec::new(),
            data: vec![value],
        }
    }

    /// A tensor of the given shape, if the elements fill it and are not too many.
    pub fn new(shape: Vec<usize>, data: Vec<i64>) -> Option<Self> {
        (element_count(&shape)? == data.len() && data.len() <= MAX_INTS)
            .then_some(Self { shape, data })
    }

    /// As floats; `None` when `f32` cannot hold one exactly.
    pub fn to_tensor(&self) -> Option<Tensor> {
        let exact = |&v: &i64| {
            let f = v as f32;
            // The comparison in i128 avoids the saturation of a cast back to i64.
            (f as i128 == i128::from(v)).then_some(f)
        };
        let data = self.data.iter().map(exact).collect::<Option<Vec<f32>>>()?;
        Some(Tensor {
            shape: self.shape.clone(),
            data,
        })
    }
}

/// A value that a node reads or gives.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// Known integers or truth values.
    Ints(Kind, Ints),
    /// Anything else, floats in particular, constant or not.
    Graph(Kind, ValueId),
}

impl Value {
    /// What the elements stand for.
    pub fn kind(&self) -> Kind {
        match self {
            Value::Ints(kind, _) | Value::Graph(kind, _) => *kind,
        }
    }

    /// Integers.
    pub fn ints(ints: Ints) -> Self {
        Value::Ints(Kind::Int, ints)
    }
}
