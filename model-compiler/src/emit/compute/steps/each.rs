//! The lines of a step whose kernel takes one row at a time.

use super::super::rows;
use super::{Writer, dense};
use crate::emit::code::Code;
use crate::emit::names;
use crate::plan::layout::Layout;

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
    let room = dense::room(writer);
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
        let name = rows::variable(plan, operand);
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
