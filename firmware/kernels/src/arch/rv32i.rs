//! RV32I: no multiplier. Layers are additions (`shift_adds`); what is left to multiply is done here.
//!
//! The compiler calls `__mulsi3` and `__muldi3`. Its own library's stop at the multiplier's highest bit, so
//! that the number of instructions would depend on the data. These take the same time for all numbers; they
//! replace the library's, which are weak symbols.
//!
//! Whole functions in assembly: the optimiser knows these two by name, and would drop bodies in Rust before
//! it makes the calls.

use core::arch::naked_asm;

/// a · b modulo 2^32: a bit of b at a time, without a branch on it.
// SAFETY: keeps to the calling convention: changes a0 to a3 only. The name is that of the compiler's library,
// and so are operands and result.
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn __mulsi3(_a: u32, _b: u32) -> u32 {
    naked_asm!(
        "mv a2, a0
         li a0, 0
         .rept 31
         andi a3, a1, 1
         neg a3, a3
         and a3, a3, a2
         add a0, a0, a3
         srli a1, a1, 1
         slli a2, a2, 1
         .endr
         andi a3, a1, 1
         neg a3, a3
         and a3, a3, a2
         add a0, a0, a3
         ret"
    )
}

/// a · b modulo 2^64.
// SAFETY: keeps to the calling convention: changes a0 to a7 and t0 to t2 only. The name is that of the
// compiler's library, and so are operands and result.
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn __muldi3(_a: u64, _b: u64) -> u64 {
    // a4, a5: a, shifted; a6: what is left of b's word; a7: bits that are left; a0, a1: the sum.
    naked_asm!(
        "mv a4, a0
         mv a5, a1
         mv a6, a2
         mv t2, a0
         li a0, 0
         li a1, 0
         li a7, 32
         1:
         andi t0, a6, 1
         neg t0, t0
         and t1, t0, a4
         add a0, a0, t1
         sltu t1, a0, t1
         add a1, a1, t1
         and t1, t0, a5
         add a1, a1, t1
         srli t1, a4, 31
         slli a5, a5, 1
         or a5, a5, t1
         slli a4, a4, 1
         srli a6, a6, 1
         addi a7, a7, -1
         bnez a7, 1b
         li a7, 32
         2:
         andi t0, a3, 1
         neg t0, t0
         and t0, t0, t2
         add a1, a1, t0
         slli t2, t2, 1
         srli a3, a3, 1
         addi a7, a7, -1
         bnez a7, 2b
         ret"
    )
}
