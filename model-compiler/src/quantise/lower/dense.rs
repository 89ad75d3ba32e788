//! Dense layers: weights per row, bias in the accumulator's scale.

use hodoscope_program::{IntType, Operation};

use super::{Lower, Lowering, Narrow, Wide};
use crate::quantise::QuantiseError;
use crate::quantise::format;
use crate::quantise::rounding::row_frac;
use crate::recognise::{Layer, NodeIndex, of_channel};

/// Bits that a bias may take of an accumulator, and the largest fraction of one, which keeps shifts within bounds for
/// weights near zero: with operands of 16 bits, and of more.
const ROOM: i32 = 30;
const WIDE_ROOM: i32 = 46;

impl Lowering<'_> {
    /// Lowers a dense layer: the operand is narrowed, its channels equalised where they are raw
    /// detector words of different units.
    pub(super) fn dense(
        &mut self,
        node: NodeIndex,
        x: NodeIndex,
        weights: &[f32],
        bias: &[f32],
    ) -> Lower<Wide> {
        let inputs = self.network.nodes[x].channels;
        let (narrow, gains) = if self.is_raw_words(x) {
            self.equalised(x)?
        } else {
            (self.narrow(x)?, vec![1.0; inputs])
        };
        let name = &self.network.nodes[node].name;
        let limit = libm::ldexp(1.0, i32::from(self.options.weights) - 1) - 1.0;
        let rows: Vec<Vec<f64>> = weights
            .chunks(inputs)
            .map(|row| {
                row.iter()
                    .zip(&gains)
                    .map(|(w, g)| f64::from(*w) * g)
                    .collect()
            })
            .collect();
        let room = match self.widths[x] > 16 {
            true => WIDE_ROOM,
            false => ROOM,
        };
        let fracs: Vec<i32> = rows
            .iter()
            .zip(bias)
            .map(|(row, bias)| row_frac(row, f64::from(*bias), narrow.frac, limit, room))
            .collect();
        let moments = self.statistics.nodes[x].moments.as_ref();
        let rounded = self
            .roundings
            .of(node, &rows, &fracs, &gains, limit, moments);
        let mut bias_raws = Vec::with_capacity(bias.len());
        let mut lsb = Vec::with_capacity(bias.len());
        for ((bias, shift), frac) in bias.iter().zip(&rounded.shifts).zip(fracs) {
            let bias = f64::from(*bias) - shift;
            let accumulator = narrow.frac + frac;
            let raw = (libm::ldexp(bias, accumulator) + 0.5).floor();
            if raw.abs() > libm::ldexp(1.0, 60) {
                return Err(QuantiseError::Layer {
                    layer: name.clone(),
                    reason: format!("the bias {bias:e} is too large for its inputs"),
                });
            }
            bias_raws.push(raw as i64);
            lsb.push(libm::ldexp(1.0, -accumulator));
        }
        let raws = rounded.raws.clone();
        let outputs = bias.len();
        let element = IntType::signed(self.options.weights);
        let weights = format!("{name}.weights");
        let weights = self
            .builder
            .constant(&weights, vec![outputs, inputs], element, raws);
        let bias = format!("{name}.bias");
        let bias = self
            .builder
            .constant(&bias, vec![outputs], IntType::signed(64), bias_raws);
        let x = narrow.value;
        let shape = super::layers::with_channels(self.builder.shape(x), outputs);
        let operation = Operation::Dense { x, weights, bias };
        let value = self.builder.accumulate(name, shape, &lsb, operation);
        super::collapse(&mut lsb);
        Ok(Wide { value, lsb })
    }

    /// Whether `node` is words as they arrive, without any normalisation of the network's own.
    fn is_raw_words(&self, node: NodeIndex) -> bool {
        match &self.network.nodes[node].layer {
            Layer::Input(_) => true,
            Layer::Select { x, .. } => self.is_raw_words(*x),
            _ => false,
        }
    }

    /// Words narrowed so that each channel uses its whole format; the gains go into the weights.
    fn equalised(&mut self, node: NodeIndex) -> Lower<(Narrow, Vec<f64>)> {
        let width = self.widths[node];
        let frac = i32::from(width) - 1;
        let ranges = self.word_ranges(node);
        let wide = self.wide[node].clone();
        let seen = &self.statistics.nodes[node].channel_maximum;
        let mut gains = Vec::with_capacity(seen.len());
        for (c, seen) in seen.iter().enumerate() {
            let lsb = of_channel(&wide.lsb, c).abs();
            let whole = ranges
                .as_ref()
                .map_or(f64::INFINITY, |r| r[c].0.abs().max(r[c].1.abs()));
            // 8 bits cover what was seen, 16 the whole range of the word within reason.
            let seen = f64::from(*seen).max(lsb);
            let reach = if width > 8 {
                whole.min(self.room.of_words(width) * seen)
            } else {
                seen
            };
            gains.push(reach.max(f64::MIN_POSITIVE));
        }
        let lsb = (0..gains.len())
            .map(|c| of_channel(&wide.lsb, c) / gains[c])
            .collect();
        let equalised = Wide { lsb, ..wide };
        let name = self.network.nodes[node].name.clone();
        let value = self.rescale(&name, &equalised, &[], frac, width)?;
        let noise = self.equalised_noise(node, &gains, frac, width);
        self.note(node, value, format::Chosen { frac, noise }, width);
        Ok((Narrow { value, frac }, gains))
    }

    /// Mean squared error per sample of the coarsest channel: what decides whether to widen.
    fn equalised_noise(&self, node: NodeIndex, gains: &[f64], frac: i32, width: u8) -> f64 {
        let samples = &self.statistics.nodes[node].samples;
        let largest = gains.iter().fold(0.0f64, |m, g| m.max(*g));
        let scaled: Vec<f32> = samples
            .iter()
            .map(|s| (f64::from(*s) / largest) as f32)
            .collect();
        format::noise(&scaled, frac, width) * largest * largest
    }
}
