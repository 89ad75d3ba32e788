//! The bodies of [`crate::layout::row_blocks`] for RV32IM.

use core::arch::naked_asm;

use super::layer::{Layer, begin, enter, instructions, leave, rescale, results, store};
use crate::layout::groups::ROWS;
use crate::number::Narrow;

/// An operand that the assembly loads.
pub trait Element: Copy + Into<i32> {
    /// Computes whole groups, with sums as results.
    ///
    /// # Safety
    /// `layer` points at what [`dense`] makes.
    unsafe extern "C" fn sums(layer: *mut Layer<Self, u32, i32>);
}

/// A result that the assembly stores, of an operand `X`.
pub trait Output<X>: Narrow<i32> + Default {
    /// Computes whole groups.
    ///
    /// # Safety
    /// `layer` points at what [`dense_rescale`] makes.
    unsafe extern "C" fn groups(layer: *mut Layer<X, u32, Self>);
}

/// Adds column `at` to the sums: t4 is its element.
macro_rules! column {
    ($load:literal, $element:literal, $at:literal) => {
        concat!(
            $load,
            " t4, ",
            $element,
            " * ",
            $at,
            "(a1)
             lb t0, 8 * ",
            $at,
            "(a3)
             lb t1, 8 * ",
            $at,
            " + 1(a3)
             lb t2, 8 * ",
            $at,
            " + 2(a3)
             lb t3, 8 * ",
            $at,
            " + 3(a3)
             lb s0, 8 * ",
            $at,
            " + 4(a3)
             lb s1, 8 * ",
            $at,
            " + 5(a3)
             lb s2, 8 * ",
            $at,
            " + 6(a3)
             lb s3, 8 * ",
            $at,
            " + 7(a3)
             mul t0, t0, t4
             mul t1, t1, t4
             mul t2, t2, t4
             mul t3, t3, t4
             mul s0, s0, t4
             mul s1, s1, t4
             mul s2, s2, t4
             mul s3, s3, t4
             add s4, s4, t0
             add s5, s5, t1
             add s6, s6, t2
             add s7, s7, t3
             add s8, s8, s0
             add s9, s9, s1
             add s10, s10, s2
             add s11, s11, s3
             "
        )
    };
}

/// All columns of a group: four at a time, and those that are too many for that one by one.
macro_rules! columns {
    ($load:literal, $element:literal) => {
        concat!(
            "beq a1, a4, 3f
             2:
             ",
            column!($load, $element, "0"),
            column!($load, $element, "1"),
            column!($load, $element, "2"),
            column!($load, $element, "3"),
            "addi a1, a1, 4 * ",
            $element,
            "
             addi a3, a3, 32
             bne a1, a4, 2b
             3:
             beq a1, a2, 5f
             4:
             ",
            column!($load, $element, "0"),
            "addi a1, a1, ",
            $element,
            "
             addi a3, a3, 8
             bne a1, a2, 4b
             5:"
        )
    };
}

macro_rules! element {
    ($ty:ty, $load:literal, $bytes:literal) => {
        impl Element for $ty {
            // SAFETY: keeps to the calling convention: saves s0 to s11, and changes no other
            // register that it must keep.
            #[unsafe(naked)]
            unsafe extern "C" fn sums(_layer: *mut Layer<Self, u32, i32>) {
                naked_asm!(
                    instructions!(),
                    enter!(),
                    begin!(),
                    columns!($load, $bytes),
                    store!(),
                    leave!()
                )
            }
        }
        output!(i8, "sb", "1", $ty, $load, $bytes);
        output!(i16, "sh", "2", $ty, $load, $bytes);
        output!(i32, "sw", "4", $ty, $load, $bytes);
    };
}

macro_rules! output {
    ($y:ty, $store:literal, $bytes:literal, $x:ty, $load:literal, $element:literal) => {
        impl Output<$x> for $y {
            // SAFETY: keeps to the calling convention: saves s0 to s11, and changes no other
            // register that it must keep.
            #[unsafe(naked)]
            unsafe extern "C" fn groups(_layer: *mut Layer<$x, u32, Self>) {
                naked_asm!(
                    instructions!(),
                    enter!(),
                    begin!(),
                    columns!($load, $element),
                    rescale!($store, $bytes),
                    leave!()
                )
            }
        }
    };
}

element!(i8, "lb", "1");
element!(i16, "lh", "2");

/// What the assembly takes, if all lengths are those of one layer with `rows` results.
fn layer<X, Y>(
    x: &[X],
    weights: &[u32],
    bias: &[i32],
    shifts: &[u8],
    (minimum, maximum): (i32, i32),
    rows: usize,
) -> Option<Layer<X, u32, Y>> {
    let padded = rows.next_multiple_of(ROWS);
    if bias.len() < padded || weights.len() < padded / 4 * x.len() {
        return None;
    }
    let ends = x.as_ptr_range();
    Some(Layer {
        x: ends.start,
        x_end: ends.end,
        weights: weights.as_ptr(),
        // In place of blocks: the end of those columns that come four at a time.
        blocks: ends.start.wrapping_add(x.len() & !3).cast(),
        bias: bias.as_ptr(),
        bias_end: bias.as_ptr(),
        shifts: shifts.as_ptr(),
        y: core::ptr::null_mut(),
        range: maximum - minimum,
        minimum,
    })
}

/// As [`crate::layout::row_blocks::dense_rescale`].
pub fn dense_rescale<X, Y: Output<X>>(
    x: &[X],
    weights: &[u32],
    bias: &[i32],
    shifts: &[u8],
    limits: (i32, i32),
    y: &mut [Y],
) {
    if shifts.len() < y.len().next_multiple_of(ROWS) {
        return;
    }
    if let Some(mut layer) = layer(x, weights, bias, shifts, limits, y.len()) {
        // SAFETY: weights, biases, shifts and results are as many as x and y ask for.
        layer.each(y, |layer| unsafe { Y::groups(layer) });
    }
}

/// As [`crate::layout::row_blocks::dense`].
pub fn dense<X: Element, Y: Narrow<i32>>(x: &[X], weights: &[u32], bias: &[i32], y: &mut [Y]) {
    let Some(mut layer) = layer(x, weights, bias, &[], (0, 0), y.len()) else {
        return;
    };
    for y in y.chunks_mut(ROWS) {
        let mut wide = [0; ROWS];
        // SAFETY: as for the rescale.
        layer.each(&mut wide, |layer| unsafe { X::sums(layer) });
        for (y, sum) in y.iter_mut().zip(wide) {
            *y = Y::narrow(sum);
        }
    }
}
