//! Power-of-two formats.

/// Fraction bits tried above the one that covers every sample: each halves the range.
const CLIPPING_TRIALS: i32 = 4;

/// The largest frac at which ±`magnitude` fits a signed type of `width` bits.
pub(super) fn covering_frac(magnitude: f64, width: u8) -> i32 {
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
pub(super) struct Chosen {
    pub frac: i32,
    /// Mean squared error.
    pub noise: f64,
}

/// The frac of least squared error over `samples` for a signed type of `width` bits.
pub(super) fn best_frac(samples: &[f32], width: u8) -> Chosen {
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
pub(super) fn best_frac_of_any_size(samples: &[f32], width: u8) -> i32 {
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
pub(super) fn rounded(sample: f32, frac: i32, width: u8) -> f32 {
    let end = libm::ldexp(1.0, i32::from(width) - 1);
    let raw = (libm::ldexp(f64::from(sample), frac) + 0.5).floor();
    libm::ldexp(raw.clamp(-end, end - 1.0), -frac) as f32
}

/// Mean squared error of rounding and saturating `samples` at `frac`.
pub(super) fn noise(samples: &[f32], frac: i32, width: u8) -> f64 {
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

/// `ratio` ≈ multiplier / 2^shift: exact for powers of two from 2^−62 on, else with a multiplier of
/// 15 bits, or more where the ratio is larger than that.
///
/// `None` when the ratio is too large for a multiplier of 32 bits.
pub(super) fn multiplier(ratio: f64) -> Option<(i64, u8)> {
    if ratio == 0.0 {
        return Some((0, 0));
    }
    let exponent = libm::ilogb(ratio.abs());
    if exponent >= 30 && ratio.abs() != libm::ldexp(1.0, 30) {
        return None;
    }
    if is_power_of_two(ratio.abs()) && exponent >= -62 {
        let (shift, left) = ((-exponent).max(0), exponent.max(0));
        let sign = if ratio < 0.0 { -1 } else { 1 };
        return Some((sign << left, shift as u8));
    }
    // 2^14 ≤ |multiplier| ≤ 2^15, fewer or more where the shift would leave its range.
    let shift = (14 - exponent).clamp(0, 62);
    let exact = libm::ldexp(ratio, shift);
    Some(((exact + 0.5).floor() as i64, shift as u8))
}

/// Whether `value` is a power of two.
pub(super) fn is_power_of_two(value: f64) -> bool {
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

    #[test]
    fn multipliers_are_near_and_powers_of_two_exact() {
        assert_eq!(multiplier(0.25), Some((1, 2)));
        assert_eq!(multiplier(8.0), Some((8, 0)));
        assert_eq!(multiplier(-0.5), Some((-1, 1)));
        for ratio in [0.3, 1.7, -1e-6, 1234.5] {
            let (m, s) = multiplier(ratio).unwrap();
            let got = m as f64 / libm::ldexp(1.0, i32::from(s));
            assert!((got / ratio - 1.0).abs() < 1e-4, "{ratio}: {m} / 2^{s}");
        }
        assert_eq!(multiplier(1e12), None);
        assert_eq!(multiplier(libm::ldexp(1.0, 31)), None);
    }

    #[test]
    fn a_multiplier_at_the_ends_of_its_range() {
        assert_eq!(multiplier(libm::ldexp(-1.0, 30)), Some((-1 << 30, 0)));
        assert_eq!(multiplier(40_000.3), Some((40_000, 0)));
        assert_eq!(multiplier(libm::ldexp(1.0, -62)), Some((1, 62)));
        // What is less than half a count of the finest shift is zero.
        assert_eq!(multiplier(libm::ldexp(1.0, -70)), Some((0, 62)));
        assert_eq!(multiplier(1e-30), Some((0, 62)));
        assert_eq!(multiplier(0.0), Some((0, 0)));
    }
}
