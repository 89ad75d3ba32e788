//! What a value of the old graph becomes in the new one.

use crate::graph::{Tensor, ValueId};

/// A value of the old graph in the new one.
#[derive(Clone, Debug)]
pub(super) enum Mapped {
    Plain(ValueId),
    Masked(Masked),
    Absent(Box<Absent>),
}

/// Real values and sentinels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Masked {
    /// The value where it is real, and something within reach elsewhere.
    pub real: ValueId,
    /// 1 where it is real; broadcasts to `real`.
    pub keep: ValueId,
    /// What stands elsewhere: this number, or this number more than `real`.
    pub fill: f32,
    pub added: bool,
    /// What was seen of the real values, by the old graph's value.
    pub seen: ValueId,
}

/// A value that is one constant where nothing was there.
#[derive(Clone, Debug)]
pub(super) struct Absent {
    /// The value where something was there.
    pub real: ValueId,
    /// 1 where something was there; broadcasts to `real`.
    pub keep: ValueId,
    /// What the value is elsewhere, of its shape, at least and at most: a mask that is added leaves an interval.
    pub low: Tensor,
    pub high: Tensor,
    /// All that is real, as far as it was seen; behind functions it is not followed.
    pub range: Option<(f32, f32)>,
    /// The value as the network has it, once something has read it so.
    pub plain: Option<ValueId>,
}
