//! Shapes of results, and the checks that make a graph well-formed.

use super::{
    GraphError,
    op::{Op, Padding, Pooling},
    tensor::{MAX_ELEMENTS, Tensor, element_count},
    window::Window,
};

/// The numpy broadcast of shapes, or `None` when they do not fit.
pub fn broadcast(shapes: &[&[usize]]) -> Option<Vec<usize>> {
    let rank = shapes.iter().map(|s| s.len()).max().unwrap_or(0);
    let mut out = vec![1; rank];
    for shape in shapes {
        for (o, &d) in out[rank - shape.len()..].iter_mut().zip(*shape) {
            match (*o, d) {
                (_, 1) => {}
                (1, _) => *o = d,
                (a, b) if a == b => {}
                _ => return None,
            }
        }
    }
    Some(out)
}

impl Op {
    /// The shape of the result for inputs of the given shapes.
    ///
    /// # Errors
    /// When the number of inputs, their shapes, the operation's axes or its constants do not fit one another, or the
    /// result exceeds [`MAX_ELEMENTS`].
    pub fn infer(&self, inputs: &[&[usize]]) -> Result<Vec<usize>, GraphError> {
        let shape = self
            .infer_unchecked(inputs)
            .map_err(|detail| GraphError::Shape {
                op: self.name(),
                inputs: inputs.iter().map(|s| s.to_vec()).collect(),
                detail,
            })?;
        if shape.contains(&0) {
            return Err(GraphError::Empty {
                op: self.name(),
                shape,
            });
        }
        if element_count(&shape).is_none() {
            return Err(GraphError::TooLarge {
                op: self.name(),
                shape,
                limit: MAX_ELEMENTS,
            });
        }
        Ok(shape)
    }

    fn infer_unchecked(&self, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
        let arity = match self {
            Op::Constant(_) => 0,
            Op::MatMul | Op::Binary(_) | Op::Compare(_) | Op::Logic(_) | Op::Gather { .. } => 2,
            Op::Where => 3,
            Op::Concat { .. } => inputs.len().max(1),
            _ => 1,
        };
        if inputs.len() != arity {
            return Err(format!("takes {arity} inputs, got {}", inputs.len()));
        }
        let no_broadcast = || "shapes do not broadcast".to_owned();
        match self {
            Op::Constant(t) => {
                if element_count(&t.shape) != Some(t.data.len()) {
                    return Err(format!(
                        "{} elements do not fill shape {:?}",
                        t.data.len(),
                        t.shape
                    ));
                }
                Ok(t.shape.clone())
            }
            Op::MatMul => matmul(inputs[0], inputs[1]),
            Op::Binary(_) | Op::Compare(_) | Op::Logic(_) | Op::Where => {
                broadcast(inputs).ok_or_else(no_broadcast)
            }
            Op::Concat { axis } => concat(*axis, inputs),
            Op::Gather { axis } => gather(*axis, inputs[0], inputs[1]),
            Op::Dense { weights, bias } => {
                let [out, width] = weights.shape[..] else {
                    return Err(format!(
                        "weights have shape {:?}, not [out, in]",
                        weights.shape
                    ));
                };
                if bias.len() != out || out.checked_mul(width) != Some(weights.data.len()) {
                    return Err(format!(
                        "{} biases do not fit weights {:?}",
                        bias.len(),
                        weights.shape
                    ));
                }
                match inputs[0].split_last() {
                    Some((&last, leading)) if last == width => {
                        let mut shape = leading.to_vec();
                        shape.push(out);
                        Ok(shape)
                    }
                    _ => Err(format!("the last axis must have {width} elements")),
                }
            }
            _ => self.infer_one(inputs[0]),
        }
    }

