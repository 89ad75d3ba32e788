//! One function per kind of layer.

use hodoscope_program::{Dim, Encoding, IntType, Operation, Rounding, Scale, Shape, ValueId};

use super::{Lower, Lowering, Narrow, OUTPUT_WIDTH, Wide};
use crate::functions::{ARGUMENT_BITS, Counts, Lines, argument_frac, line_above, useful};
use crate::graph::Unary;
use crate::quantise::format::{self, Chosen};
use crate::quantise::{Activations, QuantiseError};
use crate::recognise::{Layer, NodeIndex, of_channel};

/// Index bits of a table among 8-bit activations: of one that makes an output, and of any other.
const OUTPUT_TABLE_BITS: u8 = 12;
const TABLE_BITS: u8 = 10;
/// Bits of a leaky slope's fraction.
const SLOPE_BITS: u8 = 15;

impl Lowering<'_> {
    pub(super) fn layer(&mut self, node: NodeIndex) -> Lower<Wide> {
        let network = self.network;
        let name = network.nodes[node].name.as_str();
        match &network.nodes[node].layer {
            Layer::Input(index) => {
                let input = &self.frame.inputs[*index];
                let lsb = (0..input.channels).map(|c| input.field(c).lsb.0).collect();
                let value = self.builder.input(*index);
                Ok(Wide { value, lsb })
            }
            Layer::Affine { x, scale, shift } => self.affine(node, *x, scale, shift),
            Layer::Dense { x, weights, bias } => self.dense(node, *x, weights, bias),
            Layer::Activation { x, function } => self.activation(node, *x, *function),
            Layer::Sum { x, padded } => self.sum(node, *x, *padded),
            Layer::Max { x, empty } => self.maximum(node, *x, *empty),
            Layer::PerCount { x, minimum, offset } => self.per_count(node, *x, *minimum, *offset),
            Layer::Lookup { x, entries } => self.lookup(node, *x, entries),
            Layer::ArgMax { x } => self.arg_max(node, *x),
            Layer::Trees { x, forest } => self.trees(node, *x, forest),
            Layer::Mul { a, b } => {
                let (a, b) = (self.factor(*a)?, self.factor(*b)?);
                let channels = |w: &Wide| self.builder.shape(w.value).channels();
                let channels = channels(&a).max(channels(&b));
                let mut lsb: Vec<f64> = (0..channels)
                    .map(|c| of_channel(&a.lsb, c) * of_channel(&b.lsb, c))
                    .collect();
                super::collapse(&mut lsb);
                let (a, b) = (a.value, b.value);
                let shape = with_channels(self.builder.shape(a), channels);
                let operation = Operation::Mul { a, b };
                let value = self.builder.accumulate(name, shape, &lsb, operation);
                Ok(Wide { value, lsb })
            }
            Layer::SquaredError { a, b, divisor } => {
                let (a, b) = self.one_format(*a, *b)?;
                let lsb = libm::ldexp(1.0, -2 * b.frac) / divisor;
                let (a, b) = (a.value, b.value);
                self.score(name, a, lsb, Operation::SquaredError { a, b })
            }
            Layer::SumSquares { x, divisor } => {
                let x = self.narrow(*x)?;
                let lsb = libm::ldexp(1.0, -2 * x.frac) / divisor;
                self.score(name, x.value, lsb, Operation::SumSquares { x: x.value })
            }
            Layer::Select { x, channels } => {
                let wide = self.factor(*x)?;
                let (x, channels) = (wide.value, channels.clone());
                let lsb: Vec<f64> = match wide.lsb.len() {
                    1 => wide.lsb,
                    _ => channels.iter().map(|c| wide.lsb[*c]).collect(),
                };
                let element = self.builder.element(x);
                let shape = with_channels(self.builder.shape(x), channels.len());
                let operation = Operation::Select { x, channels };
                let scale = super::build::scale(&lsb);
                let value = self.builder.push(name, shape, element, scale, operation);
                Ok(Wide { value, lsb })
            }
            Layer::Concat { parts } => self.concat(node, parts),
        }
    }

    /// A factor changes the LSB; an offset needs a rescale.
    fn affine(
        &mut self,
        node: NodeIndex,
        x: NodeIndex,
        scale: &[f64],
        shift: &[f64],
    ) -> Lower<Wide> {
        let wide = self.wide[x].clone();
        let channels = self.network.nodes[node].channels;
        let mut lsb: Vec<f64> = (0..channels)
            .map(|c| of_channel(&wide.lsb, c) * of_channel(scale, c))
            .collect();
        let value = wide.value;
        if shift.iter().all(|t| *t == 0.0) {
            super::collapse(&mut lsb);
            return Ok(Wide { value, lsb });
        }
        let width = self.widths[node];
        let chosen = self.choose(node, width);
        let name = self.network.nodes[node].name.clone();
        let shift: Vec<f64> = (0..channels).map(|c| of_channel(shift, c)).collect();
        let value = self.rescale(&name, &Wide { value, lsb }, &shift, chosen.frac, width)?;
        self.note(node, value, chosen, width);
        Ok(Wide {
            value,
            lsb: vec![libm::ldexp(1.0, -chosen.frac)],
        })
    }

    fn activation(&mut self, node: NodeIndex, x: NodeIndex, function: Unary) -> Lower<Wide> {
        let name = self.network.nodes[node].name.clone();
        match function {
            Unary::Relu => {
                // What lies below zero needs no bits: the format is that of the result.
                let narrow = match self.already_narrow(&self.wide[x]) {
                    Some(narrow) => narrow,
                    None => {
                        let width = self.widths[node];
                        let chosen = self.choose(node, width);
                        let wide = self.wide[x].clone();
                        let before = self.network.nodes[x].name.clone();
                        let value = self.rescale(&before, &wide, &[], chosen.frac, width)?;
                        self.note(node, value, chosen, width);
                        Narrow {
                            value,
                            frac: chosen.frac,
                        }
                    }
                };
                Ok(self.unary(&name, narrow, Operation::Relu { x: narrow.value }))
            }
            Unary::LeakyRelu { alpha } => {
                let slope = libm::ldexp(f64::from(alpha), SLOPE_BITS.into());
                if !(0.0..=libm::ldexp(1.0, SLOPE_BITS.into())).contains(&slope) {
                    return Err(QuantiseError::Layer {
                        layer: name,
                        reason: format!("the slope {alpha} is not within 0 and 1"),
                    });
                }
                let narrow = self.narrow(x)?;
                let operation = Operation::LeakyRelu {
                    x: narrow.value,
                    multiplier: (slope + 0.5).floor() as i64,
                    shift: SLOPE_BITS,
                    rounding: Rounding::Rnd,
                };
                Ok(self.unary(&name, narrow, operation))
            }
            Unary::Sigmoid | Unary::Tanh => self.function(node, x, function),
            other => Err(QuantiseError::Layer {
                layer: name,
                reason: format!("{} has no integer form in this version", other.name()),
            }),
        }
    }

    /// An operation that keeps its operand's type and format.
    fn unary(&mut self, name: &str, narrow: Narrow, operation: Operation) -> Wide {
        let element = self.builder.element(narrow.value);
        let shape = self.builder.shape(narrow.value).clone();
        let scale = Scale::Pow2(narrow.frac);
        let value = self.builder.push(name, shape, element, scale, operation);
        let lsb = vec![libm::ldexp(1.0, -narrow.frac)];
        Wide { value, lsb }
    }

    fn is_output(&self, node: NodeIndex) -> bool {
        let mut outputs = self.network.outputs.iter();
        outputs.any(|(_, output)| *output == node)
    }

    /// A function within ±1: a table over few bits, or among wider activations straight lines between the entries of one.
    fn function(&mut self, node: NodeIndex, x: NodeIndex, function: Unary) -> Lower<Wide> {
        let fine = self.options.activations == Activations::Sixteen;
        let (width, frac) = match (self.is_output(node), self.widths[node]) {
            // Scores near 1 stay apart.
            (true, _) if fine => (32, 30),
            (false, width @ 9..) => (width, i32::from(width) - 1),
            _ if function == Unary::Tanh => return self.table(node, x, libm::tanh),
            _ => return self.table(node, x, |v| 1.0 / (1.0 + libm::exp(-v))),
        };
        let (wide, seen) = (self.wide[x].clone(), &self.statistics.nodes[x]);
        let magnitude = seen.minimum.abs().max(seen.maximum.abs());
        let index_frac = argument_frac(function, f64::from(magnitude) * self.room.of_argument());
        let noise = format::noise(&seen.samples, index_frac, ARGUMENT_BITS);
        let before = self.network.nodes[x].name.clone();
        let index = self.rescale(&before, &wide, &[], index_frac, ARGUMENT_BITS)?;
        let chosen = Chosen {
            frac: index_frac,
            noise,
        };
        self.note(x, index, chosen, ARGUMENT_BITS);
        let name = self.network.nodes[node].name.clone();
        let element = IntType::signed(width);
        let counts = Counts {
            scale: libm::ldexp(1.0, -frac),
            range: (element.minimum(), element.maximum()),
        };
        let step = libm::ldexp(1.0, -index_frac);
        let ty = IntType::signed(ARGUMENT_BITS);
        let (low, high) = useful(function, step, &counts);
        let ends = (low.max(ty.minimum()), high.min(ty.maximum()));
        let shape = self.builder.shape(index).clone();
        let clip = Operation::Clip {
            x: index,
            minimum: ends.0,
            maximum: ends.1,
        };
        let scale = Scale::Pow2(index_frac);
        let within = format!("{name}.within");
        let within = self.builder.push(&within, shape.clone(), ty, scale, clip);
        let refused = |reason| QuantiseError::Layer {
            layer: name.clone(),
            reason,
        };
        let (lines, enough) = Lines::of_function(function, step, ends, &counts).map_err(refused)?;
        if !enough && line_above(function, &counts).is_some() {
            return Err(refused(format!(
                "a table of {} over so wide an argument is too coarse",
                function.name()
            )));
        }
        let (first, shift) = (lines.first, lines.shift);
        let table = format!("{name}.table");
        let entries = vec![lines.entries.len()];
        let table = self
            .builder
            .constant(&table, entries, element, lines.entries);
        let operation = Operation::Interpolate {
            x: within,
            table,
            first,
            shift,
        };
        let scale = Scale::Pow2(frac);
        let value = self.builder.push(&name, shape, element, scale, operation);
        let lsb = vec![libm::ldexp(1.0, -frac)];
        Ok(Wide { value, lsb })
    }

    /// A function within ±1 as a table over every raw of its operand.
    fn table(
        &mut self,
        node: NodeIndex,
        x: NodeIndex,
        function: impl Fn(f64) -> f64,
    ) -> Lower<Wide> {
        let (bits, width) = match self.is_output(node) {
            true => (OUTPUT_TABLE_BITS, OUTPUT_WIDTH),
            false => (TABLE_BITS, self.widths[node]),
        };
        let wide = self.wide[x].clone();
        let chosen = format::best_frac(&self.statistics.nodes[x].samples, bits);
        let before = self.network.nodes[x].name.clone();
        let index = self.rescale(&before, &wide, &[], chosen.frac, bits)?;
        self.note(x, index, chosen, bits);
        let element = IntType::signed(width);
        let frac = i32::from(width) - 1;
        let entry = |raw: i64| {
            let value = function(libm::ldexp(raw as f64, -chosen.frac));
            let exact = (libm::ldexp(value, frac) + 0.5).floor() as i64;
            exact.clamp(element.minimum(), element.maximum())
        };
        let ty = IntType::signed(bits);
        let entries: Vec<i64> = (ty.minimum()..=ty.maximum()).map(entry).collect();
        let name = self.network.nodes[node].name.clone();
        let table = format!("{name}.table");
        let table = self
            .builder
            .constant(&table, vec![entries.len()], element, entries);
        let shape = self.builder.shape(index).clone();
        let operation = Operation::Table { x: index, table };
        let value = self
            .builder
            .push(&name, shape, element, Scale::Pow2(frac), operation);
        let lsb = vec![libm::ldexp(1.0, -frac)];
        Ok(Wide { value, lsb })
    }

    /// An operand of at most 16 bits: words and activations as they are, accumulators narrowed.
    fn factor(&mut self, node: NodeIndex) -> Lower<Wide> {
        let wide = self.wide[node].clone();
        if self.builder.element(wide.value).storage().width <= 16 {
            return Ok(wide);
        }
        let narrow = self.narrow(node)?;
        Ok(Wide {
            value: narrow.value,
            lsb: vec![libm::ldexp(1.0, -narrow.frac)],
        })
    }

    /// Both operands of an error at one frac: the target's own, coarser where the other needs it.
    fn one_format(&mut self, a: NodeIndex, b: NodeIndex) -> Lower<(Narrow, Narrow)> {
        // The target (the network's input) comes before its reconstruction.
        let (first, second) = if b < a { (b, a) } else { (a, b) };
        let seen = |node: NodeIndex| {
            let seen = &self.statistics.nodes[node];
            f64::from(seen.minimum.abs().max(seen.maximum.abs()))
        };
        let bits = self.widths[first].max(self.widths[second]).max(16);
        let end = |width: u8, frac: i32| libm::ldexp(1.0, i32::from(width) - 1 - frac);
        let known = self.narrow[first].or_else(|| self.already_narrow(&self.wide[first]));
        let (width, frac) = match known {
            Some(narrow) => (self.builder.element(narrow.value).width, narrow.frac),
            None => {
                let width = self.widths[first];
                (width, self.choose(first, width).frac)
            }
        };
        // Words that are stated keep the formats that they had.
        let mut fields = self.frame.inputs.iter().flat_map(|input| &input.fields);
        let calibrated = fields.any(|field| field.encoding == Encoding::Calibrated);
        let saturates = seen(first) > end(width, frac) || seen(second) > end(bits, frac);
        let target = match calibrated && saturates {
            false => self.narrow(first)?,
            true => {
                // What saturates is no error: an anomaly would look like what is known.
                let mut covering = self.choose(first, bits);
                covering.frac = covering.frac.min(self.choose(second, bits).frac);
                let samples = &self.statistics.nodes[first].samples;
                covering.noise = format::noise(samples, covering.frac, bits);
                self.narrow_at(first, covering, bits)?
            }
        };
        let mut reconstruction = self.choose(second, bits);
        reconstruction.frac = target.frac;
        let samples = &self.statistics.nodes[second].samples;
        reconstruction.noise = format::noise(samples, target.frac, bits);
        let other = self.narrow_at(second, reconstruction, bits)?;
        Ok(if b < a {
            (other, target)
        } else {
            (target, other)
        })
    }

    fn score(&mut self, name: &str, x: ValueId, lsb: f64, operation: Operation) -> Lower<Wide> {
        let shape = with_channels(self.builder.shape(x), 1);
        let lsb = vec![lsb];
        let value = self.builder.accumulate(name, shape, &lsb, operation);
        Ok(Wide { value, lsb })
    }

    /// All parts at the coarsest of their formats.
    fn concat(&mut self, node: NodeIndex, parts: &[NodeIndex]) -> Lower<Wide> {
        let width = self.widths[node];
        let fracs = parts.iter().map(|part| self.choose(*part, width).frac);
        let frac = fracs.min().unwrap_or(0);
        let name = self.network.nodes[node].name.clone();
        let mut values = Vec::new();
        for part in parts {
            let wide = self.wide[*part].clone();
            let before = self.network.nodes[*part].name.clone();
            values.push(self.rescale(&before, &wide, &[], frac, width)?);
        }
        let noise = format::noise(&self.statistics.nodes[node].samples, frac, width);
        self.note(node, values[0], Chosen { frac, noise }, width);
        let channels = self.network.nodes[node].channels;
        let shape = with_channels(self.builder.shape(values[0]), channels);
        let operation = Operation::Concat { parts: values };
        let scale = Scale::Pow2(frac);
        let element = IntType::signed(width);
        let value = self.builder.push(&name, shape, element, scale, operation);
        let lsb = vec![libm::ldexp(1.0, -frac)];
        Ok(Wide { value, lsb })
    }
}

/// The same rows with another number of channels.
pub(super) fn with_channels(shape: &Shape, channels: usize) -> Shape {
    let mut dims = shape.0.clone();
    if let Some(last) = dims.last_mut() {
        *last = Dim::Fixed(channels);
    }
    Shape(dims)
}
