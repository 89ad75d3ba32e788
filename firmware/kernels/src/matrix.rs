//! Products of two activations: attention, a learned adjacency.

use crate::number::{Accumulator, Narrow};

/// Extents of the matrices of one product.
#[derive(Clone, Copy, Debug)]
pub struct Extents {
    /// Rows of the first, and of the result.
    pub rows: usize,
    /// Columns of both.
    pub inner: usize,
    /// Rows of the second, columns of the result.
    pub columns: usize,
}

/// y\[i, j\] = Σ_k a\[i, k\]·b\[j, k\], matrix by matrix: both operands are read along their rows.
///
/// `a`: `[…, rows, inner]`, `b`: `[…, columns, inner]`, `y`: `[…, rows, columns]`.
#[inline(always)]
pub fn product<A, X, Z, Y>(a: &[X], b: &[Z], extents: Extents, y: &mut [Y])
where
    A: Accumulator,
    X: Copy + Into<A>,
    Z: Copy + Into<A>,
    Y: Narrow<A>,
{
    let Extents {
        rows,
        inner,
        columns,
    } = extents;
    let matrices = a.chunks_exact(rows * inner);
    let matrices = matrices.zip(b.chunks_exact(columns * inner));
    for ((a, b), y) in matrices.zip(y.chunks_exact_mut(rows * columns)) {
        for (a, y) in a.chunks_exact(inner).zip(y.chunks_exact_mut(columns)) {
            for (b, y) in b.chunks_exact(inner).zip(y) {
                let mut sum = A::ZERO;
                for (a, b) in a.iter().zip(b) {
                    sum += (*a).into() * (*b).into();
                }
                *y = Y::narrow(sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_times_rows() {
        let extents = Extents {
            rows: 2,
            inner: 3,
            columns: 1,
        };
        let a = [1i8, 2, 3, 4, 5, 6, -1, 0, 1, 7, 7, 7];
        let b = [1i16, 0, -1, 2, 2, 2];
        let mut y = [0i16; 4];
        product::<i32, _, _, _>(&a, &b, extents, &mut y);
        assert_eq!(y, [-2, -2, 0, 42]);
    }
}
