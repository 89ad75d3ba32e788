//! `weights.rs`: every constant as a static.

use std::collections::BTreeSet;

use hodoscope_program::{Constant, ConstantId};

use super::code::Code;
use super::names;
use crate::plan::{Kernel, Plan, Requantise, Step, storage_bits};

/// Numbers on a line.
const PER_LINE: usize = 16;

pub(super) fn statics(plan: &Plan<'_>) -> String {
    let mut code = Code::new();
    code.line("//! Weights, biases, tables and the constants of rescales.");
    let used: BTreeSet<ConstantId> = plan
        .program
        .values
        .iter()
        .flat_map(|value| value.operation.constants())
        .collect();
    for (index, constant) in plan.program.constants.iter().enumerate() {
        if !used.contains(&ConstantId::new(index)) {
            continue;
        }
        code.gap();
        weights(&mut code, index, constant);
    }
    for step in plan.constituent.iter().chain(&plan.event) {
        step_statics(&mut code, plan, step);
    }
    code.finish()
}

fn weights(code: &mut Code, index: usize, constant: &Constant) {
    let name = names::constant(index, &constant.name);
    let ty = format!("i{}", storage_bits(constant.element));
    code.line(format!("/// `{}`, {:?}.", constant.name, constant.shape));
    let per_line = match constant.shape[..] {
        [_, columns] if columns <= 2 * PER_LINE => columns,
        _ => PER_LINE,
    };
    list(code, &name, &ty, &constant.data, per_line);
}

/// Constants that belong to a step: of a rescale, or the ranges of words.
fn step_statics(code: &mut Code, plan: &Plan<'_>, step: &Step) {
    let id = step.result.index();
    let name = &plan.result(step).name;
    match &step.kernel {
        Kernel::DenseRescale {
            requantise,
            accumulator,
            ..
        }
        | Kernel::Rescale {
            requantise,
            accumulator,
            ..
        } => {
            code.gap();
            code.line(format!("/// Shifts of `{name}`."));
            let (Requantise::Shift(shifts) | Requantise::Affine { shifts, .. }) = requantise;
            let wide: Vec<i64> = shifts.iter().map(|s| i64::from(*s)).collect();
            list(code, &format!("S{id}_SHIFTS"), "u8", &wide, PER_LINE);
            let Requantise::Affine {
                multipliers,
                offsets,
                ..
            } = requantise
            else {
                return;
            };
            let ty = accumulator.name();
            code.line(format!("/// Multipliers of `{name}`."));
            list(
                code,
                &format!("S{id}_MULTIPLIERS"),
                ty,
                multipliers,
                PER_LINE,
            );
            code.line(format!("/// Offsets of `{name}`."));
            list(code, &format!("S{id}_OFFSETS"), ty, offsets, PER_LINE);
        }
        Kernel::Words { input } => {
            let input = plan.program.input(*input);
            let ty = names::storage(plan.result(step));
            let minimum: Vec<i64> = input.fields.iter().map(|f| f.minimum).collect();
            let maximum: Vec<i64> = input.fields.iter().map(|f| f.maximum).collect();
            code.gap();
            code.line(format!("/// Smallest words of `{name}`."));
            list(code, &format!("S{id}_MINIMUM"), &ty, &minimum, PER_LINE);
            code.line(format!("/// Largest words of `{name}`."));
            list(code, &format!("S{id}_MAXIMUM"), &ty, &maximum, PER_LINE);
        }
        _ => {}
    }
}

fn list(code: &mut Code, name: &str, ty: &str, data: &[i64], per_line: usize) {
    code.line(format!(
        "pub(crate) static {name}: [{ty}; {}] = [",
        data.len()
    ));
    for chunk in data.chunks(per_line.max(1)) {
        let numbers: Vec<String> = chunk.iter().map(ToString::to_string).collect();
        code.line(format!("{},", numbers.join(", ")));
    }
    code.line("];");
}
