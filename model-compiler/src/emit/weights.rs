//! `weights.rs`: every constant as a static.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use hodoscope_program::{Constant, ConstantId, InputId, Operation, Program, ValueId};

use super::code::Code;
use super::names;
use crate::plan::layout::{Constants, Layout};
use crate::plan::{Accumulator, Grid, Kernel, Plan, Requantise, Step, storage_bits};
use crate::windows::{number_bits, windows};

/// Numbers on a line.
const PER_LINE: usize = 16;

/// Elements from which on arrays of the same kind and content are one.
const SHARED: usize = 32;

/// The statics of all plans. Those that several plans read stand here once.
pub(super) fn statics(plans: &[Plan<'_>]) -> String {
    let mut code = Code::new();
    code.line("//! Weights, biases, tables and the constants of rescales.");
    let Some(first) = plans.first() else {
        return code.finish();
    };
    if plans.iter().any(|plan| !plan.grids.is_empty()) {
        code.gap();
        code.line("use hodoscope_kernels::grid::Cells;");
    }
    let steps = || {
        plans.iter().flat_map(|plan| {
            let steps = plan.constituent.iter().chain(&plan.event);
            steps.map(move |step| (plan, step))
        })
    };
    let empty = first.pooled.iter().filter_map(|pooled| pooled.empty);
    let used: BTreeSet<ConstantId> = steps()
        .flat_map(|(plan, step)| own_constants(plan, step))
        .chain(empty)
        .collect();
    for id in used {
        code.gap();
        weights(&mut code, id.index(), first.program.constant(id));
    }
    let mut written = BTreeSet::new();
    let mut known = BTreeMap::new();
    for (plan, step) in steps() {
        step_statics(&mut code, plan, step, &mut written, &mut known);
    }
    for (plan, grid) in plans
        .iter()
        .flat_map(|plan| plan.grids.iter().map(move |grid| (plan, grid)))
    {
        if written.insert(names::cells(grid.result)) {
            code.gap();
            cells(&mut code, plan, grid);
        }
    }
    code.finish()
}

/// Names of the statics that are tables, of functions or over the detector's grid, in whatever plan.
pub fn table_statics(program: &Program) -> BTreeSet<String> {
    let values = program.values();
    values
        .flat_map(|(id, value)| {
            let entries = match value.operation {
                Operation::Table { table, .. } | Operation::Interpolate { table, .. } => {
                    Some(table)
                }
                _ => None,
            };
            let entries = entries.map(|id| names::constant(id.index(), &program.constant(id).name));
            entries.into_iter().chain([names::cells(id)])
        })
        .collect()
}

/// A table over the detector's grid, a cell per line.
fn cells(code: &mut Code, plan: &Plan<'_>, grid: &Grid) {
    let value = plan.program.value(grid.result);
    let axes: Vec<String> = grid
        .axes
        .iter()
        .map(|axis| axis.extent.to_string())
        .collect();
    code.line(format!(
        "/// `{}` of every cell, {} words.",
        value.name,
        axes.join(" × ")
    ));
    code.line(format!(
        "pub(crate) static {}: Cells<[{}; {}]> = Cells([",
        names::cells(grid.result),
        names::array(value),
        grid.cells()
    ));
    for cell in grid.entries.chunks(value.shape.channels()) {
        let numbers: Vec<String> = cell.iter().map(ToString::to_string).collect();
        code.line(format!("[{}],", numbers.join(",")));
    }
    code.line("]);");
}

/// The program's constants that the step's kernel reads as they are.
fn own_constants(plan: &Plan<'_>, step: &Step) -> Vec<ConstantId> {
    match &step.kernel {
        Kernel::Table { table, .. } | Kernel::Interpolate { table, .. } => vec![*table],
        Kernel::Trees { trees, .. } => vec![trees.nodes, trees.roots, trees.leaves],
        Kernel::DenseStepwise { weights, bias, .. } => vec![*weights, *bias],
        Kernel::Dense {
            weights,
            bias,
            layout,
            ..
        }
        | Kernel::DenseRescale {
            weights,
            bias,
            layout,
            ..
        } => {
            let packed = packed(plan, step, *layout).0;
            if packed.stream.is_some() || packed.is_code {
                return vec![];
            }
            let own = [(weights, packed.weights), (bias, packed.bias)];
            let own = own.into_iter().filter(|(_, packed)| packed.is_none());
            own.map(|(id, _)| *id).collect()
        }
        _ => vec![],
    }
}

/// What the kernel of a dense layer is given, and the rows of its blocks where that is in an order of their own.
pub(super) fn packed(plan: &Plan<'_>, step: &Step, layout: Layout) -> (Constants, Option<usize>) {
    if let (Some(parts), Some(blocks)) = (plan.parts(step), plan.blocks_of(step)) {
        return (parts.constants, parts.are_own.then_some(blocks.rows));
    }
    let packed = plan.layer(step).map(|layer| layer.constants(layout));
    (packed.unwrap_or_default(), None)
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

/// Constants that belong to a step: of a rescale, of a layout, or the ranges of words.
///
/// Arrays of `known` content are another name of it: the steps of a recurrent layer share their weights.
fn step_statics(
    code: &mut Code,
    plan: &Plan<'_>,
    step: &Step,
    written: &mut BTreeSet<String>,
    known: &mut BTreeMap<(String, Vec<i64>), String>,
) {
    let id = step.result.index();
    let layer = &plan.result(step).name;
    let mut list = |doc: &str, name: String, ty: &str, data: &[i64]| {
        if written.insert(name.clone()) {
            code.gap();
            code.line(format!("/// {doc} of `{layer}`."));
            if data.len() >= SHARED {
                match known.entry((format!("{doc}: {ty}"), data.to_vec())) {
                    Entry::Occupied(first) => {
                        code.line(format!("pub(crate) use {} as {name};", first.get()));
                        return;
                    }
                    Entry::Vacant(first) => drop(first.insert(name.clone())),
                }
            }
            list(code, &name, ty, data, PER_LINE);
        }
    };
    let mut own_shifts = true;
    if let Kernel::Dense { layout, .. } | Kernel::DenseRescale { layout, .. } = step.kernel {
        let (packed, rows) = packed(plan, step, layout);
        let is_apart = plan.layer(step).is_some_and(|layer| layer.is_apart(layout));
        own_shifts = is_apart || packed.shifts.is_none() && packed.stream.is_none();
        for (what, doc, packed) in [
            ("WEIGHTS", "Weights", packed.weights),
            ("BIAS", "Biases", packed.bias),
            ("SHIFTS", "Shifts", packed.shifts),
            ("BLOCKS", "Lengths of blocks", packed.blocks),
            ("STREAM", "All constants", packed.stream),
        ] {
            if let Some(packed) = packed {
                let name = names::packed(id, layout, what, rows);
                let doc = format!("{doc} in the layout `{layout}`");
                list(&doc, name, packed.element, &packed.data);
            }
        }
    }
    let mut rescale = |id: usize, requantise: &Requantise, accumulator: Accumulator| {
        if requantise.shifts().is_empty() {
            return;
        }
        let shifts = requantise.shifts().iter();
        let wide: Vec<i64> = shifts.map(|s| i64::from(*s)).collect();
        list("Shifts", format!("S{id}_SHIFTS"), "u8", &wide);
        let Some((multipliers, offsets)) = requantise.factors() else {
            return;
        };
        let ty = accumulator.name();
        list("Multipliers", format!("S{id}_MULTIPLIERS"), ty, multipliers);
        list("Offsets", format!("S{id}_OFFSETS"), ty, offsets);
    };
    match &step.kernel {
        Kernel::DenseRescale {
            requantise,
            accumulator,
            ..
        } if own_shifts => rescale(id, requantise, *accumulator),
        Kernel::Rescale {
            before,
            requantise,
            accumulator,
            ..
        } => {
            for stage in before {
                rescale(stage.result.index(), &stage.requantise, *accumulator);
            }
            rescale(id, requantise, *accumulator);
        }
        Kernel::WordsRescale {
            input,
            words,
            before,
            requantise,
            accumulator,
            ..
        } => {
            for stage in before {
                rescale(stage.result.index(), &stage.requantise, *accumulator);
            }
            rescale(id, requantise, *accumulator);
            for (doc, name, ranges) in ranges(plan, *input, *words) {
                let ty = names::storage(plan.program.value(*words));
                list(doc, name, &ty, &ranges);
            }
        }
        Kernel::Gather { elements, .. } => {
            let ty = format!("u{}", number_bits(elements));
            match windows(elements) {
                Some(windows) => {
                    let bases = format!("S{id}_BASES");
                    list("First elements", bases, &ty, &windows.bases);
                    let offsets = format!("S{id}_OFFSETS");
                    list("Distances", offsets, &ty, &windows.offsets);
                }
                None => {
                    let elements: Vec<i64> = elements.iter().map(|e| *e as i64).collect();
                    list("Elements", format!("S{id}_ELEMENTS"), &ty, &elements);
                }
            }
        }
        Kernel::Words { input } => {
            let ty = names::storage(plan.result(step));
            for (doc, name, ranges) in ranges(plan, *input, step.result) {
                list(doc, name, &ty, &ranges);
            }
        }
        _ => {}
    }
}

/// The smallest and the largest words of an input, where its type holds others.
fn ranges(
    plan: &Plan<'_>,
    input: InputId,
    words: ValueId,
) -> Vec<(&'static str, String, Vec<i64>)> {
    let (input, id) = (plan.program.input(input), words.index());
    if names::fills_type(input, plan.program.value(words)) {
        return vec![];
    }
    let minimum = input.fields.iter().map(|f| f.minimum).collect();
    let maximum = input.fields.iter().map(|f| f.maximum).collect();
    vec![
        ("Smallest words", format!("S{id}_MINIMUM"), minimum),
        ("Largest words", format!("S{id}_MAXIMUM"), maximum),
    ]
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
