//! From the program to the kernels of one core.
//!
//! A [`Plan`] says which kernel computes which value, in which order and in which accumulator, and
//! it holds only what its conditions were proved for. This version knows one core, `portable`:
//! row-major weights and the portable bodies of all kernels, which every target runs.

mod fuse;
mod kernel;

use hodoscope_program::{ConstantId, InputId, Operation, Program, Proof, ValueId, VerifyError};

pub use kernel::{Accumulator, storage_bits};

/// What runs where.
#[derive(Clone, Debug)]
pub struct Plan<'p> {
    /// The program.
    pub program: &'p Program,
    /// What its verifier proved.
    pub proof: Proof,
    /// Computed for each live constituent.
    pub constituent: Vec<Step>,
    /// Sums over constituents.
    pub pooled: Vec<Pooled>,
    /// Computed once per event.
    pub event: Vec<Step>,
}

/// A sum over constituents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pooled {
    /// The sum.
    pub result: ValueId,
    /// What is summed.
    pub x: ValueId,
    /// Type of the running sum.
    pub accumulator: Accumulator,
}

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
    },
    /// A rescale, and perhaps the relu that follows it.
    Rescale {
        /// Operand.
        x: ValueId,
        /// Type of the products.
        accumulator: Accumulator,
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
    /// a · b, a + b or a − b.
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
}

/// Constants of a rescale; one entry serves all channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requantise {
    /// Only shifts.
    Shift(Vec<u8>),
    /// Multipliers, offsets and shifts.
    Affine {
        /// Multipliers.
        multipliers: Vec<i64>,
        /// Offsets.
        offsets: Vec<i64>,
        /// Shifts.
        shifts: Vec<u8>,
    },
}

/// Why a program has no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The program does not verify.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// A value that no kernel computes.
    #[error("value '{value}' ({operation}): {reason}")]
    Value {
        /// Its name.
        value: String,
        /// Its operation.
        operation: &'static str,
        /// What no kernel does.
        reason: String,
    },
    /// More sets than one.
    #[error("the program has {0} sets; one is supported in this version")]
    Sets(usize),
    /// A set over which nothing is summed.
    #[error("set '{0}': nothing is summed over its constituents")]
    Unpooled(String),
}

impl<'p> Plan<'p> {
    /// The plan of the portable core.
    ///
    /// # Errors
    /// When the program does not verify, or no kernel computes one of its values.
    pub fn portable(program: &'p Program) -> Result<Self, PlanError> {
        let proof = program.verify()?;
        if program.sets.len() > 1 {
            return Err(PlanError::Sets(program.sets.len()));
        }
        let fused = fuse::absorbed(program, &proof);
        let mut plan = Self {
            program,
            proof,
            constituent: vec![],
            pooled: vec![],
            event: vec![],
        };
        for (id, value) in program.values() {
            if fused[id.index()] {
                continue;
            }
            if let Operation::Sum { x } = value.operation {
                plan.pooled.push(Pooled {
                    result: id,
                    x,
                    accumulator: Accumulator::for_all([value.element, program.value(x).element]),
                });
                continue;
            }
            let kernel = kernel::choose(program, &plan.proof, &fused, id)?;
            let steps = match value.shape.set() {
                Some(_) => &mut plan.constituent,
                None => &mut plan.event,
            };
            steps.push(Step { result: id, kernel });
        }
        if let (Some(set), []) = (program.sets.first(), &plan.pooled[..]) {
            return Err(PlanError::Unpooled(set.name.clone()));
        }
        Ok(plan)
    }

    /// The value that `step` computes.
    pub fn result(&self, step: &Step) -> &'p hodoscope_program::Value {
        self.program.value(step.result)
    }

    /// Values that are computed as such; the others are inside of a fused kernel.
    pub fn visible(&self) -> Vec<bool> {
        let mut visible = vec![false; self.program.values.len()];
        let steps = self.constituent.iter().chain(&self.event).map(|s| s.result);
        for id in steps.chain(self.pooled.iter().map(|sum| sum.result)) {
            visible[id.index()] = true;
        }
        visible
    }
}

impl Kernel {
    /// The values that it reads.
    pub fn operands(&self) -> Vec<ValueId> {
        match self {
            Self::Words { .. } => vec![],
            Self::Dense { x, .. }
            | Self::DenseRescale { x, .. }
            | Self::Rescale { x, .. }
            | Self::Relu { x }
            | Self::Clip { x, .. }
            | Self::LeakyRelu { x, .. }
            | Self::Table { x, .. }
            | Self::SumSquares { x, .. }
            | Self::Select { x, .. } => vec![*x],
            Self::Pair { a, b, .. } | Self::SquaredError { a, b, .. } => vec![*a, *b],
            Self::Concat { parts } => parts.clone(),
        }
    }
}
