//! Comparisons, logic and choice.

use super::super::{
    ImportError,
    context::Context,
    node::NodeView,
    value::{Ints, Value},
};
use crate::graph::{Comparison, Kind, Logic, Op, broadcast};

pub(super) fn compare(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let (op, exact): (_, fn(&i64, &i64) -> bool) = match node.proto.op_type.as_str() {
        "Greater" => (Comparison::Greater, i64::gt),
        "GreaterOrEqual" => (Comparison::GreaterOrEqual, i64::ge),
        "Less" => (Comparison::Less, i64::lt),
        "LessOrEqual" => (Comparison::LessOrEqual, i64::le),
        _ => (Comparison::Equal, i64::eq),
    };
    let inputs = [context.input(node, 0)?, context.input(node, 1)?];
    if let Some(truth) = super::finite::compared(context, node, op, &inputs)? {
        return Ok(vec![truth]);
    }
    pair(context, node, Op::Compare(op), exact)
}

pub(super) fn logic(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let (op, exact): (_, fn(&i64, &i64) -> bool) = match node.proto.op_type.as_str() {
        "And" => (Logic::And, |a, b| *a != 0 && *b != 0),
        "Or" => (Logic::Or, |a, b| *a != 0 || *b != 0),
        _ => (Logic::Xor, |a, b| (*a != 0) != (*b != 0)),
    };
    for (constant, other) in [(0, 1), (1, 0)] {
        let (own, other) = (context.input(node, constant)?, context.input(node, other)?);
        if let Some(result) = decided(context, node, op, &own, &other)? {
            return Ok(vec![result]);
        }
    }
    pair(context, node, Op::Logic(op), exact)
}

/// The result where one operand is true everywhere, or nowhere, and settles it: NaN tests of an exporter are such.
fn decided(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    op: Logic,
    constant: &Value,
    other: &Value,
) -> Result<Option<Value>, ImportError> {
    let (Some(truth), Value::Graph(..)) = (everywhere(constant), other) else {
        return Ok(None);
    };
    let shapes = [context.shape(constant), context.shape(other)];
    let shape = broadcast(&[&shapes[0], &shapes[1]])
        .ok_or_else(|| node.operand_error("shapes do not broadcast"))?;
    Ok(match (op, truth) {
        (Logic::And, false) | (Logic::Or, true) => {
            let count = shape.iter().product();
            let data = vec![i64::from(truth); count];
            Ints::new(shape, data).map(|ints| Value::Ints(Kind::Bool, ints))
        }
        (Logic::And, true) | (Logic::Or | Logic::Xor, false) if shape == shapes[1] => {
            Some(other.clone())
        }
        _ => None,
    })
}

/// The truth value that all elements of a constant have.
fn everywhere(value: &Value) -> Option<bool> {
    let Value::Ints(_, ints) = value else {
        return None;
    };
    let first = *ints.data.first()? != 0;
    let mut all = ints.data.iter();
    all.all(|v| (*v != 0) == first).then_some(first)
}

fn pair(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    op: Op,
    exact: fn(&i64, &i64) -> bool,
) -> Result<Vec<Value>, ImportError> {
    let inputs = [context.input(node, 0)?, context.input(node, 1)?];
    if let Some(both) = context.broadcast_ints(node, &inputs)?
        && let [a, b] = &both[..]
    {
        let data = a
            .data
            .iter()
            .zip(&b.data)
            .map(|(a, b)| i64::from(exact(a, b)))
            .collect();
        return Ok(vec![Value::Ints(
            Kind::Bool,
            Ints {
                shape: a.shape.clone(),
                data,
            },
        )]);
    }
    Ok(vec![context.apply(node, Kind::Bool, op, &inputs)?])
}

pub(super) fn select(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let inputs = [
        context.input(node, 0)?,
        context.input(node, 1)?,
        context.input(node, 2)?,
    ];
    let kind = inputs[1].kind();
    if let Some(all) = context.broadcast_ints(node, &inputs)?
        && let [c, a, b] = &all[..]
    {
        let pick = |((c, a), b): ((&i64, &i64), &i64)| if *c != 0 { *a } else { *b };
        let data = c.data.iter().zip(&a.data).zip(&b.data).map(pick).collect();
        return Ok(vec![Value::Ints(
            kind,
            Ints {
                shape: c.shape.clone(),
                data,
            },
        )]);
    }
    // A condition that is the same everywhere chooses now: what it leaves out may be NaN.
    if let Some(truth) = everywhere(&inputs[0]) {
        let chosen = &inputs[if truth { 1 } else { 2 }];
        let shapes: Vec<Vec<usize>> = inputs.iter().map(|v| context.shape(v)).collect();
        let views: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
        let shape =
            broadcast(&views).ok_or_else(|| node.operand_error("shapes do not broadcast"))?;
        if context.shape(chosen) == shape {
            return Ok(vec![chosen.clone()]);
        }
        let op = Op::Broadcast { shape };
        return Ok(vec![context.rearrange(
            node,
            op,
            std::slice::from_ref(chosen),
        )?]);
    }
    Ok(vec![context.apply(node, kind, Op::Where, &inputs)?])
}
