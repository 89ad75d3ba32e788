//! The largest rate that a board sustains.

use super::{BatchMean, StreamError};

/// The largest rate at which no more than a stated fraction of the events is lost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sustainable {
    /// Events per second.
    pub rate_hz: f64,
    /// What was lost at it.
    pub drop_fraction: BatchMean,
    /// Whether it is the largest rate that was tried, and not limited by losses.
    pub at_limit: bool,
}

/// The largest rate, to a tenth of a percent, at which at most `fraction` of the events is lost.
///
/// `lost` simulates one rate, with the same seed each time: then losses rise with the rate, but for a
/// little noise. `highest_hz` must be no less than the answer can be. Nothing where losses are too high
/// at all rates from `lowest_hz`.
///
/// # Errors
/// Those of `lost`.
pub fn largest_rate(
    fraction: f64,
    lowest_hz: f64,
    highest_hz: f64,
    mut lost: impl FnMut(f64) -> Result<BatchMean, StreamError>,
) -> Result<Option<Sustainable>, StreamError> {
    let top = lost(highest_hz)?;
    if top.mean <= fraction {
        return Ok(Some(Sustainable {
            rate_hz: highest_hz,
            drop_fraction: top,
            at_limit: true,
        }));
    }
    // Powers of two of the highest rate: `low` sustains, `high` does not.
    let floor = libm::log2(lowest_hz / highest_hz).min(0.0);
    let (mut low, mut high) = (f64::max(-1.0, floor), 0.0);
    let mut found = loop {
        let at = lost(highest_hz * libm::exp2(low))?;
        if at.mean <= fraction {
            break at;
        }
        if low <= floor {
            return Ok(None);
        }
        high = low;
        low = f64::max(2.0 * low, floor);
    };
    while high - low > 0.0014 {
        let middle = 0.5 * (low + high);
        let at = lost(highest_hz * libm::exp2(middle))?;
        if at.mean <= fraction {
            (low, found) = (middle, at);
        } else {
            high = middle;
        }
    }
    Ok(Some(Sustainable {
        rate_hz: highest_hz * libm::exp2(low),
        drop_fraction: found,
        at_limit: false,
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn exact(mean: f64) -> Result<BatchMean, StreamError> {
        Ok(BatchMean {
            mean,
            standard_error: None,
        })
    }

    #[test]
    fn the_rate_is_found_to_a_tenth_of_a_percent() {
        // One place and a dead time of 1 µs: a loss of λτ / (1 + λτ).
        let loss = |hz: f64| exact(hz * 1e-6 / (1.0 + hz * 1e-6));
        for fraction in [1e-6, 1e-3, 0.1, 0.4] {
            let wanted = 1e6 * fraction / (1.0 - fraction);
            let got = largest_rate(fraction, 0.1, 1e6, loss).unwrap().unwrap();
            let ratio = got.rate_hz / wanted;
            assert!(ratio > 0.999 && ratio <= 1.0 && !got.at_limit, "{ratio}");
        }
        // 1 Hz, with a lowest rate just below and just above it.
        let got = largest_rate(1e-6, 0.9, 1e6, loss).unwrap().unwrap();
        assert!((got.rate_hz - 1.0).abs() < 1e-3, "{got:?}");
        assert_eq!(largest_rate(1e-6, 1.1, 1e6, loss).unwrap(), None);
        let got = largest_rate(0.5, 0.1, 1e6, loss).unwrap().unwrap();
        assert!(got.at_limit && got.rate_hz == 1e6);
        assert_eq!(largest_rate(0.5, 0.1, 1e6, |_| exact(0.6)).unwrap(), None);
    }
}
