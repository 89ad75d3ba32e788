//! Resize and Upsample: images enlarged by repeating their elements, as decoders do (`torch.nn.Upsample`, `UpSampling2D`), or
//! interpolated between them.

use super::super::{
    ImportError,
    compose::Compose,
    context::{Context, axes},
    node::NodeView,
    value::Value,
};
use super::interpolate::Axis;
use crate::graph::{Kind, Op};

/// Elements along an axis, at most: a small file must not ask for gigabytes.
const MAX_EXTENT: usize = 1 << 16;

/// Resize from operator set 10 on, Upsample before it: linear and cubic interpolation, and the nearest element by whole factors.
///
/// Where an axis of n elements becomes one of k·n, result i is element ⌊i/k⌋ by every rule that is taken here
/// (ONNX specification, Resize, `coordinate_transformation_mode` and `nearest_mode`).
pub(super) fn resize(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    node.ignore("extrapolation_value"); // Of elements outside the operand, which there are none of.
    let mode = node.string("mode")?.unwrap_or("nearest");
    let cubic = node.float("cubic_coeff_a")?.unwrap_or(-0.75);
    let exclude_outside = node.flag("exclude_outside", false)?;
    let antialias = node.flag("antialias", false)?;
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
    let ratios = ratios(context, node, &shape, &listed)?;
    if mode != "nearest" {
        let coefficient = match mode {
            "linear" => None,
            "cubic" => Some(f64::from(cubic)),
            other => {
                let detail = format!("is '{other}', not nearest, linear or cubic");
                return Err(node.attribute_error("mode", detail));
            }
        };
        if antialias {
            let detail =
                "is not supported; export without it, or use a pooling to make an image smaller";
            return Err(node.attribute_error("antialias", detail));
        }
        for (axis, ratio) in listed.into_iter().zip(ratios) {
            x = interpolated(
                context,
                node,
                &x,
                axis,
                ratio,
                (coefficient, exclude_outside),
            )?;
        }
        return Ok(vec![x]);
    }
    let factors = factors(node, &ratios)?;
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

/// One axis interpolated between its elements.
fn interpolated(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    x: &Value,
    axis: usize,
    ratio: f64,
    (cubic, exclude_outside): (Option<f64>, bool),
) -> Result<Value, ImportError> {
    let from = context.shape(x)[axis];
    if ratio == 1.0 {
        return Ok(x.clone());
    }
    // A scale is stated in single precision: three times 1/3 is an element, not none.
    let to = (from as f64 * ratio + 1e-6).floor();
    if !(1.0..=MAX_EXTENT as f64).contains(&to) {
        let detail = format!("{to} elements along axis {axis} are none, or too many");
        return Err(node.operand_error(detail));
    }
    let rule = Rule::of(node)?;
    let own = Axis {
        from,
        to: to as usize,
        scale: ratio,
        place: match node.opset < 11 {
            true => "asymmetric",
            false => rule.place,
        },
    };
    context.spend(node, from * own.to)?;
    let matrix = own.matrix(cubic, exclude_outside).ok_or_else(|| {
        let detail = format!(
            "is '{}'; half_pixel, pytorch_half_pixel, align_corners, asymmetric and half_pixel_symmetric are supported",
            own.place
        );
        node.attribute_error("coordinate_transformation_mode", detail)
    })?;
    Compose::new(context, node).along(x, axis, matrix)
}

/// How many elements there are of each along each of the axes.
fn ratios(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    shape: &[usize],
    axes: &[usize],
) -> Result<Vec<f64>, ImportError> {
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
    Ok(ratios)
}

/// How often each element is repeated along each of the axes.
fn factors(node: &NodeView<'_>, ratios: &[f64]) -> Result<Vec<usize>, ImportError> {
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
