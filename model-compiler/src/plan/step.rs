//! What a plan is made of: steps, each a kernel with its operands.

use hodoscope_program::{ConstantId, InputId, Rounding, Trees, ValueId};

use super::layout::Layout;
use super::{Accumulator, Requantise};

/// One call of a kernel.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The value that it computes.
    pub result: ValueId,
    /// How.
    pub kernel: Kernel,
}

/// A kernel with its operands.
#[derive(Clone, Debug, PartialEq)]
pub enum Kernel {
    /// Detector words, clamped into their ranges.
    Words {
        /// The input.
        input: InputId,
    },
    /// Detector words, clamped into their ranges and rescaled at once.
    WordsRescale {
        /// The input.
        input: InputId,
        /// The words as a value, which stands nowhere.
        words: ValueId,
        /// Type of the products.
        accumulator: Accumulator,
        /// Rescales before the last one, whose results stand nowhere.
        before: Vec<Stage>,
        /// From words to results.
        requantise: Requantise,
        /// Smallest and largest result.
        limits: (i64, i64),
    },
    /// A table over the detector's grid, of `Plan::grids`.
    Grid {
        /// Row of words.
        words: ValueId,
    },
    /// A dense layer, its accumulators as they are.
    Dense {
        /// Operand.
        x: ValueId,
        /// `[out, in]`.
        weights: ConstantId,
        /// `[out]`.
        bias: ConstantId,
        /// Type of the sums.
        accumulator: Accumulator,
        /// How its weights are held.
        layout: Layout,
    },
    /// A dense layer with the rescale, and perhaps the relu, that follow it.
    DenseRescale {
        /// Operand.
        x: ValueId,
        /// `[out, in]`.
        weights: ConstantId,
        /// `[out]`.
        bias: ConstantId,
        /// Type of the sums.
        accumulator: Accumulator,
        /// From sums to results.
        requantise: Requantise,
        /// Smallest and largest result.
        limits: (i64, i64),
        /// How its weights are held.
        layout: Layout,
    },
    /// A rescale, and perhaps the relu that follows it.
    Rescale {
        /// Operand.
        x: ValueId,
        /// Type of the products.
        accumulator: Accumulator,
        /// Rescales before the last one, whose results stand nowhere.
        before: Vec<Stage>,
        /// From operand to result.
        requantise: Requantise,
        /// Smallest and largest result.
        limits: (i64, i64),
    },
    /// max(x, 0).
    Relu {
        /// Operand.
        x: ValueId,
    },
    /// x within two bounds.
    Clip {
        /// Operand.
        x: ValueId,
        /// Smallest result.
        minimum: i64,
        /// Largest result.
        maximum: i64,
        /// Type of the bounds.
        accumulator: Accumulator,
    },
    /// A slope below zero.
    LeakyRelu {
        /// Operand.
        x: ValueId,
        /// Slope's numerator.
        multiplier: i64,
        /// Slope's denominator is 2^shift.
        shift: u8,
        /// Type of the products.
        accumulator: Accumulator,
    },
    /// A table.
    Table {
        /// Operand.
        x: ValueId,
        /// Entries.
        table: ConstantId,
        /// Raw of the first entry.
        first: i64,
    },
    /// Straight between the entries of a table.
    Interpolate {
        /// Operand.
        x: ValueId,
        /// Entries.
        table: ConstantId,
        /// Raw of the first entry.
        first: i64,
        /// A cell has 2^shift raws.
        shift: u8,
        /// Type of the products.
        accumulator: Accumulator,
    },
    /// The number of binary digits.
    Exponent {
        /// Operand.
        x: ValueId,
    },
    /// The first binary digits.
    Mantissa {
        /// Operand.
        x: ValueId,
        /// How many.
        bits: u8,
    },
    /// a · b, a + b, a − b, or the larger or smaller of both.
    Pair {
        /// Which.
        operator: Pair,
        /// First operand.
        a: ValueId,
        /// Second operand.
        b: ValueId,
        /// Type of the result before it is stored.
        accumulator: Accumulator,
    },
    /// The number of constituents that were pooled.
    Count,
    /// Index of the largest channel.
    ArgMax {
        /// Operand.
        x: ValueId,
        /// Type in which channels are compared.
        accumulator: Accumulator,
    },
    /// Σ (a − b)².
    SquaredError {
        /// First operand.
        a: ValueId,
        /// Second operand.
        b: ValueId,
        /// Type of the sum.
        accumulator: Accumulator,
    },
    /// Σ x².
    SumSquares {
        /// Operand.
        x: ValueId,
        /// Type of the sum.
        accumulator: Accumulator,
    },
    /// Channels of x.
    Select {
        /// Operand.
        x: ValueId,
        /// Which.
        channels: Vec<usize>,
    },
    /// All parts.
    Concat {
        /// Operands.
        parts: Vec<ValueId>,
    },
    /// A dense layer whose products are rounded one by one.
    DenseStepwise {
        /// Operand.
        x: ValueId,
        /// `[out, in]`.
        weights: ConstantId,
        /// `[out]`.
        bias: ConstantId,
        /// Shift of each product.
        shift: u8,
        /// How the shift rounds.
        rounding: Rounding,
        /// Type of the products.
        product: Accumulator,
        /// Limits of the products, where they can leave them.
        limits: Option<(i64, i64)>,
        /// Type of the sums.
        accumulator: Accumulator,
    },
    /// x / divisor.
    Divide {
        /// Operand.
        x: ValueId,
        /// The divisor.
        divisor: u16,
        /// How it rounds.
        rounding: Rounding,
    },
    /// The same elements under another shape: no code.
    View {
        /// Operand.
        x: ValueId,
    },
    /// Elements of x in another order.
    Gather {
        /// Operand.
        x: ValueId,
        /// Which.
        elements: Vec<usize>,
    },
    /// Rows of a times rows of b, matrix by matrix.
    MatMul {
        /// First operand.
        a: ValueId,
        /// Second operand.
        b: ValueId,
        /// Rows of a matrix of a, columns of both, rows of a matrix of b.
        extents: [usize; 3],
        /// Type of the sums.
        accumulator: Accumulator,
    },
    /// a · 2^shift / b.
    Quotient {
        /// Dividend.
        a: ValueId,
        /// Divisor.
        b: ValueId,
        /// The dividend is multiplied by 2^shift.
        shift: u8,
        /// Bits of the largest result's magnitude.
        bits: u8,
        /// How it rounds.
        rounding: Rounding,
        /// Smallest and largest result.
        limits: (i64, i64),
        /// Type of the remainders.
        remainder: Accumulator,
    },
    /// √(x · 2^shift).
    SquareRoot {
        /// Operand.
        x: ValueId,
        /// The operand is multiplied by 2^shift.
        shift: u8,
        /// Bits of the largest root.
        bits: u8,
        /// Type of the remainders.
        remainder: Accumulator,
    },
    /// The largest channel.
    Largest {
        /// Operand.
        x: ValueId,
        /// Type in which channels are compared.
        accumulator: Accumulator,
    },
    /// The channels of the largest x.
    TopK {
        /// Operand.
        x: ValueId,
        /// How many.
        count: usize,
        /// Bits of a channel's number.
        bits: u8,
        /// Type of the keys, a raw and its channel.
        accumulator: Accumulator,
    },
    /// Rows of x.
    Take {
        /// Operand.
        x: ValueId,
        /// Which.
        indices: ValueId,
    },
    /// Decision trees.
    Trees {
        /// Which.
        trees: Trees,
        /// Type in which features are compared.
        compare: Accumulator,
        /// Type of the sums.
        accumulator: Accumulator,
    },
    /// The sum of a constant number of rows.
    SumRows {
        /// Operand.
        x: ValueId,
        /// Type of the sum.
        accumulator: Accumulator,
    },
}

