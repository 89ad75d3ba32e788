//! Sums, differences and products: with constants they are another meaning of the same raws.

use hodoscope_program::{Operation, ValueId};

use super::dense::snapped;
use super::moves::broadcast;
use super::near::common;
use super::{Lowered, Lowering, PROPORTION, Real, Source, Term, extents};
use crate::exact::dyadic::Dyadic;
use crate::graph::{Binary, Node};

impl Lowering<'_> {
    pub(super) fn binary(
        &mut self,
        name: &str,
        node: &Node,
        op: Binary,
        shape: &[usize],
    ) -> Lowered<Term> {
        if let Some(biased) = self.biased(node, op, shape)? {
            return Ok(biased);
        }
        let (a, b) = (self.operand(node, 0)?, self.operand(node, 1)?);
        self.combined(name, op, a, b, shape)
    }

    /// Two tensors, whether or not they are operands of a node.
    pub(super) fn combined(
        &mut self,
        name: &str,
        op: Binary,
        a: Real,
        b: Real,
        shape: &[usize],
    ) -> Lowered<Term> {
        Ok(Term::Real(match op {
            Binary::Max | Binary::Min => self.bounded(name, op, a, b, shape)?,
            Binary::Pow => match single(&b) {
                Some(exponent) if exponent == Dyadic::integer(2) => {
                    self.product(name, a.clone(), a, shape)?
                }
                _ => {
                    return Err(
                        "of powers only squares have an exact form, and among floats those of a base that is proved not to be negative; put Relu, Abs or Clip before it, or write products"
                            .into(),
                    );
                }
            },
            Binary::Div => {
                let Some(divisor) = b.numbers() else {
                    return Ok(Term::Quotient(a, b, shape.to_vec()));
                };
                if let Some(quotient) = shared_divisor(&a, &divisor)? {
                    return Ok(Term::Real(self.broadcast(name, quotient, shape)?));
                }
                let inverse = |d: &Dyadic| Dyadic::ONE.over(*d);
                let inverse = divisor.iter().map(inverse).collect::<Option<Vec<_>>>();
                let inverse = inverse.ok_or(
                    "a division by a constant that is no power of two has no exact form; multiply, or quantise",
                )?;
                let order = broadcast(&b.shape, shape);
                let a = self.broadcast(name, a, shape)?;
                scaled(a, |e| inverse[order[e]])?
            }
            Binary::PRelu => {
                let slopes = b.numbers().ok_or(
                    "a slope that depends on the event has no exact form; make it a constant",
                )?;
                let order = broadcast(&b.shape, shape);
                let a = self.broadcast(name, a, shape)?;
                self.leaky(name, a, |e| slopes[order[e]])?
            }
            Binary::Mul | Binary::Add | Binary::Sub => match (a.numbers(), b.numbers()) {
                (_, Some(numbers)) => {
                    let order = broadcast(&b.shape, shape);
                    let a = self.broadcast(name, a, shape)?;
                    let number = |e: usize| numbers[order[e]];
                    let step = a.step.clone();
                    let added = |e: usize| snapped(number(e), step[e]);
                    match op {
                        Binary::Mul => scaled(a, number)?,
                        Binary::Add => shifted(a, added)?,
                        _ => shifted(a, |e| added(e).negated())?,
                    }
                }
                (Some(numbers), None) => {
                    let order = broadcast(&a.shape, shape);
                    let b = self.broadcast(name, b, shape)?;
                    let number = |e: usize| numbers[order[e]];
                    let step = b.step.clone();
                    let added = |e: usize| snapped(number(e), step[e]);
                    match op {
                        Binary::Mul => scaled(b, number)?,
                        Binary::Add => shifted(b, added)?,
                        _ => shifted(negated(b), added)?,
                    }
                }
                (None, None) if op == Binary::Mul => self.product(name, a, b, shape)?,
                (None, None) => self.sum(name, op, a, b, shape)?,
            },
        }))
    }

    /// A constant that is added to a dense layer's sums, as its bias.
    fn biased(&mut self, node: &Node, op: Binary, shape: &[usize]) -> Lowered<Option<Term>> {
        for (layer, constant) in [(0, 1), (1, 0)] {
            let (Term::Linear(linear), Term::Real(added)) =
                (self.term(node, layer)?, self.term(node, constant)?)
            else {
                continue;
            };
            let sign = match (op, layer) {
                (Binary::Add, _) => 1,
                (Binary::Sub, 0) => -1,
                _ => continue,
            };
            let Some(numbers) = added.numbers().filter(|_| shape == linear.shape) else {
                continue;
            };
            let outputs = linear.step.len();
            let order = broadcast(&added.shape, shape);
            let same =
                (outputs..order.len()).all(|e| numbers[order[e]] == numbers[order[e % outputs]]);
            if !same {
                continue;
            }
            let mut linear = linear.clone();
            for (o, at) in order.iter().take(outputs).enumerate() {
                let number = numbers[*at];
                let number = if sign > 0 { number } else { number.negated() };
                linear.add_bias(o, number)?;
            }
            return Ok(Some(Term::Linear(linear)));
        }
        Ok(None)
    }

    /// x·scale + shift along an axis.
    pub(super) fn scale_shift(
        &mut self,
        x: Real,
        axis: usize,
        scale: &[f64],
        shift: &[f64],
    ) -> Lowered<Real> {
        let inner: usize = x.shape.iter().skip(axis + 1).product();
        let exact = |values: &[f64]| {
            let numbers = values.iter().map(|v| Dyadic::of(*v));
            numbers.collect::<Option<Vec<_>>>().ok_or(PROPORTION)
        };
        let (scale, shift) = (exact(scale)?, exact(shift)?);
        let at = |entries: &[Dyadic], e: usize| entries[e / inner % entries.len()];
        let x = scaled(x, |e| at(&scale, e))?;
        shifted(x, |e| at(&shift, e))
    }

    pub(super) fn broadcast(&mut self, name: &str, x: Real, shape: &[usize]) -> Lowered<Real> {
        if x.shape == shape {
            return Ok(x);
        }
        let origins = broadcast(&x.shape, shape);
        self.rearranged(name, x, &origins, shape)
    }

    /// The product of two activations.
    pub(super) fn product(
        &mut self,
        name: &str,
        a: Real,
        b: Real,
        shape: &[usize],
    ) -> Lowered<Real> {
        let (a, b) = (self.centred(name, a)?, self.centred(name, b)?);
        // An operand with one channel serves all channels of its row.
        let one_channel = |x: &Real| {
            let channels = shape.last().copied().unwrap_or(1);
            x.shape.last() == Some(&1)
                && channels > 1
                && x.elements() * channels == shape.iter().product::<usize>()
        };
        let (wide_a, wide_b) = (one_channel(&a), one_channel(&b));
        let fit = |lowering: &mut Self, x: Real, narrow: bool| match narrow {
            true => Ok(x),
            false => lowering.broadcast(name, x, shape),
        };
        let (a, b) = (fit(self, a, wide_a)?, fit(self, b, wide_b)?);
        let step_of =
            |x: &Real, e: usize| x.step[e * x.elements() / shape.iter().product::<usize>()];
        let elements = shape.iter().product();
        let step = (0..elements)
            .map(|e| step_of(&a, e).times(step_of(&b, e)))
            .collect::<Option<Vec<_>>>()
            .ok_or(PROPORTION)?;
        let dims = extents(shape);
        let a = self.in_rows(&a, &dims)?;
        let b = self.in_rows(&b, &dims)?;
        let operation = Operation::Mul { a, b };
        let id = self.builder.push(name, &dims, operation, None, &step)?;
        Ok(real(shape, id, step))
    }

    /// The sum or difference of two activations, on the finer of their grids.
    pub(super) fn sum(
        &mut self,
        name: &str,
        op: Binary,
        a: Real,
        b: Real,
        shape: &[usize],
    ) -> Lowered<Real> {
        super::no_divisor(&a)?;
        super::no_divisor(&b)?;
        let (a, b) = (
            self.broadcast(name, a, shape)?,
            self.broadcast(name, b, shape)?,
        );
        let offset = |e: usize| match op {
            Binary::Sub => a.offset[e].minus(b.offset[e]),
            _ => a.offset[e].plus(b.offset[e]),
        };
        let offset = (0..a.elements()).map(offset).collect::<Option<Vec<_>>>();
        let offset = offset.ok_or(PROPORTION)?;
        let zero = vec![Dyadic::ZERO; offset.len()];
        let grid = |e: usize| match (a.step[e], b.step[e]) {
            (x, y) if y.integer_over(x).is_some() && !x.is_negative() => Some(x),
            (x, y) if x.integer_over(y).is_some() && !y.is_negative() => Some(y),
            (x, y) => common(&[x, y], self.ours),
        };
        let grid = (0..a.elements()).map(grid).collect::<Option<Vec<_>>>();
        let grid = grid.ok_or(PROPORTION)?;
        let bare = |x: Real| Real {
            offset: zero.clone(),
            ..x
        };
        let (a, b) = (
            self.on_grid(name, bare(a), &grid)?,
            self.on_grid(name, bare(b), &grid)?,
        );
        let dims = extents(shape);
        let (a, b) = (self.in_rows(&a, &dims)?, self.in_rows(&b, &dims)?);
        let operation = match op {
            Binary::Sub => Operation::Sub { a, b },
            _ => Operation::Add { a, b },
        };
        let id = self.builder.push(name, &dims, operation, None, &grid)?;
        Ok(Real {
            offset,
            ..real(shape, id, grid)
        })
    }

    /// The value of a tensor, its elements in rows of the result; an operand of one channel keeps it.
    fn in_rows(&mut self, x: &Real, dims: &[usize]) -> Lowered<ValueId> {
        let Source::Value(id) = x.source else {
            return Err("an operand is a constant".into());
        };
        let elements: usize = dims.iter().product();
        let mut own = dims.to_vec();
        if x.elements() != elements
            && let Some(channels) = own.last_mut()
        {
            *channels = 1;
        }
        self.builder.view(id, &own)
    }

    /// The larger or smaller of x and a constant, or of two activations.
    fn bounded(
        &mut self,
        name: &str,
        op: Binary,
        a: Real,
        b: Real,
        shape: &[usize],
    ) -> Lowered<Real> {
        let (x, bound) = match (single(&a), single(&b)) {
            (_, Some(bound)) => (a, bound),
            (Some(bound), _) => (b, bound),
            _ => return self.extreme(name, op, a, b, shape),
        };
        match op {
            Binary::Max => self.clipped(name, x, Some(bound), None),
            _ => self.clipped(name, x, None, Some(bound)),
        }
    }
}

