//! The kernel of each value, and the conditions under which it is exact.

use hodoscope_program::{IntType, Operation, Overflow, Program, Proof, Rounding, Value, ValueId};

use super::fuse::behind_relu;
use super::layout::Layout;
use super::{Kernel, Pair, PlanError, Requantise};

/// The integer in which a kernel computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Accumulator {
    /// 32 bits.
    I32,
    /// 64 bits.
    I64,
}

impl Accumulator {
    /// The Rust type.
    pub fn name(self) -> &'static str {
        match self {
            Self::I32 => "i32",
            Self::I64 => "i64",
        }
    }

    /// The narrowest that every one of `elements`, as it is stored, converts to.
    pub(super) fn for_all(elements: impl IntoIterator<Item = IntType>) -> Self {
        let of = |element: IntType| match element.storage().width {
            64 => Self::I64,
            _ => Self::I32,
        };
        elements.into_iter().map(of).max().unwrap_or(Self::I32)
    }

    /// `raw`, or the end of this type that it lies behind: for a limit, the same.
    fn limit(self, raw: i64) -> i64 {
        match self {
            Self::I32 => raw.clamp(i32::MIN.into(), i32::MAX.into()),
            Self::I64 => raw,
        }
    }
}

/// Bits in which a crate stores a type: 8, 16, 32 or 64.
pub fn storage_bits(element: IntType) -> u8 {
    element.storage().width
}

pub(super) fn choose(
    program: &Program,
    proof: &Proof,
    absorbed: &[bool],
    id: ValueId,
) -> Result<Kernel, PlanError> {
    let value = program.value(id);
    // A relu that absorbed its rescale only cuts the limits.
    let source = behind_relu(program, absorbed, id);
    let refuse = |reason: String| {
        let value = program.value(source);
        Err(PlanError::Value {
            value: value.name.clone(),
            operation: value.operation.keyword(),
            reason,
        })
    };
    let of = |id: ValueId| program.value(id).element;
    if value.shape.0.len() > 1 + usize::from(value.shape.set().is_some()) {
        return refuse(format!("shape {:?} has more axes than a row", value.shape));
    }
    let floor = if source == id { i64::MIN } else { 0 };
    let element = value.element;
    let pair = |operator, a: ValueId, b: ValueId| Kernel::Pair {
        operator,
        a,
        b,
        accumulator: Accumulator::for_all([of(a), of(b), element]),
    };
    Ok(match &program.value(source).operation {
        Operation::Rescale {
            x,
            multipliers,
            offsets,
            shifts,
            rounding,
            overflow,
        } => {
            if *rounding != Rounding::Rnd {
                return refuse(format!("rounding {rounding:?} has no kernel yet; use RND"));
            }
            if *overflow != Overflow::Sat {
                return refuse(format!("overflow {overflow:?} has no kernel yet; use SAT"));
            }
            let plain = multipliers == &[1] && offsets == &[0];
            let requantise = if plain {
                Requantise::Shift(shifts.clone())
            } else {
                Requantise::Affine {
                    multipliers: multipliers.clone(),
                    offsets: offsets.clone(),
                    shifts: shifts.clone(),
                }
            };
            // The rescale saturates into its own type, whatever the relu's is.
            let ty = of(source);
            let limits = |accumulator: Accumulator| {
                let (low, high) = (ty.minimum().max(floor), ty.maximum());
                (accumulator.limit(low), accumulator.limit(high))
            };
            match program.value(*x).operation {
                Operation::Dense {
                    x: operand,
                    weights,
                    bias,
                } if absorbed[x.index()] => {
                    let accumulator = dense_accumulator(program, *x);
                    Kernel::DenseRescale {
                        x: operand,
                        weights,
                        bias,
                        accumulator,
                        requantise,
                        limits: limits(accumulator),
                        layout: Layout::Rows,
                    }
                }
                _ => {
                    let accumulator = rescale_accumulator(program, proof, source);
                    Kernel::Rescale {
                        x: *x,
                        accumulator,
                        requantise,
                        limits: limits(accumulator),
                    }
                }
            }
        }
        Operation::Input(input) => Kernel::Words { input: *input },
        Operation::Dense { x, weights, bias } => Kernel::Dense {
            x: *x,
            weights: *weights,
            bias: *bias,
            accumulator: dense_accumulator(program, source),
            layout: Layout::Rows,
        },
        Operation::Relu { x } => Kernel::Relu { x: *x },
        Operation::Clip {
            x,
            minimum,
            maximum,
        } => {
            let accumulator = Accumulator::for_all([of(*x), element]);
            Kernel::Clip {
                x: *x,
                minimum: accumulator.limit(*minimum),
                maximum: accumulator.limit(*maximum),
                accumulator,
            }
        }
        Operation::LeakyRelu {
            x,
            multiplier,
            shift,
            rounding,
        } => {
            if *rounding != Rounding::Rnd {
                return refuse(format!("rounding {rounding:?} has no kernel yet; use RND"));
            }
            let largest = proof.interval(*x).magnitude() * i128::from(*multiplier);
            Kernel::LeakyRelu {
                x: *x,
                multiplier: *multiplier,
                shift: *shift,
                accumulator: holding(largest, &[*shift]).max(Accumulator::for_all([of(*x)])),
            }
        }
        Operation::Table { x, table } => Kernel::Table {
            x: *x,
            table: *table,
            first: program.value(*x).element.minimum(),
        },
        Operation::Mul { a, b } => pair(Pair::Mul, *a, *b),
        Operation::Add { a, b } => pair(Pair::Add, *a, *b),
        Operation::Sub { a, b } => pair(Pair::Sub, *a, *b),
        Operation::SquaredError { a, b } => Kernel::SquaredError {
            a: *a,
            b: *b,
            accumulator: Accumulator::for_all([of(*a), of(*b), element]),
        },
        Operation::SumSquares { x } => Kernel::SumSquares {
            x: *x,
            accumulator: Accumulator::for_all([of(*x), element]),
        },
        Operation::Select { x, channels } => Kernel::Select {
            x: *x,
            channels: channels.clone(),
        },
        Operation::Concat { parts } => Kernel::Concat {
            parts: parts.clone(),
        },
        Operation::Sum { .. } => return refuse("it is pooled".into()),
        Operation::DenseStepwise { .. }
        | Operation::Divide { .. }
        | Operation::Reshape { .. }
        | Operation::Gather { .. } => return refuse("it has no kernel yet".into()),
    })
}

