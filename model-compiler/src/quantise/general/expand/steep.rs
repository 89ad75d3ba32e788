//! Functions that ask small numbers for all their digits, by others that take what the small numbers were made of.

use super::expanded;
use super::power::{DEPTH, is_not_negative};
use crate::graph::{Binary, Graph, GraphBuilder, GraphError, Node, Op, Reduction, Unary, ValueId};
use crate::quantise::statistics::SENTINEL;

/// ln x, of a probability that 15 bits hold no more, an odds, a quotient of many decades.
pub(super) fn logarithm(
    builder: &mut GraphBuilder,
    node: &Node,
    x: ValueId,
) -> Result<Option<ValueId>, GraphError> {
    let name = node.name.as_str();
    let Some(made) = builder.graph().producing_node(x).cloned() else {
        return Ok(None);
    };
    let varies = |value: ValueId| builder.graph().constant(value).is_none();
    Ok(Some(match (&made.op, &made.inputs[..]) {
        (Op::Softmax { axis }, &[logits]) => {
            let op = Op::LogSoftmax { axis: *axis };
            return expanded(builder, &Node { op, ..node.clone() }, &[logits]);
        }
        (Op::Unary(Unary::Exp), &[z]) => z,
        // ln σ(z) is −ln(1 + e^−z).
        (Op::Unary(Unary::Sigmoid), &[z]) => {
            let opposite = builder.push(name, Op::Unary(Unary::Neg), &[z])?;
            let softplus = builder.push(name, Op::Unary(Unary::Softplus), &[opposite])?;
            builder.push(name, Op::Unary(Unary::Neg), &[softplus])?
        }
        // ln(a / b) is ln|a| − ln|b|: where a quotient has a logarithm, both have the same sign.
        (Op::Binary(Binary::Div), &[a, b]) if varies(b) => {
            let mut of = |part: ValueId| -> Result<ValueId, GraphError> {
                let size = match is_not_negative(builder.graph(), part, DEPTH) {
                    true => part,
                    false => builder.push(name, Op::Unary(Unary::Abs), &[part])?,
                };
                let logarithm = Node {
                    op: Op::Unary(Unary::Log),
                    ..node.clone()
                };
                match expanded(builder, &logarithm, &[size])? {
                    Some(value) => Ok(value),
                    None => builder.push(name, logarithm.op, &[size]),
                }
            };
            let (a, b) = (of(a)?, of(b)?);
            builder.push(name, Op::Binary(Binary::Sub), &[a, b])?
        }
        _ => return Ok(None),
    }))
}

/// acosh x is ln(x + √(x² − 1)).
pub(super) fn acosh(
    builder: &mut GraphBuilder,
    name: &str,
    x: ValueId,
) -> Result<ValueId, GraphError> {
    let last = builder.graph().shape(x).len().saturating_sub(1);
    let less_one = Op::ScaleShift {
        axis: last,
        scale: vec![1.0],
        shift: vec![-1.0],
    };
    let square = builder.push(name, Op::Unary(Unary::Square), &[x])?;
    let square = builder.push(name, less_one, &[square])?;
    let root = builder.push(name, Op::Unary(Unary::Sqrt), &[square])?;
    let sum = builder.push(name, Op::Binary(Binary::Add), &[x, root])?;
    builder.push(name, Op::Unary(Unary::Log), &[sum])
}

/// The graph with each Softmax spelled out whose small results a division or a logarithm makes large again: in many bits a
/// quotient of 32 bits holds them, and 15 bits do not.
pub(in crate::quantise::general) fn spelled(graph: &Graph) -> Result<Graph, GraphError> {
    let steep = steep(graph);
    let mut builder = GraphBuilder::new(graph.name());
    let mut map: Vec<ValueId> = graph.values().collect();
    for input in graph.inputs() {
        let shape = graph.shape(input.value).to_vec();
        map[input.value.index()] = builder.input(&input.name, shape, input.kind)?;
    }
    for node in graph.nodes() {
        let operands: Vec<ValueId> = node.inputs.iter().map(|v| map[v.index()]).collect();
        map[node.output.index()] = match (&node.op, &operands[..]) {
            (Op::Softmax { axis }, &[x])
                if steep[node.output.index()] && !is_masked(graph, node.inputs[0]) =>
            {
                softmax(&mut builder, &node.name, x, *axis)?
            }
            (op, operands) => builder.push(&node.name, op.clone(), operands)?,
        };
    }
    for output in graph.outputs() {
        builder.output(&output.name, map[output.value.index()])?;
    }
    Ok(builder.finish())
}

