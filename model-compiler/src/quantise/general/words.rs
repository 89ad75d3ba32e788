//! The words of the inputs, and which of their elements share a format.

use hodoscope_program::{ExactF64, Field, Input};

use super::grid::Grid;
use super::places;
use crate::exact;
use crate::format;
use crate::graph::sets::SetAxis;
use crate::graph::{Graph, GraphInput, Kind, Op};
use crate::inputs::InputsSpec;
use crate::quantise::columns::{Column, WORD, columns};
use crate::quantise::room::Room;
use crate::quantise::{Calibration, QuantiseError};

/// Bits of a calibrated word that something else than layers and trees reads.
const FINE_WORD: u8 = 30;

/// An input of the program, and the feature that each of its elements is.
#[derive(Clone, Debug)]
pub(super) struct Words {
    pub input: Input,
    /// Largest absolute value of each feature among the calibration events.
    pub seen: Vec<f32>,
    /// The feature of each element.
    pub features: Vec<usize>,
}

/// The words of every input: as they are stated, or calibrated per feature.
pub(super) fn words(
    graph: &Graph,
    spec: &InputsSpec,
    calibration: &Calibration,
) -> Result<Vec<Words>, QuantiseError> {
    let axis = exact::axis(graph, spec).filter(SetAxis::is_set);
    let slots = |input: &GraphInput| axis.as_ref().and_then(|axis| axis.of(input.value));
    let inputs = graph.inputs().iter().enumerate();
    inputs
        .map(|(index, input)| {
            let elements = graph.elements(input.value);
            let stated = spec
                .get(&input.name)
                .map(|s| s.fields())
                .unwrap_or_default();
            if stated.is_empty() {
                let features = match slots(input) {
                    // All slots of a set have the same words.
                    Some(slots) => {
                        let place = |e: usize| {
                            e / (slots.slots * slots.inner) * slots.inner + e % slots.inner
                        };
                        (0..elements).map(place).collect()
                    }
                    None => features(graph, input),
                };
                let columns = seen(calibration, index, &features);
                let mut seen: Vec<f32> = columns.iter().map(|column| column.largest).collect();
                if input.kind != Kind::Float {
                    // Integers are of one kind, wherever they stand.
                    let largest = seen.iter().copied().fold(0.0, f32::max);
                    seen.fill(largest);
                }
                let signed = calibration.input(index).values.iter().any(|v| *v < 0.0);
                let bits = match graph.outputs().iter().all(|o| o.value != input.value) {
                    true if read_by_layers(graph, input) => WORD,
                    _ => FINE_WORD,
                };
                let field =
                    |f: &usize| field(input.kind, *f, &columns[*f], seen[*f], (signed, bits));
                let fields = features.iter().map(field);
                let mut fields: Vec<Field> = fields.collect();
                if let Some(rows) = places::rows(graph, input)? {
                    for field in &mut fields {
                        let first = if signed { -rows } else { 0 };
                        (field.minimum, field.maximum) = (first, rows - 1);
                    }
                }
                if fields.iter().all(|f| f.lsb == fields[0].lsb) {
                    fields.truncate(1);
                    fields[0].name = "value".into();
                }
                return Ok(Words {
                    input: program_input(input, elements, fields),
                    seen,
                    features,
                });
            }
            if !elements.is_multiple_of(stated.len()) {
                let count = stated.len();
                return Err(QuantiseError::Input {
                    input: input.name.clone(),
                    reason: format!("{count} fields do not repeat along its {elements} values"),
                });
            }
            let features: Vec<usize> = (0..elements).map(|e| e % stated.len()).collect();
            Ok(Words {
                seen: seen(calibration, index, &features)
                    .iter()
                    .map(|column| column.largest)
                    .collect(),
                input: program_input(input, elements, stated),
                features,
            })
        })
        .collect()
}

fn program_input(input: &GraphInput, channels: usize, fields: Vec<Field>) -> Input {
    Input {
        name: input.name.clone(),
        set: None,
        channels,
        fields,
    }
}

