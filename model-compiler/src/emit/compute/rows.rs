//! Values of several rows, and views of them.

use hodoscope_program::ValueId;

use crate::emit::names;
use crate::plan::layout::Storage;
use crate::plan::{Kernel, Pair, Plan, Requantise, Step, storage_bits};

/// Whether a step is a view that is stored like its operand: another name of the same array.
pub(super) fn is_alias(plan: &Plan<'_>, step: &Step) -> bool {
    plan.root(step.result) != step.result
}

/// The variable that holds a value: that of its operand where it is a view.
pub(super) fn variable(plan: &Plan<'_>, id: ValueId) -> String {
    names::variable(plan.root(id))
}

/// Whether a kernel takes all rows at once: its constants do not depend on the channel.
fn takes_all_rows(plan: &Plan<'_>, kernel: &Kernel) -> bool {
    let one = |requantise: &Requantise| {
        let factors = requantise.factors();
        requantise.shifts().len() == 1
            && factors
                .is_none_or(|(multipliers, offsets)| multipliers.len() == 1 && offsets.len() == 1)
    };
    let channels = |id: &ValueId| plan.program.value(*id).shape.channels();
    match kernel {
        Kernel::Rescale {
            before, requantise, ..
        } => before.iter().all(|stage| one(&stage.requantise)) && one(requantise),
        Kernel::Relu { .. }
        | Kernel::Clip { .. }
        | Kernel::LeakyRelu { .. }
        | Kernel::Table { .. }
        | Kernel::Interpolate { .. }
        | Kernel::Exponent { .. }
        | Kernel::Mantissa { .. }
        | Kernel::Divide { .. }
        | Kernel::View { .. }
        | Kernel::Gather { .. }
        | Kernel::MatMul { .. }
        | Kernel::SquareRoot { .. }
        | Kernel::Take { .. }
        | Kernel::SumRows { .. } => true,
        Kernel::Quotient { a, b, .. } => channels(a) == channels(b),
        Kernel::Pair { operator, a, b, .. } => *operator != Pair::Mul || channels(a) == channels(b),
        _ => false,
    }
}

/// The operand of a step that treats all elements of 16 bits alike: two rows together are one to it.
pub(super) fn treats_alike(plan: &Plan<'_>, step: &Step) -> Option<ValueId> {
    let x = match &step.kernel {
        Kernel::Rescale { x, .. } if takes_all_rows(plan, &step.kernel) => *x,
        Kernel::Relu { x }
        | Kernel::Clip { x, .. }
        | Kernel::LeakyRelu { x, .. }
        | Kernel::Table { x, .. }
        | Kernel::Interpolate { x, .. } => *x,
        _ => return None,
    };
    let bits = |id: ValueId| storage_bits(plan.program.value(id).element);
    // Halves: so it is stored for others, too, or only sums read it.
    let result = step.result;
    let is_read = |step: &Step| step.kernel.operands().contains(&result);
    let are_halves = match bits(result) {
        8 => {
            plan.storage[result.index()] == Storage::Pairs
                || !plan.constituent.iter().any(is_read) && !plan.has_maximum()
        }
        other => other == 16,
    };
    (bits(x) <= 16 && are_halves).then_some(x)
}

/// Elements that one call of the step's kernel computes.
pub(super) fn length(plan: &Plan<'_>, step: &Step) -> usize {
    let shape = &plan.result(step).shape;
    match takes_all_rows(plan, &step.kernel) {
        true => shape.elements(1),
        false => shape.channels(),
    }
}
