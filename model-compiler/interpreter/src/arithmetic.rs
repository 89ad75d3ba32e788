//! Rounding and overflow, from their definitions.

use hodoscope_program::{IntType, Overflow, Rounding};

/// numerator / 2^shift, rounded.
pub(crate) fn round_shift(numerator: i64, shift: u8, rounding: Rounding) -> i64 {
    // ⌊numerator / 2^shift⌋ and what is left, in units of 2^−shift.
    let floor = numerator >> shift;
    let rest = numerator.wrapping_sub(floor << shift);
    if rest == 0 {
        return floor;
    }
    let half = 1i64 << (shift - 1);
    let up = match rounding {
        Rounding::Trn => false,
        Rounding::TrnZero => numerator < 0,
        Rounding::Rnd => rest >= half,
        Rounding::RndConv => rest > half || (rest == half && floor & 1 == 1),
        Rounding::RndZero => rest > half || (rest == half && numerator < 0),
        Rounding::RndInf => rest > half || (rest == half && numerator > 0),
        Rounding::RndMinInf => rest > half,
    };
    floor + i64::from(up)
}

/// dividend / divisor, rounded; the divisor is positive.
pub(crate) fn divide(dividend: i64, divisor: i64, rounding: Rounding) -> i64 {
    let (floor, rest) = (dividend.div_euclid(divisor), dividend.rem_euclid(divisor));
    let (above, below) = (rest, divisor - rest);
    let up = match rounding {
        _ if rest == 0 => false,
        Rounding::Trn => false,
        Rounding::TrnZero => dividend < 0,
        Rounding::Rnd => above >= below,
        Rounding::RndConv => above > below || (above == below && floor % 2 != 0),
        Rounding::RndZero => above > below || (above == below && dividend < 0),
        Rounding::RndInf => above > below || (above == below && dividend > 0),
        Rounding::RndMinInf => above > below,
    };
    floor + i64::from(up)
}

/// dividend · 2^shift / divisor, rounded, as the nearest raw of `ty`.
pub(crate) fn quotient(a: i64, b: i64, shift: u8, rounding: Rounding, ty: IntType) -> i64 {
    let dividend = a << shift;
    match (b, dividend) {
        (0, 0) => 0,
        (0, 1..) => ty.maximum(),
        (0, _) => ty.minimum(),
        (1.., _) => divide(dividend, b, rounding).clamp(ty.minimum(), ty.maximum()),
        // Both signs change, the quotient does not.
        (_, _) => divide(-dividend, -b, rounding).clamp(ty.minimum(), ty.maximum()),
    }
}

/// The number of binary digits of x; 0 for x ≤ 0.
pub(crate) fn digits(x: i64) -> i64 {
    let mut digits = 0;
    while x >> digits > 0 {
        digits += 1;
    }
    digits
}

/// ⌊√x⌋; 0 below zero.
pub(crate) fn square_root(x: i64) -> i64 {
    let x = i128::from(x.max(0));
    // The largest y with y² ≤ x.
    let (mut low, mut high) = (0i128, 1i128 << 32);
    while high - low > 1 {
        let middle = (low + high) / 2;
        match middle * middle <= x {
            true => low = middle,
            false => high = middle,
        }
    }
    low as i64
}

