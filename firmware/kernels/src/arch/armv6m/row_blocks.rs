//! The body of [`crate::layout::row_blocks`] for ARMv6-M.

use core::arch::naked_asm;

use crate::layout::groups::ROWS;

/// An operand that the assembly loads.
pub trait Element: Copy + Into<i32> {
    /// Adds all columns to `sums`.
    ///
    /// # Safety
    /// `bytes` is not 0; that many, of this type, end at `end`. `weights` holds two words for each
    /// element, `sums` eight.
    unsafe extern "C" fn columns(
        end: *const Self,
        bytes: usize,
        weights: *const u32,
        sums: *mut i32,
    );
}

/// The sums of one group of eight rows, as [`crate::layout::row_blocks::portable`] gives them.
#[inline(always)]
pub fn group<X: Element>(x: &[X], weights: &[u32], sums: &mut [i32; ROWS]) {
    if x.is_empty() || weights.len() < 2 * x.len() {
        return;
    }
    // SAFETY: x, weights and sums are as long as the function asks for.
    unsafe {
        X::columns(
            x.as_ptr_range().end,
            size_of_val(x),
            weights.as_ptr(),
            sums.as_mut_ptr(),
        );
    }
}

macro_rules! element {
    ($ty:ty, $load:literal, $bytes:literal) => {
        impl Element for $ty {
            // SAFETY: keeps to the procedure call standard: saves r4 to r11 and returns to lr.
            #[unsafe(naked)]
            unsafe extern "C" fn columns(
                end: *const Self,
                bytes: usize,
                weights: *const u32,
                sums: *mut i32,
            ) {
                naked_asm!(
                    "push {{r4, r5, r6, r7, lr}}",
                    "mov r4, r8",
                    "mov r5, r9",
                    "mov r6, r10",
                    "mov r7, r11",
                    "push {{r3, r4, r5, r6, r7}}",
                    // Rows 0 to 7 in r8 to r12, lr, r5, r7.
                    "ldm r3!, {{r4, r5, r6, r7}}",
                    "mov r8, r4",
                    "mov r9, r5",
                    "mov r10, r6",
                    "mov r11, r7",
                    "ldm r3!, {{r4, r5, r6, r7}}",
                    "mov r12, r4",
                    "mov lr, r5",
                    "mov r5, r6",
                    // r0: end of x, r2: minus the bytes that are left, r1: an element, r3: weights.
                    "mov r3, r2",
                    "negs r2, r1",
                    "2:",
                    concat!($load, " r1, [r0, r2]"),
                    "ldm r3!, {{r4}}",
                    "sxtb r6, r4",
                    "muls r6, r1, r6",
                    "add r8, r6",
                    "asrs r6, r4, 24",
                    "muls r6, r1, r6",
                    "add r11, r6",
                    "lsrs r4, r4, 8",
                    "sxtb r6, r4",
                    "muls r6, r1, r6",
                    "add r9, r6",
                    "lsrs r4, r4, 8",
                    "sxtb r4, r4",
                    "muls r4, r1, r4",
                    "add r10, r4",
                    "ldm r3!, {{r4}}",
                    "sxtb r6, r4",
                    "muls r6, r1, r6",
                    "add r12, r6",
                    "asrs r6, r4, 24",
                    "muls r6, r1, r6",
                    "adds r7, r7, r6",
                    "lsrs r4, r4, 8",
                    "sxtb r6, r4",
                    "muls r6, r1, r6",
                    "add lr, r6",
                    "lsrs r4, r4, 8",
                    "sxtb r4, r4",
                    "muls r4, r1, r4",
                    "adds r5, r5, r4",
                    concat!("adds r2, ", $bytes),
                    "bmi 2b",
                    "pop {{r0}}",
                    "mov r1, r8",
                    "mov r2, r9",
                    "mov r3, r10",
                    "mov r4, r11",
                    "stm r0!, {{r1, r2, r3, r4}}",
                    "mov r1, r12",
                    "mov r2, lr",
                    "stm r0!, {{r1, r2, r5, r7}}",
                    "pop {{r4, r5, r6, r7}}",
                    "mov r8, r4",
                    "mov r9, r5",
                    "mov r10, r6",
                    "mov r11, r7",
                    "pop {{r4, r5, r6, r7, pc}}",
                )
            }
        }
    };
}

element!(i8, "ldrsb", 1);
element!(i16, "ldrsh", 2);
