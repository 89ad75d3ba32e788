//! What all elements of a row give together.

use hodoscope_compiler::plan::{Accumulator, Kernel};
use hodoscope_kernels::{rank, reduce};

use crate::Array;
use crate::row::Row;

/// The largest, the order, or a sum of squares of a row.
pub(crate) fn reduction(row: &Row<'_>) -> Array {
    let mut y = row.zeros();
    let out = &mut y;
    match &row.step.kernel {
        Kernel::Largest { x, accumulator } => {
            let largest: i64 =
                accumulate!(accumulator, x = row.value(*x) => reduce::largest::<A, _>(x).into());
            return row.result(&[largest]);
        }
        Kernel::TopK {
            x,
            count,
            bits,
            accumulator,
        } => {
            accumulate!(accumulator, x = row.value(*x) => {
                let mut held = vec![A::MIN; *count];
                each!(out, y => rank::top_k::<A, _, _>(x, (*bits).into(), &mut held, y));
            });
        }
        Kernel::ArgMax { x, accumulator } => {
            let index: i32 =
                accumulate!(accumulator, x = row.value(*x) => reduce::arg_max::<A, _>(x));
            return row.result(&[index.into()]);
        }
        Kernel::SquaredError { a, b, accumulator } => {
            let sum: i64 = accumulate!(accumulator, a = row.value(*a), b = row.value(*b) => {
                reduce::squared_error::<A, _, _>(a, b).into()
            });
            return row.result(&[sum]);
        }
        Kernel::SumSquares { x, accumulator } => {
            let sum: i64 = accumulate!(accumulator, x = row.value(*x) => reduce::sum_squares::<A, _>(x).into());
            return row.result(&[sum]);
        }
        other => panic!("{other:?} is no reduction"),
    }
    y
}