/// A rescale whose result only another rescale reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// Its result, which stands nowhere.
    pub result: ValueId,
    /// From operand to result.
    pub requantise: Requantise,
    /// Smallest and largest result.
    pub limits: (i64, i64),
}

/// An operation on two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pair {
    /// a · b.
    Mul,
    /// a + b.
    Add,
    /// a − b.
    Sub,
    /// max(a, b).
    Larger,
    /// min(a, b).
    Smaller,
}

impl Step {
    /// The layout of a dense layer.
    pub fn layout(&self) -> Option<Layout> {
        match self.kernel {
            Kernel::Dense { layout, .. } | Kernel::DenseRescale { layout, .. } => Some(layout),
            _ => None,
        }
    }
}

impl Kernel {
    /// The values that it reads.
    pub fn operands(&self) -> Vec<ValueId> {
        match self {
            Self::Words { .. } | Self::WordsRescale { .. } | Self::Count => vec![],
            Self::Grid { words } => vec![*words],
            Self::Dense { x, .. }
            | Self::DenseRescale { x, .. }
            | Self::Rescale { x, .. }
            | Self::Relu { x }
            | Self::Clip { x, .. }
            | Self::LeakyRelu { x, .. }
            | Self::Table { x, .. }
            | Self::Interpolate { x, .. }
            | Self::Exponent { x }
            | Self::Mantissa { x, .. }
            | Self::ArgMax { x, .. }
            | Self::SumSquares { x, .. }
            | Self::Select { x, .. }
            | Self::DenseStepwise { x, .. }
            | Self::Divide { x, .. }
            | Self::View { x }
            | Self::Gather { x, .. }
            | Self::SquareRoot { x, .. }
            | Self::Largest { x, .. }
            | Self::TopK { x, .. }
            | Self::SumRows { x, .. } => vec![*x],
            Self::Trees { trees, .. } => vec![trees.x],
            Self::Pair { a, b, .. }
            | Self::SquaredError { a, b, .. }
            | Self::MatMul { a, b, .. }
            | Self::Quotient { a, b, .. } => vec![*a, *b],
            Self::Take { x, indices } => vec![*x, *indices],
            Self::Concat { parts } => parts.clone(),
        }
    }
}
