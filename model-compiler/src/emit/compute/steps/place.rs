//! How values stand in variables.

use hodoscope_program::ValueId;

use crate::emit::names::{self, variable};
use crate::plan::layout::{Storage, filled};
use crate::plan::{Arena, Plan, Slot};

/// The Rust type of an element of a value, as the plan stores it.
pub(in crate::emit::compute) fn storage(plan: &Plan<'_>, id: ValueId) -> String {
    match plan.storage[id.index()] {
        Storage::Narrowest => names::storage(plan.program.value(id)),
        Storage::Pairs => "i16".into(),
        Storage::Words => "i32".into(),
    }
}

/// The Rust type of a value, as the plan stores it.
pub(in crate::emit::compute) fn array(plan: &Plan<'_>, id: ValueId) -> String {
    let value = plan.program.value(id);
    let channels = value.shape.channels();
    match plan.storage[id.index()] {
        Storage::Narrowest => names::array(value),
        Storage::Pairs => format!("Pairs<{}>", filled(channels)),
        Storage::Words => format!("[i32; {}]", filled(channels)),
    }
}

/// A place in which a value's elements stand first, without what it is filled up with.
pub(in crate::emit::compute) fn own(plan: &Plan<'_>, id: ValueId, place: &str) -> String {
    match plan.storage[id.index()] {
        Storage::Narrowest => place.into(),
        Storage::Pairs | Storage::Words => {
            format!("{place}[..{}]", plan.program.value(id).shape.elements(1))
        }
    }
}

/// An array for a step's result.
pub(in crate::emit::compute) fn zeros(plan: &Plan<'_>, id: ValueId, suffix: &str) -> String {
    // Of all rows.
    let zeros = zero(plan.extent(id));
    format!("let mut {}{suffix} = {zeros};", variable(id))
}

/// An array of nothing but zeros.
pub(super) fn zero(slot: Slot) -> String {
    let Slot { bits, length, .. } = slot;
    match slot.is_paired {
        true => format!("Pairs::<{length}>::ZERO"),
        false => format!("[0i{bits}; {length}]"),
    }
}

/// As [`own`], of a value that may stand in a slot.
pub(in crate::emit::compute) fn own_of(
    plan: &Plan<'_>,
    arena: &Arena,
    id: ValueId,
    place: &str,
) -> String {
    match (arena.slot(plan, id), plan.storage[id.index()]) {
        (Some(_), Storage::Narrowest) => format!("{place}[..{}]", plan.extent(id).length),
        _ => own(plan, id, place),
    }
}

/// The slots, as variables.
pub(in crate::emit::compute) fn slots(arena: &Arena) -> Vec<String> {
    let slots = arena.slots.iter().enumerate();
    slots
        .map(|(number, slot)| format!("let mut slot{number} = {};", zero(*slot)))
        .collect()
}
