//! Numbers as the fewest signed powers of two.

/// The canonical signed digits of `number`: shifts, with whether the digit is −1. No two are neighbours, and
/// no other way to write it has fewer (Reitwiesner 1960).
pub(super) fn digits(number: i64) -> impl Iterator<Item = (u8, bool)> {
    // One more bit than an i64 has: 2^63 − 1 is 2^63 less one.
    let mut rest = i128::from(number);
    let mut shift = 0u8;
    std::iter::from_fn(move || {
        if rest == 0 {
            return None;
        }
        let zeros = rest.trailing_zeros();
        rest >>= zeros;
        shift += zeros as u8;
        // 3 modulo 4 is 4 less 1.
        let negative = rest & 3 == 3;
        rest += if negative { 1 } else { -1 };
        Some((shift, negative))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_add_up_and_have_no_neighbours() {
        for number in -1030..=1030 {
            let all: Vec<(u8, bool)> = digits(number).collect();
            let sum: i64 = all
                .iter()
                .map(|(shift, negative)| if *negative { -1 << shift } else { 1 << shift })
                .sum();
            assert_eq!(sum, number);
            assert!(
                all.windows(2).all(|pair| pair[1].0 > pair[0].0 + 1),
                "{number}"
            );
        }
        assert_eq!(digits(7).collect::<Vec<_>>(), [(0, true), (3, false)]);
        assert_eq!(
            digits(i64::MAX).collect::<Vec<_>>(),
            [(0, true), (63, false)]
        );
    }
}
