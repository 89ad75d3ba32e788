//! Ways to hold and compute a dense layer, one file each.
//!
//! A layout is exact under a condition that is proved here, from the layer's weights and the
//! interval of its operand. Of those that are exact, a plan takes the cheapest on its core, or one that
//! costs a 32nd more and takes fewer bytes per weight.

mod byte_pairs;
mod byte_quads;
mod groups;
mod half_pairs;
mod nested_pairs;
mod packed_words;
mod parts;
mod row_blocks;
mod rows;
mod shift_adds;
mod stream;

use std::fmt;

use hodoscope_program::{Constant, IntType, Interval};

pub use parts::{Parts, Strides};
pub use shift_adds::{Adders, Term};
pub use stream::filled;

use super::cost::{Cost, Mix};
use super::{Accumulator, Isa, Requantise};

/// A dense layer and what is known about it.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'a> {
    /// `[out, in]`.
    pub weights: &'a Constant,
    /// `[out]`.
    pub bias: &'a Constant,
    /// Type of the operand.
    pub operand: IntType,
    /// Raws that any element of the operand can take.
    pub interval: Interval,
    /// Type of the result.
    pub result: IntType,
    /// Type in which its sums are proved to fit, its rescale's product included.
    pub accumulator: Accumulator,
    /// The rescale that follows, with its smallest and largest result; nothing where the sums are
    /// the result.
    pub rescale: Option<(&'a Requantise, (i64, i64))>,
    /// Whether it is computed for two constituents at once.
    pub twins: bool,
    /// Whether operand and result are arrays of the narrowest element, whatever the layout asks: each row is copied then.
    pub plain: (bool, bool),
    /// Whether operand or result have several rows, or are views, or other values are views of them.
    pub is_viewed: bool,
    /// Whether operand and result are one row each, and the result has no view.
    pub is_single: bool,
}

impl Layer<'_> {
    /// Number of outputs.
    pub fn rows(&self) -> usize {
        self.bias.data.len()
    }

    /// Number of inputs.
    pub fn columns(&self) -> usize {
        self.weights.data.len() / self.rows().max(1)
    }

    /// Whether its result is its sums with an addend, shifted once.
    fn is_shifted(&self) -> bool {
        let folded = self.rescale.and_then(|(requantise, _)| requantise.folded());
        folded.is_some_and(|folded| !folded.is_even())
    }

    /// Whether `layout` computes its sums only, and its rescale stands behind them.
    pub fn is_apart(&self, layout: Layout) -> bool {
        // One multiplier's scale is more than a 32-bit rescale of its own.
        let scaled = |requantise: &Requantise| matches!(requantise, Requantise::Scaled { .. });
        self.rescale.is_some_and(|(rescale, _)| !scaled(rescale))
            && layout.definition().prove(self).is_err()
    }

    /// What of it `layout` computes: all, or the sums.
    fn within(&self, layout: Layout) -> Self {
        match self.is_apart(layout) {
            true => Self {
                rescale: None,
                ..*self
            },
            false => *self,
        }
    }

    /// What the kernel of `layout` is given for it.
    pub fn constants(&self, layout: Layout) -> Constants {
        layout.constants(&self.within(layout))
    }

    /// How the kernels for `layout` store its result.
    pub fn stored_by(&self, layout: Layout) -> Storage {
        match self.is_apart(layout) {
            // As it is asked for.
            true => Storage::Narrowest,
            false => layout.result(self.rescale.is_some()),
        }
    }

    /// The rescale behind its sums where `layout` has none: from words on the stack.
    fn behind(&self, layout: Layout, isa: Isa) -> Mix {
        match self.rescale {
            Some((requantise, _)) if self.is_apart(layout) => {
                requantise.mix(isa).times(self.rows() as u64)
            }
            _ => Mix::default(),
        }
    }

    /// Constituents that one run computes.
    pub fn shares(&self) -> u64 {
        1 + u64::from(self.twins)
    }

    /// How operand and result are stored while `layout` computes, where that is not how they stand in the plan: they are
    /// copied.
    pub fn copies(&self, layout: Layout) -> (Option<Storage>, Option<Storage>) {
        let other = |is_plain: bool, storage: Storage| {
            (is_plain && storage != Storage::Narrowest).then_some(storage)
        };
        (
            other(self.plain.0, layout.operand()),
            other(self.plain.1, self.stored_by(layout)),
        )
    }

    /// What those copies take, as the compiler unrolls them; most where rows begin anywhere in a word.
    fn copying(&self, layout: Layout) -> Mix {
        let copy = |storage: Option<Storage>, length: usize| {
            let length = storage.map_or(0, |_| length as u64);
            let is_whole = length.is_multiple_of(4);
            Mix {
                arithmetic: length * if is_whole { 1 } else { 5 },
                loads: length,
                stores: length,
                ..Mix::default()
            }
        };
        let (operand, result) = self.copies(layout);
        copy(operand, self.columns()).plus(&copy(result, self.rows()))
    }

    /// Why `layout` does not compute it as it is called, were its sums exact.
    fn refuse(&self, layout: Layout) -> Option<&'static str> {
        let is_copied = self.copies(layout) != (None, None);
        if self.twins && (is_copied || !(layout.twins() && self.is_shifted())) {
            return Some("it has no body for two constituents at once");
        }
        (layout == Layout::ShiftAdds && !self.is_single)
            .then_some("it is not written out for several rows, or for a result with views")
    }

    /// The weights of each output.
    pub fn each_row(&self) -> impl Iterator<Item = &[i64]> {
        self.weights.data.chunks(self.columns().max(1))
    }
}