fn softmax(
    builder: &mut GraphBuilder,
    name: &str,
    x: ValueId,
    axis: usize,
) -> Result<ValueId, GraphError> {
    let reduce = |op| Op::Reduce {
        op,
        axes: vec![axis],
        keepdims: true,
    };
    let largest = builder.push(name, reduce(Reduction::Max), &[x])?;
    let below = builder.push(name, Op::Binary(Binary::Sub), &[x, largest])?;
    let terms = builder.push(name, Op::Unary(Unary::Exp), &[below])?;
    let sum = builder.push(name, reduce(Reduction::Sum), &[terms])?;
    builder.push(name, Op::Binary(Binary::Div), &[terms, sum])
}

/// Of each value whether a quotient, a logarithm or a power is taken of it, or of sums of it with others.
fn steep(graph: &Graph) -> Vec<bool> {
    let mut steep = vec![false; graph.value_count()];
    for node in graph.nodes().iter().rev() {
        let own = match &node.op {
            Op::Binary(Binary::Div | Binary::Pow)
            | Op::Unary(Unary::Log | Unary::Reciprocal | Unary::Sqrt | Unary::Power { .. }) => true,
            Op::Binary(Binary::Mul) => {
                let constant = |v: &ValueId| graph.constant(*v).is_some();
                steep[node.output.index()] && node.inputs.iter().any(constant)
            }
            Op::Binary(_)
            | Op::ScaleShift { .. }
            | Op::Unary(Unary::Clip { .. } | Unary::Neg | Unary::Abs)
            | Op::Reduce {
                op: Reduction::Sum | Reduction::Mean | Reduction::Max | Reduction::Min,
                ..
            } => steep[node.output.index()],
            op => op.moves() && steep[node.output.index()],
        };
        for value in &node.inputs {
            steep[value.index()] |= own;
        }
    }
    steep
}

/// Whether what a softmax reads may be a sentinel, which stands for nothing and has no e^x.
fn is_masked(graph: &Graph, value: ValueId) -> bool {
    let large = |v: &f64| v.abs() >= f64::from(SENTINEL);
    if let Some(tensor) = graph.constant(value) {
        return tensor.data.iter().any(|v| large(&f64::from(*v)));
    }
    let Some(node) = graph.producing_node(value) else {
        return false;
    };
    match &node.op {
        Op::Where => true,
        Op::ScaleShift { scale, shift, .. } if scale.iter().chain(shift).any(large) => true,
        Op::Binary(_) | Op::ScaleShift { .. } | Op::Unary(_) => {
            node.inputs.iter().any(|v| is_masked(graph, *v))
        }
        op => op.moves() && node.inputs.iter().any(|v| is_masked(graph, *v)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_softmax_is_spelled_where_its_small_parts_count() {
        let mut builder = GraphBuilder::new("");
        let x = builder
            .input("x", vec![1, 4], crate::graph::Kind::Float)
            .unwrap();
        let softmax = Op::Softmax { axis: 1 };
        let p = builder.push("p", softmax.clone(), &[x]).unwrap();
        let slice = |start| Op::Slice {
            axis: 1,
            start,
            step: 1,
            len: 1,
        };
        let (a, b) = (
            builder.push("a", slice(0), &[p]).unwrap(),
            builder.push("b", slice(1), &[p]).unwrap(),
        );
        let ratio = builder.push("r", Op::Binary(Binary::Div), &[a, b]).unwrap();
        let q = builder.push("q", softmax, &[x]).unwrap();
        builder.output("ratio", ratio).unwrap();
        builder.output("q", q).unwrap();
        let spelled = spelled(&builder.finish()).unwrap();
        let left = spelled.nodes().iter();
        let left: Vec<&str> = left
            .filter(|node| matches!(node.op, Op::Softmax { .. }))
            .map(|node| node.name.as_str())
            .collect();
        assert_eq!(left, ["q"]);
    }
}
