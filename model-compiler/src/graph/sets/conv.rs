//! Windows over axes that may be the slots'.

use super::slots::Slots;
use super::step::{Step, keeps, mixes};
use crate::graph::Window;

/// What a window does to slots along `axis` of `[batch, channels, …]`, in a result of shape `to`.
pub(super) fn window(window: &Window, x: &[usize], axis: usize, to: &[usize]) -> Step {
    let Some(spatial) = axis.checked_sub(2) else {
        return mixes("its weights differ from slot to slot");
    };
    let single = window.kernel[spatial] == 1
        && window.strides[spatial] == 1
        && window.pads[spatial] == (0, 0)
        && x[axis] == to[axis];
    match single {
        true => keeps(Slots::along(to, axis)),
        false => mixes("its window spans several slots: their places matter"),
    }
}

/// Whether one window without padding holds all slots.
pub(super) fn holds_all(window: &Window, x: &[usize], axis: usize) -> bool {
    axis.checked_sub(2).is_some_and(|spatial| {
        window.kernel[spatial] == x[axis]
            && window.pads[spatial] == (0, 0)
            && window.dilations[spatial] == 1
    })
}
