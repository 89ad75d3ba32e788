//! Operations that are computed otherwise: another number, rounding, side, order of operands.

use hodoscope_program::{Operation, Overflow, Program, Rounding};

use super::Change;

/// Channels of one operation whose numbers are changed, at most.
const CHANNELS: usize = 16;

const ROUNDINGS: [Rounding; 7] = [
    Rounding::Trn,
    Rounding::TrnZero,
    Rounding::Rnd,
    Rounding::RndConv,
    Rounding::RndZero,
    Rounding::RndInf,
    Rounding::RndMinInf,
];

const OVERFLOWS: [Overflow; 4] = [
    Overflow::Sat,
    Overflow::SatSym,
    Overflow::SatZero,
    Overflow::Wrap,
];

/// All of them.
pub(super) fn changes(program: &Program) -> Vec<Change> {
    let values = program.values();
    values
        .flat_map(|(id, value)| {
            let others = others(&value.operation).into_iter();
            others.map(move |operation| Change::Operation(id, operation))
        })
        .collect()
}

/// The operation, changed by `change` once for each of `all`, where it is another then.
fn each<T>(
    operation: &Operation,
    all: impl IntoIterator<Item = T>,
    change: impl Fn(&mut Operation, T),
) -> Vec<Operation> {
    let all = all.into_iter().map(|how| {
        let mut other = operation.clone();
        change(&mut other, how);
        other
    });
    all.filter(|other| other != operation).collect()
}

/// Some of the indices below `count`, from its first to its last, each with 1 and −1.
fn beside(count: usize) -> impl Iterator<Item = (usize, i64)> {
    let step = count.div_ceil(CHANNELS).max(1);
    (0..count).step_by(step).flat_map(|at| [(at, 1), (at, -1)])
}

fn by(number: &mut u8, step: i64) {
    *number = number.wrapping_add_signed(step as i8);
}

fn others(operation: &Operation) -> Vec<Operation> {
    use Operation as O;
    let mut others = numbers(operation);
    others.extend(each(operation, ROUNDINGS, |other, to| {
        if let O::Rescale { rounding, .. }
        | O::LeakyRelu { rounding, .. }
        | O::Divide { rounding, .. }
        | O::Quotient { rounding, .. } = other
        {
            *rounding = to;
        }
        if let O::DenseStepwise { product, .. } = other {
            product.rounding = to;
        }
    }));
    others.extend(each(operation, OVERFLOWS, |other, to| {
        if let O::Rescale { overflow, .. } = other {
            *overflow = to;
        }
        if let O::DenseStepwise { product, .. } = other {
            product.overflow = to;
        }
    }));
    let other = match operation.clone() {
        O::Add { a, b } => vec![O::Sub { a, b }],
        O::Sub { a, b } => vec![O::Add { a, b }, O::Sub { a: b, b: a }],
        O::Larger { a, b } => vec![O::Smaller { a, b }],
        O::Smaller { a, b } => vec![O::Larger { a, b }],
        O::Relu { x } => vec![O::Clip {
            x,
            minimum: 1,
            maximum: i64::MAX,
        }],
        O::Quotient {
            a,
            b,
            shift,
            rounding,
        } => vec![O::Quotient {
            a: b,
            b: a,
            shift,
            rounding,
        }],
        O::Concat { mut parts } => {
            parts.reverse();
            vec![O::Concat { parts }]
        }
        _ => vec![],
    };
    others.extend(other.into_iter().filter(|other| other != operation));
    others
}

/// With one number that is one more or one less.
fn numbers(operation: &Operation) -> Vec<Operation> {
    use Operation as O;
    match operation {
        O::Rescale {
            multipliers,
            offsets,
            shifts,
            ..
        } => {
            let of = |other: &mut O, list: usize, (at, step): (usize, i64)| {
                if let O::Rescale {
                    multipliers,
                    offsets,
                    shifts,
                    ..
                } = other
                {
                    match list {
                        0 => multipliers[at] = multipliers[at].saturating_add(step),
                        1 => offsets[at] = offsets[at].saturating_add(step),
                        _ => by(&mut shifts[at], step),
                    }
                }
            };
            let mut all = each(operation, beside(multipliers.len()), |o, at| of(o, 0, at));
            all.extend(each(operation, beside(offsets.len()), |o, at| of(o, 1, at)));
            all.extend(each(operation, beside(shifts.len()), |o, at| of(o, 2, at)));
            all
        }
        O::Select { channels: list, .. } | O::Gather { elements: list, .. } => {
            each(operation, beside(list.len()), |other, (at, step)| {
                if let O::Select { channels: list, .. } | O::Gather { elements: list, .. } = other {
                    list[at] = list[at].wrapping_add_signed(step as isize);
                }
            })
        }
        _ => each(
            operation,
            [(0, 1), (0, -1), (1, 1), (1, -1)],
            |other, (which, step)| match (other, which) {
                (O::LeakyRelu { multiplier, .. }, 0) => *multiplier += step,
                (O::LeakyRelu { shift, .. }, _) => by(shift, step),
                (O::Clip { minimum, .. }, 0) => *minimum = minimum.saturating_add(step),
                (O::Clip { maximum, .. }, _) => *maximum = maximum.saturating_add(step),
                (O::Divide { divisor, .. }, 0) => *divisor += step,
                (O::Interpolate { first, .. }, 0) => *first = first.saturating_add(step),
                (O::Interpolate { shift, .. }, _) => by(shift, step),
                (O::Mantissa { bits, .. }, 0) => by(bits, step),
                (O::Quotient { shift, .. } | O::SquareRoot { shift, .. }, 0) => by(shift, step),
                (O::DenseStepwise { product, .. }, 0) => by(&mut product.shift, step),
                _ => {}
            },
        ),
    }
}
