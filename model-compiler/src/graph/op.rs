//! The operations of a float graph, with their exact meaning.

use super::{
    circular::Circular, fixed_point::FixedPoint, forest::Forest, quantiser::Quantiser,
    tensor::Tensor, window::Window,
};
use std::fmt;

/// A function of one element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unary {
    /// −x.
    Neg,
    /// |x|.
    Abs,
    /// √x; NaN below zero.
    Sqrt,
    /// eˣ.
    Exp,
    /// Natural logarithm.
    Log,
    /// max(x, 0).
    Relu,
    /// x where x ≥ 0, else `alpha`·x.
    LeakyRelu {
        /// Slope below zero.
        alpha: f32,
    },
    /// x where x ≥ 0, else `alpha`·(eˣ − 1).
    Elu {
        /// Depth below zero.
        alpha: f32,
    },
    /// `gamma`·x where x > 0, else `gamma`·`alpha`·(eˣ − 1).
    Selu {
        /// Depth below zero.
        alpha: f32,
        /// Overall factor.
        gamma: f32,
    },
    /// max(x, 0) + min(0, `alpha`·(e^(x/`alpha`) − 1)).
    Celu {
        /// Depth below zero.
        alpha: f32,
    },
    /// x·½·(1 + erf(x/√2)), or its tanh approximation.
    Gelu {
        /// Whether the tanh approximation is meant.
        tanh: bool,
    },
    /// 1 / (1 + e⁻ˣ).
    Sigmoid,
    /// clamp(`alpha`·x + `beta`, 0, 1).
    HardSigmoid {
        /// Slope.
        alpha: f32,
        /// Value at zero.
        beta: f32,
    },
    /// x·clamp(x/6 + ½, 0, 1).
    HardSwish,
    /// Hyperbolic tangent.
    Tanh,
    /// log(1 + eˣ).
    Softplus,
    /// x / (1 + |x|).
    Softsign,
    /// x·tanh(log(1 + eˣ)).
    Mish,
    /// Error function.
    Erf,
    /// min(max(x, `min`), `max`); a bound that is absent in the model is ∓∞ here.
    Clip {
        /// Lower bound.
        min: f32,
        /// Upper bound.
        max: f32,
    },
    /// A circular or hyperbolic function.
    Circular(Circular),
    /// x·x.
    Square,
    /// 1/x.
    Reciprocal,
    /// x to the power `exponent`.
    Power {
        /// The exponent.
        exponent: f32,
    },
    /// Towards −∞.
    Floor,
    /// Towards +∞.
    Ceil,
    /// To the nearest integer, ties to even.
    Round,
    /// Towards zero (a cast to an integer).
    Trunc,
    /// −1, 0 or 1.
    Sign,
    /// 1 where x is 0, else 0.
    Not,
    /// x − `period`·⌊x/`period` + ½⌋: the overflow of a type that wraps.
    Wrap {
        /// A power of two.
        period: f32,
    },
}

/// An arithmetic function of two elements; operands broadcast as in numpy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    /// a + b.
    Add,
    /// a − b.
    Sub,
    /// a·b.
    Mul,
    /// a / b.
    Div,
    /// a to the power b.
    Pow,
    /// The smaller.
    Min,
    /// The larger.
    Max,
    /// a where a ≥ 0, else a·b (b is the slope).
    PRelu,
}

/// A comparison of two elements, giving 0 or 1; operands broadcast as in numpy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// a > b.
    Greater,
    /// a ≥ b.
    GreaterOrEqual,
    /// a < b.
    Less,
    /// a ≤ b.
    LessOrEqual,
    /// a = b.
    Equal,
}

/// A function of two truth values (anything but 0 is true), giving 0 or 1; operands broadcast as in numpy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logic {
    /// Both.
    And,
    /// At least one.
    Or,
    /// Exactly one.
    Xor,
}

/// A reduction over axes. The order of summation is fixed: the last reduced axis is the fastest, indices ascend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// Σx.
    Sum,
    /// Σx / count.
    Mean,
    /// Largest.
    Max,
    /// Smallest.
    Min,
    /// Product.
    Prod,
    /// Σx².
    SumSquare,
    /// √Σx².
    L2,
    /// Σ|x|.
    L1,
}

