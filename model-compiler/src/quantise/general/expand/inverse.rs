//! Functions with slow or steep tails, by others that have none.

use crate::graph::{
    Binary, Circular, Comparison, Graph, GraphBuilder, GraphError, Op, Tensor, Unary, ValueId,
};

/// atan x or asinh x: atan x is ±π/2 − atan(1/x) beyond ±1, asinh x is ±ln(|x| + √(x² + 1)).
pub(super) fn inverse(
    builder: &mut GraphBuilder,
    name: &str,
    x: ValueId,
    function: Circular,
) -> Result<Option<ValueId>, GraphError> {
    let last = builder.graph().shape(x).len().saturating_sub(1);
    let scaled = |scale: f64, shift: f64| Op::ScaleShift {
        axis: last,
        scale: vec![scale],
        shift: vec![shift],
    };
    let one = builder.constant(name, Tensor::scalar(1.0))?;
    let zero = builder.constant(name, Tensor::scalar(0.0))?;
    let size = builder.push(name, Op::Unary(Unary::Abs), &[x])?;
    let result = match function {
        Circular::Asinh => {
            let square = builder.push(name, Op::Unary(Unary::Square), &[size])?;
            let square = builder.push(name, scaled(1.0, 1.0), &[square])?;
            let root = builder.push(name, Op::Unary(Unary::Sqrt), &[square])?;
            let sum = builder.push(name, Op::Binary(Binary::Add), &[size, root])?;
            builder.push(name, Op::Unary(Unary::Log), &[sum])?
        }
        _ => {
            let large = builder.push(name, Op::Binary(Binary::Max), &[size, one])?;
            let inner = builder.push(name, Op::Binary(Binary::Min), &[size, one])?;
            let over = builder.push(name, Op::Binary(Binary::Div), &[one, large])?;
            let far = builder.push(name, Op::Compare(Comparison::Greater), &[size, one])?;
            let slope = builder.push(name, Op::Where, &[far, over, inner])?;
            let angle = Op::Unary(Unary::Circular(function));
            let angle = builder.push(name, angle, &[slope])?;
            let rest = scaled(-1.0, std::f64::consts::FRAC_PI_2);
            let rest = builder.push(name, rest, &[angle])?;
            builder.push(name, Op::Where, &[far, rest, angle])?
        }
    };
    let negative = builder.push(name, Op::Unary(Unary::Neg), &[result])?;
    let below = builder.push(name, Op::Compare(Comparison::Less), &[x, zero])?;
    let signed = builder.push(name, Op::Where, &[below, negative, result])?;
    Ok(Some(signed))
}

/// A choice by constants: c·a + (1 − c)·b; none where it is between constants, or with an infinity.
pub(super) fn chosen(
    builder: &mut GraphBuilder,
    name: &str,
    condition: ValueId,
    sides: [ValueId; 2],
) -> Result<Option<ValueId>, GraphError> {
    let Some(mask) = builder.graph().constant(condition).cloned() else {
        return Ok(None);
    };
    let finite = |value: &ValueId| {
        let constant = builder.graph().constant(*value);
        constant.is_none_or(|tensor| tensor.data.iter().all(|v| v.is_finite()))
    };
    let varies = |value: &ValueId| builder.graph().constant(*value).is_none();
    if !sides.iter().all(finite) || !sides.iter().any(varies) {
        return Ok(None);
    }
    let mut part = |side: ValueId, taken: bool| {
        let factor = |v: &f32| f32::from(u8::from((*v != 0.0) == taken));
        let factors = Tensor {
            shape: mask.shape.clone(),
            data: mask.data.iter().map(factor).collect(),
        };
        let factors = builder.constant(name, factors)?;
        builder.push(name, Op::Binary(Binary::Mul), &[side, factors])
    };
    let (a, b) = (part(sides[0], true)?, part(sides[1], false)?);
    let sum = builder.push(name, Op::Binary(Binary::Add), &[a, b])?;
    Ok(Some(sum))
}

/// 1 / (1 + e^z), whose denominator is x, as a sigmoid of −z.
pub(super) fn sigmoid(
    builder: &mut GraphBuilder,
    name: &str,
    x: ValueId,
) -> Result<Option<ValueId>, GraphError> {
    let Some(z) = logistic(builder.graph(), x) else {
        return Ok(None);
    };
    let opposite = builder.push(name, Op::Unary(Unary::Neg), &[z])?;
    let score = builder.push(name, Op::Unary(Unary::Sigmoid), &[opposite])?;
    Ok(Some(score))
}

/// The z of 1 + e^z.
pub(super) fn logistic(graph: &Graph, x: ValueId) -> Option<ValueId> {
    let sum = graph.producing_node(x)?;
    let power = match (&sum.op, &sum.inputs[..]) {
        (Op::ScaleShift { scale, shift, .. }, [power]) => {
            let ones = scale.iter().chain(shift).all(|v| *v == 1.0);
            ones.then_some(*power)?
        }
        (Op::Binary(Binary::Add), [a, b]) if is_one(graph, *a) => *b,
        (Op::Binary(Binary::Add), [a, b]) if is_one(graph, *b) => *a,
        _ => return None,
    };
    let power = graph.producing_node(power)?;
    matches!(power.op, Op::Unary(Unary::Exp)).then(|| power.inputs[0])
}

/// Whether a value is a constant 1.
pub(super) fn is_one(graph: &Graph, value: ValueId) -> bool {
    let single = graph.constant(value).and_then(Tensor::single);
    single == Some(1.0)
}
