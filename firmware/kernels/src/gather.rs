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

/// y\[r, k\] = x\[bases\[r\] + offsets\[k\]\], the sum modulo 2^16: the windows of a convolution, or a transposition.
///
/// # Panics
/// Never where every element lies within x, as the verifier proved, and there is an offset.
#[inline(always)]
pub fn windows<X: Copy, Y: Narrow<X>>(x: &[X], bases: &[u16], offsets: &[u16], y: &mut [Y]) {
    for (base, row) in bases.iter().zip(y.chunks_exact_mut(offsets.len())) {
        for (offset, y) in offsets.iter().zip(row) {
            *y = Y::narrow(x[usize::from(base.wrapping_add(*offset))]);
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
        windows(&x, &[1, 2, 4], &[0, u16::MAX], &mut y);
        assert_eq!(y, [11, 10, 12, 11, 14, 13]);
    }

    #[test]
    fn rows_by_their_index() {
        let mut y = [0i32; 6];
        take(&[1i16, 2, 3, 4, 5, 6], &[2i8, 0, 2], 2, &mut y);
        assert_eq!(y, [5, 6, 1, 2, 5, 6]);
    }
}
