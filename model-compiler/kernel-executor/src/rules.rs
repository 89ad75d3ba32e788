//! Rescales with a rounding or overflow of their own, in the accumulator's own type: as many instances as there are rules.

use std::fmt::Debug;

use hodoscope_compiler::plan::layout::Layout;
use hodoscope_compiler::plan::{Accumulator, Kernel, Reduction, Requantise, Stage, Step};
use hodoscope_kernels::layout::rows;
use hodoscope_kernels::number::{Accumulator as Number, Narrow};
use hodoscope_kernels::rescale;
use hodoscope_program::{Rounding, ValueId};

use crate::array::{ends, exact, narrowed};
use crate::{Array, Executor};

/// `body` with a rounding's own type.
macro_rules! rounded {
    ($rounding:expr, $r:ident => $body:expr) => {
        match $rounding {
            hodoscope_program::Rounding::Trn => {
                let $r = hodoscope_kernels::rounding::Trn;
                $body
            }
            hodoscope_program::Rounding::TrnZero => {
                let $r = hodoscope_kernels::rounding::TrnZero;
                $body
            }
            hodoscope_program::Rounding::Rnd => {
                let $r = hodoscope_kernels::rounding::Rnd;
                $body
            }
            hodoscope_program::Rounding::RndConv => {
                let $r = hodoscope_kernels::rounding::RndConv;
                $body
            }
            hodoscope_program::Rounding::RndZero => {
                let $r = hodoscope_kernels::rounding::RndZero;
                $body
            }
            hodoscope_program::Rounding::RndInf => {
                let $r = hodoscope_kernels::rounding::RndInf;
                $body
            }
            hodoscope_program::Rounding::RndMinInf => {
                let $r = hodoscope_kernels::rounding::RndMinInf;
                $body
            }
        }
    };
}

/// `body` with the requantiser of an imported network.
macro_rules! imported {
    ($rounding:expr, $overflow:expr, $a:ty, $factors:expr, $shifts:expr, $q:ident => $body:expr) => {
        rounded!($rounding, r => match &$factors {
            Some((multipliers, offsets)) => {
                let inner = hodoscope_kernels::rounding::RoundedAffine::new(r, multipliers, offsets, $shifts);
                reduced!($overflow, $a, inner, $q => $body)
            }
            None => {
                let inner = hodoscope_kernels::rounding::Rounded::new(r, $shifts);
                reduced!($overflow, $a, inner, $q => $body)
            }
        })
    };
}

macro_rules! reduced {
    ($overflow:expr, $a:ty, $inner:expr, $q:ident => $body:expr) => {
        match $overflow {
            hodoscope_compiler::plan::Reduction::Saturated => {
                let $q = $inner;
                $body
            }
            hodoscope_compiler::plan::Reduction::Wrapped(bits) => {
                let $q = hodoscope_kernels::rounding::Wrapped {
                    inner: $inner,
                    bits: bits.into(),
                };
                $body
            }
            hodoscope_compiler::plan::Reduction::WrappedUnsigned(bits) => {
                let $q = hodoscope_kernels::rounding::WrappedUnsigned {
                    inner: $inner,
                    bits: bits.into(),
                };
                $body
            }
            hodoscope_compiler::plan::Reduction::OrZero(low, high) => {
                let $q = hodoscope_kernels::rounding::OrZero {
                    inner: $inner,
                    limits: crate::array::ends::<$a>((low, high)),
                };
                $body
            }
        }
    };
}

impl Executor<'_> {
    /// A rescale with a rounding or overflow of its own, in the accumulator's own type: as many
    /// instances as there are rules.
    pub(crate) fn imported(&self, step: &Step, values: &[Option<Array>]) -> Option<Vec<i64>> {
        let program = self.plan.program;
        let raws = |id: &ValueId| {
            values[id.index()]
                .as_ref()
                .expect("operands come first")
                .raws()
        };
        let (x, accumulator, requantise, limits, layer) = match &step.kernel {
            Kernel::Rescale {
                x,
                accumulator,
                before,
                requantise,
                limits,
            } => {
                if !before.is_empty() {
                    let x = chained(before, *accumulator, raws(x));
                    return Some(by_rules(*accumulator, &x, requantise, *limits));
                }
                (raws(x), accumulator, requantise, *limits, None)
            }
            // Of other layouts the sums are their own.
            Kernel::DenseRescale { layout, .. } if *layout != Layout::Rows => return None,
            Kernel::DenseRescale {
                x,
                weights,
                bias,
                accumulator,
                requantise,
                limits,
                ..
            } => {
                let layer = (
                    &program.constant(*weights).data,
                    &program.constant(*bias).data,
                );
                (raws(x), accumulator, requantise, *limits, Some(layer))
            }
            _ => return None,
        };
        if let (
            Requantise::Scaled {
                multiplier,
                offset,
                shift,
            },
            Some((weights, bias)),
        ) = (requantise, layer)
        {
            let scaled = rescale::Scaled {
                multiplier: *multiplier,
                offset: *offset,
                shift: *shift,
            };
            let mut y = vec![0i32; bias.len()];
            let [x, weights, bias] = [&x, weights, bias].map(|raws| exact::<i32>(raws));
            let limits = ends::<i32>(limits);
            rows::dense_rescale::<i32, i32, i32, i32, i32>(
                &x, &weights, &bias, scaled, limits, &mut y,
            );
            return Some(narrowed(&y));
        }
        let Requantise::Imported { .. } = requantise else {
            return None;
        };
        Some(match accumulator {
            Accumulator::I32 => by_own_rules::<i32>(&x, layer, requantise, limits),
            Accumulator::I64 => by_own_rules::<i64>(&x, layer, requantise, limits),
        })
    }
}

