//! Convolutions: the windows become rows of a dense layer.

use super::places::{self, Places};
use super::{Linear, Lowered, Lowering, PROPORTION, Real, Source};
use crate::exact::dyadic::Dyadic;
use crate::graph::{Node, Op, Tensor};

/// The operand of windows: its elements, padded where windows reach beyond it.
pub(super) struct Image {
    x: Real,
    /// Element of `x` for a channel and a place, by place first.
    elements: Vec<usize>,
    channels: usize,
    /// Extents with the padding, and the padding before each axis.
    space: Vec<usize>,
    before: Vec<usize>,
}

impl Image {
    /// The element of a channel at a place, which may lie in the padding.
    pub fn element(&self, channel: usize, source: &[isize]) -> Option<usize> {
        let moved: Vec<isize> = source
            .iter()
            .zip(&self.before)
            .map(|(place, before)| place + *before as isize)
            .collect();
        let place = places::place(&moved, &self.space)?;
        self.elements.get(place * self.channels + channel).copied()
    }

    pub fn real(&self) -> Real {
        self.x.clone()
    }
}

impl Lowering<'_> {
    /// Conv and ConvTranspose, as the operations define them.
    pub(super) fn convolution(
        &mut self,
        name: &str,
        node: &Node,
        shape: &[usize],
    ) -> Lowered<Real> {
        let x = self.operand(node, 0)?;
        super::no_divisor(&x)?;
        if x.shape.first() != Some(&1) {
            return Err("its operand has a batch of several events".into());
        }
        let (layer, all) = match &node.op {
            Op::Conv {
                weights,
                bias,
                groups,
                window,
            } => {
                let layer = Layer {
                    weights,
                    bias,
                    groups: *groups,
                    inputs_first: false,
                };
                (layer, vec![places::direct(window, &shape[2..])])
            }
            Op::ConvTranspose {
                weights,
                bias,
                groups,
                window,
                ..
            } => {
                let layer = Layer {
                    weights,
                    bias,
                    groups: *groups,
                    inputs_first: true,
                };
                (layer, places::transposed(window, &shape[2..]))
            }
            _ => return Err("it is no convolution".into()),
        };
        let image = self.image(name, x, &all)?;
        let mut sums: Vec<Linear> = vec![];
        for group in 0..layer.groups {
            for places in &all {
                sums.push(self.windows(name, &image, &layer, group, places)?);
            }
        }
        layer.align(&mut sums, all.len())?;
        // Element of the joined sums for each one of the result.
        let results: usize = shape[2..].iter().product();
        let mut order = vec![0; results * layer.outputs()];
        let mut parts = Vec::with_capacity(sums.len());
        let mut first = 0;
        for (index, linear) in sums.iter().enumerate() {
            let (group, places) = (index / all.len(), &all[index % all.len()]);
            let own = layer.own();
            for (row, result) in places.results.iter().enumerate() {
                for output in 0..own {
                    order[(group * own + output) * results + result] = first + row * own + output;
                }
            }
            let part = self.computed(name, linear)?;
            let elements = part.elements();
            first += elements;
            parts.push(part.reshaped(&[elements]));
        }
        let joined = match <[Real; 1]>::try_from(parts) {
            Ok([all]) => all,
            Err(parts) => {
                let in_order: Vec<usize> = (0..first).collect();
                self.side_by_side(name, parts, &in_order, &[first])?
            }
        };
        self.rearranged(name, joined, &order, shape)
    }

    /// The operand of windows, channels last; zeros around it where they reach beyond it.
    pub(super) fn image(&mut self, name: &str, x: Real, all: &[Places]) -> Lowered<Image> {
        let channels = x.shape[1];
        let space = x.shape[2..].to_vec();
        let extent: usize = space.iter().product();
        let padding = places::reach(all, &space);
        let plain = |place: usize, channel: usize| channel * extent + place;
        if padding.iter().all(|pads| *pads == (0, 0)) {
            let places = (0..extent).flat_map(|p| (0..channels).map(move |c| plain(p, c)));
            return Ok(Image {
                elements: places.collect(),
                x,
                channels,
                before: vec![0; space.len()],
                space,
            });
        }
        let (before, padded): (Vec<usize>, Vec<usize>) = padding
            .iter()
            .zip(&space)
            .map(|((before, after), extent)| (*before, before + extent + after))
            .unzip();
        let (x, zero, order) = self.with_zero(name, x)?;
        let mut origins = vec![];
        for index in places::indices(&padded) {
            let inner: Vec<isize> = index
                .iter()
                .zip(&before)
                .map(|(at, before)| *at as isize - *before as isize)
                .collect();
            let place = places::place(&inner, &space);
            for channel in 0..channels {
                origins.push(place.map_or(zero, |place| order[plain(place, channel)]));
            }
        }
        let name = format!("{name}.padded");
        let elements = origins.len();
        let x = self.rearranged(&name, x, &origins, &[elements])?;
        Ok(Image {
            x,
            elements: (0..elements).collect(),
            channels,
            space: padded,
            before,
        })
    }

    /// The sums of one group and one kind of windows, `[results, outputs of the group]`.
    fn windows(
        &mut self,
        name: &str,
        image: &Image,
        layer: &Layer<'_>,
        group: usize,
        places: &Places,
    ) -> Lowered<Linear> {
        let (own, width) = (layer.own(), layer.width());
        let taps = places.taps.len();
        let mut origins = Vec::with_capacity(places.results.len() * taps * width);
        for sources in places.sources.chunks(taps.max(1)) {
            for source in sources {
                for channel in 0..width {
                    let element = image.element(group * width + channel, source);
                    origins.push(element.ok_or("a window lies outside of its operand")?);
                }
            }
        }
        let shape = [places.results.len(), taps * width];
        if taps == 0 {
            return Err("its stride leaves results that no element reaches; use a kernel as wide as the stride".into());
        }
        let rows = self.rearranged(name, image.real(), &origins, &shape)?;
        let mut matrix = Vec::with_capacity(own * taps * width);
        for output in 0..own {
            for tap in &places.taps {
                for channel in 0..width {
                    matrix.push(layer.weight(group, output, channel, *tap));
                }
            }
        }
        let matrix = Real::integers(vec![own, taps * width], &matrix).ok_or(PROPORTION)?;
        let mut linear: Linear = self.linear(name, rows, matrix, None)?;
        for (o, bias) in layer.bias[group * own..].iter().take(own).enumerate() {
            let bias = Dyadic::of(f64::from(*bias)).ok_or(PROPORTION)?;
            linear.add_bias(o, bias)?;
        }
        Ok(linear)
    }

    /// The elements of x in one row with a zero behind them: the row, the zero's place, and the place of each element of
    /// x, which may have been moved already.
    pub(super) fn with_zero(&mut self, name: &str, x: Real) -> Lowered<(Real, usize, Vec<usize>)> {
        let elements = x.elements();
        let mut x = x.reshaped(&[elements]);
        let mut order: Vec<usize> = (0..elements).collect();
        if let Source::Value(id) = x.source
            && let Some((base, moved)) = self.builder.permuted(id)
        {
            let mut own = x.clone();
            for (element, place) in moved.iter().enumerate() {
                own.step[*place] = x.step[element];
                own.offset[*place] = x.offset[element];
            }
            x = Real {
                source: Source::Value(base),
                ..own
            };
            order = moved;
        }
        let zero = Real {
            shape: vec![1],
            source: Source::Constant(vec![0]),
            step: vec![*x.step.last().ok_or(PROPORTION)?],
            offset: vec![Dyadic::ZERO],
            divisor: 1,
        };
        let all: Vec<usize> = (0..=elements).collect();
        let joined = self.side_by_side(name, vec![x, zero], &all, &[elements + 1])?;
        Ok((joined, elements, order))
    }
}

