//! Words of an event's payload: little-endian, one input after the other.

use crate::model::EventError;

/// A word as a payload holds it.
pub trait Word: Copy {
    /// Bytes of a word.
    const BYTES: usize;

    /// The word at the start of `bytes`, which holds one at least.
    fn read(bytes: &[u8]) -> Self;
}

macro_rules! word {
    ($($ty:ty),+) => {$(
        impl Word for $ty {
            const BYTES: usize = size_of::<$ty>();

            #[inline(always)]
            fn read(bytes: &[u8]) -> Self {
                let mut own = [0; size_of::<$ty>()];
                own.copy_from_slice(&bytes[..size_of::<$ty>()]);
                Self::from_le_bytes(own)
            }
        }
    )+};
}

word!(i8, i16, i32);

/// Reads `N` words and moves `bytes` behind them.
///
/// # Panics
/// If fewer bytes are left: [`split`] has checked that there are enough.
#[inline]
pub fn take<T: Word + Default, const N: usize>(bytes: &mut &[u8]) -> [T; N] {
    let mut words = [T::default(); N];
    let (own, rest) = bytes.split_at(N * T::BYTES);
    for (word, bytes) in words.iter_mut().zip(own.chunks_exact(T::BYTES)) {
        *word = T::read(bytes);
    }
    *bytes = rest;
    words
}

/// Splits a payload into its fixed inputs and its rows of `row` bytes (0: it has none).
///
/// # Errors
/// When its length fits no number of rows.
pub fn split(payload: &[u8], fixed: usize, row: usize) -> Result<(&[u8], &[u8]), EventError> {
    match payload.split_at_checked(fixed) {
        Some((head, rows)) if rows.is_empty() || row > 0 && rows.len().is_multiple_of(row) => {
            Ok((head, rows))
        }
        _ => Err(EventError::Length {
            got: payload.len(),
            fixed,
            row,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_little_endian_and_consumed_in_order() {
        let mut bytes = &[1u8, 0, 0xff, 0xff, 0x80][..];
        assert_eq!(take::<i16, 2>(&mut bytes), [1, -1]);
        assert_eq!(take::<i8, 1>(&mut bytes), [-128]);
        assert!(bytes.is_empty());
    }

    #[test]
    fn a_payload_has_its_fixed_inputs_and_whole_rows() {
        assert!(split(&[0; 10], 4, 3).is_ok());
        assert!(split(&[0; 4], 4, 0).is_ok());
        for (got, fixed, row) in [(3, 4, 0), (5, 4, 0), (11, 4, 3)] {
            let error = EventError::Length { got, fixed, row };
            assert_eq!(split(&[0; 11][..got], fixed, row), Err(error));
        }
    }
}
