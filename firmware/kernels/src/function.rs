//! Functions that no table over every raw holds: straight lines between entries, and the digits that a logarithm begins with.

use crate::number::{Accumulator, Narrow};
use crate::order::Order;

/// y = a + ⌊((b − a)·l + ½·2^shift) / 2^shift⌋, a and b the entries beside x, l what lies between.
///
/// # Panics
/// Never where the table covers every raw of x, as the verifier proved.
#[inline(always)]
pub fn interpolate<A, X, E, Y>(x: &[X], first: i64, shift: u32, entries: &[E], y: &mut [Y])
where
    A: Accumulator + From<i32>,
    X: Copy + Into<i64>,
    E: Copy + Into<A>,
    Y: Narrow<A>,
{
    let half = (A::ONE << shift) >> 1;
    let rest = (1u32 << shift) - 1;
    for (x, y) in x.iter().zip(y) {
        let x: i64 = (*x).into();
        let place = (x - first) as u32;
        let cell = (place >> shift) as usize;
        let (a, b): (A, A) = (entries[cell].into(), entries[cell + 1].into());
        let between = A::from((place & rest) as i32);
        *y = Y::narrow(a + (((b - a) * between + half) >> shift));
    }
}

/// x moved to the left until its first digit is the highest bit, and the number of its digits; zeros for 0.
#[cfg(not(hodoscope_masks))]
#[inline(always)]
fn normalised(x: u32) -> (u32, u32) {
    let zeros = x.leading_zeros();
    (x << (zeros & 31), 32 - zeros)
}

/// The same where counting zeros would branch.
#[cfg(hodoscope_masks)]
#[inline(always)]
fn normalised(x: u32) -> (u32, u32) {
    by_halves(x)
}

/// Five steps whatever x is: each moves x by half as much as the one before, if nothing is lost.
#[cfg_attr(not(any(hodoscope_masks, test)), expect(dead_code))]
#[inline(always)]
fn by_halves(x: u32) -> (u32, u32) {
    let (mut x, mut digits) = (x, 32);
    for power in (0..5).rev() {
        let step = 1 << power;
        // 1 where the upper `step` bits are all zero.
        let empty = (x >> (32 - step)).wrapping_sub(1) >> 31;
        x <<= empty << power;
        digits -= empty << power;
    }
    // The highest bit is still 0 only where all are.
    (x, digits - (!x >> 31))
}

/// y = the number of binary digits of x; 0 for x ≤ 0.
#[inline(always)]
pub fn exponent<X, Y>(x: &[X], y: &mut [Y])
where
    X: Copy + Into<i64>,
    Y: Narrow<i32>,
{
    for (x, y) in x.iter().zip(y) {
        let x: i64 = (*x).into();
        let (_, digits) = normalised(x.larger(0) as u32);
        *y = Y::narrow(digits as i32);
    }
}

/// y = the first `bits` binary digits of x, as many with a 1 in front; 0 for x ≤ 0.
#[inline(always)]
pub fn mantissa<X, Y>(x: &[X], bits: u32, y: &mut [Y])
where
    X: Copy + Into<i64>,
    Y: Narrow<i32>,
{
    for (x, y) in x.iter().zip(y) {
        let x: i64 = (*x).into();
        let (x, _) = normalised(x.larger(0) as u32);
        *y = Y::narrow((x >> (32 - bits)) as i32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_counted_without_a_branch() {
        let near = (0..32).flat_map(|bit| {
            let power = 1u32 << bit;
            [power.wrapping_sub(1), power, power + 1, power | power >> 1]
        });
        for x in (0..70_000).chain(near).chain([u32::MAX, u32::MAX - 1]) {
            let zeros = x.leading_zeros();
            let expected = (x.checked_shl(zeros).unwrap_or(0), 32 - zeros);
            assert_eq!(by_halves(x), expected, "{x}");
            assert_eq!(normalised(x), expected, "{x}");
        }
    }

    #[test]
    fn mantissas_begin_with_a_digit() {
        let x = [-7i64, 0, 1, 5, 0xffff_ffff];
        let mut y = [9i16; 5];
        exponent(&x, &mut y);
        assert_eq!(y, [0, 0, 1, 3, 32]);
        let mut y = [9i32; 5];
        mantissa(&x, 4, &mut y);
        assert_eq!(y, [0, 0, 8, 10, 15]);
    }

    #[test]
    fn lines_between_entries() {
        let entries = [-8i16, 0, 100];
        let mut y = [0i32; 6];
        interpolate::<i32, _, _, _>(&[-4i8, -3, -1, 0, 2, 3], -4, 2, &entries, &mut y);
        assert_eq!(y, [-8, -6, -2, 0, 50, 75]);
        // Half a count goes up.
        let mut y = [0i32; 2];
        interpolate::<i64, _, _, _>(&[1i8, 1], 0, 1, &[0i16, -1, 0], &mut y);
        assert_eq!(y, [0, 0]);
    }
}
