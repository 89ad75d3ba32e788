//! ARMv7E-M and ARMv8-M with the DSP extension: two 16-bit multiplies and an add in one instruction.
//!
//! `core::arch` offers these instructions on no stable compiler; assembly does. The routines are
//! called, not inlined: their code is there once, whatever the number of layers. In all of them `r0` walks
//! along x, `r1` along a layer's stream, and `r12` counts columns in fours; four rows are accumulated at once.

#[macro_use]
mod routine;

pub mod byte_pairs;
pub mod half_pairs;
pub mod nested_pairs;

/// The word itself, of which the compiler knows nothing any more.
#[inline(always)]
pub fn opaque(mut word: i32) -> i32 {
    // SAFETY: the assembly is empty: it reads and writes only the register it is given.
    unsafe {
        core::arch::asm!("/* {0} */", inout(reg) word, options(pure, nomem, nostack, preserves_flags));
    }
    word
}

/// Whether `low..` is the range of an unsigned type: `USAT` saturates into it, else `SSAT`.
const fn unsigned(low: i32) -> i32 {
    (low == 0) as i32
}

/// Bits of the type with the range `low..=high`.
///
/// # Panics
/// While compiling, if it is that of no type.
const fn bits(low: i32, high: i32) -> u32 {
    let bits = (high as u32).trailing_ones();
    assert!(high > 0 && high as u32 == (1 << bits) - 1, "no such type");
    if low == 0 {
        return bits;
    }
    assert!(low == -high - 1, "no such type");
    bits + 1
}
