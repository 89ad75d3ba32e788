//! The kernel of each value, and the conditions under which it is exact.

use hodoscope_program::{
    ConstantId, Dim, IntType, Interval, Operation, Overflow, Product, Program, Proof, Rounding,
    Trees, ValueId,
};

use super::accumulator::{Accumulator, holding};
use super::fuse::behind_relu;
use super::layout::Layout;
use super::rescale::{self, dense_accumulator};
use super::{Kernel, Pair, PlanError};

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
        Operation::Rescale { .. } => rescale::kernel(program, proof, absorbed, source, floor),
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
        } => clip(
            *x,
            (*minimum, *maximum),
            Accumulator::for_all([of(*x), element]),
        ),
        Operation::LeakyRelu { rounding, .. } if *rounding != Rounding::Rnd => {
            return refuse(format!("rounding {rounding:?} has no kernel yet; use RND"));
        }
        Operation::LeakyRelu {
            x,
            multiplier,
            shift,
            rounding,
        } => {
            let largest = proof.interval(*x).magnitude() * i128::from(*multiplier);
            let product = holding(largest, &[*shift], *rounding);
            Kernel::LeakyRelu {
                x: *x,
                multiplier: *multiplier,
                shift: *shift,
                accumulator: product.max(Accumulator::for_all([of(*x)])),
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
            let ends = Accumulator::for_all([entries.element, element]);
            Kernel::Interpolate {
                x: *x,
                table: *table,
                first: *first,
                shift: *shift,
                accumulator: between(&entries.data, *shift).max(ends),
            }
        }
        Operation::Exponent { x } => Kernel::Exponent { x: *x },
        Operation::Mantissa { x, bits } => Kernel::Mantissa { x: *x, bits: *bits },
        Operation::Mul { a, b } => pair(Pair::Mul, *a, *b),
        Operation::Add { a, b } => pair(Pair::Add, *a, *b),
        Operation::Sub { a, b } => pair(Pair::Sub, *a, *b),
        Operation::Larger { a, b } => pair(Pair::Larger, *a, *b),
        Operation::Smaller { a, b } => pair(Pair::Smaller, *a, *b),
        Operation::MatMul { a, b } => mat_mul(program, *a, *b, element),
        Operation::Quotient {
            a,
            b,
            shift,
            rounding,
        } => {
            let quotient = proof.interval(source);
            let divisor = proof.interval(*b);
            divided((*a, *b), (*shift, *rounding), (quotient, divisor), element)
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
        Operation::TopK { x, count } => top_k(program, proof, *x, *count, element),
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
        Operation::DenseStepwise { product, .. }
            if matches!(product.overflow, Overflow::Wrap | Overflow::SatZero) =>
        {
            return refuse("products that wrap have no kernel; use SAT".into());
        }
        Operation::DenseStepwise {
            x,
            weights,
            bias,
            product,
        } => stepwise(program, proof, id, *x, (*weights, *bias), product),
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

fn clip(x: ValueId, (minimum, maximum): (i64, i64), accumulator: Accumulator) -> Kernel {
    Kernel::Clip {
        x,
        minimum: accumulator.limit(minimum),
        maximum: accumulator.limit(maximum),
        accumulator,
    }
}

/// A quotient, of which the interval is proved, and that of the divisor.
fn divided(
    (a, b): (ValueId, ValueId),
    (shift, rounding): (u8, Rounding),
    (quotient, divisor): (Interval, Interval),
    element: IntType,
) -> Kernel {
    let magnitude = match quotient.minimum >= 0 {
        true => element.maximum(),
        false => -element.minimum(),
    };
    Kernel::Quotient {
        a,
        b,
        shift,
        // One at least; the smallest raw of a signed type has a bit more than the largest.
        bits: bits(magnitude.max(1).into()),
        rounding,
        limits: (element.minimum(), element.maximum()),
        remainder: remainder(divisor.magnitude()),
    }
}

fn mat_mul(program: &Program, a: ValueId, b: ValueId, result: IntType) -> Kernel {
    let rows = |id: ValueId| match program.value(id).shape.0[..] {
        [.., Dim::Fixed(rows), _] => rows,
        _ => 1,
    };
    let inner = program.value(a).shape.channels();
    let of = |id: ValueId| program.value(id).element;
    Kernel::MatMul {
        a,
        b,
        extents: [rows(a), inner, rows(b)],
        accumulator: Accumulator::for_all([of(a), of(b), result]),
    }
}

/// A value and its channel are compared as one number.
fn top_k(program: &Program, proof: &Proof, x: ValueId, count: usize, result: IntType) -> Kernel {
    let operand = program.value(x);
    let bits = operand.shape.channels().next_power_of_two();
    let bits = bits.trailing_zeros();
    let keys = match proof.interval(x).signed_bits() + bits {
        ..=32 => Accumulator::I32,
        _ => Accumulator::I64,
    };
    Kernel::TopK {
        x,
        count,
        bits: bits as u8,
        accumulator: keys.max(Accumulator::for_all([operand.element, result])),
    }
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
