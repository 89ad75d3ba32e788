//! Power-of-two formats.

/// Fraction bits tried above the one that covers every sample: each halves the range.
const CLIPPING_TRIALS: i32 = 4;

/// The largest frac at which ±`magnitude` fits a signed type of `width` bits.
pub(crate) fn covering_frac(magnitude: f64, width: u8) -> i32 {
    let limit = libm::ldexp(1.0, i32::from(width) - 1) - 1.0;
    if magnitude.is_nan() || magnitude <= 0.0 {
        return i32::from(width) - 1;
    }
    // One count of 2^−frac: search down from a frac that is surely too large.
    let start = i32::from(width) - libm::ilogb(magnitude);
    (start - 4..=start)
        .rev()
        .find(|frac| libm::ldexp(magnitude, *frac) <= limit + 0.5)
        .unwrap_or(start - 4)
        .clamp(-40, 40)
}

/// A format with its error over the samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Chosen {
    pub frac: i32,
    /// Mean squared error.
    pub noise: f64,
}

/// The frac of least squared error over `samples` for a signed type of `width` bits.
pub(crate) fn best_frac(samples: &[f32], width: u8) -> Chosen {
    let magnitude = samples.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    let covering = covering_frac(f64::from(magnitude), width);
    let trials = (covering..=covering + CLIPPING_TRIALS).map(|frac| Chosen {
        frac,
        noise: noise(samples, frac, width),
    });
    trials
        .reduce(|best, trial| {
            if trial.noise < best.noise {
                trial
            } else {
                best
            }
        })
        .unwrap_or(Chosen {
            frac: covering,
            noise: 0.0,
        })
}

/// [`best_frac`] of samples of any magnitude: weights per count of a fine operand are tiny.
pub(crate) fn best_frac_of_any_size(samples: &[f32], width: u8) -> i32 {
    let magnitude = samples.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    if magnitude == 0.0 {
        return 0;
    }
    let exponent = libm::ilogb(f64::from(magnitude));
    let normalised = samples
        .iter()
        .map(|v| libm::ldexp(f64::from(*v), -exponent) as f32);
    best_frac(&normalised.collect::<Vec<f32>>(), width).frac - exponent
}

/// `sample` rounded and saturated at `frac`.
pub(crate) fn rounded(sample: f32, frac: i32, width: u8) -> f32 {
    let end = libm::ldexp(1.0, i32::from(width) - 1);
    let raw = (libm::ldexp(f64::from(sample), frac) + 0.5).floor();
    libm::ldexp(raw.clamp(-end, end - 1.0), -frac) as f32
}

/// Mean squared error of rounding and saturating `samples` at `frac`.
pub(crate) fn noise(samples: &[f32], frac: i32, width: u8) -> f64 {
    let (scale, lsb) = (libm::ldexp(1.0, frac), libm::ldexp(1.0, -frac));
    let end = libm::ldexp(1.0, i32::from(width) - 1);
    let mut sum = 0.0;
    for sample in samples {
        let value = f64::from(*sample);
        let raw = (value * scale + 0.5).floor().clamp(-end, end - 1.0);
        let error = raw * lsb - value;
        sum += error * error;
    }
    sum / samples.len().max(1) as f64
}

/// Whether `value` is a power of two.
pub(crate) fn is_power_of_two(value: f64) -> bool {
    value > 0.0 && value.is_normal() && value.to_bits() << 12 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_covering_format_is_the_finest_that_holds_the_value() {
        for (magnitude, width, frac) in [(1.0, 8, 6), (0.99, 8, 7), (127.0, 8, 0), (128.0, 8, -1)] {
            assert_eq!(covering_frac(magnitude, width), frac, "{magnitude}");
        }
        assert_eq!(covering_frac(0.0, 8), 7);
    }

    #[test]
    fn an_outlier_is_clipped_where_that_is_the_lesser_error() {
        let mut samples: Vec<f32> = (0..10_000).map(|i| (i % 100) as f32 / 100.0).collect();
        samples.push(1.9);
        assert_eq!(best_frac(&samples, 4).frac, 3);
        assert_eq!(best_frac(&samples, 16).frac, 14);
    }
}
