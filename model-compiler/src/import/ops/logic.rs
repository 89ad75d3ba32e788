//! Comparisons, logic and choice.

use super::super::{
    ImportError,
    context::Context,
    node::NodeView,
    value::{Ints, Value},
};
use crate::graph::{Comparison, Kind, Logic, Op};

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
    pair(context, node, Op::Logic(op), exact)
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
    Ok(vec![context.apply(node, kind, Op::Where, &inputs)?])
}
