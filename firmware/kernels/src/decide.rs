//! From a threshold on a score to one on what the score is computed from.

/// The least x at which a monotone function of it is at least `raw`.
///
/// `steps` holds each result of the function, in ascending order, with the least x that has it. Where no result is at
/// least `raw`, it is `never`: more than any x. In a constant all of this happens where a firmware is built.
#[must_use]
pub const fn least(steps: &[(i64, i32)], never: i32, raw: i64) -> i32 {
    let (mut low, mut high) = (0, steps.len());
    while low < high {
        let middle = (low + high) / 2;
        if steps[middle].0 < raw {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if low < steps.len() {
        steps[low].1
    } else {
        never
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_that_passes_is_that_of_the_definition() {
        let function = |x: i32| i64::from(x * x * x / 9);
        let mut steps = [(0, 0); 41];
        let mut count = 0;
        for x in -20..=20 {
            if count == 0 || steps[count - 1].0 < function(x) {
                steps[count] = (function(x), x);
                count += 1;
            }
        }
        for raw in -1000..=1000 {
            let expected = (-20..=20).find(|&x| function(x) >= raw).unwrap_or(99);
            assert_eq!(least(&steps[..count], 99, raw), expected, "{raw}");
        }
        assert_eq!(least(&[], 5, 0), 5);
    }
}
