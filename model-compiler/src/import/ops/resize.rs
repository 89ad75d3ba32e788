//! Resize and Upsample: images enlarged by repeating their elements, as decoders do (`torch.nn.Upsample`, `UpSampling2D`).

use super::super::{
    ImportError,
    context::{Context, axes},
    node::NodeView,
    value::Value,
};
use crate::graph::{Kind, Op};

/// Elements along an axis, at most: a small file must not ask for gigabytes.
const MAX_EXTENT: usize = 1 << 16;

/// Resize from operator set 10 on, Upsample before it: the nearest element, by whole factors.
///
/// Where an axis of n elements becomes one of k·n, result i is element ⌊i/k⌋ by every rule that is taken here
/// (ONNX specification, Resize, `coordinate_transformation_mode` and `nearest_mode`).
pub(super) fn resize(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    // Of other interpolations, and of elements outside the operand, which there are none of.
    for attribute in [
        "cubic_coeff_a",
        "exclude_outside",
        "extrapolation_value",
        "antialias",
    ] {
        node.ignore(attribute);
    }
    let mode = node.string("mode")?.unwrap_or("nearest");
    if mode != "nearest" {
        let detail = format!(
            "is '{mode}'; export with nearest (the default of torch.nn.Upsample and UpSampling2D), or use ConvTranspose"
        );
        return Err(node.attribute_error("mode", detail));
    }
    let rule = Rule::of(node)?;
    let mut x = context.input(node, 0)?;
    let shape = context.shape(&x);
    let listed = match node.ints("axes")? {
        Some(list) => axes(node, list, shape.len())?,
        None => (0..shape.len()).collect(),
    };
    if node
        .string("keep_aspect_ratio_policy")?
        .is_some_and(|p| p != "stretch")
    {
        return Err(node.attribute_error("keep_aspect_ratio_policy", "must be stretch"));
    }
    let factors = factors(context, node, &shape, &listed)?;
    for (axis, factor) in listed.into_iter().zip(factors) {
        if factor == 1 {
            continue;
        }
        if !rule.repeats(factor) {
            let detail = format!(
                "is '{}' with nearest_mode '{}', which does not repeat each element {factor} times; use asymmetric with floor",
                rule.place, rule.rounding
            );
            return Err(node.attribute_error("coordinate_transformation_mode", detail));
        }
        let extent = shape[axis].saturating_mul(factor);
        if extent > MAX_EXTENT {
            let detail = format!("{extent} elements along axis {axis} are too many");
            return Err(node.operand_error(detail));
        }
        let indices = (0..extent).map(|index| index / factor).collect();
        x = context.apply(node, Kind::Float, Op::Select { axis, indices }, &[x])?;
    }
    Ok(vec![x])
}

/// How often each element is repeated along each of the axes.
fn factors(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    shape: &[usize],
    axes: &[usize],
) -> Result<Vec<usize>, ImportError> {
    // Upsample 7 has an attribute, Upsample 9 and Resize 10 a second input, later ones a third, or sizes as the fourth.
    let at = if node.opset < 11 { 1 } else { 2 };
    let scales = match (node.opset < 9)
        .then(|| node.floats("scales"))
        .transpose()?
    {
        Some(list) => list.map(<[f32]>::to_vec),
        None => match given(context, node, at)? {
            Some(value) => Some(context.weights(node, &value, "the scales")?.data),
            None => None,
        },
    };
    let sizes = match (node.opset >= 11)
        .then(|| given(context, node, 3))
        .transpose()?
    {
        Some(Some(value)) => Some(context.integers(node, &value, "the sizes")?),
        _ => None,
    };
    let ratios: Vec<f64> = match (scales, sizes) {
        (Some(scales), None) => scales.iter().map(|scale| f64::from(*scale)).collect(),
        (None, Some(sizes)) => {
            let sizes = sizes.iter().zip(axes).map(|(size, axis)| {
                // The batch of the export is one event here.
                let batch = context.batch.filter(|b| *axis == 0 && *size == *b as i64);
                *size as f64 / batch.unwrap_or(shape[*axis]) as f64
            });
            sizes.collect()
        }
        _ => return Err(node.operand_error("takes either scales or sizes")),
    };
    if ratios.len() != axes.len() {
        let detail = format!("{} factors for {} axes", ratios.len(), axes.len());
        return Err(node.operand_error(detail));
    }
    let whole = |ratio: &f64| {
        let fits = ratio.fract() == 0.0 && (1.0..=MAX_EXTENT as f64).contains(ratio);
        fits.then_some(*ratio as usize)
    };
    let factors: Option<Vec<usize>> = ratios.iter().map(whole).collect();
    factors.ok_or_else(|| {
        node.operand_error(format!(
            "the factors {ratios:?} are not whole: enlarge by whole factors; to make an image smaller, use a pooling"
        ))
    })
}

/// An input, unless it is empty: before operator set 13 that says that it is not given.
fn given(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    index: usize,
) -> Result<Option<Value>, ImportError> {
    let value = context.optional(node, index)?;
    Ok(value.filter(|value| !context.shape(value).contains(&0)))
}

/// How places of the result become places of the operand, and how those are rounded.
struct Rule<'a> {
    place: &'a str,
    rounding: &'a str,
}

impl<'a> Rule<'a> {
    fn of(node: &NodeView<'a>) -> Result<Self, ImportError> {
        // There was no other.
        let (mut place, mut rounding) = ("asymmetric", "floor");
        if node.opset >= 11 {
            place = node
                .string("coordinate_transformation_mode")?
                .unwrap_or("half_pixel");
            rounding = node.string("nearest_mode")?.unwrap_or("round_prefer_floor");
        }
        Ok(Self { place, rounding })
    }

    /// Whether result i is element ⌊i/factor⌋.
    fn repeats(&self, factor: usize) -> bool {
        match (self.place, self.rounding) {
            _ if factor == 1 => true,
            ("asymmetric" | "tf_half_pixel_for_nn", "floor") => true,
            // One half is the only fraction.
            ("asymmetric", "round_prefer_floor") => factor == 2,
            // Never half an element away from the nearest.
            (
                "half_pixel" | "half_pixel_symmetric" | "pytorch_half_pixel",
                "round_prefer_floor" | "round_prefer_ceil",
            ) => true,
            _ => false,
        }
    }
}
