//! Reshape, Mul, Quant, ReduceSum become one operation: a dense layer whose products are quantised one by one.

use super::rewrite::rewrite;
use crate::graph::{Binary, Graph, GraphError, Node, Op, Quantiser, Reduction, Tensor, ValueId};

pub(super) fn run(graph: &Graph) -> Result<Option<Graph>, GraphError> {
    rewrite(graph, |r, node| {
        let Some(layer) = layer(graph, node) else {
            return Ok(None);
        };
        let x = r.mapped(layer.x)?;
        let op = Op::DenseStepwise {
            weights: layer.weights,
            product: Box::new(layer.product),
        };
        r.push(&node.name, op, &[x]).map(Some)
    })
}

struct Layer {
    x: ValueId,
    weights: Tensor,
    product: Quantiser,
}

fn operation(graph: &Graph, value: ValueId) -> Option<(&Op, &[ValueId])> {
    let node = graph.producing_node(value)?;
    Some((&node.op, &node.inputs[..]))
}

/// ReduceSum over axis k of Quant(x[..., in, 1] · w[in, out]), whose result is [..., out].
fn layer(graph: &Graph, node: &Node) -> Option<Layer> {
    let (
        Op::Reduce {
            op: Reduction::Sum,
            axes,
            keepdims: false,
        },
        &[products],
    ) = (&node.op, &node.inputs[..])
    else {
        return None;
    };
    let (Op::Dequantise { scale, zero_point }, &[integers]) = operation(graph, products)? else {
        return None;
    };
    let (Op::Quantise(product), &[exact]) = operation(graph, integers)? else {
        return None;
    };
    let (Op::Binary(Binary::Mul), &[a, b]) = operation(graph, exact)? else {
        return None;
    };
    // The same quantiser both ways, one scale for all products, no zero point.
    let step = scale.single()?;
    let same = product.scale.single() == Some(step)
        && zero_point.single() == Some(0.0)
        && product.zero_point.single() == Some(0.0);
    let (column, weights) = match (graph.constant(a), graph.constant(b)) {
        (None, Some(weights)) => (a, weights),
        (Some(weights), None) => (b, weights),
        _ => return None,
    };
    let (Op::Reshape { .. }, &[x]) = operation(graph, column)? else {
        return None;
    };
    let &[inputs, outputs] = &weights.shape[..] else {
        return None;
    };
    let (source, shape) = (graph.shape(x), graph.shape(column));
    let columns = source.last() == Some(&inputs)
        && shape.len() == source.len() + 1
        && shape[..source.len()] == *source
        && shape.last() == Some(&1);
    if !same || !columns || axes[..] != [source.len() - 1] {
        return None;
    }
    let transposed = (0..outputs * inputs)
        .map(|i| weights.data[(i % inputs) * outputs + i / inputs])
        .collect();
    Some(Layer {
        x,
        weights: Tensor::new(vec![outputs, inputs], transposed)?,
        product: (**product).clone(),
    })
}
