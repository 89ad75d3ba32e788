//! Operations and their exact meaning.

use crate::{ConstantId, InputId, IntType, Overflow, Rounding, SetId, Trees, ValueId};

/// How a value is computed. All arithmetic is on raws, exact, in ℤ, until it says otherwise.
///
/// `c` is a channel: an index on the last axis. Axes before the last are rows; operands of one
/// operation have the same rows unless stated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// The words of an input, each clamped to its field's range; of a set's rows only the live
    /// ones, compacted in their order.
    Input(InputId),
    /// y\[c\] = overflow(round((x\[c\] · multipliers\[c\] + offsets\[c\]) / 2^shifts\[c\])) into the
    /// result's type.
    Rescale {
        /// Operand.
        x: ValueId,
        /// One for all channels, or one each; of 32 bits, signed.
        multipliers: Vec<i64>,
        /// One for all channels, or one each.
        offsets: Vec<i64>,
        /// One for all channels, or one each; 0 to 62.
        shifts: Vec<u8>,
        /// How the division rounds.
        rounding: Rounding,
        /// What becomes of a result outside the type.
        overflow: Overflow,
    },
    /// y\[o\] = bias\[o\] + Σ_i weights\[o, i\] · x\[i\], proved to fit the result's type.
    Dense {
        /// Operand, `[…, in]`.
        x: ValueId,
        /// `[out, in]`.
        weights: ConstantId,
        /// `[out]`, in the accumulator's scale.
        bias: ConstantId,
    },
    /// y\[o\] = bias\[o\] + Σ_i product(weights\[o, i\] · x\[i\]): each product is divided by 2^shift, rounded and
    /// brought into the type `product` before it is added, as `ap_fixed` accumulators do.
    DenseStepwise {
        /// Operand, `[…, in]`.
        x: ValueId,
        /// `[out, in]`.
        weights: ConstantId,
        /// `[out]`, in the scale of the products.
        bias: ConstantId,
        /// What happens to each product.
        product: Product,
    },
    /// y = round(x / divisor), where the divisor is no power of two: a mean.
    Divide {
        /// Operand.
        x: ValueId,
        /// 1 to 65,535.
        divisor: i64,
        /// How the division rounds.
        rounding: Rounding,
    },
    /// y = max(x, 0).
    Relu {
        /// Operand.
        x: ValueId,
    },
    /// y = x for x ≥ 0, else round(x · multiplier / 2^shift).
    LeakyRelu {
        /// Operand.
        x: ValueId,
        /// Slope's numerator, ≥ 0.
        multiplier: i64,
        /// Slope's denominator is 2^shift.
        shift: u8,
        /// How the division rounds.
        rounding: Rounding,
    },
    /// y = min(max(x, minimum), maximum).
    Clip {
        /// Operand.
        x: ValueId,
        /// Smallest result.
        minimum: i64,
        /// Largest result.
        maximum: i64,
    },
    /// y = table\[x − minimum of x's type\]: a unary function. The table covers every raw of x's
    /// type, which has at most 16 bits.
    Table {
        /// Operand.
        x: ValueId,
        /// Entries.
        table: ConstantId,
    },
    /// y = a + ⌊((b − a) · l + ½ · 2^shift) / 2^shift⌋, where h = ⌊(x − first) / 2^shift⌋, l = (x − first) mod 2^shift,
    /// a = table\[h\], b = table\[h + 1\]: a unary function, straight between its entries. With shift 0 it is table\[x − first\].
    Interpolate {
        /// Operand, of 32 bits at most, proved to lie within the table.
        x: ValueId,
        /// Entries of 32 bits at most, one more than there are cells.
        table: ConstantId,
        /// The raw at which the table begins.
        first: i64,
        /// A cell has 2^shift raws; 0 to 30.
        shift: u8,
    },
    /// y = the number of binary digits of x, ⌊log₂ x⌋ + 1; 0 for x ≤ 0.
    Exponent {
        /// Operand, of 32 bits at most.
        x: ValueId,
    },
    /// y = ⌊x · 2^(bits − e)⌋, e the number of binary digits of x: its first `bits` digits; 0 for x ≤ 0.
    Mantissa {
        /// Operand, of 32 bits at most.
        x: ValueId,
        /// 1 to 31.
        bits: u8,
    },
    /// y\[c\] = Σ over the live constituents, or over the rows of a constant first extent, of
    /// x\[·, c\]; 0 for none.
    Sum {
        /// Operand, `[multiplicity, …]` or `[rows, …]`.
        x: ValueId,
    },
    /// y\[c\] = the largest of x\[·, c\] over the live constituents and, where they are fewer than the
    /// set's capacity, of empty\[c\]: an empty slot.
    Max {
        /// Operand, `[multiplicity, …]`.
        x: ValueId,
        /// `[channels]`.
        empty: ConstantId,
    },
    /// y\[0\] = n, the number of live constituents that are computed.
    Count {
        /// The set.
        set: SetId,
    },
    /// y\[0\] = the lowest c of those with the largest x\[c\].
    ArgMax {
        /// Operand.
        x: ValueId,
    },
    /// y\[c\] = a\[c\] · b\[c\]; an operand with one channel serves all.
    Mul {
        /// First factor.
        a: ValueId,
        /// Second factor.
        b: ValueId,
    },
    /// y = a + b, of equal scale.
    Add {
        /// First term.
        a: ValueId,
        /// Second term.
        b: ValueId,
    },
    /// y = a − b, of equal scale.
    Sub {
        /// Minuend.
        a: ValueId,
        /// Subtrahend.
        b: ValueId,
    },
    /// y\[0\] = Σ_c (a\[c\] − b\[c\])²: an autoencoder's error.
    SquaredError {
        /// First operand.
        a: ValueId,
        /// Second operand, of equal scale.
        b: ValueId,
    },
    /// y\[0\] = Σ_c x\[c\]²: a variational autoencoder's score.
    SumSquares {
        /// Operand.
        x: ValueId,
    },
    /// y\[c\] = x\[channels\[c\]\].
    Select {
        /// Operand.
        x: ValueId,
        /// Channels of the operand.
        channels: Vec<usize>,
    },
    /// The channels of all parts, one after the other.
    Concat {
        /// Operands.
        parts: Vec<ValueId>,
    },
    /// y = x, element for element in row-major order, under another shape of constant extents.
    Reshape {
        /// Operand.
        x: ValueId,
    },
    /// y\[i\] = x\[elements\[i\]\] in row-major order, between shapes of constant extents: a
    /// transposition, or the windows of a convolution.
    Gather {
        /// Operand.
        x: ValueId,
        /// An element of the operand for each one of the result.
        elements: Vec<usize>,
    },
    /// y\[…, i, j\] = Σ_k a\[…, i, k\] · b\[…, j, k\]: rows of one activation times rows of another, matrix by
    /// matrix; constant extents.
    MatMul {
        /// `[…, rows, inner]`.
        a: ValueId,
        /// `[…, columns, inner]`: transposed.
        b: ValueId,
    },
    /// y\[c\] = round(a\[c\] · 2^shift / b\[c\]), the nearest raw of the result's type; an operand b with one
    /// channel serves all. A divisor of 0 gives the end of the type on the dividend's side, and 0 / 0 is 0.
    Quotient {
        /// Dividend.
        a: ValueId,
        /// Divisor.
        b: ValueId,
        /// The dividend is multiplied by 2^shift; 0 to 62.
        shift: u8,
        /// How the division rounds.
        rounding: Rounding,
    },
    /// y = ⌊√(x · 2^shift)⌋; 0 for x < 0. Two bits more and a rounding shift by one make it the nearest integer.
    SquareRoot {
        /// Operand.
        x: ValueId,
        /// 0 to 62.
        shift: u8,
    },
    /// y\[c\] = max(a\[c\], b\[c\]).
    Larger {
        /// First operand.
        a: ValueId,
        /// Second operand, of equal scale.
        b: ValueId,
    },
    /// y\[c\] = min(a\[c\], b\[c\]).
    Smaller {
        /// First operand.
        a: ValueId,
        /// Second operand, of equal scale.
        b: ValueId,
    },
    /// y\[0\] = the largest of x\[c\].
    Largest {
        /// Operand.
        x: ValueId,
    },
    /// y = the channels of the `count` largest x\[c\], the largest first; of equal ones the lower channel
    /// comes first.
    TopK {
        /// Operand.
        x: ValueId,
        /// How many, at most all.
        count: usize,
    },
    /// y\[i, c\] = x\[indices\[i\], c\]: rows that another value names; constant extents.
    Take {
        /// `[rows, channels]`.
        x: ValueId,
        /// Rows of x, proved to be such.
        indices: ValueId,
    },
    /// Decision trees over the channels of a row.
    Trees(Trees),
}

