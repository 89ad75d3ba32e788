//! What is computed of the inputs before any layer, and divided, or of which a root or a logarithm is taken: few bits of it are
//! no saving, as there is little of it, and a divisor that is rounded to zero gives an answer out of all proportion.

use crate::graph::{Binary, Graph, Node, Op, Unary};

/// Of each value whether it belongs to such an observable.
pub(super) fn observable(graph: &Graph) -> Vec<bool> {
    // What no layer gives.
    let mut plain = vec![false; graph.value_count()];
    for input in graph.inputs() {
        plain[input.value.index()] = true;
    }
    let mut after = vec![false; graph.value_count()];
    for node in graph.nodes() {
        let varying = |v: &&crate::graph::ValueId| graph.constant(**v).is_none();
        let mut operands = node.inputs.iter().filter(varying).peekable();
        let any = operands.peek().is_some();
        plain[node.output.index()] = any && !is_layer(node) && operands.all(|v| plain[v.index()]);
        let behind = is_steep(graph, node) || node.inputs.iter().any(|v| after[v.index()]);
        after[node.output.index()] = plain[node.output.index()] && behind;
    }
    let mut asked = after.clone();
    for node in graph.nodes().iter().rev() {
        if asked[node.output.index()] {
            for value in &node.inputs {
                asked[value.index()] |= plain[value.index()];
            }
        }
    }
    asked
}

fn is_layer(node: &Node) -> bool {
    matches!(
        node.op,
        Op::Dense { .. }
            | Op::Conv { .. }
            | Op::ConvTranspose { .. }
            | Op::Trees(_)
            | Op::Softmax { .. }
    )
}

fn is_steep(graph: &Graph, node: &Node) -> bool {
    match node.op {
        Op::Unary(Unary::Sqrt | Unary::Log) => true,
        Op::Binary(Binary::Div) => graph.constant(node.inputs[1]).is_none(),
        Op::Binary(Binary::Pow) => true,
        _ => false,
    }
}
