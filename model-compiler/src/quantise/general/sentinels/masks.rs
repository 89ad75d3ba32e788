//! Which values are masks: two-valued terms, one of the values far from everything real.

use super::super::observe::Observations;
use crate::graph::{
    Binary, Comparison, Graph, GraphBuilder, GraphError, Node, Op, Tensor, Unary, ValueId,
    apply_unary,
};

/// What is smaller in size is no sentinel.
pub(super) const LARGE: f32 = 30.0;
/// How far a sentinel lies beyond what is real: a term of a Softmax is then e^−16 of any other.
pub(super) const BEYOND: f32 = 16.0;

/// A value that is one number where a truth holds and another elsewhere.
#[derive(Clone, Copy, Debug)]
pub(super) struct TwoValued {
    pub yes: f32,
    pub no: f32,
}

/// Where a value is masked.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mask {
    /// A choice: operand `real` of the node where the condition holds (`when`), or does not.
    Choice { real: usize, when: bool, fill: f32 },
    /// A sum: operand `real` of the node plus a term that is 0 or `fill`.
    Sum { real: usize, fill: f32 },
}

/// Whether some node masks.
pub(super) fn any(graph: &Graph, observations: &Observations) -> bool {
    let mut nodes = graph.nodes().iter();
    nodes.any(|node| mask(graph, observations, node).is_some())
}

/// How a node masks, if it does.
pub(super) fn mask(graph: &Graph, observations: &Observations, node: &Node) -> Option<Mask> {
    mask_within(graph, observations, node, 0)
}

fn mask_within(
    graph: &Graph,
    observations: &Observations,
    node: &Node,
    depth: usize,
) -> Option<Mask> {
    match (&node.op, &node.inputs[..]) {
        (Op::Where, [_, a, b]) => {
            for (real, constant, value) in [(1, *b, *a), (2, *a, *b)] {
                let fill = graph.constant(constant).and_then(uniform);
                if let Some(fill) = fill.filter(|fill| {
                    graph.constant(value).is_none()
                        && is_beyond(graph, observations, value, *fill, depth)
                }) {
                    let when = real == 1;
                    return Some(Mask::Choice { real, when, fill });
                }
            }
            None
        }
        (Op::Binary(op @ (Binary::Add | Binary::Sub)), [a, b]) => {
            for (real, term, value) in [(0, *b, *a), (1, *a, *b)] {
                if real == 1 && *op == Binary::Sub || graph.constant(value).is_some() {
                    continue;
                }
                let Some(two) = two_valued(graph, observations, term, 0) else {
                    continue;
                };
                let fill = match (two.yes == 0.0, two.no == 0.0) {
                    (true, false) => two.no,
                    (false, true) => two.yes,
                    _ => continue,
                };
                let fill = if *op == Binary::Sub { -fill } else { fill };
                if is_beyond(graph, observations, value, fill, depth) {
                    return Some(Mask::Sum { real, fill });
                }
            }
            None
        }
        _ => None,
    }
}

/// What a value is where no mask before it, in series, has put a sentinel of the same side. Behind a mask alone: a column
/// is smaller than the row that it is taken from.
fn innermost(
    graph: &Graph,
    observations: &Observations,
    value: ValueId,
    fill: f32,
    depth: usize,
) -> ValueId {
    let mut masked = value;
    let mut reached = value;
    for depth in depth..DEPTH {
        let Some(node) = graph.producing_node(reached) else {
            break;
        };
        reached = match (&node.op, &node.inputs[..]) {
            (op, [x]) if op.moves() => *x,
            _ => match mask_within(graph, observations, node, depth + 1) {
                Some(
                    Mask::Choice {
                        real, fill: own, ..
                    }
                    | Mask::Sum { real, fill: own },
                ) if own * fill > 0.0 => {
                    masked = node.inputs[real];
                    masked
                }
                _ => break,
            },
        };
    }
    masked
}

/// Whether no real value is near a fill.
fn is_beyond(
    graph: &Graph,
    observations: &Observations,
    value: ValueId,
    fill: f32,
    depth: usize,
) -> bool {
    let value = innermost(graph, observations, value, fill, depth);
    let seen = &observations.values[value.index()];
    let spread = seen.maximum - seen.minimum;
    fill.abs() >= LARGE && fill.abs() >= seen.magnitude() + spread + BEYOND && spread.is_finite()
}