/// What becomes of a product before it is added to an accumulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Product {
    /// It is divided by 2^shift; 0 to 62.
    pub shift: u8,
    /// How the division rounds.
    pub rounding: Rounding,
    /// The type that it is brought into.
    pub element: IntType,
    /// What becomes of a product outside the type.
    pub overflow: Overflow,
}

/// The operands of an operation, borrowed as it is.
macro_rules! operands {
    ($operation:expr) => {
        match $operation {
            Operation::Input(_) | Operation::Count { .. } => vec![],
            Operation::Rescale { x, .. }
            | Operation::Dense { x, .. }
            | Operation::DenseStepwise { x, .. }
            | Operation::Divide { x, .. }
            | Operation::Relu { x }
            | Operation::LeakyRelu { x, .. }
            | Operation::Clip { x, .. }
            | Operation::Table { x, .. }
            | Operation::Interpolate { x, .. }
            | Operation::Exponent { x }
            | Operation::Mantissa { x, .. }
            | Operation::Sum { x }
            | Operation::Max { x, .. }
            | Operation::ArgMax { x }
            | Operation::SumSquares { x }
            | Operation::Select { x, .. }
            | Operation::Reshape { x }
            | Operation::SquareRoot { x, .. }
            | Operation::Largest { x }
            | Operation::TopK { x, .. }
            | Operation::Gather { x, .. } => vec![x],
            Operation::Take { x, indices } => vec![x, indices],
            Operation::Trees(Trees { x, .. }) => vec![x],
            Operation::Mul { a, b }
            | Operation::Add { a, b }
            | Operation::Sub { a, b }
            | Operation::MatMul { a, b }
            | Operation::Quotient { a, b, .. }
            | Operation::Larger { a, b }
            | Operation::Smaller { a, b }
            | Operation::SquaredError { a, b } => vec![a, b],
            Operation::Concat { parts } => parts.into_iter().collect(),
        }
    };
}

