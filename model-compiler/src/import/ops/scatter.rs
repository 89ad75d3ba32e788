//! ScatterElements and ScatterND: elements of a tensor replaced by updates, or combined with them.
//!
//! Indices that are known only move elements. Indices that depend on the event are compared with every place: a sum over the
//! updates of one place is a product with a matrix of truths, as messages along the edges of a graph are.

use super::super::{
    ImportError,
    compose::Compose,
    context::{Context, axis},
    node::NodeView,
    value::{Ints, Value},
};
use super::{indices::never_negative, linear};
use crate::graph::{Binary, Comparison, Kind, Op, Reduction, Tensor};

/// Updates that may meet in one place.
const MAX_ROUNDS: usize = 64;
/// Comparisons of an update with a place, of one event.
const MAX_COMPARISONS: usize = 1 << 20;

/// How updates are combined with what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Combine {
    Replace,
    With(Binary),
}

fn combine(node: &NodeView<'_>) -> Result<Combine, ImportError> {
    Ok(match node.string("reduction")?.unwrap_or("none") {
        "none" => Combine::Replace,
        "add" => Combine::With(Binary::Add),
        "mul" => Combine::With(Binary::Mul),
        "max" => Combine::With(Binary::Max),
        "min" => Combine::With(Binary::Min),
        other => {
            let detail = format!("is '{other}', not none, add, mul, max or min");
            return Err(node.attribute_error("reduction", detail));
        }
    })
}

/// ScatterElements (once Scatter): data\[…, indices\[e\], …\] ← updates\[e\] along one axis.
pub(super) fn scatter_elements(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let data = context.input(node, 0)?;
    let indices = context.input(node, 1)?;
    let updates = context.input(node, 2)?;
    let how = combine(node)?;
    let shape = context.shape(&data);
    let at = axis(node, node.int("axis")?.unwrap_or(0), shape.len())?;
    let own = context.shape(&indices);
    let inside = own.iter().zip(&shape).enumerate();
    let inside = own.len() == shape.len() && { inside }.all(|(a, (i, d))| a == at || i <= d);
    if !inside || context.shape(&updates) != own {
        return Err(node.operand_error(format!(
            "indices of shape {own:?} do not belong to data of {shape:?}, or to the updates"
        )));
    }
    if let Value::Ints(_, ints) = &indices {
        let strides = strides(&shape);
        let mut targets = Vec::with_capacity(ints.data.len());
        for (element, index) in ints.data.iter().enumerate() {
            let index = wrapped(node, *index, shape[at])?;
            let mut rest = element;
            let mut target = 0;
            for a in (0..own.len()).rev() {
                let place = if a == at { index } else { rest % own[a] };
                rest /= own[a];
                target += place * strides[a];
            }
            targets.push(target);
        }
        return Ok(vec![placed(context, node, &data, &updates, &targets, how)?]);
    }
    if own
        .iter()
        .zip(&shape)
        .enumerate()
        .any(|(a, (i, d))| a != at && i != d)
    {
        return Err(node.operand_error(
            "indices that depend on the event must have the data's extents along the other axes",
        ));
    }
    let mut c = Compose::new(context, node);
    let truths = named(&mut c, &indices, at, shape[at])?;
    let mut between = own;
    between.insert(at, 1);
    let spread = c.reshape(&updates, between)?;
    Ok(vec![compared(&mut c, &data, &truths, &spread, at, how)?])
}

