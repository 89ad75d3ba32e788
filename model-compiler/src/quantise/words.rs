//! Detector words: the program's inputs and its set.

use hodoscope_program::{Field, Input, InputId, Live, Set, SetId, WordRef};

use super::columns::{Column, WORD, columns};
use super::{Calibration, QuantiseError};
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
            name: super::names::identifier(&set.name),
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

/// Words of 16 bits, each channel in the LSB that its calibration values ask for.
fn calibrated(calibration: &Calibration, input: usize, channels: usize) -> Vec<Field> {
    let values = &calibration.input(input).values;
    let features: Vec<usize> = (0..channels).collect();
    let columns = columns(values, &features).into_iter().enumerate();
    let field = |(channel, column): (usize, Column)| column.field(format!("c{channel}"), WORD);
    columns.map(field).collect()
}

/// Words that a mask may have: each is tried.
const MASK_WORDS: i64 = 1 << 22;

/// The rule on floats as a rule on words: every word of the field is tried in the graph's own
/// arithmetic, so that both keep the same slots.
fn live(set: &NetworkSet, inputs: &[Input]) -> Result<Live, QuantiseError> {
    let Some((input, channel)) = set.live.place() else {
        return live_by_several(set.live, inputs);
    };
    let field = inputs[input].field(channel);
    let refuse = |reason: String| {
        Err(QuantiseError::Input {
            input: inputs[input].name.clone(),
            reason: format!("field '{}' tells live slots: {reason}", field.name),
        })
    };
    if field.maximum - field.minimum >= MASK_WORDS {
        return refuse(format!("it has more than {MASK_WORDS} words"));
    }
    let is_live = |word: i64| set.live.holds(field.decode(word) as f32);
    let empty = field.empty;
    if is_live(empty) {
        return refuse(format!(
            "its empty word {empty} would be live; state in inputs.toml the word of an empty slot"
        ));
    }
    let words = field.minimum..=field.maximum;
    let dead: Vec<i64> = words.filter(|word| !is_live(*word)).collect();
    let word = WordRef {
        input: InputId::new(input),
        channel,
    };
    let last = dead[dead.len() - 1];
    let is_threshold = last - field.minimum + 1 == dead.len() as i64;
    match (dead.len(), set.live) {
        _ if last == field.maximum && is_threshold => refuse("no word would be live".into()),
        (1, Rule::Weight { .. }) => Ok(Live::NotEqual { word, empty }),
        _ if is_threshold => Ok(Live::Above {
            word,
            threshold: last,
        }),
        (1, _) => Ok(Live::NotEqual { word, empty }),
        _ => refuse("its mask is neither a threshold nor one empty word".into()),
    }
}

/// The rule of a set in which several words tell, or none.
fn live_by_several(rule: Rule, inputs: &[Input]) -> Result<Live, QuantiseError> {
    let own: Vec<usize> = (0..inputs.len())
        .filter(|index| inputs[*index].set.is_some())
        .collect();
    let not_empty = |index: usize| Live::NotEmpty {
        input: InputId::new(index),
    };
    let Rule::Any { input, value } = rule else {
        // Slots of empty words are what the padding is; with several inputs each row counts as it is.
        return Ok(match own[..] {
            [only] => not_empty(only),
            _ => Live::Always,
        });
    };
    for channel in 0..inputs[input].channels {
        let field = inputs[input].field(channel);
        let zero = field.encode(f64::from(value)).map(|e| e.word);
        if zero != Ok(field.empty) || field.decode(field.empty) as f32 != value {
            return Err(QuantiseError::Input {
                input: inputs[input].name.clone(),
                reason: format!(
                    "its mask takes {value} for empty, of field '{}' the empty word is {}; state it in inputs.toml",
                    field.name, field.empty
                ),
            });
        }
    }
    Ok(not_empty(input))
}

#[cfg(test)]
mod tests {
    use hodoscope_program::{Encoding, ExactF64, FieldOverflow};

    use super::*;
    use crate::graph::Comparison;
    use crate::recognise::Predicate;

    /// The rule of a mask, or why there is none.
    fn rule(lsb: f64, comparison: Comparison, threshold: f32, empty: i64) -> String {
        let field = Field {
            name: "pt".into(),
            unit: String::new(),
            lsb: ExactF64(lsb),
            minimum: 0,
            maximum: 4095,
            overflow: FieldOverflow::Saturate,
            empty,
            encoding: Encoding::Nearest,
        };
        let inputs = [Input {
            name: "x".into(),
            set: Some(SetId::new(0)),
            channels: 1,
            fields: vec![field.clone()],
        }];
        let predicate = Predicate {
            input: 0,
            channel: 0,
            scale: 1.0,
            shift: 0.0,
            comparison,
            threshold,
            inverted: comparison == Comparison::Equal,
        };
        let set = NetworkSet {
            name: "jet".into(),
            capacity: 4,
            live: Rule::Mask(predicate),
            order: None,
        };
        let rule = match live(&set, &inputs) {
            Ok(rule) => rule,
            Err(error) => return error.to_string(),
        };
        // The float network and the program keep the same words.
        for word in 0..=4095 {
            let kept = match rule {
                Live::Always | Live::NotEmpty { .. } => true,
                Live::Above { threshold, .. } => word > threshold,
                Live::NotEqual { empty, .. } => word != empty,
            };
            assert_eq!(
                kept,
                predicate.holds(field.decode(word) as f32),
                "word {word}"
            );
        }
        match rule {
            Live::Always | Live::NotEmpty { .. } => "always".into(),
            Live::Above { threshold, .. } => format!("above {threshold}"),
            Live::NotEqual { empty, .. } => format!("not {empty}"),
        }
    }

    #[test]
    fn a_mask_keeps_the_same_words_as_floats() {
        use Comparison::{Equal, Greater, GreaterOrEqual};
        let check = |lsb, comparison, threshold, empty, expected: &str| {
            let got = rule(lsb, comparison, threshold, empty);
            assert_eq!(got, expected, "{lsb} {comparison:?} {threshold}");
        };
        check(0.25, Greater, 0.0, 0, "above 0");
        check(0.25, Greater, 0.5, 0, "above 2");
        check(0.25, Greater, 0.6, 0, "above 2");
        check(0.25, GreaterOrEqual, 0.5, 0, "above 1");
        check(0.25, Equal, 0.5, 2, "not 2");
        // 0.3 is no double, and 3 · 0.1 is another one.
        check(0.1, Greater, 0.3, 0, "above 3");
        check(0.1, GreaterOrEqual, 0.3, 0, "above 2");
        check(0.1, Equal, 0.3, 3, "not 3");
        for k in 1..400u16 {
            let threshold = (f64::from(k) * 0.1) as f32;
            check(
                0.1,
                GreaterOrEqual,
                threshold,
                0,
                &format!("above {}", k - 1),
            );
            check(0.1, Greater, threshold, 0, &format!("above {k}"));
        }
    }

    #[test]
    fn a_mask_under_which_padding_is_live_is_refused() {
        use Comparison::{Equal, Greater, Less};
        for (comparison, threshold) in [(Equal, 0.6), (Equal, -999.0), (Greater, -1.0)] {
            let error = rule(0.25, comparison, threshold, 0);
            assert!(error.contains("empty word 0 would be live"), "{error}");
        }
        assert!(rule(0.25, Less, 5.0, 4095).contains("neither a threshold"));
        assert!(rule(0.25, Greater, 5000.0, 0).contains("no word"));
    }
}
