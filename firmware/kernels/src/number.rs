//! The integers that kernels compute with.

use core::ops::{Add, AddAssign, BitAnd, Mul, Shl, Shr, Sub, SubAssign};

#[cfg(target_arch = "x86_64")]
pub use crate::arch::x86_64::Element;
use crate::order::Order;

/// An integer that dense layers read.
#[cfg(not(target_arch = "x86_64"))]
pub trait Element: Copy {}

#[cfg(not(target_arch = "x86_64"))]
impl<T: Copy> Element for T {}

/// An accumulator: `i32` or `i64`, as the planner proved sufficient.
pub trait Accumulator:
    Order
    + Element
    + From<i32>
    + PartialEq
    + Add<Output = Self>
    + AddAssign
    + Sub<Output = Self>
    + SubAssign
    + Mul<Output = Self>
    + Shl<u32, Output = Self>
    + Shr<u32, Output = Self>
    + BitAnd<Output = Self>
{
    /// Bits, the sign included.
    const BITS: u32;
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;

    /// The sum modulo 2 to the number of bits.
    fn wrapping_add(self, other: Self) -> Self;
}

macro_rules! accumulators {
    ($($ty:ty),+) => {$(
        impl Accumulator for $ty {
            const BITS: u32 = Self::BITS;
            const ZERO: Self = 0;
            const ONE: Self = 1;

            #[inline(always)]
            fn wrapping_add(self, other: Self) -> Self {
                self.wrapping_add(other)
            }
        }
    )+};
}
accumulators!(i32, i64);

/// A stored integer that another integer's value, proved to be within its range, is cut to.
pub trait Narrow<A>: Copy {
    /// The low bits of `value`: exact for a value of this type's range.
    fn narrow(value: A) -> Self;
}

macro_rules! narrow {
    ($($from:ty => $($to:ty),+;)+) => {$($(
        impl Narrow<$from> for $to {
            #[inline(always)]
            fn narrow(value: $from) -> Self {
                value as $to
            }
        }
    )+)+};
}

narrow! {
    i8 => i8, i16, i32, i64;
    i16 => i8, i16, i32, i64;
    i32 => i8, i16, i32, i64;
    i64 => i8, i16, i32, i64;
}