/// How a layer's operand, or its result, is stored for a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// An array of the narrowest of `i8`, `i16`, `i32`, `i64`.
    Narrowest,
    /// Halves, filled up to a multiple of four, in whole words.
    Pairs,
    /// Words, filled up to a multiple of four.
    Words,
}

/// Weights, or biases, in the order and type in which a kernel reads them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// Rust's element type.
    pub element: &'static str,
    /// Elements.
    pub data: Vec<i64>,
}

impl Packed {
    /// Bytes that they take.
    fn bytes(&self) -> u64 {
        let width = match self.element {
            "i8" | "u8" => 1,
            "i16" | "u16" => 2,
            _ => 4,
        };
        width * self.data.len() as u64
    }
}

/// What a layout's kernel is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Constants {
    /// Weights; nothing where they are the program's own.
    pub weights: Option<Packed>,
    /// Bias; nothing where it is the program's own.
    pub bias: Option<Packed>,
    /// Shifts of the rescale, in place of the program's own.
    pub shifts: Option<Packed>,
    /// Lengths of the blocks of columns, in which the kernel takes sums apart; nothing where it does
    /// not. With them the weights are a pair.
    pub blocks: Option<Packed>,
    /// All of them in one: the kernel is given nothing else, and its limits as constants.
    pub stream: Option<Packed>,
    /// Whether the layer is code, of its [`Adders`], and is given nothing.
    pub is_code: bool,
}

impl Constants {
    /// Bytes of those that are packed.
    pub(super) fn bytes(&self) -> u64 {
        let all = [
            &self.weights,
            &self.bias,
            &self.shifts,
            &self.blocks,
            &self.stream,
        ];
        all.into_iter().flatten().map(Packed::bytes).sum()
    }
}

/// What a layout is, for the planner.
trait Definition: Sync {
    /// The module of `hodoscope_kernels::layout`.
    fn name(&self) -> &'static str;
    /// Whether `isa` has a reason to consider it.
    fn suits(&self, isa: Isa) -> bool;
    /// Proves that it is exact for `layer`, or says why not.
    fn prove(&self, layer: &Layer<'_>) -> Result<(), String>;
    /// The instructions of one run, which depend on no data: of [`Layer::shares`] constituents.
    fn mix(&self, layer: &Layer<'_>, isa: Isa) -> Mix;
    /// What its kernel is given.
    fn constants(&self, layer: &Layer<'_>) -> Constants;
    /// Generic arguments of its kernels' call, given the number of those for `rows`.
    fn generics(&self, accumulator: Accumulator) -> String;
    /// How its operand is stored.
    fn operand(&self) -> Storage;
    /// How its result is stored, rescaled or not.
    fn result(&self, rescaled: bool) -> Storage;
    /// Whether its kernels compute two constituents at once.
    fn twins(&self) -> bool {
        false
    }
    /// Blocks of so many rows, or of a multiple, are layers of their own; nothing where there are no blocks.
    fn block_rows(&self) -> Option<usize> {
        Some(groups::ROWS)
    }
    /// Bytes of a weight that the program stores in one.
    fn weight_bytes(&self) -> u64 {
        1
    }
}

/// A layout of dense layers. Its functions are those of its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layout {
    /// Row-major.
    Rows,
    /// Two rows in a word.
    PackedWords,
    /// Four rows in a word, two multiplies for four weights.
    ByteQuads,
    /// Eight rows at a time.
    RowBlocks,
    /// Two rows in a half, two columns in a word.
    NestedPairs,
    /// Weights of 8 bits, four columns in a word.
    BytePairs,
    /// Weights of 16 bits, two columns in a word.
    HalfPairs,
    /// No weights: additions of shifted operands.
    ShiftAdds,
}

impl Layout {
    /// All; of equally cheap ones the first is taken: those with a byte per weight come first.
    pub const ALL: [Self; 8] = [
        Self::Rows,
        Self::PackedWords,
        Self::ByteQuads,
        Self::RowBlocks,
        Self::NestedPairs,
        Self::BytePairs,
        Self::HalfPairs,
        Self::ShiftAdds,
    ];

    fn definition(self) -> &'static dyn Definition {
        match self {
            Self::Rows => &rows::Rows,
            Self::PackedWords => &packed_words::PackedWords,
            Self::ByteQuads => &byte_quads::ByteQuads,
            Self::RowBlocks => &row_blocks::RowBlocks,
            Self::NestedPairs => &nested_pairs::NestedPairs,
            Self::HalfPairs => &half_pairs::HalfPairs,
            Self::BytePairs => &byte_pairs::BytePairs,
            Self::ShiftAdds => &shift_adds::ShiftAdds,
        }
    }

    /// The module of `hodoscope_kernels::layout`.
    pub fn name(self) -> &'static str {
        self.definition().name()
    }

