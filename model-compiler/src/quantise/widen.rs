//! Which activations need 16 bits: of those that gain most by it, the one that costs least, until the outputs agree.

use super::{Loss, QuantiseError};

/// A gain worth its cost, as a fraction of the largest one.
const WORTHWHILE: f64 = 0.6;

/// What was made at some widths.
#[derive(Clone, Debug)]
pub(super) struct Made<A> {
    /// Bits of each value.
    pub widths: Vec<u8>,
    pub program: A,
    pub loss: Loss,
}

/// Widens until the outputs agree or nothing is left to widen. `narrow` lists the values of 8 bits, `cost` says what a
/// wider one costs; `attempt` gives nothing where widths have no program.
pub(super) fn widened<A>(
    mut at: Made<A>,
    narrow: impl Fn(&Made<A>) -> Vec<usize>,
    cost: impl Fn(usize) -> f64,
    mut attempt: impl FnMut(&[u8]) -> Result<Option<(A, Loss)>, QuantiseError>,
) -> Result<Made<A>, QuantiseError> {
    while at.loss.excess() > 1.0 {
        let mut trials = Vec::new();
        for value in narrow(&at) {
            let mut widths = at.widths.clone();
            widths[value] = 16;
            let Some((program, loss)) = attempt(&widths)? else {
                continue;
            };
            let gain = at.loss.excess() - loss.excess();
            let made = Made {
                widths,
                program,
                loss,
            };
            trials.push((gain, cost(value), made));
        }
        let best = trials.iter().map(|trial| trial.0).fold(f64::MIN, f64::max);
        let worthwhile = |gain: f64| gain >= best.min(WORTHWHILE * best);
        let chosen = trials
            .into_iter()
            .filter(|trial| worthwhile(trial.0))
            .min_by(|a, b| a.1.total_cmp(&b.1));
        let Some((_, _, made)) = chosen else {
            break;
        };
        at = made;
    }
    Ok(at)
}
