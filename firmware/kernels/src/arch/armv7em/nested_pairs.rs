//! Nested pairs: the loops of `crate::layout::nested_pairs` in assembly.
//!
//! One routine per kind of result serves all layers: it is called with a layer's stream and length.
//! In all of them `r0` walks along x, `r1` along the stream, and `r12` counts columns in fours; four
//! rows are accumulated at once, and eight columns are computed between two branches.

use core::arch::naked_asm;

use super::{bits, unsigned};

/// The sums of a layer. Lengths were checked by the caller.
#[inline(always)]
pub fn dense(x: &[i16], stream: &[i32], y: &mut [i32]) {
    let (from, quads) = (stream.as_ptr_range(), x.len() / 4);
    // SAFETY: `layout::stream::check` held for these lengths.
    unsafe { sums(x.as_ptr(), from.start, from.end, y.as_mut_ptr(), quads) }
}

/// A layer with its rescale. Lengths were checked by the caller.
#[inline(always)]
pub fn dense_rescale<const LOW: i32, const HIGH: i32>(x: &[i16], stream: &[i32], y: &mut [i16]) {
    let (from, quads) = (stream.as_ptr_range(), x.len() / 4);
    // SAFETY: `layout::stream::check` held for these lengths.
    unsafe { rescaled::<LOW, HIGH>(x.as_ptr(), from.start, from.end, y.as_mut_ptr(), quads) }
}

/// A layer with its rescale, of two constituents. Lengths were checked by the caller.
#[inline(always)]
pub fn dense_rescale_twins<const LOW: i32, const HIGH: i32>(
    x: &[i16],
    stream: &[i32],
    y: &mut [i16],
) {
    let (from, quads) = (stream.as_ptr_range(), x.len() / 8);
    // SAFETY: `layout::stream::check` held for these lengths.
    unsafe { twins::<LOW, HIGH>(x.as_ptr(), from.start, from.end, y.as_mut_ptr(), quads) }
}

/// Stores sums.
///
/// # Safety
/// x: `quads` times 4 halves from an address that is a multiple of 4; the stream ends at `end`, and holds
/// whole blocks for this length, one at least; `quads` is not 0; y has room for their results.
#[unsafe(naked)]
unsafe extern "C" fn sums(
    x: *const i16,
    stream: *const i32,
    end: *const i32,
    y: *mut i32,
    quads: usize,
) {
    naked_asm!(
        "push {{r4-r11, lr}}",
        "ldr r12, [sp, #36]",
        "push {{r2, r3}}",
        "push {{r0, r12}}",
        "1:",
        "ldmia r1!, {{r4-r7}}",
        "ldrd r0, r12, [sp]",
        "tst r12, #1",
        "bne 3f",
        "2:",
        "ldmia r1!, {{r8-r11}}",
        "ldrd r2, lr, [r0], #8",
        "smlad r4, r8, r2, r4",
        "sxtb16 r8, r8",
        "smlad r6, r8, r2, r6",
        "smlad r5, r9, r2, r5",
        "sxtb16 r9, r9",
        "smlad r7, r9, r2, r7",
        "smlad r4, r10, lr, r4",
        "sxtb16 r10, r10",
        "smlad r6, r10, lr, r6",
        "smlad r5, r11, lr, r5",
        "sxtb16 r11, r11",
        "smlad r7, r11, lr, r7",
        "3:",
        "ldmia r1!, {{r8-r11}}",
        "ldrd r2, lr, [r0], #8",
        "smlad r4, r8, r2, r4",
        "sxtb16 r8, r8",
        "smlad r6, r8, r2, r6",
        "smlad r5, r9, r2, r5",
        "sxtb16 r9, r9",
        "smlad r7, r9, r2, r7",
        "smlad r4, r10, lr, r4",
        "sxtb16 r10, r10",
        "smlad r6, r10, lr, r6",
        "smlad r5, r11, lr, r5",
        "sxtb16 r11, r11",
        "smlad r7, r11, lr, r7",
        "subs r12, r12, #2",
        "bgt 2b",
        "ldrd r2, r3, [sp, #8]",
        "sub r4, r4, r6",
        "asr r4, r4, #8",
        "sub r5, r5, r7",
        "asr r5, r5, #8",
        "strd r4, r6, [r3], #8",
        "strd r5, r7, [r3], #8",
        "str r3, [sp, #12]",
        "cmp r1, r2",
        "bne 1b",
        "add sp, #16",
        "pop {{r4-r11, pc}}",
    )
}

