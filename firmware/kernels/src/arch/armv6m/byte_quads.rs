//! The body of [`crate::layout::byte_quads`] for ARMv6-M.

use core::arch::naked_asm;

use crate::layout::groups::ROWS;

/// The sums of one group of eight rows, as [`crate::layout::byte_quads::portable`] gives them.
#[inline(always)]
pub fn group(x: &[i8], words: &[u32], blocks: &[u8], sums: &mut [i32; ROWS]) -> usize {
    if x.is_empty() || words.len() < 2 * x.len() {
        return 0;
    }
    let ends = x.as_ptr_range();
    // SAFETY: x, words and sums are as long as the function asks for; the block lengths are those
    // that the compiler made for this layer.
    let end = unsafe {
        columns(
            ends.start,
            words.as_ptr(),
            blocks.as_ptr(),
            sums.as_mut_ptr(),
            ends.end,
        )
    };
    for sums in sums.as_chunks_mut::<4>().0 {
        for first in 0..2 {
            sums[first] = sums[first].wrapping_sub(sums[first + 2] << 16);
        }
    }
    end.addr() - blocks.as_ptr().addr()
}

/// Adds all blocks to `sums`; returns the end of their lengths.
///
/// A block jumps into the sixteen columns that are written out, so that its length costs no branch.
///
/// # Safety
/// From `x` to `end` there is at least one byte. `words` holds two words for each, `blocks` lengths
/// of 1 to 16 of which some first ones add up to the number of bytes, `sums` eight words.
// SAFETY: keeps to the procedure call standard: saves r4 to r11 and returns to lr.
#[unsafe(naked)]
unsafe extern "C" fn columns(
    x: *const i8,
    words: *const u32,
    blocks: *const u8,
    sums: *mut i32,
    end: *const i8,
) -> *const u8 {
    naked_asm!(
        "push {{r4, r5, r6, r7, lr}}",
        "mov r4, r8",
        "mov r5, r9",
        "mov r6, r10",
        "mov r7, r11",
        "push {{r4, r5, r6, r7}}",
        // [sp]: next block length, [sp, 4]: sums, [sp, 44]: end.
        "push {{r2, r3}}",
        "mov r3, r1",
        // A column has 32 bytes of code.
        "adr r4, 3f",
        "adds r4, 32",
        "mov lr, r4",
        "ldr r7, 5f",
        // r0: x, r1: its element, r3: words, r7: even bytes; r8, r10: sums of all bytes, r9, r11:
        // of the odd ones, r12: of x. The first column of a block: products are the sums.
        "2:",
        "ldr r4, [sp]",
        "ldrb r2, [r4]",
        "adds r4, 1",
        "str r4, [sp]",
        "movs r1, 0",
        "ldrsb r1, [r0, r1]",
        "ldm r3!, {{r4, r5}}",
        "mov r12, r1",
        "lsrs r6, r4, 8",
        "ands r6, r7",
        "muls r6, r1, r6",
        "mov r9, r6",
        "muls r4, r1, r4",
        "mov r8, r4",
        "lsrs r6, r5, 8",
        "ands r6, r7",
        "muls r6, r1, r6",
        "mov r11, r6",
        "muls r5, r1, r5",
        "mov r10, r5",
        // r0: end of the block, r2: minus the number of columns that are left.
        "adds r0, r0, r2",
        "lsls r6, r2, 5",
        "mov r4, lr",
        "subs r4, r4, r6",
        "negs r2, r2",
        "adds r2, 1",
        "mov pc, r4",
        ".p2align 2",
        ".rept 15",
        "ldm r3!, {{r4, r5}}",
        "ldrsb r1, [r0, r2]",
        "adds r2, 1",
        "add r12, r1",
        "lsrs r6, r4, 8",
        "ands r6, r7",
        "muls r6, r1, r6",
        "add r9, r6",
        "muls r4, r1, r4",
        "add r8, r4",
        "lsrs r6, r5, 8",
        "ands r6, r7",
        "muls r6, r1, r6",
        "add r11, r6",
        "muls r5, r1, r5",
        "add r10, r5",
        ".endr",
        "3:",
        // r1: what the offset of the bytes adds, less the half that rounds.
        "mov r1, r12",
        "lsls r1, r1, 7",
        "lsls r2, r1, 16",
        "adds r1, r1, r2",
        "movs r2, 1",
        "lsls r2, r2, 15",
        "subs r1, r1, r2",
        "ldr r2, [sp, 4]",
        // r4: even rows, r5: odd rows.
        "mov r4, r8",
        "mov r5, r9",
        "lsls r6, r5, 8",
        "subs r4, r4, r6",
        "subs r4, r4, r1",
        "subs r5, r5, r1",
        "ldr r6, [r2]",
        "ldr r7, [r2, 4]",
        "adds r6, r6, r4",
        "adds r7, r7, r5",
        "stm r2!, {{r6, r7}}",
        "asrs r4, r4, 16",
        "asrs r5, r5, 16",
        "ldr r6, [r2]",
        "ldr r7, [r2, 4]",
        "adds r6, r6, r4",
        "adds r7, r7, r5",
        "stm r2!, {{r6, r7}}",
        "mov r4, r10",
        "mov r5, r11",
        "lsls r6, r5, 8",
        "subs r4, r4, r6",
        "subs r4, r4, r1",
        "subs r5, r5, r1",
        "ldr r6, [r2]",
        "ldr r7, [r2, 4]",
        "adds r6, r6, r4",
        "adds r7, r7, r5",
        "stm r2!, {{r6, r7}}",
        "asrs r4, r4, 16",
        "asrs r5, r5, 16",
        "ldr r6, [r2]",
        "ldr r7, [r2, 4]",
        "adds r6, r6, r4",
        "adds r7, r7, r5",
        "stm r2!, {{r6, r7}}",
        "ldr r7, 5f",
        "ldr r4, [sp, 44]",
        "cmp r0, r4",
        "beq 4f",
        "b 2b",
        "4:",
        "pop {{r0, r1}}",
        "pop {{r4, r5, r6, r7}}",
        "mov r8, r4",
        "mov r9, r5",
        "mov r10, r6",
        "mov r11, r7",
        "pop {{r4, r5, r6, r7, pc}}",
        ".p2align 2",
        "5:",
        ".word 0x00ff00ff",
    )
}