/// What a pooling window gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// Its largest element; padding does not count.
    Max,
    /// The mean of its elements.
    Average {
        /// Whether padding counts as zeros. What lies behind the padding never counts.
        padding_counts: bool,
    },
}

/// What padding holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Padding {
    /// One value.
    Constant(f32),
    /// The tensor mirrored at its first and last element, which are not repeated.
    Reflect,
    /// The first or the last element.
    Edge,
    /// The tensor again.
    Wrap,
}

/// An operation of a graph: one output, inputs as the variant states.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// No input. The tensor itself.
    Constant(Tensor),
    /// `x [..., in]` → `[..., out]`: `y[o] = Σ_i x[i]·weights[o, i] + bias[o]`, i ascending, the bias added last.
    Dense {
        /// `[out, in]`, finite.
        weights: Tensor,
        /// `out` values, finite; zeros when the layer has none.
        bias: Vec<f32>,
    },
    /// `a [..., m, k]`, `b [..., k, n]` → `[..., m, n]`; both have two axes or more, leading axes broadcast.
    MatMul,
    /// `x` → same shape, `x·scale + shift`, evaluated in `f64` and rounded once.
    ///
    /// `scale` and `shift` have the extent of `axis`, or both have one element that serves all.
    ScaleShift {
        /// The axis along which the factors vary.
        axis: usize,
        /// Factors, finite.
        scale: Vec<f64>,
        /// Offsets, finite.
        shift: Vec<f64>,
    },
    /// `x` → same shape.
    Unary(Unary),
    /// `a`, `b` → the broadcast shape.
    Binary(Binary),
    /// `a`, `b` → the broadcast shape, 0 or 1.
    Compare(Comparison),
    /// `a`, `b` → the broadcast shape, 0 or 1.
    Logic(Logic),
    /// `condition`, `a`, `b` → the broadcast shape: `a` where the condition is not 0, else `b`.
    Where,
    /// `x` → the axes (ascending, distinct) reduced to extent 1, or removed unless `keepdims`.
    Reduce {
        /// What is computed.
        op: Reduction,
        /// Reduced axes, ascending.
        axes: Vec<usize>,
        /// Whether reduced axes stay with extent 1.
        keepdims: bool,
    },
    /// `x` → the same elements in the same order, under another shape. (Flatten, Squeeze and Unsqueeze too.)
    Reshape {
        /// The new shape.
        shape: Vec<usize>,
    },
    /// `x` → repeated to `shape` by numpy's broadcasting.
    Broadcast {
        /// The new shape.
        shape: Vec<usize>,
    },
    /// `x` → axis `i` of the output is axis `perm[i]` of the input.
    Transpose {
        /// A permutation of the axes.
        perm: Vec<usize>,
    },
    /// `x` → elements `start + i·step`, `i < len`, along one axis; `step` may be negative.
    Slice {
        /// The axis.
        axis: usize,
        /// First index.
        start: usize,
        /// Distance between successive indices, not 0.
        step: isize,
        /// Number of elements kept, at least 1.
        len: usize,
    },
    /// `x` → elements `indices[i]` along one axis. (Gather with constant indices; the axis stays.)
    Select {
        /// The axis.
        axis: usize,
        /// Indices, each below the axis's extent.
        indices: Vec<usize>,
    },
    /// One input or more → joined along `axis`; the other extents agree.
    Concat {
        /// The axis.
        axis: usize,
    },
    /// `x` → same shape: `e^(x−m) / Σ e^(x−m)` along `axis`, m the largest.
    Softmax {
        /// The axis.
        axis: usize,
    },
    /// `x` → same shape: `x − m − log Σ e^(x−m)` along `axis`, m the largest.
    LogSoftmax {
        /// The axis.
        axis: usize,
    },
    /// `x [batch, in, …]` → `[batch, out, …]`: `y[o] = Σ_c Σ_k weights[o, c, k]·x[c, place of k] + bias[o]`, c over the
    /// channels of o's group and k over the window, both ascending, the bias added last; padding is zero.
    Conv {
        /// `[out, in / groups, …]`, finite.
        weights: Tensor,
        /// `out` values, finite.
        bias: Vec<f32>,
        /// Groups of channels that do not see one another; `in` of them make a depthwise convolution.
        groups: usize,
        /// The window.
        window: Window,
    },
    /// `x [batch, in, …]` → `[batch, out, …]`: the transpose of a convolution of that window. Every element of `x` adds
    /// `weights[c, o, k]·x[c]` where k lies in its window; c ascending, then k, the bias added last.
    ConvTranspose {
        /// `[in, out / groups, …]`, finite.
        weights: Tensor,
        /// `out` values, finite.
        bias: Vec<f32>,
        /// Groups of channels that do not see one another.
        groups: usize,
        /// The window.
        window: Window,
        /// Elements added to the end of each spatial axis.
        output_padding: Vec<usize>,
    },
    /// `x [batch, channels, …]` → one element per window and channel.
    Pool {
        /// What is taken.
        op: Pooling,
        /// The window.
        window: Window,
        /// Whether a window may end behind the padding.
        ceil: bool,
    },
    /// `x` → with elements before and after each axis.
    Pad {
        /// Their numbers, for every axis.
        pads: Vec<(usize, usize)>,
        /// Their values.
        padding: Padding,
    },
    /// `x` → indices of the largest (or smallest) element along `axis`, which becomes extent 1.
    ArgMax {
        /// The axis.
        axis: usize,
        /// Whether the largest is sought, not the smallest.
        largest: bool,
        /// Which of several equal ones: the last, or the first.
        last: bool,
    },
    /// `x` → the k largest (or smallest) elements along `axis`, in order; among equals the lower index comes first.
    TopK {
        /// The axis.
        axis: usize,
        /// How many.
        k: usize,
        /// Whether the largest are taken, not the smallest.
        largest: bool,
        /// Whether their indices are given, not their values.
        indices: bool,
    },
    /// `x`, `indices` → elements of `x` along `axis`, whose place the indices' axes take; a negative index counts from
    /// the end, one outside gives NaN. (Gather with indices that depend on the event.)
    Gather {
        /// The axis.
        axis: usize,
    },
    /// `x` → same shape: the integers of a quantiser.
    Quantise(Box<Quantiser>),
    /// `x` → same shape: (x − zero point)·scale, both of which broadcast to `x`.
    Dequantise {
        /// Value of one count.
        scale: Tensor,
        /// The integer of zero.
        zero_point: Tensor,
    },
    /// `x [..., in]` → `[..., out]`: the products of a dense layer, each quantised by a quantiser of one
    /// scale and brought back, before they are summed: `ap_fixed` accumulators.
    DenseStepwise {
        /// `[out, in]`, finite.
        weights: Tensor,
        /// What happens to each product.
        product: Box<Quantiser>,
    },
    /// `x` → same shape: each element as the nearest number of its own fixed-point type.
    FixedPoint(Box<FixedPoint>),
    /// `x [..., features]` → `[..., targets]`: decision trees, row by row.
    Trees(Box<Forest>),
}

