//! Raw thresholds for a trigger's rate.

use super::{Classes, MetricsError};

/// A threshold on the raw score: an event is accepted iff raw ≥ threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    /// The fraction of background that may pass.
    pub target: f64,
    /// The least raw threshold that lets no more pass.
    pub raw: i64,
    /// Fraction of background that passes.
    pub background_efficiency: f64,
    /// Fraction of signal that passes.
    pub signal_efficiency: f64,
}

/// The least raw threshold at which at most `target` of the background is accepted.
///
/// # Errors
/// When there are not as many raws as labels.
pub fn threshold_for_rate(
    raws: &[i64],
    classes: &Classes,
    target: f64,
) -> Result<Threshold, MetricsError> {
    classes.check(raws.len())?;
    let of_class = |class: bool| {
        raws.iter()
            .zip(classes.is_signal())
            .filter(move |&(_, &signal)| signal == class)
            .map(|(&raw, _)| raw)
    };
    let mut background: Vec<i64> = of_class(false).collect();
    background.sort_unstable_by(|a, b| b.cmp(a));
    // A product such as 0.1 · 2000 may fall short of the whole number by rounding.
    let allowed = (target.clamp(0.0, 1.0) * background.len() as f64 + 1e-9).floor() as usize;
    let raw = match background.get(allowed) {
        Some(first_rejected) => first_rejected.saturating_add(1),
        None => raws.iter().copied().min().unwrap_or(0),
    };
    let passing = |class| of_class(class).filter(|&r| r >= raw).count() as f64;
    Ok(Threshold {
        target,
        raw,
        background_efficiency: passing(false) / classes.backgrounds() as f64,
        signal_efficiency: passing(true) / classes.signals() as f64,
    })
}
