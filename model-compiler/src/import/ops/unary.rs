//! Functions of one element.

use super::super::{
    ImportError,
    context::Context,
    node::NodeView,
    value::{Ints, Value},
};
use crate::graph::{Circular, Kind, Op, Unary};

/// Functions without parameters.
pub(super) fn plain(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    let operator = node.proto.op_type.as_str();
    if let Value::Ints(kind, ints) = &x {
        let exact: Option<fn(i64) -> Option<i64>> = match operator {
            "Abs" => Some(i64::checked_abs),
            "Neg" => Some(i64::checked_neg),
            "Sign" => Some(|v| Some(v.signum())),
            "Relu" => Some(|v| Some(v.max(0))),
            "Not" => Some(|v| Some(i64::from(v == 0))),
            _ => None,
        };
        if let Some(f) = exact {
            let data = ints.data.iter().map(|&v| f(v)).collect::<Option<Vec<_>>>();
            let data = data.ok_or_else(|| node.operand_error("the integer result overflows"))?;
            return Ok(vec![Value::Ints(
                *kind,
                Ints {
                    shape: ints.shape.clone(),
                    data,
                },
            )]);
        }
    }
    let (unary, kind) = match operator {
        "Abs" => (Unary::Abs, x.kind()),
        "Neg" => (Unary::Neg, x.kind()),
        "Sign" => (Unary::Sign, x.kind()),
        "Relu" => (Unary::Relu, x.kind()),
        "Not" => (Unary::Not, Kind::Bool),
        "Ceil" => (Unary::Ceil, Kind::Float),
        "Erf" => (Unary::Erf, Kind::Float),
        "Exp" => (Unary::Exp, Kind::Float),
        "Floor" => (Unary::Floor, Kind::Float),
        "HardSwish" => (Unary::HardSwish, Kind::Float),
        "Log" => (Unary::Log, Kind::Float),
        "Mish" => (Unary::Mish, Kind::Float),
        "Reciprocal" => (Unary::Reciprocal, Kind::Float),
        "Round" => (Unary::Round, Kind::Float),
        "Sigmoid" => (Unary::Sigmoid, Kind::Float),
        "Softplus" => (Unary::Softplus, Kind::Float),
        "Softsign" => (Unary::Softsign, Kind::Float),
        "Sqrt" => (Unary::Sqrt, Kind::Float),
        "Tanh" => (Unary::Tanh, Kind::Float),
        other => match Circular::named(other) {
            Some(function) => (Unary::Circular(function), Kind::Float),
            None => return Err(node.operand_error(format!("{other} has no meaning here"))),
        },
    };
    Ok(vec![context.apply(node, kind, Op::Unary(unary), &[x])?])
}

/// Functions with parameters in attributes; the defaults are those of ONNX.
pub(super) fn with_attributes(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    let alpha = |default: f32| Ok::<f32, ImportError>(node.float("alpha")?.unwrap_or(default));
    let unary = match node.proto.op_type.as_str() {
        "LeakyRelu" => Unary::LeakyRelu {
            alpha: alpha(0.01)?,
        },
        "Elu" => Unary::Elu { alpha: alpha(1.0)? },
        "Celu" => match alpha(1.0)? {
            0.0 => return Err(node.attribute_error("alpha", "is 0, by which Celu divides")),
            alpha => Unary::Celu { alpha },
        },
        "Selu" => Unary::Selu {
            alpha: alpha(1.673_263_2)?,
            gamma: node.float("gamma")?.unwrap_or(1.050_701),
        },
        "HardSigmoid" => Unary::HardSigmoid {
            alpha: alpha(0.2)?,
            beta: node.float("beta")?.unwrap_or(0.5),
        },
        "Gelu" => match node.string("approximate")? {
            None | Some("none") => Unary::Gelu { tanh: false },
            Some("tanh") => Unary::Gelu { tanh: true },
            Some(other) => {
                return Err(node.attribute_error(
                    "approximate",
                    format!("is '{other}', not 'none' or 'tanh'"),
                ));
            }
        },
        other => return Err(node.operand_error(format!("{other} has no meaning here"))),
    };
    Ok(vec![context.apply(
        node,
        Kind::Float,
        Op::Unary(unary),
        &[x],
    )?])
}

/// Clip: bounds are attributes up to operator set 10, inputs from 11.
pub(super) fn clip(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    let (min, max) = if node.opset < 11 {
        (node.float("min")?, node.float("max")?)
    } else {
        let mut bound = |index: usize, what: &str| match context.optional(node, index)? {
            None => Ok(None),
            Some(value) => match context.float_constant(&value) {
                // Bounds of one element may come with axes; onnxruntime takes them, too.
                Some(t) if t.single().is_some_and(|v| !v.is_nan()) => Ok(t.single()),
                _ => Err(node.operand_error(format!("{what} must be one constant number"))),
            },
        };
        (bound(1, "min")?, bound(2, "max")?)
    };
    let unary = Unary::Clip {
        min: min.unwrap_or(f32::NEG_INFINITY),
        max: max.unwrap_or(f32::INFINITY),
    };
    Ok(vec![context.apply(
        node,
        x.kind(),
        Op::Unary(unary),
        &[x],
    )?])
}
