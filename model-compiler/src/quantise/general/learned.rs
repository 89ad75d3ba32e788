//! Networks of layers alone: what their outputs miss, layers' operands of few bits miss.

use crate::graph::{Binary, Graph, Op, Reduction, Unary, ValueId};

/// Whether a graph is layers, sums and products with words between them, and its outputs come from layers by what keeps
/// their order: more bits of what stands between layers mend none of them.
pub(super) fn is_learned(graph: &Graph) -> bool {
    let outputs = graph.outputs().iter();
    graph.nodes().iter().all(|node| is_plain(&node.op))
        && outputs
            .map(|output| output.value)
            .all(|v| is_made(graph, v))
}

fn is_plain(op: &Op) -> bool {
    op.moves()
        || matches!(
            op,
            Op::Constant(_)
                | Op::Dense { .. }
                | Op::ScaleShift { .. }
                | Op::MatMul
                | Op::Compare(_)
                | Op::Logic(_)
                | Op::Where
                | Op::ArgMax { .. }
                | Op::Gather { .. }
                | Op::Binary(Binary::Add | Binary::Sub | Binary::Mul)
                | Op::Unary(
                    Unary::Relu
                        | Unary::LeakyRelu { .. }
                        | Unary::Clip { .. }
                        | Unary::Sigmoid
                        | Unary::Tanh
                        | Unary::Square
                        | Unary::Not
                )
                | Op::Reduce {
                    op: Reduction::Sum | Reduction::Mean | Reduction::SumSquare | Reduction::Max,
                    ..
                }
        )
}

/// Whether a layer made a value, of which a function was taken, or a squared error, perhaps.
fn is_made(graph: &Graph, value: ValueId) -> bool {
    graph
        .producing_node(value)
        .is_some_and(|node| match node.op {
            Op::Dense { .. } => true,
            Op::Binary(_) | Op::Gather { .. } => node.inputs.iter().any(|v| is_made(graph, *v)),
            Op::Constant(_) => false,
            _ => node.inputs.first().is_some_and(|v| is_made(graph, *v)),
        })
}
