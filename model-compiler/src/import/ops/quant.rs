//! QONNX: Quant, Trunc and BipolarQuant, as `qonnx.custom_op.general` defines them.

use super::super::{ImportError, compose::Compose, context::Context, node::NodeView, value::Value};
use crate::graph::{
    Binary, Comparison, FixedPoint, FixedType, Kind, Op, Quantiser, Reduction, RoundingMode,
    Tensor, broadcast,
};

/// Integers of more bits than this have no exact program.
const MAX_BITS: f32 = 62.0;

/// Quant (IntQuant): the integers of a quantiser, brought back to real numbers.
pub(super) fn quant(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    let shape = context.shape(&x);
    let scale = factor(context, node, 1, "scale", &shape)?;
    positive(node, &scale)?;
    let zero_point = zero_point(context, node, 2, &shape)?;
    let signed = node.flag("signed", true)?;
    let narrow = node.flag("narrow", false)?;
    let rounding = rounding(node, "ROUND")?;
    let widths = factor(context, node, 3, "bit width", &shape)?;
    if widths.single().is_none() {
        let types = (signed, narrow, rounding);
        return channels(context, node, &x, (scale, zero_point, widths), types);
    }
    let bits = bits(context, node, 3)?;
    if signed && bits == 1 {
        let detail = "is 1 with a sign, which runtimes read in different ways; use BipolarQuant";
        return Err(node.operand_error(format!("the bit width {detail}")));
    }
    let quantiser = Quantiser {
        scale: scale.clone(),
        zero_point: zero_point.clone(),
        range: Some(range(signed, narrow, bits)),
        rounding,
        zero_first: true,
    };
    let integers = context.keep(node, Kind::Int, Op::Quantise(Box::new(quantiser)), &x)?;
    let back = Op::Dequantise { scale, zero_point };
    Ok(vec![context.keep(node, Kind::Float, back, &integers)?])
}

/// Quant of a bit width per channel: a fixed-point type of every element, or, of a constant, its numbers cut to their own range
/// before the quantiser of the widest.
fn channels(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    x: &Value,
    (scale, zero_point, widths): (Tensor, Tensor, Tensor),
    (signed, narrow, rounding): (bool, bool, RoundingMode),
) -> Result<Vec<Value>, ImportError> {
    let shape = context.shape(x);
    let whole = |b: &&f32| b.fract() != 0.0 || !(1.0..=MAX_BITS).contains(*b);
    if let Some(bits) = widths.data.iter().find(whole) {
        return Err(node.operand_error(format!(
            "the bit width {bits} is not an integer from 1 to {MAX_BITS}"
        )));
    }
    if signed && widths.data.contains(&1.0) {
        let detail = "is 1 with a sign, which runtimes read in different ways; use BipolarQuant";
        return Err(node.operand_error(format!("the bit width {detail}")));
    }
    let origins = |tensor: &Tensor| spread(tensor, &shape);
    let (scales, own) = (origins(&scale), origins(&widths));
    if zero_point.data.iter().any(|z| *z != 0.0) {
        return Err(node.operand_error(
            "a bit width per channel with a zero point is not supported; quantise symmetrically",
        ));
    }
    if let Some(constant) = context.float_constant(x) {
        let clamp = |((v, scale), bits): ((&f32, &f32), &f32)| {
            let (low, high) = range(signed, narrow, *bits as u32);
            v.max(low as f32 * scale).min(high as f32 * scale)
        };
        let data = constant.data.iter().zip(&scales).zip(&own).map(clamp);
        let cut = Tensor {
            shape: constant.shape.clone(),
            data: data.collect(),
        };
        let cut = context.builder.constant(&node.name, cut);
        let cut = Value::Graph(Kind::Float, cut.map_err(|e| node.graph_error(e))?);
        let widest = widths.data.iter().fold(1.0f32, |a, b| a.max(*b));
        let quantiser = Quantiser {
            scale: scale.clone(),
            zero_point: zero_point.clone(),
            range: Some(range(signed, narrow, widest as u32)),
            rounding,
            zero_first: true,
        };
        let integers = Op::Quantise(Box::new(quantiser));
        let integers = context.keep(node, Kind::Int, integers, &cut)?;
        let back = Op::Dequantise { scale, zero_point };
        return Ok(vec![context.keep(node, Kind::Float, back, &integers)?]);
    }
    let mut types = Vec::with_capacity(own.len());
    for (scale, bits) in scales.iter().zip(&own) {
        let frac = -libm::log2f(*scale);
        if frac.fract() != 0.0 || libm::exp2f(-frac) != *scale {
            return Err(node.operand_error(format!(
                "a bit width per channel needs scales that are powers of two, not {scale}"
            )));
        }
        let (minimum, maximum) = range(signed, narrow, *bits as u32);
        types.push(FixedType {
            frac: frac as i32,
            minimum,
            maximum,
        });
    }
    let quantiser = FixedPoint {
        types,
        rounding,
        wraps: false,
    };
    let op = Op::FixedPoint(Box::new(quantiser));
    Ok(vec![context.keep(node, Kind::Float, op, x)?])
}