impl Op {
    /// Whether each element of the result is an element of an operand, wherever it stands there: nothing is computed.
    pub fn moves(&self) -> bool {
        matches!(
            self,
            Op::Reshape { .. }
                | Op::Broadcast { .. }
                | Op::Transpose { .. }
                | Op::Slice { .. }
                | Op::Select { .. }
                | Op::Concat { .. }
        )
    }

    /// The operation's name, as error messages and listings show it.
    pub fn name(&self) -> &'static str {
        match self {
            Op::Constant(_) => "Constant",
            Op::Dense { .. } => "Dense",
            Op::MatMul => "MatMul",
            Op::ScaleShift { .. } => "ScaleShift",
            Op::Unary(u) => u.name(),
            Op::Binary(Binary::Add) => "Add",
            Op::Binary(Binary::Sub) => "Sub",
            Op::Binary(Binary::Mul) => "Mul",
            Op::Binary(Binary::Div) => "Div",
            Op::Binary(Binary::Pow) => "Pow",
            Op::Binary(Binary::Min) => "Min",
            Op::Binary(Binary::Max) => "Max",
            Op::Binary(Binary::PRelu) => "PRelu",
            Op::Compare(Comparison::Greater) => "Greater",
            Op::Compare(Comparison::GreaterOrEqual) => "GreaterOrEqual",
            Op::Compare(Comparison::Less) => "Less",
            Op::Compare(Comparison::LessOrEqual) => "LessOrEqual",
            Op::Compare(Comparison::Equal) => "Equal",
            Op::Logic(Logic::And) => "And",
            Op::Logic(Logic::Or) => "Or",
            Op::Logic(Logic::Xor) => "Xor",
            Op::Where => "Where",
            Op::Reduce { op, .. } => op.name(),
            Op::Reshape { .. } => "Reshape",
            Op::Broadcast { .. } => "Broadcast",
            Op::Transpose { .. } => "Transpose",
            Op::Slice { .. } => "Slice",
            Op::Select { .. } => "Select",
            Op::Concat { .. } => "Concat",
            Op::Softmax { .. } => "Softmax",
            Op::LogSoftmax { .. } => "LogSoftmax",
            Op::Conv { .. } => "Conv",
            Op::ConvTranspose { .. } => "ConvTranspose",
            Op::Pool {
                op: Pooling::Max, ..
            } => "MaxPool",
            Op::Pool { .. } => "AveragePool",
            Op::Pad { .. } => "Pad",
            Op::ArgMax { largest: true, .. } => "ArgMax",
            Op::ArgMax { .. } => "ArgMin",
            Op::TopK { .. } => "TopK",
            Op::Gather { .. } => "Gather",
            Op::Quantise(_) => "Quantise",
            Op::Dequantise { .. } => "Dequantise",
            Op::FixedPoint(_) => "FixedPoint",
            Op::DenseStepwise { .. } => "DenseStepwise",
            Op::Trees(_) => "Trees",
        }
    }
}

