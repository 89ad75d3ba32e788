//! `inputs.toml`: the detector words of a model's inputs.
//!
//! ```toml
//! [input.x]
//! set = "constituents"   # the axis after the batch is a set; false for a dense input of three axes
//! capacity = 32          # largest multiplicity, the extent of that axis
//! order = "pt"           # the field by which the hardest are kept
//! [[input.x.field]]      # fields repeat along the last axis
//! name = "pt"
//! unit = "GeV"
//! lsb = 0.25             # value of one count
//! minimum = 0            # smallest and largest word
//! maximum = 4095
//! overflow = "saturate"  # or "wrap": modulo the number of words, an azimuth
//! empty = 0              # word of an empty slot
//! ```

mod check;

use std::collections::BTreeMap;

use hodoscope_program::{Encoding, ExactF64, Field, FieldOverflow};
use serde::Deserialize;

/// Words of every input that the file, or the command line, states.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InputsSpec {
    inputs: BTreeMap<String, InputSpec>,
    multiplicity: Option<usize>,
}

/// Words of one input.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputSpec {
    /// Whether its axis of slots may be a set, and its name. Without a statement it is one where the network treats all
    /// slots alike.
    pub set: Option<SetSpec>,
    /// Largest multiplicity.
    pub capacity: Option<usize>,
    /// Field by which the hardest constituents are kept.
    pub order: Option<String>,
    #[serde(default, rename = "field")]
    fields: Vec<FieldSpec>,
}

/// `set = "constituents"` or `set = false`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum SetSpec {
    /// A set of this name.
    Name(String),
    /// A set of the usual name, or none.
    IsOne(bool),
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldSpec {
    name: String,
    #[serde(default)]
    unit: String,
    lsb: f64,
    minimum: i64,
    maximum: i64,
    #[serde(default)]
    overflow: OverflowSpec,
    #[serde(default)]
    empty: i64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum OverflowSpec {
    #[default]
    Saturate,
    Wrap,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    input: BTreeMap<String, InputSpec>,
}

/// Why words are not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputsError {
    /// The file is not of the form above.
    #[error("inputs.toml: {0}")]
    Syntax(String),
    /// A field that cannot be.
    #[error("input '{input}', field '{field}': {reason}")]
    Field {
        /// The input.
        input: String,
        /// The field.
        field: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// An input of which something is stated that the model's has not.
    #[error("input '{input}': {reason}")]
    Input {
        /// The input.
        input: String,
        /// What is wrong.
        reason: String,
    },
    /// `--input NAME=TYPE` with something else than a type.
    #[error("'{0}' is not NAME=ufixed<WIDTH,INTEGER> or NAME=fixed<WIDTH,INTEGER>")]
    Override(String),
}

impl InputsSpec {
    /// Reads the text of an `inputs.toml`.
    ///
    /// # Errors
    /// Where the text is not of the form above, or a field has no positive LSB, no range, or its
    /// empty word outside of the range.
    pub fn parse(text: &str) -> Result<Self, InputsError> {
        let file: File = toml::from_str(text).map_err(|e| InputsError::Syntax(e.to_string()))?;
        for (input, spec) in &file.input {
            for (index, field) in spec.fields.iter().enumerate() {
                let before = &spec.fields[..index];
                let word = i64::from(i32::MIN)..=i64::from(i32::MAX);
                let reason = if !(field.lsb.is_finite() && field.lsb > 0.0) {
                    "the LSB is not positive"
                } else if before.iter().any(|other| other.name == field.name) {
                    "another field of this input has the same name"
                } else if field.minimum > field.maximum {
                    "the range is empty"
                } else if !word.contains(&field.minimum) || !word.contains(&field.maximum) {
                    "the words are wider than 32 bits"
                } else if !(field.minimum..=field.maximum).contains(&field.empty) {
                    "the empty word is outside of the range"
                } else if field.unit.contains(|c: char| c == '"' || c.is_control()) {
                    "the unit has a quote or a control character"
                } else {
                    continue;
                };
                return Err(InputsError::Field {
                    input: input.clone(),
                    field: field.name.clone(),
                    reason,
                });
            }
        }
        Ok(Self {
            inputs: file.input,
            multiplicity: None,
        })
    }

    /// Leaves room for no more than the `multiplicity` hardest constituents, whatever the model has
    /// slots for.
    pub fn set_multiplicity(&mut self, multiplicity: usize) {
        self.multiplicity = Some(multiplicity);
    }

    /// How many constituents there is to be room for, where that was said.
    pub fn multiplicity(&self) -> Option<usize> {
        self.multiplicity
    }

    /// Takes `NAME=ufixed<14,12>`: words of 14 bits, 12 of them integer, for every field.
    ///
    /// # Errors
    /// When the text is not of that form.
    pub fn set_type(&mut self, text: &str) -> Result<(), InputsError> {
        let refuse = || InputsError::Override(text.into());
        let (name, ty) = text.split_once('=').ok_or_else(refuse)?;
        let (signed, rest) = match (ty.strip_prefix("ufixed<"), ty.strip_prefix("fixed<")) {
            (Some(rest), _) => (false, rest),
            (_, Some(rest)) => (true, rest),
            _ => return Err(refuse()),
        };
        let (width, integer) = rest
            .strip_suffix('>')
            .and_then(|rest| rest.split_once(','))
            .ok_or_else(refuse)?;
        let width: u32 = width.trim().parse().map_err(|_| refuse())?;
        let integer: i32 = integer.trim().parse().map_err(|_| refuse())?;
        let magnitude = width.checked_sub(u32::from(signed)).ok_or_else(refuse)?;
        if !(1..=31).contains(&magnitude) || !(-64..=64).contains(&integer) {
            return Err(refuse());
        }
        let end = 1i64 << magnitude;
        let spec = self.inputs.entry(name.into()).or_default();
        spec.fields = vec![FieldSpec {
            name: "value".into(),
            unit: String::new(),
            lsb: libm::ldexp(1.0, integer - width as i32),
            minimum: if signed { -end } else { 0 },
            maximum: end - 1,
            overflow: OverflowSpec::Saturate,
            empty: 0,
        }];
        Ok(())
    }

    /// What is stated of an input.
    pub fn get(&self, input: &str) -> Option<&InputSpec> {
        self.inputs.get(input)
    }

    /// Names of the inputs that the file states.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.inputs.keys().map(String::as_str)
    }
}