/// A factor that broadcasts to a shape, as one number for every element.
fn spread(tensor: &Tensor, shape: &[usize]) -> Vec<f32> {
    let elements: usize = shape.iter().product();
    let missing = shape.len() - tensor.shape.len();
    let at = |element: usize| {
        let (mut rest, mut stride, mut at) = (element, 1, 0);
        for axis in (0..shape.len()).rev() {
            let place = rest % shape[axis];
            rest /= shape[axis];
            let Some(own) = axis.checked_sub(missing) else {
                continue;
            };
            if tensor.shape[own] != 1 {
                at += place * stride;
            }
            stride *= tensor.shape[own];
        }
        tensor.data[at]
    };
    (0..elements).map(at).collect()
}

/// MultiThreshold (QONNX, FINN): how many of a channel's thresholds x reaches, times a scale, and a bias.
pub(super) fn multi_threshold(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    // Says in how many bits the counts are kept.
    node.ignore("out_dtype");
    let (x, thresholds) = (context.input(node, 0)?, context.input(node, 1)?);
    let thresholds = context.weights(node, &thresholds, "the thresholds")?;
    let scale = node.float("out_scale")?.unwrap_or(1.0);
    let bias = node.float("out_bias")?.unwrap_or(0.0);
    let layout = node.string("data_layout")?.unwrap_or("NCHW");
    let shape = context.shape(&x);
    let rank = shape.len();
    let at = match layout.ends_with('C') {
        true => rank.checked_sub(1),
        false => Some(1).filter(|at| *at < rank),
    };
    let (Some(at), &[own, count]) = (at, &thresholds.shape[..]) else {
        return Err(node.operand_error("takes channels, and thresholds of [channels, thresholds]"));
    };
    if own != 1 && own != shape[at] {
        let detail = format!("thresholds of {own} channels for {}", shape[at]);
        return Err(node.operand_error(detail));
    }
    let mut c = Compose::new(context, node);
    let column = c.reshape(&x, [&shape[..], &[1]].concat())?;
    let mut form = vec![1; rank + 1];
    (form[at], form[rank]) = (own, count);
    let thresholds = c.tensor(Tensor {
        shape: form,
        data: thresholds.data,
    })?;
    let reached = c.compare(Comparison::GreaterOrEqual, &column, &thresholds)?;
    let mut y = c.reduce(Reduction::Sum, &reached, &[rank], false)?;
    if scale != 1.0 {
        y = c.with(Binary::Mul, &y, scale)?;
    }
    if bias != 0.0 {
        y = c.with(Binary::Add, &y, bias)?;
    }
    Ok(vec![y])
}

/// BipolarQuant: +scale where x ≥ 0, else −scale.
pub(super) fn bipolar(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    let shape = context.shape(&x);
    let scale = factor(context, node, 1, "scale", &shape)?;
    positive(node, &scale)?;
    let mut number = |value: Tensor| {
        let id = context.builder.constant(&node.name, value);
        id.map_err(|e| node.graph_error(e))
    };
    let zero = number(Tensor::scalar(0.0))?;
    let mut twice = scale.clone();
    twice.data.iter_mut().for_each(|s| *s *= 2.0);
    let (twice, scale) = (number(twice)?, number(scale)?);
    let x = context.id(node, &x)?;
    let sign = context.emit(node, Op::Compare(Comparison::GreaterOrEqual), &[x, zero])?;
    let steps = context.emit(node, Op::Binary(Binary::Mul), &[sign, twice])?;
    let result = context.emit(node, Op::Binary(Binary::Sub), &[steps, scale])?;
    Ok(vec![Value::Graph(Kind::Float, result)])
}

