//! Elements in another order.

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
