//! Rescales of values.

use hodoscope_compiler::plan::{Accumulator, Kernel, Requantise};
use hodoscope_kernels::rescale;

use crate::Array;
use crate::array::{ends, exact};
use crate::row::Row;

/// A rescale by shifts, or by multipliers and shifts.
pub(crate) fn rescale(row: &Row<'_>) -> Array {
    let mut y = row.zeros();
    let out = &mut y;
    match &row.step.kernel {
        Kernel::Rescale {
            x,
            accumulator,
            requantise,
            limits,
            ..
        } => {
            accumulate!(accumulator, x = row.value(*x) => {
                let limits = ends::<A>(*limits);
                match requantise {
                    Requantise::Imported { .. } | Requantise::Scaled { .. } => panic!("computed before"),
                    Requantise::Shift(shifts) => {
                        let shift = rescale::Shift(shifts);
                        each!(out, y => rescale::rescale::<A, _, _>(x, shift, limits, y));
                    }
                    Requantise::Affine { multipliers, offsets, shifts } => {
                        let (multipliers, offsets) = (exact::<A>(multipliers), exact::<A>(offsets));
                        let affine = rescale::Affine { multipliers: &multipliers, offsets: &offsets, shifts };
                        each!(out, y => rescale::rescale::<A, _, _>(x, affine, limits, y));
                    }
                }
            });
        }
        other => panic!("{other:?} is no rescale"),
    }
    y
}
