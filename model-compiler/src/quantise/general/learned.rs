//! Networks of layers alone: what their outputs miss, layers' operands of few bits miss.

use crate::graph::{Binary, Graph, Op, Reduction, Unary, ValueId};

/// Whether a graph is layers, sums and products with words between them, and its outputs come from layers by what keeps
/// their order: more bits of what stands between layers mend none of them.
pub(super) fn is_learned(graph: &Graph) -> bool {
    let outputs = graph.outputs().iter();
    graph.nodes().iter().all(|node| is_plain(&node.op))
        && !has_gates(graph)
        && outputs
            .map(|output| output.value)
            .all(|v| is_made(graph, v))
}

/// Whether two results of layers are multiplied, as the gates of a recurrent layer and attention do: what one misses, the
/// other multiplies, step after step.
fn has_gates(graph: &Graph) -> bool {
    let mut of_layer = vec![false; graph.value_count()];
    graph.nodes().iter().any(|node| {
        let made = |v: &ValueId| of_layer[v.index()];
        let any = node.inputs.iter().any(made);
        let gate = match (&node.op, &node.inputs[..]) {
            (Op::Binary(Binary::Mul) | Op::MatMul, [a, b]) => a != b && made(a) && made(b),
            _ => false,
        };
        of_layer[node.output.index()] = any || matches!(node.op, Op::Dense { .. });
        gate
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{GraphBuilder, Kind, Tensor};

    #[test]
    fn gates_are_no_layers_alone() {
        let of = |gated: bool| {
            let mut builder = GraphBuilder::new("test");
            let x = builder.input("x", vec![1, 2], Kind::Float).unwrap();
            let dense = || Op::Dense {
                weights: Tensor::new(vec![2, 2], vec![1.0, 0.5, -0.5, 1.0]).unwrap(),
                bias: vec![0.0; 2],
            };
            let a = builder.push("a", dense(), &[x]).unwrap();
            let gate = builder.push("g", Op::Unary(Unary::Sigmoid), &[a]).unwrap();
            let other = match gated {
                true => builder.push("b", dense(), &[x]).unwrap(),
                false => x,
            };
            let product = Op::Binary(Binary::Mul);
            let product = builder.push("p", product, &[gate, other]).unwrap();
            let y = builder.push("y", dense(), &[product]).unwrap();
            builder.output("y", y).unwrap();
            builder.finish()
        };
        // Words may stand beside a layer.
        assert!(is_learned(&of(false)));
        assert!(!is_learned(&of(true)));
    }
}
