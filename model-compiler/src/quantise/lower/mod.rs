//! From layers to integer operations, at given widths.
//!
//! A layer's result is *wide* as it is computed (words, accumulators), with a real LSB per channel.
//! A consumer that wants few bits *narrows* it: one rescale to a signed power-of-two format, shared
//! by all consumers. Factors (normalisation, 1/N, a weight's unit) change only the LSB of a wide
//! value and cost nothing until it is narrowed.

mod build;
mod dense;
mod layers;
mod pooling;
mod trees;

use hodoscope_program::{IntType, Operation, Output, Program, ValueId};

use super::format::{self, Chosen};
use super::room::Room;
use super::rounding::Roundings;
use super::statistics::Statistics;
use super::words::Frame;
use super::{Options, QuantiseError, TensorFormat};
use crate::recognise::{Layer, Network, NodeIndex, of_channel};
use build::Builder;
pub(crate) use build::identifier;

/// Bits of an output that is narrowed.
const OUTPUT_WIDTH: u8 = 16;

/// A program with the formats that were chosen on the way.
#[derive(Clone, Debug)]
pub(super) struct Lowered {
    pub program: Program,
    /// For each narrowed layer: its node and format.
    pub formats: Vec<(NodeIndex, TensorFormat)>,
}

/// Lowers `network` with `widths[node]` bits where a node's result is narrowed.
pub(super) fn lower(
    network: &Network,
    frame: &Frame,
    statistics: &Statistics,
    options: &Options,
    (widths, room): (&[u8], Room),
    roundings: &mut Roundings,
) -> Result<Lowered, QuantiseError> {
    let mut lowering = Lowering {
        network,
        frame,
        statistics,
        options,
        widths,
        room,
        roundings,
        builder: Builder::new(network, frame),
        wide: Vec::with_capacity(network.nodes.len()),
        narrow: vec![None; network.nodes.len()],
        formats: vec![],
    };
    for node in 0..network.nodes.len() {
        let wide = lowering.layer(node)?;
        lowering.wide.push(wide);
    }
    for (name, node) in &network.outputs {
        let value = lowering.output(*node)?;
        lowering.builder.program.outputs.push(Output {
            name: name.clone(),
            value,
        });
    }
    let program = build::settle(lowering.builder.program)?;
    let mut formats = lowering.formats;
    formats.sort_by_key(|(node, _)| *node);
    Ok(Lowered { program, formats })
}

/// A value with the real LSB of its channels, one for all or one each.
#[derive(Clone, Debug)]
struct Wide {
    value: ValueId,
    lsb: Vec<f64>,
}

/// A value of few bits at 2^−frac.
#[derive(Clone, Copy, Debug)]
struct Narrow {
    value: ValueId,
    frac: i32,
}

struct Lowering<'a> {
    network: &'a Network,
    frame: &'a Frame,
    statistics: &'a Statistics,
    options: &'a Options,
    widths: &'a [u8],
    room: Room,
    roundings: &'a mut Roundings,
    builder: Builder,
    wide: Vec<Wide>,
    narrow: Vec<Option<Narrow>>,
    formats: Vec<(NodeIndex, TensorFormat)>,
}

type Lower<T> = Result<T, QuantiseError>;

