//! IsNaN and IsInf: words are never NaN or infinite, and neither is what integers compute from them.

use super::super::{
    ImportError,
    context::Context,
    node::NodeView,
    value::{Ints, Value},
};
use crate::graph::{Graph, Kind, ValueId};

pub(super) fn is_nan_or_infinite(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    let found: fn(f32) -> bool = match node.proto.op_type.as_str() {
        "IsNaN" => f32::is_nan,
        _ => match (
            node.flag("detect_negative", true)?,
            node.flag("detect_positive", true)?,
        ) {
            (true, true) => f32::is_infinite,
            (true, false) => |v| v == f32::NEG_INFINITY,
            (false, true) => |v| v == f32::INFINITY,
            (false, false) => |_| false,
        },
    };
    if let (Value::Graph(_, value), "IsInf") = (&x, node.proto.op_type.as_str())
        && context.float_constant(&x).is_none()
        && meets_infinity(context.graph(), *value)
    {
        return Err(node.operand_error(
            "a mask of ∞ reaches it, and integers have no ∞: ask the mask itself whether anything is there",
        ));
    }
    let shape = context.shape(&x);
    let count = shape.iter().product();
    let data = match (&x, context.float_constant(&x)) {
        (Value::Graph(..), Some(tensor)) => {
            let truths = tensor.data.iter().map(|v| i64::from(found(*v)));
            truths.collect()
        }
        _ => vec![0; count],
    };
    context.spend(node, count)?;
    let ints = Ints::new(shape, data).ok_or_else(|| context.over_budget(node))?;
    Ok(vec![Value::Ints(Kind::Bool, ints)])
}

/// Whether a value depends on a constant that is infinite.
fn meets_infinity(graph: &Graph, value: ValueId) -> bool {
    let mut seen = vec![false; graph.value_count()];
    let mut followed = vec![value];
    while let Some(value) = followed.pop() {
        if std::mem::replace(&mut seen[value.index()], true) {
            continue;
        }
        let constant = graph.constant(value);
        if constant.is_some_and(|tensor| tensor.data.iter().any(|v| v.is_infinite())) {
            return true;
        }
        if let Some(node) = graph.producing_node(value) {
            followed.extend(&node.inputs);
        }
    }
    false
}
