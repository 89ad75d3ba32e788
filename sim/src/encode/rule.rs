//! The words of many values at once: what [`Field::encode`] gives for each.

use hodoscope_program::{Encoding, Field, FieldOverflow, Input};

/// Values that are looked at together: whether all are finite and within their ranges is asked once for them.
const BLOCK: usize = 64;

/// How values of one input become words.
#[derive(Debug)]
pub(super) struct Rule<'a> {
    /// Of each word of a row.
    fields: Vec<&'a Field>,
    ranges: Option<Ranges>,
}

/// The fields of some rows side by side, where all are of the same plain kind: the nearest word, of 31 bits and a sign.
#[derive(Debug)]
struct Ranges {
    each: Vec<Range>,
    wraps: bool,
}

#[derive(Clone, Copy, Debug)]
struct Range {
    lsb: f64,
    /// The smallest word.
    low: f64,
    /// Half a count above the largest word.
    high: f64,
    /// The first count that is too many.
    past: f64,
}

impl<'a> Rule<'a> {
    pub(super) fn new(input: &'a Input) -> Self {
        let fields: Vec<&Field> = (0..input.channels).map(|c| input.field(c)).collect();
        Self {
            ranges: Ranges::new(&fields),
            fields,
        }
    }

    /// The fields of a row.
    pub(super) fn fields(&self) -> impl Iterator<Item = &'a Field> + Clone {
        self.fields.iter().copied()
    }

    /// Makes whole rows of values into words, and says how many saturated; or the index of the first that has none.
    #[inline]
    pub(super) fn encode<T: Copy + Into<f64>>(
        &self,
        values: &[T],
        words: &mut [i64],
    ) -> Result<u64, usize> {
        let block = self
            .ranges
            .as_ref()
            .map_or(self.fields.len(), |ranges| ranges.each.len());
        let mut saturated = 0;
        let blocks = values.chunks(block).zip(words.chunks_mut(block));
        for (index, (values, words)) in blocks.enumerate() {
            let quick = self.ranges.as_ref().and_then(|r| r.encode(values, words));
            saturated += match quick {
                Some(saturated) => saturated,
                None => self
                    .one_by_one(values, words)
                    .map_err(|own| index * block + own)?,
            };
        }
        Ok(saturated)
    }

    fn one_by_one<T: Copy + Into<f64>>(
        &self,
        values: &[T],
        words: &mut [i64],
    ) -> Result<u64, usize> {
        let mut saturated = 0;
        let fields = self.fields.iter().cycle();
        for (index, ((value, word), field)) in values.iter().zip(words).zip(fields).enumerate() {
            let encoded = field.encode((*value).into()).map_err(|_| index)?;
            *word = encoded.word;
            saturated += u64::from(encoded.saturated);
        }
        Ok(saturated)
    }
}

impl Ranges {
    fn new(fields: &[&Field]) -> Option<Self> {
        let range = |field: &&Field| {
            let (minimum, maximum) = (
                i32::try_from(field.minimum).ok()?,
                i32::try_from(field.maximum).ok()?,
            );
            let is_plain = matches!(field.encoding, Encoding::Nearest | Encoding::Calibrated);
            is_plain.then(|| Range {
                lsb: field.lsb.0,
                low: minimum.into(),
                high: f64::from(maximum) + 0.5,
                past: f64::from(maximum) + 1.0,
            })
        };
        let row: Option<Vec<Range>> = fields.iter().map(range).collect();
        let row = row.filter(|row| !row.is_empty())?;
        let rows = BLOCK.div_ceil(row.len());
        Some(Self {
            each: row.repeat(rows),
            wraps: fields.iter().any(|f| f.overflow == FieldOverflow::Wrap),
        })
    }