/// The number of a constant of one element.
fn single(x: &Real) -> Option<Dyadic> {
    match x.numbers()?[..] {
        [number] => Some(number),
        _ => None,
    }
}

pub(super) fn real(shape: &[usize], id: ValueId, step: Vec<Dyadic>) -> Real {
    Real {
        shape: shape.to_vec(),
        source: Source::Value(id),
        offset: vec![Dyadic::ZERO; step.len()],
        step,
        divisor: 1,
    }
}

pub(super) fn negated(mut x: Real) -> Real {
    x.step.iter_mut().for_each(|s| *s = s.negated());
    x.offset.iter_mut().for_each(|o| *o = o.negated());
    x
}

/// x·number, element by element.
pub(super) fn scaled(mut x: Real, number: impl Fn(usize) -> Dyadic) -> Lowered<Real> {
    for e in 0..x.elements() {
        x.step[e] = x.step[e].times(number(e)).ok_or(PROPORTION)?;
        x.offset[e] = x.offset[e].times(number(e)).ok_or(PROPORTION)?;
    }
    Ok(x)
}

/// x over one number for all elements that is no power of two: a divisor that the quantiser behind it takes up.
fn shared_divisor(x: &Real, divisor: &[Dyadic]) -> Lowered<Option<Real>> {
    let Some(first) = divisor.first().filter(|d| divisor.iter().all(|o| o == *d)) else {
        return Ok(None);
    };
    let odd = i64::try_from(first.mantissa()).ok().map(i64::abs);
    let Some(odd) = odd.filter(|odd| (2..=0xffff).contains(odd) && x.divisor == 1) else {
        return Ok(None);
    };
    let part = Dyadic::power(-first.exponent()).ok_or(PROPORTION)?;
    let part = match first.is_negative() {
        true => part.negated(),
        false => part,
    };
    let mut quotient = scaled(x.clone(), |_| part)?;
    quotient.divisor = odd;
    Ok(Some(quotient))
}

/// x + number, element by element.
fn shifted(mut x: Real, number: impl Fn(usize) -> Dyadic) -> Lowered<Real> {
    let divisor = Dyadic::integer(x.divisor);
    for e in 0..x.elements() {
        let added = number(e).times(divisor).ok_or(PROPORTION)?;
        x.offset[e] = x.offset[e].plus(added).ok_or(PROPORTION)?;
    }
    Ok(x)
}
