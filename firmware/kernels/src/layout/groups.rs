//! What the layouts of eight rows at a time share: how sums become results.
//!
//! The compiler folds the rounding half of the rescale and its upper limit into the bias, so that a
//! sum that is shifted is already the distance to that limit. Both saturations then are against
//! zero, which takes three instructions without a branch on any core.

use crate::number::Narrow;
use crate::order::{negative_part, positive_part};

/// Rows that are computed together.
pub const ROWS: usize = 8;

/// Largest number of columns in a block, after which the halves of the words are taken apart.
pub const LONGEST_BLOCK: usize = 16;

/// ⌊sum / 2^shift⌋ + maximum, saturated into `limits`, both included.
#[inline(always)]
fn finished(sum: i32, shift: u8, (minimum, maximum): (i32, i32)) -> i32 {
    let below = negative_part(sum >> shift);
    positive_part(below + (maximum - minimum)) + minimum
}

/// Rescales and saturates the sums of a group. The last one may have fewer rows.
#[inline(always)]
pub(super) fn rescale<Y: Narrow<i32>>(
    sums: &[i32; ROWS],
    shifts: &[u8],
    limits: (i32, i32),
    y: &mut [Y],
) {
    if let (Some(shifts), Some(y)) = (shifts.first_chunk::<ROWS>(), y.first_chunk_mut::<ROWS>()) {
        for row in 0..ROWS {
            y[row] = Y::narrow(finished(sums[row], shifts[row], limits));
        }
        return;
    }
    for ((y, sum), shift) in y.iter_mut().zip(sums).zip(shifts) {
        *y = Y::narrow(finished(*sum, *shift, limits));
    }
}

/// Stores the sums of a group as they are.
#[inline(always)]
pub(super) fn store<Y: Narrow<i32>>(sums: &[i32; ROWS], y: &mut [Y]) {
    for (y, sum) in y.iter_mut().zip(sums) {
        *y = Y::narrow(*sum);
    }
}

/// Whether `lengths` are those of `groups` times `columns` columns: 1 to [`LONGEST_BLOCK`] each, no
/// block across groups. Zeros may follow: of a layer in blocks of rows each has room for as many lengths.
pub fn are_layer_blocks(lengths: &[u8], columns: usize, groups: usize) -> bool {
    let mut lengths = lengths.iter();
    for _ in 0..groups {
        let mut left = columns;
        while left > 0 {
            match lengths.next().map(|length| usize::from(*length)) {
                Some(length) if (1..=LONGEST_BLOCK.min(left)).contains(&length) => left -= length,
                _ => return false,
            }
        }
    }
    lengths.all(|length| *length == 0)
}

/// A result: `i8`, `i16` or `i32`.
#[cfg(not(hodoscope_isa = "rv32im"))]
pub trait Output: Narrow<i32> {}

/// A result of an operand `X`: `i8`, `i16` or `i32`.
#[cfg(not(hodoscope_isa = "rv32im"))]
pub trait ResultOf<X>: Narrow<i32> {}

#[cfg(not(hodoscope_isa = "rv32im"))]
macro_rules! outputs {
    ($($ty:ty),+) => {$(
        impl Output for $ty {}
        impl<X> ResultOf<X> for $ty {}
    )+};
}

#[cfg(not(hodoscope_isa = "rv32im"))]
outputs!(i8, i16, i32);

/// An operand: `i8` or `i16`.
#[cfg(not(any(hodoscope_isa = "armv6m", hodoscope_isa = "rv32im")))]
pub trait Element: Copy + Into<i32> {}

#[cfg(not(any(hodoscope_isa = "armv6m", hodoscope_isa = "rv32im")))]
impl Element for i8 {}

#[cfg(not(any(hodoscope_isa = "armv6m", hodoscope_isa = "rv32im")))]
impl Element for i16 {}
