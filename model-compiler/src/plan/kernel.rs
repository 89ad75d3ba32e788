//! The kernel of each value, and the conditions under which it is exact.

use hodoscope_program::{
    ConstantId, Dim, IntType, Operation, Overflow, Product, Program, Proof, Rounding, Trees, Value,
    ValueId,
};

use super::fuse::behind_relu;
use super::layout::Layout;
use super::{Kernel, Pair, PlanError, Reduction, Requantise};

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
    if value.shape.set().is_some() && value.shape.0.len() > 2 {
        let reason = "has more axes than a constituent's row";
        return refuse(format!("shape {:?} {reason}", value.shape));
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
            let plain = multipliers == &[1] && offsets == &[0];
            let ours = (*rounding, *overflow) == (Rounding::Rnd, Overflow::Sat);
            let value = program.value(source);
            let scaled = || match fits_dense_accumulator(program, proof, *x, value) {
                true => None,
                false => upper_scale(program, *x, value),
            };
            let is_dense = matches!(program.value(*x).operation, Operation::Dense { .. });
            let scaled = (absorbed[x.index()] && is_dense).then(scaled).flatten();
            let requantise = if let Some(scaled) = scaled {
                scaled
            } else if !ours {
                // Reduced in the accumulator that the match below chooses.
                let accumulator = match absorbed[x.index()] && is_dense {
                    true => dense_accumulator(program, *x),
                    false => rescale_accumulator(program, proof, source),
                };
                Requantise::Imported {
                    multipliers: multipliers.clone(),
                    offsets: offsets.clone(),
                    shifts: shifts.clone(),
                    rounding: *rounding,
                    overflow: reduction(of(source), *overflow, accumulator),
                }
            } else if plain {
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
            let symmetric = match overflow {
                Overflow::SatSym => -ty.maximum(),
                _ => i64::MIN,
            };
            let limits = |accumulator: Accumulator| {
                let (low, high) = (ty.minimum().max(symmetric).max(floor), ty.maximum());
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
                Operation::Input(input) if absorbed[x.index()] => {
                    let accumulator = rescale_accumulator(program, proof, source);
                    Kernel::WordsRescale {
                        input,
                        words: *x,
                        accumulator,
                        requantise,
                        limits: limits(accumulator),
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
                accumulator: holding(largest, &[*shift], *rounding)
                    .max(Accumulator::for_all([of(*x)])),
            }
        }
        Operation::Table { x, table } => Kernel::Table {
            x: *x,
            table: *table,
            first: program.value(*x).element.minimum(),
        },
        Operation::Interpolate {
            x,
            table,
            first,
            shift,
        } => {
            let entries = program.constant(*table);
            Kernel::Interpolate {
                x: *x,
                table: *table,
                first: *first,
                shift: *shift,
                accumulator: between(&entries.data, *shift)
                    .max(Accumulator::for_all([entries.element, element])),
            }
        }
        Operation::Exponent { x } => Kernel::Exponent { x: *x },
        Operation::Mantissa { x, bits } => Kernel::Mantissa { x: *x, bits: *bits },
        Operation::Mul { a, b } => pair(Pair::Mul, *a, *b),
        Operation::Add { a, b } => pair(Pair::Add, *a, *b),
        Operation::Sub { a, b } => pair(Pair::Sub, *a, *b),
        Operation::Larger { a, b } => pair(Pair::Larger, *a, *b),
        Operation::Smaller { a, b } => pair(Pair::Smaller, *a, *b),
        Operation::MatMul { a, b } => {
            let rows = |id: ValueId| match program.value(id).shape.0[..] {
                [.., Dim::Fixed(rows), _] => rows,
                _ => 1,
            };
            let inner = program.value(*a).shape.channels();
            Kernel::MatMul {
                a: *a,
                b: *b,
                extents: [rows(*a), inner, rows(*b)],
                accumulator: Accumulator::for_all([of(*a), of(*b), element]),
            }
        }
        Operation::Quotient {
            a,
            b,
            shift,
            rounding,
        } => {
            let magnitude = match proof.interval(source).minimum >= 0 {
                true => element.maximum(),
                false => -element.minimum(),
            };
            Kernel::Quotient {
                a: *a,
                b: *b,
                shift: *shift,
                // One at least; the smallest raw of a signed type has a bit more than the largest.
                bits: bits(magnitude.max(1).into()),
                rounding: *rounding,
                limits: (element.minimum(), element.maximum()),
                remainder: remainder(proof.interval(*b).magnitude()),
            }
        }
        Operation::SquareRoot { x, shift } => {
            let largest = proof.interval(*x).maximum.max(1) << shift;
            Kernel::SquareRoot {
                x: *x,
                shift: *shift,
                bits: bits(largest).div_ceil(2),
                remainder: remainder(largest),
            }
        }
        Operation::Largest { x } => Kernel::Largest {
            x: *x,
            accumulator: Accumulator::for_all([of(*x), element]),
        },
        Operation::TopK { x, count } => {
            let channels = program.value(*x).shape.channels();
            let bits = channels.next_power_of_two().trailing_zeros();
            let keys = match proof.interval(*x).signed_bits() + bits {
                ..=32 => Accumulator::I32,
                _ => Accumulator::I64,
            };
            Kernel::TopK {
                x: *x,
                count: *count,
                bits: bits as u8,
                accumulator: keys.max(Accumulator::for_all([of(*x), element])),
            }
        }
        Operation::Take { x, indices } => Kernel::Take {
            x: *x,
            indices: *indices,
        },
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
        Operation::Count { .. } => Kernel::Count,
        Operation::ArgMax { x } => Kernel::ArgMax {
            x: *x,
            accumulator: Accumulator::for_all([of(*x)]),
        },
        Operation::Max { .. } => return refuse("it is pooled".into()),
        Operation::Sum { x } => Kernel::SumRows {
            x: *x,
            accumulator: Accumulator::for_all([of(*x), element]),
        },
        Operation::DenseStepwise {
            x,
            weights,
            bias,
            product,
        } => {
            if matches!(product.overflow, Overflow::Wrap | Overflow::SatZero) {
                return refuse("products that wrap have no kernel; use SAT".into());
            }
            stepwise(program, proof, id, *x, (*weights, *bias), product)
        }
        Operation::Divide {
            x,
            divisor,
            rounding,
        } => Kernel::Divide {
            x: *x,
            // The verifier holds it to 16 bits.
            divisor: *divisor as u16,
            rounding: *rounding,
        },
        Operation::Trees(own) => trees(program, proof, own, element),
        Operation::Reshape { x } => Kernel::View { x: *x },
        Operation::Gather { x, elements } => Kernel::Gather {
            x: *x,
            elements: elements.clone(),
        },
    })
}

