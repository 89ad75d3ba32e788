//! Discriminants of classes: pa / (pa + pb) of a softmax's parts, where both may be far smaller than the others.

use crate::graph::{
    Binary, Graph, GraphBuilder, GraphError, Op, Reduction, Tensor, Unary, ValueId, eval_constant,
};

/// Classes of a softmax, at most.
const CLASSES: usize = 256;
/// Operations between a softmax and a quotient, at most.
const DEPTH: usize = 64;

/// Some classes of a softmax, whose probabilities are summed.
struct Parts {
    logits: ValueId,
    classes: Vec<usize>,
}

/// a / b, where a is the probability of some of the classes whose probabilities make up b: it depends on the logits of these
/// alone, so that it has all its digits where both are small.
pub(super) fn of_classes(
    builder: &mut GraphBuilder,
    name: &str,
    operands: &[ValueId],
) -> Result<Option<ValueId>, GraphError> {
    let &[a, b] = operands else { return Ok(None) };
    let graph = builder.graph();
    let (Some(part), Some(whole)) = (parts(graph, a), parts(graph, b)) else {
        return Ok(None);
    };
    let other = |class: &usize| !part.classes.contains(class);
    let rest: Vec<usize> = whole.classes.iter().copied().filter(other).collect();
    let covered = part.classes.iter().all(|c| whole.classes.contains(c));
    if part.logits != whole.logits || !covered || rest.is_empty() {
        return Ok(None);
    }
    let rank = graph.shape(a).len().max(graph.shape(b).len());
    let count = graph.elements(part.logits);
    let shape = vec![count];
    let flat = builder.push(name, Op::Reshape { shape }, &[part.logits])?;
    let mut logit = |class: usize| {
        let slice = Op::Slice {
            axis: 0,
            start: class,
            step: 1,
            len: 1,
        };
        builder.push(name, slice, &[flat])
    };
    let own: Vec<ValueId> = each(&part.classes, &mut logit)?;
    let others: Vec<ValueId> = each(&rest, &mut logit)?;
    let result = match (&own[..], &others[..]) {
        (&[own], &[other]) => {
            let difference = builder.push(name, Op::Binary(Binary::Sub), &[own, other])?;
            builder.push(name, Op::Unary(Unary::Sigmoid), &[difference])?
        }
        _ => {
            let all = own.iter().chain(&others).copied();
            let all: Vec<ValueId> = all.collect();
            let largest = folded(builder, name, Binary::Max, &all)?;
            let mut term = |logit: &ValueId| {
                let below = builder.push(name, Op::Binary(Binary::Sub), &[*logit, largest])?;
                builder.push(name, Op::Unary(Unary::Exp), &[below])
            };
            let own = own.iter().map(&mut term).collect::<Result<Vec<_>, _>>()?;
            let others = others.iter().map(term).collect::<Result<Vec<_>, _>>()?;
            let own = folded(builder, name, Binary::Add, &own)?;
            let others = folded(builder, name, Binary::Add, &others)?;
            let all = builder.push(name, Op::Binary(Binary::Add), &[own, others])?;
            builder.push(name, Op::Binary(Binary::Div), &[own, all])?
        }
    };
    let shape = vec![1; rank];
    Ok(Some(builder.push(
        name,
        Op::Reshape { shape },
        &[result],
    )?))
}

fn each(
    classes: &[usize],
    logit: &mut impl FnMut(usize) -> Result<ValueId, GraphError>,
) -> Result<Vec<ValueId>, GraphError> {
    classes.iter().map(|class| logit(*class)).collect()
}

fn folded(
    builder: &mut GraphBuilder,
    name: &str,
    op: Binary,
    values: &[ValueId],
) -> Result<ValueId, GraphError> {
    let mut result = values[0];
    for value in &values[1..] {
        result = builder.push(name, Op::Binary(op), &[result, *value])?;
    }
    Ok(result)
}

/// What a single value is the sum of; none where it is no sum of different classes of one softmax over a vector.
fn parts(graph: &Graph, value: ValueId) -> Option<Parts> {
    let (softmax, mut elements) = traced(graph, value, DEPTH)?;
    let node = graph.producing_node(softmax)?;
    let Op::Softmax { axis } = node.op else {
        return None;
    };
    let classes = graph.shape(softmax)[axis];
    let classes = match elements.len() {
        1 if classes == graph.elements(softmax) => elements.pop()?,
        _ => return None,
    };
    let mut sorted = classes.clone();
    sorted.sort_unstable();
    sorted.dedup();
    (sorted.len() == classes.len()).then_some(Parts {
        logits: node.inputs[0],
        classes,
    })
}

/// The softmax behind a value, and for each of its elements those of the softmax that it is the sum of.
fn traced(graph: &Graph, value: ValueId, depth: usize) -> Option<(ValueId, Vec<Vec<usize>>)> {
    let node = graph.producing_node(value)?;
    let depth = depth.checked_sub(1)?;
    let operand = |place: usize| traced(graph, *node.inputs.get(place)?, depth);
    match &node.op {
        Op::Softmax { .. } => {
            let elements = graph.elements(value);
            let own = (0..elements).map(|e| vec![e]).collect();
            (elements <= CLASSES).then_some((value, own))
        }
        Op::Binary(Binary::Add) => {
            let (a, b) = (operand(0)?, operand(1)?);
            if a.0 != b.0 || a.1.len() != b.1.len() {
                return None;
            }
            let both = a.1.into_iter().zip(b.1);
            let sums = both.map(|(a, b)| [a, b].concat()).collect();
            Some((a.0, sums))
        }
        Op::Reduce {
            op: Reduction::Sum, ..
        } if graph.elements(value) == 1 => {
            let (softmax, elements) = operand(0)?;
            Some((softmax, vec![elements.concat()]))
        }
        op if op.moves() && node.inputs.len() == 1 => {
            let (softmax, elements) = operand(0)?;
            let mut builder = GraphBuilder::new("");
            let tensor = Tensor {
                shape: graph.shape(node.inputs[0]).to_vec(),
                data: (0..elements.len()).map(|e| e as f32).collect(),
            };
            let places = builder.constant("", tensor).ok()?;
            let mut budget = 1 << 20;
            let moved = eval_constant(builder.graph(), op, &[places], &mut budget);
            let moved = moved.ok()??.data.into_iter();
            let moved = moved.map(|place| elements.get(place as usize).cloned());
            Some((softmax, moved.collect::<Option<_>>()?))
        }
        _ => None,
    }
}