impl InputSpec {
    /// Whether its slots are said to be a set.
    pub fn states_set(&self) -> bool {
        matches!(&self.set, Some(SetSpec::Name(_) | SetSpec::IsOne(true)))
    }

    /// The stated fields; none when the words are to be calibrated.
    pub fn fields(&self) -> Vec<Field> {
        let field = |spec: &FieldSpec| Field {
            name: spec.name.clone(),
            unit: spec.unit.clone(),
            lsb: ExactF64(spec.lsb),
            minimum: spec.minimum,
            maximum: spec.maximum,
            overflow: match spec.overflow {
                OverflowSpec::Saturate => FieldOverflow::Saturate,
                OverflowSpec::Wrap => FieldOverflow::Wrap,
            },
            empty: spec.empty,
            encoding: Encoding::Nearest,
        };
        self.fields.iter().map(field).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_states_words() {
        let text = "[input.x]\nset = 's'\ncapacity = 4\norder = 'pt'\n[[input.x.field]]\nname = 'pt'\n\
                    lsb = 0.25\nminimum = 0\nmaximum = 255\noverflow = 'wrap'\n";
        let spec = InputsSpec::parse(text).unwrap();
        let x = spec.get("x").unwrap();
        assert_eq!(x.set, Some(SetSpec::Name("s".into())));
        assert_eq!(x.fields()[0].overflow, FieldOverflow::Wrap);
        assert_eq!(x.fields()[0].lsb, ExactF64(0.25));
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        let field = |line: &str| {
            let text = format!("[[input.x.field]]\nname = 'pt'\n{line}\n");
            InputsSpec::parse(&text).unwrap_err().to_string()
        };
        assert!(field("lsb = 0.0\nminimum = 0\nmaximum = 1").contains("'pt': the LSB"));
        assert!(field("lsb = 1.0\nminimum = 2\nmaximum = 1").contains("range is empty"));
        assert!(field("lsb = 1.0\nminimum = 2\nmaximum = 3").contains("empty word"));
        assert!(field("lsb = 1.0\nminimum = 0\nmaximum = 1\nbits = 3").contains("bits"));
        assert!(field("lsb = 1.0\nminimum = 0\nmaximum = 1\nunit = '\"'").contains("quote"));
    }

    #[test]
    fn a_type_on_the_command_line() {
        let mut spec = InputsSpec::default();
        spec.set_type("x=ufixed<14,12>").unwrap();
        let field = spec.get("x").unwrap().fields().remove(0);
        assert_eq!(
            (field.lsb, field.minimum, field.maximum),
            (ExactF64(0.25), 0, 16383)
        );
        for wrong in [
            "x",
            "x=ufixed<14>",
            "x=int8",
            "x=fixed<0,0>",
            "x=fixed<40,3>",
        ] {
            assert!(spec.set_type(wrong).is_err(), "{wrong}");
        }
    }
}