/// The integer that holds the products between the entries of a table.
fn between(entries: &[i64], shift: u8) -> Accumulator {
    let steps = entries.windows(2).map(|pair| pair[1].abs_diff(pair[0]));
    let largest = u128::from(steps.max().unwrap_or(0)) << shift;
    match largest + ((1 << shift) >> 1) <= i32::MAX as u128 {
        true => Accumulator::I32,
        false => Accumulator::I64,
    }
}

/// Bits of a number that is not negative.
fn bits(x: i128) -> u8 {
    (128 - x.leading_zeros()) as u8
}

/// The integer that holds remainders of a division by `divisor`, or of a root of it: below 2^31 that of 32 bits.
fn remainder(divisor: i128) -> Accumulator {
    match divisor < 1 << 31 {
        true => Accumulator::I32,
        false => Accumulator::I64,
    }
}

/// Decision trees: thresholds minus features stay within the type in which they are compared.
fn trees(program: &Program, proof: &Proof, trees: &Trees, result: IntType) -> Kernel {
    let nodes = &program.constant(trees.nodes).data;
    let thresholds = nodes.chunks(4).map(|node| i128::from(node[1]).abs());
    let reach = proof.interval(trees.x).magnitude() + thresholds.max().unwrap_or(0);
    let compare = match reach <= i32::MAX.into() {
        true => Accumulator::I32,
        false => Accumulator::I64,
    };
    Kernel::Trees {
        trees: trees.clone(),
        compare: compare.max(Accumulator::for_all([program.value(trees.x).element])),
        accumulator: Accumulator::for_all([result, program.constant(trees.leaves).element]),
    }
}

/// What an overflow into `ty` does before the limits do.
fn reduction(ty: IntType, overflow: Overflow, accumulator: Accumulator) -> Reduction {
    let bits = match accumulator {
        Accumulator::I32 => 32,
        Accumulator::I64 => 64,
    };
    match overflow {
        Overflow::Sat | Overflow::SatSym => Reduction::Saturated,
        Overflow::SatZero => {
            let ends = [ty.minimum(), ty.maximum()].map(|end| accumulator.limit(end));
            Reduction::OrZero(ends[0], ends[1])
        }
        // Everything that the accumulator holds is of the type.
        Overflow::Wrap if ty.signed && ty.width >= bits => Reduction::Saturated,
        Overflow::Wrap if ty.signed => Reduction::Wrapped(ty.width),
        Overflow::Wrap => Reduction::WrappedUnsigned(ty.width),
    }
}

