//! The bodies of [`crate::layout::packed_words`] for RV32IM.

use core::arch::naked_asm;

use super::layer::{Layer, begin, enter, instructions, leave, rescale, results, store};
use crate::layout::groups::{ROWS, are_layer_blocks};
use crate::number::Narrow;

/// A result that the assembly stores.
pub trait Output: Narrow<i32> + Default {
    /// Computes whole groups.
    ///
    /// # Safety
    /// `layer` points at what [`dense_rescale`] makes.
    unsafe extern "C" fn groups(layer: *mut Layer<i8, i32, Self>);
}

/// All blocks of a group.
///
/// A block jumps into the sixteen columns that are written out, so that its length costs no branch:
/// 13 instructions of four bytes make a column. s0 to s3 are the sums of a block, rows 2p + 1 and 2p.
macro_rules! blocks {
    () => {
        "2:
         .option push
         .option norvc
         lb t4, 0(a1)
         lw t0, 0(a3)
         lw t1, 4(a3)
         lw t2, 8(a3)
         lw t3, 12(a3)
         lbu t5, 0(a4)
         addi a4, a4, 1
         mul s0, t0, t4
         mul s1, t1, t4
         mul s2, t2, t4
         mul s3, t3, t4
         add a1, a1, t5
         slli t0, t5, 4
         add a3, a3, t0
         mul t5, t5, a6
         sub t5, a5, t5
         jr t5
         .irp k, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1
         lb t4, -\\k(a1)
         lw t0, 0 - 16 * \\k(a3)
         lw t1, 4 - 16 * \\k(a3)
         lw t2, 8 - 16 * \\k(a3)
         lw t3, 12 - 16 * \\k(a3)
         mul t0, t0, t4
         mul t1, t1, t4
         mul t2, t2, t4
         mul t3, t3, t4
         add s0, s0, t0
         add s1, s1, t1
         add s2, s2, t2
         add s3, s3, t3
         .endr
         3:
         .option pop
         add t0, s0, a7
         add t1, s1, a7
         add t2, s2, a7
         add t3, s3, a7
         srai t0, t0, 16
         srai t1, t1, 16
         srai t2, t2, 16
         srai t3, t3, 16
         add s5, s5, t0
         add s7, s7, t1
         add s9, s9, t2
         add s11, s11, t3
         add s4, s4, s0
         add s6, s6, s1
         add s8, s8, s2
         add s10, s10, s3
         bne a1, a2, 2b
         slli t0, s5, 16
         slli t1, s7, 16
         slli t2, s9, 16
         slli t3, s11, 16
         sub s4, s4, t0
         sub s6, s6, t1
         sub s8, s8, t2
         sub s10, s10, t3"
    };
}

/// a5: end of the columns and one more, a6: a column's bytes, a7: half of 2^16.
macro_rules! constants {
    () => {
        "lla a5, 3f
         addi a5, a5, 52
         li a6, 52
         lui a7, 8"
    };
}

macro_rules! output {
    ($ty:ty, $store:literal, $bytes:literal) => {
        impl Output for $ty {
            // SAFETY: keeps to the calling convention: saves s0 to s11, and changes no other
            // register that it must keep.
            #[unsafe(naked)]
            unsafe extern "C" fn groups(_layer: *mut Layer<i8, i32, Self>) {
                naked_asm!(
                    instructions!(),
                    enter!(),
                    constants!(),
                    begin!(),
                    blocks!(),
                    rescale!($store, $bytes),
                    leave!()
                )
            }
        }
    };
}

output!(i8, "sb", "1");
output!(i16, "sh", "2");
output!(i32, "sw", "4");

/// As `groups`, with sums as results.
///
/// # Safety
/// `layer` points at what [`dense`] makes.
// SAFETY: keeps to the calling convention: saves s0 to s11, and changes no other register that it
// must keep.
#[unsafe(naked)]
unsafe extern "C" fn sums(_layer: *mut Layer<i8, i32, i32>) {
    naked_asm!(
        instructions!(),
        enter!(),
        constants!(),
        begin!(),
        blocks!(),
        store!(),
        leave!()
    )
}

/// What the assembly takes, if all lengths are those of one layer with `rows` results.
fn layer<Y>(
    x: &[i8],
    (words, blocks): (&[i32], &[u8]),
    bias: &[i32],
    shifts: &[u8],
    (minimum, maximum): (i32, i32),
    rows: usize,
) -> Option<Layer<i8, i32, Y>> {
    let padded = rows.next_multiple_of(ROWS);
    debug_assert!(are_layer_blocks(blocks, x.len(), padded / ROWS));
    if x.is_empty() || bias.len() < padded || words.len() < padded / 2 * x.len() {
        return None;
    }
    let ends = x.as_ptr_range();
    Some(Layer {
        x: ends.start,
        x_end: ends.end,
        weights: words.as_ptr(),
        blocks: blocks.as_ptr(),
        bias: bias.as_ptr(),
        bias_end: bias.as_ptr(),
        shifts: shifts.as_ptr(),
        y: core::ptr::null_mut(),
        range: maximum - minimum,
        minimum,
    })
}

/// As [`crate::layout::packed_words::dense_rescale`].
pub fn dense_rescale<Y: Output>(
    x: &[i8],
    weights: (&[i32], &[u8]),
    bias: &[i32],
    shifts: &[u8],
    limits: (i32, i32),
    y: &mut [Y],
) {
    if shifts.len() < y.len().next_multiple_of(ROWS) {
        return;
    }
    if let Some(mut layer) = layer(x, weights, bias, shifts, limits, y.len()) {
        // SAFETY: words, biases, shifts and results are as many as x and y ask for. The lengths of
        // the blocks are those that the compiler made for this layer: 1 to 16 each, those of a group
        // as many as x has elements.
        layer.each(y, |layer| unsafe { Y::groups(layer) });
    }
}

/// As [`crate::layout::packed_words::dense`].
pub fn dense<Y: Narrow<i32>>(x: &[i8], weights: (&[i32], &[u8]), bias: &[i32], y: &mut [Y]) {
    let Some(mut layer) = layer(x, weights, bias, &[], (0, 0), y.len()) else {
        return;
    };
    for y in y.chunks_mut(ROWS) {
        let mut wide = [0; ROWS];
        // SAFETY: as for the rescale.
        layer.each(&mut wide, |layer| unsafe { sums(layer) });
        for (y, sum) in y.iter_mut().zip(wide) {
            *y = Y::narrow(sum);
        }
    }
}
