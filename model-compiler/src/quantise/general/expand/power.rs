//! Powers: products and roots, else e^(b·ln a).

use crate::graph::{
    Binary, Comparison, Graph, GraphBuilder, GraphError, Op, Padding, Reduction, Tensor, Unary,
    ValueId,
};

/// Largest exponent that is written as products.
const LARGEST_POWER: f32 = 4.0;
/// Operations that are followed to see that a base is not negative.
pub(super) const DEPTH: usize = 32;

/// x to the power of a constant: products and a root where twice the exponent is a whole number, else e^(n·ln x).
pub(super) fn powered(
    builder: &mut GraphBuilder,
    name: &str,
    x: ValueId,
    exponent: f32,
) -> Result<ValueId, GraphError> {
    let twice = 2.0 * exponent.abs();
    let product = Op::Binary(Binary::Mul);
    if twice == twice.trunc() && (1.0..=2.0 * LARGEST_POWER).contains(&twice) {
        let twice = twice as u32;
        let mut result = match twice % 2 {
            1 => Some(builder.push(name, Op::Unary(Unary::Sqrt), &[x])?),
            _ => None,
        };
        for _ in 0..twice / 2 {
            result = Some(match result {
                None => x,
                Some(known) if known == x => builder.push(name, Op::Unary(Unary::Square), &[x])?,
                Some(known) => builder.push(name, product.clone(), &[known, x])?,
            });
        }
        let result = result.unwrap_or(x);
        if exponent > 0.0 {
            return Ok(result);
        }
        let one = builder.constant(name, Tensor::scalar(1.0))?;
        return builder.push(name, Op::Binary(Binary::Div), &[one, result]);
    }
    let logarithm = builder.push(name, Op::Unary(Unary::Log), &[x])?;
    let factor = builder.constant(name, Tensor::scalar(exponent))?;
    let scaled = builder.push(name, product, &[logarithm, factor])?;
    let power = builder.push(name, Op::Unary(Unary::Exp), &[scaled])?;
    if exponent < 0.0 {
        return Ok(power);
    }
    // Zero has no logarithm.
    let zero = builder.constant(name, Tensor::scalar(0.0))?;
    let above = Op::Compare(Comparison::Greater);
    let above = builder.push(name, above, &[x, zero])?;
    builder.push(name, Op::Where, &[above, power, zero])
}

/// xⁿ for a constant n, or bˣ for a constant b.
pub(super) fn power(
    builder: &mut GraphBuilder,
    name: &str,
    operands: &[ValueId],
) -> Result<Option<ValueId>, GraphError> {
    let &[x, y] = operands else { return Ok(None) };
    let constant = |value| builder.graph().constant(value);
    let shape = builder
        .graph()
        .shape(x)
        .len()
        .max(builder.graph().shape(y).len());
    let product = Op::Binary(Binary::Mul);
    match (constant(x), constant(y).and_then(Tensor::single)) {
        // An exponent of higher rank than the base would add axes.
        (None, Some(exponent)) if builder.graph().shape(x).len() == shape => {
            Ok(Some(powered(builder, name, x, exponent)?))
        }
        (Some(base), None) if base.data.iter().all(|b| *b > 0.0) => {
            let logarithm = |b: &f32| libm::log(f64::from(*b)) as f32;
            let logarithms = Tensor {
                shape: base.shape.clone(),
                data: base.data.iter().map(logarithm).collect(),
            };
            let logarithms = builder.constant(name, logarithms)?;
            let exponent = builder.push(name, product, &[y, logarithms])?;
            Ok(Some(builder.push(
                name,
                Op::Unary(Unary::Exp),
                &[exponent],
            )?))
        }
        (None, exponents) if exponents.is_none() => match constant(y).cloned() {
            Some(exponents) => of_many(builder, name, x, &exponents),
            None if is_not_negative(builder.graph(), x, DEPTH) => {
                let power = logarithmic(builder, name, x, y)?;
                Ok(Some(unless_zero(builder, name, x, power)?))
            }
            None => Ok(None),
        },
        _ => Ok(None),
    }
}

/// e^(b·ln a).
fn logarithmic(
    builder: &mut GraphBuilder,
    name: &str,
    a: ValueId,
    b: ValueId,
) -> Result<ValueId, GraphError> {
    let logarithm = builder.push(name, Op::Unary(Unary::Log), &[a])?;
    let scaled = builder.push(name, Op::Binary(Binary::Mul), &[logarithm, b])?;
    builder.push(name, Op::Unary(Unary::Exp), &[scaled])
}