    /// Proves that it is exact for `layer`.
    ///
    /// # Errors
    /// When it is not, or is not proved to be: why.
    pub fn prove(self, layer: &Layer<'_>) -> Result<(), String> {
        self.definition().prove(layer)
    }

    /// What its kernel is given for `layer`.
    pub fn constants(self, layer: &Layer<'_>) -> Constants {
        self.definition().constants(layer)
    }

    /// Generic arguments of its kernels' call, empty or `::<…>`.
    pub fn generics(self, accumulator: Accumulator) -> String {
        self.definition().generics(accumulator)
    }

    /// How its operand is stored.
    pub fn operand(self) -> Storage {
        self.definition().operand()
    }

    /// How its result is stored, rescaled or not.
    pub fn result(self, rescaled: bool) -> Storage {
        self.definition().result(rescaled)
    }

    /// Whether its kernels read words of two halves.
    pub fn reads_pairs(self) -> bool {
        self.operand() == Storage::Pairs
    }

    /// Blocks of so many rows, or of a multiple, are layers of their own; nothing where there are no blocks.
    pub(super) fn block_rows(self) -> Option<usize> {
        self.definition().block_rows()
    }

    /// Whether its kernels compute two constituents at once.
    pub fn twins(self) -> bool {
        self.definition().twins()
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A layout that was considered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Which.
    pub layout: Layout,
    /// Its modelled cycles per run and constituent, or why it is not exact.
    pub verdict: Result<u64, String>,
    /// Bytes of what its kernel reads in flash, or of its instructions; 0 where it is not exact.
    pub bytes: u64,
}

/// All that suit `isa`, the one to take first.
pub(super) fn candidates(layer: &Layer<'_>, isa: Isa, cost: &Cost) -> Vec<Candidate> {
    let suiting = Layout::ALL
        .into_iter()
        .filter(|layout| layout.definition().suits(isa));
    let mut candidates: Vec<Candidate> = suiting
        .map(|layout| {
            let definition = layout.definition();
            let proved = match layer.refuse(layout) {
                Some(reason) => Err(reason.into()),
                None => definition.prove(&layer.within(layout)),
            };
            let costs = proved.map(|()| {
                let own = layer.within(layout);
                let mix = definition.mix(&own, isa).plus(&layer.copying(layout));
                let mix = mix.plus(&layer.behind(layout, isa));
                let cycles = cost.cycles(&mix).div_ceil(layer.shares());
                let constants = definition.constants(&own);
                // A stream has the shifts of its own rescale.
                let shifts = match layer.rescale {
                    Some((requantise, _)) if own.rescale.is_none() => requantise.shifts().len(),
                    _ => 0,
                };
                let shifts = constants.stream.as_ref().map_or(0, |_| shifts as u64);
                (cycles, shifts + bytes(layer, &constants, &mix))
            });
            Candidate {
                layout,
                bytes: costs.as_ref().map_or(0, |(_, bytes)| *bytes),
                verdict: costs.map(|(cycles, _)| cycles),
            }
        })
        .collect();
    // Stable: of equally cheap ones the first stays first.
    let cycles = |c: &Candidate| c.verdict.as_ref().copied().unwrap_or(u64::MAX);
    candidates.sort_by_key(cycles);
    // A 32nd of the time is not worth a second byte per weight.
    let best = candidates.first().map_or(0, cycles);
    let close = candidates
        .iter()
        .take_while(|c| c.verdict.is_ok() && cycles(c) <= best.saturating_add(best / 32));
    let bytes = |(_, c): &(usize, &Candidate)| c.layout.definition().weight_bytes();
    if let Some((smallest, _)) = close.enumerate().min_by_key(bytes) {
        candidates[..=smallest].rotate_right(1);
    }
    candidates
}

/// Bytes of a layer's constants; of one that is code, of its instructions of four bytes.
fn bytes(layer: &Layer<'_>, constants: &Constants, mix: &Mix) -> u64 {
    if constants.is_code {
        return 4 * mix.instructions();
    }
    let packed = |packed: &Option<Packed>| packed.as_ref().map(Packed::bytes);
    if let Some(stream) = packed(&constants.stream) {
        return stream;
    }
    let own = |constant: &Constant| {
        constant.data.len() as u64 * u64::from(constant.element.storage().width / 8)
    };
    let shifts = layer
        .rescale
        .map_or(0, |(requantise, _)| requantise.shifts().len() as u64);
    packed(&constants.weights).unwrap_or_else(|| own(layer.weights))
        + packed(&constants.bias).unwrap_or_else(|| own(layer.bias))
        + packed(&constants.shifts).unwrap_or(shifts)
        + packed(&constants.blocks).unwrap_or(0)
}
