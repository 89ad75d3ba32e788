//! Attributes of windows that slide: convolutions and pooling.

use super::super::{ImportError, node::NodeView};
use crate::graph::Window;

/// How a node pads its input.
enum Pads {
    /// As stated.
    Stated(Vec<(usize, usize)>),
    /// So that there are ⌈extent / stride⌉ windows; what is odd goes to the end, or to the start.
    Same { odd_at_end: bool },
}

/// The sizes that a node states, and those that ONNX assumes.
struct Stated {
    kernel: Vec<usize>,
    strides: Vec<usize>,
    dilations: Vec<usize>,
    pads: Pads,
}

/// A list with one non-negative entry per axis.
pub(super) fn list(
    node: &NodeView<'_>,
    name: &str,
    axes: usize,
    default: usize,
) -> Result<Vec<usize>, ImportError> {
    let Some(list) = node.ints(name)? else {
        return Ok(vec![default; axes]);
    };
    let parsed: Option<Vec<usize>> = list.iter().map(|&v| usize::try_from(v).ok()).collect();
    match parsed {
        Some(parsed) if parsed.len() == axes => Ok(parsed),
        _ => Err(node.attribute_error(
            name,
            format!("is {list:?}, not one size for each of {axes} axes"),
        )),
    }
}

fn stated(
    node: &NodeView<'_>,
    axes: usize,
    kernel: Option<&[usize]>,
) -> Result<Stated, ImportError> {
    let own = node.ints("kernel_shape")?;
    let kernel = match (kernel, own) {
        (Some(kernel), None) => kernel.to_vec(),
        (Some(kernel), Some(own)) => {
            let agrees =
                own.len() == kernel.len() && own.iter().zip(kernel).all(|(&a, &b)| a == b as i64);
            if !agrees {
                let detail = format!("is {own:?}, the weights have {kernel:?}");
                return Err(node.attribute_error("kernel_shape", detail));
            }
            kernel.to_vec()
        }
        (None, Some(_)) => list(node, "kernel_shape", axes, 1)?,
        (None, None) => return Err(node.attribute_error("kernel_shape", "is missing")),
    };
    for (name, default) in [("strides", 1), ("dilations", 1)] {
        if list(node, name, axes, default)?.contains(&0) {
            return Err(node.attribute_error(name, "has a zero"));
        }
    }
    if kernel.contains(&0) {
        return Err(node.attribute_error("kernel_shape", "has a zero"));
    }
    let flat = list(node, "pads", 2 * axes, 0)?;
    let pads = match node.string("auto_pad")? {
        None | Some("NOTSET") => {
            Pads::Stated((0..axes).map(|i| (flat[i], flat[i + axes])).collect())
        }
        Some("VALID") => Pads::Stated(vec![(0, 0); axes]),
        Some("SAME_UPPER") => Pads::Same { odd_at_end: true },
        Some("SAME_LOWER") => Pads::Same { odd_at_end: false },
        Some(other) => {
            let detail = format!("is '{other}', not NOTSET, VALID, SAME_UPPER or SAME_LOWER");
            return Err(node.attribute_error("auto_pad", detail));
        }
    };
    Ok(Stated {
        kernel,
        strides: list(node, "strides", axes, 1)?,
        dilations: list(node, "dilations", axes, 1)?,
        pads,
    })
}

/// Half of the padding at each end.
fn halves(total: usize, odd_at_end: bool) -> (usize, usize) {
    let half = total / 2;
    if odd_at_end {
        (half, total - half)
    } else {
        (total - half, half)
    }
}

impl Stated {
    fn with(self, pads: Vec<(usize, usize)>) -> Window {
        Window {
            kernel: self.kernel,
            strides: self.strides,
            dilations: self.dilations,
            pads,
        }
    }

    fn span(&self, axis: usize) -> usize {
        (self.kernel[axis] - 1)
            .saturating_mul(self.dilations[axis])
            .saturating_add(1)
    }
}

/// The window of a convolution or pooling of `extents`; the kernel is that of the weights, where there are any.
pub(super) fn window(
    node: &NodeView<'_>,
    extents: &[usize],
    kernel: Option<&[usize]>,
) -> Result<Window, ImportError> {
    let mut stated = stated(node, extents.len(), kernel)?;
    let pads = match std::mem::replace(&mut stated.pads, Pads::Stated(Vec::new())) {
        Pads::Stated(pads) => pads,
        Pads::Same { odd_at_end } => {
            let one = |(axis, &extent): (usize, &usize)| {
                let windows = extent.div_ceil(stated.strides[axis]);
                let needed = (windows.saturating_sub(1))
                    .saturating_mul(stated.strides[axis])
                    .saturating_add(stated.span(axis));
                halves(needed.saturating_sub(extent), odd_at_end)
            };
            extents.iter().enumerate().map(one).collect()
        }
    };
    Ok(stated.with(pads))
}

/// The window of a transposed convolution of `extents`, and its output padding.
pub(super) fn transposed(
    node: &NodeView<'_>,
    extents: &[usize],
    kernel: &[usize],
) -> Result<(Window, Vec<usize>), ImportError> {
    let axes = extents.len();
    let mut output_padding = list(node, "output_padding", axes, 0)?;
    let wanted = match node.ints("output_shape")? {
        None => None,
        Some(_) => Some(list(node, "output_shape", axes, 0)?),
    };
    let mut stated = stated(node, axes, Some(kernel))?;
    let (wanted, odd_at_end) = match std::mem::replace(&mut stated.pads, Pads::Stated(Vec::new())) {
        Pads::Stated(pads) => match wanted {
            None => return Ok((stated.with(pads), output_padding)),
            Some(wanted) => (wanted, false),
        },
        Pads::Same { odd_at_end } => {
            let times = |(e, s): (&usize, &usize)| e.saturating_mul(*s);
            let same = || extents.iter().zip(&stated.strides).map(times).collect();
            (wanted.unwrap_or_else(same), odd_at_end)
        }
    };
    let mut pads = Vec::new();
    for axis in 0..axes {
        let full = (extents[axis] - 1)
            .saturating_mul(stated.strides[axis])
            .saturating_add(stated.span(axis))
            .saturating_add(output_padding[axis]);
        match full.checked_sub(wanted[axis]) {
            Some(total) => pads.push(halves(total, odd_at_end)),
            None => {
                // More than the windows reach is zeros at the end.
                output_padding[axis] = output_padding[axis].saturating_add(wanted[axis] - full);
                pads.push((0, 0));
            }
        }
    }
    Ok((stated.with(pads), output_padding))
}
