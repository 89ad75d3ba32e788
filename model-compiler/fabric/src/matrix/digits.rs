//! Canonical signed digits: of all ways to write a number as ±2^i, the one with the fewest terms.

/// The terms of `number`: exponent, and whether it is subtracted. No two exponents are neighbours.
pub(crate) fn signed(number: i128) -> Vec<(u8, bool)> {
    let mut rest = number;
    let mut shift = 0;
    let mut terms = Vec::new();
    while rest != 0 {
        if rest & 1 == 1 {
            // 01 at the end is a term, 11 one to be subtracted.
            let minus = rest & 3 == 3;
            terms.push((shift, minus));
            rest += if minus { 1 } else { -1 };
        }
        rest >>= 1;
        shift += 1;
    }
    terms
}

/// How many terms a number has.
pub(crate) fn count(number: i128) -> usize {
    // Where a number and its triple differ.
    let n = number.unsigned_abs();
    ((n ^ (3 * n)) >> 1).count_ones() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_add_up_and_are_no_neighbours() {
        for number in (-5000..5000).chain([i64::MAX.into(), i64::MIN.into()]) {
            let terms = signed(number);
            let sum = terms.iter().map(|(s, minus)| match minus {
                true => -(1i128 << s),
                false => 1 << s,
            });
            assert_eq!(sum.sum::<i128>(), number);
            assert!(terms.windows(2).all(|t| t[1].0 > t[0].0 + 1), "{number}");
            assert_eq!(terms.len(), count(number), "{number}");
        }
    }
}
