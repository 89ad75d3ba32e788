//! Shapes of results, and the checks that make a graph well-formed.

use super::{
    GraphError,
    op::Op,
    tensor::{MAX_ELEMENTS, element_count},
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
            Op::MatMul | Op::Binary(_) | Op::Compare(_) | Op::Logic(_) => 2,
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
            Op::Softmax { axis } => extent(*axis).map(|_| x.to_vec()),
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
