//! Dense layers: integers of the weights and of the operand on common grids, exact sums.

use hodoscope_program::{IntType, Operation, Overflow, Product};

use super::near::common;
use super::quantise::rounding;
use super::{Linear, Lowered, Lowering, PROPORTION, Real, Source, extents};
use crate::exact::dyadic::Dyadic;
use crate::graph::{Node, Quantiser, RoundingMode};

/// A weight, and a bias in counts, at most.
const LIMIT: i128 = i32::MAX as i128;

/// A bias may miss a grid that is no power of two by this part of a count, or of itself: exporters round the
/// product of two scales to single precision.
const SNAP: i32 = -10;
const SNAP_RELATIVE: i32 = -22;
/// But by no more than this part of a count.
const SNAP_MOST: i32 = -2;

impl Lowering<'_> {
    /// Σ_i weights\[o, i\]·x\[i\], each product rounded first where `product` says so.
    pub(super) fn dense(
        &mut self,
        name: &str,
        node: &Node,
        weights: Real,
        product: Option<&Quantiser>,
    ) -> Lowered<Linear> {
        let x = self.operand(node, 0)?;
        self.linear(name, x, weights, product)
    }

    /// [`Self::dense`] on a known operand.
    pub(super) fn linear(
        &mut self,
        name: &str,
        mut x: Real,
        weights: Real,
        product: Option<&Quantiser>,
    ) -> Lowered<Linear> {
        super::no_divisor(&x)?;
        let &[outputs, inputs] = &weights.shape[..] else {
            return Err("the weights must have two axes".into());
        };
        if product.is_some() {
            // A product with an offset inside is not one with an offset outside, once it is rounded.
            x = self.centred(name, x)?;
        }
        x = self.same_rows(name, x, inputs)?;
        let Source::Value(id) = x.source else {
            return Err("its operand is a constant".into());
        };
        let raws = weights.raws().ok_or(PROPORTION)?;
        let values = weights.numbers().ok_or(PROPORTION)?;
        let step = grids(&raws, &weights.step, &x.step, outputs, inputs)?;
        let product = match product {
            Some(quantiser) => Some(stepwise(quantiser, &step)?),
            None => None,
        };
        let step = match &product {
            // One grid for all products, the finest.
            Some((_, _, finest)) => vec![*finest; outputs],
            None => step,
        };
        let mut integers = Vec::with_capacity(raws.len());
        let mut bias = Vec::with_capacity(outputs);
        for (o, row) in values.chunks(inputs).enumerate() {
            let mut sum = Dyadic::ZERO;
            for (i, weight) in row.iter().enumerate() {
                let counts = weight
                    .times(x.step[i])
                    .and_then(|value| value.integer_over(step[o]))
                    .filter(|counts| counts.abs() <= LIMIT)
                    .ok_or("its weights need more than 32 bits; are they quantised?")?;
                integers.push(counts as i64);
                let offset = weight.times(x.offset[i]).ok_or(PROPORTION)?;
                sum = sum.plus(offset).ok_or(PROPORTION)?;
            }
            bias.push(sum);
        }
        let rows = x.shape.iter().product::<usize>() / inputs;
        let operand_dims = match rows {
            1 => vec![inputs],
            _ => vec![rows, inputs],
        };
        let mut shape = x.shape.clone();
        if let Some(last) = shape.last_mut() {
            *last = outputs;
        }
        Ok(Linear {
            x: self.builder.view(id, &operand_dims)?,
            rows,
            inputs,
            weights: integers,
            step: match &product {
                Some((_, coarse, _)) => vec![*coarse; outputs],
                None => step,
            },
            bias,
            product: product.map(|(product, _, _)| product),
            shape,
        })
    }

    /// The sums as a value of the program. What a bias is beside a multiple of the sums' grid becomes an offset.
    pub(super) fn computed(&mut self, name: &str, linear: &Linear) -> Lowered<Real> {
        let outputs = linear.step.len();
        let mut raws = Vec::with_capacity(outputs);
        let mut rest = Vec::with_capacity(outputs);
        for (bias, step) in linear.bias.iter().zip(&linear.step) {
            let counts = match step.is_power_of_two() {
                true => bias.floor_over(*step),
                false => bias.nearest_over(*step),
            };
            let counts = counts
                .filter(|c| c.abs() <= LIMIT << 16)
                .ok_or(PROPORTION)?;
            let counts = i64::try_from(counts).map_err(|_| PROPORTION)?;
            let whole = Dyadic::integer(counts).times(*step).ok_or(PROPORTION)?;
            let mut left = bias.minus(whole).ok_or(PROPORTION)?;
            if !step.is_power_of_two() && is_snapped(left, *bias, *step) {
                left = Dyadic::ZERO;
            }
            raws.push(counts);
            rest.push(left);
        }
        let shape = vec![outputs, linear.inputs];
        let weights = format!("{name}.weights");
        let weights = self
            .builder
            .constant(&weights, shape, linear.weights.clone());
        let bias = format!("{name}.bias");
        let bias = self.builder.constant(&bias, vec![outputs], raws);
        let x = linear.x;
        let operation = match linear.product {
            Some(product) => Operation::DenseStepwise {
                x,
                weights,
                bias,
                product,
            },
            None => Operation::Dense { x, weights, bias },
        };
        let dims = extents(&[linear.rows, outputs]);
        let id = self
            .builder
            .push(name, &dims, operation, None, &linear.step)?;
        Ok(Real {
            shape: linear.shape.clone(),
            source: Source::Value(id),
            step: repeated(&linear.step, linear.elements()),
            offset: repeated(&rest, linear.elements()),
            divisor: 1,
        })
    }

    /// The operand with one step and offset per column: rows on other grids are brought to a common one.
    pub(super) fn same_rows(&mut self, name: &str, x: Real, columns: usize) -> Lowered<Real> {
        let repeats = |entries: &[Dyadic]| {
            (columns..entries.len()).all(|i| entries[i] == entries[i - columns])
        };
        if repeats(&x.step) && repeats(&x.offset) {
            return Ok(x);
        }
        let x = self.centred(name, x)?;
        let finest = |column: usize| {
            let steps = x.step.iter().skip(column).step_by(columns);
            common(&steps.copied().collect::<Vec<_>>(), self.ours)
        };
        let grid = (0..columns)
            .map(finest)
            .collect::<Option<Vec<_>>>()
            .ok_or(PROPORTION)?;
        let grid = repeated(&grid, x.elements());
        self.on_grid(name, x, &grid)
    }
}

