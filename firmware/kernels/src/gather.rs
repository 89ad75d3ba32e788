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
    fn rows_by_their_index() {
        let mut y = [0i32; 6];
        take(&[1i16, 2, 3, 4, 5, 6], &[2i8, 0, 2], 2, &mut y);
        assert_eq!(y, [5, 6, 1, 2, 5, 6]);
    }
}