/// `raw` as a value of type `ty`.
pub(crate) fn overflow(raw: i64, ty: IntType, overflow: Overflow) -> i64 {
    let (minimum, maximum) = (ty.minimum(), ty.maximum());
    match overflow {
        Overflow::Sat => raw.clamp(minimum, maximum),
        Overflow::SatSym => raw.clamp(minimum.max(-maximum), maximum),
        Overflow::SatZero if ty.contains(raw) => raw,
        Overflow::SatZero => 0,
        Overflow::Wrap => {
            let modulus = 1i128 << ty.width;
            let offset = (i128::from(raw) - i128::from(minimum)).rem_euclid(modulus);
            (i128::from(minimum) + offset) as i64
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definitions in exact quarters: −1.5, −1.25, −1, …, 1.5.
    #[test]
    fn every_rounding_by_its_definition() {
        let quarters = [-6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6];
        let cases = [
            (Rounding::Trn, [-2, -2, -1, -1, -1, -1, 0, 0, 0, 0, 1, 1, 1]),
            (
                Rounding::TrnZero,
                [-1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1],
            ),
            (Rounding::Rnd, [-1, -1, -1, -1, 0, 0, 0, 0, 1, 1, 1, 1, 2]),
            (
                Rounding::RndConv,
                [-2, -1, -1, -1, 0, 0, 0, 0, 0, 1, 1, 1, 2],
            ),
            (
                Rounding::RndZero,
                [-1, -1, -1, -1, 0, 0, 0, 0, 0, 1, 1, 1, 1],
            ),
            (
                Rounding::RndInf,
                [-2, -1, -1, -1, -1, 0, 0, 0, 1, 1, 1, 1, 2],
            ),
            (
                Rounding::RndMinInf,
                [-2, -1, -1, -1, -1, 0, 0, 0, 0, 1, 1, 1, 1],
            ),
        ];
        for (rounding, expected) in cases {
            let got = quarters.map(|q| round_shift(q, 2, rounding));
            assert_eq!(got, expected, "{rounding:?}");
        }
    }

    /// A division by four is a shift by two, and quarters of six are the thirds' halves.
    #[test]
    fn every_division_by_its_definition() {
        for rounding in [
            Rounding::Trn,
            Rounding::TrnZero,
            Rounding::Rnd,
            Rounding::RndConv,
            Rounding::RndZero,
            Rounding::RndInf,
            Rounding::RndMinInf,
        ] {
            for x in -40..=40 {
                assert_eq!(
                    divide(x, 4, rounding),
                    round_shift(x, 2, rounding),
                    "{x} {rounding:?}"
                );
                assert_eq!(
                    divide(3 * x, 12, rounding),
                    divide(x, 4, rounding),
                    "{x} {rounding:?}"
                );
            }
        }
        assert_eq!(divide(-7, 3, Rounding::TrnZero), -2);
        assert_eq!(divide(-7, 3, Rounding::Trn), -3);
    }

    #[test]
    fn quotients_saturate_and_keep_their_sign() {
        let ty = IntType::signed(8);
        let q = |a, b, shift| quotient(a, b, shift, Rounding::Rnd, ty);
        assert_eq!(
            [q(7, 2, 0), q(-7, 2, 0), q(7, -2, 0), q(-7, -2, 0)],
            [4, -3, -3, 4]
        );
        assert_eq!([q(1, 3, 6), q(100, 1, 1), q(-100, 1, 1)], [21, 127, -128]);
        assert_eq!([q(0, 0, 0), q(1, 0, 0), q(-1, 0, 0)], [0, 127, -128]);
    }

    #[test]
    fn roots_are_floors() {
        let roots = [-4, 0, 1, 3, 4, 8, 9, 15, 16].map(square_root);
        assert_eq!(roots, [0, 0, 1, 1, 2, 2, 3, 3, 4]);
        assert_eq!(square_root(i64::MAX), 3_037_000_499);
    }

    #[test]
    fn every_overflow_by_its_definition() {
        let raws = [-10, -9, -8, -7, 0, 7, 8, 9];
        let ty = IntType::signed(4);
        let got = |o| raws.map(|r| overflow(r, ty, o));
        assert_eq!(got(Overflow::Sat), [-8, -8, -8, -7, 0, 7, 7, 7]);
        assert_eq!(got(Overflow::SatSym), [-7, -7, -7, -7, 0, 7, 7, 7]);
        assert_eq!(got(Overflow::SatZero), [0, 0, -8, -7, 0, 7, 0, 0]);
        assert_eq!(got(Overflow::Wrap), [6, 7, -8, -7, 0, 7, -8, -7]);
    }
}