/// Weights of a convolution.
struct Layer<'n> {
    weights: &'n Tensor,
    bias: &'n [f32],
    groups: usize,
    /// `[in, out / groups, …]`, not `[out, in / groups, …]`.
    inputs_first: bool,
}

impl Layer<'_> {
    /// Outputs of a group.
    fn own(&self) -> usize {
        match self.inputs_first {
            true => self.weights.shape[1],
            false => self.weights.shape[0] / self.groups,
        }
    }

    fn outputs(&self) -> usize {
        self.own() * self.groups
    }

    /// Inputs of a group.
    fn width(&self) -> usize {
        match self.inputs_first {
            true => self.weights.shape[0] / self.groups,
            false => self.weights.shape[1],
        }
    }

    fn weight(&self, group: usize, output: usize, channel: usize, tap: usize) -> f32 {
        let taps: usize = self.weights.shape[2..].iter().product();
        let row = match self.inputs_first {
            true => (group * self.width() + channel) * self.own() + output,
            false => (group * self.own() + output) * self.width() + channel,
        };
        self.weights.data[row * taps + tap]
    }

    /// Brings the sums of all `kinds` of windows of a group to one grid per output: their weights may happen to allow a
    /// coarser one for some of them.
    fn align(&self, sums: &mut [Linear], kinds: usize) -> Lowered<()> {
        for group in sums.chunks_mut(kinds) {
            for output in 0..self.own() {
                let steps = group.iter().map(|linear| linear.step[output]);
                let finest = steps.min_by_key(|step| step.exponent()).ok_or(PROPORTION)?;
                for linear in group.iter_mut() {
                    let factor = linear.step[output].integer_over(finest);
                    let row = output * linear.inputs..(output + 1) * linear.inputs;
                    let zero = linear.weights[row.clone()].iter().all(|w| *w == 0);
                    let factor = match factor {
                        Some(factor) => i64::try_from(factor).map_err(|_| PROPORTION)?,
                        None if zero => 1,
                        // On grids that have nothing to do with each other they stay apart.
                        None => continue,
                    };
                    for weight in &mut linear.weights[row] {
                        *weight = weight
                            .checked_mul(factor)
                            .filter(|w| i32::try_from(*w).is_ok())
                            .ok_or(PROPORTION)?;
                    }
                    linear.step[output] = finest;
                }
            }
        }
        Ok(())
    }
}
