//! Invariant 7: from the intervals of the operands to those of the result, channel by channel.

use super::Interval;
use super::ranges::Ranges;
use super::work::Work;
use crate::{Dim, Operation, Product, Program, Value, ValueId};

/// Intervals before they are checked against the result's type.
pub(super) fn intervals(
    program: &Program,
    known: &[Vec<Interval>],
    value: &Value,
    work: &mut Work,
) -> Result<Vec<Interval>, String> {
    let of = |id: ValueId| &known[id.index()];
    let channels = value.shape.channels();
    // An operand with a single channel serves all.
    let at = |id: ValueId, c: usize| of(id)[if of(id).len() == 1 { 0 } else { c }];
    let map = |f: &dyn Fn(usize) -> Interval| (0..channels).map(f).collect::<Vec<_>>();
    Ok(match &value.operation {
        Operation::Input(id) => {
            let input = program.input(*id);
            map(&|c| Interval::of_field(input.field(c)))
        }
        Operation::Rescale {
            x,
            multipliers,
            offsets,
            shifts,
            overflow,
            ..
        } => {
            let limits = i128::from(i32::MIN)..=i128::from(i32::MAX);
            let mut result = Vec::with_capacity(channels);
            for c in 0..channels {
                let multiplier = i128::from(multipliers[c % multipliers.len()]);
                let shift = shifts[c % shifts.len()];
                if !limits.contains(&multiplier) || shift > 62 {
                    return Err(format!(
                        "channel {c}: × {multiplier} / 2^{shift} is not allowed"
                    ));
                }
                let offset = Interval::point(offsets[c % offsets.len()].into());
                let bare = at(*x, c).scaled(multiplier);
                let product = bare.plus(offset);
                rounds_within_63_bits(bare, 0).map_err(|e| format!("channel {c}: {e}"))?;
                rounds_within_63_bits(product, shift).map_err(|e| format!("channel {c}: {e}"))?;
                result.push(product.shifted(shift).overflowed(value.element, *overflow));
            }
            result
        }
        Operation::Dense { x, weights, bias } => {
            let x = of(*x);
            let weights = program.constant(*weights);
            let bias = program.constant(*bias);
            let rows = weights.data.chunks(x.len().max(1));
            rows.zip(&bias.data)
                .map(|(row, bias)| {
                    row.iter()
                        .zip(x)
                        .map(|(w, x)| x.scaled((*w).into()))
                        .fold(Interval::point((*bias).into()), Interval::plus)
                })
                .collect()
        }
        Operation::DenseStepwise {
            x,
            weights,
            bias,
            product,
        } => {
            let x = of(*x);
            let weights = program.constant(*weights);
            let bias = program.constant(*bias);
            let mut result = Vec::with_capacity(channels);
            for (row, bias) in weights.data.chunks(x.len().max(1)).zip(&bias.data) {
                let mut sum = Interval::point((*bias).into());
                for (w, x) in row.iter().zip(x) {
                    sum = sum.plus(stepwise_product(*w, *x, product)?);
                }
                result.push(sum);
            }
            result
        }
        Operation::Trees(trees) => super::trees::intervals(program, trees, of(trees.x), work)?,
        Operation::Divide { x, divisor, .. } => {
            if !(1..=65_535).contains(divisor) {
                return Err(format!("the divisor {divisor} is not 1 to 65535"));
            }
            let halved = |c| at(*x, c).magnitude().saturating_add(1 << 16);
            if (0..channels).any(|c| halved(c) > i128::from(i64::MAX)) {
                return Err("the dividend exceeds 63 bits".into());
            }
            map(&|c| at(*x, c).divided(i128::from(*divisor)))
        }
        Operation::Relu { x } => map(&|c| at(*x, c).clamp(0, i128::MAX)),
        Operation::LeakyRelu {
            x,
            multiplier,
            shift,
            ..
        } => {
            if *multiplier < 0 || *multiplier > i64::from(i32::MAX) || *shift > 62 {
                return Err(format!("the slope {multiplier} / 2^{shift} is not allowed"));
            }
            let slope = Interval::point((*multiplier).into());
            let product = |c| at(*x, c).clamp(i128::MIN, 0).times(slope);
            for c in 0..channels {
                rounds_within_63_bits(product(c), *shift)
                    .map_err(|e| format!("channel {c}: {e}"))?;
            }
            map(&|c| {
                let x = at(*x, c);
                let negative = product(c).shifted(*shift);
                let positive = x.clamp(0, i128::MAX);
                match (x.minimum < 0, x.maximum >= 0) {
                    (true, true) => negative.hull(positive),
                    (true, false) => negative,
                    (false, _) => positive,
                }
            })
        }
        Operation::Clip {
            x,
            minimum,
            maximum,
        } => {
            if minimum > maximum {
                return Err(format!("the range {minimum}..={maximum} is empty"));
            }
            map(&|c| at(*x, c).clamp((*minimum).into(), (*maximum).into()))
        }
        Operation::Table { x, table } => {
            let first = i128::from(program.value(*x).element.minimum());
            let ranges = Ranges::new(&program.constant(*table).data);
            map(&|c| {
                let x = at(*x, c);
                ranges.of((x.minimum - first) as usize, (x.maximum - first) as usize)
            })
        }
        Operation::Interpolate {
            x,
            table,
            first,
            shift,
        } => {
            let entries = &program.constant(*table).data;
            if *shift > 30 {
                return Err(format!(
                    "cells of 2^{shift} raws are not allowed: 2^30 at most"
                ));
            }
            let cells = (entries.len() as i128 - 1) << shift;
            let first = i128::from(*first);
            let inside = |x: Interval| {
                x.minimum >= first
                    && x.maximum - first < cells
                    && x.maximum - first <= i128::from(i32::MAX)
                    && thirty_two_bits(x)
            };
            if let Some(c) = (0..channels).find(|c| !inside(at(*x, *c))) {
                return Err(format!(
                    "channel {c}: the operand can reach {}, and the table has {first}..={}",
                    at(*x, c),
                    first + cells - 1
                ));
            }
            map(&|c| {
                let x = at(*x, c);
                let cell = |raw: i128| ((raw - first) >> shift) as usize;
                let reached = entries[cell(x.minimum)..=cell(x.maximum) + 1].iter();
                let points = reached.map(|entry| Interval::point((*entry).into()));
                points.reduce(Interval::hull).unwrap_or(Interval::point(0))
            })
        }
        Operation::Exponent { x } => {
            narrow_operand(of(*x))?;
            map(&|c| at(*x, c).digits())
        }
        Operation::Mantissa { x, bits } => {
            if !(1..=31).contains(bits) {
                return Err(format!("a mantissa of {bits} bits is not allowed: 1 to 31"));
            }
            narrow_operand(of(*x))?;
            map(&|c| {
                let (digits, ones) = (at(*x, c).digits(), (1i128 << bits) - 1);
                match (digits.minimum, digits.maximum) {
                    (_, 0) => Interval::point(0),
                    (0, _) => Interval::between(0, ones),
                    _ => Interval::between(1 << (bits - 1), ones),
                }
            })
        }
        Operation::Sum { x } => {
            let rows = match program.value(*x).shape.0.first() {
                Some(Dim::Multiplicity(set)) => program.set(*set).capacity,
                Some(Dim::Fixed(rows)) => *rows,
                None => 0,
            };
            map(&|c| at(*x, c).summed(rows))
        }
        Operation::Max { x, empty } => {
            let empty = &program.constant(*empty).data;
            map(&|c| at(*x, c).hull(Interval::point(empty[c].into())))
        }
        Operation::Count { set } => {
            vec![Interval::between(0, program.set(*set).capacity as i128)]
        }
        Operation::ArgMax { x } => vec![Interval::between(0, of(*x).len() as i128 - 1)],
        Operation::Mul { a, b } if a == b => map(&|c| at(*a, c).squared()),
        Operation::Mul { a, b } => map(&|c| at(*a, c).times(at(*b, c))),
        Operation::Add { a, b } => map(&|c| at(*a, c).plus(at(*b, c))),
        Operation::Sub { a, b } => map(&|c| at(*a, c).minus(at(*b, c))),
        Operation::SquaredError { a, b } => {
            let terms = of(*a)
                .iter()
                .zip(of(*b))
                .map(|(a, b)| a.minus(*b).squared());
            vec![terms.fold(Interval::point(0), Interval::plus)]
        }
        Operation::SumSquares { x } => {
            let terms = of(*x).iter().map(|x| x.squared());
            vec![terms.fold(Interval::point(0), Interval::plus)]
        }
        Operation::Select { x, channels } => channels.iter().map(|c| of(*x)[*c]).collect(),
        Operation::Concat { parts } => parts.iter().flat_map(|p| of(*p).clone()).collect(),
        Operation::Reshape { x } => {
            let elements = value.shape.elements(0);
            moved(channels, of(*x), (0..elements).map(|e| (e, e)))
        }
        Operation::Gather { x, elements } => {
            moved(channels, of(*x), elements.iter().copied().enumerate())
        }
        Operation::MatMul { a, b } => {
            let terms = of(*a).iter().zip(of(*b)).map(|(a, b)| a.times(*b));
            let sum = terms.fold(Interval::point(0), Interval::plus);
            vec![sum; channels]
        }
        Operation::Quotient { a, b, shift, .. } => {
            let (low, high) = (value.element.minimum(), value.element.maximum());
            if *shift > 62 || value.element.width > 32 {
                return Err(format!(
                    "a quotient of a dividend · 2^{shift} in {} is not allowed: 62 and 32 bits at most",
                    value.element
                ));
            }
            let dividend = |c| at(*a, c).times(Interval::point(1 << shift));
            for c in 0..channels {
                rounds_within_63_bits(dividend(c), 0).map_err(|e| format!("channel {c}: {e}"))?;
                if at(*b, c).magnitude() >= 1 << 62 {
                    return Err(format!("channel {c}: the divisor exceeds 62 bits"));
                }
            }
            map(&|c| dividend(c).over(at(*b, c)).clamp(low.into(), high.into()))
        }
        Operation::SquareRoot { x, shift } => {
            if *shift > 62 {
                return Err(format!(
                    "the root of x · 2^{shift} is not allowed: 62 at most"
                ));
            }
            let square = |c| {
                at(*x, c)
                    .clamp(0, i128::MAX)
                    .times(Interval::point(1 << shift))
            };
            for c in 0..channels {
                rounds_within_63_bits(square(c), 0).map_err(|e| format!("channel {c}: {e}"))?;
            }
            map(&|c| square(c).root())
        }
        Operation::Larger { a, b } => map(&|c| {
            let (a, b) = (at(*a, c), at(*b, c));
            Interval::between(a.minimum.max(b.minimum), a.maximum.max(b.maximum))
        }),
        Operation::Smaller { a, b } => map(&|c| {
            let (a, b) = (at(*a, c), at(*b, c));
            Interval::between(a.minimum.min(b.minimum), a.maximum.min(b.maximum))
        }),
        Operation::Largest { x } => {
            let largest = |a: Interval, b: Interval| {
                Interval::between(a.minimum.max(b.minimum), a.maximum.max(b.maximum))
            };
            of(*x).iter().copied().reduce(largest).into_iter().collect()
        }
        Operation::TopK { x, .. } => {
            let indices = of(*x).len();
            let keys = Interval::point(indices.next_power_of_two() as i128);
            for (c, x) in of(*x).iter().enumerate() {
                rounds_within_63_bits(x.times(keys), 0).map_err(|e| format!("channel {c}: {e}"))?;
            }
            map(&|_| Interval::between(0, indices as i128 - 1))
        }
        Operation::Take { x, indices } => {
            let rows = program.value(*x).shape.rows(0) as i128;
            for index in of(*indices) {
                if index.minimum < 0 || index.maximum >= rows {
                    return Err(format!("an index can reach {index}, of {rows} rows"));
                }
            }
            of(*x).clone()
        }
    })
}

