//! Live constituents of the calibration events, as words and as floats.

use hodoscope_interpreter::Event;
use hodoscope_program::{Input, Live, Set};

use super::statistics::words;
use super::words::Frame;
use super::{Calibration, QuantiseError};
use crate::recognise::{Network, Rule};

fn live_slots(set: &Set, frame: &Frame, event: &Event) -> Vec<usize> {
    let word = |at: hodoscope_program::WordRef, slot: usize| {
        let input = at.input.index();
        event.inputs[input][slot * frame.inputs[input].channels + at.channel]
    };
    let is_live = |slot: &usize| match set.live {
        Live::Always => true,
        Live::NotEmpty { input } => {
            let fields = &frame.inputs[input.index()];
            (0..fields.channels).any(|channel| {
                let at = hodoscope_program::WordRef { input, channel };
                word(at, *slot) != fields.field(channel).empty
            })
        }
        Live::Above {
            word: at,
            threshold,
        } => word(at, *slot) > threshold,
        Live::NotEqual { word: at, empty } => word(at, *slot) != empty,
    };
    (0..set.capacity).filter(is_live).collect()
}

/// The mean number of live constituents, and how many are live as floats and not as words.
pub(super) fn constituents(
    network: &Network,
    frame: &Frame,
    calibration: &Calibration,
) -> Result<(f64, usize), QuantiseError> {
    let (Some(of_frame), Some(of_network)) = (frame.sets.first(), &network.set) else {
        return Ok((0.0, 0));
    };
    let inputs: Vec<&Input> = frame.inputs.iter().collect();
    let (mut total, mut all_lost) = (0, 0);
    for index in 0..calibration.events() {
        let (event, _) = words(&inputs, calibration, index, &mut 0)?;
        let live = live_slots(of_frame, frame, &event);
        total += live.len();
        all_lost += lost(of_network.live, network, calibration, index, &live);
    }
    Ok((total as f64 / calibration.events() as f64, all_lost))
}

/// Slots that are live as floats and not as words.
fn lost(
    rule: Rule,
    network: &Network,
    calibration: &Calibration,
    event: usize,
    live: &[usize],
) -> usize {
    let (input, channel) = match rule {
        // What is padded is not lost: it counts as padding does.
        Rule::Padding => return 0,
        Rule::Any { input, value } => {
            let channels = network.inputs[input].channels;
            let rows = calibration.row(input, event).chunks(channels);
            let float_live = rows.map(|row| row.iter().any(|v| *v != value));
            return float_live
                .enumerate()
                .filter(|(slot, is_live)| *is_live && !live.contains(slot))
                .count();
        }
        Rule::Mask(p) => (p.input, p.channel),
        Rule::Weight { input, channel } => (input, channel),
    };
    let channels = network.inputs[input].channels;
    let row = calibration.row(input, event);
    let float_live = |slot: &usize| rule.holds(row[slot * channels + channel]);
    let slots = row.len() / channels;
    (0..slots)
        .filter(float_live)
        .filter(|s| !live.contains(s))
        .count()
}
