//! Rescales with a rounding and an overflow of their own: those of imported networks.

use hodoscope_program::{Rounding, ValueId};

use super::place;
use crate::plan::{Accumulator, Plan, Reduction, Requantise};

/// The type of a rounding in the kernels.
pub(super) fn name(rounding: Rounding) -> &'static str {
    match rounding {
        Rounding::Trn => "Trn",
        Rounding::TrnZero => "TrnZero",
        Rounding::Rnd => "Rnd",
        Rounding::RndConv => "RndConv",
        Rounding::RndZero => "RndZero",
        Rounding::RndInf => "RndInf",
        Rounding::RndMinInf => "RndMinInf",
    }
}

/// A rescale with a rounding and an overflow of its own, whose constants stand where `at` says.
pub(super) fn imported(
    at: &dyn Fn(&str) -> String,
    mode: Rounding,
    overflow: Reduction,
    has_factors: bool,
) -> String {
    let mode = name(mode);
    let inner = match has_factors {
        true => format!(
            "rounding::RoundedAffine::new(rounding::{mode}, {}, {}, {})",
            at("MULTIPLIERS"),
            at("OFFSETS"),
            at("SHIFTS")
        ),
        false => format!("rounding::Rounded::new(rounding::{mode}, {})", at("SHIFTS")),
    };
    match overflow {
        Reduction::Saturated => inner,
        Reduction::Wrapped(bits) => {
            format!("rounding::Wrapped {{ inner: {inner}, bits: {bits} }}")
        }
        Reduction::WrappedUnsigned(bits) => {
            format!("rounding::WrappedUnsigned {{ inner: {inner}, bits: {bits} }}")
        }
        Reduction::OrZero(low, high) => {
            format!("rounding::OrZero {{ inner: {inner}, limits: ({low}, {high}) }}")
        }
    }
}

/// Whether a rescale is that of 32-bit sums by one multiplier, of which only the upper half of the product is
/// shifted: for it there is one routine that all layers call.
pub(super) fn is_scaled(
    plan: &Plan<'_>,
    x: ValueId,
    accumulator: Accumulator,
    requantise: &Requantise,
) -> bool {
    let Requantise::Imported {
        multipliers,
        offsets,
        shifts,
        rounding: Rounding::Trn,
        overflow: Reduction::Saturated,
    } = requantise
    else {
        return false;
    };
    let sums = place::storage(plan, x) == "i32";
    let one = multipliers.len() == 1 && offsets.len() == 1 && shifts.len() == 1;
    sums && one
        && requantise.factors().is_some()
        && accumulator == Accumulator::I64
        && i32::try_from(multipliers[0]).is_ok()
        && (32..=62).contains(&shifts[0])
}
