//! Elements in another order, and rows that were computed.

use crate::number::Narrow;

/// y\[i\] = x\[elements\[i\]\].
///
/// # Panics
/// Never where every element lies within x, as the verifier proved.
#[inline(always)]
pub fn gather<X: Copy, Y: Narrow<X>>(x: &[X], elements: &[u16], y: &mut [Y]) {
    for (element, y) in elements.iter().zip(y) {
        *y = Y::narrow(x[usize::from(*element)]);
    }
}

/// [`gather`] of an operand with more elements than 16 bits number.
///
/// # Panics
/// Never where every element lies within x, as the verifier proved.
#[inline(always)]
pub fn gather_wide<X: Copy, Y: Narrow<X>>(x: &[X], elements: &[u32], y: &mut [Y]) {
    for (element, y) in elements.iter().zip(y) {
        *y = Y::narrow(x[*element as usize]);
    }
}

/// y\[r, k, j\] = x\[bases\[r\] + offsets\[k\] + j\], the sum of base and offset modulo 2^16: the windows of a convolution,
/// or a transposition. `RUN` elements of a window, j, lie side by side.
///
/// # Panics
/// Never where every element lies within x, as the verifier proved, and there is an offset.
#[inline(always)]
pub fn windows<const RUN: usize, X: Copy, Y: Narrow<X>>(
    x: &[X],
    bases: &[u16],
    offsets: &[u16],
    y: &mut [Y],
) {
    let (runs, _) = y.as_chunks_mut::<RUN>();
    for (base, window) in bases.iter().zip(runs.chunks_exact_mut(offsets.len())) {
        for (offset, run) in offsets.iter().zip(window) {
            let start = usize::from(base.wrapping_add(*offset));
            for (x, y) in x[start..start + RUN].iter().zip(run) {
                *y = Y::narrow(*x);
            }
        }
    }
}

/// [`windows`] of an operand with more elements than 16 bits number; the sum of base and offset modulo 2^32.
///
/// # Panics
/// Never where every element lies within x, as the verifier proved, and there is an offset.
#[inline(always)]
pub fn windows_wide<const RUN: usize, X: Copy, Y: Narrow<X>>(
    x: &[X],
    bases: &[u32],
    offsets: &[u32],
    y: &mut [Y],
) {
    let (runs, _) = y.as_chunks_mut::<RUN>();
    for (base, window) in bases.iter().zip(runs.chunks_exact_mut(offsets.len())) {
        for (offset, run) in offsets.iter().zip(window) {
            let start = base.wrapping_add(*offset) as usize;
            for (x, y) in x[start..start + RUN].iter().zip(run) {
                *y = Y::narrow(*x);
            }
        }
    }
}

/// y\[i, ·\] = x\[indices\[i\], ·\], of `channels` channels: rows that an earlier kernel chose.
///
/// The addresses depend on the data, the instructions do not.
///
/// # Panics
/// Never where every index is a row of x, as the verifier proved.
#[inline(always)]
pub fn take<X, I, Y>(x: &[X], indices: &[I], channels: usize, y: &mut [Y])
where
    X: Copy,
    I: Copy + Into<i64>,
    Y: Narrow<X>,
{
    for (index, y) in indices.iter().zip(y.chunks_exact_mut(channels)) {
        let row = (*index).into() as usize * channels;
        for (x, y) in x[row..row + channels].iter().zip(y) {
            *y = Y::narrow(*x);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_the_elements_of_their_tables() {
        let (x, mut y) = ([10i8, 11, 12, 13, 14], [0i16; 6]);
        // The second offset is −1.
        windows::<1, _, _>(&x, &[1, 2, 4], &[0, u16::MAX], &mut y);
        assert_eq!(y, [11, 10, 12, 11, 14, 13]);
        windows::<3, _, _>(&x, &[0, 2], &[0], &mut y);
        assert_eq!(y, [10, 11, 12, 12, 13, 14]);
    }

    #[test]
    fn elements_beyond_sixteen_bits() {
        static X: [i8; 70_000] = {
            let mut x = [0i8; 70_000];
            (x[65_536], x[69_998], x[69_999]) = (1, 2, 3);
            x
        };
        let mut y = [0i8; 4];
        gather_wide(&X, &[65_536, 0, 69_999, 69_998], &mut y);
        assert_eq!(y, [1, 0, 3, 2]);
        // The second offset is −1.
        windows_wide::<1, _, _>(&X, &[65_536, 69_999], &[0, u32::MAX], &mut y);
        assert_eq!(y, [1, 0, 3, 2]);
    }

    #[test]
    fn rows_by_their_index() {
        let mut y = [0i32; 6];
        take(&[1i16, 2, 3, 4, 5, 6], &[2i8, 0, 2], 2, &mut y);
        assert_eq!(y, [5, 6, 1, 2, 5, 6]);
    }
}