/// A power of x; 0 where x is 0.
fn unless_zero(
    builder: &mut GraphBuilder,
    name: &str,
    x: ValueId,
    power: ValueId,
) -> Result<ValueId, GraphError> {
    let zero = builder.constant(name, Tensor::scalar(0.0))?;
    let above = Op::Compare(Comparison::Greater);
    let above = builder.push(name, above, &[x, zero])?;
    builder.push(name, Op::Where, &[above, power, zero])
}

/// An exponent for each element: |x|^b, with the sign of x where b is odd. Of other negative numbers only whole exponents have
/// a power at all. None where one is 0, whose power of 0 is 1.
fn of_many(
    builder: &mut GraphBuilder,
    name: &str,
    x: ValueId,
    exponents: &Tensor,
) -> Result<Option<ValueId>, GraphError> {
    if exponents.data.iter().any(|b| *b == 0.0 || !b.is_finite()) {
        return Ok(None);
    }
    let varied = builder.constant(name, exponents.clone())?;
    let size = builder.push(name, Op::Unary(Unary::Abs), &[x])?;
    let mut power = logarithmic(builder, name, size, varied)?;
    if exponents.data.iter().all(|b| *b > 0.0) {
        power = unless_zero(builder, name, size, power)?;
    }
    let odd = |b: &f32| (*b % 2.0).abs() == 1.0;
    if !exponents.data.iter().any(odd) || is_not_negative(builder.graph(), x, DEPTH) {
        return Ok(Some(power));
    }
    let signs = Tensor {
        shape: exponents.shape.clone(),
        data: exponents
            .data
            .iter()
            .map(|b| if odd(b) { -1.0 } else { 1.0 })
            .collect(),
    };
    let signs = builder.constant(name, signs)?;
    let opposite = builder.push(name, Op::Binary(Binary::Mul), &[power, signs])?;
    let zero = builder.constant(name, Tensor::scalar(0.0))?;
    let below = builder.push(name, Op::Compare(Comparison::Less), &[x, zero])?;
    Ok(Some(builder.push(
        name,
        Op::Where,
        &[below, opposite, power],
    )?))
}

/// Whether it is proved that no element is below zero.
pub(super) fn is_not_negative(graph: &Graph, value: ValueId, depth: usize) -> bool {
    if let Some(tensor) = graph.constant(value) {
        return tensor.data.iter().all(|v| *v >= 0.0);
    }
    let (Some(node), Some(depth)) = (graph.producing_node(value), depth.checked_sub(1)) else {
        return false;
    };
    let own = |value: &ValueId| is_not_negative(graph, *value, depth);
    let all = || node.inputs.iter().all(own);
    match &node.op {
        Op::Unary(function) => match function {
            Unary::Relu
            | Unary::Abs
            | Unary::Square
            | Unary::Sqrt
            | Unary::Exp
            | Unary::Sigmoid
            | Unary::Softplus
            | Unary::HardSigmoid { .. } => true,
            Unary::Clip { min, .. } => *min >= 0.0 || all(),
            Unary::Reciprocal | Unary::Power { .. } => all(),
            _ => false,
        },
        Op::Binary(Binary::Mul) if node.inputs[0] == node.inputs[1] => true,
        Op::Binary(Binary::Max) => node.inputs.iter().any(own),
        Op::Binary(Binary::Add | Binary::Mul | Binary::Div | Binary::Min | Binary::Pow) => all(),
        Op::ScaleShift { scale, shift, .. } => {
            all() && scale.iter().chain(shift).all(|v| *v >= 0.0)
        }
        Op::Softmax { .. } | Op::Compare(_) | Op::Logic(_) => true,
        Op::Reduce { op, .. } => match op {
            Reduction::L1 | Reduction::L2 | Reduction::SumSquare => true,
            Reduction::Sum
            | Reduction::Mean
            | Reduction::Max
            | Reduction::Min
            | Reduction::Prod => all(),
        },
        Op::Where => node.inputs[1..].iter().all(own),
        Op::Pad {
            padding: Padding::Constant(value),
            ..
        } => *value >= 0.0 && all(),
        Op::Pool { .. } => all(),
        op => op.moves() && all(),
    }
}
