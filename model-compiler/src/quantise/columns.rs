//! Words that are not stated: what calibration tells of each column, and what its words have to hold.
//!
//! A column has 22 bits and a factor of sixteen above its largest value. More where calibration tells little: a column that was
//! rarely anything but zero, or whose largest value stands far from the others: then words have so many bits that those others
//! keep theirs. The pixels of an image are of one kind, so
//! that what a bright one may hold a dark one may hold, too. Whole numbers count by one or by a finer power of two.

use hodoscope_program::{Encoding, ExactF64, Field, FieldOverflow};

use crate::format;

/// Bits of a word, and of one that counts large whole numbers.
pub(super) const WORD: u8 = 22;
const WIDE: u8 = 22;
/// Above the largest value that was seen.
const ROOM: f64 = 16.0;
/// Where few values are there.
const ROOM_OF_FEW: f64 = 64.0;
const FEW: usize = 32;
/// Where the largest of them is this much larger than all but a hundredth.
const TAIL: f32 = 8.0;
const ROOM_OF_TAIL: f64 = 32.0;
/// The largest over all but a hundredth, from which on a column has many decades.
const DECADES: f32 = 65_536.0;
/// Values that tell it.
const ENOUGH: usize = 200;
/// Counts of the middle value, where the largest stands far from it.
const COMMON: f64 = 4096.0;
/// Counts of what varies where nearly all values lie in a range that is small beside them, and so many times that range the
/// smallest of them, at least.
const VARYING: f64 = 65_536.0;
const OFFSET: f32 = 4.0;
/// Columns that may be the pixels of an image, at least; a quarter of them is zero in nine events of ten.
const PIXELS: usize = 16;

/// What was seen of a column.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Column {
    /// Largest absolute value.
    pub largest: f32,
    /// What the words must hold.
    magnitude: f64,
    whole: bool,
    /// Whether nearly all its values have more decades than few bits hold.
    decades: bool,
    /// In what range nearly all its values lie, where that is small beside them.
    varying: Option<f64>,
    /// The value in the middle, where the largest stands far from nearly all.
    common: Option<f64>,
}

/// The columns of an input, of whose `values` the columns are `features` again and again.
pub(super) fn columns(values: &[f32], features: &[usize]) -> Vec<Column> {
    let count = features.iter().max().map_or(1, |last| last + 1);
    let mut sizes: Vec<Vec<f32>> = vec![vec![]; count];
    let mut totals = vec![0usize; count];
    let mut whole = vec![true; count];
    let mut negative = false;
    let mut ends = vec![(f32::INFINITY, f32::NEG_INFINITY); count];
    for (value, feature) in values.iter().zip(features.iter().cycle()) {
        totals[*feature] += 1;
        whole[*feature] &= *value == value.trunc();
        negative |= *value < 0.0;
        let (low, high) = ends[*feature];
        ends[*feature] = (low.min(*value), high.max(*value));
        if *value != 0.0 && value.is_finite() {
            sizes[*feature].push(value.abs());
        }
    }
    for sizes in &mut sizes {
        sizes.sort_by(f32::total_cmp);
    }
    let largest = |sizes: &Vec<f32>| sizes.last().copied().unwrap_or(0.0);
    let most = sizes.iter().map(largest).fold(0.0, f32::max);
    let dark = sizes.iter().zip(&totals);
    let dark = dark
        .filter(|(sizes, total)| sizes.len() * 10 < **total)
        .count();
    let pixels = count >= PIXELS && dark * 4 >= count && !negative;
    let magnitude = |sizes: &Vec<f32>| {
        let own = largest(sizes);
        let common = sizes.get(sizes.len().saturating_sub(1) * 99 / 100);
        match common {
            _ if pixels => ROOM * f64::from(most),
            None => ROOM * f64::from(most),
            Some(_) if sizes.len() < FEW && totals[0] >= 10 * FEW => ROOM_OF_FEW * f64::from(own),
            Some(common) if own > TAIL * common => ROOM_OF_TAIL * f64::from(own),
            Some(_) => ROOM * f64::from(own),
        }
    };
    let column = |(sizes, whole): (&Vec<f32>, bool)| Column {
        largest: largest(sizes),
        magnitude: magnitude(sizes),
        whole: whole && !sizes.is_empty(),
        decades: sizes
            .get(sizes.len() / 100)
            .is_some_and(|small| sizes.len() >= ENOUGH && DECADES * small < largest(sizes)),
        varying: None,
        common: middle(sizes).filter(|_| !pixels && sizes.len() >= ENOUGH),
    };
    let columns = sizes.iter().zip(whole).map(column);
    let places = columns.enumerate().map(|(feature, column)| {
        let (low, high) = ends[feature];
        let is_whole_column = totals[feature] == sizes[feature].len() && (low > 0.0 || high < 0.0);
        let varying = varying(&sizes[feature]).filter(|_| is_whole_column);
        Column {
            magnitude: match varying {
                Some(range) => f64::from(column.largest) + ROOM * range,
                None => column.magnitude,
            },
            varying,
            ..column
        }
    });
    places.collect()
}

/// The range of nearly all of sizes in order, where the smallest of them is several times as large.
fn varying(sizes: &[f32]) -> Option<f64> {
    let last = sizes.len().checked_sub(1)?;
    let (low, high) = (sizes[last * 5 / 100], sizes[last * 95 / 100]);
    let range = high - low;
    (range > 0.0 && low > OFFSET * range).then_some(f64::from(range))
}

/// The middle of sizes in order, where the largest stands far from nearly all.
fn middle(sizes: &[f32]) -> Option<f64> {
    let last = sizes.len().checked_sub(1)?;
    (sizes[last] > TAIL * sizes[last * 99 / 100]).then(|| f64::from(sizes[last / 2]))
}