    /// Words of a block, and how many values saturated; nothing where one is not finite, or wraps.
    ///
    /// Without a branch or a call, so that it becomes vectors.
    #[inline(always)]
    fn encode<T: Copy + Into<f64>>(&self, values: &[T], words: &mut [i64]) -> Option<u64> {
        /// Of sums with it one count is the last digit, and their bits count.
        const WHOLE: f64 = (3_u64 << 51) as f64;
        let (mut infinite, mut beyond) = (0_u64, 0_u64);
        for ((value, word), range) in values.iter().zip(words).zip(&self.each) {
            let counts = (*value).into() / range.lsb + 0.5;
            infinite += u64::from(!counts.is_finite());
            beyond += u64::from(counts < range.low) + u64::from(counts >= range.past);
            let kept = if counts > range.low {
                counts
            } else {
                range.low
            };
            let kept = if kept < range.high { kept } else { range.high };
            let near = kept + WHOLE;
            let whole = near.to_bits().wrapping_sub(WHOLE.to_bits()).cast_signed();
            // Next to it or next below it, whatever way the processor rounds.
            *word = whole - i64::from(near - WHOLE > kept);
        }
        (infinite == 0 && (beyond == 0 || !self.wraps)).then_some(beyond)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use hodoscope_program::{ExactF64, Rounding, WordRounding};

    use super::*;

    fn field(lsb: f64, minimum: i64, maximum: i64, overflow: FieldOverflow) -> Field {
        Field {
            name: "x".to_owned(),
            unit: String::new(),
            lsb: ExactF64(lsb),
            minimum,
            maximum,
            overflow,
            empty: 0,
            encoding: Encoding::Nearest,
        }
    }

    fn input(fields: Vec<Field>) -> Input {
        Input {
            name: "x".to_owned(),
            set: None,
            channels: fields.len(),
            fields,
        }
    }

    /// Row by row what each field says, and whether a block says the same.
    fn compare<T: Copy + Into<f64>>(input: &Input, values: &[T]) {
        let rule = Rule::new(input);
        let encoded = values
            .iter()
            .enumerate()
            .map(|(index, value)| input.field(index).encode((*value).into()));
        let expected: Vec<_> = encoded.collect();
        let mut words = vec![7; values.len()];
        let done = rule.encode(values, &mut words);
        if let Some(index) = expected.iter().position(Result::is_err) {
            assert_eq!(done, Err(index));
            return;
        }
        let expected: Vec<_> = expected.into_iter().map(Result::unwrap).collect();
        let saturated = expected.iter().filter(|e| e.saturated).count() as u64;
        assert_eq!(done, Ok(saturated));
        let expected: Vec<i64> = expected.iter().map(|e| e.word).collect();
        assert_eq!(words, expected);
    }

    #[test]
    fn blocks_have_the_words_of_their_fields() {
        use FieldOverflow::{Saturate, Wrap};
        let ends = (i64::from(i32::MIN), i64::from(i32::MAX));
        let azimuth = field(0.004_363_323_129_985_824, -720, 719, Wrap);
        let plain = vec![
            field(0.25, 0, 4095, Saturate),
            field(0.1, -31, 31, Saturate),
            field(1e-3, ends.0, ends.1, Saturate),
        ];
        let mut quantised = plain[1].clone();
        quantised.encoding = Encoding::Quantiser {
            rounding: WordRounding::As(Rounding::RndConv),
            zero_point: 3,
            zero_first: false,
        };
        let rows = [
            plain.clone(),
            vec![plain[0].clone(), azimuth.clone()],
            vec![azimuth],
            vec![plain[1].clone(), quantised],
            // No 32 bits hold its words.
            vec![field(0.5, 0, ends.1 + 1, Saturate)],
        ];
        // Halves and their neighbours, ends of ranges, what no word holds, and anything.
        let mut values = vec![0.0, -0.0, 5e-324, -1e-300, 1e300, -1e300, 4.5e15, -4.6e15];
        for count in [-721, -720, -32, -31, -1, 0, 1, 31, 719, 720, 4095, 4096] {
            for lsb in [0.25, 0.1, 0.004_363_323_129_985_824, 1e-3] {
                let half = (f64::from(count) - 0.5) * lsb;
                values.extend([half, half.next_up(), half.next_down(), half + 0.5 * lsb]);
            }
        }
        let mut state = 1_u64;
        for _ in 0..3000 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            values.push(
                ((state >> 33) as f64 / 1e6 - 1000.0)
                    * if state.is_multiple_of(7) { 1e3 } else { 1.0 },
            );
        }
        for fields in rows {
            let input = input(fields);
            let width = input.channels;
            // Rows that fill no block, and those behind the last block.
            for rows in [1, 2, 21, 22, 23, 64, 65, values.len() / width] {
                for first in [0, 8, 100] {
                    let end = (first + rows * width).min(values.len());
                    let end = end - (end - first) % width;
                    let own = &values[first..end];
                    compare(&input, own);
                    let singles: Vec<f32> = own.iter().map(|v| *v as f32).collect();
                    compare(&input, &singles);
                }
            }
            let inside: Vec<f64> = (0..60 * width)
                .map(|i| f64::from(i as u32 % 29) * 0.1)
                .collect();
            compare(&input, &inside);
            for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                for at in [0, 1, 17, 60 * width - 1] {
                    let mut values = inside.clone();
                    values[at] = wrong;
                    compare(&input, &values);
                }
            }
        }
    }
}