impl Executor<'_> {
    /// The rescale of a dense layer behind sums that its layout left.
    pub(crate) fn behind(&self, step: &Step, sums: &[i64]) -> Vec<i64> {
        let Kernel::DenseRescale {
            requantise, limits, ..
        } = &step.kernel
        else {
            panic!("{:?} has no rescale", step.kernel);
        };
        by_rules(Accumulator::I32, sums, requantise, *limits)
    }
}

/// A rescale with its rules written out.
fn ruled(requantise: &Requantise) -> Requantise {
    let (multipliers, offsets) = requantise.factors().unwrap_or((&[1], &[0]));
    let (rounding, overflow) = match requantise {
        Requantise::Imported {
            rounding, overflow, ..
        } => (*rounding, *overflow),
        _ => (Rounding::Rnd, Reduction::Saturated),
    };
    Requantise::Imported {
        multipliers: multipliers.to_vec(),
        offsets: offsets.to_vec(),
        shifts: requantise.shifts().to_vec(),
        rounding,
        overflow,
    }
}

/// A rescale after the other.
pub(crate) fn chained(before: &[Stage], accumulator: Accumulator, x: Vec<i64>) -> Vec<i64> {
    before.iter().fold(x, |x, stage| {
        by_rules(accumulator, &x, &stage.requantise, stage.limits)
    })
}

/// A rescale of any kind.
pub(crate) fn by_rules(
    accumulator: Accumulator,
    x: &[i64],
    requantise: &Requantise,
    limits: (i64, i64),
) -> Vec<i64> {
    let rules = ruled(requantise);
    match accumulator {
        Accumulator::I32 => by_own_rules::<i32>(x, None, &rules, limits),
        Accumulator::I64 => by_own_rules::<i64>(x, None, &rules, limits),
    }
}

/// Multipliers and offsets, as literals.
pub(crate) fn factors<A: TryFrom<i64, Error: Debug>>(
    requantise: &Requantise,
) -> Option<(Vec<A>, Vec<A>)> {
    let (multipliers, offsets) = requantise.factors()?;
    Some((exact(multipliers), exact(offsets)))
}

/// A rescale, or a dense layer with its rescale, of an imported network.
fn by_own_rules<A>(
    x: &[i64],
    layer: Option<(&Vec<i64>, &Vec<i64>)>,
    requantise: &Requantise,
    limits: (i64, i64),
) -> Vec<i64>
where
    A: Number + Into<i64> + Default + Narrow<A> + TryFrom<i64, Error: Debug>,
{
    let Requantise::Imported {
        rounding,
        overflow,
        shifts,
        ..
    } = requantise
    else {
        return vec![];
    };
    let (x, limits) = (exact::<A>(x), ends::<A>(limits));
    let factors = factors::<A>(requantise);
    match layer {
        Some((weights, bias)) => {
            let (weights, bias) = (exact::<A>(weights), exact::<A>(bias));
            let mut y = vec![A::default(); bias.len()];
            imported!(*rounding, *overflow, A, factors, shifts, requantise => {
                rows::dense_rescale::<A, A, A, A, A>(&x, &weights, &bias, requantise, limits, &mut y)
            });
            narrowed(&y)
        }
        None => {
            let mut y = vec![A::default(); x.len()];
            imported!(*rounding, *overflow, A, factors, shifts, requantise => {
                rescale::rescale::<A, A, A>(&x, requantise, limits, &mut y)
            });
            narrowed(&y)
        }
    }
}
