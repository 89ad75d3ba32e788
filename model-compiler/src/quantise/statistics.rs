//! What of the calibration events is looked at.

use hodoscope_interpreter::Event;
use hodoscope_program::Input;

use super::{Calibration, QuantiseError};

/// Events whose values are kept as samples, and on which a program is compared with the floats.
pub(super) const SAMPLE_EVENTS: usize = 256;
/// Samples per layer, at most about.
pub(super) const SAMPLES: usize = 16_384;

/// What is smaller in size is no sentinel of a mask.
pub(super) const SENTINEL: f32 = 30.0;

/// The words of an event, and the floats that they mean.
pub(super) fn words(
    inputs: &[&Input],
    calibration: &Calibration,
    index: usize,
    saturated: &mut usize,
) -> Result<(Event, Vec<Vec<f32>>), QuantiseError> {
    let mut event = Event::default();
    let mut decoded = Vec::new();
    for (i, input) in inputs.iter().enumerate() {
        let values = calibration.row(i, index);
        let mut words = Vec::with_capacity(values.len());
        let mut floats = Vec::with_capacity(values.len());
        for (position, value) in values.iter().enumerate() {
            let field = input.field(position % input.channels);
            let encoded = field.encode(f64::from(*value)).map_err(|_| {
                let name = &input.name;
                QuantiseError::Calibration(format!(
                    "input '{name}', event {index}: {value} has no word"
                ))
            })?;
            *saturated += usize::from(encoded.saturated);
            words.push(encoded.word);
            floats.push(field.decode(encoded.word) as f32);
        }
        event.inputs.push(words);
        decoded.push(floats);
    }
    Ok((event, decoded))
}
