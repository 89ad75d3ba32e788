//! From sums to results: the constants of a rescale.

use hodoscope_program::Rounding;

/// Constants of a rescale; one entry serves all channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requantise {
    /// Only shifts.
    Shift(Vec<u8>),
    /// Multipliers, offsets and shifts.
    Affine {
        /// Multipliers.
        multipliers: Vec<i64>,
        /// Offsets.
        offsets: Vec<i64>,
        /// Shifts.
        shifts: Vec<u8>,
    },
    /// One multiplier for the sums of a dense layer, of whose product the upper half is read:
    /// ⌊(x·multiplier / 2^32 + offset) / 2^shift⌋.
    Scaled {
        /// Multiplier.
        multiplier: i32,
        /// Offset.
        offset: i32,
        /// Shift.
        shift: u8,
    },
    /// As `Affine`, with a rounding other than RND or an overflow other than SAT: an imported
    /// network's own.
    Imported {
        /// Multipliers.
        multipliers: Vec<i64>,
        /// Offsets.
        offsets: Vec<i64>,
        /// Shifts.
        shifts: Vec<u8>,
        /// How the shift rounds.
        rounding: Rounding,
        /// What happens to the result before it is limited.
        overflow: Reduction,
    },
}

/// What an overflow does to a result before its limits cut it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// Nothing: it saturates.
    Saturated,
    /// Modulo 2^bits, with a sign.
    Wrapped(u8),
    /// Modulo 2^bits, without a sign.
    WrappedUnsigned(u8),
    /// Zero outside of these limits.
    OrZero(i64, i64),
}

impl Requantise {
    /// The constants of some rows: one entry for all stays that.
    pub fn rows(&self, rows: std::ops::Range<usize>) -> Self {
        fn of<T: Clone>(entries: &[T], rows: &std::ops::Range<usize>) -> Vec<T> {
            match entries.len() {
                1 => entries.to_vec(),
                _ => entries[rows.clone()].to_vec(),
            }
        }
        match self {
            Self::Scaled { .. } => self.clone(),
            Self::Shift(shifts) => Self::Shift(of(shifts, &rows)),
            Self::Affine {
                multipliers,
                offsets,
                shifts,
            } => Self::Affine {
                multipliers: of(multipliers, &rows),
                offsets: of(offsets, &rows),
                shifts: of(shifts, &rows),
            },
            Self::Imported {
                multipliers,
                offsets,
                shifts,
                rounding,
                overflow,
            } => Self::Imported {
                multipliers: of(multipliers, &rows),
                offsets: of(offsets, &rows),
                shifts: of(shifts, &rows),
                rounding: *rounding,
                overflow: *overflow,
            },
        }
    }

    /// The shifts, one for all channels or one for each; of `Scaled` none.
    pub fn shifts(&self) -> &[u8] {
        match self {
            Self::Scaled { .. } => &[],
            Self::Shift(shifts) | Self::Affine { shifts, .. } | Self::Imported { shifts, .. } => {
                shifts
            }
        }
    }

    /// Multipliers and offsets, where there are any but 1 and 0.
    pub fn factors(&self) -> Option<(&[i64], &[i64])> {
        match self {
            Self::Shift(_) | Self::Scaled { .. } => None,
            Self::Imported {
                multipliers,
                offsets,
                ..
            } if multipliers[..] == [1] && offsets[..] == [0] => None,
            Self::Affine {
                multipliers,
                offsets,
                ..
            }
            | Self::Imported {
                multipliers,
                offsets,
                ..
            } => Some((multipliers, offsets)),
        }
    }
}
