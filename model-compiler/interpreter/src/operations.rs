//! Each operation, as `hodoscope_program::Operation` defines it.

use hodoscope_program::{Input, Operation, Program, Rounding, Shape, Value, ValueId};

use crate::arithmetic::{digits, divide, overflow, quotient, round_shift, square_root};

/// Words of an input, clamped; of a set's rows those in `rows`.
pub(crate) fn input(input: &Input, words: &[i64], rows: Option<&[usize]>) -> Vec<i64> {
    let clamped = |row: usize| {
        (0..input.channels).map(move |c| {
            let field = input.field(c);
            words[row * input.channels + c].clamp(field.minimum, field.maximum)
        })
    };
    match rows {
        Some(rows) => rows.iter().flat_map(|row| clamped(*row)).collect(),
        None => clamped(0).collect(),
    }
}

/// The raws of `value`, from those of the values before it and the live constituents of each set.
pub(crate) fn compute(
    program: &Program,
    value: &Value,
    operation: &Operation,
    known: &[Vec<i64>],
    multiplicity: &[usize],
) -> Vec<i64> {
    let raws = |id: &ValueId| known[id.index()].as_slice();
    let channels_of = |id: &ValueId| program.value(*id).shape.channels();
    let pairs = |a: &ValueId, b: &ValueId, f: fn(i64, i64) -> i64| -> Vec<i64> {
        raws(a)
            .iter()
            .zip(raws(b))
            .map(|(a, b)| f(*a, *b))
            .collect()
    };
    match operation {
        Operation::Input(_) => unreachable!("inputs are read from the event"),
        Operation::Rescale {
            x,
            multipliers,
            offsets,
            shifts,
            rounding,
            overflow: rule,
        } => {
            let channels = value.shape.channels();
            let one = |(index, raw): (usize, &i64)| {
                let c = index % channels;
                let exact = raw * multipliers[c % multipliers.len()] + offsets[c % offsets.len()];
                let rounded = round_shift(exact, shifts[c % shifts.len()], *rounding);
                overflow(rounded, value.element, *rule)
            };
            raws(x).iter().enumerate().map(one).collect()
        }
        Operation::Dense { x, weights, bias } => {
            let weights = &program.constant(*weights).data;
            let bias = &program.constant(*bias).data;
            dense(raws(x), channels_of(x), weights, bias)
        }
        Operation::DenseStepwise {
            x,
            weights,
            bias,
            product,
        } => {
            let (weights, bias) = (program.constant(*weights), program.constant(*bias));
            let inputs = channels_of(x);
            let stepped = |(w, x): (&i64, &i64)| {
                let rounded = round_shift(w * x, product.shift, product.rounding);
                overflow(rounded, product.element, product.overflow)
            };
            let mut result = Vec::new();
            for row in raws(x).chunks(inputs) {
                for (bias, weights) in bias.data.iter().zip(weights.data.chunks(inputs)) {
                    result.push(bias + weights.iter().zip(row).map(stepped).sum::<i64>());
                }
            }
            result
        }
        Operation::Divide {
            x,
            divisor,
            rounding,
        } => raws(x)
            .iter()
            .map(|x| divide(*x, *divisor, *rounding))
            .collect(),
        Operation::Relu { x } => raws(x).iter().map(|x| (*x).max(0)).collect(),
        Operation::LeakyRelu {
            x,
            multiplier,
            shift,
            rounding,
        } => raws(x)
            .iter()
            .map(|x| match x {
                0.. => *x,
                _ => round_shift(x * multiplier, *shift, *rounding),
            })
            .collect(),
        Operation::Clip {
            x,
            minimum,
            maximum,
        } => raws(x)
            .iter()
            .map(|x| (*x).clamp(*minimum, *maximum))
            .collect(),
        Operation::Table { x, table } => {
            let first = program.value(*x).element.minimum();
            let entries = &program.constant(*table).data;
            raws(x)
                .iter()
                .map(|x| entries[(x - first) as usize])
                .collect()
        }
        Operation::Interpolate {
            x,
            table,
            first,
            shift,
        } => {
            let entries = &program.constant(*table).data;
            let one = |x: &i64| {
                let (cell, rest) = ((x - first) >> shift, (x - first) % (1 << shift));
                let (a, b) = (entries[cell as usize], entries[cell as usize + 1]);
                a + round_shift((b - a) * rest, *shift, Rounding::Rnd)
            };
            raws(x).iter().map(one).collect()
        }
        Operation::Exponent { x } => raws(x).iter().map(|x| digits(*x)).collect(),
        Operation::Mantissa { x, bits } => {
            let first = |x: &i64| match i64::from(*bits) - digits(*x) {
                _ if *x <= 0 => 0,
                left @ 0.. => x << left,
                right => x >> -right,
            };
            raws(x).iter().map(first).collect()
        }
        Operation::Sum { x } => {
            let mut sums = vec![0; value.shape.elements(1)];
            for row in raws(x).chunks(sums.len()) {
                for (sum, raw) in sums.iter_mut().zip(row) {
                    *sum += raw;
                }
            }
            sums
        }
        Operation::Max { x, empty } => {
            let empty = &program.constant(*empty).data;
            let capacity = program
                .value(*x)
                .shape
                .set()
                .map_or(0, |set| program.set(set).capacity);
            let rows: Vec<&[i64]> = raws(x).chunks(empty.len()).collect();
            let largest = |c: usize| {
                let live = rows.iter().map(|row| row[c]);
                let padded = (rows.len() < capacity).then_some(empty[c]);
                live.chain(padded).max().unwrap_or(empty[c])
            };
            (0..empty.len()).map(largest).collect()
        }
        Operation::Count { set } => vec![multiplicity[set.index()] as i64],
        Operation::ArgMax { x } => raws(x)
            .chunks(channels_of(x))
            .map(|row| {
                let mut best = 0;
                for (c, raw) in row.iter().enumerate() {
                    if *raw > row[best] {
                        best = c;
                    }
                }
                best as i64
            })
            .collect(),
        Operation::Mul { a, b } => {
            let channels = value.shape.channels();
            let factor = |id: &ValueId, index: usize| match channels_of(id) {
                1 => raws(id)[index / channels],
                _ => raws(id)[index],
            };
            let elements = raws(a).len().max(raws(b).len());
            (0..elements).map(|i| factor(a, i) * factor(b, i)).collect()
        }
        Operation::Add { a, b } => pairs(a, b, |a, b| a + b),
        Operation::Sub { a, b } => pairs(a, b, |a, b| a - b),
        Operation::SquaredError { a, b } => {
            let squares = pairs(a, b, |a, b| (a - b) * (a - b));
            squares
                .chunks(channels_of(a))
                .map(|row| row.iter().sum())
                .collect()
        }
        Operation::SumSquares { x } => {
            let rows = raws(x).chunks(channels_of(x));
            rows.map(|row| row.iter().map(|x| x * x).sum()).collect()
        }
        Operation::Select { x, channels } => {
            let rows = raws(x).chunks(channels_of(x));
            rows.flat_map(|row| channels.iter().map(|c| row[*c]))
                .collect()
        }
        Operation::Larger { a, b } => pairs(a, b, i64::max),
        Operation::Smaller { a, b } => pairs(a, b, i64::min),
        Operation::Largest { x } => {
            let rows = raws(x).chunks(channels_of(x));
            rows.map(|row| row.iter().copied().max().unwrap_or(0))
                .collect()
        }
        Operation::TopK { x, count } => raws(x)
            .chunks(channels_of(x))
            .flat_map(|row| {
                let mut order: Vec<usize> = (0..row.len()).collect();
                // Stable: of equal ones the lower channel comes first.
                order.sort_by_key(|c| std::cmp::Reverse(row[*c]));
                order.into_iter().take(*count).map(|c| c as i64)
            })
            .collect(),
        Operation::Take { x, indices } => {
            let channels = channels_of(x);
            let row = |index: &i64| &raws(x)[*index as usize * channels..][..channels];
            raws(indices).iter().flat_map(row).copied().collect()
        }
        Operation::MatMul { a, b } => {
            let inner = channels_of(a);
            let columns = value.shape.channels();
            let rows = value.shape.0[..].iter().rev().nth(1);
            let rows = rows.map_or(1, |dim| Shape(vec![*dim]).elements(0));
            let mut result = Vec::with_capacity(value.shape.elements(0));
            let matrices = raws(a).chunks(rows * inner);
            for (a, b) in matrices.zip(raws(b).chunks(columns * inner)) {
                result.extend(mat_mul(a, b, inner));
            }
            result
        }
        Operation::Quotient {
            a,
            b,
            shift,
            rounding,
        } => {
            let channels = value.shape.channels();
            let divisor = |index: usize| match channels_of(b) {
                1 => raws(b)[index / channels],
                _ => raws(b)[index],
            };
            let dividends = raws(a).iter().enumerate();
            dividends
                .map(|(i, a)| quotient(*a, divisor(i), *shift, *rounding, value.element))
                .collect()
        }
        Operation::SquareRoot { x, shift } => {
            let roots = raws(x).iter().map(|x| square_root(x.max(&0) << shift));
            roots.collect()
        }
        Operation::Trees(trees) => {
            let rows = raws(&trees.x).chunks(channels_of(&trees.x));
            rows.flat_map(|row| crate::trees::evaluate(program, trees, row))
                .collect()
        }
        Operation::Reshape { x } => raws(x).to_vec(),
        Operation::Gather { x, elements } => elements.iter().map(|e| raws(x)[*e]).collect(),
        Operation::Concat { parts } => {
            let rows = raws(&parts[0]).len() / channels_of(&parts[0]);
            let part = |row: usize, id: &ValueId| {
                let channels = channels_of(id);
                raws(id)[row * channels..][..channels].to_vec()
            };
            (0..rows)
                .flat_map(|row| parts.iter().flat_map(move |id| part(row, id)))
                .collect()
        }
    }
}

/// Rows of a times rows of b. The verifier proved that no sum overflows.
fn mat_mul(a: &[i64], b: &[i64], inner: usize) -> Vec<i64> {
    let mut result = Vec::new();
    for a in a.chunks(inner) {
        for b in b.chunks(inner) {
            result.push(a.iter().zip(b).map(|(a, b)| a * b).sum());
        }
    }
    result
}

/// bias + weights · x for each row of x. The verifier proved that no sum overflows.
fn dense(x: &[i64], inputs: usize, weights: &[i64], bias: &[i64]) -> Vec<i64> {
    let mut result = Vec::with_capacity(x.len() / inputs * bias.len());
    for row in x.chunks(inputs) {
        for (bias, weights) in bias.iter().zip(weights.chunks(inputs)) {
            let products = weights.iter().zip(row).map(|(w, x)| w * x);
            result.push(bias + products.sum::<i64>());
        }
    }
    result
}
