//! Larger, smaller and clamped, without a branch on the data.
//!
//! A core without instructions for minimum and maximum would branch, and its instruction count
//! would depend on the values: there the bodies of [`crate::arch`] are taken.

/// A number with branch-free order.
pub trait Order: Copy {
    /// The larger of two.
    fn larger(self, other: Self) -> Self;
    /// The smaller of two.
    fn smaller(self, other: Self) -> Self;

    /// The nearest number within `minimum` and `maximum`, both included.
    #[inline(always)]
    fn within(self, minimum: Self, maximum: Self) -> Self {
        self.larger(minimum).smaller(maximum)
    }
}

#[cfg(not(hodoscope_masks))]
macro_rules! order {
    ($($ty:ty),+) => {$(
        impl Order for $ty {
            #[inline(always)]
            fn larger(self, other: Self) -> Self {
                self.max(other)
            }

            #[inline(always)]
            fn smaller(self, other: Self) -> Self {
                self.min(other)
            }
        }
    )+};
}

#[cfg(not(hodoscope_masks))]
order!(i8, i16, i32, i64);

#[cfg(hodoscope_masks)]
macro_rules! order {
    ($($ty:ty),+) => {$(
        impl Order for $ty {
            #[inline(always)]
            fn larger(self, other: Self) -> Self {
                crate::arch::masks::larger(self.into(), other.into()) as Self
            }

            #[inline(always)]
            fn smaller(self, other: Self) -> Self {
                crate::arch::masks::smaller(self.into(), other.into()) as Self
            }
        }
    )+};
}

#[cfg(hodoscope_masks)]
order!(i8, i16, i32);

#[cfg(hodoscope_masks)]
impl Order for i64 {
    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        crate::arch::masks::larger_wide(self, other)
    }

    #[inline(always)]
    fn smaller(self, other: Self) -> Self {
        crate::arch::masks::smaller_wide(self, other)
    }
}

/// [`Order::within`], as a function.
#[inline(always)]
pub fn within<T: Order>(x: T, minimum: T, maximum: T) -> T {
    x.within(minimum, maximum)
}

#[cfg(hodoscope_masks)]
pub use crate::arch::masks::{negative_part, positive_part, sign};

/// The smaller of x and 0.
#[cfg(not(hodoscope_masks))]
#[inline(always)]
pub fn negative_part(x: i32) -> i32 {
    x.min(0)
}

/// −1 where x is negative, else 0: a mask that no core turns into a branch.
#[cfg(not(hodoscope_masks))]
#[inline(always)]
pub fn sign(x: i32) -> i32 {
    x >> 31
}

/// The larger of x and 0.
#[cfg(not(hodoscope_masks))]
#[inline(always)]
pub fn positive_part(x: i32) -> i32 {
    x.max(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_that_of_the_integers() {
        let ends = [i32::MIN, -1, 0, 1, i32::MAX];
        for a in ends {
            for b in ends {
                assert_eq!(a.larger(b), core::cmp::max(a, b));
                assert_eq!(a.smaller(b), core::cmp::min(a, b));
            }
        }
        assert_eq!(within(-200i64, -128, 127), -128);
        assert_eq!(within(100i16, -128, 127), 100i16);
    }
}
