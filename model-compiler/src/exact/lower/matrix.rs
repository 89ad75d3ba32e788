//! Products of matrices: a constant one makes a dense layer, two activations a product of their rows.

use hodoscope_program::Operation;

use super::arithmetic::real;
use super::moves::broadcast;
use super::near::common;
use super::{Lowered, Lowering, PROPORTION, Real, Source, Term, extents};
use crate::exact::dyadic::Dyadic;
use crate::graph::Node;

/// Extents of a product: matrices, and the rows, inner extent and columns of each.
#[derive(Clone, Copy)]
struct Extents {
    matrices: usize,
    rows: usize,
    inner: usize,
    columns: usize,
}

impl Lowering<'_> {
    /// `a [..., m, k]` · `b [..., k, n]`, leading axes broadcast.
    pub(super) fn matmul(&mut self, name: &str, node: &Node, shape: &[usize]) -> Lowered<Term> {
        let (a, b) = (self.operand(node, 0)?, self.operand(node, 1)?);
        let (rank, last) = (shape.len(), "an operand is no matrix");
        let &[rows, inner] = a.shape.last_chunk().ok_or(last)?;
        let &[_, columns] = b.shape.last_chunk().ok_or(last)?;
        let outer = &shape[..rank.checked_sub(2).ok_or(last)?];
        let extents = Extents {
            matrices: outer.iter().product(),
            rows,
            inner,
            columns,
        };
        if b.is_constant() && b.elements() == inner * columns {
            // One matrix for all rows.
            let weights = transposed(1, inner, columns);
            let weights = self.rearranged(name, b, &weights, &[columns, inner])?;
            let mut linear = self.linear(name, a, weights, None)?;
            linear.shape = shape.to_vec();
            return Ok(Term::Linear(linear));
        }
        if a.is_constant() && a.elements() == rows * inner {
            // A·b is (bᵀ·Aᵀ)ᵀ.
            let matrices = b.elements() / (inner * columns);
            let order = transposed(matrices, inner, columns);
            let b = self.rearranged(name, b, &order, &[matrices * columns, inner])?;
            let a = a.reshaped(&[rows, inner]);
            let linear = self.linear(name, b, a, None)?;
            let sums = self.computed(name, &linear)?;
            let order = transposed(matrices, columns, rows);
            return Ok(Term::Real(self.rearranged(name, sums, &order, shape)?));
        }
        let pick = |x: &Real| broadcast(&x.shape[..x.shape.len() - 2], outer);
        let (of_a, of_b) = (pick(&a), pick(&b));
        Ok(Term::Real(match (a.is_constant(), b.is_constant()) {
            (true, true) => return Err("both operands are constants".into()),
            (false, false) => {
                let a = self.matrices(name, a, &of_a, [rows, inner], false)?;
                let b = self.matrices(name, b, &of_b, [inner, columns], true)?;
                self.row_products(name, a, b, extents)?.reshaped(shape)
            }
            (_, constant) => {
                let mut parts = Vec::with_capacity(extents.matrices);
                for (at, bt) in of_a.iter().zip(&of_b) {
                    let own_a = self.matrices(name, a.clone(), &[*at], [rows, inner], false)?;
                    let own_b = self.matrices(name, b.clone(), &[*bt], [inner, columns], true)?;
                    let part = match constant {
                        true => self.by_constant(name, own_a, own_b)?,
                        false => {
                            let part = self.by_constant(name, own_b, own_a)?;
                            let order = transposed(1, columns, rows);
                            self.rearranged(name, part, &order, &[rows, columns])?
                        }
                    };
                    parts.push(part.reshaped(&[rows * columns]));
                }
                let elements = shape.iter().product();
                let order: Vec<usize> = (0..elements).collect();
                let all = self.side_by_side(name, parts, &order, &[elements])?;
                all.reshaped(shape)
            }
        }))
    }

    /// Matrices of x, one after the other, each perhaps transposed.
    fn matrices(
        &mut self,
        name: &str,
        x: Real,
        which: &[usize],
        [rows, columns]: [usize; 2],
        transpose: bool,
    ) -> Lowered<Real> {
        let one = match transpose {
            true => transposed(1, rows, columns),
            false => (0..rows * columns).collect(),
        };
        let own = |matrix: &usize| {
            let start = matrix * rows * columns;
            one.iter().map(move |e| start + e)
        };
        let order: Vec<usize> = which.iter().flat_map(own).collect();
        let (rows, columns) = match transpose {
            true => (columns, rows),
            false => (rows, columns),
        };
        self.rearranged(name, x, &order, &[which.len() * rows, columns])
    }

    /// x `[rows, inner]` times a constant `[columns, inner]`.
    fn by_constant(&mut self, name: &str, x: Real, weights: Real) -> Lowered<Real> {
        let linear = self.linear(name, x, weights, None)?;
        self.computed(name, &linear)
    }

    /// Rows of a, `[matrices · rows, inner]`, times rows of b, `[matrices · columns, inner]`.
    fn row_products(&mut self, name: &str, a: Real, b: Real, e: Extents) -> Lowered<Real> {
        let (a, b) = (
            self.alike_in_rows(name, a, e.inner)?,
            self.alike_in_rows(name, b, e.inner)?,
        );
        let (Source::Value(x), Source::Value(z)) = (&a.source, &b.source) else {
            return Err("an operand is a constant".into());
        };
        let matrices = |rows: usize, columns: usize| match e.matrices {
            1 => vec![rows, columns],
            all => vec![all, rows, columns],
        };
        let x = self.builder.view(*x, &matrices(e.rows, e.inner))?;
        let z = self.builder.view(*z, &matrices(e.columns, e.inner))?;
        let mut step = Vec::with_capacity(e.matrices * e.rows * e.columns);
        for matrix in 0..e.matrices {
            for row in 0..e.rows {
                let own = a.step[(matrix * e.rows + row) * e.inner];
                for column in 0..e.columns {
                    let other = b.step[(matrix * e.columns + column) * e.inner];
                    step.push(own.times(other).ok_or(PROPORTION)?);
                }
            }
        }
        let dims = matrices(e.rows, e.columns);
        let operation = Operation::MatMul { a: x, b: z };
        let id = self.builder.push(name, &dims, operation, None, &step)?;
        let shape = [e.matrices * e.rows, e.columns];
        let id = self.builder.view(id, &extents(&shape))?;
        Ok(real(&shape, id, step))
    }

    /// The operand without offsets, and with one step for all elements of a row.
    pub(super) fn alike_in_rows(&mut self, name: &str, x: Real, columns: usize) -> Lowered<Real> {
        let x = self.centred(name, x)?;
        let alike = |row: &[Dyadic]| row.iter().all(|s| *s == row[0]);
        if x.step.chunks(columns.max(1)).all(alike) {
            return Ok(x);
        }
        self.on_one_grid(name, x)
    }

    /// The operand without offsets, and with one step for all elements.
    pub(super) fn on_one_grid(&mut self, name: &str, x: Real) -> Lowered<Real> {
        let x = self.centred(name, x)?;
        if x.step.iter().all(|s| *s == x.step[0]) {
            return Ok(x);
        }
        let grid = common(&x.step, self.ours).ok_or(PROPORTION)?;
        let grid = vec![grid; x.elements()];
        self.on_grid(name, x, &grid)
    }
}

/// The elements of matrices of `rows` by `columns`, columns first.
pub(super) fn transposed(matrices: usize, rows: usize, columns: usize) -> Vec<usize> {
    let one = (0..rows * columns).map(|e| (e % rows) * columns + e / rows);
    let one: Vec<usize> = one.collect();
    (0..matrices)
        .flat_map(|m| one.iter().map(move |e| m * rows * columns + e))
        .collect()
}
