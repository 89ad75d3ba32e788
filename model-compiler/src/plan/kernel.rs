//! The kernel of each value, and the conditions under which it is exact.

use hodoscope_program::{IntType, Operation, Overflow, Program, Proof, Rounding, Value, ValueId};

use super::fuse::behind_relu;
use super::{Kernel, Pair, PlanError, Requantise};

/// The integer in which a kernel computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

    /// The type that a value is computed in: its own where it is 64 bits wide, else 32 bits.
    fn of(element: IntType) -> Self {
        match element.storage().width {
            64 => Self::I64,
            _ => Self::I32,
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
    let refuse = |reason: String| {
        Err(PlanError::Value {
            value: value.name.clone(),
            operation: value.operation.keyword(),
            reason,
        })
    };
    if value.shape.0.len() > 1 + usize::from(value.shape.set().is_some()) {
        return refuse(format!("shape {:?} has more axes than a row", value.shape));
    }
    // A relu that absorbed its rescale only cuts the limits.
    let source = behind_relu(program, absorbed, id);
    let floor = if source == id { i64::MIN } else { 0 };
    let element = value.element;
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
            let limits = (element.minimum().max(floor), element.maximum());
            match program.value(*x).operation {
                Operation::Dense { x, weights, bias } if absorbed[x_index(program, source)] => {
                    Kernel::DenseRescale {
                        x,
                        weights,
                        bias,
                        accumulator: Accumulator::of(dense_element(program, source)),
                        requantise,
                        limits,
                    }
                }
                _ => Kernel::Rescale {
                    x: *x,
                    accumulator: rescale_accumulator(program, proof, source),
                    requantise,
                    limits,
                },
            }
        }
        Operation::Input(input) => Kernel::Words { input: *input },
        Operation::Dense { x, weights, bias } => Kernel::Dense {
            x: *x,
            weights: *weights,
            bias: *bias,
            accumulator: Accumulator::of(element),
        },
        Operation::Relu { x } => Kernel::Relu { x: *x },
        Operation::Clip {
            x,
            minimum,
            maximum,
        } => {
            let ty = program.value(*x).element;
            // Bounds outside of the operand's type bind nothing.
            Kernel::Clip {
                x: *x,
                minimum: (*minimum).clamp(ty.minimum(), ty.maximum()),
                maximum: (*maximum).clamp(ty.minimum(), ty.maximum()),
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
                accumulator: holding(largest, [*shift].iter().copied()),
            }
        }
        Operation::Table { x, table } => Kernel::Table {
            x: *x,
            table: *table,
            first: program.value(*x).element.minimum(),
        },
        Operation::Mul { a, b } => pair(Pair::Mul, *a, *b, element),
        Operation::Add { a, b } => pair(Pair::Add, *a, *b, element),
        Operation::Sub { a, b } => pair(Pair::Sub, *a, *b, element),
        Operation::SquaredError { a, b } => Kernel::SquaredError {
            a: *a,
            b: *b,
            accumulator: Accumulator::of(element),
        },
        Operation::SumSquares { x } => Kernel::SumSquares {
            x: *x,
            accumulator: Accumulator::of(element),
        },
        Operation::Select { x, channels } => Kernel::Select {
            x: *x,
            channels: channels.clone(),
        },
        Operation::Concat { parts } => Kernel::Concat {
            parts: parts.clone(),
        },
        Operation::Sum { .. } => return refuse("it is pooled".into()),
    })
}

fn pair(operator: Pair, a: ValueId, b: ValueId, element: IntType) -> Kernel {
    Kernel::Pair {
        operator,
        a,
        b,
        accumulator: Accumulator::of(element),
    }
}

fn x_index(program: &Program, id: ValueId) -> usize {
    program.value(id).operation.operands()[0].index()
}

/// Type of the sums that the rescale `id` reads.
fn dense_element(program: &Program, id: ValueId) -> IntType {
    program.values[x_index(program, id)].element
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
    match Accumulator::of(program.value(dense).element) {
        Accumulator::I64 => true,
        Accumulator::I32 => holding(bound, shifts.iter().copied()) == Accumulator::I32,
    }
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
    match Accumulator::of(program.value(*x).element) {
        Accumulator::I64 => Accumulator::I64,
        Accumulator::I32 => {
            let bound = product_bound(proof, *x, multipliers, offsets);
            holding(bound, shifts.iter().copied())
        }
    }
}

/// Largest |x·multiplier| and |x·multiplier + offset|.
fn product_bound(proof: &Proof, x: ValueId, multipliers: &[i64], offsets: &[i64]) -> i128 {
    let largest = |entries: &[i64]| entries.iter().map(|e| i128::from(*e).abs()).max();
    proof.bounds[x.index()] * largest(multipliers).unwrap_or(1) + largest(offsets).unwrap_or(0)
}

/// The accumulator that holds `bound` with the rounding term of any of the shifts. A shift of 31
/// bits has no rounding term of 32 bits.
fn holding(bound: i128, shifts: impl Iterator<Item = u8>) -> Accumulator {
    let shift = shifts.max().unwrap_or(0);
    let half = (1i128 << shift) >> 1;
    if shift <= 30 && bound + half <= i128::from(i32::MAX) {
        Accumulator::I32
    } else {
        Accumulator::I64
    }
}