/// Stores rescaled and saturated results.
///
/// # Safety
/// x: `quads` times 4 halves from an address that is a multiple of 4; the stream ends at `end`, and holds
/// whole blocks for this length, one at least; `quads` is not 0; y has room for their results.
#[unsafe(naked)]
unsafe extern "C" fn rescaled<const LOW: i32, const HIGH: i32>(
    x: *const i16,
    stream: *const i32,
    end: *const i32,
    y: *mut i16,
    quads: usize,
) {
    naked_asm!(
            "push {{r4-r11, lr}}",
            "ldr r12, [sp, #36]",
            "push {{r2, r3}}",
            "push {{r0, r12}}",
            "1:",
            "ldmia r1!, {{r4-r7}}",
            "ldrd r0, r12, [sp]",
            "tst r12, #1",
            "bne 3f",
            "2:",
            "ldmia r1!, {{r8-r11}}",
            "ldrd r2, lr, [r0], #8",
            "smlad r4, r8, r2, r4",
            "sxtb16 r8, r8",
            "smlad r6, r8, r2, r6",
            "smlad r5, r9, r2, r5",
            "sxtb16 r9, r9",
            "smlad r7, r9, r2, r7",
            "smlad r4, r10, lr, r4",
            "sxtb16 r10, r10",
            "smlad r6, r10, lr, r6",
            "smlad r5, r11, lr, r5",
            "sxtb16 r11, r11",
            "smlad r7, r11, lr, r7",
            "3:",
            "ldmia r1!, {{r8-r11}}",
            "ldrd r2, lr, [r0], #8",
            "smlad r4, r8, r2, r4",
            "sxtb16 r8, r8",
            "smlad r6, r8, r2, r6",
            "smlad r5, r9, r2, r5",
            "sxtb16 r9, r9",
            "smlad r7, r9, r2, r7",
            "smlad r4, r10, lr, r4",
            "sxtb16 r10, r10",
            "smlad r6, r10, lr, r6",
            "smlad r5, r11, lr, r5",
            "sxtb16 r11, r11",
            "smlad r7, r11, lr, r7",
            "subs r12, r12, #2",
            "bgt 2b",
            "ldr r12, [r1], #4",
            "ldrd r2, r3, [sp, #8]",
            "sub r4, r4, r6",
            "asr r6, r6, r12",
            "lsr r12, r12, #8",
            "asr r4, r4, r12",
            "lsr r12, r12, #8",
            "sub r5, r5, r7",
            "asr r7, r7, r12",
            "lsr r12, r12, #8",
            "asr r5, r5, r12",
            ".if {unsigned}",
            "usat r4, #{bits}, r4",
            "usat r5, #{bits}, r5",
            "usat r6, #{bits}, r6",
            "usat r7, #{bits}, r7",
            ".else",
            "ssat r4, #{bits}, r4",
            "ssat r5, #{bits}, r5",
            "ssat r6, #{bits}, r6",
            "ssat r7, #{bits}, r7",
            ".endif",
            "pkhbt r4, r4, r6, lsl #16",
            "pkhbt r5, r5, r7, lsl #16",
            "strd r4, r5, [r3], #8",
            "str r3, [sp, #12]",
            "cmp r1, r2",
            "bne 1b",
            "add sp, #16",
            "pop {{r4-r11, pc}}",
            unsigned = const unsigned(LOW),
            bits = const bits(LOW, HIGH),
    )
}