    /// Operations of one input.
    fn infer_one(&self, x: &[usize]) -> Result<Vec<usize>, String> {
        let extent = |axis: usize| {
            x.get(axis)
                .copied()
                .ok_or_else(|| format!("there is no axis {axis}"))
        };
        match self {
            Op::Unary(_) => Ok(x.to_vec()),
            Op::ScaleShift { axis, scale, shift } => {
                let fits = scale.len() == shift.len()
                    && (scale.len() == 1 || extent(*axis)? == scale.len());
                if fits {
                    Ok(x.to_vec())
                } else {
                    Err(format!("{} factors do not fit axis {axis}", scale.len()))
                }
            }
            Op::Softmax { axis } | Op::LogSoftmax { axis } => extent(*axis).map(|_| x.to_vec()),
            Op::Conv {
                weights,
                bias,
                groups,
                window,
            } => conv(x, weights, bias, *groups, window),
            Op::ConvTranspose {
                weights,
                bias,
                groups,
                window,
                output_padding,
            } => conv_transpose(x, weights, bias, *groups, window, output_padding),
            Op::Pool { window, ceil, op } => pool(x, *op, window, *ceil),
            Op::Pad { pads, padding } => pad(x, pads, *padding),
            Op::ArgMax { axis, .. } => {
                extent(*axis)?;
                Ok(with_extent(x, *axis, 1))
            }
            Op::TopK { axis, k, .. } => match extent(*axis)? {
                n if (1..=n).contains(k) => Ok(with_extent(x, *axis, *k)),
                n => Err(format!("{k} of {n} elements cannot be taken")),
            },
            Op::Trees(forest) => {
                if let Some(fault) = forest.fault() {
                    return Err(fault);
                }
                match x.split_last() {
                    Some((&last, leading)) if last == forest.features => {
                        Ok([leading, &[forest.targets]].concat())
                    }
                    _ => Err(format!(
                        "the last axis must have {} elements",
                        forest.features
                    )),
                }
            }
            Op::Quantise(q) => factors(x, &q.scale.shape, &q.zero_point.shape),
            Op::Dequantise { scale, zero_point } => factors(x, &scale.shape, &zero_point.shape),
            Op::FixedPoint(q) => match q.fault(x.iter().product()) {
                Some(fault) => Err(fault),
                None => Ok(x.to_vec()),
            },
            Op::DenseStepwise { weights, product } => {
                let single = product.scale.single().and(product.zero_point.single());
                match (&weights.shape[..], x.split_last(), single) {
                    ([out, width], Some((last, leading)), Some(_)) if width == last => {
                        Ok([leading, &[*out]].concat())
                    }
                    _ => Err(format!("weights {:?} do not fit", weights.shape)),
                }
            }
            Op::Reduce { axes, keepdims, .. } => {
                if !axes.is_sorted_by(|a, b| a < b) {
                    return Err(format!("axes {axes:?} are not ascending and distinct"));
                }
                axes.iter().try_for_each(|&a| extent(a).map(drop))?;
                let reduced = |(i, &d): (usize, &usize)| match (axes.contains(&i), keepdims) {
                    (false, _) => Some(d),
                    (true, true) => Some(1),
                    (true, false) => None,
                };
                Ok(x.iter().enumerate().filter_map(reduced).collect())
            }
            Op::Reshape { shape } => match (element_count(shape), element_count(x)) {
                (Some(a), Some(b)) if a == b => Ok(shape.clone()),
                _ => Err(format!("the elements do not fill shape {shape:?}")),
            },
            Op::Broadcast { shape } => match broadcast(&[x, shape]) {
                Some(full) if full == *shape => Ok(full),
                _ => Err(format!("does not broadcast to {shape:?}")),
            },
            Op::Transpose { perm } => {
                let mut seen = vec![false; x.len()];
                for &p in perm {
                    match seen.get_mut(p) {
                        Some(s) if !*s => *s = true,
                        _ => return Err(format!("{perm:?} is no permutation of the axes")),
                    }
                }
                if perm.len() != x.len() {
                    return Err(format!("{perm:?} is no permutation of the axes"));
                }
                Ok(perm.iter().map(|&p| x[p]).collect())
            }
            Op::Slice {
                axis,
                start,
                step,
                len,
            } => {
                let n = extent(*axis)?;
                let last = len
                    .checked_sub(1)
                    .and_then(|l| isize::try_from(l).ok())
                    .and_then(|l| l.checked_mul(*step))
                    .and_then(|l| start.checked_add_signed(l));
                if *step == 0 || *start >= n || last.is_none_or(|l| l >= n) {
                    return Err(format!(
                        "slice {start}:{step}×{len} leaves axis {axis} of {n} elements"
                    ));
                }
                let mut shape = x.to_vec();
                shape[*axis] = *len;
                Ok(shape)
            }
            Op::Select { axis, indices } => {
                let n = extent(*axis)?;
                if let Some(i) = indices.iter().find(|&&i| i >= n) {
                    return Err(format!("index {i} is outside axis {axis} of {n} elements"));
                }
                let mut shape = x.to_vec();
                shape[*axis] = indices.len();
                Ok(shape)
            }
            _ => Err("wrong number of inputs".to_owned()),
        }
    }
}

/// The shape of an operand whose factors broadcast to it.
fn factors(x: &[usize], scale: &[usize], zero_point: &[usize]) -> Result<Vec<usize>, String> {
    match broadcast(&[x, scale, zero_point]) {
        Some(shape) if shape == x => Ok(shape),
        _ => Err(format!(
            "scale {scale:?} and zero point {zero_point:?} do not broadcast to the operand"
        )),
    }
}

fn matmul(a: &[usize], b: &[usize]) -> Result<Vec<usize>, String> {
    let (Some((batch_a, &[m, k])), Some((batch_b, &[k2, n]))) =
        (a.split_last_chunk(), b.split_last_chunk())
    else {
        return Err("both operands need two axes".to_owned());
    };
    if k != k2 {
        return Err(format!("the inner extents {k} and {k2} differ"));
    }
    let mut shape = broadcast(&[batch_a, batch_b]).ok_or("leading axes do not broadcast")?;
    shape.extend([m, n]);
    Ok(shape)
}

