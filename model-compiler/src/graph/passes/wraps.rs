//! x − m·⌊x·m⁻¹ + ½⌋ becomes one operation: the overflow of a type that wraps, spelled in arithmetic.

use super::rewrite::rewrite;
use crate::graph::{Binary, Graph, GraphError, Node, Op, Unary, ValueId};

pub(super) fn run(graph: &Graph) -> Result<Option<Graph>, GraphError> {
    rewrite(graph, |r, node| {
        let Some((x, period)) = wrapped(graph, node) else {
            return Ok(None);
        };
        let x = r.mapped(x)?;
        let op = Op::Unary(Unary::Wrap { period });
        r.push(&node.name, op, &[x]).map(Some)
    })
}

/// What is wrapped, and the modulus, a power of two.
fn wrapped(graph: &Graph, node: &Node) -> Option<(ValueId, f32)> {
    let (Op::Binary(Binary::Sub), &[x, multiple]) = (&node.op, &node.inputs[..]) else {
        return None;
    };
    let (floor, period) = with_number(graph, multiple, Binary::Mul)?;
    let (Op::Unary(Unary::Floor), &[turns]) = operation(graph, floor)? else {
        return None;
    };
    let (quotient, half) = with_number(graph, turns, Binary::Add)?;
    let (dividend, inverse) = with_number(graph, quotient, Binary::Mul)?;
    let power_of_two = period > 0.0 && period.to_bits() & 0x007f_ffff == 0 && period.is_normal();
    (dividend == x && half == 0.5 && inverse == 1.0 / period && power_of_two).then_some((x, period))
}

fn operation(graph: &Graph, value: ValueId) -> Option<(&Op, &[ValueId])> {
    let node = graph.producing_node(value)?;
    Some((&node.op, &node.inputs[..]))
}

/// The operand and the number of `x op number`, in either order.
fn with_number(graph: &Graph, value: ValueId, wanted: Binary) -> Option<(ValueId, f32)> {
    let (Op::Binary(op), &[a, b]) = operation(graph, value)? else {
        return None;
    };
    let number = |v: ValueId| graph.constant(v).and_then(|t| t.single());
    if *op != wanted {
        return None;
    }
    match (number(a), number(b)) {
        (_, Some(number)) => Some((a, number)),
        (Some(number), None) => Some((b, number)),
        _ => None,
    }
}
