//! Words of an event's payload: little-endian, one input after the other.

use crate::model::EventError;

/// A word as a payload holds it.
pub trait Word: Copy {
    /// Bytes of a word.
    const BYTES: usize;

    /// The word at the start of `bytes`, which holds one at least.
    fn read(bytes: &[u8]) -> Self;
}

/// The word itself. A loop of nothing but words would become a call that copies bytes: a payload begins anywhere, and this
/// core reads words from anywhere.
#[cfg(any(hodoscope_isa = "armv7em", hodoscope_isa = "armv8m-dsp"))]
use crate::arch::armv7em::opaque;

/// The word itself.
#[cfg(not(any(hodoscope_isa = "armv7em", hodoscope_isa = "armv8m-dsp")))]
#[inline(always)]
fn opaque(word: i32) -> i32 {
    word
}

macro_rules! word {
    ($($ty:ty),+) => {$(
        impl Word for $ty {
            const BYTES: usize = size_of::<$ty>();

            #[inline(always)]
            fn read(bytes: &[u8]) -> Self {
                let mut own = [0; size_of::<$ty>()];
                own.copy_from_slice(&bytes[..size_of::<$ty>()]);
                opaque(Self::from_le_bytes(own).into()) as Self
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
    fill(&mut words, own);
    *bytes = rest;
    words
}

/// Reads words: a loop that the compiler makes a copy of bytes.
#[cfg(not(any(hodoscope_isa = "armv7em", hodoscope_isa = "armv8m-dsp")))]
#[inline(always)]
fn fill<T: Word>(words: &mut [T], bytes: &[u8]) {
    for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(T::BYTES)) {
        *word = T::read(bytes);
    }
}

/// Reads words, four at once: the compiler does not unroll what it cannot see through.
#[cfg(any(hodoscope_isa = "armv7em", hodoscope_isa = "armv8m-dsp"))]
#[inline(always)]
fn fill<T: Word>(words: &mut [T], bytes: &[u8]) {
    let (fours, last) = words.as_chunks_mut::<4>();
    let (four_bytes, last_bytes) = bytes.split_at(4 * T::BYTES * fours.len());
    for (four, bytes) in fours.iter_mut().zip(four_bytes.chunks_exact(4 * T::BYTES)) {
        for (index, word) in four.iter_mut().enumerate() {
            *word = T::read(&bytes[index * T::BYTES..]);
        }
    }
    for (word, bytes) in last.iter_mut().zip(last_bytes.chunks_exact(T::BYTES)) {
        *word = T::read(bytes);
    }
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
        let mut bytes = &[1u8, 0, 2, 0, 3, 0, 4, 0, 0xfb, 0xff, 6, 0, 0, 0x80][..];
        assert_eq!(take::<i16, 6>(&mut bytes), [1, 2, 3, 4, -5, 6]);
        assert_eq!(take::<i16, 1>(&mut bytes), [i16::MIN]);
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
