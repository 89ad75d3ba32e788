//! Detector words: the program's inputs and its set.

use hodoscope_program::{
    ExactF64, Field, FieldOverflow, Input, InputId, Live, Set, SetId, WordRef,
};

use super::{Calibration, QuantiseError};
use crate::graph::Comparison;
use crate::inputs::InputsSpec;
use crate::recognise::{Network, NetworkSet, Rule};

/// Inputs and sets of the program to be.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub inputs: Vec<Input>,
    pub sets: Vec<Set>,
}

pub(super) fn frame(
    network: &Network,
    spec: &InputsSpec,
    calibration: &Calibration,
) -> Result<Frame, QuantiseError> {
    let mut inputs = Vec::new();
    for (index, input) in network.inputs.iter().enumerate() {
        let stated = spec
            .get(&input.name)
            .map(|s| s.fields())
            .unwrap_or_default();
        let fields = match stated.is_empty() {
            true => calibrated(calibration, index, input.channels),
            false => stated,
        };
        if !input.channels.is_multiple_of(fields.len()) {
            return Err(QuantiseError::Input {
                input: input.name.clone(),
                reason: format!(
                    "{} fields do not repeat along its {} values",
                    fields.len(),
                    input.channels
                ),
            });
        }
        inputs.push(Input {
            name: input.name.clone(),
            set: input.in_set.then(|| SetId::new(0)),
            channels: input.channels,
            fields,
        });
    }
    let sets = match &network.set {
        Some(set) => vec![Set {
            name: super::lower::identifier(&set.name),
            capacity: set.capacity,
            live: live(set, &inputs)?,
            order: set.order.map(|(input, channel)| WordRef {
                input: InputId::new(input),
                channel,
            }),
        }],
        None => vec![],
    };
    Ok(Frame { inputs, sets })
}

/// Words of 16 bits whose LSB is the power of two that leaves a factor of two above the largest
/// calibration value of each channel.
fn calibrated(calibration: &Calibration, input: usize, channels: usize) -> Vec<Field> {
    let values = &calibration.input(input).values;
    (0..channels)
        .map(|channel| {
            let own = values.iter().skip(channel).step_by(channels);
            let largest = own.fold(0.0f32, |m, v| m.max(v.abs()));
            let frac = super::format::covering_frac(f64::from(largest) * 2.0, 16);
            Field {
                name: format!("c{channel}"),
                unit: String::new(),
                lsb: ExactF64(libm::ldexp(1.0, -frac)),
                minimum: -(1 << 15),
                maximum: (1 << 15) - 1,
                overflow: FieldOverflow::Saturate,
                empty: 0,
            }
        })
        .collect()
}

/// The rule on floats as a rule on words: exact, since words are counts of the LSB.
fn live(set: &NetworkSet, inputs: &[Input]) -> Result<Live, QuantiseError> {
    let (input, channel) = match set.live {
        Rule::Mask(p) => (p.input, p.channel),
        Rule::Weight { input, channel } => (input, channel),
    };
    let word = WordRef {
        input: InputId::new(input),
        channel,
    };
    let Rule::Mask(predicate) = set.live else {
        return Ok(Live::NotEqual { word, empty: 0 });
    };
    let counts = predicate.threshold / inputs[input].field(channel).lsb.0;
    let threshold = match predicate.comparison {
        Comparison::Greater => counts.floor(),
        Comparison::GreaterOrEqual => counts.ceil() - 1.0,
        // x ≠ t: no word is between two counts.
        _ if counts.floor() == counts => {
            let empty = counts as i64;
            return Ok(Live::NotEqual { word, empty });
        }
        _ => return Ok(Live::Always),
    };
    if !counts.is_finite() {
        return Err(QuantiseError::Input {
            input: inputs[input].name.clone(),
            reason: format!("the mask's threshold {} is no word", predicate.threshold),
        });
    }
    Ok(Live::Above {
        word,
        threshold: threshold as i64,
    })
}
