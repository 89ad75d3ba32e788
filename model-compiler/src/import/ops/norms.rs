//! Normalisations by what the event itself shows: a mean, a variance or a norm, in steps of the graph.

use super::super::{
    ImportError,
    compose::Compose,
    context::{Context, axes, axis},
    node::NodeView,
    value::Value,
};
use crate::graph::{Binary, Kind, Op, Reduction, Tensor, Unary};

type Composed<T = Value> = Result<T, ImportError>;

/// Below it a norm counts as zero: what is divided is zero as well.
const SMALLEST_NORM: f32 = 1e-12;

/// x − its mean, over its deviation; with the mean and the reciprocal deviation.
pub(super) struct Standardised {
    pub y: Value,
    pub mean: Value,
    pub deviation: Value,
}

/// (x − mean) / √(variance + ε) over axes.
pub(super) fn standardised(
    c: &mut Compose<'_, '_, '_>,
    x: &Value,
    axes: &[usize],
    epsilon: f32,
) -> Composed<Standardised> {
    let mean = c.reduce(Reduction::Mean, x, axes, true)?;
    let centred = c.binary(Binary::Sub, x, &mean)?;
    let square = c.unary(Unary::Square, &centred)?;
    let variance = c.reduce(Reduction::Mean, &square, axes, true)?;
    let padded = c.with(Binary::Add, &variance, epsilon)?;
    let deviation = c.unary(Unary::Sqrt, &padded)?;
    let y = c.binary(Binary::Div, &centred, &deviation)?;
    Ok(Standardised { y, mean, deviation })
}

/// Multiplies by one constant input and adds another, where they are given.
pub(super) fn affine(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    mut y: Value,
    inputs: [Option<usize>; 2],
) -> Composed {
    for (index, op) in inputs.into_iter().zip([Binary::Mul, Binary::Add]) {
        let Some(index) = index else { continue };
        if let Some(parameter) = context.optional(node, index)? {
            context.weights(node, &parameter, "scale or B")?;
            y = context.apply(node, Kind::Float, Op::Binary(op), &[y, parameter])?;
        }
    }
    Ok(y)
}

fn single_precision(node: &NodeView<'_>) -> Result<(), ImportError> {
    match node.int("stash_type")? {
        None | Some(1) => Ok(()),
        Some(_) => Err(node.attribute_error("stash_type", "must be 1 (float32)")),
    }
}

/// The axes from attribute `axis` on.
fn trailing(node: &NodeView<'_>, rank: usize) -> Composed<Vec<usize>> {
    let first = axis(node, node.int("axis")?.unwrap_or(-1), rank)?;
    Ok((first..rank).collect())
}

/// Whether somebody reads a further result of a node.
pub(super) fn asked(node: &NodeView<'_>, index: usize) -> bool {
    let output = node.proto.output.get(index);
    output.is_some_and(|name| !name.is_empty())
}

