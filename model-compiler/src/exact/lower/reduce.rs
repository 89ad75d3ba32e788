//! Sums and means over axes.

use hodoscope_program::Operation;

use super::arithmetic::real;
use super::{Lowered, Lowering, PROPORTION, Real, Source};
use crate::exact::dyadic::Dyadic;
use crate::graph::{Node, Reduction};

impl Lowering<'_> {
    pub(super) fn reduce(
        &mut self,
        name: &str,
        node: &Node,
        op: Reduction,
        axes: &[usize],
        shape: &[usize],
    ) -> Lowered<Real> {
        let mut x = self.operand(node, 0)?;
        super::no_divisor(&x)?;
        if matches!(op, Reduction::Max | Reduction::Min) {
            return self.reduced_to_extreme(name, op, x, axes, shape);
        }
        if op == Reduction::L1 {
            x = self.magnitude(name, x)?;
        }
        if matches!(op, Reduction::SumSquare | Reduction::L2)
            && axes.iter().map(|a| x.shape[*a]).product::<usize>() == x.elements()
        {
            return self.squares(name, x, shape);
        }
        if matches!(op, Reduction::SumSquare | Reduction::L2) {
            let own = x.shape.clone();
            x = self.product(&format!("{name}.squares"), x.clone(), x, &own)?;
        }
        let rows: usize = axes.iter().map(|a| x.shape[*a]).product();
        if rows == 1 {
            return Ok(x.reshaped(shape));
        }
        let kept = x.elements() / rows;
        let origins = reduced_first(&x.shape, axes);
        let x = self.rearranged(name, x, &origins, &[rows, kept])?;
        let x = self.same_rows(name, x, kept)?;
        let Source::Value(id) = x.source else {
            return Err("its operand is a constant".into());
        };
        let id = self.builder.view(id, &[rows, kept])?;
        let mut step = x.step[..kept].to_vec();
        let operation = Operation::Sum { x: id };
        let sum = self.builder.push(name, &[kept], operation, None, &step)?;
        let count = Dyadic::integer(rows as i64);
        let mut offset = x.offset[..kept]
            .iter()
            .map(|o| o.times(count))
            .collect::<Option<Vec<_>>>()
            .ok_or(PROPORTION)?;
        let mut divisor = 1;
        if op == Reduction::Mean {
            match count.is_power_of_two() {
                true => {
                    let part = Dyadic::power(-count.exponent()).ok_or(PROPORTION)?;
                    for number in step.iter_mut().chain(&mut offset) {
                        *number = number.times(part).ok_or(PROPORTION)?;
                    }
                }
                false => divisor = rows as i64,
            }
        }
        Ok(Real {
            shape: shape.to_vec(),
            source: Source::Value(sum),
            step,
            offset,
            divisor,
        })
    }
}

impl Lowering<'_> {
    /// Σ x² over all elements, in one operation.
    fn squares(&mut self, name: &str, x: Real, shape: &[usize]) -> Lowered<Real> {
        let elements = x.elements();
        let x = self.centred(name, x.reshaped(&[elements]))?;
        let x = self.same_rows(name, x, 1)?;
        let Source::Value(id) = x.source else {
            return Err("its operand is a constant".into());
        };
        let step = vec![x.step[0].times(x.step[0]).ok_or(PROPORTION)?];
        // The squared error of what was subtracted.
        let difference = match self.builder.program.value(self.builder.base(id)).operation {
            Operation::Sub { a, b } if self.builder.elements(a) == self.builder.elements(b) => {
                Some((a, b))
            }
            _ => None,
        };
        let operation = match difference {
            Some((a, b)) => Operation::SquaredError {
                a: self.builder.view(a, &[elements])?,
                b: self.builder.view(b, &[elements])?,
            },
            None => Operation::SumSquares {
                x: self.builder.view(id, &[elements])?,
            },
        };
        let sum = self.builder.push(name, &[1], operation, None, &step)?;
        Ok(real(shape, sum, step))
    }
}

/// The elements of a shape with the reduced axes first.
pub(super) fn reduced_first(shape: &[usize], axes: &[usize]) -> Vec<usize> {
    let kept = (0..shape.len()).filter(|axis| !axes.contains(axis));
    let order: Vec<usize> = axes.iter().copied().chain(kept).collect();
    let mut strides = vec![1; shape.len()];
    for axis in (0..shape.len().saturating_sub(1)).rev() {
        strides[axis] = strides[axis + 1] * shape[axis + 1];
    }
    let elements: usize = shape.iter().product();
    let origin = |position: usize| {
        let mut rest = position;
        order.iter().rev().fold(0, |origin, axis| {
            let at = rest % shape[*axis];
            rest /= shape[*axis];
            origin + at * strides[*axis]
        })
    };
    (0..elements).map(origin).collect()
}

#[cfg(test)]
mod tests {
    use super::reduced_first;

    #[test]
    fn reduced_axes_come_first() {
        assert_eq!(reduced_first(&[1, 2, 3], &[1]), [0, 1, 2, 3, 4, 5]);
        assert_eq!(reduced_first(&[2, 3], &[1]), [0, 3, 1, 4, 2, 5]);
        assert_eq!(reduced_first(&[2, 1, 2], &[0, 2]), [0, 1, 2, 3]);
    }
}
