//! Sums, largest elements, products of matrices, trees: many elements make one.

use hodoscope_program::TreeAggregate;

use super::{Writer, blocks};
use crate::plan::Kernel;

pub(super) fn lines(w: &Writer<'_, '_>) -> Vec<String> {
    let value = w.plan.result(w.step);
    let (y, stored) = (w.y(), w.stored());
    match &w.step.kernel {
        Kernel::Count => w.listed(&[format!("sums.multiplicity{}", w.cast("i32"))]),
        Kernel::ArgMax { x, accumulator } => {
            let (accumulator, cast) = (accumulator.name(), w.cast("i32"));
            w.listed(&[format!(
                "reduce::arg_max::<{accumulator}, _>(&{}){cast}",
                w.x(*x)
            )])
        }
        Kernel::SquaredError { a, b, accumulator } => {
            if let Some(lines) = blocks::lines(w, [*a, *b], *accumulator) {
                return lines;
            }
            let accumulator = accumulator.name();
            w.listed(&[format!(
                "reduce::squared_error::<{accumulator}, _, _>(&{}, &{}){}",
                w.x(*a),
                w.x(*b),
                w.cast(accumulator)
            )])
        }
        Kernel::SumSquares { x, accumulator } => {
            let accumulator = accumulator.name();
            w.listed(&[format!(
                "reduce::sum_squares::<{accumulator}, _>(&{}){}",
                w.x(*x),
                w.cast(accumulator)
            )])
        }
        Kernel::Largest { x, accumulator } => {
            let accumulator = accumulator.name();
            w.listed(&[format!(
                "reduce::largest::<{accumulator}, _>(&{}){}",
                w.x(*x),
                w.cast(accumulator)
            )])
        }
        Kernel::TopK {
            x,
            count,
            bits,
            accumulator,
        } => {
            let accumulator = accumulator.name();
            vec![
                w.start(),
                format!("let mut held = [{accumulator}::MIN; {count}];"),
                format!(
                    "rank::top_k::<{accumulator}, _, _>(&{}, {bits}, &mut held, &mut {y});",
                    w.x(*x)
                ),
            ]
        }
        Kernel::SumRows { x, accumulator } => {
            let accumulator = accumulator.name();
            let channels = value.shape.elements(1);
            let mut lines = vec![
                format!("let mut total = [0{accumulator}; {channels}];"),
                format!("for row in {}.as_chunks::<{channels}>().0 {{", w.x(*x)),
                "reduce::add(&mut total, row);".into(),
                "}".into(),
            ];
            if stored == accumulator {
                lines.push(format!("let {y} = total;"));
            } else {
                lines.extend([w.start(), format!("unary::copy(&total, &mut {y});")]);
            }
            lines
        }
        Kernel::MatMul {
            a,
            b,
            extents: [rows, inner, columns],
            accumulator,
        } => vec![
            w.start(),
            format!("matrix::product::<{}, _, _, _>(", accumulator.name()),
            format!("&{},", w.x(*a)),
            format!("&{},", w.x(*b)),
            format!("matrix::Extents {{ rows: {rows}, inner: {inner}, columns: {columns} }},"),
            format!("&mut {y},"),
            ");".into(),
        ],
        Kernel::Trees {
            trees,
            compare,
            accumulator,
        } => {
            let (compare, accumulator) = (compare.name(), accumulator.name());
            let targets = value.shape.channels();
            let function = match trees.aggregate {
                TreeAggregate::Sum => "sum",
                TreeAggregate::Min => "smallest",
                TreeAggregate::Max => "largest",
            };
            let mut lines = vec![
                "let forest = trees::Forest {".into(),
                format!("nodes: &w::{},", w.bare(trees.nodes)),
                format!("first: {},", trees.first),
                format!("trees: &w::{},", w.bare(trees.roots)),
                format!("leaves: &w::{},", w.bare(trees.leaves)),
                "};".into(),
                format!(
                    "let sums = trees::{function}::<{compare}, {accumulator}, {targets}, _, _, _, _>(&{}, forest);",
                    w.x(trees.x)
                ),
            ];
            if stored == accumulator {
                lines.push(format!("let {y} = sums;"));
            } else {
                lines.extend([w.start(), format!("unary::copy(&sums, &mut {y});")]);
            }
            lines
        }
        // Another file's.
        _ => vec![],
    }
}
