//! Square roots, bit by bit: as many steps as the result has bits.

use crate::number::Narrow;
use crate::order::Order;
use crate::quotient::Remainder;

/// ⌊√x⌋; x below 2^(2·bits), and below 2^63 in `u64`, 2^31 in `u32`.
#[inline(always)]
fn floor<R: Remainder>(x: u64, bits: u32) -> u64 {
    let mut rest = R::cut(x);
    let mut root = R::cut(0);
    // Woo's method: the digit at 4^place is 1 where what is left holds root + 4^place.
    for place in (0..bits).rev() {
        let place = 2 * place;
        let (left, digit) = rest.take(root | R::cut(1 << place));
        rest = left;
        root = (root >> 1) | R::cut(digit.into()) << place;
    }
    root.wide()
}

/// y = ⌊√(x·2^shift)⌋, 0 for x < 0. `bits`: of the largest root.
#[inline(always)]
pub fn square_root<R, X, Y>(x: &[X], shift: u32, bits: u32, y: &mut [Y])
where
    R: Remainder,
    X: Copy + Into<i64>,
    Y: Narrow<i64>,
{
    for (x, y) in x.iter().zip(y) {
        let x: i64 = (*x).into();
        let square = x.larger(0) << shift;
        *y = Y::narrow(floor::<R>(square as u64, bits) as i64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_floors() {
        for x in 0..70_000u64 {
            let expected = x.isqrt();
            assert_eq!(floor::<u32>(x, 9), expected, "{x}");
            assert_eq!(floor::<u64>(x, 31), expected, "{x}");
        }
        for root in [2u64, 1000, 32_767, (1 << 31) - 1, 3_037_000_498] {
            for (x, expected) in [
                (root * root - 1, root - 1),
                (root * root, root),
                (root * root + 2 * root, root),
                (root * root + 2 * root + 1, root + 1),
            ] {
                assert_eq!(floor::<u64>(x, 32), expected, "{x}");
                if x < 1 << 31 {
                    assert_eq!(floor::<u32>(x, 16), expected, "{x}");
                }
            }
        }
    }

    #[test]
    fn nothing_below_zero() {
        let mut y = [1i16; 3];
        square_root::<u32, _, _>(&[-5i16, 0, 4], 4, 4, &mut y);
        assert_eq!(y, [0, 0, 8]);
    }
}
