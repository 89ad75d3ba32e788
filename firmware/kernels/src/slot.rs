//! Memory that activations take in turn.

/// The first `N` elements of a slot: room for a value, as long as it is needed. What stood there before still does.
///
/// # Panics
/// If the slot is shorter, which is known where it is compiled.
#[inline(always)]
pub fn start<T, const N: usize>(slot: &mut [T]) -> &mut [T; N] {
    &mut slot.as_chunks_mut::<N>().0[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_the_slots_first_elements() {
        let mut slot = [1, 2, 3, 4, 5];
        *start::<_, 3>(&mut slot) = [7, 8, 9];
        assert_eq!(start::<_, 5>(&mut slot), &[7, 8, 9, 4, 5]);
    }
}
