//! Masked logits: what an exporter writes as −∞, or as a number near it, in front of a Softmax.
//!
//! No format holds −10⁹ beside logits of a few units. A masked term needs only to be smaller than a count of the
//! result: 16 below the smallest logit that was seen it is e^−16 of any other.

use super::observe::Observations;
use crate::graph::{Binary, Graph, GraphBuilder, GraphError, Node, Op, Tensor, Unary, ValueId};

/// What is lower masks.
const LOW: f32 = -1000.0;
/// How far below every logit a masked one is put.
const BELOW: f32 = 16.0;

/// The graph with masked logits within reach of the others; none where no Softmax has any.
pub(super) fn floored(
    graph: &Graph,
    observations: &Observations,
) -> Result<Option<Graph>, GraphError> {
    let mut floors: Vec<Option<Floor>> = vec![None; graph.value_count()];
    for node in graph.nodes() {
        if let (Op::Softmax { .. }, [x]) = (&node.op, &node.inputs[..]) {
            masked(graph, observations, *x, &mut floors);
        }
    }
    if floors.iter().all(Option::is_none) {
        return Ok(None);
    }
    let mut builder = GraphBuilder::new(graph.name());
    let mut map: Vec<ValueId> = graph.values().collect();
    for input in graph.inputs() {
        let shape = graph.shape(input.value).to_vec();
        map[input.value.index()] = builder.input(&input.name, shape, input.kind)?;
    }
    for node in graph.nodes() {
        let mut operands: Vec<ValueId> = node.inputs.iter().map(|v| map[v.index()]).collect();
        let mut op = node.op.clone();
        match floors[node.output.index()] {
            Some(Floor::Choice { side, value }) => {
                let constant = builder.constant(&node.name, Tensor::scalar(value))?;
                operands[side] = constant;
            }
            Some(Floor::Factor(ratio)) => {
                if let Op::ScaleShift { scale, shift, .. } = &mut op {
                    for number in scale.iter_mut().chain(shift) {
                        *number *= f64::from(ratio);
                    }
                }
            }
            None => {}
        }
        map[node.output.index()] = builder.push(&node.name, op, &operands)?;
    }
    for output in graph.outputs() {
        builder.output(&output.name, map[output.value.index()])?;
    }
    Ok(Some(builder.finish()))
}

/// How the node that gives a value changes.
#[derive(Clone, Copy, Debug)]
enum Floor {
    /// An operand of a choice becomes a constant.
    Choice { side: usize, value: f32 },
    /// An affine function of a truth value becomes smaller.
    Factor(f32),
}

/// The masks of a Softmax's operand: a choice between logits and a constant, or a sum with what is 0 or masks.
fn masked(graph: &Graph, observations: &Observations, x: ValueId, floors: &mut [Option<Floor>]) {
    let Some(node) = graph.producing_node(x) else {
        return;
    };
    let seen = |value: ValueId| &observations.values[value.index()];
    match (&node.op, &node.inputs[..]) {
        (Op::Where, [_, a, b]) => {
            for (side, constant, logits) in [(1, *a, *b), (2, *b, *a)] {
                if is_low(graph, constant) && graph.constant(logits).is_none() {
                    let value = seen(logits).minimum - BELOW;
                    floors[node.output.index()] = Some(Floor::Choice { side, value });
                }
            }
        }
        (Op::Binary(Binary::Add), [a, b]) => {
            for (mask, logits) in [(*a, *b), (*b, *a)] {
                let value = seen(logits).minimum - seen(logits).maximum - BELOW;
                let Some(own) = graph.producing_node(mask) else {
                    continue;
                };
                if let Some(floor) = added(graph, own, value) {
                    floors[mask.index()] = Some(floor);
                }
            }
        }
        (Op::Reshape { .. }, [inner]) => masked(graph, observations, *inner, floors),
        _ => {}
    }
}

/// A mask that is added to logits: 0 or low.
fn added(graph: &Graph, node: &Node, value: f32) -> Option<Floor> {
    match (&node.op, &node.inputs[..]) {
        (Op::Where, [_, a, b]) => {
            let zero = |v: ValueId| {
                let tensor = graph.constant(v);
                tensor.is_some_and(|t| t.data.iter().all(|x| *x == 0.0))
            };
            let (a, b) = (*a, *b);
            match (is_low(graph, a) && zero(b), zero(a) && is_low(graph, b)) {
                (true, _) => Some(Floor::Choice { side: 1, value }),
                (_, true) => Some(Floor::Choice { side: 2, value }),
                _ => None,
            }
        }
        (Op::ScaleShift { scale, shift, .. }, [truth]) => {
            let ends = |(scale, shift): (&f64, &f64)| scale.min(0.0) + shift;
            let lowest = scale.iter().zip(shift).map(ends).reduce(f64::min)?;
            let lowest = lowest as f32;
            (lowest <= LOW && is_truth(graph, *truth)).then(|| Floor::Factor(value / lowest))
        }
        _ => None,
    }
}

/// Whether a value is 0 or 1.
fn is_truth(graph: &Graph, value: ValueId) -> bool {
    let Some(node) = graph.producing_node(value) else {
        return false;
    };
    match &node.op {
        Op::Compare(_) | Op::Logic(_) | Op::Unary(Unary::Not) => true,
        Op::Reshape { .. } | Op::Broadcast { .. } | Op::Transpose { .. } | Op::Slice { .. } => {
            is_truth(graph, node.inputs[0])
        }
        _ => false,
    }
}

fn is_low(graph: &Graph, value: ValueId) -> bool {
    let tensor = graph.constant(value);
    tensor.is_some_and(|t| t.data.iter().all(|x| *x <= LOW))
}
