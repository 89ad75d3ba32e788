//! Start-up, and the way from an exception to Rust.

use core::arch::global_asm;

// Ibex goes to the start of its vector table on an exception, and starts 0x80 bytes behind it; the
// others are set up to do the same. `_has_traps` comes from memory.x: PicoRV32 has no registers for
// exceptions, and stops instead.
global_asm!(
    ".pushsection .start, \"ax\"",
    ".option push",
    ".option arch, +zicsr",
    ".balign 256",
    "_vectors:",
    "j _trap",
    ".balign 128",
    ".global _start",
    "_start:",
    ".option push",
    ".option norelax",
    "la gp, __global_pointer$",
    ".option pop",
    "la sp, _stack_top",
    "lui t0, %hi(_has_traps)",
    "addi t0, t0, %lo(_has_traps)",
    "beqz t0, 1f",
    "la t0, _vectors",
    "csrw mtvec, t0",
    "1:",
    "la t0, _bss_start",
    "la t1, _bss_end",
    "2:",
    "bgeu t0, t1, 3f",
    "sw zero, 0(t0)",
    "addi t0, t0, 4",
    "j 2b",
    "3:",
    "call main",
    "_trap:",
    "la sp, _stack_top",
    "csrr a0, mcause",
    "csrr a1, mepc",
    "call _exception",
    ".option pop",
    ".popsection",
);