/// A dense layer whose products are rounded: the types in which they, and their sums, are exact.
fn stepwise(
    program: &Program,
    proof: &Proof,
    id: ValueId,
    x: ValueId,
    (weights, bias): (ConstantId, ConstantId),
    product: &Product,
) -> Kernel {
    let interval = proof.interval(x);
    let data = &program.constant(weights).data;
    let largest = data.iter().map(|w| i128::from(*w).abs()).max();
    let bound = largest.unwrap_or(0) * interval.magnitude();
    let stored = [program.value(x).element, program.constant(weights).element];
    let accumulator =
        Accumulator::for_all([program.value(id).element, program.constant(bias).element]);
    let symmetric = match product.overflow {
        Overflow::SatSym => -product.element.maximum(),
        _ => i64::MIN,
    };
    let (low, high) = (
        product.element.minimum().max(symmetric),
        product.element.maximum(),
    );
    // One count more than the quotient, whatever the rounding.
    let reached = (bound >> product.shift) + 1;
    let leaves = reached > high.into() || -reached < low.into();
    let wide = holding(bound, &[product.shift], product.rounding)
        .max(Accumulator::for_all(stored))
        .max(match leaves {
            true => Accumulator::for_all([product.element]),
            false => Accumulator::I32,
        });
    Kernel::DenseStepwise {
        x,
        weights,
        bias,
        shift: product.shift,
        rounding: product.rounding,
        // Sums are not wider than their products: one conversion less.
        product: wide.max(accumulator),
        limits: leaves.then_some((low, high)),
        accumulator,
    }
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
        rounding,
        overflow,
        ..
    } = &rescale.operation
    else {
        return false;
    };
    // Modulo the type, sums must hold it.
    if matches!(overflow, Overflow::Wrap | Overflow::SatZero)
        && Accumulator::for_all([rescale.element]) > dense_accumulator(program, dense)
    {
        return false;
    }
    let bound = product_bound(proof, dense, multipliers, offsets);
    holding(bound, shifts, *rounding) <= dense_accumulator(program, dense)
}

/// The rescale of the sums of `dense`, where it is one multiplier's, and reads only the upper half of a
/// product: 32 bits by 32 is one instruction on some cores. The result saturates into its own type of 16 bits at most.
pub(super) fn upper_scale(
    program: &Program,
    dense: ValueId,
    rescale: &Value,
) -> Option<Requantise> {
    let Operation::Rescale {
        multipliers,
        offsets,
        shifts,
        rounding,
        overflow: Overflow::Sat,
        ..
    } = &rescale.operation
    else {
        return None;
    };
    let (&[multiplier], &[offset], &[shift]) = (&multipliers[..], &offsets[..], &shifts[..]) else {
        return None;
    };
    let half = match rounding {
        Rounding::Trn => 0,
        Rounding::Rnd => (1i128 << shift) >> 1,
        _ => return None,
    };
    let halves = rescale.element.storage().width <= 16;
    if !halves || dense_accumulator(program, dense) != Accumulator::I32 {
        return None;
    }
    let mut multiplier = i32::try_from(multiplier).ok()?;
    let mut offset = i128::from(offset) + half;
    let mut shift = shift;
    // Twice all of it is the same, and brings the offset's last bits into the upper half.
    while shift < 32 || offset & 0xffff_ffff != 0 {
        multiplier = multiplier.checked_mul(2)?;
        offset *= 2;
        shift += 1;
    }
    // The upper half of a product is 2^30 at most: with the offset it stays within 32 bits.
    let offset = offset >> 32;
    (offset.abs() < 1 << 30 && shift < 64).then_some(Requantise::Scaled {
        multiplier,
        offset: offset as i32,
        shift: shift - 32,
    })
}

fn rescale_accumulator(program: &Program, proof: &Proof, id: ValueId) -> Accumulator {
    let Operation::Rescale {
        x,
        multipliers,
        offsets,
        shifts,
        rounding,
        overflow,
        ..
    } = &program.value(id).operation
    else {
        return Accumulator::I64;
    };
    let bound = product_bound(proof, *x, multipliers, offsets);
    let reduced = match overflow {
        Overflow::Wrap | Overflow::SatZero => Accumulator::for_all([program.value(id).element]),
        Overflow::Sat | Overflow::SatSym => Accumulator::I32,
    };
    holding(bound, shifts, *rounding)
        .max(Accumulator::for_all([program.value(*x).element]))
        .max(reduced)
}

/// Largest |x·multiplier| and |x·multiplier + offset|.
fn product_bound(proof: &Proof, x: ValueId, multipliers: &[i64], offsets: &[i64]) -> i128 {
    let largest = |entries: &[i64]| entries.iter().map(|e| i128::from(*e).abs()).max();
    proof.bounds[x.index()] * largest(multipliers).unwrap_or(1) + largest(offsets).unwrap_or(0)
}

/// The accumulator that holds `bound` with the rounding term of any of the shifts. A shift of 31
/// bits has no rounding term of 32 bits.
fn holding(bound: i128, shifts: &[u8], rounding: Rounding) -> Accumulator {
    let shift = shifts.iter().copied().max().unwrap_or(0);
    // Halves to even adds one more, and TRN_ZERO all low bits, though to negative numbers only.
    let half = match rounding {
        Rounding::Rnd => (1i128 << shift) >> 1,
        _ => 1i128 << shift,
    };
    if shift <= 30 && bound + half <= i128::from(i32::MAX) {
        Accumulator::I32
    } else {
        Accumulator::I64
    }
}
