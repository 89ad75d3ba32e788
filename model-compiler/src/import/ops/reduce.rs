//! Reductions and global pooling.

use super::super::{
    ImportError,
    compose::Compose,
    context::{Context, axes},
    node::NodeView,
    value::{Ints, Value},
};
use crate::graph::{Binary, Kind, Op, Reduction, Unary};

/// Reductions: axes are an attribute up to operator set 12 (ReduceSum) or 17 (the others), an input afterwards.
pub(super) fn reduce(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    let operator = node.proto.op_type.as_str();
    let (op, first_with_input) = match operator {
        "ReduceSum" => (Reduction::Sum, 13),
        "ReduceMean" => (Reduction::Mean, 18),
        "ReduceMax" => (Reduction::Max, 18),
        "ReduceMin" => (Reduction::Min, 18),
        "ReduceProd" => (Reduction::Prod, 18),
        "ReduceSumSquare" => (Reduction::SumSquare, 18),
        "ReduceL1" => (Reduction::L1, 18),
        "ReduceLogSum" | "ReduceLogSumExp" => (Reduction::Sum, 18),
        _ => (Reduction::L2, 18),
    };
    let keepdims = node.flag("keepdims", true)?;
    let noop = node.opset >= first_with_input && node.flag("noop_with_empty_axes", false)?;
    let list = if node.opset < first_with_input {
        node.ints("axes")?.map(<[i64]>::to_vec)
    } else {
        match context.optional(node, 1)? {
            Some(value) => Some(context.integers(node, &value, "the axes")?),
            None => None,
        }
    };
    let rank = context.shape(&x).len();
    let list = list.unwrap_or_default();
    if list.is_empty() && noop {
        return match op {
            Reduction::Sum
            | Reduction::Mean
            | Reduction::Max
            | Reduction::Min
            | Reduction::Prod => Ok(vec![x]),
            _ => {
                Err(node
                    .attribute_error("noop_with_empty_axes", "is not supported for this operator"))
            }
        };
    }
    if list.is_empty() && context.batch.is_some() {
        // Over all axes: that includes the batch of the export, which is one event here.
        return Err(
            node.operand_error("reduces over the batch, too; export it with axes, or with batch 1")
        );
    }
    let axes = if list.is_empty() {
        (0..rank).collect()
    } else {
        axes(node, &list, rank)?
    };
    if matches!(operator, "ReduceLogSum" | "ReduceLogSumExp") {
        let shifted = operator == "ReduceLogSumExp";
        return logarithm(context, node, &x, &axes, keepdims, shifted);
    }
    if let Some(value) = integers(node, op, &x, &axes, keepdims)? {
        return Ok(vec![value]);
    }
    let kind = match (op, x.kind()) {
        (Reduction::Mean | Reduction::L2, _) => Kind::Float,
        (Reduction::Max | Reduction::Min | Reduction::Prod, kind) => kind,
        (_, Kind::Bool) => Kind::Int,
        (_, kind) => kind,
    };
    Ok(vec![context.apply(
        node,
        kind,
        Op::Reduce { op, axes, keepdims },
        &[x],
    )?])
}

/// log Σx, or log Σeˣ as m + log Σe^(x−m), m the largest.
fn logarithm(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    x: &Value,
    axes: &[usize],
    keepdims: bool,
    of_powers: bool,
) -> Result<Vec<Value>, ImportError> {
    let mut c = Compose::new(context, node);
    if !of_powers {
        let sum = c.reduce(Reduction::Sum, x, axes, keepdims)?;
        return Ok(vec![c.unary(Unary::Log, &sum)?]);
    }
    let largest = c.reduce(Reduction::Max, x, axes, true)?;
    let below = c.binary(Binary::Sub, x, &largest)?;
    let powers = c.unary(Unary::Exp, &below)?;
    let sum = c.reduce(Reduction::Sum, &powers, axes, true)?;
    let logarithm = c.unary(Unary::Log, &sum)?;
    let mut result = c.binary(Binary::Add, &largest, &logarithm)?;
    if !keepdims {
        let shape = c.shape(&result).into_iter().enumerate();
        let kept = shape.filter(|(axis, _)| !axes.contains(axis));
        let shape = kept.map(|(_, extent)| extent).collect();
        result = c.reshape(&result, shape)?;
    }
    Ok(vec![result])
}

/// The exact reduction of a vector of integers, as in the arithmetic of shapes.
fn integers(
    node: &NodeView<'_>,
    op: Reduction,
    x: &Value,
    axes: &[usize],
    keepdims: bool,
) -> Result<Option<Value>, ImportError> {
    let Value::Ints(kind, ints) = x else {
        return Ok(None);
    };
    if ints.shape.len() != 1 || axes != [0] {
        return Ok(None);
    }
    let mut data = ints.data.iter().copied();
    let result = match op {
        Reduction::Sum => data.try_fold(0i64, i64::checked_add),
        Reduction::Prod => data.try_fold(1i64, i64::checked_mul),
        Reduction::Max => data.max(),
        Reduction::Min => data.min(),
        _ => return Ok(None),
    };
    let result = result.ok_or_else(|| {
        node.operand_error("the integer result overflows, or there are no elements")
    })?;
    let shape = if keepdims { vec![1] } else { Vec::new() };
    Ok(Some(Value::Ints(
        *kind,
        Ints {
            shape,
            data: vec![result],
        },
    )))
}

/// The mean or the maximum over all axes after the channels, which stay with one element.
pub(super) fn global_pool(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    let rank = context.shape(&x).len();
    if rank < 3 {
        return Err(node.operand_error("takes [batch, channels, …] with one spatial axis at least"));
    }
    let op = match node.proto.op_type.as_str() {
        "GlobalMaxPool" => Reduction::Max,
        "GlobalAveragePool" => Reduction::Mean,
        _ => match node.int("p")?.unwrap_or(2) {
            1 => Reduction::L1,
            2 => Reduction::L2,
            p => return Err(node.attribute_error("p", format!("is {p}, not 1 or 2"))),
        },
    };
    let op = Op::Reduce {
        op,
        axes: (2..rank).collect(),
        keepdims: true,
    };
    Ok(vec![context.apply(node, Kind::Float, op, &[x])?])
}
