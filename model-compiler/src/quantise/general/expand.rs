//! Operations spelled in those that have an exact integer form.

mod inverse;
mod power;
mod ratio;
pub(super) mod steep;

use crate::graph::{
    Binary, Circular, Comparison, Graph, GraphBuilder, GraphError, Node, Op, Padding, Pooling,
    Reduction, Tensor, Unary, ValueId, Window,
};

/// Factors of a product over axes, at most.
const FACTORS: usize = 64;

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
                Reduction::Prod if rows <= FACTORS => {
                    let product = product(builder, name, x, axes)?;
                    let shape = builder.graph().shape(product).iter().enumerate();
                    let stays = shape.filter(|(axis, _)| *keepdims || !axes.contains(axis));
                    let shape = stays.map(|(_, extent)| *extent).collect();
                    builder.push(name, Op::Reshape { shape }, &[product])?
                }
                _ => return Ok(None),
            }
        }
        Op::LogSoftmax { axis } => {
            let reduce = |op| Op::Reduce {
                op,
                axes: vec![*axis],
                keepdims: true,
            };
            let difference = Op::Binary(Binary::Sub);
            let largest = builder.push(name, reduce(Reduction::Max), &[x])?;
            let below = builder.push(name, difference.clone(), &[x, largest])?;
            let terms = builder.push(name, Op::Unary(Unary::Exp), &[below])?;
            let sum = builder.push(name, reduce(Reduction::Sum), &[terms])?;
            let logarithm = builder.push(name, Op::Unary(Unary::Log), &[sum])?;
            builder.push(name, difference, &[below, logarithm])?
        }
        Op::Unary(Unary::HardSigmoid { alpha, beta }) => {
            let line = builder.push(name, scaled((*alpha).into(), (*beta).into()), &[x])?;
            let clip = Unary::Clip { min: 0.0, max: 1.0 };
            builder.push(name, Op::Unary(clip), &[line])?
        }
        Op::Unary(Unary::Circular(function @ (Circular::Atan | Circular::Asinh))) => {
            return inverse::inverse(builder, name, x, *function);
        }
        Op::Unary(Unary::Log) => return steep::logarithm(builder, node, x),
        Op::Unary(Unary::Circular(Circular::Acosh)) => steep::acosh(builder, name, x)?,
        Op::Unary(Unary::Reciprocal) if inverse::logistic(builder.graph(), x).is_some() => {
            return inverse::sigmoid(builder, name, x);
        }
        Op::Unary(Unary::Reciprocal) => {
            let one = builder.constant(name, Tensor::scalar(1.0))?;
            builder.push(name, Op::Binary(Binary::Div), &[one, x])?
        }
        Op::Unary(Unary::Power { exponent }) => power::powered(builder, name, x, *exponent)?,
        Op::Unary(Unary::Sign) => {
            let zero = builder.constant(name, Tensor::scalar(0.0))?;
            let above = builder.push(name, Op::Compare(Comparison::Greater), &[x, zero])?;
            let below = builder.push(name, Op::Compare(Comparison::Less), &[x, zero])?;
            builder.push(name, Op::Binary(Binary::Sub), &[above, below])?
        }
        Op::Unary(Unary::Softsign) => {
            let magnitude = builder.push(name, Op::Unary(Unary::Abs), &[x])?;
            let divisor = builder.push(name, scaled(1.0, 1.0), &[magnitude])?;
            builder.push(name, Op::Binary(Binary::Div), &[x, divisor])?
        }
        Op::Unary(Unary::HardSwish) => {
            let line = builder.push(name, scaled(1.0 / 6.0, 0.5), &[x])?;
            let clip = Unary::Clip { min: 0.0, max: 1.0 };
            let part = builder.push(name, Op::Unary(clip), &[line])?;
            builder.push(name, Op::Binary(Binary::Mul), &[x, part])?
        }
        Op::Binary(Binary::Div)
            if inverse::is_one(builder.graph(), x)
                && inverse::logistic(builder.graph(), operands[1]).is_some() =>
        {
            return inverse::sigmoid(builder, name, operands[1]);
        }
        Op::Binary(Binary::Div) => match odds(builder.graph(), operands) {
            Some(logit) => builder.push(name, Op::Unary(Unary::Exp), &[logit])?,
            None => return ratio::of_classes(builder, name, operands),
        },
        // A choice that is known: what is not chosen counts nothing.
        Op::Where if builder.graph().constant(x).is_some() => {
            return inverse::chosen(builder, name, x, [operands[1], operands[2]]);
        }
        Op::Binary(Binary::Pow) => {
            return power::power(builder, name, operands);
        }
        Op::Pad {
            pads,
            padding: Padding::Constant(value),
        } if *value != 0.0 => {
            // Zeros around x, and the value around zeros.
            let pad = |value| Op::Pad {
                pads: pads.clone(),
                padding: Padding::Constant(value),
            };
            let shape = builder.graph().shape(x).to_vec();
            let data = vec![0.0; shape.iter().product()];
            let inside = builder.constant(name, Tensor { shape, data })?;
            let around = builder.push(name, pad(*value), &[inside])?;
            let padded = builder.push(name, pad(0.0), &[x])?;
            builder.push(name, Op::Binary(Binary::Add), &[padded, around])?
        }
        Op::Pool {
            op: Pooling::Average { padding_counts },
            window,
            ceil,
        } => {
            let shape = builder.graph().shape(x)[2..].to_vec();
            let Some((window, factors)) = evened(window, &shape, *ceil, *padding_counts) else {
                return Ok(None);
            };
            let op = Pooling::Average {
                padding_counts: true,
            };
            let ceil = false;
            let pooled = builder.push(name, Op::Pool { op, window, ceil }, &[x])?;
            let factors = builder.constant(name, factors)?;
            builder.push(name, Op::Binary(Binary::Mul), &[pooled, factors])?
        }
        _ => return Ok(None),
    }))
}

