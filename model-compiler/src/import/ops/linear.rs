//! Products of matrices.

use super::super::{ImportError, context::Context, node::NodeView, value::Value};
use crate::graph::{Binary, Kind, Op, Tensor, ValueId};

/// MatMul: a vector operand gets an axis that the result loses again, as numpy does. A constant matrix becomes a dense
/// layer when the graph is simplified.
pub(super) fn matmul(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let operands = [context.input(node, 0)?, context.input(node, 1)?];
    Ok(vec![product(context, node, operands)?])
}

/// The product of two operands, as numpy's `matmul`.
pub(super) fn product(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    mut operands: [Value; 2],
) -> Result<Value, ImportError> {
    for value in &operands {
        if context.float_constant(value).is_some() {
            context.weights(node, value, "the matrix")?;
        }
    }
    let [a, b] = [context.shape(&operands[0]), context.shape(&operands[1])];
    if let [k] = a[..] {
        operands[0] = context.rearrange(node, Op::Reshape { shape: vec![1, k] }, &operands[..1])?;
    }
    if let [k] = b[..] {
        operands[1] = context.rearrange(node, Op::Reshape { shape: vec![k, 1] }, &operands[1..])?;
    }
    let mut result = context.apply(node, Kind::Float, Op::MatMul, &operands)?;
    let mut shape = context.shape(&result);
    if b.len() == 1 {
        shape.pop();
    }
    if a.len() == 1 {
        let at = shape.len().saturating_sub(if b.len() == 1 { 1 } else { 2 });
        shape.remove(at);
    }
    if a.len() == 1 || b.len() == 1 {
        result = context.rearrange(node, Op::Reshape { shape }, &[result])?;
    }
    Ok(result)
}

/// Gemm: `alpha·A'·B' + beta·C`.
pub(super) fn gemm(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let (a, b, c) = (
        context.input(node, 0)?,
        context.input(node, 1)?,
        context.optional(node, 2)?,
    );
    let (transpose_a, transpose_b) = (node.flag("transA", false)?, node.flag("transB", false)?);
    let (alpha, beta) = (
        node.float("alpha")?.unwrap_or(1.0),
        node.float("beta")?.unwrap_or(1.0),
    );
    if context.shape(&a).len() != 2 || context.shape(&b).len() != 2 {
        return Err(node.operand_error("both matrices must have two axes"));
    }
    let flip = Op::Transpose { perm: vec![1, 0] };
    let mut a = context.id(node, &a)?;
    if transpose_a {
        a = context.emit(node, flip.clone(), &[a])?;
    }
    let mut product = match context.float_constant(&b) {
        Some(_) => {
            let matrix = context.weights(node, &b, "the matrix B")?;
            let weights = rows_are_outputs(matrix, transpose_b, alpha);
            let bias = match constant_bias(context, node, c.as_ref(), &weights)? {
                Some(bias) => {
                    let bias = bias.iter().map(|v| v * beta).collect();
                    return Ok(vec![Value::Graph(
                        Kind::Float,
                        context.emit(node, Op::Dense { weights, bias }, &[a])?,
                    )]);
                }
                None => vec![0.0; weights.shape[0]],
            };
            context.emit(node, Op::Dense { weights, bias }, &[a])?
        }
        None => {
            let mut b = context.id(node, &b)?;
            if transpose_b {
                b = context.emit(node, flip, &[b])?;
            }
            let product = context.emit(node, Op::MatMul, &[a, b])?;
            scaled(context, node, product, alpha)?
        }
    };
    if let Some(c) = c {
        let c = context.id(node, &c)?;
        let c = scaled(context, node, c, beta)?;
        let before = context.graph().shape(product).to_vec();
        product = context.emit(node, Op::Binary(Binary::Add), &[product, c])?;
        if context.graph().shape(product) != before {
            return Err(node.operand_error("C does not broadcast to the product"));
        }
    }
    Ok(vec![Value::Graph(Kind::Float, product)])
}

fn scaled(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    x: ValueId,
    factor: f32,
) -> Result<ValueId, ImportError> {
    if factor == 1.0 {
        return Ok(x);
    }
    let factor = context
        .builder
        .constant(&node.name, Tensor::scalar(factor))
        .map_err(|e| node.graph_error(e))?;
    context.emit(node, Op::Binary(Binary::Mul), &[x, factor])
}

/// B as `[out, in]`, times alpha.
fn rows_are_outputs(matrix: Tensor, is_transposed: bool, alpha: f32) -> Tensor {
    let (rows, columns) = (matrix.shape[0], matrix.shape[1]);
    let (shape, mut data) = if is_transposed {
        (matrix.shape, matrix.data)
    } else {
        let column = |c: usize| (0..rows).map(move |r| r * columns + c);
        let data = (0..columns)
            .flat_map(column)
            .map(|i| matrix.data[i])
            .collect();
        (vec![columns, rows], data)
    };
    data.iter_mut().for_each(|w| *w *= alpha);
    Tensor { shape, data }
}

/// C as one value per output, when it is a constant that does not vary along the rows.
fn constant_bias(
    context: &Context<'_>,
    node: &NodeView<'_>,
    c: Option<&Value>,
    weights: &Tensor,
) -> Result<Option<Vec<f32>>, ImportError> {
    let out = weights.shape[0];
    let Some(c) = c else {
        return Ok(Some(vec![0.0; out]));
    };
    if context.float_constant(c).is_none() {
        return Ok(None);
    }
    let c = context.weights(node, c, "the bias C")?;
    Ok(match (&c.shape[..], &c.data[..]) {
        ([] | [1] | [1, 1], [v]) => Some(vec![*v; out]),
        ([n] | [1, n], _) if *n == out => Some(c.data),
        _ => None,
    })
}
