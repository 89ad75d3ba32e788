//! A convolution whose window is one element is a dense layer of every place, channels last.

use super::rewrite::rewrite;
use crate::graph::{Graph, GraphError, Op, Tensor, Window};

pub(super) fn run(graph: &Graph) -> Result<Option<Graph>, GraphError> {
    rewrite(graph, |r, node| {
        let (
            Op::Conv {
                weights,
                bias,
                groups: 1,
                window,
            },
            [x],
        ) = (&node.op, &node.inputs[..])
        else {
            return Ok(None);
        };
        if !is_one_element(window) {
            return Ok(None);
        }
        let rank = graph.shape(*x).len();
        let channels_last: Vec<usize> = std::iter::once(0).chain(2..rank).chain([1]).collect();
        let channels_first: Vec<usize> = [0, rank - 1].into_iter().chain(1..rank - 1).collect();
        let dense = Op::Dense {
            weights: Tensor {
                shape: weights.shape[..2].to_vec(),
                data: weights.data.clone(),
            },
            bias: bias.clone(),
        };
        let x = r.mapped(*x)?;
        let perm = channels_last;
        let x = r.push(&node.name, Op::Transpose { perm }, &[x])?;
        let y = r.push(&node.name, dense, &[x])?;
        let perm = channels_first;
        r.push(&node.name, Op::Transpose { perm }, &[y]).map(Some)
    })
}

fn is_one_element(window: &Window) -> bool {
    let ones = |list: &[usize]| list.iter().all(|v| *v == 1);
    ones(&window.kernel) && ones(&window.strides) && window.pads.iter().all(|p| *p == (0, 0))
}