/// Whether raws fit 32 bits, with or without a sign.
fn thirty_two_bits(x: Interval) -> bool {
    x.minimum >= i32::MIN.into() && x.maximum <= u32::MAX.into()
}

/// An operand of 32 bits at most.
fn narrow_operand(x: &[Interval]) -> Result<(), String> {
    match x.iter().position(|x| !thirty_two_bits(*x)) {
        Some(c) => Err(format!(
            "channel {c}: the operand can reach {}: 32 bits at most",
            x[c]
        )),
        None => Ok(()),
    }
}

/// Channel intervals of a result whose element `to` is the operand's element `from`.
fn moved(
    channels: usize,
    x: &[Interval],
    moves: impl Iterator<Item = (usize, usize)>,
) -> Vec<Interval> {
    let mut result: Vec<Option<Interval>> = vec![None; channels];
    for (to, from) in moves {
        let interval = x[from % x.len()];
        let entry = &mut result[to % channels];
        *entry = Some(entry.map_or(interval, |known| known.hull(interval)));
    }
    let known = |i: Option<Interval>| i.unwrap_or(Interval::point(0));
    result.into_iter().map(known).collect()
}

/// A product of a stepwise accumulator, after its rounding and overflow.
fn stepwise_product(weight: i64, x: Interval, product: &Product) -> Result<Interval, String> {
    if product.shift > 62 || !product.element.is_valid() {
        return Err(format!(
            "products / 2^{} into {} are not allowed",
            product.shift, product.element
        ));
    }
    let exact = x.scaled(weight.into());
    rounds_within_63_bits(exact, product.shift)?;
    Ok(exact
        .shifted(product.shift)
        .overflowed(product.element, product.overflow))
}