/// LayerNormalization: also the mean and the reciprocal deviation, where somebody reads them.
pub(super) fn layer_normalization(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Composed<Vec<Value>> {
    let x = context.input(node, 0)?;
    let axes = trailing(node, context.shape(&x).len())?;
    single_precision(node)?;
    let epsilon = node.float("epsilon")?.unwrap_or(1e-5);
    let own = standardised(&mut Compose::new(context, node), &x, &axes, epsilon)?;
    let y = affine(context, node, own.y, [Some(1), Some(2)])?;
    let mut results = vec![y, own.mean];
    if asked(node, 2) {
        let mut c = Compose::new(context, node);
        results.push(c.unary(Unary::Reciprocal, &own.deviation)?);
    }
    Ok(results)
}

/// x / √(mean of squares + ε) and √(mean of squares + ε).
pub(super) fn by_root_mean_square(
    c: &mut Compose<'_, '_, '_>,
    x: &Value,
    axes: &[usize],
    epsilon: f32,
) -> Composed<(Value, Value)> {
    let square = c.unary(Unary::Square, x)?;
    let mean = c.reduce(Reduction::Mean, &square, axes, true)?;
    let padded = c.with(Binary::Add, &mean, epsilon)?;
    let root = c.unary(Unary::Sqrt, &padded)?;
    Ok((c.binary(Binary::Div, x, &root)?, root))
}

/// RMSNormalization of operator set 23, and onnxruntime's SimplifiedLayerNormalization.
pub(super) fn rms_normalization(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Composed<Vec<Value>> {
    let x = context.input(node, 0)?;
    let axes = trailing(node, context.shape(&x).len())?;
    single_precision(node)?;
    let epsilon = node.float("epsilon")?.unwrap_or(1e-5);
    let mut c = Compose::new(context, node);
    let (y, root) = by_root_mean_square(&mut c, &x, &axes, epsilon)?;
    let y = affine(context, node, y, [Some(1), None])?;
    let mut results = vec![y];
    if asked(node, 1) {
        results.push(Compose::new(context, node).unary(Unary::Reciprocal, &root)?);
    }
    Ok(results)
}

/// A constant of one value per channel, of the shape that broadcasts to `[batch, channels, …]`.
fn per_channel(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    index: usize,
    channels: usize,
    rank: usize,
) -> Composed {
    let value = context.input(node, index)?;
    let mut tensor = context.weights(node, &value, "scale or bias")?;
    // Operator set 18 has one of each group.
    let count = tensor.data.len();
    if count == 0 || !channels.is_multiple_of(count) {
        let detail = format!("has {count} factors for {channels} channels");
        return Err(node.operand_error(detail));
    }
    let each = channels / count;
    tensor.data = (0..channels).map(|at| tensor.data[at / each]).collect();
    tensor.shape = vec![1; rank - 1];
    tensor.shape[0] = channels;
    Compose::new(context, node).tensor(tensor)
}

/// Standardised over `axes` of another shape, then scaled and shifted channel by channel.
fn channels_standardised(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    x: &Value,
    groups: usize,
) -> Composed<Vec<Value>> {
    let shape = context.shape(x);
    let [batch, channels, ..] = shape[..] else {
        return Err(node.operand_error("takes [batch, channels, …]"));
    };
    if groups == 0 || channels % groups != 0 {
        let detail = format!("is {groups} for {channels} channels");
        return Err(node.attribute_error("num_groups", detail));
    }
    single_precision(node)?;
    let epsilon = node.float("epsilon")?.unwrap_or(1e-5);
    let mut c = Compose::new(context, node);
    let rest = shape[1..].iter().product::<usize>() / groups;
    let flat = c.reshape(x, vec![batch, groups, rest])?;
    let flat = standardised(&mut c, &flat, &[2], epsilon)?.y;
    let mut y = c.reshape(&flat, shape.clone())?;
    for (index, op) in [(1, Binary::Mul), (2, Binary::Add)] {
        let parameter = per_channel(context, node, index, channels, shape.len())?;
        y = Compose::new(context, node).binary(op, &y, &parameter)?;
    }
    Ok(vec![y])
}

/// InstanceNormalization: each channel by itself.
pub(super) fn instance_normalization(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Composed<Vec<Value>> {
    let x = context.input(node, 0)?;
    let channels = context.shape(&x).get(1).copied().unwrap_or(0);
    channels_standardised(context, node, &x, channels)
}

/// GroupNormalization: groups of channels.
pub(super) fn group_normalization(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Composed<Vec<Value>> {
    let x = context.input(node, 0)?;
    let groups = node.int("num_groups")?.unwrap_or(0);
    channels_standardised(context, node, &x, usize::try_from(groups).unwrap_or(0))
}

/// MeanVarianceNormalization: without any parameter, over the batch of one event and all places of a channel by default.
pub(super) fn mean_variance_normalization(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Composed<Vec<Value>> {
    let x = context.input(node, 0)?;
    let rank = context.shape(&x).len();
    let list = node.ints("axes")?.unwrap_or(&[0, 2, 3]);
    let axes = axes(node, list, rank)?;
    if axes.contains(&0) && context.batch.is_some() {
        return Err(
            node.operand_error("normalises over the batch, too; export it with axes behind it")
        );
    }
    let own = standardised(&mut Compose::new(context, node), &x, &axes, 1e-9)?;
    Ok(vec![own.y])
}

/// x over a norm, and 0 where that is 0.
fn over(c: &mut Compose<'_, '_, '_>, x: &Value, norm: &Value) -> Composed {
    let norm = c.with(Binary::Max, norm, SMALLEST_NORM)?;
    c.binary(Binary::Div, x, &norm)
}

/// LpNormalization: over the sum of magnitudes, or the root of the sum of squares, along one axis.
pub(super) fn lp_normalization(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Composed<Vec<Value>> {
    let x = context.input(node, 0)?;
    let at = axis(
        node,
        node.int("axis")?.unwrap_or(-1),
        context.shape(&x).len(),
    )?;
    let norm = match node.int("p")?.unwrap_or(2) {
        1 => Reduction::L1,
        2 => Reduction::L2,
        p => return Err(node.attribute_error("p", format!("is {p}, not 1 or 2"))),
    };
    let mut c = Compose::new(context, node);
    let norm = c.reduce(norm, &x, &[at], true)?;
    Ok(vec![over(&mut c, &x, &norm)?])
}

/// scikit-learn's Normalizer: rows over their largest element, sum of magnitudes or root of the sum of squares.
pub(super) fn normalizer(context: &mut Context<'_>, node: &NodeView<'_>) -> Composed<Vec<Value>> {
    let x = context.input(node, 0)?;
    let norm = match node.string("norm")?.unwrap_or("MAX") {
        "MAX" => Reduction::Max,
        "L1" => Reduction::L1,
        "L2" => Reduction::L2,
        other => {
            let detail = format!("is '{other}', not MAX, L1 or L2");
            return Err(node.attribute_error("norm", detail));
        }
    };
    // Probabilities of all classes have the sum 1 already.
    if norm == Reduction::L1 && context.is_distribution(&x) {
        return Ok(vec![x]);
    }
    let last = context.shape(&x).len().saturating_sub(1);
    let mut c = Compose::new(context, node);
    let norm = c.reduce(norm, &x, &[last], true)?;
    Ok(vec![over(&mut c, &x, &norm)?])
}

/// LRN: x / (bias + α/size·Σx²)^β, the sum over neighbouring channels.
pub(super) fn local_response_normalization(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Composed<Vec<Value>> {
    let x = context.input(node, 0)?;
    let shape = context.shape(&x);
    let channels = shape.get(1).copied().unwrap_or(0);
    let size = node.int("size")?.unwrap_or(0);
    let size = usize::try_from(size).ok().filter(|s| *s > 0);
    let size = size.ok_or_else(|| node.attribute_error("size", "is missing, or not positive"))?;
    let alpha = node.float("alpha")?.unwrap_or(1e-4);
    let beta = node.float("beta")?.unwrap_or(0.75);
    let bias = node.float("bias")?.unwrap_or(1.0);
    let (before, behind) = ((size - 1) / 2, size / 2);
    let entry = |at: usize| {
        let (own, other) = (at / channels, at % channels);
        f32::from(u8::from(other + before >= own && other <= own + behind)) * alpha / size as f32
    };
    context.spend(node, channels.saturating_mul(channels))?;
    let band = Tensor {
        shape: vec![channels, channels],
        data: (0..channels * channels).map(entry).collect(),
    };
    let mut c = Compose::new(context, node);
    let square = c.unary(Unary::Square, &x)?;
    let sums = c.along(&square, 1, band)?;
    let base = c.with(Binary::Add, &sums, bias)?;
    let norm = c.with(Binary::Pow, &base, beta)?;
    Ok(vec![c.binary(Binary::Div, &x, &norm)?])
}
