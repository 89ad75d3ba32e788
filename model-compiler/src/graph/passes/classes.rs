//! The softmax of two classes is the sigmoid of their difference.

use super::rewrite::rewrite;
use crate::graph::{Graph, GraphError, Op, Tensor, Unary};

pub(super) fn run(graph: &Graph) -> Result<Option<Graph>, GraphError> {
    rewrite(graph, |r, node| {
        let (Op::Softmax { axis }, [x]) = (&node.op, &node.inputs[..]) else {
            return Ok(None);
        };
        let shape = graph.shape(*x);
        if axis + 1 != shape.len() || shape[*axis] != 2 {
            return Ok(None);
        }
        let difference = Op::Dense {
            weights: Tensor {
                shape: vec![2, 2],
                data: vec![1.0, -1.0, -1.0, 1.0],
            },
            bias: vec![0.0; 2],
        };
        let x = r.mapped(*x)?;
        let x = r.push(&node.name, difference, &[x])?;
        r.push(&node.name, Op::Unary(Unary::Sigmoid), &[x])
            .map(Some)
    })
}