/// The sums of the dense layer `id`: wide enough for its result, and for operands and constants as
/// they are stored.
fn dense_accumulator(program: &Program, id: ValueId) -> Accumulator {
    let value = program.value(id);
    let operands = value.operation.operands();
    let operands = operands.iter().map(|x| program.value(*x).element);
    let constants = value.operation.constants();
    let constants = constants.iter().map(|c| program.constant(*c).element);
    Accumulator::for_all(operands.chain(constants).chain([value.element]))
}

/// Whether the sums of `dense` can be rescaled by `rescale` within their own type.
pub(super) fn fits_dense_accumulator(
    program: &Program,
    proof: &Proof,
    dense: ValueId,
    rescale: &Value,
) -> bool {
    let Operation::Rescale {
        multipliers,
        offsets,
        shifts,
        ..
    } = &rescale.operation
    else {
        return false;
    };
    let bound = product_bound(proof, dense, multipliers, offsets);
    holding(bound, shifts) <= dense_accumulator(program, dense)
}

fn rescale_accumulator(program: &Program, proof: &Proof, id: ValueId) -> Accumulator {
    let Operation::Rescale {
        x,
        multipliers,
        offsets,
        shifts,
        ..
    } = &program.value(id).operation
    else {
        return Accumulator::I64;
    };
    let bound = product_bound(proof, *x, multipliers, offsets);
    holding(bound, shifts).max(Accumulator::for_all([program.value(*x).element]))
}

/// Largest |x·multiplier| and |x·multiplier + offset|.
fn product_bound(proof: &Proof, x: ValueId, multipliers: &[i64], offsets: &[i64]) -> i128 {
    let largest = |entries: &[i64]| entries.iter().map(|e| i128::from(*e).abs()).max();
    proof.bounds[x.index()] * largest(multipliers).unwrap_or(1) + largest(offsets).unwrap_or(0)
}

/// The accumulator that holds `bound` with the rounding term of any of the shifts. A shift of 31
/// bits has no rounding term of 32 bits.
fn holding(bound: i128, shifts: &[u8]) -> Accumulator {
    let shift = shifts.iter().copied().max().unwrap_or(0);
    let half = (1i128 << shift) >> 1;
    if shift <= 30 && bound + half <= i128::from(i32::MAX) {
        Accumulator::I32
    } else {
        Accumulator::I64
    }
}