impl Operation {
    /// The operation's keyword in the text form.
    pub fn keyword(&self) -> &'static str {
        match self {
            Self::Input(_) => "input",
            Self::Rescale { .. } => "rescale",
            Self::Dense { .. } => "dense",
            Self::DenseStepwise { .. } => "dense_stepwise",
            Self::Divide { .. } => "divide",
            Self::Relu { .. } => "relu",
            Self::LeakyRelu { .. } => "leaky_relu",
            Self::Clip { .. } => "clip",
            Self::Table { .. } => "table",
            Self::Interpolate { .. } => "interpolate",
            Self::Exponent { .. } => "exponent",
            Self::Mantissa { .. } => "mantissa",
            Self::Sum { .. } => "sum",
            Self::Max { .. } => "max",
            Self::Count { .. } => "count",
            Self::ArgMax { .. } => "arg_max",
            Self::Mul { .. } => "mul",
            Self::Add { .. } => "add",
            Self::Sub { .. } => "sub",
            Self::SquaredError { .. } => "squared_error",
            Self::SumSquares { .. } => "sum_squares",
            Self::Select { .. } => "select",
            Self::Concat { .. } => "concat",
            Self::Reshape { .. } => "reshape",
            Self::Gather { .. } => "gather",
            Self::MatMul { .. } => "mat_mul",
            Self::Quotient { .. } => "quotient",
            Self::SquareRoot { .. } => "square_root",
            Self::Larger { .. } => "larger",
            Self::Smaller { .. } => "smaller",
            Self::Largest { .. } => "largest",
            Self::TopK { .. } => "top_k",
            Self::Take { .. } => "take",
            Self::Trees(_) => "trees",
        }
    }

    /// The operands.
    pub fn operands(&self) -> Vec<ValueId> {
        let operands: Vec<&ValueId> = operands!(self);
        operands.into_iter().copied().collect()
    }

    /// The operands, to be renamed.
    pub fn operands_mut(&mut self) -> Vec<&mut ValueId> {
        operands!(self)
    }

    /// The constants.
    pub fn constants(&self) -> Vec<ConstantId> {
        match self {
            Self::Dense { weights, bias, .. } | Self::DenseStepwise { weights, bias, .. } => {
                vec![*weights, *bias]
            }
            Self::Table { table, .. } | Self::Interpolate { table, .. } => vec![*table],
            Self::Max { empty, .. } => vec![*empty],
            Self::Trees(trees) => vec![trees.nodes, trees.roots, trees.leaves],
            _ => vec![],
        }
    }
}
