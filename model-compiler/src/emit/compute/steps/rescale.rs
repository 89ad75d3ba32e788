//! Words as they arrive, and rescales.

use super::{Writer, rounding};
use crate::emit::names;
use crate::plan::{Kernel, Requantise, Stage};

pub(super) fn lines(w: &Writer<'_, '_>) -> Vec<String> {
    let plan = w.plan;
    let (value, words) = (plan.result(w.step), w.scope.words);
    let (id, y) = (w.id(), w.y());
    match &w.step.kernel {
        Kernel::Words { input } => {
            let names = names::fields(plan.program.inputs.iter().map(|i| i.name.as_str()));
            let field = &names[input.index()];
            let take = match names::fills_type(plan.program.input(*input), value) {
                true => format!("unary::copy(&{words}.{field}, &mut {y});"),
                false => format!(
                    "rescale::words(&{words}.{field}, &w::S{id}_MINIMUM, &w::S{id}_MAXIMUM, &mut {y});"
                ),
            };
            vec![w.start(), take]
        }
        Kernel::WordsRescale {
            input,
            words: own,
            accumulator,
            before,
            requantise,
            limits,
        } => {
            let names = names::fields(plan.program.inputs.iter().map(|i| i.name.as_str()));
            let field = &names[input.index()];
            let own = (plan.program.value(*own), own.index());
            let (function, ranges) = match names::fills_type(plan.program.input(*input), own.0) {
                true => ("rescale", String::new()),
                false => (
                    "words_rescaled",
                    format!(" (&w::S{0}_MINIMUM, &w::S{0}_MAXIMUM),", own.1),
                ),
            };
            vec![
                w.start(),
                format!("rescale::{function}::<{}, _, _>(", accumulator.name()),
                format!("&{words}.{field},{ranges}"),
                format!("{},", chained(before, requantiser(id, requantise))),
                format!("({}, {}),", limits.0, limits.1),
                format!("&mut {y},"),
                ");".into(),
            ]
        }
        Kernel::Rescale {
            x,
            accumulator,
            before,
            requantise,
            limits,
        } if before.is_empty() && rounding::is_scaled(plan, *x, *accumulator, requantise) => vec![
            w.start(),
            format!("rescale::scaled::<{}, {}, _>(", limits.0, limits.1),
            format!("&{},", w.x(*x)),
            format!("w::S{id}_MULTIPLIERS[0],"),
            format!("w::S{id}_OFFSETS[0],"),
            format!("w::S{id}_SHIFTS[0],"),
            format!("&mut {y},"),
            ");".into(),
        ],
        Kernel::Rescale {
            x,
            accumulator,
            before,
            requantise,
            limits,
        } => vec![
            w.start(),
            format!("rescale::rescale::<{}, _, _>(", accumulator.name()),
            format!("&{},", w.x(*x)),
            format!("{},", chained(before, requantiser(id, requantise))),
            format!("({}, {}),", limits.0, limits.1),
            format!("&mut {y},"),
            ");".into(),
        ],
        // Another file's.
        _ => vec![],
    }
}

/// The rescale `last` behind those before it.
fn chained(before: &[Stage], last: String) -> String {
    before.iter().rev().fold(last, |second, stage| {
        let first = requantiser(stage.result.index(), &stage.requantise);
        let (low, high) = stage.limits;
        format!("rescale::Then {{ first: {first}, limits: ({low}, {high}), second: {second} }}")
    })
}

/// Where a kernel reads the constants of a rescale.
pub(super) fn requantiser(id: usize, requantise: &Requantise) -> String {
    requantiser_of(requantise, &|what| format!("&w::S{id}_{what}"))
}

/// A rescale whose constants `MULTIPLIERS`, `OFFSETS` and `SHIFTS` stand where `at` says.
pub(super) fn requantiser_of(requantise: &Requantise, at: &dyn Fn(&str) -> String) -> String {
    match requantise {
        Requantise::Imported {
            rounding, overflow, ..
        } => rounding::imported(at, *rounding, *overflow, requantise.factors().is_some()),
        Requantise::Shift(_) => format!("rescale::Shift({})", at("SHIFTS")),
        Requantise::Scaled {
            multiplier,
            offset,
            shift,
        } => format!(
            "rescale::Scaled {{ multiplier: {multiplier}, offset: {offset}, shift: {shift} }}"
        ),
        Requantise::Affine { .. } => format!(
            "rescale::Affine {{ multipliers: {}, offsets: {}, shifts: {} }}",
            at("MULTIPLIERS"),
            at("OFFSETS"),
            at("SHIFTS")
        ),
    }
}
