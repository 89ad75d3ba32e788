//! Order on cores without minimum, maximum or conditional instructions: RV32I and RV32IM without
//! the bit-manipulation extension, ARMv6-M.
//!
//! The compiler turns every select into a branch there. A mask that it cannot see through keeps the
//! select arithmetic: five instructions, whatever the values, or three against zero.

use core::arch::asm;

/// `mask` itself, of which the compiler knows nothing any more.
#[inline(always)]
fn opaque(mut mask: i32) -> i32 {
    // SAFETY: the assembly is empty: it reads and writes only the register it is given.
    unsafe { asm!("/* {0} */", inout(reg) mask, options(pure, nomem, nostack, preserves_flags)) };
    mask
}

/// −1 where a < b, else 0.
#[cfg(any(hodoscope_isa = "rv32im", hodoscope_isa = "rv32i"))]
#[inline(always)]
fn less(a: i32, b: i32) -> i32 {
    opaque(-i32::from(a < b))
}

/// −1 where a < b, else 0: the sign of a − b, or of a where that overflows. ARMv6-M has no
/// instruction for the truth of a comparison, so that one would branch.
#[cfg(hodoscope_isa = "armv6m")]
#[inline(always)]
fn less(a: i32, b: i32) -> i32 {
    let difference = a.wrapping_sub(b);
    opaque((difference ^ ((a ^ b) & (difference ^ a))) >> 31)
}

/// The larger of two.
#[inline(always)]
pub fn larger(a: i32, b: i32) -> i32 {
    a ^ ((a ^ b) & less(a, b))
}

/// The smaller of two.
#[inline(always)]
pub fn smaller(a: i32, b: i32) -> i32 {
    b ^ ((a ^ b) & less(a, b))
}

/// −1 where a < b, else 0, as for words.
#[cfg(hodoscope_isa = "armv6m")]
#[inline(always)]
fn less_wide(a: i64, b: i64) -> i64 {
    let difference = a.wrapping_sub(b);
    let sign = difference ^ ((a ^ b) & (difference ^ a));
    opaque((sign >> 32) as i32 >> 31).into()
}

/// −1 where a < b, else 0, word by word.
#[cfg(any(hodoscope_isa = "rv32im", hodoscope_isa = "rv32i"))]
#[inline(always)]
fn less_wide(a: i64, b: i64) -> i64 {
    let (high_a, high_b) = ((a >> 32) as i32, (b >> 32) as i32);
    let less = i32::from(high_a < high_b);
    let equal = i32::from(high_a == high_b);
    let less_low = i32::from((a as u32) < b as u32);
    opaque(-(less | (opaque(equal) & opaque(less_low)))).into()
}

/// The larger of two.
#[inline(always)]
pub fn larger_wide(a: i64, b: i64) -> i64 {
    a ^ ((a ^ b) & less_wide(a, b))
}

/// The smaller of two.
#[inline(always)]
pub fn smaller_wide(a: i64, b: i64) -> i64 {
    b ^ ((a ^ b) & less_wide(a, b))
}

/// −1 where x is negative, else 0.
#[inline(always)]
pub fn sign(x: i32) -> i32 {
    opaque(x >> 31)
}

/// The smaller of x and 0.
#[inline(always)]
pub fn negative_part(x: i32) -> i32 {
    x & opaque(x >> 31)
}

/// The larger of x and 0.
#[inline(always)]
pub fn positive_part(x: i32) -> i32 {
    x & !opaque(x >> 31)
}
