//! Values in three copies.

use core::hint::black_box;

/// A value whose copies can be outvoted bit by bit.
pub trait Vote: Copy + Eq {
    /// Each bit as at least two of three have it.
    fn vote(all: [Self; 3]) -> Self;
}

impl Vote for u16 {
    fn vote([a, b, c]: [Self; 3]) -> Self {
        a & b | a & c | b & c
    }
}

impl Vote for u32 {
    fn vote([a, b, c]: [Self; 3]) -> Self {
        a & b | a & c | b & c
    }
}

impl Vote for i64 {
    fn vote([a, b, c]: [Self; 3]) -> Self {
        a & b | a & c | b & c
    }
}

/// A value in three copies: what any one of them has lost, the others have.
#[derive(Clone, Copy, Debug)]
pub struct Triple<T>([T; 3]);

impl<T: Vote> Triple<T> {
    /// Three copies of a value.
    #[must_use]
    pub const fn new(value: T) -> Self {
        Self([value; 3])
    }

    /// The value.
    #[inline]
    #[must_use]
    pub fn get(&self) -> T {
        // The compiler has to read all of them: it cannot know that they are equal.
        T::vote(*black_box(&self.0))
    }

    /// Another value.
    #[inline]
    pub fn set(&mut self, value: T) {
        self.0 = [value; 3];
        black_box(&mut self.0);
    }

    /// Makes the copies equal again: whether they were not.
    #[inline]
    pub fn repair(&mut self) -> bool {
        let all = *black_box(&self.0);
        let value = T::vote(all);
        let is_wrong = all.iter().any(|copy| *copy != value);
        if is_wrong {
            self.set(value);
        }
        is_wrong
    }
}

impl<T: Vote + Default> Default for Triple<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_one_copy_is_outvoted() {
        let value = 0x0123_4567_89ab_cdef_i64;
        for copy in 0..3 {
            for bit in 0..64 {
                let mut triple = Triple::new(value);
                triple.0[copy] ^= 1 << bit;
                assert_eq!(triple.get(), value);
                assert!(triple.repair());
                assert_eq!(triple.0, [value; 3]);
                assert!(!triple.repair());
            }
        }
    }

    #[test]
    fn different_bits_of_all_copies_are_outvoted() {
        let mut triple = Triple::new(5_u32);
        triple.0 = [5 ^ 1, 5 ^ 2, 5 ^ 1 << 31];
        assert_eq!(triple.get(), 5);
        assert!(triple.repair());
        triple.set(9);
        assert_eq!(triple.get(), 9);
    }
}
