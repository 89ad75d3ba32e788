//! OneHot, Hardmax: comparisons with the number of every class.

use super::super::{
    ImportError,
    compose::Compose,
    context::{Context, axis},
    node::NodeView,
    value::{Ints, Value},
};
use super::indices::never_negative;
use crate::graph::{Binary, Comparison, Kind, Logic, Op, Tensor, Unary};

/// Classes that one code may have.
const MAX_DEPTH: usize = 1 << 12;

/// OneHot: `values[1]` where the index is that of the place, else `values[0]`; a negative index counts from the end, one
/// outside is no class.
pub(super) fn one_hot(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let indices = context.input(node, 0)?;
    let depth = context.input(node, 1)?;
    let values = context.input(node, 2)?;
    // The number of classes may be a float, too.
    let depth = context.weights(node, &depth, "the depth")?.single();
    let depth = depth.filter(|d| d.fract() == 0.0 && (1.0..=MAX_DEPTH as f32).contains(d));
    let depth = depth.ok_or_else(|| {
        node.operand_error(format!(
            "the depth must be one number from 1 to {MAX_DEPTH}"
        ))
    })? as usize;
    let kind = values.kind();
    let values = context.weights(node, &values, "the values")?;
    let [off, on] = values.data[..] else {
        return Err(node.operand_error("values must be two: off and on"));
    };
    let rank = context.shape(&indices).len() + 1;
    let at = axis(node, node.int("axis")?.unwrap_or(-1), rank)?;
    let hot = compared(context, node, &indices, at, depth)?;
    let mut c = Compose::new(context, node);
    if (off, on) == (0.0, 1.0) {
        return Ok(vec![Compose::like(hot, kind)]);
    }
    let scaled = c.with(Binary::Mul, &Compose::like(hot, Kind::Float), on - off)?;
    let result = c.with(Binary::Add, &scaled, off)?;
    Ok(vec![Compose::like(result, kind)])
}

/// Hardmax: 1 at the first of the largest elements along the axis, 0 elsewhere.
pub(super) fn hardmax(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    let shape = context.shape(&x);
    let default = if node.opset < 13 { 1 } else { -1 };
    let at = axis(node, node.int("axis")?.unwrap_or(default), shape.len())?;
    if node.opset < 13 && at + 1 != shape.len() {
        let detail =
            "takes several axes together before operator set 13; export with opset 13 or later";
        return Err(node.attribute_error("axis", detail));
    }
    let op = Op::ArgMax {
        axis: at,
        largest: true,
        last: false,
    };
    let index = context.apply(node, Kind::Int, op, &[x])?;
    let numbers = numbers(context, node, shape.len(), at, 0..shape[at])?;
    let mut c = Compose::new(context, node);
    let hot = c.compare(Comparison::Equal, &index, &numbers)?;
    Ok(vec![Compose::like(hot, Kind::Float)])
}

/// 0 or 1: whether each index, with a new axis, names the place there.
fn compared(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    indices: &Value,
    at: usize,
    depth: usize,
) -> Result<Value, ImportError> {
    let mut shape = context.shape(indices);
    shape.insert(at, 1);
    let rank = shape.len();
    let negative = match indices {
        Value::Ints(_, ints) => ints.data.iter().any(|v| *v < 0),
        Value::Graph(_, id) => !never_negative(context.graph(), *id),
    };
    let mut c = Compose::new(context, node);
    let mut indices = c.reshape(indices, shape)?;
    if indices.kind() == Kind::Float {
        // A code in a float column: its fraction is cut off.
        indices = Compose::like(c.unary(Unary::Trunc, &indices)?, Kind::Int);
    }
    let places = numbers(c.context, node, rank, at, 0..depth)?;
    let hot = c.compare(Comparison::Equal, &indices, &places)?;
    if !negative {
        return Ok(hot);
    }
    let shifted = Compose::new(c.context, node).with(Binary::Add, &indices, depth as f32)?;
    let mut c = Compose::new(context, node);
    let from_end = c.compare(Comparison::Equal, &shifted, &places)?;
    let either = Op::Logic(Logic::Or);
    context.apply(node, Kind::Bool, either, &[hot, from_end])
}

/// The numbers of a range along one axis of `rank`.
fn numbers(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    rank: usize,
    axis: usize,
    range: std::ops::Range<usize>,
) -> Result<Value, ImportError> {
    let mut shape = vec![1; rank];
    shape[axis] = range.len();
    let data = range.map(|number| number as f32).collect();
    let constant = Compose::new(context, node).tensor(Tensor { shape, data })?;
    Ok(Compose::like(constant, Kind::Int))
}

/// EyeLike: ones on a diagonal.
pub(super) fn eye_like(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    node.ignore("dtype");
    let offset = node.int("k")?.unwrap_or(0);
    let [rows, columns] = context.shape(&x)[..] else {
        return Err(node.operand_error("takes a matrix"));
    };
    let one = |at: usize| {
        let (row, column) = ((at / columns) as i64, (at % columns) as i64);
        f32::from(u8::from(row.checked_add(offset) == Some(column)))
    };
    context.spend(node, rows * columns)?;
    let tensor = Tensor {
        shape: vec![rows, columns],
        data: (0..rows * columns).map(one).collect(),
    };
    let kind = x.kind();
    let eye = Compose::new(context, node).tensor(tensor)?;
    Ok(vec![Compose::like(eye, kind)])
}

/// Trilu: what lies on one side of a diagonal, zero elsewhere.
pub(super) fn trilu(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    let upper = node.flag("upper", true)?;
    let offset = match context.optional(node, 1)? {
        None => 0,
        Some(k) => match context.integers(node, &k, "the diagonal k")?[..] {
            [k] => k,
            _ => return Err(node.operand_error("the diagonal k must be one number")),
        },
    };
    let shape = context.shape(&x);
    let [.., rows, columns] = shape[..] else {
        return Err(node.operand_error("takes two axes at least"));
    };
    let inside = |at: usize| {
        let (row, column) = ((at / columns) as i64, (at % columns) as i64);
        let diagonal = row.saturating_add(offset);
        if upper {
            column >= diagonal
        } else {
            column <= diagonal
        }
    };
    if let Value::Ints(kind, ints) = &x {
        let matrix = rows * columns;
        let data = ints.data.iter().enumerate();
        let data = data.map(|(at, v)| if inside(at % matrix) { *v } else { 0 });
        let data = data.collect();
        return Ok(vec![Value::Ints(*kind, Ints { shape, data })]);
    }
    let mask = (0..rows * columns).map(|at| i64::from(inside(at)));
    let mask = Value::Ints(
        Kind::Bool,
        Ints {
            shape: vec![rows, columns],
            data: mask.collect(),
        },
    );
    let kind = x.kind();
    let mut c = Compose::new(context, node);
    let zero = c.number(0.0)?;
    let result = c.choose(&mask, &x, &zero)?;
    Ok(vec![Compose::like(result, kind)])
}
