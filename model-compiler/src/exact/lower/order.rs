//! The largest elements, their places, and elements whose place was computed.

use hodoscope_program::{Operation, ValueId};

use super::arithmetic::{negated, real};
use super::near::{common, divides};
use super::softmax::inverse;
use super::{Lowered, Lowering, PROPORTION, Real, Source, extents};
use crate::exact::dyadic::Dyadic;
use crate::graph::{Binary, Node, Reduction};

impl Lowering<'_> {
    /// Two operands as values of the program; one of them may be a constant.
    pub(super) fn values(&mut self, name: &str, a: &Real, b: &Real) -> Lowered<(ValueId, ValueId)> {
        let any = [a, b].into_iter().find_map(|x| match x.source {
            Source::Value(id) => Some(id),
            Source::Constant(_) => None,
        });
        let any = any.ok_or("both operands are constants")?;
        Ok((self.as_value(name, a, any)?, self.as_value(name, b, any)?))
    }

    /// The larger or smaller of two activations, on the finer of their grids.
    pub(super) fn extreme(
        &mut self,
        name: &str,
        op: Binary,
        a: Real,
        b: Real,
        shape: &[usize],
    ) -> Lowered<Real> {
        let (a, b) = (self.centred(name, a)?, self.centred(name, b)?);
        let a = self.broadcast(name, a, shape)?;
        let b = self.broadcast(name, b, shape)?;
        let grid = |e: usize| match (a.step[e], b.step[e]) {
            (x, y) if y.integer_over(x).is_some() => Some(x),
            (x, y) if x.integer_over(y).is_some() => Some(y),
            (x, y) => common(&[x, y], self.ours),
        };
        let grid = (0..a.elements()).map(grid).collect::<Option<Vec<_>>>();
        let grid = grid.ok_or(PROPORTION)?;
        let (a, b) = (self.on_grid(name, a, &grid)?, self.on_grid(name, b, &grid)?);
        let (a, b) = self.values(name, &a, &b)?;
        let dims = extents(shape);
        let (a, b) = (self.builder.view(a, &dims)?, self.builder.view(b, &dims)?);
        let operation = match op {
            Binary::Max => Operation::Larger { a, b },
            _ => Operation::Smaller { a, b },
        };
        let id = self.builder.push(name, &dims, operation, None, &grid)?;
        Ok(real(shape, id, grid))
    }

    /// The largest or smallest over axes.
    pub(super) fn reduced_to_extreme(
        &mut self,
        name: &str,
        op: Reduction,
        x: Real,
        axes: &[usize],
        shape: &[usize],
    ) -> Lowered<Real> {
        let largest = op == Reduction::Max;
        let x = if largest { x } else { negated(x) };
        let count: usize = axes.iter().map(|a| x.shape[*a]).product();
        let kept = x.elements() / count;
        // Reduced axes first, then transposed.
        let first = super::reduce::reduced_first(&x.shape, axes);
        let last = super::matrix::transposed(1, count, kept);
        let order: Vec<usize> = last.iter().map(|e| first[*e]).collect();
        let x = self.rearranged(name, x, &order, &[kept, count])?;
        let result = self.largest_of_rows(name, x)?.reshaped(shape);
        Ok(if largest { result } else { negated(result) })
    }

    /// The largest element of each row of x, `[rows, count]`.
    pub(super) fn largest_of_rows(&mut self, name: &str, x: Real) -> Lowered<Real> {
        let (kept, count) = (x.shape[0], x.shape[1]);
        let x = self.alike_in_rows(name, x, count)?;
        let Source::Value(id) = x.source else {
            return Err("its operand is a constant".into());
        };
        let id = self.builder.view(id, &[kept, count])?;
        let step: Vec<Dyadic> = x.step.iter().step_by(count).copied().collect();
        let operation = Operation::Largest { x: id };
        let id = self
            .builder
            .push(name, &[kept, 1], operation, None, &step[..1])?;
        let id = self.builder.view(id, &[kept])?;
        self.builder.set_scale(id, &step);
        Ok(real(&[kept], id, step))
    }

    /// The k largest or smallest elements along an axis, or their indices.
    pub(super) fn top(
        &mut self,
        name: &str,
        x: Real,
        axis: usize,
        (k, largest, indices): (usize, bool, bool),
    ) -> Lowered<Real> {
        super::no_divisor(&x)?;
        let shape = x.shape.clone();
        let extent = shape[axis];
        let rows = x.elements() / extent;
        let order = self.axis_last(&shape, axis);
        let x = self.rearranged(name, x, &order, &[rows, extent])?;
        let x = if largest { x } else { negated(x) };
        let x = self.alike_in_rows(name, x, extent)?;
        let Source::Value(id) = x.source else {
            return Err("its operand is a constant".into());
        };
        let id = self.builder.view(id, &[rows, extent])?;
        let ranks = self.ranks(name, id, k)?;
        let mut taken = shape.clone();
        taken[axis] = k;
        // With the axis last again, then in its place.
        let back = inverse(&self.axis_last(&taken, axis));
        let counts = real(&[rows, k], ranks, vec![Dyadic::ONE; rows * k]);
        if indices {
            return self.rearranged(name, counts, &back, &taken);
        }
        let x = real(&[rows, extent], id, x.step);
        let values = self.elements_of_rows(name, x, counts)?;
        let values = if largest { values } else { negated(values) };
        self.rearranged(name, values, &back, &taken)
    }

    /// Channels of the largest elements of each row; those that were ranked before, again.
    fn ranks(&mut self, name: &str, x: ValueId, k: usize) -> Lowered<ValueId> {
        let known = self.builder.program.values();
        let known = known.filter(|(_, value)| match value.operation {
            Operation::TopK { x: other, count } => (other, count) == (x, k),
            _ => false,
        });
        if let Some((id, _)) = known.last() {
            return Ok(id);
        }
        let rows = self.builder.dims(x)[0];
        let operation = Operation::TopK { x, count: k };
        let name = format!("{name}.ranks");
        let step = [Dyadic::ONE];
        self.builder.push(&name, &[rows, k], operation, None, &step)
    }

    /// The element of each row that an index of the same row names.
    fn elements_of_rows(&mut self, name: &str, x: Real, indices: Real) -> Lowered<Real> {
        let (&[rows, extent], &[_, k]) = (&x.shape[..], &indices.shape[..]) else {
            return Err(PROPORTION.into());
        };
        let mut indices = indices;
        for (e, offset) in indices.offset.iter_mut().enumerate() {
            *offset = Dyadic::integer((e / k * extent) as i64);
        }
        let elements = x.elements();
        // Of rows on different grids all were brought to one: the elements are on that.
        let taken = self.taken(name, x.reshaped(&[elements, 1]), indices)?;
        Ok(taken.reshaped(&[rows, k]))
    }

    /// The index of the largest or smallest element along an axis, the first or the last of equal ones.
    pub(super) fn arg_extreme(
        &mut self,
        name: &str,
        x: Real,
        axis: usize,
        (largest, last): (bool, bool),
    ) -> Lowered<Real> {
        let shape = x.shape.clone();
        let extent = shape[axis];
        let x = match last {
            // The first of the reversed ones.
            true => {
                let inner: usize = shape[axis + 1..].iter().product();
                let reversed = |e: usize| {
                    let at = e / inner % extent;
                    e - at * inner + (extent - 1 - at) * inner
                };
                let order: Vec<usize> = (0..x.elements()).map(reversed).collect();
                self.rearranged(name, x, &order, &shape)?
            }
            false => x,
        };
        let mut index = self.top(name, x, axis, (1, largest, true))?;
        if last {
            index = negated(index);
            for offset in &mut index.offset {
                *offset = Dyadic::integer(extent as i64 - 1);
            }
        }
        Ok(index)
    }

    /// Elements of x along an axis, whose place the axes of computed indices take.
    pub(super) fn gathered(
        &mut self,
        name: &str,
        node: &Node,
        axis: usize,
        shape: &[usize],
    ) -> Lowered<Real> {
        let (x, indices) = (self.operand(node, 0)?, self.operand(node, 1)?);
        let own = x.shape.clone();
        let extent = own[axis];
        let outer: usize = own[..axis].iter().product();
        let inner: usize = own[axis + 1..].iter().product();
        let places = indices.elements();
        // The axis first, then back in its place.
        let order = (0..x.elements()).map(|e| {
            let (at, rest) = (e / (outer * inner), e % (outer * inner));
            (rest / inner * extent + at) * inner + rest % inner
        });
        let order: Vec<usize> = order.collect();
        let x = self.rearranged(name, x, &order, &[extent, outer * inner])?;
        let taken = self.taken(name, x, indices)?;
        let back = (0..taken.elements()).map(|e| {
            let (o, rest) = (e / (places * inner), e % (places * inner));
            (rest / inner * outer + o) * inner + rest % inner
        });
        let back: Vec<usize> = back.collect();
        self.rearranged(name, taken, &back, shape)
    }

    /// Rows of x that indices name: `[indices, channels]`.
    fn taken(&mut self, name: &str, x: Real, indices: Real) -> Lowered<Real> {
        let channels = x.shape[1];
        let count = indices.elements();
        let grid = vec![Dyadic::ONE; count];
        if !divides(&indices, &grid) {
            return Err("its indices are no integers".into());
        }
        let indices = self.on_grid(name, indices, &grid)?;
        let x = self.centred(name, x)?;
        let x = self.same_rows(name, x, channels)?;
        let (Source::Value(rows), Source::Value(at)) = (&x.source, &indices.source) else {
            return Err("an operand is a constant".into());
        };
        let rows = self.builder.view(*rows, &x.shape)?;
        let step: Vec<Dyadic> = x
            .step
            .iter()
            .copied()
            .cycle()
            .take(count * channels)
            .collect();
        let operation = Operation::Take {
            x: rows,
            indices: *at,
        };
        let dims = [count, channels];
        let id = self.builder.push(name, &dims, operation, None, &step)?;
        Ok(real(&dims, id, step))
    }
}
