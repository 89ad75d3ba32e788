//! Dense layers and convolutions: their weights are rounded on the grid of their operand.

use super::{Held, HeldKind, Insert, Insertion};
use crate::graph::{Node, Op, Tensor, ValueId};
use crate::quantise::general::weights::Layer;

impl Insertion<'_> {
    /// A layer with constant weights; its sums are exact.
    pub(super) fn layer(&mut self, node: &Node) -> Insert<Held> {
        let mut op = node.op.clone();
        let x = node.inputs.first().copied();
        let x = x.ok_or(crate::graph::GraphError::UnknownValue(u32::MAX))?;
        let axis = match op {
            Op::Dense { .. } => self.graph.shape(x).len() - 1,
            _ => 1,
        };
        let (operand, fracs, gains) = match (&op, self.equalised(x)?) {
            (Op::Dense { .. }, Some((operand, gains))) => {
                let frac = i32::from(self.width(x)) - 1;
                (operand, vec![frac; gains.len()], Some(gains))
            }
            _ => {
                let (operand, fracs) = self.channels(x, axis)?;
                (operand, fracs, None)
            }
        };
        let (Op::Dense { weights, bias }
        | Op::Conv { weights, bias, .. }
        | Op::ConvTranspose { weights, bias, .. }) = &mut op
        else {
            return self.pushed(node, &[operand], HeldKind::Sums);
        };
        let rows = rows(&node.op, &weights.shape, &fracs);
        Layer {
            index: node.output.index(),
            weights,
            bias,
            rows,
            gains,
            width: self.options.weights,
            operand: self.width(x),
            moments: self.observations.values[x.index()].moments.as_ref(),
        }
        .round(self.roundings);
        let wide = self.new.push(&node.name, op, &[operand])?;
        Ok(Held {
            wide,
            narrow: None,
            kind: HeldKind::Sums,
        })
    }

    /// A narrow operand with the fraction bits of each of its channels.
    fn channels(&mut self, x: ValueId, axis: usize) -> Insert<(ValueId, Vec<i32>)> {
        let shape = self.graph.shape(x);
        let (narrow, grid) = self.narrow(x)?;
        if let Some(fracs) = grid.along(shape, axis) {
            return Ok((narrow, fracs));
        }
        let (uniform, frac) = self.uniform(x)?;
        Ok((uniform, vec![frac; shape[axis]]))
    }
}

/// For each output of a layer the places of its weights, with the fraction bits of the channel that each multiplies.
fn rows(op: &Op, shape: &[usize], fracs: &[i32]) -> Vec<Vec<(usize, i32)>> {
    let taps: usize = shape.iter().skip(2).product();
    match op {
        Op::ConvTranspose { groups, .. } => {
            // `[in, out / groups, …]`.
            let (inputs, own) = (shape[0], shape[1]);
            let channels = inputs / groups;
            let row = |output: usize| {
                let (group, output) = (output / own, output % own);
                let channels = group * channels..(group + 1) * channels;
                let places = channels.flat_map(|c| (0..taps).map(move |k| (c, k)));
                let place = |(c, k): (usize, usize)| ((c * own + output) * taps + k, fracs[c]);
                places.map(place).collect()
            };
            (0..own * groups).map(row).collect()
        }
        op => {
            let groups = match op {
                Op::Conv { groups, .. } => *groups,
                _ => 1,
            };
            // `[out, in / groups, …]`.
            let (outputs, inputs) = (shape[0], shape[1]);
            let row = |output: usize| {
                let group = output / (outputs / groups);
                let places = (0..inputs * taps).map(|i| {
                    let channel = group * inputs + i / taps;
                    (output * inputs * taps + i, fracs[channel])
                });
                places.collect()
            };
            (0..outputs).map(row).collect()
        }
    }
}

/// A constant operand, rounded to `width` bits as one tensor.
pub(super) fn rounded_factor(tensor: &Tensor, width: u8) -> Vec<f32> {
    use crate::format;
    let frac = format::best_frac_of_any_size(&tensor.data, width);
    let round = |v: &f32| format::rounded(*v, frac, width);
    tensor.data.iter().map(round).collect()
}
