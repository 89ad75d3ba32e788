//! Normalisations.

use super::super::{
    ImportError,
    compose::Compose,
    context::{Context, axis},
    node::NodeView,
    value::Value,
};
use crate::graph::{Binary, Kind, Op, Unary};

/// BatchNormalization: with stored statistics a factor and an offset per channel.
pub(super) fn batch_normalization(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    node.ignore("momentum"); // Matters in training only.
    if node.flag("training_mode", false)? {
        return Err(node.attribute_error(
            "training_mode",
            "is set; export the model in inference mode (model.eval())",
        ));
    }
    if node.opset < 9 && !node.flag("spatial", true)? {
        return Err(node.attribute_error("spatial", "is 0; export with one statistic per channel"));
    }
    let x = context.input(node, 0)?;
    let channels = context.shape(&x).get(1).copied();
    let channels = channels.ok_or_else(|| node.operand_error("takes [batch, channels, …]"))?;
    let mut values = Vec::with_capacity(4);
    for index in 1..=4 {
        values.push(context.input(node, index)?);
    }
    let stored = |value: &Value| context.float_constant(value).is_some();
    if !values[2..].iter().all(stored) {
        return by_own_statistics(context, node, &x, &values);
    }
    let parameter = |index: usize, what: &str| {
        let tensor = context.weights(node, &values[index - 1], what)?;
        if tensor.data.len() != channels {
            let found = tensor.data.len();
            return Err(node.operand_error(format!(
                "{what} has {found} elements, not one per channel ({channels})"
            )));
        }
        Ok(tensor.data)
    };
    let gamma = parameter(1, "scale")?;
    let beta = parameter(2, "B")?;
    let mean = parameter(3, "the mean")?;
    let variance = parameter(4, "the variance")?;
    let epsilon = f64::from(node.float("epsilon")?.unwrap_or(1e-5));
    if let Some(v) = variance.iter().find(|&&v| f64::from(v) + epsilon <= 0.0) {
        return Err(node.operand_error(format!("a variance is {v}, of which there is no root")));
    }
    let scale: Vec<f64> = gamma
        .iter()
        .zip(&variance)
        .map(|(&g, &v)| f64::from(g) / (f64::from(v) + epsilon).sqrt())
        .collect();
    let shift = beta
        .iter()
        .zip(&mean)
        .zip(&scale)
        .map(|((&b, &m), s)| f64::from(b) - f64::from(m) * s)
        .collect();
    Ok(vec![context.apply(
        node,
        Kind::Float,
        Op::ScaleShift {
            axis: 1,
            scale,
            shift,
        },
        &[x],
    )?])
}

/// With statistics that are computed: a layer normalisation of Keras by way of tf2onnx, whose channels are the rows.
fn by_own_statistics(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    x: &Value,
    parameters: &[Value],
) -> Result<Vec<Value>, ImportError> {
    let epsilon = node.float("epsilon")?.unwrap_or(1e-5);
    let mut along = vec![1; context.shape(x).len()];
    along[1] = context.shape(x)[1];
    let mut c = Compose::new(context, node);
    let mut placed = Vec::with_capacity(parameters.len());
    for (parameter, what) in parameters
        .iter()
        .zip(["scale", "B", "the mean", "the variance"])
    {
        let found: usize = c.shape(parameter).iter().product();
        if found != along[1] {
            let channels = along[1];
            return Err(node.operand_error(format!(
                "{what} has {found} elements, not one per channel ({channels})"
            )));
        }
        placed.push(c.reshape(parameter, along.clone())?);
    }
    let [scale, shift, mean, variance] = &placed[..] else {
        return Err(node.operand_error("takes five operands"));
    };
    let centred = c.binary(Binary::Sub, x, mean)?;
    let padded = c.with(Binary::Add, variance, epsilon)?;
    let deviation = c.unary(Unary::Sqrt, &padded)?;
    let y = c.binary(Binary::Div, &centred, &deviation)?;
    let y = c.binary(Binary::Mul, &y, scale)?;
    Ok(vec![c.binary(Binary::Add, &y, shift)?])
}

/// Softmax and LogSoftmax: from operator set 13 along one axis; before, over all axes from `axis` on, taken together.
pub(super) fn softmax(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    let shape = context.shape(&x);
    let at = node
        .int("axis")?
        .unwrap_or(if node.opset < 13 { 1 } else { -1 });
    let at = axis(node, at, shape.len())?;
    let together = node.opset < 13 && at + 1 != shape.len();
    let mut y = x;
    let mut along = at;
    if together {
        let flat = vec![shape[..at].iter().product(), shape[at..].iter().product()];
        y = context.rearrange(node, Op::Reshape { shape: flat }, &[y])?;
        along = 1;
    }
    let op = if node.proto.op_type == "LogSoftmax" {
        Op::LogSoftmax { axis: along }
    } else {
        Op::Softmax { axis: along }
    };
    y = context.apply(node, Kind::Float, op, &[y])?;
    if together {
        y = context.rearrange(node, Op::Reshape { shape }, &[y])?;
    }
    Ok(vec![y])
}
