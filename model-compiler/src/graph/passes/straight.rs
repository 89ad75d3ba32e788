//! x + (y − x) becomes y: the gradient of a quantiser that training let through (QKeras, `x + stop_gradient(−x + y)`).

use super::rewrite::rewrite;
use crate::graph::{Binary, Graph, GraphError, Node, Op, Unary, ValueId};

pub(super) fn run(graph: &Graph) -> Result<Option<Graph>, GraphError> {
    rewrite(graph, |r, node| match passed(graph, node) {
        Some(y) if graph.shape(y) == graph.shape(node.output) => r.mapped(y).map(Some),
        _ => Ok(None),
    })
}

/// The y of x + (y − x), x + (−x + y) or x − (x − y).
fn passed(graph: &Graph, node: &Node) -> Option<ValueId> {
    let &[a, b] = &node.inputs[..] else {
        return None;
    };
    match node.op {
        Op::Binary(Binary::Add) => without(graph, b, a).or_else(|| without(graph, a, b)),
        Op::Binary(Binary::Sub) => match operation(graph, b)? {
            (Op::Binary(Binary::Sub), &[x, y]) if x == a => Some(y),
            _ => None,
        },
        _ => None,
    }
}

/// The y of a difference y − x.
fn without(graph: &Graph, difference: ValueId, x: ValueId) -> Option<ValueId> {
    match operation(graph, difference)? {
        (Op::Binary(Binary::Sub), &[y, other]) if other == x => Some(y),
        (Op::Binary(Binary::Add), &[p, q]) => {
            if is_negative_of(graph, p, x) {
                return Some(q);
            }
            is_negative_of(graph, q, x).then_some(p)
        }
        _ => None,
    }
}

fn is_negative_of(graph: &Graph, value: ValueId, x: ValueId) -> bool {
    let minus_one = |v: ValueId| {
        let tensor = graph.constant(v);
        tensor.is_some_and(|t| t.data.iter().all(|n| *n == -1.0))
    };
    match operation(graph, value) {
        Some((Op::Unary(Unary::Neg), [own])) => *own == x,
        Some((Op::Binary(Binary::Mul), &[a, b])) => {
            a == x && minus_one(b) || b == x && minus_one(a)
        }
        Some((Op::ScaleShift { scale, shift, .. }, [own])) => {
            *own == x && scale.iter().all(|s| *s == -1.0) && shift.iter().all(|t| *t == 0.0)
        }
        _ => false,
    }
}

fn operation(graph: &Graph, value: ValueId) -> Option<(&Op, &[ValueId])> {
    let node = graph.producing_node(value)?;
    Some((&node.op, &node.inputs[..]))
}
