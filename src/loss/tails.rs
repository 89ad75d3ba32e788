//! Outputs of which calibration saw the beginning of a tail: a live event is larger than all that gave formats.

use hodoscope_compiler::quantise::Reach;

use super::limits::percent;
use super::{Figures, Kind};
use crate::float::FloatOutput;

/// The largest value over what 99 % of the events stay below, from which on a few events tell all of a tail.
const TAIL: f64 = 16.0;
/// The smallest factor that is tried.
const NEAREST: i64 = 2;
/// What may then be missed.
const LOST: f64 = 0.03;
/// How far the largest value lies above the middle, in units of how far a tenth of all does, where a tail is long.
const LONG: f64 = 8.0;
/// Events that tell it.
const ENOUGH: usize = 64;

/// Outputs of one value with such a tail, where larger words do not keep them.
pub fn notes(reach: Option<&Reach>, floats: &[FloatOutput]) -> Vec<String> {
    let Some(lost) = reach.and_then(|reach| reach.lost) else {
        return vec![];
    };
    let of = |float: &FloatOutput| {
        let times = tail(&float.values)?;
        Some(format!(
            "output `{}` is {times:.0} times as large in one calibration event as in 99 % of them, and events with words {lost} times as \
             large lose it: what lies beyond has the same highest value; give calibration events that reach as far as live ones \
             do, or a network that clips the argument of its exponential, or ends in a logarithm",
            float.name
        ))
    };
    floats
        .iter()
        .filter(|f| f.width == 1)
        .filter_map(of)
        .collect()
}

/// Quantities that events hardly larger than the calibration's lose: an anomaly is larger than all that calibration saw.
pub fn saturating(
    reach: Option<&Reach>,
    outputs: &[Figures],
    floats: &[FloatOutput],
) -> Vec<String> {
    let Some(reach) = reach.filter(|r| r.lost == Some(NEAREST) && r.missed > LOST) else {
        return vec![];
    };
    let of = |figures: &Figures| {
        format!(
            "output `{}` is no longer that of the float network where words are twice as large as calibration saw (rms error \
             {} % of the range): an anomaly beyond has no larger score; take --weights 16 --activations 16, or give calibration \
             events that reach as far as live ones do; a score that only orders such events: --judge {0}:score",
            figures.name,
            percent(reach.missed)
        )
    };
    let outputs = outputs.iter();
    let is_long = |name: &str| floats.iter().any(|f| f.name == name && is_long(&f.values));
    let quantities = outputs.filter(|figures| {
        figures.width == 1
            && match figures.kind {
                Kind::Regression => true,
                Kind::Score => figures.auc.is_none() && is_long(&figures.name),
                Kind::Values | Kind::Integers => false,
            }
    });
    quantities.map(of).collect()
}

/// Whether the largest values lie far above all but a tenth, as those of a logarithm of a density do.
fn is_long(values: &[f64]) -> bool {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1).filter(|last| *last >= ENOUGH) else {
        return false;
    };
    let middle = sorted[last / 2];
    sorted[last] - middle > LONG * (sorted[last * 9 / 10] - middle)
}

/// By how much the largest value stands out, if it does.
fn tail(values: &[f64]) -> Option<f64> {
    let mut sizes: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    sizes.iter_mut().for_each(|size| *size = size.abs());
    sizes.sort_by(f64::total_cmp);
    let common = sizes.get(sizes.len().saturating_sub(1) * 99 / 100)?;
    let times = sizes.last()? / common;
    (sizes.len() >= ENOUGH && times.is_finite() && times > TAIL).then_some(times)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(largest: f64) -> FloatOutput {
        let mut values: Vec<f64> = (0..200).map(|k| 1.0 + f64::from(k) / 100.0).collect();
        values[77] = largest;
        FloatOutput {
            name: "kl".into(),
            width: 1,
            values,
        }
    }

    #[test]
    fn a_tail_is_long_where_few_values_lie_far_above() {
        let normal: Vec<f64> = (1..400).map(|k| (f64::from(k) / 400.0).ln()).collect();
        assert!(!is_long(&normal));
        let density: Vec<f64> = (1..400).map(|k| 400.0 / f64::from(k)).collect();
        assert!(is_long(&density) && !is_long(&density[..9]));
    }

    #[test]
    fn one_event_far_beyond_all_others_tells_where_larger_words_are_lost() {
        let of = |lost, largest| {
            let reach = Reach {
                held: 1,
                lost,
                missed: 0.5,
            };
            notes(Some(&reach), &[output(largest)])
        };
        let told = of(Some(4), 1e9);
        assert!(
            told[0].contains("`kl`") && told[0].contains("4 times"),
            "{told:?}"
        );
        assert!(of(None, 1e9).is_empty() && of(Some(4), 9.0).is_empty());
        assert!(notes(None, &[output(1e9)]).is_empty());
    }
}
