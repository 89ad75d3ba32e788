//! Where the elements of a window lie: convolutions, their transposes, and pooling share it.

use crate::graph::Window;

/// Windows of one kind: each takes the same elements of the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Places {
    /// The places of the result, row-major.
    pub results: Vec<usize>,
    /// The elements of the kernel, row-major.
    pub taps: Vec<usize>,
    /// For each result and tap the place in the operand, on each axis; outside of the operand is padding.
    pub sources: Vec<Vec<isize>>,
}

/// The windows of a convolution or a pooling.
pub(super) fn direct(window: &Window, windows: &[usize]) -> Places {
    let kernel = indices(&window.kernel);
    let results = indices(windows);
    let source = |at: &[usize], tap: &[usize]| {
        let axes = 0..at.len();
        axes.map(|axis| {
            let place = at[axis] * window.strides[axis] + tap[axis] * window.dilations[axis];
            place as isize - window.pads[axis].0 as isize
        })
        .collect()
    };
    let pairs = results
        .iter()
        .flat_map(|at| kernel.iter().map(move |tap| (at, tap)));
    Places {
        sources: pairs.map(|(at, tap)| source(at, tap)).collect(),
        results: (0..results.len()).collect(),
        taps: (0..kernel.len()).collect(),
    }
}

/// The windows of a transposed convolution, by phase: results at equal distance from a multiple of the strides take the
/// same elements of the kernel.
pub(super) fn transposed(window: &Window, results: &[usize]) -> Vec<Places> {
    let kernel = indices(&window.kernel);
    let mut all: Vec<Places> = vec![];
    for (result, at) in indices(results).iter().enumerate() {
        let mut taps = vec![];
        let mut sources = vec![];
        for (tap, element) in kernel.iter().enumerate() {
            let source = (0..at.len()).map(|axis| {
                let stride = window.strides[axis] as isize;
                let distance = (at[axis] + window.pads[axis].0) as isize
                    - (element[axis] * window.dilations[axis]) as isize;
                (distance.rem_euclid(stride) == 0).then(|| distance.div_euclid(stride))
            });
            if let Some(source) = source.collect::<Option<Vec<isize>>>() {
                taps.push(tap);
                sources.push(source);
            }
        }
        match all.iter_mut().find(|places| places.taps == taps) {
            Some(places) => {
                places.results.push(result);
                places.sources.extend(sources);
            }
            None => all.push(Places {
                results: vec![result],
                taps,
                sources,
            }),
        }
    }
    all
}

/// The padding that the sources reach on each axis of an operand: before and behind it.
pub(super) fn reach(all: &[Places], space: &[usize]) -> Vec<(usize, usize)> {
    let mut reached = vec![(0, 0); space.len()];
    for source in all.iter().flat_map(|places| &places.sources) {
        for ((place, extent), (before, after)) in source.iter().zip(space).zip(&mut reached) {
            *before = (*before).max((-place).max(0) as usize);
            *after = (*after).max((place - *extent as isize + 1).max(0) as usize);
        }
    }
    reached
}

/// The place of an index in row-major order, or none outside.
pub(super) fn place(index: &[isize], space: &[usize]) -> Option<usize> {
    let mut axes = index.iter().zip(space);
    axes.try_fold(0, |at, (index, extent)| {
        let index = usize::try_from(*index).ok().filter(|i| i < extent)?;
        Some(at * extent + index)
    })
}

/// Every index of a shape, row-major.
pub(super) fn indices(shape: &[usize]) -> Vec<Vec<usize>> {
    let count: usize = shape.iter().product();
    let index = |position: usize| {
        let mut rest = position;
        let mut index: Vec<usize> = shape
            .iter()
            .rev()
            .map(|extent| {
                let at = rest % extent;
                rest /= extent;
                at
            })
            .collect();
        index.reverse();
        index
    };
    (0..count).map(index).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(kernel: usize, stride: usize, pad: usize) -> Window {
        Window {
            kernel: vec![kernel],
            strides: vec![stride],
            dilations: vec![1],
            pads: vec![(pad, pad)],
        }
    }

    #[test]
    fn windows_reach_into_the_padding() {
        let places = direct(&window(3, 2, 1), &[2]);
        let sources: Vec<isize> = places.sources.iter().map(|s| s[0]).collect();
        assert_eq!(sources, [-1, 0, 1, 1, 2, 3]);
        assert_eq!(reach(&[places], &[4]), [(1, 0)]);
        assert_eq!(place(&[1, 2], &[2, 3]), Some(5));
        assert_eq!(place(&[1, 3], &[2, 3]), None);
    }

    #[test]
    fn a_transposed_convolution_has_a_phase_for_each_step_of_its_stride() {
        // Three elements become (3 − 1)·2 + 3 = 7.
        let phases = transposed(&window(3, 2, 0), &[7]);
        assert_eq!(phases.len(), 2);
        assert_eq!(
            (&phases[0].taps[..], &phases[0].results[..]),
            (&[0, 2][..], &[0, 2, 4, 6][..])
        );
        assert_eq!(
            (&phases[1].taps[..], &phases[1].results[..]),
            (&[1][..], &[1, 3, 5][..])
        );
        let sources: Vec<isize> = phases[0].sources.iter().map(|s| s[0]).collect();
        assert_eq!(sources, [0, -1, 1, 0, 2, 1, 3, 2]);
    }
}
