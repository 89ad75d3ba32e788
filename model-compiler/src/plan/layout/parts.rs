//! A layer's rows in blocks: each is a layer of its own, called with its part of the constants.

use hodoscope_program::Constant;

use super::{Constants, Layer, Layout, Packed};
use crate::plan::cost::Mix;
use crate::plan::{Isa, Requantise};

/// The constants of a layer that is computed in blocks of rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// Those of all blocks, one after the other; where there are none, the program's own are taken so.
    pub constants: Constants,
    /// How many of each belong to a block. The last block may have fewer.
    pub strides: Strides,
    /// Whether they are others than those of the whole layer.
    pub are_own: bool,
}

/// Elements that belong to a block of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Strides {
    /// Of the weights.
    pub weights: usize,
    /// Of the bias; as many rows are computed.
    pub bias: usize,
    /// Of whatever the rescale has for each row.
    pub shifts: usize,
    /// Of the lengths of blocks of columns.
    pub blocks: usize,
    /// Of the stream.
    pub stream: usize,
}

/// Some rows of a layer.
struct Rows {
    weights: Constant,
    bias: Constant,
    rescale: Option<(Requantise, (i64, i64))>,
}

impl Rows {
    /// A block after the other.
    fn all(layer: &Layer<'_>, rows: usize) -> Vec<Self> {
        let part = |constant: &Constant, width: usize, start: usize, end: usize| Constant {
            name: constant.name.clone(),
            shape: constant.shape.clone(),
            element: constant.element,
            data: constant.data[start * width..end * width].to_vec(),
        };
        let starts = (0..layer.rows()).step_by(rows.max(1));
        let each = starts.map(|start| {
            let end = layer.rows().min(start + rows);
            let rescale = layer
                .rescale
                .map(|(requantise, limits)| (requantise.rows(start..end), limits));
            Self {
                weights: part(layer.weights, layer.columns(), start, end),
                bias: part(layer.bias, 1, start, end),
                rescale,
            }
        });
        each.collect()
    }

    fn layer<'a>(&'a self, whole: &Layer<'a>) -> Layer<'a> {
        Layer {
            weights: &self.weights,
            bias: &self.bias,
            rescale: self
                .rescale
                .as_ref()
                .map(|(requantise, limits)| (requantise, *limits)),
            ..*whole
        }
    }
}

impl Parts {
    /// The constants of `layer` for blocks of `rows`.
    pub fn new(layout: Layout, layer: &Layer<'_>, rows: usize) -> Self {
        let all = Rows::all(layer, rows);
        let mut each: Vec<Constants> = all
            .iter()
            .map(|rows| layout.constants(&rows.layer(layer)))
            .collect();
        // Of lengths of blocks of columns not every block of rows has equally many: what is filled up is not read.
        let lengths = each
            .iter()
            .filter_map(|part| Some(part.blocks.as_ref()?.data.len()));
        let longest = lengths.max().unwrap_or(0);
        for lengths in each.iter_mut().filter_map(|part| part.blocks.as_mut()) {
            lengths.data.resize(longest, 0);
        }
        let first = each.first().cloned().unwrap_or_default();
        let length = |packed: &Option<Packed>, own: usize| {
            packed.as_ref().map_or(own, |packed| packed.data.len())
        };
        let strides = Strides {
            weights: length(&first.weights, rows * layer.columns()),
            bias: length(&first.bias, rows),
            shifts: length(&first.shifts, rows),
            blocks: length(&first.blocks, 0),
            stream: length(&first.stream, 0),
        };
        let joined = |of: fn(&Constants) -> &Option<Packed>| {
            let mut packed = of(&first).clone()?;
            packed.data = each
                .iter()
                .filter_map(of_data(of))
                .flatten()
                .copied()
                .collect();
            Some(packed)
        };
        let constants = Constants {
            weights: joined(|part| &part.weights),
            bias: joined(|part| &part.bias),
            shifts: joined(|part| &part.shifts),
            blocks: joined(|part| &part.blocks),
            stream: joined(|part| &part.stream),
            is_code: first.is_code,
        };
        Self {
            are_own: constants != layout.constants(layer),
            constants,
            strides,
        }
    }

    /// Instructions of all blocks.
    pub(in crate::plan) fn mix(layout: Layout, layer: &Layer<'_>, rows: usize, isa: Isa) -> Mix {
        let all = Rows::all(layer, rows);
        let mixes = all
            .iter()
            .map(|rows| layout.definition().mix(&rows.layer(layer), isa));
        mixes.fold(Mix::default(), |sum, mix| sum.plus(&mix))
    }

    /// What the kernel is given for the block number `block`; the program's own constants are not among it.
    pub fn part(&self, block: usize) -> Constants {
        let of = |packed: &Option<Packed>, stride: usize| {
            let packed = packed.as_ref()?;
            Some(Packed {
                element: packed.element,
                data: packed.data.chunks(stride.max(1)).nth(block)?.to_vec(),
            })
        };
        let Self {
            constants, strides, ..
        } = self;
        Constants {
            weights: of(&constants.weights, strides.weights),
            bias: of(&constants.bias, strides.bias),
            shifts: of(&constants.shifts, strides.shifts),
            blocks: of(&constants.blocks, strides.blocks),
            stream: of(&constants.stream, strides.stream),
            is_code: constants.is_code,
        }
    }
}

/// The elements of one of the constants.
fn of_data(of: fn(&Constants) -> &Option<Packed>) -> impl Fn(&Constants) -> Option<&Vec<i64>> {
    move |part| of(part).as_ref().map(|packed| &packed.data)
}
