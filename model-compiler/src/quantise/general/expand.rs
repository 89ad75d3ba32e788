//! Operations spelled in those that have an exact integer form.

use crate::graph::{Binary, Graph, GraphBuilder, GraphError, Node, Op, Reduction, Unary, ValueId};

/// The graph with some operations in several steps; results stay equal to within rounding.
pub(super) fn expand(graph: &Graph) -> Result<Graph, GraphError> {
    let (mut builder, map) = copied(graph)?;
    for output in graph.outputs() {
        builder.output(&output.name, map[output.value.index()])?;
    }
    Ok(builder.finish())
}

/// The inputs and nodes of a graph, expanded, and the new value of each old one; outputs are left to the caller.
pub(super) fn copied(graph: &Graph) -> Result<(GraphBuilder, Vec<ValueId>), GraphError> {
    let mut builder = GraphBuilder::new(graph.name());
    // Every value is defined before it is read.
    let mut map: Vec<ValueId> = graph.values().collect();
    for input in graph.inputs() {
        let shape = graph.shape(input.value).to_vec();
        map[input.value.index()] = builder.input(&input.name, shape, input.kind)?;
    }
    for node in graph.nodes() {
        let operands: Vec<ValueId> = node.inputs.iter().map(|v| map[v.index()]).collect();
        let value = match expanded(&mut builder, node, &operands)? {
            Some(value) => value,
            None => builder.push(&node.name, node.op.clone(), &operands)?,
        };
        map[node.output.index()] = value;
    }
    Ok((builder, map))
}

fn expanded(
    builder: &mut GraphBuilder,
    node: &Node,
    operands: &[ValueId],
) -> Result<Option<ValueId>, GraphError> {
    let &[x, ..] = operands else { return Ok(None) };
    let last = builder.graph().shape(x).len().saturating_sub(1);
    let scaled = |scale: f64, shift: f64| Op::ScaleShift {
        axis: last,
        scale: vec![scale],
        shift: vec![shift],
    };
    let name = node.name.as_str();
    Ok(Some(match &node.op {
        Op::Reduce { op, axes, keepdims } => {
            let shape = builder.graph().shape(x);
            let rows: usize = axes.iter().map(|axis| shape[*axis]).product();
            let reduce = |op| Op::Reduce {
                op,
                axes: axes.clone(),
                keepdims: *keepdims,
            };
            let (sum, summed) = match squared(builder.graph(), x) {
                Some(root) => (reduce(Reduction::SumSquare), root),
                None => (reduce(Reduction::Sum), x),
            };
            match op {
                Reduction::Sum if summed != x => builder.push(name, sum, &[summed])?,
                // A mean is a sum with another unit.
                Reduction::Mean => {
                    let sum = builder.push(name, sum, &[summed])?;
                    let last = builder.graph().shape(sum).len().saturating_sub(1);
                    let mean = Op::ScaleShift {
                        axis: last,
                        scale: vec![1.0 / rows as f64],
                        shift: vec![0.0],
                    };
                    builder.push(name, mean, &[sum])?
                }
                Reduction::L1 => {
                    let absolute = builder.push(name, Op::Unary(Unary::Abs), &[x])?;
                    builder.push(name, reduce(Reduction::Sum), &[absolute])?
                }
                Reduction::L2 => {
                    let squares = builder.push(name, reduce(Reduction::SumSquare), &[x])?;
                    builder.push(name, Op::Unary(Unary::Sqrt), &[squares])?
                }
                _ => return Ok(None),
            }
        }
        Op::Unary(Unary::HardSigmoid { alpha, beta }) => {
            let line = builder.push(name, scaled((*alpha).into(), (*beta).into()), &[x])?;
            let clip = Unary::Clip { min: 0.0, max: 1.0 };
            builder.push(name, Op::Unary(clip), &[line])?
        }
        Op::Binary(Binary::Div) => match odds(builder.graph(), operands) {
            Some(logit) => builder.push(name, Op::Unary(Unary::Exp), &[logit])?,
            None => return Ok(None),
        },
        _ => return Ok(None),
    }))
}

/// The y of y².
fn squared(graph: &Graph, x: ValueId) -> Option<ValueId> {
    let node = graph.producing_node(x)?;
    match (&node.op, &node.inputs[..]) {
        (Op::Unary(Unary::Square), [y]) => Some(*y),
        (Op::Binary(Binary::Mul), [y, again]) if y == again => Some(*y),
        (Op::Binary(Binary::Pow), [y, two]) => {
            let two = graph.constant(*two)?;
            (two.single() == Some(2.0)).then_some(*y)
        }
        _ => None,
    }
}

/// The z of s/(1 − s), s = σ(z): a likelihood ratio, which is e^z.
fn odds(graph: &Graph, operands: &[ValueId]) -> Option<ValueId> {
    let &[score, other] = operands else {
        return None;
    };
    let sigmoid = graph.producing_node(score)?;
    let complement = graph.producing_node(other)?;
    let one_less = match (&complement.op, &complement.inputs[..]) {
        (Op::ScaleShift { scale, shift, .. }, [s]) => {
            *s == score && scale.iter().all(|v| *v == -1.0) && shift.iter().all(|v| *v == 1.0)
        }
        (Op::Binary(Binary::Sub), [one, s]) => {
            let one = graph.constant(*one);
            *s == score && one.is_some_and(|one| one.data.iter().all(|v| *v == 1.0))
        }
        _ => false,
    };
    let is_sigmoid = matches!(sigmoid.op, Op::Unary(Unary::Sigmoid));
    (is_sigmoid && one_less).then(|| sigmoid.inputs[0])
}