impl Lowering<'_> {
    /// `node` in few bits, at the format that its own values ask for.
    fn narrow(&mut self, node: NodeIndex) -> Lower<Narrow> {
        if let Some(narrow) = self.narrow[node] {
            return Ok(narrow);
        }
        let wide = self.wide[node].clone();
        if let Some(narrow) = self.already_narrow(&wide) {
            return Ok(narrow);
        }
        let chosen = self.choose(node, self.widths[node]);
        self.narrow_at(node, chosen, self.widths[node])
    }

    /// `node` in `width` bits at a given format.
    fn narrow_at(&mut self, node: NodeIndex, chosen: Chosen, width: u8) -> Lower<Narrow> {
        let wide = self.wide[node].clone();
        let name = self.network.nodes[node].name.clone();
        let value = self.rescale(&name, &wide, &[], chosen.frac, width)?;
        let narrow = Narrow {
            value,
            frac: chosen.frac,
        };
        self.narrow[node] = Some(narrow);
        self.note(node, value, chosen, width);
        Ok(narrow)
    }

    /// A wide value that has few bits and one power-of-two LSB already: a table's entries, a relu.
    fn already_narrow(&self, wide: &Wide) -> Option<Narrow> {
        let uniform = wide.lsb.iter().all(|lsb| *lsb == wide.lsb[0]);
        let few = self.builder.element(wide.value).storage().width <= 16;
        if !(uniform && few && format::is_power_of_two(wide.lsb[0])) {
            return None;
        }
        Some(Narrow {
            value: wide.value,
            frac: -libm::ilogb(wide.lsb[0]),
        })
    }

    /// The format of a node's values at `width` bits.
    fn choose(&self, node: NodeIndex, width: u8) -> Chosen {
        let statistics = &self.statistics.nodes[node];
        if width <= 8 {
            return format::best_frac(&statistics.samples, width);
        }
        // Bits to spare: cover what calibration saw twice over, and of words their whole range,
        // which an anomaly may well use.
        let seen = statistics.minimum.abs().max(statistics.maximum.abs());
        let mut magnitude = f64::from(seen) * self.room.of_layer(width);
        if let Some(range) = self.word_range(node) {
            let finest = format::covering_frac(f64::from(seen), width);
            let whole = format::covering_frac(range, width);
            // Not at any price: a field far wider than its values would leave them no bits.
            if finest - whole <= self.room.bits_for_words(width) {
                magnitude = range;
            }
        }
        let frac = format::covering_frac(magnitude, width);
        Chosen {
            frac,
            noise: format::noise(&statistics.samples, frac, width),
        }
    }

    /// Largest absolute value that the words behind a node can mean.
    fn word_range(&self, node: NodeIndex) -> Option<f64> {
        let ranges = self.word_ranges(node)?;
        let largest = |m: f64, (low, high): &(f64, f64)| m.max(low.abs()).max(high.abs());
        Some(ranges.iter().fold(0.0, largest))
    }

    /// For a node that only moves and scales words: the values at both ends of each channel's range.
    fn word_ranges(&self, node: NodeIndex) -> Option<Vec<(f64, f64)>> {
        match &self.network.nodes[node].layer {
            Layer::Input(index) => {
                let input = &self.frame.inputs[*index];
                let ends = |c| {
                    let field = input.field(c);
                    let part = self.room.of_range(field);
                    let ends = (field.minimum, field.maximum);
                    (part * field.decode(ends.0), part * field.decode(ends.1))
                };
                Some((0..input.channels).map(ends).collect())
            }
            Layer::Affine { x, scale, shift } => {
                let ranges = self.word_ranges(*x)?.into_iter().enumerate();
                let moved = |c: usize, end: f64| end * of_channel(scale, c) + of_channel(shift, c);
                Some(
                    ranges
                        .map(|(c, (low, high))| (moved(c, low), moved(c, high)))
                        .collect(),
                )
            }
            Layer::Select { x, channels } => {
                let ranges = self.word_ranges(*x)?;
                Some(channels.iter().map(|c| ranges[*c]).collect())
            }
            _ => None,
        }
    }

    /// Pushes a rescale of `wide` (plus `shift`, in the value's own unit) to `width` bits at `frac`.
    fn rescale(
        &mut self,
        name: &str,
        wide: &Wide,
        shift: &[f64],
        frac: i32,
        width: u8,
    ) -> Lower<ValueId> {
        let scale = libm::ldexp(1.0, frac);
        let mut multipliers = Vec::new();
        let mut shifts = Vec::new();
        for lsb in &wide.lsb {
            let Some((m, s)) = format::multiplier(lsb * scale) else {
                return Err(QuantiseError::Layer {
                    layer: name.into(),
                    reason: format!("one count is {lsb:e}, too coarse for 2^-{frac}"),
                });
            };
            multipliers.push(m);
            shifts.push(s);
        }
        let offset = |(c, t): (usize, &f64)| {
            let s = of_channel(&shifts, c);
            let ratio = of_channel(&wide.lsb, c) * scale;
            // What cancels all but a small part of the operand has to be as much of it as the multiplier is.
            let far = libm::ldexp(t.abs(), frac) > libm::ldexp(1.0, i32::from(width) + 1);
            let t = match far && ratio != 0.0 {
                true => libm::ldexp(of_channel(&multipliers, c) as f64, -i32::from(s)) / ratio * t,
                false => *t,
            };
            (libm::ldexp(t, frac + i32::from(s)) + 0.5).floor() as i64
        };
        let offsets = match shift {
            [] => vec![0],
            // An offset of its own per channel needs a shift of its own.
            _ => shift.iter().enumerate().map(offset).collect(),
        };
        collapse(&mut multipliers);
        collapse(&mut shifts);
        self.builder.rescale(
            name,
            wide.value,
            multipliers,
            offsets,
            shifts,
            IntType::signed(width),
            frac,
        )
    }

    /// Notes a format for the report, and for the search of what to widen.
    fn note(&mut self, node: NodeIndex, value: ValueId, chosen: Chosen, width: u8) {
        let statistics = &self.statistics.nodes[node];
        let samples = statistics.samples.iter();
        let signal: f64 = samples.map(|v| f64::from(*v) * f64::from(*v)).sum();
        let signal = signal / statistics.samples.len().max(1) as f64;
        let format = TensorFormat {
            name: self.builder.name(value).into(),
            width,
            frac: chosen.frac,
            range: (statistics.minimum, statistics.maximum),
            sqnr_db: 10.0 * libm::log10(signal / chosen.noise.max(f64::MIN_POSITIVE)),
        };
        self.formats.push((node, format));
    }

    /// A wide value under the scale that it has behind the factors of `node`: the same raws, as a
    /// value of their own where the factors changed their meaning.
    fn with_scale(&mut self, node: NodeIndex, wide: &Wide) -> ValueId {
        let scale = build::scale(&wide.lsb);
        let value = self.builder.program.value(wide.value);
        if value.scale == scale {
            return wide.value;
        }
        let (shape, element) = (value.shape.clone(), value.element);
        let operation = Operation::Select {
            x: wide.value,
            channels: (0..shape.channels()).collect(),
        };
        let name = self.network.nodes[node].name.clone();
        self.builder.push(&name, shape, element, scale, operation)
    }

    /// The value of an output: as it is where one LSB serves all its channels, else narrowed.
    fn output(&mut self, node: NodeIndex) -> Lower<ValueId> {
        let wide = self.wide[node].clone();
        // A factor of zero or below is no LSB of an output.
        if wide.lsb.iter().all(|lsb| *lsb == wide.lsb[0]) && wide.lsb[0] > 0.0 {
            return Ok(self.with_scale(node, &wide));
        }
        if let Some(narrow) = self.narrow[node] {
            return Ok(narrow.value);
        }
        let chosen = self.choose(node, OUTPUT_WIDTH);
        Ok(self.narrow_at(node, chosen, OUTPUT_WIDTH)?.value)
    }
}

/// One entry where all are equal.
fn collapse<T: PartialEq>(entries: &mut Vec<T>) {
    if entries.iter().all(|entry| *entry == entries[0]) {
        entries.truncate(1);
    }
}
