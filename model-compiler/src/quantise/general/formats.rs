//! Formats of values, and the quantiser that each becomes.

use super::observe::Observed;
use crate::format::{self, Chosen};
use crate::graph::{Quantiser, RoundingMode, Tensor, Unary, apply_unary};
use crate::quantise::room::Room;

/// Index bits of a table among 16-bit and among 8-bit activations.
pub(super) const TABLE_BITS: u8 = 12;
pub(super) const SMALL_TABLE_BITS: u8 = 10;
/// Formats tried above the covering one for an index.
const TRIALS: i32 = 6;

/// The format of a value at `width` bits: of few bits the one of least squared error, of many one that covers what was
/// seen twice over.
pub(super) fn of_value(observed: &Observed, width: u8, room: Room) -> Chosen {
    if width <= 8 {
        return format::best_frac(&observed.samples, width);
    }
    // Where there are bits to spare, more of them for tails.
    let reach = room.of_layer(width);
    let frac = format::covering_frac(f64::from(observed.magnitude()) * reach, width);
    Chosen {
        frac,
        noise: format::noise(&observed.samples, frac, width),
    }
}

/// The format of what a table gives: its entries end where the events did, with some room.
pub(super) fn of_index(observed: &Observed, function: Unary, width: u8) -> Chosen {
    let covering = format::covering_frac(f64::from(observed.magnitude()), width);
    let exact = apply_unary(function, &observed.samples);
    let error = |frac: i32| {
        let rounded: Vec<f32> = observed
            .samples
            .iter()
            .map(|v| format::rounded(*v, frac, width))
            .collect();
        let pairs = apply_unary(function, &rounded).into_iter().zip(&exact);
        pairs
            .map(|(a, b)| f64::from(a) - f64::from(*b))
            .filter(|d| d.is_finite())
            .map(|d| d * d)
            .sum::<f64>()
    };
    // One coarser, too: room for what calibration did not see where it costs nothing.
    let trials = (covering - 1..=covering + TRIALS).map(|frac| (frac, error(frac)));
    let best = trials.reduce(|best, trial| if trial.1 < best.1 { trial } else { best });
    let frac = best.map_or(covering, |(frac, _)| frac);
    Chosen {
        frac,
        noise: format::noise(&observed.samples, frac, width),
    }
}

/// The quantiser of signed power-of-two formats, one for all elements or one each.
pub(super) fn quantiser(fracs: &[i32], shape: &[usize], width: u8) -> Quantiser {
    let step = |frac: &i32| libm::ldexp(1.0, -frac) as f32;
    let scale = match fracs {
        [frac] => Tensor::scalar(step(frac)),
        fracs => Tensor {
            shape: shape.to_vec(),
            data: fracs.iter().map(step).collect(),
        },
    };
    let end = 1i64 << (width - 1);
    Quantiser {
        scale,
        zero_point: Tensor::scalar(0.0),
        range: Some((-end, end - 1)),
        rounding: RoundingMode::HalfCeil,
        zero_first: false,
    }
}
