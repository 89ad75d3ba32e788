//! ONNX's own quantisers: QuantizeLinear and DequantizeLinear.

use super::super::{
    ImportError,
    context::{Context, axis},
    node::NodeView,
    proto::data_type,
    value::Value,
};
use super::quant::positive;
use crate::graph::{Kind, Op, Quantiser, RoundingMode, Tensor};

/// QuantizeLinear: the quotient to the nearest integer, halves to even, then the zero point.
pub(super) fn quantize_linear(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    let shape = context.shape(&x);
    let (scale, zero_point) = factors(context, node, &shape)?;
    node.ignore("saturate"); // Concerns 8-bit floats only.
    let code = match node.proto.input.get(2).filter(|name| !name.is_empty()) {
        Some(name) => context.element_type(name),
        None => match node.int("output_dtype")? {
            None | Some(0) => Some(data_type::UINT8),
            Some(code) => i32::try_from(code).ok(),
        },
    };
    if node.proto.input.get(2).is_some_and(|n| !n.is_empty()) {
        node.ignore("output_dtype");
    }
    let range = match code {
        Some(data_type::UINT4) => (0, 15),
        Some(data_type::INT4) => (-8, 7),
        Some(data_type::UINT8) => (0, 255),
        Some(data_type::INT8) => (-128, 127),
        Some(data_type::UINT16) => (0, 65_535),
        Some(data_type::INT16) => (-32_768, 32_767),
        Some(other) => {
            return Err(node.operand_error(format!(
                "quantises to {}; use int4, int8, int16 or their unsigned forms",
                data_type::name(other)
            )));
        }
        None => {
            return Err(node.operand_error(
                "the zero point must be an initializer or a Constant, whose type says what to quantise to",
            ));
        }
    };
    let quantiser = Quantiser {
        scale,
        zero_point,
        range: Some(range),
        rounding: RoundingMode::HalfEven,
        zero_first: false,
    };
    let op = Op::Quantise(Box::new(quantiser));
    Ok(vec![context.keep(node, Kind::Int, op, &x)?])
}

/// DequantizeLinear: (x − zero point)·scale.
pub(super) fn dequantize_linear(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    let shape = context.shape(&x);
    let (scale, zero_point) = factors(context, node, &shape)?;
    node.ignore("output_dtype");
    let op = Op::Dequantise { scale, zero_point };
    Ok(vec![context.keep(node, Kind::Float, op, &x)?])
}

/// Scale and zero point, one or along `axis`, as they broadcast to the operand.
fn factors(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    shape: &[usize],
) -> Result<(Tensor, Tensor), ImportError> {
    if node.int("block_size")?.unwrap_or(0) != 0 {
        let detail = "is not supported; quantise per tensor or per channel";
        return Err(node.attribute_error("block_size", detail));
    }
    let code = node.proto.input.get(1);
    let code = code.and_then(|name| context.element_type(name));
    if let Some(half @ (data_type::FLOAT16 | data_type::BFLOAT16)) = code {
        let name = data_type::name(half);
        return Err(node.operand_error(format!(
            "the scale is {name}, in which the quantised numbers would be rounded again; export the model in float32"
        )));
    }
    let scale = context.input(node, 1)?;
    let mut scale = context.weights(node, &scale, "the scale")?;
    positive(node, &scale)?;
    let mut zero_point = match context.optional(node, 2)? {
        Some(value) => context.weights(node, &value, "the zero point")?,
        None => Tensor::scalar(0.0),
    };
    let at = node.int("axis")?.unwrap_or(1);
    for tensor in [&mut scale, &mut zero_point] {
        if let Some(single) = tensor.single() {
            *tensor = Tensor::scalar(single);
            continue;
        }
        let at = axis(node, at, shape.len())?;
        if tensor.shape[..] != [shape[at]] {
            return Err(node.operand_error(format!(
                "{:?} factors do not fit axis {at} of shape {shape:?}",
                tensor.shape
            )));
        }
        tensor.shape = vec![1; shape.len()];
        tensor.shape[at] = shape[at];
    }
    Ok((scale, zero_point))
}
