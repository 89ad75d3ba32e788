//! Convolutions: the windows become rows of a dense layer.

use super::{Linear, Lowered, Lowering, PROPORTION, Real, Source};
use crate::exact::dyadic::Dyadic;
use crate::graph::{Node, Tensor, Window};

impl Lowering<'_> {
    /// y\[o\] = Σ weights\[o, c, k\]·x\[c, place of k\] + bias\[o\], as `Op::Conv` defines it.
    #[allow(clippy::too_many_arguments)] // The fields of the operation.
    pub(super) fn convolution(
        &mut self,
        name: &str,
        node: &Node,
        weights: &Tensor,
        bias: &[f32],
        groups: usize,
        window: &Window,
        shape: &[usize],
    ) -> Lowered<Real> {
        let x = self.operand(node, 0)?;
        super::no_divisor(&x)?;
        if x.shape.first() != Some(&1) {
            return Err("its operand has a batch of several events".into());
        }
        let (outputs, width) = (weights.shape[0], weights.shape[1]);
        let taps = width * window.elements();
        let space = x.shape[2..].to_vec();
        let windows = shape[2..].to_vec();
        let (from, to): (usize, usize) = (space.iter().product(), windows.iter().product());
        let nowhere = x.elements();
        let mut parts = Vec::with_capacity(groups);
        let padded = window.pads.iter().any(|pads| *pads != (0, 0));
        let x = match padded {
            true => self.with_zero(name, x)?,
            false => x,
        };
        for group in 0..groups {
            // Padding is a zero behind the last element.
            let mut origins = vec![nowhere; to * taps];
            window.visit(&space, &windows, |element, at, place| {
                for channel in 0..width {
                    let origin = (group * width + channel) * from + place;
                    origins[at * taps + channel * window.elements() + element] = origin;
                }
            });
            let rows = self.rearranged(name, x.clone(), &origins, &[to, taps])?;
            let own = outputs / groups;
            let matrix = weights.data[group * own * taps..][..own * taps].to_vec();
            let matrix = Real::constant(vec![own, taps], &matrix).ok_or(PROPORTION)?;
            let mut linear: Linear = self.linear(name, rows, matrix, None)?;
            for (sum, bias) in linear.bias.iter_mut().zip(&bias[group * own..]) {
                let bias = Dyadic::of(f64::from(*bias)).ok_or(PROPORTION)?;
                *sum = sum.plus(bias).ok_or(PROPORTION)?;
            }
            let sums = self.computed(name, &linear)?;
            // Channels come first in the graph.
            let first: Vec<usize> = (0..own * to).map(|i| i % to * own + i / to).collect();
            parts.push(self.rearranged(name, sums, &first, &[own * to])?);
        }
        let joined = match <[Real; 1]>::try_from(parts) {
            Ok([all]) => all,
            Err(parts) => {
                let total: usize = parts.iter().map(Real::elements).sum();
                let order: Vec<usize> = (0..total).collect();
                self.side_by_side(name, parts, &order, &[total])?
            }
        };
        Ok(joined.reshaped(shape))
    }

    /// The elements of x in one row, with a zero behind them.
    fn with_zero(&mut self, name: &str, x: Real) -> Lowered<Real> {
        let elements = x.elements();
        let x = x.reshaped(&[elements]);
        let zero = Real {
            shape: vec![1],
            source: Source::Constant(vec![0]),
            step: vec![*x.step.last().ok_or(PROPORTION)?],
            offset: vec![Dyadic::ZERO],
            divisor: 1,
        };
        let order: Vec<usize> = (0..=elements).collect();
        self.side_by_side(name, vec![x, zero], &order, &[elements + 1])
    }
}
