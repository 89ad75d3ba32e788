//! Inputs: detector words, sets of constituents, and the rule from a float to a word.

use crate::{ExactF64, InputId, IntType, Rounding, SetId};

/// An input: detector words, a row per event or a row per constituent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Name, as in the model.
    pub name: String,
    /// The set that has a row of this input for each constituent.
    pub set: Option<SetId>,
    /// Words per row.
    pub channels: usize,
    /// What the words are; they repeat along the row (19 objects × (pT, η, φ)).
    pub fields: Vec<Field>,
}

impl Input {
    /// The field of `channel`.
    ///
    /// # Panics
    /// If the input has no field.
    #[inline]
    pub fn field(&self, channel: usize) -> &Field {
        &self.fields[channel % self.fields.len()]
    }

    /// The narrowest signed or unsigned type that holds every field's words.
    pub fn element(&self) -> IntType {
        let minimum = self.fields.iter().map(|f| f.minimum).min().unwrap_or(0);
        let maximum = self.fields.iter().map(|f| f.maximum).max().unwrap_or(0);
        let signed = minimum < 0;
        (1..=64)
            .map(|width| IntType { signed, width })
            .find(|ty| ty.is_valid() && ty.contains(minimum) && ty.contains(maximum))
            .unwrap_or(IntType::signed(64))
    }
}

/// A detector word: its unit, its range, and what lies outside of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Name, an identifier: `pt`, `eta`, `phi`.
    pub name: String,
    /// Unit of the value, for reports.
    pub unit: String,
    /// Value of one count.
    pub lsb: ExactF64,
    /// Smallest word.
    pub minimum: i64,
    /// Largest word.
    pub maximum: i64,
    /// What becomes of a value outside the range.
    pub overflow: FieldOverflow,
    /// Word of an empty slot.
    pub empty: i64,
    /// How a real value becomes a word.
    pub encoding: Encoding,
}

/// How a real value becomes a word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// ⌊value / lsb + ½⌋: the detector's word next to the value.
    #[default]
    Nearest,
    /// As [`Encoding::Nearest`], by a word that the compiler made for the values that it saw: no detector sends it, so
    /// that integers in a file of events are values, too, and no words.
    Calibrated,
    /// As the quantiser at the model's input does it: value / lsb in single precision, then rounded,
    /// then moved by its zero point; or moved first.
    Quantiser {
        /// How the quotient is rounded.
        rounding: WordRounding,
        /// The word of the value 0.
        zero_point: i64,
        /// Whether the zero point is added to the quotient, before it is rounded, as QONNX does it.
        zero_first: bool,
    },
}

/// How the quotient of a value and an LSB becomes an integer: as a shift rounds, or in one of two ways that no shift
/// knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WordRounding {
    /// As a shift.
    As(Rounding),
    /// Towards +∞.
    Ceil,
    /// Away from zero.
    Up,
}

impl From<Rounding> for WordRounding {
    fn from(rounding: Rounding) -> Self {
        Self::As(rounding)
    }
}

/// What becomes of a value outside its field's range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldOverflow {
    /// The nearest word.
    Saturate,
    /// Modulo the period, which is the number of words: an azimuth.
    Wrap,
}

/// A word made from a float.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The word.
    pub word: i64,
    /// Whether the value lay outside the range and was saturated.
    pub saturated: bool,
}

/// A value that is NaN or infinite has no word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotANumber;

impl Field {
    /// The word of `value`: divided and rounded as the encoding says, then wrapped or saturated into
    /// the range.
    ///
    /// # Errors
    /// [`NotANumber`] for NaN and the infinities.
    #[inline]
    pub fn encode(&self, value: f64) -> Result<Encoded, NotANumber> {
        // What is added before the rounding, and behind it.
        let (first, later) = match self.encoding {
            Encoding::Quantiser {
                zero_first: true,
                zero_point,
                ..
            } => (zero_point, 0),
            _ => (0, self.zero_point()),
        };
        let counts = match self.encoding {
            Encoding::Nearest | Encoding::Calibrated => value / self.lsb.0 + 0.5,
            Encoding::Quantiser { rounding, .. } => {
                round(value as f32 / self.lsb.0 as f32 + first as f32, rounding).into()
            }
        };
        if !counts.is_finite() {
            return Err(NotANumber);
        }
        // The floor: `as` cuts off, and saturates at the ends of i64, far outside every range. A quantiser's is whole already.
        let whole = counts as i64;
        let floor = whole.saturating_sub(i64::from(counts < whole as f64));
        let raw = floor.saturating_add(later);
        let word = match self.overflow {
            FieldOverflow::Saturate => raw.clamp(self.minimum, self.maximum),
            FieldOverflow::Wrap => {
                let period = i128::from(self.maximum) - i128::from(self.minimum) + 1;
                let offset = (i128::from(raw) - i128::from(self.minimum)).rem_euclid(period);
                (i128::from(self.minimum) + offset) as i64
            }
        };
        Ok(Encoded {
            word,
            saturated: self.overflow == FieldOverflow::Saturate && word != raw,
        })
    }

    /// The word of the value 0.
    #[inline]
    pub fn zero_point(&self) -> i64 {
        match self.encoding {
            Encoding::Nearest | Encoding::Calibrated => 0,
            Encoding::Quantiser { zero_point, .. } => zero_point,
        }
    }

    /// The value of `word`: (word − zero point) · lsb.
    pub fn decode(&self, word: i64) -> f64 {
        word.saturating_sub(self.zero_point()) as f64 * self.lsb.0
    }
}

/// The integer of a quotient, in single precision as its exporter computes it.
fn round(quotient: f32, rounding: WordRounding) -> f32 {
    let rounding = match rounding {
        WordRounding::Ceil => return quotient.ceil(),
        WordRounding::Up => return quotient.abs().ceil().copysign(quotient),
        WordRounding::As(rounding) => rounding,
    };
    match rounding {
        Rounding::Trn => quotient.floor(),
        Rounding::TrnZero => quotient.trunc(),
        Rounding::Rnd => (quotient + 0.5).floor(),
        Rounding::RndConv => quotient.round_ties_even(),
        Rounding::RndZero => (quotient.abs() - 0.5).ceil().copysign(quotient),
        Rounding::RndInf => quotient.round(),
        Rounding::RndMinInf => (quotient - 0.5).ceil(),
    }
}

/// A set of constituents: particles of a jet, objects of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    /// Name, an identifier.
    pub name: String,
    /// Largest multiplicity P that is computed.
    pub capacity: usize,
    /// Which slots hold a constituent. Evaluated on the detector words, before any rescaling.
    pub live: Live,
    /// The word by which the hardest P are kept when more than P are live; ties keep the lowest
    /// index, and the order of arrival stays. Without it the first P are kept.
    pub order: Option<WordRef>,
}

/// Which slots of a set hold a constituent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Live {
    /// Every slot.
    Always,
    /// Those of which some word of an input is not its field's empty code.
    NotEmpty {
        /// The input.
        input: InputId,
    },
    /// Those whose word is greater than the threshold.
    Above {
        /// The word.
        word: WordRef,
        /// The threshold.
        threshold: i64,
    },
    /// Those whose word is not the empty code.
    NotEqual {
        /// The word.
        word: WordRef,
        /// The empty code.
        empty: i64,
    },
}

/// One word of an input's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WordRef {
    /// The input.
    pub input: InputId,
    /// The channel.
    pub channel: usize,
}