/// Trunc: the low bits of a quantised number are dropped. Version 1 keeps the scale, version 2 states one.
pub(super) fn trunc(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    let shape = context.shape(&x);
    let scale = factor(context, node, 1, "scale", &shape)?;
    positive(node, &scale)?;
    let zero_point = zero_point(context, node, 2, &shape)?;
    let rounding = rounding(node, "FLOOR")?;
    let input_bits = bits(context, node, 3)?;
    let scalar = |value: f32| Tensor::scalar(value);
    let (divisor, range, output_scale, output_zero) = if node.proto.input.len() > 5 {
        let output_scale = factor(context, node, 4, "output scale", &shape)?;
        positive(node, &output_scale)?;
        let output_bits = bits(context, node, 5)?;
        let range = range(
            node.flag("signed", true)?,
            node.flag("narrow", false)?,
            output_bits,
        );
        let (Some(coarse), Some(fine)) = (output_scale.single(), scale.single()) else {
            return Err(node.operand_error(
                "scales per channel are not supported; export with one scale per tensor",
            ));
        };
        let divisor = power_of_two(coarse / fine);
        let mut zero = zero_point.clone();
        zero.data.iter_mut().for_each(|z| *z /= divisor);
        (divisor, Some(range), output_scale, zero)
    } else {
        let output_bits = bits(context, node, 4)?;
        let dropped = input_bits as i32 - output_bits as i32;
        let divisor = libm::ldexpf(1.0, dropped);
        (divisor, None, scale.clone(), zero_point.clone())
    };
    if output_zero.data.iter().any(|z| z.fract() != 0.0) {
        return Err(node.operand_error("the zero point is not an integer after truncation"));
    }
    let integers = Quantiser {
        scale,
        zero_point,
        range: None,
        rounding: RoundingMode::HalfEven,
        zero_first: true,
    };
    let truncated = Quantiser {
        scale: scalar(divisor),
        zero_point: scalar(0.0),
        range,
        rounding,
        zero_first: true,
    };
    let back = Op::Dequantise {
        scale: output_scale,
        zero_point: output_zero,
    };
    let integers = context.keep(node, Kind::Int, Op::Quantise(Box::new(integers)), &x)?;
    let truncated = Op::Quantise(Box::new(truncated));
    let integers = context.keep(node, Kind::Int, truncated, &integers)?;
    Ok(vec![context.keep(node, Kind::Float, back, &integers)?])
}

/// The power of two that is nearest in the exponent.
fn power_of_two(ratio: f32) -> f32 {
    libm::exp2f(libm::log2f(ratio).round_ties_even())
}

/// Smallest and largest integer of `bits` bits.
fn range(signed: bool, narrow: bool, bits: u32) -> (i64, i64) {
    let (half, full) = (1i64 << (bits - 1), 1i64 << bits);
    let narrow = i64::from(narrow);
    if signed {
        (narrow - half, half - 1)
    } else {
        (0, full - 1 - narrow)
    }
}

fn rounding(node: &NodeView<'_>, default: &str) -> Result<RoundingMode, ImportError> {
    let mode = node.string("rounding_mode")?.unwrap_or(default);
    Ok(match mode.to_ascii_uppercase().as_str() {
        "ROUND" | "HALF_EVEN" => RoundingMode::HalfEven,
        "CEIL" => RoundingMode::Ceil,
        "FLOOR" => RoundingMode::Floor,
        "UP" => RoundingMode::Up,
        "DOWN" | "ROUND_TO_ZERO" => RoundingMode::Down,
        "HALF_UP" => RoundingMode::HalfUp,
        "HALF_DOWN" => RoundingMode::HalfDown,
        _ => {
            let modes = "ROUND, CEIL, FLOOR, UP, DOWN, HALF_UP or HALF_DOWN";
            return Err(node.attribute_error("rounding_mode", format!("is '{mode}', not {modes}")));
        }
    })
}

/// A constant that broadcasts to the operand, with no more axes than that has.
pub(super) fn factor(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    index: usize,
    what: &str,
    shape: &[usize],
) -> Result<Tensor, ImportError> {
    let value = context.input(node, index)?;
    let tensor = context.weights(node, &value, &format!("the {what}"))?;
    if let Some(single) = tensor.single() {
        return Ok(Tensor::scalar(single));
    }
    if broadcast(&[shape, &tensor.shape]).as_deref() != Some(shape) {
        return Err(node.operand_error(format!(
            "the {what} of shape {:?} does not broadcast to the operand of shape {shape:?}",
            tensor.shape
        )));
    }
    Ok(tensor)
}

/// Refuses scales that are not positive.
pub(super) fn positive(node: &NodeView<'_>, scale: &Tensor) -> Result<(), ImportError> {
    match scale.data.iter().find(|s| !s.is_normal() || **s < 0.0) {
        Some(s) => Err(node.operand_error(format!("the scale {s} is not a positive number"))),
        None => Ok(()),
    }
}

fn zero_point(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    index: usize,
    shape: &[usize],
) -> Result<Tensor, ImportError> {
    let zero = factor(context, node, index, "zero point", shape)?;
    match zero.data.iter().find(|z| z.fract() != 0.0) {
        Some(z) => Err(node.operand_error(format!("the zero point {z} is not an integer"))),
        None => Ok(zero),
    }
}

fn bits(context: &mut Context<'_>, node: &NodeView<'_>, index: usize) -> Result<u32, ImportError> {
    let value = context.input(node, index)?;
    let tensor = context.weights(node, &value, "the bit width")?;
    match tensor.single() {
        Some(bits) if bits.fract() == 0.0 && (1.0..=MAX_BITS).contains(&bits) => Ok(bits as u32),
        Some(bits) => Err(node.operand_error(format!(
            "the bit width {bits} is not an integer from 1 to {MAX_BITS}"
        ))),
        None => Err(node
            .operand_error("a bit width per channel is not supported; export with one per tensor")),
    }
}