/// The feature of each element: its index on the axis that the first layer sums over. Of an image and of what a
/// convolution reads that is the channel, of everything else the last axis.
fn features(graph: &Graph, input: &GraphInput) -> Vec<usize> {
    let shape = graph.shape(input.value);
    let mut axis = shape.len().saturating_sub(1);
    let consumers = graph.consumers();
    // Axis `order[i]` of the input is axis i of the value that is followed.
    let mut followed = vec![(input.value, (0..shape.len()).collect::<Vec<usize>>())];
    while let Some((value, order)) = followed.pop() {
        for id in &consumers[value.index()] {
            let node = graph.node(*id);
            match &node.op {
                Op::Transpose { perm } => {
                    let order = perm.iter().map(|axis| order[*axis]).collect();
                    followed.push((node.output, order));
                }
                Op::ScaleShift { .. } => followed.push((node.output, order.clone())),
                Op::Conv { .. } | Op::ConvTranspose { .. } | Op::Pool { .. } => axis = order[1],
                _ => {}
            }
        }
    }
    let extent = shape.get(axis).copied().unwrap_or(1);
    let inner: usize = shape.iter().skip(axis + 1).product();
    let elements: usize = shape.iter().product();
    (0..elements).map(|e| e / inner % extent).collect()
}

/// Whether nothing but layers and trees reads an input, moved and scaled perhaps.
fn read_by_layers(graph: &Graph, input: &GraphInput) -> bool {
    let consumers = graph.consumers();
    let mut followed = vec![input.value];
    while let Some(value) = followed.pop() {
        for id in &consumers[value.index()] {
            let node = graph.node(*id);
            match &node.op {
                Op::Dense { .. }
                | Op::Conv { .. }
                | Op::ConvTranspose { .. }
                | Op::Trees(_)
                | Op::Pool { .. } => {}
                Op::ScaleShift { .. } | Op::Pad { .. } => followed.push(node.output),
                op if op.moves() => followed.push(node.output),
                _ => return false,
            }
        }
    }
    true
}

fn seen(calibration: &Calibration, input: usize, features: &[usize]) -> Vec<Column> {
    columns(&calibration.input(input).values, features)
}

/// The words of a feature; whole numbers of the graph count by one, in as many bits as that takes.
fn field(
    kind: Kind,
    feature: usize,
    column: &Column,
    largest: f32,
    (signed, bits): (bool, u8),
) -> Field {
    let mut field = column.fine_field(format!("c{feature}"), bits);
    (field.minimum, field.maximum) = match kind {
        Kind::Float => return field,
        Kind::Bool => (0, 1),
        Kind::Int => {
            let twice = 2.0 * f64::from(largest);
            let bits = (0..31).find(|bits| libm::ldexp(1.0, *bits) > twice);
            let end = 1i64 << bits.unwrap_or(31).max(1);
            (if signed { -end } else { 0 }, end - 1)
        }
    };
    field.lsb = ExactF64(1.0);
    field
}

impl Words {
    /// Bits of a word.
    pub fn bits(&self) -> u8 {
        self.input.element().width
    }

    /// The grid of the words, where each LSB is a power of two.
    pub fn grid(&self) -> Option<Grid> {
        let frac = |element: usize| {
            let lsb = self.input.field(element).lsb.0;
            format::is_power_of_two(lsb).then(|| -libm::ilogb(lsb))
        };
        let fracs = (0..self.features.len()).map(frac);
        fracs.collect::<Option<Vec<i32>>>().map(Grid::of)
    }

    /// The fraction bits of a feature at `width` bits: 8 bits cover what was seen, 16 the word's whole range within
    /// reason; of a feature that was never but zero all of it.
    pub fn frac(&self, feature: usize, width: u8, room: Room) -> i32 {
        let seen = f64::from(self.seen[feature]);
        let finest = format::covering_frac(seen, width);
        if width <= 8 {
            return finest;
        }
        let element = self.features.iter().position(|f| *f == feature);
        let field = self.input.field(element.unwrap_or(0));
        let ends = [field.decode(field.minimum), field.decode(field.maximum)];
        let range = ends[0].abs().max(ends[1].abs()) * room.of_range(field);
        let whole = format::covering_frac(range, width);
        // What was zero in all events tells no range.
        if seen == 0.0 {
            return whole;
        }
        match finest - whole <= room.bits_for_words(width) {
            true => whole,
            false => format::covering_frac(room.of_layer(width) * seen, width),
        }
    }
}