/// ScatterND: data\[indices\[e\]\] ← updates\[e\], where an index names a place of the first axes.
pub(super) fn scatter_nd(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let data = context.input(node, 0)?;
    let indices = context.input(node, 1)?;
    let updates = context.input(node, 2)?;
    let how = combine(node)?;
    let shape = context.shape(&data);
    let own = context.shape(&indices);
    let named_axes = own.last().copied().unwrap_or(0);
    if named_axes == 0 || named_axes > shape.len() {
        return Err(node.operand_error(format!(
            "indices of shape {own:?} name no places of data of shape {shape:?}"
        )));
    }
    let (outer, inner) = shape.split_at(named_axes);
    let (rows, width): (usize, usize) = (outer.iter().product(), inner.iter().product());
    let count: usize = own[..own.len() - 1].iter().product();
    if context.shape(&updates).iter().product::<usize>() != count * width {
        return Err(node.operand_error("the updates do not belong to the indices"));
    }
    let strides = strides(outer);
    if let Value::Ints(_, ints) = &indices {
        let mut targets = Vec::with_capacity(count * width);
        for index in ints.data.chunks(named_axes) {
            let mut row = 0;
            for ((index, extent), stride) in index.iter().zip(outer).zip(&strides) {
                row += wrapped(node, *index, *extent)? * stride;
            }
            targets.extend((0..width).map(|i| row * width + i));
        }
        return Ok(vec![placed(context, node, &data, &updates, &targets, how)?]);
    }
    // The number of the row that each index names.
    let mut c = Compose::new(context, node);
    let flat = c.reshape(&indices, vec![count, named_axes])?;
    let mut row: Option<Value> = None;
    for (part, (extent, stride)) in outer.iter().zip(&strides).enumerate() {
        let own = c.select(&flat, 1, vec![part])?;
        let own = c.reshape(&own, vec![count])?;
        let own = from_front(&mut c, &own, *extent)?;
        let own = c.with(Binary::Mul, &own, *stride as f32)?;
        row = Some(match row {
            None => own,
            Some(row) => c.binary(Binary::Add, &row, &own)?,
        });
    }
    let row = row.ok_or_else(|| node.operand_error("names no place"))?;
    let truths = named(&mut c, &row, 0, rows)?;
    let table = c.reshape(&data, vec![rows, width])?;
    let result = match how {
        Combine::With(Binary::Add) => {
            let updates = c.reshape(&updates, vec![count, width])?;
            let truths = Compose::like(truths, Kind::Float);
            let sums = linear::product(c.context, node, [truths, updates])?;
            c.binary(Binary::Add, &table, &sums)?
        }
        _ => {
            let truths = c.reshape(&truths, vec![rows, count, 1])?;
            let updates = c.reshape(&updates, vec![1, count, width])?;
            compared(&mut c, &table, &truths, &updates, 0, how)?
        }
    };
    Ok(vec![c.reshape(&result, shape)?])
}

fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (0..shape.len().saturating_sub(1)).rev() {
        strides[axis] = strides[axis + 1] * shape[axis + 1];
    }
    strides
}

fn wrapped(node: &NodeView<'_>, index: i64, extent: usize) -> Result<usize, ImportError> {
    let wide = extent as i64;
    let at = if index < 0 {
        index.saturating_add(wide)
    } else {
        index
    };
    let at = usize::try_from(at).ok().filter(|at| *at < extent);
    at.ok_or_else(|| node.operand_error(format!("index {index} lies outside of {extent} elements")))
}

/// An index that depends on the event, counted from the front.
fn from_front(
    c: &mut Compose<'_, '_, '_>,
    index: &Value,
    extent: usize,
) -> Result<Value, ImportError> {
    if let Value::Graph(_, id) = index
        && never_negative(c.context.graph(), *id)
    {
        return Ok(index.clone());
    }
    let zero = Value::ints(Ints::scalar(0));
    let negative = c.compare(Comparison::Less, index, &zero)?;
    let behind = c.with(Binary::Add, index, extent as f32)?;
    c.choose(&negative, &behind, index)
}

/// Whether each index names each place of an axis, which stands before the index's own axis.
fn named(
    c: &mut Compose<'_, '_, '_>,
    indices: &Value,
    at: usize,
    extent: usize,
) -> Result<Value, ImportError> {
    let mut shape = c.shape(indices);
    if shape.iter().product::<usize>().saturating_mul(extent) > MAX_COMPARISONS {
        return Err(c.node.operand_error(format!(
            "compares indices of shape {shape:?} with {extent} places, which is too much for one event"
        )));
    }
    let index = from_front(c, indices, extent)?;
    shape.insert(at, 1);
    let rank = shape.len();
    let index = c.reshape(&index, shape)?;
    let mut own = vec![1; rank];
    own[at] = extent;
    let places = Value::ints(Ints {
        shape: own,
        data: (0..extent as i64).collect(),
    });
    c.compare(Comparison::Equal, &index, &places)
}

