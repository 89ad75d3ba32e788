//! Physics figures: how well a score separates, and how far the integer score is from the float.
//!
//! A score is larger for events that are more like signal. Everything is computed from ranks where
//! it can be, so that figures are exact counts divided once, whatever the order of events.

mod bootstrap;
mod deviation;
mod fit;
mod ordering;
mod ranks;
mod roc;
mod threshold;

pub use bootstrap::{Bootstrap, BootstrapOptions, auc_difference};
pub use deviation::{Deviation, deviation};
pub use fit::{FitError, LinearFit, linear_fit};
pub use ordering::{DecisionOrdering, decision_ordering};
pub use roc::{Rejection, auc, rejection};
pub use threshold::{Threshold, threshold_for_rate};

use thiserror::Error;

/// Why a figure cannot be computed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MetricsError {
    /// There is nothing to separate.
    #[error("{signal} signal and {background} background events: both are needed")]
    OneClass {
        /// Signal events.
        signal: usize,
        /// Background events.
        background: usize,
    },
    /// Scores and labels are not of the same events.
    #[error("{scores} scores for {labels} labels")]
    Lengths {
        /// Scores.
        scores: usize,
        /// Labels.
        labels: usize,
    },
    /// A score is NaN: it has no rank.
    #[error("the score of event {event} is not a number")]
    NotANumber {
        /// The event.
        event: usize,
    },
}

/// Which events are signal; both classes are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classes {
    signal: Vec<bool>,
    signals: usize,
}

impl Classes {
    /// Labels of all events: `true` for signal.
    ///
    /// # Errors
    /// When one class has no event.
    pub fn new(signal: Vec<bool>) -> Result<Self, MetricsError> {
        let signals = signal.iter().filter(|&&signal| signal).count();
        let background = signal.len() - signals;
        if signals == 0 || background == 0 {
            return Err(MetricsError::OneClass {
                signal: signals,
                background,
            });
        }
        Ok(Self { signal, signals })
    }

    /// Number of signal events.
    pub fn signals(&self) -> usize {
        self.signals
    }

    /// Number of background events.
    pub fn backgrounds(&self) -> usize {
        self.signal.len() - self.signals
    }

    /// Whether each event is signal.
    pub fn is_signal(&self) -> &[bool] {
        &self.signal
    }

    /// Number of signal × background pairs.
    fn pairs(&self) -> u64 {
        self.signals() as u64 * self.backgrounds() as u64
    }

    fn check(&self, scores: usize) -> Result<(), MetricsError> {
        if scores == self.signal.len() {
            Ok(())
        } else {
            Err(MetricsError::Lengths {
                scores,
                labels: self.signal.len(),
            })
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
