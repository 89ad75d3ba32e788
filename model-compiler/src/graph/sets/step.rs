//! What a node does to slots.

use super::slots::Slots;

/// What a node does to the slots.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// None of its operands has them.
    Event,
    /// Its result has them.
    Keeps(Slots),
    /// It pools them.
    Pools,
    /// It fixes them in their places.
    Mixes(String),
}

pub(super) fn keeps(slots: Slots) -> Step {
    Step::Keeps(slots)
}

pub(super) fn mixes(reason: &str) -> Step {
    Step::Mixes(reason.to_owned())
}