/// Updates combined where the truths say so; both have the axis of the updates behind `at`.
fn compared(
    c: &mut Compose<'_, '_, '_>,
    data: &Value,
    truths: &Value,
    updates: &Value,
    at: usize,
    how: Combine,
) -> Result<Value, ImportError> {
    let axes = [at + 1];
    let sum = |c: &mut Compose<'_, '_, '_>| {
        let truths = Compose::like(truths.clone(), Kind::Float);
        let terms = c.binary(Binary::Mul, &truths, updates)?;
        c.reduce(Reduction::Sum, &terms, &axes, false)
    };
    match how {
        Combine::With(Binary::Add) => {
            let sum = sum(c)?;
            c.binary(Binary::Add, data, &sum)
        }
        // Two updates of one place have no order: ONNX leaves that undefined.
        Combine::Replace => {
            let sum = sum(c)?;
            let hit = c.reduce(Reduction::Max, truths, &axes, false)?;
            c.choose(&Compose::like(hit, Kind::Bool), &sum, data)
        }
        Combine::With(Binary::Mul) => {
            let one = c.number(1.0)?;
            let factors = c.choose(truths, updates, &one)?;
            let product = c.reduce(Reduction::Prod, &factors, &axes, false)?;
            c.binary(Binary::Mul, data, &product)
        }
        Combine::With(op) => {
            let mut shape = c.shape(data);
            shape.insert(at + 1, 1);
            let own = c.reshape(data, shape)?;
            let all = c.choose(truths, updates, &own)?;
            let reduction = match op {
                Binary::Max => Reduction::Max,
                _ => Reduction::Min,
            };
            let extreme = c.reduce(reduction, &all, &axes, false)?;
            c.binary(op, data, &extreme)
        }
    }
}

/// Updates at places that are known.
fn placed(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    data: &Value,
    updates: &Value,
    targets: &[usize],
    how: Combine,
) -> Result<Value, ImportError> {
    let shape = context.shape(data);
    let elements: usize = shape.iter().product();
    let count = targets.len();
    let kind = data.kind();
    let mut c = Compose::new(context, node);
    let flat = c.reshape(data, vec![elements])?;
    let updates = c.reshape(updates, vec![count])?;
    let both = [flat.clone(), updates];
    let pool = c.context.rearrange(node, Op::Concat { axis: 0 }, &both)?;
    let mut hits: Vec<Vec<usize>> = vec![vec![]; elements];
    for (update, target) in targets.iter().enumerate() {
        hits[*target].push(update);
    }
    let Combine::With(op) = how else {
        // Of several the last one stays.
        let source = hits.iter().enumerate();
        let source = source.map(|(at, own)| own.last().map_or(at, |u| elements + u));
        let result = c.select(&pool, 0, source.collect())?;
        return c.reshape(&result, shape);
    };
    let rounds = hits.iter().map(Vec::len).max().unwrap_or(0);
    if rounds > MAX_ROUNDS {
        return Err(node.operand_error(format!(
            "combines {rounds} updates in one place, of {MAX_ROUNDS} at most"
        )));
    }
    let neutral = match op {
        Binary::Add => Some(0.0),
        Binary::Mul => Some(1.0),
        // The largest of x and x is x.
        _ => None,
    };
    let pool = match neutral {
        None => pool,
        Some(neutral) => {
            let neutral = c.tensor(Tensor::vector(vec![neutral]))?;
            let all = [pool, Compose::like(neutral, kind)];
            c.context.rearrange(node, Op::Concat { axis: 0 }, &all)?
        }
    };
    let mut result = flat;
    for round in 0..rounds {
        let source = hits
            .iter()
            .enumerate()
            .map(|(at, own)| match own.get(round) {
                Some(update) => elements + update,
                None if neutral.is_some() => elements + count,
                None => at,
            });
        let updates = c.select(&pool, 0, source.collect())?;
        result = c.binary(op, &result, &updates)?;
    }
    c.reshape(&Compose::like(result, kind), shape)
}
