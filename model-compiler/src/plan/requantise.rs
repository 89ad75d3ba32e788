//! From sums to results: the constants of a rescale.

use hodoscope_program::Rounding;

use super::Isa;
use super::cost::Mix;

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

/// A rescale that is a shift of what an addend was added to, for each row: a bias takes the addend up.
#[derive(Clone, Copy, Debug)]
pub struct Folded<'a> {
    shifts: &'a [u8],
    offsets: &'a [i64],
    rounding: Rounding,
}

impl Folded<'_> {
    /// The shift of a row.
    pub fn shift(&self, row: usize) -> u8 {
        of_row(self.shifts, row)
    }

    /// What is added to the sum of a row: the rescale's offset, and what makes the shift round as it does.
    pub fn addend(&self, row: usize) -> i64 {
        let half = (1i64 << self.shift(row)) >> 1;
        let rounds = match self.rounding {
            Rounding::Trn => 0,
            Rounding::Rnd => half,
            // Less than a half: one count is left to the halves that are to be rounded up.
            _ => (half - 1).max(0),
        };
        of_row(self.offsets, row) + rounds
    }

    /// Whether halves go to even: the last bit of the shifted sum is added to the sum, which is shifted again.
    ///
    /// Of a sum that is no half, with its addend, no carry reaches the bits that are left.
    pub fn is_even(&self) -> bool {
        self.rounding == Rounding::RndConv
    }
}

/// The entry of a row; one entry serves all.
fn of_row<T: Copy>(entries: &[T], row: usize) -> T {
    entries[if entries.len() == 1 { 0 } else { row }]
}

impl Requantise {
    /// Instructions for one sum of 32 bits that is loaded, rescaled, saturated and stored.
    pub(super) fn mix(&self, isa: Isa) -> Mix {
        let rounding = match self {
            Self::Shift(_) | Self::Affine { .. } | Self::Scaled { .. } => Rounding::Rnd,
            Self::Imported { rounding, .. } => *rounding,
        };
        let rounds = match rounding {
            Rounding::Trn => 1,
            Rounding::Rnd | Rounding::RndMinInf => 2,
            _ => 5,
        };
        let wraps = match self {
            Self::Imported { overflow, .. } if *overflow != Reduction::Saturated => 4,
            _ => 0,
        };
        let saturates = match isa {
            Isa::ArmV7eDsp | Isa::Portable => 3,
            Isa::ArmV6m | Isa::Rv32im | Isa::Rv32i => 12,
        };
        let factors = u64::from(self.factors().is_some());
        let constants = [
            self.shifts().len(),
            self.factors()
                .map_or(0, |(multipliers, _)| multipliers.len()),
            self.factors().map_or(0, |(_, offsets)| offsets.len()),
        ];
        // One for all stays in a register.
        let constants = constants.into_iter().filter(|length| *length > 1).count();
        Mix {
            arithmetic: rounds + wraps + saturates + factors + 2,
            multiplies: factors,
            loads: 1 + constants as u64,
            stores: 1,
            ..Mix::default()
        }
    }

    /// As a shift behind an addend; nothing where it multiplies, wraps, or rounds by the sign.
    pub fn folded(&self) -> Option<Folded<'_>> {
        const NONE: &[i64] = &[0];
        match self {
            Self::Shift(shifts) => Some(Folded {
                shifts,
                offsets: NONE,
                rounding: Rounding::Rnd,
            }),
            Self::Affine {
                multipliers,
                offsets,
                shifts,
            } if multipliers[..] == [1] => Some(Folded {
                shifts,
                offsets,
                rounding: Rounding::Rnd,
            }),
            Self::Imported {
                multipliers,
                offsets,
                shifts,
                rounding:
                    rounding @ (Rounding::Trn | Rounding::Rnd | Rounding::RndMinInf | Rounding::RndConv),
                overflow: Reduction::Saturated,
            } if multipliers[..] == [1] => Some(Folded {
                shifts,
                offsets,
                rounding: *rounding,
            }),
            _ => None,
        }
    }
}
