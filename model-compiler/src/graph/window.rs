//! Windows that slide over the axes behind the channels: convolutions and pooling.

/// A window over the spatial axes of `[batch, channels, …]`; every list has one entry per spatial axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Extents of the window.
    pub kernel: Vec<usize>,
    /// Distances between successive windows, at least 1.
    pub strides: Vec<usize>,
    /// Distances between successive elements of one window, at least 1.
    pub dilations: Vec<usize>,
    /// Elements added before and after each axis.
    pub pads: Vec<(usize, usize)>,
}

/// Largest number of spatial axes: a bound on what a corrupt file can ask for.
const MAX_AXES: usize = 8;

impl Window {
    /// Whether every list has one entry for each of `axes` axes, and no extent is 0.
    pub(super) fn check(&self, axes: usize) -> Result<(), String> {
        if axes == 0 || axes > MAX_AXES {
            return Err(format!("takes 1 to {MAX_AXES} spatial axes, not {axes}"));
        }
        let lengths = [
            self.kernel.len(),
            self.strides.len(),
            self.dilations.len(),
            self.pads.len(),
        ];
        if lengths != [axes; 4] {
            return Err(format!("the window has not one entry per axis of {axes}"));
        }
        let mut extents = self
            .kernel
            .iter()
            .chain(&self.strides)
            .chain(&self.dilations);
        if extents.any(|&e| e == 0) {
            return Err("an extent of the window is 0".to_owned());
        }
        Ok(())
    }

    /// Elements from the first to the last of a window, both included.
    fn span(&self, axis: usize) -> Option<usize> {
        (self.kernel[axis] - 1)
            .checked_mul(self.dilations[axis])?
            .checked_add(1)
    }

    /// Number of windows along each axis of `x`; with `ceil` also one that ends behind the padding, if it starts before
    /// the padding at the end.
    pub(crate) fn windows(&self, x: &[usize], ceil: bool) -> Result<Vec<usize>, String> {
        self.check(x.len())?;
        let one = |axis: usize| -> Option<usize> {
            let (before, after) = self.pads[axis];
            let padded = x[axis].checked_add(before)?.checked_add(after)?;
            let room = padded.checked_sub(self.span(axis)?)?;
            let stride = self.strides[axis];
            let mut count = room / stride + 1;
            if ceil && room % stride != 0 && count.checked_mul(stride)? < x[axis] + before {
                count += 1;
            }
            Some(count)
        };
        (0..x.len())
            .map(|axis| {
                one(axis).ok_or_else(|| format!("the window does not fit axis {}", axis + 2))
            })
            .collect()
    }

    /// Extents of the result of a transposed convolution of `x`: the `x` whose windows these would be.
    pub(super) fn transposed(&self, x: &[usize], output: &[usize]) -> Result<Vec<usize>, String> {
        self.check(x.len())?;
        let one = |axis: usize| -> Option<usize> {
            let (before, after) = self.pads[axis];
            (x[axis].checked_sub(1)?)
                .checked_mul(self.strides[axis])?
                .checked_add(self.span(axis)?)?
                .checked_add(*output.get(axis)?)?
                .checked_sub(before)?
                .checked_sub(after)
        };
        (0..x.len())
            .map(|axis| {
                one(axis).ok_or_else(|| format!("axis {} would have no elements", axis + 2))
            })
            .collect()
    }

    /// Number of elements of the window.
    pub(crate) fn elements(&self) -> usize {
        self.kernel.iter().fold(1usize, |n, &k| n.saturating_mul(k))
    }

    /// Where element `k` of window `w` lies on an axis of `extent` elements: `None` in the padding.
    fn place(&self, axis: usize, extent: usize, w: usize, k: usize) -> Option<usize> {
        (w * self.strides[axis] + k * self.dilations[axis])
            .checked_sub(self.pads[axis].0)
            .filter(|&i| i < extent)
    }

    /// Calls `each(element, window, position)` for every element of every window that lies within `x`, elements
    /// outermost and ascending; all three are row-major.
    pub(crate) fn visit(
        &self,
        x: &[usize],
        windows: &[usize],
        mut each: impl FnMut(usize, usize, usize),
    ) {
        let mut element = vec![0; x.len()];
        for e in 0..self.elements() {
            let mut window = vec![0; x.len()];
            for w in 0..windows.iter().product() {
                let mut at = Some(0);
                for axis in 0..x.len() {
                    let place = self.place(axis, x[axis], window[axis], element[axis]);
                    at = at.zip(place).map(|(at, place)| at * x[axis] + place);
                }
                if let Some(at) = at {
                    each(e, w, at);
                }
                advance(&mut window, windows);
            }
            advance(&mut element, &self.kernel);
        }
    }
}

/// The next index in row-major order.
fn advance(index: &mut [usize], shape: &[usize]) {
    for (i, &n) in index.iter_mut().zip(shape).rev() {
        *i += 1;
        if *i < n {
            return;
        }
        *i = 0;
    }
}