impl Linear {
    /// Adds to the bias of output `o`. What misses a multiple of the sums' grid only by the rounding of its own
    /// scale is one: a stored integer stays that integer.
    pub(super) fn add_bias(&mut self, o: usize, number: Dyadic) -> Lowered<()> {
        let number = snapped(number, self.step[o]);
        self.bias[o] = self.bias[o].plus(number).ok_or(PROPORTION)?;
        Ok(())
    }
}

/// A bias, or the whole counts that it misses only by the rounding of its own scale.
pub(super) fn snapped(number: Dyadic, step: Dyadic) -> Dyadic {
    if step.is_power_of_two() || step.is_zero() {
        return number;
    }
    let whole = || {
        let counts = i64::try_from(number.nearest_over(step)?).ok()?;
        let whole = Dyadic::integer(counts).times(step)?;
        is_snapped(number.minus(whole)?, number, step).then_some(whole)
    };
    whole().unwrap_or(number)
}

/// Whether what is left of a bias beside whole counts comes from the rounding of its scale.
fn is_snapped(left: Dyadic, bias: Dyadic, step: Dyadic) -> bool {
    let magnitude = |x: Dyadic| if x.is_negative() { x.negated() } else { x };
    let left = magnitude(left);
    let below = |whole: Dyadic, part: i32| {
        let limit = Dyadic::power(part).and_then(|part| part.times(magnitude(whole)));
        limit.is_some_and(|limit| left < limit)
    };
    below(step, SNAP) || below(bias, SNAP_RELATIVE) && below(step, SNAP_MOST)
}

fn repeated(row: &[Dyadic], elements: usize) -> Vec<Dyadic> {
    row.iter().copied().cycle().take(elements).collect()
}

/// The grid of each output's sum: that of its products where they share one, else the finest power of two.
fn grids(
    raws: &[i64],
    steps: &[Dyadic],
    x: &[Dyadic],
    outputs: usize,
    inputs: usize,
) -> Lowered<Vec<Dyadic>> {
    let grid = |o: usize| -> Option<Dyadic> {
        // A weight of zero is on every grid.
        let products = (0..inputs)
            .filter(|i| raws[o * inputs + i] != 0)
            .map(|i| steps[o * inputs + i].times(x[i]))
            .collect::<Option<Vec<_>>>()?;
        let products: Vec<_> = products.into_iter().filter(|p| !p.is_zero()).collect();
        let Some(first) = products.first() else {
            return Some(Dyadic::ONE);
        };
        let mantissa = first.mantissa().abs();
        let finest = products.iter().map(|p| p.exponent()).min()?;
        match products.iter().all(|p| p.mantissa().abs() == mantissa) {
            true => Dyadic::new(mantissa, finest),
            false => Dyadic::power(finest),
        }
    };
    let grids = (0..outputs).map(grid).collect::<Option<Vec<_>>>();
    grids.ok_or_else(|| PROPORTION.into())
}

/// What happens to each product: the operation's fields, the grid behind it and the grid before it.
fn stepwise(quantiser: &Quantiser, step: &[Dyadic]) -> Lowered<(Product, Dyadic, Dyadic)> {
    let coarse = quantiser.scale.single().map(f64::from).and_then(Dyadic::of);
    let coarse = coarse.filter(|s| s.is_power_of_two()).ok_or(
        "the quantiser of its products has a scale that is no power of two, which is not supported",
    )?;
    let finest = step.iter().map(|s| s.exponent()).min();
    let finest = finest
        .map(|f| f.min(coarse.exponent()))
        .and_then(Dyadic::power);
    let finest = finest.ok_or(PROPORTION)?;
    let shift = coarse.exponent() - finest.exponent();
    let shift = u8::try_from(shift).ok().filter(|s| *s <= 62);
    let rounding = match quantiser.rounding {
        RoundingMode::Ceil | RoundingMode::Up => None,
        other => rounding(other),
    };
    let (minimum, maximum) = quantiser.range.ok_or("its products have no range")?;
    let (element, overflow) = match super::clamp_type(minimum, maximum) {
        Some((element, overflow, None)) => (element, overflow),
        _ => (IntType::signed(64), Overflow::Sat),
    };
    if element.width == 64 {
        return Err("the quantiser of its products has a range that is no type's".into());
    }
    let product = Product {
        shift: shift.ok_or(PROPORTION)?,
        rounding: rounding.ok_or("products that are rounded up are not supported; use FLOOR")?,
        element,
        overflow,
    };
    Ok((product, coarse, finest))
}
