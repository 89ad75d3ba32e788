//! The integers that kernels compute with.

use core::ops::{Add, AddAssign, BitAnd, Mul, Shl, Shr, Sub, SubAssign};

use crate::order::Order;

/// An accumulator: `i32` or `i64`, as the planner proved sufficient.
pub trait Accumulator:
    Order
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
}

impl Accumulator for i32 {
    const BITS: u32 = Self::BITS;
    const ZERO: Self = 0;
    const ONE: Self = 1;
}

impl Accumulator for i64 {
    const BITS: u32 = Self::BITS;
    const ZERO: Self = 0;
    const ONE: Self = 1;
}

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
