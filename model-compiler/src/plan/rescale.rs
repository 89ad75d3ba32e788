//! Rescales: in which integer, alone or behind a dense layer, and with those before them.

use hodoscope_program::{IntType, Operation, Overflow, Program, Proof, Rounding, Value, ValueId};

use super::accumulator::{Accumulator, holding};
use super::layout::Layout;
use super::{Kernel, Reduction, Requantise, Stage};

/// The kernel of the rescale `id`, whose results are cut at `floor`: a relu's zero.
pub(super) fn kernel(
    program: &Program,
    proof: &Proof,
    absorbed: &[bool],
    id: ValueId,
    floor: i64,
) -> Kernel {
    let Some(x) = operand(program, id) else {
        return Kernel::View { x: id };
    };
    if let Operation::Dense {
        x: operand,
        weights,
        bias,
    } = program.value(x).operation
        && absorbed[x.index()]
    {
        let accumulator = dense_accumulator(program, x);
        let scaled = match fits_dense_accumulator(program, proof, x, program.value(id)) {
            true => None,
            false => upper_scale(program, x, program.value(id)),
        };
        return Kernel::DenseRescale {
            x: operand,
            weights,
            bias,
            accumulator,
            requantise: scaled.unwrap_or_else(|| requantise(program, id, accumulator)),
            limits: limits(program, id, accumulator, floor),
            layout: Layout::Rows,
        };
    }
    let accumulator = rescale_accumulator(program, proof, id);
    let mut before = vec![];
    let mut first = x;
    while let (true, Some(x)) = (absorbed[first.index()], operand(program, first)) {
        before.push(Stage {
            result: first,
            requantise: requantise(program, first, accumulator),
            limits: limits(program, first, accumulator, i64::MIN),
        });
        first = x;
    }
    before.reverse();
    let (requantise, limits) = (
        requantise(program, id, accumulator),
        limits(program, id, accumulator, floor),
    );
    match program.value(first).operation {
        Operation::Input(input) if absorbed[first.index()] => Kernel::WordsRescale {
            input,
            words: first,
            accumulator,
            before,
            requantise,
            limits,
        },
        _ => Kernel::Rescale {
            x: first,
            accumulator,
            before,
            requantise,
            limits,
        },
    }
}

/// What a rescale reads; nothing of another operation.
fn operand(program: &Program, id: ValueId) -> Option<ValueId> {
    match program.value(id).operation {
        Operation::Rescale { x, .. } => Some(x),
        _ => None,
    }
}

/// The constants of the rescale `id`, reduced in `accumulator`.
fn requantise(program: &Program, id: ValueId, accumulator: Accumulator) -> Requantise {
    let value = program.value(id);
    let Operation::Rescale {
        multipliers,
        offsets,
        shifts,
        rounding,
        overflow,
        ..
    } = &value.operation
    else {
        return Requantise::Shift(vec![0]);
    };
    let (multipliers, offsets, shifts) = (multipliers.clone(), offsets.clone(), shifts.clone());
    if (*rounding, *overflow) != (Rounding::Rnd, Overflow::Sat) {
        return Requantise::Imported {
            multipliers,
            offsets,
            shifts,
            rounding: *rounding,
            overflow: reduction(value.element, *overflow, accumulator),
        };
    }
    match multipliers[..] == [1] && offsets[..] == [0] {
        true => Requantise::Shift(shifts),
        false => Requantise::Affine {
            multipliers,
            offsets,
            shifts,
        },
    }
}

/// The smallest and the largest result of the rescale `id`: it saturates into its own type, whatever a relu's is.
fn limits(program: &Program, id: ValueId, accumulator: Accumulator, floor: i64) -> (i64, i64) {
    let value = program.value(id);
    let ty = value.element;
    let symmetric = match value.operation {
        Operation::Rescale {
            overflow: Overflow::SatSym,
            ..
        } => -ty.maximum(),
        _ => i64::MIN,
    };
    let low = ty.minimum().max(symmetric).max(floor);
    (accumulator.limit(low), accumulator.limit(ty.maximum()))
}

/// Whether the rescale `id` reads the results of the rescale `before` where they are computed: in 32 bits. Of 64 the
/// second would multiply by more than what is stored.
pub(super) fn follows(program: &Program, proof: &Proof, before: ValueId, id: ValueId) -> bool {
    let is_narrow = |id| rescale_accumulator(program, proof, id) == Accumulator::I32;
    program.value(before).shape == program.value(id).shape && is_narrow(before) && is_narrow(id)
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

/// The sums of the dense layer `id`: wide enough for its result, and for operands and constants as
/// they are stored.
pub(super) fn dense_accumulator(program: &Program, id: ValueId) -> Accumulator {
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