fn concat(axis: usize, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    let mut shape = inputs
        .first()
        .map(|s| s.to_vec())
        .ok_or("takes at least one input")?;
    if axis >= shape.len() {
        return Err(format!("there is no axis {axis}"));
    }
    for other in &inputs[1..] {
        let fits = other.len() == shape.len()
            && other
                .iter()
                .zip(&shape)
                .enumerate()
                .all(|(i, (a, b))| i == axis || a == b);
        if !fits {
            return Err(format!("extents differ outside axis {axis}"));
        }
        shape[axis] = shape[axis]
            .checked_add(other[axis])
            .ok_or("the joined axis overflows")?;
    }
    Ok(shape)
}

fn with_extent(x: &[usize], axis: usize, extent: usize) -> Vec<usize> {
    let mut shape = x.to_vec();
    shape[axis] = extent;
    shape
}

fn gather(axis: usize, x: &[usize], indices: &[usize]) -> Result<Vec<usize>, String> {
    if axis >= x.len() {
        return Err(format!("there is no axis {axis}"));
    }
    let mut shape = x.to_vec();
    shape.splice(axis..=axis, indices.iter().copied());
    Ok(shape)
}

/// Batch, channels and spatial extents.
fn spatial(x: &[usize]) -> Result<(usize, usize, &[usize]), String> {
    match x {
        [batch, channels, rest @ ..] if !rest.is_empty() => Ok((*batch, *channels, rest)),
        _ => Err("takes [batch, channels, …] with one spatial axis at least".to_owned()),
    }
}

/// Whether `weights` are two extents and the window's, and fill their shape.
fn check_kernel(weights: &Tensor, window: &Window) -> Result<(usize, usize), String> {
    match &weights.shape[..] {
        [a, b, kernel @ ..]
            if kernel == window.kernel
                && element_count(&weights.shape) == Some(weights.data.len()) =>
        {
            Ok((*a, *b))
        }
        _ => Err(format!(
            "weights of shape {:?} do not fit a window {:?}",
            weights.shape, window.kernel
        )),
    }
}

fn conv(
    x: &[usize],
    weights: &Tensor,
    bias: &[f32],
    groups: usize,
    window: &Window,
) -> Result<Vec<usize>, String> {
    let (batch, channels, extents) = spatial(x)?;
    let (out, width) = check_kernel(weights, window)?;
    if groups == 0
        || width.checked_mul(groups) != Some(channels)
        || !out.is_multiple_of(groups)
        || bias.len() != out
    {
        return Err(format!(
            "weights {:?}, {} biases and {groups} groups do not fit {channels} channels",
            weights.shape,
            bias.len()
        ));
    }
    let mut shape = vec![batch, out];
    shape.extend(window.windows(extents, false)?);
    Ok(shape)
}

fn conv_transpose(
    x: &[usize],
    weights: &Tensor,
    bias: &[f32],
    groups: usize,
    window: &Window,
    output_padding: &[usize],
) -> Result<Vec<usize>, String> {
    let (batch, channels, extents) = spatial(x)?;
    let (input, width) = check_kernel(weights, window)?;
    if groups == 0
        || input != channels
        || !channels.is_multiple_of(groups)
        || width.checked_mul(groups) != Some(bias.len())
    {
        return Err(format!(
            "weights {:?}, {} biases and {groups} groups do not fit {channels} channels",
            weights.shape,
            bias.len()
        ));
    }
    if output_padding.len() != extents.len() {
        return Err("the output padding has not one entry per axis".to_owned());
    }
    let mut shape = vec![batch, bias.len()];
    shape.extend(window.transposed(extents, output_padding)?);
    Ok(shape)
}

fn pool(x: &[usize], op: Pooling, window: &Window, ceil: bool) -> Result<Vec<usize>, String> {
    let (batch, channels, extents) = spatial(x)?;
    window.check(extents.len())?;
    // Every window sees an element: a mean over none, or their largest, has no meaning.
    let padded = |&(axis, &(before, after)): &(usize, &(usize, usize))| {
        before.max(after) >= window.kernel[axis]
    };
    let padding_counts = matches!(
        op,
        Pooling::Average {
            padding_counts: true
        }
    );
    if !padding_counts && window.pads.iter().enumerate().any(|p| padded(&p)) {
        return Err("the padding is as wide as the window".to_owned());
    }
    let mut shape = vec![batch, channels];
    shape.extend(window.windows(extents, ceil)?);
    Ok(shape)
}

fn pad(x: &[usize], pads: &[(usize, usize)], padding: Padding) -> Result<Vec<usize>, String> {
    if pads.len() != x.len() {
        return Err("the padding has not one entry per axis".to_owned());
    }
    let one = |(&n, &(before, after)): (&usize, &(usize, usize))| {
        let enough = match padding {
            Padding::Constant(_) | Padding::Edge => true,
            Padding::Reflect => before.max(after) < n,
            Padding::Wrap => before.max(after) <= n,
        };
        let sum = n.checked_add(before)?.checked_add(after)?;
        enough.then_some(sum)
    };
    x.iter()
        .zip(pads)
        .map(|pair| one(pair).ok_or_else(|| format!("{pads:?} is too much padding for {x:?}")))
        .collect()
}
