//! Pooling: the windows become rows of which the sum or the largest is taken.

use hodoscope_program::Operation;

use super::{Lowered, Lowering, PROPORTION, Real, Source, places};
use crate::exact::dyadic::Dyadic;
use crate::graph::{Node, Pooling, Window};

impl Lowering<'_> {
    pub(super) fn pooled(
        &mut self,
        name: &str,
        node: &Node,
        op: Pooling,
        window: &Window,
        shape: &[usize],
    ) -> Lowered<Real> {
        let x = self.operand(node, 0)?;
        super::no_divisor(&x)?;
        if x.shape.first() != Some(&1) {
            return Err("its operand has a batch of several events".into());
        }
        let (channels, space) = (x.shape[1], x.shape[2..].to_vec());
        let places = places::direct(window, &shape[2..]);
        let padded = places::reach(std::slice::from_ref(&places), &space)
            .iter()
            .any(|pads| *pads != (0, 0));
        let taps = places.taps.len();
        match op {
            Pooling::Average { padding_counts } => {
                if padded && !padding_counts {
                    return Err(
                        "a mean of windows that reach into the padding has no exact form where padding does not count: set count_include_pad, or pad less"
                            .into(),
                    );
                }
                let space = space.iter().zip(&window.pads).zip(&window.kernel);
                let cut = space.enumerate().any(|(axis, ((x, pads), kernel))| {
                    let start = (shape[2 + axis] - 1) * window.strides[axis];
                    start + (kernel - 1) * window.dilations[axis] >= x + pads.0 + pads.1
                });
                if cut {
                    return Err("a mean of windows that end behind the padding has no exact form: unset ceil_mode, or pad more".into());
                }
                let image = self.image(name, x, std::slice::from_ref(&places))?;
                let mut origins = vec![];
                for tap in 0..taps {
                    for result in 0..places.results.len() {
                        let source = &places.sources[result * taps + tap];
                        for channel in 0..channels {
                            let element = image.element(channel, source);
                            origins.push(element.ok_or("a window lies outside of its operand")?);
                        }
                    }
                }
                let row = places.results.len() * channels;
                let rows = self.rearranged(name, image.real(), &origins, &[taps, row])?;
                let sums = self.summed(name, rows)?;
                let mean = divided(sums, taps)?;
                self.channels_first(name, mean, channels, shape)
            }
            Pooling::Max => {
                let extent: usize = space.iter().product();
                let mut origins = vec![];
                for sources in places.sources.chunks(taps) {
                    // What lies in the padding does not count: one of the others counts twice.
                    let inside = |source: &Vec<isize>| places::place(source, &space);
                    let any = sources.iter().find_map(inside);
                    let any = any.ok_or("a window lies in the padding altogether")?;
                    for channel in 0..channels {
                        let place = |source| channel * extent + inside(source).unwrap_or(any);
                        origins.extend(sources.iter().map(place));
                    }
                }
                let rows = places.results.len() * channels;
                let x = self.rearranged(name, x, &origins, &[rows, taps])?;
                let largest = self.largest_of_rows(name, x)?;
                self.channels_first(name, largest, channels, shape)
            }
        }
    }

    /// The sum of the rows of x, `[rows, kept]`.
    fn summed(&mut self, name: &str, x: Real) -> Lowered<Real> {
        let (rows, kept) = (x.shape[0], x.shape[1]);
        let x = self.same_rows(name, x, kept)?;
        let Source::Value(id) = x.source else {
            return Err("its operand is a constant".into());
        };
        let id = self.builder.view(id, &[rows, kept])?;
        let step = x.step[..kept].to_vec();
        let operation = Operation::Sum { x: id };
        let sum = self.builder.push(name, &[kept], operation, None, &step)?;
        let count = Dyadic::integer(rows as i64);
        let offset = x.offset[..kept].iter().map(|o| o.times(count));
        Ok(Real {
            shape: vec![kept],
            source: Source::Value(sum),
            offset: offset.collect::<Option<Vec<_>>>().ok_or(PROPORTION)?,
            step,
            divisor: 1,
        })
    }

    /// Results that have their channels last, in the graph's order.
    fn channels_first(
        &mut self,
        name: &str,
        x: Real,
        channels: usize,
        shape: &[usize],
    ) -> Lowered<Real> {
        let results = x.elements() / channels;
        let order: Vec<usize> = (0..x.elements())
            .map(|i| i % results * channels + i / results)
            .collect();
        self.rearranged(name, x, &order, shape)
    }
}

/// A sum as the mean over `rows`.
fn divided(mut sum: Real, rows: usize) -> Lowered<Real> {
    let count = Dyadic::integer(rows as i64);
    if !count.is_power_of_two() {
        sum.divisor = rows as i64;
        return Ok(sum);
    }
    let part = Dyadic::power(-count.exponent()).ok_or(PROPORTION)?;
    for number in sum.step.iter_mut().chain(&mut sum.offset) {
        *number = number.times(part).ok_or(PROPORTION)?;
    }
    Ok(sum)
}