impl Column {
    /// The field of its words, of so many bits, or of more where common values would have few counts beside a long tail.
    pub fn fine_field(&self, name: String, word: u8) -> Field {
        let Some(common) = self.common else {
            return self.field(name, word);
        };
        // A function of the numbers themselves may tell smaller ones apart than a layer does.
        let counts = if word > WORD { 16.0 * COMMON } else { COMMON };
        let needed = libm::ilogb(self.magnitude * counts / common) + 2;
        let word = u8::try_from(needed.clamp(word.into(), 32)).unwrap_or(word);
        self.field(name, word)
    }

    /// The field of its words, of so many bits.
    pub fn field(&self, name: String, word: u8) -> Field {
        // All bits, and less room, for numbers of many decades where small ones count.
        let (magnitude, word) = match self.decades && word > WORD {
            true => (self.magnitude / 4.0, 32),
            false => (self.magnitude, word),
        };
        // Bits enough for what varies.
        let word = match self.varying {
            Some(range) => {
                let needed = libm::ilogb(magnitude * VARYING / range) + 2;
                u8::try_from(needed.clamp(word.into(), 32)).unwrap_or(word)
            }
            None => word,
        };
        let frac = format::covering_frac(magnitude, word);
        let counted = libm::ilogb(self.magnitude.max(1.0)) + 2;
        let (frac, width) = match u8::try_from(counted) {
            Ok(bits) if self.whole && frac < 0 && bits <= WIDE => (0, bits),
            _ => (frac, word),
        };
        let end = 1i64 << (width - 1);
        Field {
            name,
            unit: String::new(),
            lsb: ExactF64(libm::ldexp(1.0, -frac)),
            minimum: -end,
            maximum: end - 1,
            overflow: FieldOverflow::Saturate,
            empty: 0,
            encoding: Encoding::Calibrated,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest value of a column's words.
    fn reach(values: &[f32], columns: usize) -> Vec<f64> {
        let features: Vec<usize> = (0..columns).collect();
        let of = |column: &Column| {
            let field = column.field(String::new(), WORD);
            field.decode(field.maximum)
        };
        super::columns(values, &features).iter().map(of).collect()
    }

    #[test]
    fn a_column_that_is_often_there_has_a_factor_of_sixteen() {
        let values: Vec<f32> = (0..1000).map(|i| (i % 100) as f32 / 50.0).collect();
        let reach = reach(&values, 1);
        assert!((31.9..32.0).contains(&reach[0]), "{reach:?}");
    }

    #[test]
    fn a_rare_column_and_one_with_a_tail_have_more() {
        let values: Vec<f32> = (0..1000)
            .flat_map(|i| {
                let rare = if i == 500 { 1.0 } else { 0.0 };
                let tail = if i == 500 { 90.0 } else { 1.5 };
                [1.5, rare, tail, 0.0]
            })
            .collect();
        let reach = reach(&values, 4);
        assert!(reach[0] < 32.0, "{reach:?}");
        assert!(reach[1] > 60.0, "{reach:?}");
        assert!(reach[2] > 2800.0, "{reach:?}");
        // Never seen: what any other column holds.
        assert!(reach[3] > 680.0, "{reach:?}");
    }

    #[test]
    fn common_values_keep_their_counts_beside_a_long_tail() {
        let largest = |tail: f32| -> f64 {
            let values: Vec<f32> = (0..1000)
                .map(|i| {
                    if i == 500 {
                        tail
                    } else {
                        (i % 100) as f32 / 50.0
                    }
                })
                .collect();
            let column = &columns(&values, &[0])[0];
            column.fine_field(String::new(), WORD).lsb.0
        };
        // One of 7,000 beside values around 1: these have 2^12 counts all the same, and as many decades all bits.
        assert!(largest(7000.0) <= 1.0 / 4096.0);
        assert!(largest(7000.0) > 1.0 / 65_536.0);
    }

    #[test]
    fn words_of_an_offset_count_what_varies() {
        let values: Vec<f32> = (0..1000)
            .map(|i| 30_000.0 + (i % 100) as f32 / 10.5)
            .collect();
        let offset = &columns(&values, &[0])[0];
        let field = offset.field(String::new(), WORD);
        // Nine tenths of the range in 2^16 counts, and room for sixteen times as much.
        assert!(field.lsb.0 <= 8.6 / 65_536.0, "{field:?}");
        assert!(field.decode(field.maximum) > 30_150.0, "{field:?}");
        let values: Vec<f32> = values.iter().map(|v| v - 30_000.0).collect();
        assert_eq!(columns(&values, &[0])[0].varying, None);
    }

    #[test]
    fn pixels_are_of_one_kind() {
        let values: Vec<f32> = (0..100)
            .flat_map(|event| (0..25).map(move |pixel| (event, pixel)))
            .map(|(event, pixel)| match pixel {
                12 => 0.9,
                p if event % 25 == p => 0.001 * (p + 1) as f32,
                _ => 0.0,
            })
            .collect();
        let reach = reach(&values, 25);
        assert!(reach.iter().all(|r| (14.0..16.4).contains(r)), "{reach:?}");
    }

    #[test]
    fn whole_numbers_count_by_one_or_finer() {
        let values: Vec<f32> = (0..500)
            .flat_map(|i| [(i % 9) as f32, i as f32 * 200.0])
            .collect();
        let columns = columns(&values, &[0, 1]);
        let fields: Vec<Field> = columns
            .iter()
            .map(|c| c.field(String::new(), WORD))
            .collect();
        assert!(fields.iter().all(|f| f.lsb.0 <= 1.0), "{fields:?}");
        assert!(
            fields[1].decode(fields[1].maximum) >= 199_600.0,
            "{fields:?}"
        );
    }
}
