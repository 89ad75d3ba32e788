//! What classifiers of scikit-learn have in common: labels, and what becomes of the scores of all classes.

use super::super::{ImportError, context::Context, node::NodeView, value::Value};
use crate::graph::{Kind, Op, Tensor, Unary};

/// The classes' labels; those that are text are numbered.
pub(super) fn labels(node: &NodeView<'_>) -> Result<Vec<i64>, ImportError> {
    let numbers = node.ints("classlabels_int64s")?.unwrap_or(&[]);
    let names = node.strings("classlabels_strings")?.unwrap_or_default();
    match (numbers, names.len()) {
        ([], 0) => Err(node.attribute_error("classlabels_int64s", "is missing")),
        ([], count) => Ok((0..count as i64).collect()),
        (numbers, 0) => Ok(numbers.to_vec()),
        _ => Err(node.attribute_error("classlabels_strings", "stands beside classlabels_int64s")),
    }
}

/// The labels of a linear model or a support vector machine, which has another name for numbers.
pub(super) fn labels_of(node: &NodeView<'_>) -> Result<Vec<i64>, ImportError> {
    match node.ints("classlabels_ints")? {
        Some(numbers) if !numbers.is_empty() => Ok(numbers.to_vec()),
        _ => labels(node),
    }
}

/// The label of the class with the largest score; of equal ones the first.
pub(super) fn label(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    scores: Value,
    labels: &[i64],
) -> Result<Value, ImportError> {
    let mut shape = context.shape(&scores);
    let axis = shape.len() - 1;
    shape.pop();
    let op = Op::ArgMax {
        axis,
        largest: true,
        last: false,
    };
    let index = context.apply(node, Kind::Int, op, &[scores])?;
    let index = context.apply(node, Kind::Int, Op::Reshape { shape }, &[index])?;
    if labels.iter().copied().eq(0..labels.len() as i64) {
        return Ok(index);
    }
    let whole = |label: &i64| Some(*label as f32).filter(|f| *f as i128 == i128::from(*label));
    let data: Option<Vec<f32>> = labels.iter().map(whole).collect();
    let data = data.ok_or_else(|| {
        node.attribute_error(
            "classlabels_int64s",
            "has a label that a float does not hold",
        )
    })?;
    let table = Tensor {
        shape: vec![data.len()],
        data,
    };
    let table = context.builder.constant(&node.name, table);
    let table = Value::Graph(Kind::Int, table.map_err(|e| node.graph_error(e))?);
    context.apply(node, Kind::Int, Op::Gather { axis: 0 }, &[table, index])
}

/// What is done with the scores of all targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PostTransform {
    None,
    Logistic,
    Softmax,
}

impl PostTransform {
    pub fn read(node: &NodeView<'_>) -> Result<Self, ImportError> {
        match node.string("post_transform")?.unwrap_or("NONE") {
            "NONE" => Ok(Self::None),
            "LOGISTIC" => Ok(Self::Logistic),
            "SOFTMAX" => Ok(Self::Softmax),
            other => Err(node.attribute_error(
                "post_transform",
                format!("is '{other}': NONE, LOGISTIC and SOFTMAX are supported; export NONE, and add the function in ONNX"),
            )),
        }
    }

    pub fn apply(
        self,
        context: &mut Context<'_>,
        node: &NodeView<'_>,
        x: Value,
        targets: usize,
    ) -> Result<Value, ImportError> {
        if targets == 1 && self != Self::None {
            let detail = "of one target is applied by the specification and left out by onnxruntime; export NONE, and add the \
                          function in ONNX";
            return Err(node.attribute_error("post_transform", detail));
        }
        let axis = context.shape(&x).len() - 1;
        let op = match self {
            Self::None => return Ok(x),
            Self::Logistic => Op::Unary(Unary::Sigmoid),
            Self::Softmax => Op::Softmax { axis },
        };
        let result = context.apply(node, Kind::Float, op, &[x])?;
        if self == Self::Softmax {
            context.set_distribution(&result);
        }
        Ok(result)
    }
}
