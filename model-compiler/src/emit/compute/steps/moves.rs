//! Elements at other places.

use super::Writer;
use super::place::storage;
use crate::emit::names;
use crate::plan::{Axis, Kernel};
use crate::windows::{number_bits, windows};

pub(super) fn lines(w: &Writer<'_, '_>) -> Vec<String> {
    let Writer { plan, step, .. } = *w;
    let value = plan.result(step);
    let (id, y, name, stored) = (w.id(), w.y(), w.name(), w.stored());
    match &step.kernel {
        Kernel::Grid { words } => {
            let axes = plan.grids.iter().find(|grid| grid.result == step.result);
            let axes = axes.into_iter().flat_map(|grid| &grid.axes).map(|axis| {
                let Axis {
                    channel,
                    minimum,
                    extent,
                } = axis;
                format!("grid::Axis {{ channel: {channel}, minimum: {minimum}, extent: {extent} }}")
            });
            let axes: Vec<String> = axes.collect();
            vec![format!(
                "let {y} = grid::pick(&{}, &[{}], &w::{}.0);",
                w.x(*words),
                axes.join(", "),
                names::cells(step.result)
            )]
        }
        Kernel::Select { x, channels } => {
            let cast = w.cast(&storage(plan, *x));
            let picked = channels.iter().map(|c| format!("{}[{c}]{cast}", w.x(*x)));
            w.listed(&picked.collect::<Vec<String>>())
        }
        Kernel::Concat { parts } => {
            let mut lines = vec![w.start()];
            let mut start = 0;
            for part in parts {
                let operand = plan.program.value(*part);
                let end = start + operand.shape.channels();
                let range = format!("{name}[{start}..{end}]");
                let same = storage(plan, *part) == stored;
                let part = w.x(*part);
                lines.push(match same {
                    true => format!("{range}.copy_from_slice(&{part});"),
                    false => format!("unary::copy(&{part}, &mut {range});"),
                });
                start = end;
            }
            lines
        }
        Kernel::View { x } => vec![w.start(), format!("unary::copy(&{}, &mut {y});", w.x(*x))],
        Kernel::Gather { x, elements } => vec![w.start(), {
            let wide = match number_bits(elements) {
                16 => "",
                _ => "_wide",
            };
            match windows(elements) {
                Some(windows) => format!(
                    "gather::windows{wide}::<{}, _, _>(&{}, &w::S{id}_BASES, &w::S{id}_OFFSETS, &mut {y});",
                    windows.run,
                    w.x(*x)
                ),
                None => format!(
                    "gather::gather{wide}(&{}, &w::S{id}_ELEMENTS, &mut {y});",
                    w.x(*x)
                ),
            }
        }],
        Kernel::Take { x, indices } => vec![
            w.start(),
            format!(
                "gather::take(&{}, &{}, {}, &mut {y});",
                w.x(*x),
                w.x(*indices),
                value.shape.channels()
            ),
        ],
        // Another file's.
        _ => vec![],
    }
}
