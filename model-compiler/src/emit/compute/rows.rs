//! Values of several rows, views of them, and the kernels of imported networks.

use hodoscope_program::{Rounding, ValueId};

use super::steps::{self, Writer};
use crate::emit::code::Code;
use crate::emit::names;
use crate::plan::layout::{Layout, Storage};
use crate::plan::{Accumulator, Kernel, Pair, Plan, Reduction, Requantise, Step, storage_bits};

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

/// The lines of a step, once for each row where its kernel takes one at a time.
pub(super) fn each(code: &mut Code, writer: &Writer<'_, '_>, lines: Vec<String>) {
    if !writer.is_looped() {
        code.lines(lines);
        return;
    }
    let Writer { plan, step, .. } = writer;
    let shape = &plan.result(step).shape;
    let y = names::variable(step.result);
    code.line(writer.whole_start());
    // Arrays into which each row is copied, given back behind the last.
    let room = steps::room(writer);
    let has_room = !room.is_empty();
    if has_room {
        code.line("{");
        code.lines(room);
    }
    let mut rows = format!("{y}.as_chunks_mut::<{}>().0.iter_mut()", shape.channels());
    // Those layouts read and write rows where they stand: as arrays on their own they might begin anywhere.
    let is_in_place = step.layout().is_some_and(Layout::reads_pairs);
    let mut pattern = match is_in_place {
        true => y.clone(),
        false => "row".to_owned(),
    };
    let mut own = vec![];
    let mut seen: Vec<String> = vec![];
    for operand in step.kernel.operands() {
        let name = variable(plan, operand);
        if seen.contains(&name) {
            continue;
        }
        let channels = plan.program.value(operand).shape.channels();
        rows = format!("{rows}.zip({name}.as_chunks::<{channels}>().0)");
        pattern = format!("({pattern}, {name})");
        own.push(format!("let {name} = *{name};"));
        seen.push(name);
    }
    code.line(format!("for {pattern} in {rows} {{"));
    match is_in_place {
        true => code.lines(lines),
        false => code.lines(own).lines(lines).line(format!("*row = {y};")),
    };
    code.line("}");
    if has_room {
        code.line("}");
    }
}

/// The type of a rounding in the kernels.
pub(super) fn rounding(rounding: Rounding) -> &'static str {
    match rounding {
        Rounding::Trn => "Trn",
        Rounding::TrnZero => "TrnZero",
        Rounding::Rnd => "Rnd",
        Rounding::RndConv => "RndConv",
        Rounding::RndZero => "RndZero",
        Rounding::RndInf => "RndInf",
        Rounding::RndMinInf => "RndMinInf",
    }
}

/// A rescale with a rounding and an overflow of its own, whose constants stand where `at` says.
pub(super) fn imported(
    at: &dyn Fn(&str) -> String,
    mode: Rounding,
    overflow: Reduction,
    has_factors: bool,
) -> String {
    let mode = rounding(mode);
    let inner = match has_factors {
        true => format!(
            "rounding::RoundedAffine::new(rounding::{mode}, {}, {}, {})",
            at("MULTIPLIERS"),
            at("OFFSETS"),
            at("SHIFTS")
        ),
        false => format!("rounding::Rounded::new(rounding::{mode}, {})", at("SHIFTS")),
    };
    match overflow {
        Reduction::Saturated => inner,
        Reduction::Wrapped(bits) => {
            format!("rounding::Wrapped {{ inner: {inner}, bits: {bits} }}")
        }
        Reduction::WrappedUnsigned(bits) => {
            format!("rounding::WrappedUnsigned {{ inner: {inner}, bits: {bits} }}")
        }
        Reduction::OrZero(low, high) => {
            format!("rounding::OrZero {{ inner: {inner}, limits: ({low}, {high}) }}")
        }
    }
}

/// Whether a rescale is that of 32-bit sums by one multiplier, of which only the upper half of the product is
/// shifted: for it there is one routine that all layers call.
pub(super) fn is_scaled(
    plan: &Plan<'_>,
    x: ValueId,
    accumulator: Accumulator,
    requantise: &Requantise,
) -> bool {
    let Requantise::Imported {
        multipliers,
        offsets,
        shifts,
        rounding: Rounding::Trn,
        overflow: Reduction::Saturated,
    } = requantise
    else {
        return false;
    };
    let sums = steps::place::storage(plan, x) == "i32";
    let one = multipliers.len() == 1 && offsets.len() == 1 && shifts.len() == 1;
    sums && one
        && requantise.factors().is_some()
        && accumulator == Accumulator::I64
        && i32::try_from(multipliers[0]).is_ok()
        && (32..=62).contains(&shifts[0])
}
