//! What the layers of eight rows at a time share.
//!
//! A layer is one function: it keeps its sums in registers from the bias to the result. The
//! registers are
//!
//! | register | holds |
//! |---|---|
//! | a0 | the [`Layer`] |
//! | a1, a2 | x: next element, and end |
//! | a3 | next weight |
//! | a4 | next block length, where there are blocks |
//! | a5 to a7 | constants of the layout |
//! | t0 to t5 | for the moment |
//! | t6 | next bias |
//! | s0 to s3 | sums of the block |
//! | s4 to s11 | sums of the rows |

use crate::layout::groups::ROWS;

/// A layer, or what is left of it.
#[repr(C)]
pub struct Layer<X, W, Y> {
    /// The operand.
    pub(super) x: *const X,
    /// Its end.
    pub(super) x_end: *const X,
    /// Weights of the next group.
    pub(super) weights: *const W,
    /// Lengths of the blocks of the next group.
    pub(super) blocks: *const u8,
    /// Bias of the next group.
    pub(super) bias: *const i32,
    /// Bias where the function ends.
    pub(super) bias_end: *const i32,
    /// Shifts of the next group.
    pub(super) shifts: *const u8,
    /// Results of the next group.
    pub(super) y: *mut Y,
    /// The largest result less the smallest.
    pub(super) range: i32,
    /// The smallest result.
    pub(super) minimum: i32,
}

impl<X, W, Y: Copy + Default> Layer<X, W, Y> {
    /// Calls `run` for all full groups of `y`, and for the rest.
    ///
    /// `run` computes the groups up to `bias_end`, and advances all pointers but those of x.
    #[inline(always)]
    pub(super) fn each(&mut self, y: &mut [Y], mut run: impl FnMut(&mut Self)) {
        let (full, rest) = y.split_at_mut(y.len() & !(ROWS - 1));
        if !full.is_empty() {
            self.y = full.as_mut_ptr();
            self.bias_end = self.bias.wrapping_add(full.len());
            run(self);
        }
        if !rest.is_empty() {
            let mut last = [Y::default(); ROWS];
            self.y = last.as_mut_ptr();
            self.bias_end = self.bias.wrapping_add(ROWS);
            run(self);
            for (y, last) in rest.iter_mut().zip(last) {
                *y = last;
            }
        }
    }
}

/// The instructions that the assembler may use: it does not know the target's in whole functions.
#[cfg(target_feature = "c")]
macro_rules! instructions {
    () => {
        ".option push
         .option arch, +m, +c"
    };
}
#[cfg(not(target_feature = "c"))]
macro_rules! instructions {
    () => {
        ".option push
         .option arch, +m"
    };
}

/// Saves registers; loads what a group does not.
macro_rules! enter {
    () => {
        "addi sp, sp, -48
         sw s0, 0(sp)
         sw s1, 4(sp)
         sw s2, 8(sp)
         sw s3, 12(sp)
         sw s4, 16(sp)
         sw s5, 20(sp)
         sw s6, 24(sp)
         sw s7, 28(sp)
         sw s8, 32(sp)
         sw s9, 36(sp)
         sw s10, 40(sp)
         sw s11, 44(sp)
         lw a2, 4(a0)
         lw a3, 8(a0)
         lw a4, 12(a0)
         lw t6, 16(a0)"
    };
}

/// Begins a group: its sums are its biases, rows in the order of their registers.
macro_rules! begin {
    () => {
        "1:
         lw a1, 0(a0)
         lw s4, 0(t6)
         lw s5, 4(t6)
         lw s6, 8(t6)
         lw s7, 12(t6)
         lw s8, 16(t6)
         lw s9, 20(t6)
         lw s10, 24(t6)
         lw s11, 28(t6)
         addi t6, t6, 32"
    };
}

/// Two rows: shift, saturate, store.
macro_rules! results {
    ($store:literal, $bytes:literal, $row:literal, $first:literal, $second:literal) => {
        concat!(
            "lbu t0, ",
            $row,
            "(t4)
             lbu t1, ",
            $row,
            " + 1(t4)
             sra ",
            $first,
            ", ",
            $first,
            ", t0
             sra ",
            $second,
            ", ",
            $second,
            ", t1
             srai t0, ",
            $first,
            ", 31
             srai t1, ",
            $second,
            ", 31
             and t0, t0, ",
            $first,
            "
             and t1, t1, ",
            $second,
            "
             add t0, t0, s2
             add t1, t1, s2
             srai t2, t0, 31
             srai t3, t1, 31
             not t2, t2
             not t3, t3
             and t0, t0, t2
             and t1, t1, t3
             add t0, t0, s3
             add t1, t1, s3
             ",
            $store,
            " t0, ",
            $bytes,
            " * ",
            $row,
            "(t5)
             ",
            $store,
            " t1, ",
            $bytes,
            " * (",
            $row,
            " + 1)(t5)
             "
        )
    };
}

/// Ends a group with the rescale: a row is ⌊sum / 2^shift⌋, at most 0, plus range, at least 0, plus
/// minimum. Goes on to the next group.
macro_rules! rescale {
    ($store:literal, $bytes:literal) => {
        concat!(
            "lw t4, 24(a0)
             lw t5, 28(a0)
             lw s2, 32(a0)
             lw s3, 36(a0)
             ",
            results!($store, $bytes, "0", "s4", "s5"),
            results!($store, $bytes, "2", "s6", "s7"),
            results!($store, $bytes, "4", "s8", "s9"),
            results!($store, $bytes, "6", "s10", "s11"),
            "addi t4, t4, 8
             addi t5, t5, 8 * ",
            $bytes,
            "
             sw t4, 24(a0)
             sw t5, 28(a0)
             lw t0, 20(a0)
             bne t6, t0, 1b"
        )
    };
}

/// Ends a group with its sums. Goes on to the next group.
macro_rules! store {
    () => {
        "lw t5, 28(a0)
         sw s4, 0(t5)
         sw s5, 4(t5)
         sw s6, 8(t5)
         sw s7, 12(t5)
         sw s8, 16(t5)
         sw s9, 20(t5)
         sw s10, 24(t5)
         sw s11, 28(t5)
         addi t5, t5, 32
         sw t5, 28(a0)
         lw t0, 20(a0)
         bne t6, t0, 1b"
    };
}

/// Writes back what is left of the layer; restores registers.
macro_rules! leave {
    () => {
        "sw a3, 8(a0)
         sw a4, 12(a0)
         sw t6, 16(a0)
         lw s0, 0(sp)
         lw s1, 4(sp)
         lw s2, 8(sp)
         lw s3, 12(sp)
         lw s4, 16(sp)
         lw s5, 20(sp)
         lw s6, 24(sp)
         lw s7, 28(sp)
         lw s8, 32(sp)
         lw s9, 36(sp)
         lw s10, 40(sp)
         lw s11, 44(sp)
         addi sp, sp, 48
         ret
         .option pop"
    };
}

pub(super) use {begin, enter, instructions, leave, rescale, results, store};