/// Rescaled and saturated results of two constituents.
///
/// # Safety
/// x: `quads` times 8 halves from an address that is a multiple of 4; the stream ends at `end`, and holds
/// whole blocks for this length, one at least; `quads` is not 0; y has room for their results.
#[unsafe(naked)]
unsafe extern "C" fn twins<const LOW: i32, const HIGH: i32>(
    x: *const i16,
    stream: *const i32,
    end: *const i32,
    y: *mut i16,
    quads: usize,
) {
    naked_asm!(
            "push {{r4-r11, lr}}",
            "ldr r12, [sp, #36]",
            "push {{r2, r3}}",
            "push {{r0, r12}}",
            "1:",
            "ldmia r1, {{r4, r6, r8, r10}}",
            "ldmia r1!, {{r5, r7, r9, r11}}",
            "ldrd r0, r12, [sp]",
            "tst r12, #1",
            "bne 3f",
            "2:",
            "ldrd r2, r3, [r0], #8",
            "ldr lr, [r1], #4",
            "smlad r4, lr, r2, r4",
            "smlad r5, lr, r3, r5",
            "sxtb16 lr, lr",
            "smlad r8, lr, r2, r8",
            "smlad r9, lr, r3, r9",
            "ldr lr, [r1], #4",
            "smlad r6, lr, r2, r6",
            "smlad r7, lr, r3, r7",
            "sxtb16 lr, lr",
            "smlad r10, lr, r2, r10",
            "smlad r11, lr, r3, r11",
            "ldrd r2, r3, [r0], #8",
            "ldr lr, [r1], #4",
            "smlad r4, lr, r2, r4",
            "smlad r5, lr, r3, r5",
            "sxtb16 lr, lr",
            "smlad r8, lr, r2, r8",
            "smlad r9, lr, r3, r9",
            "ldr lr, [r1], #4",
            "smlad r6, lr, r2, r6",
            "smlad r7, lr, r3, r7",
            "sxtb16 lr, lr",
            "smlad r10, lr, r2, r10",
            "smlad r11, lr, r3, r11",
            "3:",
            "ldrd r2, r3, [r0], #8",
            "ldr lr, [r1], #4",
            "smlad r4, lr, r2, r4",
            "smlad r5, lr, r3, r5",
            "sxtb16 lr, lr",
            "smlad r8, lr, r2, r8",
            "smlad r9, lr, r3, r9",
            "ldr lr, [r1], #4",
            "smlad r6, lr, r2, r6",
            "smlad r7, lr, r3, r7",
            "sxtb16 lr, lr",
            "smlad r10, lr, r2, r10",
            "smlad r11, lr, r3, r11",
            "ldrd r2, r3, [r0], #8",
            "ldr lr, [r1], #4",
            "smlad r4, lr, r2, r4",
            "smlad r5, lr, r3, r5",
            "sxtb16 lr, lr",
            "smlad r8, lr, r2, r8",
            "smlad r9, lr, r3, r9",
            "ldr lr, [r1], #4",
            "smlad r6, lr, r2, r6",
            "smlad r7, lr, r3, r7",
            "sxtb16 lr, lr",
            "smlad r10, lr, r2, r10",
            "smlad r11, lr, r3, r11",
            "subs r12, r12, #2",
            "bgt 2b",
            "ldr r12, [r1], #4",
            "ldrd r2, r3, [sp, #8]",
            "sub r4, r4, r8",
            "sub r5, r5, r9",
            "sub r6, r6, r10",
            "sub r7, r7, r11",
            "asr r8, r8, r12",
            "asr r9, r9, r12",
            "lsr r12, r12, #8",
            "asr r4, r4, r12",
            "asr r5, r5, r12",
            "lsr r12, r12, #8",
            "asr r10, r10, r12",
            "asr r11, r11, r12",
            "lsr r12, r12, #8",
            "asr r6, r6, r12",
            "asr r7, r7, r12",
            ".if {unsigned}",
            "usat r4, #{bits}, r4",
            "usat r5, #{bits}, r5",
            "usat r6, #{bits}, r6",
            "usat r7, #{bits}, r7",
            "usat r8, #{bits}, r8",
            "usat r9, #{bits}, r9",
            "usat r10, #{bits}, r10",
            "usat r11, #{bits}, r11",
            ".else",
            "ssat r4, #{bits}, r4",
            "ssat r5, #{bits}, r5",
            "ssat r6, #{bits}, r6",
            "ssat r7, #{bits}, r7",
            "ssat r8, #{bits}, r8",
            "ssat r9, #{bits}, r9",
            "ssat r10, #{bits}, r10",
            "ssat r11, #{bits}, r11",
            ".endif",
            "pkhbt r4, r4, r8, lsl #16",
            "pkhbt r5, r5, r9, lsl #16",
            "pkhbt r6, r6, r10, lsl #16",
            "pkhbt r7, r7, r11, lsl #16",
            "stmia r3!, {{r4-r7}}",
            "str r3, [sp, #12]",
            "cmp r1, r2",
            "bne 1b",
            "add sp, #16",
            "pop {{r4-r11, pc}}",
            unsigned = const unsigned(LOW),
            bits = const bits(LOW, HIGH),
    )
}
