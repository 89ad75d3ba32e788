//! `adders.rs`: layers of shifts and additions, written out.

use std::collections::BTreeSet;

use super::code::Code;
use super::names;
use crate::plan::layout::{Adders, Layout, Term};
use crate::plan::{Plan, Step};

/// The module; nothing where no plan has such a layer.
pub(super) fn module(plans: &[Plan<'_>]) -> Option<String> {
    let mut code = Code::new();
    code.line("//! Layers as shifts and additions, modulo 2^32: for cores without a multiplier.");
    let mut written = BTreeSet::new();
    for plan in plans {
        for step in plan.constituent.iter().chain(&plan.event) {
            if written.contains(&step.result) {
                continue;
            }
            if let Some(adders) = adders(plan, step) {
                written.insert(step.result);
                function(code.gap(), plan, step, &adders);
            }
        }
    }
    (!written.is_empty()).then(|| code.finish())
}

/// Those of a step.
fn adders(plan: &Plan<'_>, step: &Step) -> Option<Adders> {
    match step.layout()? {
        Layout::ShiftAdds => Some(Adders::new(&plan.layer(step)?)),
        _ => None,
    }
}

fn function(code: &mut Code, plan: &Plan<'_>, step: &Step, adders: &Adders) {
    let Some(layer) = plan.layer(step) else {
        return;
    };
    let value = plan.result(step);
    let operand = format!("i{}", layer.operand.storage().width);
    let terms = adders.shared.iter().flatten();
    let read: BTreeSet<usize> = terms
        .chain(adders.rows.iter().flatten())
        .map(|term| term.operand)
        .collect();
    code.line(format!("/// The sums of `{}`.", value.name));
    code.line("#[inline(never)]");
    code.line(format!(
        "pub(crate) fn {}({}: &[{operand}; {}]) -> [i32; {}] {{",
        names::variable(step.result),
        // Of weights that are all zero, only the biases are left.
        if read.is_empty() { "_x" } else { "x" },
        adders.columns,
        adders.rows.len()
    ));
    for column in read.range(..adders.columns) {
        code.line(format!("let x{column} = i32::from(x[{column}]);"));
    }
    for (index, pair) in adders.shared.iter().enumerate() {
        let operand = adders.columns + index;
        let [first, second] = pair;
        let first = match first.shift {
            0 => shifted(first, 0),
            shift => format!("({})", shifted(first, shift)),
        };
        let sum = plus(&first, second, second.shift);
        code.line(format!("let x{operand} = {sum};"));
    }
    for (row, terms) in adders.rows.iter().enumerate() {
        horner(code, &format!("y{row}"), terms);
        code.line(format!(
            "let y{row} = y{row}.wrapping_add({});",
            layer.bias.data[row]
        ));
    }
    let rows: Vec<String> = (0..adders.rows.len())
        .map(|row| format!("y{row}"))
        .collect();
    code.line(format!("[{}]", rows.join(", ")));
    code.line("}");
}

/// Terms that are added in one statement.
const PER_LINE: usize = 8;

/// A row: its largest shifts first, each shift of the whole sum once.
fn horner(code: &mut Code, name: &str, terms: &[Term]) {
    let mut sum = "0i32".to_owned();
    let mut shift = 0;
    for level in terms.chunk_by(|a, b| a.shift == b.shift) {
        let own = level[0].shift;
        if own < shift {
            sum = format!("({name} << {})", shift - own);
        }
        shift = own;
        for terms in level.chunks(PER_LINE) {
            let next = terms.iter().fold(sum, |sum, term| plus(&sum, term, 0));
            code.line(format!("let {name} = {next};"));
            sum = name.to_owned();
        }
    }
    match shift {
        0 if terms.is_empty() => code.line(format!("let {name} = 0i32;")),
        0 => code,
        _ => code.line(format!("let {name} = {name} << {shift};")),
    };
}

fn shifted(term: &Term, shift: u8) -> String {
    match shift {
        0 => format!("x{}", term.operand),
        _ => format!("x{} << {shift}", term.operand),
    }
}

fn plus(sum: &str, term: &Term, shift: u8) -> String {
    let function = match term.negative {
        true => "wrapping_sub",
        false => "wrapping_add",
    };
    format!("{sum}.{function}({})", shifted(term, shift))
}