impl Unary {
    /// The function's name.
    pub fn name(&self) -> &'static str {
        match self {
            Unary::Neg => "Neg",
            Unary::Abs => "Abs",
            Unary::Sqrt => "Sqrt",
            Unary::Exp => "Exp",
            Unary::Log => "Log",
            Unary::Relu => "Relu",
            Unary::LeakyRelu { .. } => "LeakyRelu",
            Unary::Elu { .. } => "Elu",
            Unary::Selu { .. } => "Selu",
            Unary::Celu { .. } => "Celu",
            Unary::Gelu { .. } => "Gelu",
            Unary::Sigmoid => "Sigmoid",
            Unary::HardSigmoid { .. } => "HardSigmoid",
            Unary::HardSwish => "HardSwish",
            Unary::Tanh => "Tanh",
            Unary::Softplus => "Softplus",
            Unary::Softsign => "Softsign",
            Unary::Mish => "Mish",
            Unary::Erf => "Erf",
            Unary::Clip { .. } => "Clip",
            Unary::Circular(function) => function.name(),
            Unary::Square => "Square",
            Unary::Reciprocal => "Reciprocal",
            Unary::Power { .. } => "Pow",
            Unary::Floor => "Floor",
            Unary::Ceil => "Ceil",
            Unary::Round => "Round",
            Unary::Trunc => "Trunc",
            Unary::Sign => "Sign",
            Unary::Not => "Not",
            Unary::Wrap { .. } => "Wrap",
        }
    }
}

impl Reduction {
    /// The reduction's name.
    pub fn name(&self) -> &'static str {
        match self {
            Reduction::Sum => "ReduceSum",
            Reduction::Mean => "ReduceMean",
            Reduction::Max => "ReduceMax",
            Reduction::Min => "ReduceMin",
            Reduction::Prod => "ReduceProd",
            Reduction::SumSquare => "ReduceSumSquare",
            Reduction::L2 => "ReduceL2",
            Reduction::L1 => "ReduceL1",
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