/// A product that is divided by 2^shift: with half of the divisor, it stays within 63 bits and a sign.
fn rounds_within_63_bits(product: Interval, shift: u8) -> Result<(), String> {
    let half = (1i128 << shift) >> 1;
    if product.magnitude().saturating_add(half) > i128::from(i64::MAX) {
        return Err(format!("the product {product} exceeds 63 bits"));
    }
    Ok(())
}

/// Σ|weight|·max|x| + |bias| of the worst row of a dense layer, Σ max|a|·max|b| of a product of matrices: no partial
/// sum exceeds it. Other
/// sums have terms of one sign, or contain zero among their results, so that partial sums lie
/// within the result's own interval: 0 stands for them.
pub(super) fn partial_sums(program: &Program, known: &[Vec<Interval>], value: &Value) -> i128 {
    let (x, weights, bias, product) = match &value.operation {
        Operation::Dense { x, weights, bias } => (x, weights, bias, None),
        Operation::DenseStepwise {
            x,
            weights,
            bias,
            product,
        } => (x, weights, bias, Some(product)),
        Operation::MatMul { a, b } => {
            let pairs = known[a.index()].iter().zip(&known[b.index()]);
            let products = pairs.map(|(a, b)| a.magnitude().saturating_mul(b.magnitude()));
            return products.fold(0, i128::saturating_add);
        }
        Operation::Trees(trees) => {
            return super::trees::partial_sums(program, trees, &known[trees.x.index()]);
        }
        _ => return 0,
    };
    let x = &known[x.index()];
    let magnitude = |w: i64, x: &Interval| match product {
        // Refused products were refused before.
        Some(product) => stepwise_product(w, *x, product).map_or(0, Interval::magnitude),
        None => i128::from(w).abs().saturating_mul(x.magnitude()),
    };
    let rows = program.constant(*weights).data.chunks(x.len().max(1));
    let bound = |(row, bias): (&[i64], &i64)| {
        let terms = row.iter().zip(x).map(|(w, x)| magnitude(*w, x));
        terms.fold(i128::from(*bias).abs(), i128::saturating_add)
    };
    rows.zip(&program.constant(*bias).data)
        .map(bound)
        .max()
        .unwrap_or(0)
}
