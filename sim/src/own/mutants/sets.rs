//! Other constituents that are live, another order, and words that are clamped otherwise.

use hodoscope_program::{InputId, Live, Program, SetId};

use super::Change;

/// All of them.
pub(super) fn changes(program: &Program) -> Vec<Change> {
    let mut changes = Vec::new();
    for (index, set) in program.sets.iter().enumerate() {
        let mut others = vec![set.clone(); 6];
        for (other, step) in others.iter_mut().zip([1, -1]) {
            if let Live::Above { threshold: to, .. } | Live::NotEqual { empty: to, .. } =
                &mut other.live
            {
                *to = to.saturating_add(step);
            }
        }
        others[2].capacity += 1;
        others[3].capacity = set.capacity.saturating_sub(1);
        others[4].live = Live::Always;
        others[5].order = None;
        others.retain(|other| other != set);
        let id = SetId::new(index);
        changes.extend(others.into_iter().map(|other| Change::Set(id, other)));
    }
    for (index, input) in program.inputs.iter().enumerate() {
        for (at, field) in input.fields.iter().enumerate() {
            for (low, high) in [(1, 0), (-1, 0), (0, 1), (0, -1)] {
                let mut other = field.clone();
                other.minimum = other.minimum.saturating_add(low);
                other.maximum = other.maximum.saturating_add(high);
                if (other.minimum..=other.maximum).contains(&field.empty) {
                    changes.push(Change::Field(InputId::new(index), at, other));
                }
            }
        }
    }
    changes
}
