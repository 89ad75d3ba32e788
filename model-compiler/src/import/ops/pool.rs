//! Pooling with windows.

use super::super::{
    ImportError,
    compose::Compose,
    context::Context,
    node::NodeView,
    value::{Ints, Value},
};
use super::{norms::asked, window::window};
use crate::graph::{Binary, Kind, Op, Pooling, Unary, Window};

/// What is pooled, with its shape.
fn pooled(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<(Value, Vec<usize>), ImportError> {
    let x = context.input(node, 0)?;
    let shape = context.shape(&x);
    if shape.len() < 3 {
        return Err(node.operand_error("takes [batch, channels, …] with one spatial axis at least"));
    }
    Ok((x, shape))
}

/// MaxPool and AveragePool. Where the largest elements are is computed if somebody reads it.
pub(super) fn pool(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let (x, shape) = pooled(context, node)?;
    let mut column_major = false;
    let op = if node.proto.op_type == "MaxPool" {
        column_major = node.flag("storage_order", false)?;
        Pooling::Max
    } else {
        Pooling::Average {
            padding_counts: node.flag("count_include_pad", false)?,
        }
    };
    let window = window(node, &shape[2..], None)?;
    let ceil = node.flag("ceil_mode", false)?;
    let pool = Op::Pool {
        op,
        window: window.clone(),
        ceil,
    };
    let mut results = vec![context.apply(node, Kind::Float, pool, std::slice::from_ref(&x))?];
    if op == Pooling::Max && asked(node, 1) {
        results.push(places(context, node, &x, &window, ceil, column_major)?);
    }
    Ok(results)
}

/// LpPool: the norm of each window, p 1 or 2, from the mean of its magnitudes or squares.
pub(super) fn lp_pool(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let (x, shape) = pooled(context, node)?;
    let p = node.int("p")?.unwrap_or(2);
    let measure = match p {
        1 => Unary::Abs,
        2 => Unary::Square,
        _ => return Err(node.attribute_error("p", format!("{p}: only 1 and 2 are supported"))),
    };
    if node.flag("ceil_mode", false)? {
        let reason = "its last windows have fewer elements; pad the input instead";
        return Err(node.attribute_error("ceil_mode", reason));
    }
    let window = window(node, &shape[2..], None)?;
    let taps = window.elements() as f32;
    let mut c = Compose::new(context, node);
    let sizes = c.unary(measure, &x)?;
    let mean = Op::Pool {
        op: Pooling::Average {
            padding_counts: true,
        },
        window,
        ceil: false,
    };
    let means = c.context.apply(node, Kind::Float, mean, &[sizes])?;
    let sums = c.with(Binary::Mul, &means, taps)?;
    Ok(vec![match p {
        1 => sums,
        _ => c.unary(Unary::Sqrt, &sums)?,
    }])
}

/// The place of each window's largest element in the whole tensor of one event; of equal ones the first.
fn places(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    x: &Value,
    window: &Window,
    ceil: bool,
    column_major: bool,
) -> Result<Value, ImportError> {
    let shape = context.shape(x);
    let (batch, channels, axes) = (shape[0], shape[1], &shape[2..]);
    let windows = window.windows(axes, ceil);
    let windows = windows.map_err(|detail| node.operand_error(detail))?;
    let (count, taps) = (windows.iter().product::<usize>(), window.elements());
    context.spend(node, count.saturating_mul(taps))?;
    let mut table: Vec<Option<usize>> = vec![None; count * taps];
    window.visit(axes, &windows, |e, w, position| {
        table[w * taps + e] = Some(position);
    });
    // In the padding stands the window's first element again: it does not change which is the first of the largest.
    let mut positions = Vec::with_capacity(table.len());
    for row in table.chunks(taps) {
        let first = row.iter().flatten().next().copied();
        let first = first.ok_or_else(|| node.operand_error("has a window in the padding"))?;
        positions.extend(row.iter().map(|place| place.unwrap_or(first)));
    }
    let elements: usize = axes.iter().product();
    let numbered = |position: usize| match column_major {
        false => position as i64,
        true => {
            let (mut rest, mut number) = (position, 0);
            for axis in (0..axes.len()).rev() {
                let stride: usize = axes[..axis].iter().product();
                number += rest % axes[axis] * stride;
                rest /= axes[axis];
            }
            number as i64
        }
    };
    let numbers = positions.iter().map(|position| numbered(*position));
    let numbers = Value::ints(Ints::vector(numbers.collect()));
    let whole = |shape: Vec<usize>, data: Vec<i64>| Value::ints(Ints { shape, data });
    let mut c = Compose::new(context, node);
    let flat = c.reshape(x, vec![batch, channels, elements])?;
    let seen = c.select(&flat, 2, positions)?;
    let seen = c.reshape(&seen, vec![batch, channels, count, taps])?;
    let largest = Op::ArgMax {
        axis: 3,
        largest: true,
        last: false,
    };
    let tap = c.context.apply(node, Kind::Int, largest, &[seen])?;
    let tap = c.reshape(&tap, vec![batch, channels, count])?;
    let rows = whole(
        vec![1, 1, count],
        (0..count).map(|w| (w * taps) as i64).collect(),
    );
    let row = c.binary(Binary::Add, &tap, &rows)?;
    let gather = Op::Gather { axis: 0 };
    let place = c.context.apply(node, Kind::Int, gather, &[numbers, row])?;
    let firsts = (0..batch * channels).map(|channel| (channel * elements) as i64);
    let firsts = whole(vec![batch, channels, 1], firsts.collect());
    let place = c.binary(Binary::Add, &place, &firsts)?;
    c.reshape(&place, [&shape[..2], &windows].concat())
}