/// The number that all elements of a constant are.
pub(super) fn uniform(tensor: &Tensor) -> Option<f32> {
    let first = *tensor.data.first()?;
    let same = !first.is_nan() && tensor.data.iter().all(|v| *v == first);
    same.then_some(first)
}

/// Whether a value is 0 or 1, by what it is computed from or by what was seen of an input.
fn is_truth(graph: &Graph, observations: &Observations, value: ValueId) -> bool {
    if graph.constant(value).is_some() {
        return false;
    }
    let seen = &observations.values[value.index()];
    let zero_or_one = |v: &f32| *v == 0.0 || *v == 1.0;
    graph.is_boolean(value)
        || seen.minimum == 0.0
            && seen.maximum == 1.0
            && seen.samples.iter().all(zero_or_one)
            && seen.samples.contains(&1.0)
}

/// Steps that a term may be spelled in.
const DEPTH: usize = 16;

/// The two values of a term, `yes` where the truth that it is computed from holds.
pub(super) fn two_valued(
    graph: &Graph,
    observations: &Observations,
    value: ValueId,
    depth: usize,
) -> Option<TwoValued> {
    if is_truth(graph, observations, value) {
        return Some(TwoValued { yes: 1.0, no: 0.0 });
    }
    let node = graph.producing_node(value).filter(|_| depth < DEPTH)?;
    let inner = |value: ValueId| two_valued(graph, observations, value, depth + 1);
    let of_constant = |value: ValueId| graph.constant(value).and_then(uniform);
    match (&node.op, &node.inputs[..]) {
        (op, [x]) if op.moves() => inner(*x),
        (Op::ScaleShift { scale, shift, .. }, [x]) => {
            let same = |v: &[f64]| v.iter().all(|other| *other == v[0]);
            let two = inner(*x).filter(|_| same(scale) && same(shift))?;
            let map = |v: f32| (f64::from(v) * scale[0] + shift[0]) as f32;
            Some(TwoValued {
                yes: map(two.yes),
                no: map(two.no),
            })
        }
        (Op::Unary(Unary::Not | Unary::Neg), [x]) => {
            let two = inner(*x)?;
            let Op::Unary(function) = node.op else {
                return None;
            };
            let both = apply_unary(function, &[two.yes, two.no]);
            Some(TwoValued {
                yes: both[0],
                no: both[1],
            })
        }
        (Op::Binary(op), [a, b]) => {
            let (two, constant, first) = match (of_constant(*a), of_constant(*b)) {
                (None, Some(constant)) => (inner(*a)?, constant, false),
                (Some(constant), None) => (inner(*b)?, constant, true),
                _ => return None,
            };
            let map = |v: f32| match (op, first) {
                (Binary::Add, _) => Some(v + constant),
                (Binary::Mul, _) => Some(v * constant),
                (Binary::Sub, false) => Some(v - constant),
                (Binary::Sub, true) => Some(constant - v),
                (Binary::Div, false) => Some(v / constant),
                _ => None,
            };
            Some(TwoValued {
                yes: map(two.yes)?,
                no: map(two.no)?,
            })
        }
        (Op::Where, [_, a, b]) => Some(TwoValued {
            yes: of_constant(*a)?,
            no: of_constant(*b)?,
        }),
        _ => None,
    }
}

/// The truth that a two-valued term is computed from, moved as the term is; `map` has the new value of each old one.
pub(super) fn truth(
    builder: &mut GraphBuilder,
    graph: &Graph,
    observations: &Observations,
    value: ValueId,
    map: &dyn Fn(ValueId) -> ValueId,
) -> Result<ValueId, GraphError> {
    let node = graph.producing_node(value);
    let name = graph.value_name(value);
    if is_truth(graph, observations, value) {
        if graph.is_boolean(value) {
            return Ok(map(value));
        }
        let half = builder.constant(name, Tensor::scalar(0.5))?;
        return builder.push(name, Op::Compare(Comparison::Greater), &[map(value), half]);
    }
    let Some(node) = node else {
        return Ok(map(value));
    };
    let inner = match (&node.op, &node.inputs[..]) {
        (Op::Where, [condition, ..]) => return Ok(map(*condition)),
        (Op::Binary(_), [a, b]) if graph.constant(*a).is_some() => *b,
        (_, [a, ..]) => *a,
        _ => return Ok(map(value)),
    };
    let inner = truth(builder, graph, observations, inner, map)?;
    match node.op.moves() {
        true => builder.push(name, node.op.clone(), &[inner]),
        false => Ok(inner),
    }
}
