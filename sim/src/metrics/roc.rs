//! The receiver operating characteristic: its area, and background rejection at a signal efficiency.

use super::ranks::{Ranks, twice_pairs_won};
use super::{Classes, MetricsError};

/// Area under the curve: the fraction of signal × background pairs in which the signal scores
/// higher, a tie counting ½. The count is exact; O(N log N).
///
/// # Errors
/// When a score is NaN, or there are not as many as labels.
pub fn auc<T: PartialOrd + Copy>(scores: &[T], classes: &Classes) -> Result<f64, MetricsError> {
    classes.check(scores.len())?;
    let counts = Ranks::new(scores)?.counts(classes.is_signal());
    Ok(twice_pairs_won(counts) as f64 / (2 * classes.pairs()) as f64)
}

/// Background rejection at a signal efficiency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rejection {
    /// The signal efficiency ε_S that was asked for.
    pub signal_efficiency: f64,
    /// Background efficiency ε_B there.
    pub background_efficiency: f64,
    /// 1/ε_B; none where no background event passes.
    pub rejection: Option<f64>,
    /// Its binomial standard error, from the number of background events.
    pub standard_error: Option<f64>,
}

/// 1/ε_B at `signal_efficiency`.
///
/// The curve runs through (ε_S, ε_B) of "score ≥ t" for every score t that occurs, and is straight
/// between these points: ε_B is interpolated linearly in ε_S. This is what accepting a random part
/// of the events at one score gives, and it is the curve whose area is [`auc`].
///
/// # Errors
/// When a score is NaN, or there are not as many as labels.
pub fn rejection<T: PartialOrd + Copy>(
    scores: &[T],
    classes: &Classes,
    signal_efficiency: f64,
) -> Result<Rejection, MetricsError> {
    classes.check(scores.len())?;
    let counts = Ranks::new(scores)?.counts(classes.is_signal());
    let wanted = signal_efficiency.clamp(0.0, 1.0) * classes.signals() as f64;
    let (mut signal, mut background) = (0.0, 0.0);
    for &[more_signal, more_background] in counts.iter().rev() {
        let (more_signal, more_background) = (more_signal as f64, more_background as f64);
        if signal + more_signal >= wanted {
            if more_signal > 0.0 {
                background += more_background * (wanted - signal) / more_signal;
            }
            break;
        }
        signal += more_signal;
        background += more_background;
    }
    let backgrounds = classes.backgrounds() as f64;
    let efficiency = background / backgrounds;
    let rejection = (background > 0.0).then(|| 1.0 / efficiency);
    Ok(Rejection {
        signal_efficiency,
        background_efficiency: efficiency,
        rejection,
        // σ(ε_B) = √(ε_B (1 − ε_B) / N), carried over to 1/ε_B.
        standard_error: rejection.map(|r| r * ((1.0 - efficiency) / background).sqrt()),
    })
}