/// Of windows that do not all average as many elements: windows of zeros and elements alike, and what each mean is
/// multiplied by. None where they do.
fn evened(
    window: &Window,
    x: &[usize],
    ceil: bool,
    padding_counts: bool,
) -> Option<(Window, Tensor)> {
    let windows = window.windows(x, ceil).ok()?;
    let taps = window.elements();
    let mut counts = vec![0usize; windows.iter().product()];
    // Padding that counts is as good as an element.
    let (own, extents) = match padding_counts {
        false => (window.clone(), x.to_vec()),
        true => {
            let pads = window.pads.iter().zip(x);
            let extents = pads
                .map(|((before, after), x)| before + x + after)
                .collect();
            let pads = vec![(0, 0); x.len()];
            (
                Window {
                    pads,
                    ..window.clone()
                },
                extents,
            )
        }
    };
    own.visit(&extents, &windows, |_, w, _| counts[w] += 1);
    if counts.iter().all(|count| *count == taps) || counts.contains(&0) {
        return None;
    }
    let mut even = window.clone();
    for (axis, windows) in windows.iter().enumerate() {
        let span = (window.kernel[axis] - 1) * window.dilations[axis] + 1;
        let end = (windows - 1) * window.strides[axis] + span;
        even.pads[axis].1 = end.saturating_sub(window.pads[axis].0 + x[axis]);
    }
    let shape = [&[1, 1][..], &windows].concat();
    let factor = |count: usize| taps as f32 / count as f32;
    let data = counts.into_iter().map(factor).collect();
    Some((even, Tensor { shape, data }))
}

/// The product over axes, which stay with extent 1.
fn product(
    builder: &mut GraphBuilder,
    name: &str,
    x: ValueId,
    axes: &[usize],
) -> Result<ValueId, GraphError> {
    let mut result = x;
    for axis in axes {
        // Halves times halves: few factors lie behind one another.
        loop {
            let extent = builder.graph().shape(result)[*axis];
            let half = extent / 2;
            if half == 0 {
                break;
            }
            let part = |start, len| Op::Slice {
                axis: *axis,
                start,
                step: 1,
                len,
            };
            let first = builder.push(name, part(0, half), &[result])?;
            let second = builder.push(name, part(half, half), &[result])?;
            let both = builder.push(name, Op::Binary(Binary::Mul), &[first, second])?;
            result = match extent % 2 {
                0 => both,
                _ => {
                    let last = builder.push(name, part(2 * half, 1), &[result])?;
                    builder.push(name, Op::Concat { axis: *axis }, &[both, last])?
                }
            };
        }
    }
    Ok(result)
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
