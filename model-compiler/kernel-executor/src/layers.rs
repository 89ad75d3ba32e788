//! Dense layers, in each layout.

use hodoscope_compiler::plan::layout::Layout;
use hodoscope_compiler::plan::{Accumulator, Kernel, Requantise, Step};
use hodoscope_kernels::layout::rows;
use hodoscope_kernels::{rescale, stepwise, unary};

use crate::array::{accumulators, ends, exact, narrowed};
use crate::row::Row;
use crate::{Array, Executor, groups};

/// A dense layer of rounded products of type `p` and sums of type `a`.
macro_rules! stepwise {
    ($p:ty, $a:ty, $rounding:expr, $x:expr, $w:expr, $bias:expr, $shift:expr, $limits:expr) => {{
        let bias = accumulators::<$a>(&$bias);
        let (x, w) = (exact::<$p>(&$x.raws()), exact::<$p>(&$w.raws()));
        let mut wide: Vec<$a> = vec![0; bias.len()];
        let y = &mut wide;
        rounded!($rounding, r => match $limits {
            Some(limits) => {
                let limits = ends::<$p>(*limits);
                stepwise::dense_saturated::<$p, $a, $p, $p, $a, $a, _>(r, &x, &w, &bias, $shift, limits, y)
            }
            None => stepwise::dense::<$p, $a, $p, $p, $a, $a, _>(r, &x, &w, &bias, $shift, y),
        });
        narrowed(&wide)
    }};
}

/// A dense layer, rescaled or not.
pub(crate) fn layer(row: &Row<'_>) -> Array {
    let step = row.step;
    let mut y = row.zeros();
    let out = &mut y;
    match &step.kernel {
        Kernel::Dense {
            x,
            layout: Layout::ShiftAdds,
            ..
        } => {
            let sums = row.executor.added(step, row.value(*x));
            each!(out, y => unary::copy(&sums, y));
        }
        Kernel::DenseRescale {
            x,
            layout: Layout::ShiftAdds,
            ..
        } => {
            let sums = row.executor.added(step, row.value(*x));
            let sums: Vec<i64> = sums.into_iter().map(i64::from).collect();
            return row.result(&row.executor.behind(step, &sums));
        }
        Kernel::Dense { x, layout, .. } | Kernel::DenseRescale { x, layout, .. }
            if groups::are(*layout) =>
        {
            let layer = row
                .executor
                .plan
                .layer(step)
                .expect("the layer of a dense step");
            let constants = layer.constants(*layout);
            if layer.is_apart(*layout) {
                let mut sums = Array::I32(vec![0; layer.rows()]);
                groups::dense(*layout, &constants, row.value(*x), None, &mut sums);
                return row.result(&row.executor.behind(step, &sums.raws()));
            }
            let limits = layer.rescale.map(|(_, limits)| limits);
            groups::dense(*layout, &constants, row.value(*x), limits, out);
        }
        Kernel::Dense {
            x,
            weights,
            bias,
            accumulator,
            ..
        } => {
            let (weights, bias) = (row.constant(*weights), row.constant(*bias));
            accumulate!(accumulator, x = row.value(*x), w = &weights => {
                let bias = accumulators::<A>(&bias);
                each!(out, y => rows::dense::<A, _, _, _, _>(x, w, &bias, y));
            });
        }
        Kernel::DenseRescale {
            x,
            weights,
            bias,
            accumulator,
            requantise,
            limits,
            ..
        } => {
            let (weights, bias) = (row.constant(*weights), row.constant(*bias));
            accumulate!(accumulator, x = row.value(*x), w = &weights => {
                let bias = accumulators::<A>(&bias);
                let limits = ends::<A>(*limits);
                match requantise {
                    Requantise::Imported { .. } | Requantise::Scaled { .. } => panic!("computed before"),
                    Requantise::Shift(shifts) => {
                        let shift = rescale::Shift(shifts);
                        each!(out, y => rows::dense_rescale::<A, _, _, _, _>(x, w, &bias, shift, limits, y));
                    }
                    Requantise::Affine { multipliers, offsets, shifts } => {
                        let (multipliers, offsets) = (exact::<A>(multipliers), exact::<A>(offsets));
                        let affine = rescale::Affine { multipliers: &multipliers, offsets: &offsets, shifts };
                        each!(out, y => rows::dense_rescale::<A, _, _, _, _>(x, w, &bias, affine, limits, y));
                    }
                }
            });
        }
        Kernel::DenseStepwise {
            x,
            weights,
            bias,
            shift,
            rounding,
            product,
            limits,
            accumulator,
        } => {
            let (weights, bias) = (row.constant(*weights), row.constant(*bias));
            let shift = u32::from(*shift);
            let (x, rounding) = (row.value(*x), *rounding);
            let sums = match (product, accumulator) {
                (Accumulator::I32, Accumulator::I32) => {
                    stepwise!(i32, i32, rounding, x, weights, bias, shift, limits)
                }
                (Accumulator::I64, Accumulator::I32) => {
                    stepwise!(i64, i32, rounding, x, weights, bias, shift, limits)
                }
                (_, Accumulator::I64) => {
                    stepwise!(i64, i64, rounding, x, weights, bias, shift, limits)
                }
            };
            return row.result(&sums);
        }
        other => panic!("{other:?} is no layer"),
    }
    y
}

impl Executor<'_> {
    /// The sums of a dense layer of additions.
    pub(crate) fn added(&self, step: &Step, x: &Array) -> Vec<i32> {
        let layer = self.plan.layer(step).expect("the layer of a dense step");
        let x: Vec<i32> = x.raws().iter().map(|raw| *raw as i32).collect();
        let sums = self.adders[&step.result]
            .sums(&x)
            .into_iter()
            .zip(&layer.bias.data);
        sums.map(|(sum, bias)| sum.wrapping_add(*bias as i32))
            .collect()
    }
}
