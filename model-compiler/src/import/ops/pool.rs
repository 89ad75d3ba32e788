//! Pooling with windows.

use super::super::{ImportError, context::Context, node::NodeView, value::Value};
use super::window::window;
use crate::graph::{Kind, Op, Pooling};

/// MaxPool and AveragePool. Where the largest elements were is not computed: training needs it.
pub(super) fn pool(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    let shape = context.shape(&x);
    if shape.len() < 3 {
        return Err(node.operand_error("takes [batch, channels, …] with one spatial axis at least"));
    }
    let op = if node.proto.op_type == "MaxPool" {
        // The layout of the indices that are not computed.
        node.ignore("storage_order");
        Pooling::Max
    } else {
        Pooling::Average {
            padding_counts: node.flag("count_include_pad", false)?,
        }
    };
    let op = Op::Pool {
        op,
        window: window(node, &shape[2..], None)?,
        ceil: node.flag("ceil_mode", false)?,
    };
    Ok(vec![context.apply(node, Kind::Float, op, &[x])?])
}
