//! CumSum: a dense layer of a triangular matrix along one axis.

use super::super::{
    ImportError,
    compose::Compose,
    context::{Context, axis},
    node::NodeView,
    value::{Ints, Value},
};
use crate::graph::Tensor;

/// Elements along the axis, at most: the matrix has as many, squared.
const MAX_EXTENT: usize = 1 << 10;

pub(super) fn cumulative_sum(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let (x, along) = (context.input(node, 0)?, context.input(node, 1)?);
    let exclusive = node.flag("exclusive", false)?;
    let reverse = node.flag("reverse", false)?;
    let shape = context.shape(&x);
    let axis = match context.integers(node, &along, "the axis")?[..] {
        [at] => axis(node, at, shape.len())?,
        _ => return Err(node.operand_error("takes one axis")),
    };
    let extent = shape[axis];
    if extent > MAX_EXTENT {
        let detail = format!(
            "sums along {extent} elements, of {MAX_EXTENT} at most: sum in blocks before, or shorten the axis"
        );
        return Err(node.operand_error(detail));
    }
    // Whether element i is part of sum o.
    let part = |o: usize, i: usize| match (reverse, exclusive) {
        (false, false) => i <= o,
        (false, true) => i < o,
        (true, false) => i >= o,
        (true, true) => i > o,
    };
    if let Value::Ints(kind, ints) = &x {
        let inner: usize = shape[axis + 1..].iter().product();
        let sum = |at: usize| {
            let own = at / inner % extent;
            let first = at - own * inner;
            let parts = (0..extent).filter(|i| part(own, *i));
            let mut parts = parts.map(|i| ints.data[first + i * inner]);
            parts.try_fold(0i64, i64::checked_add)
        };
        let data = (0..ints.data.len()).map(sum).collect::<Option<Vec<i64>>>();
        let data = data.ok_or_else(|| node.operand_error("the integer result overflows"))?;
        return Ok(vec![Value::Ints(*kind, Ints { shape, data })]);
    }
    let entry = |at: usize| f32::from(u8::from(part(at / extent, at % extent)));
    let matrix = Tensor {
        shape: vec![extent, extent],
        data: (0..extent * extent).map(entry).collect(),
    };
    let sums = Compose::new(context, node).along(&x, axis, matrix)?;
    Ok(vec![sums])
}
