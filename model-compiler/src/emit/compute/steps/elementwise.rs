//! Element by element.

use super::{Writer, rounding};
use crate::plan::{Accumulator, Kernel, Pair};

pub(super) fn lines(w: &Writer<'_, '_>) -> Vec<String> {
    let y = w.y();
    match &w.step.kernel {
        Kernel::Relu { x } => vec![w.start(), format!("unary::relu(&{}, &mut {y});", w.x(*x))],
        Kernel::Clip {
            x,
            minimum,
            maximum,
            accumulator,
        } => vec![
            w.start(),
            format!(
                "unary::clip::<{}, _, _>(&{}, {minimum}, {maximum}, &mut {y});",
                accumulator.name(),
                w.x(*x)
            ),
        ],
        Kernel::LeakyRelu {
            x,
            multiplier,
            shift,
            accumulator,
        } => vec![
            w.start(),
            format!(
                "unary::leaky_relu::<{}, _, _>(&{}, {multiplier}, {shift}, &mut {y});",
                accumulator.name(),
                w.x(*x)
            ),
        ],
        Kernel::Table { x, table, first } => vec![
            w.start(),
            format!(
                "unary::table(&{}, {first}, &{}, &mut {y});",
                w.x(*x),
                w.constant(*table)
            ),
        ],
        Kernel::Interpolate {
            x,
            table,
            first,
            shift,
            accumulator,
        } => vec![
            w.start(),
            format!(
                "function::interpolate::<{}, _, _, _>(&{}, {first}, {shift}, &{}, &mut {y});",
                accumulator.name(),
                w.x(*x),
                w.constant(*table)
            ),
        ],
        Kernel::Exponent { x } => vec![
            w.start(),
            format!("function::exponent(&{}, &mut {y});", w.x(*x)),
        ],
        Kernel::Mantissa { x, bits } => vec![
            w.start(),
            format!("function::mantissa(&{}, {bits}, &mut {y});", w.x(*x)),
        ],
        Kernel::Pair {
            operator,
            a,
            b,
            accumulator,
        } => {
            let function = match operator {
                Pair::Mul => "unary::mul",
                Pair::Add => "unary::add",
                Pair::Sub => "unary::sub",
                Pair::Larger => "unary::larger",
                Pair::Smaller => "unary::smaller",
            };
            vec![
                w.start(),
                format!(
                    "{function}::<{}, _, _, _>(&{}, &{}, &mut {y});",
                    accumulator.name(),
                    w.x(*a),
                    w.x(*b)
                ),
            ]
        }
        Kernel::Divide {
            x,
            divisor,
            rounding,
        } => vec![
            w.start(),
            format!(
                "divide::divide(&{}, const {{ divide::Divisor::new({divisor}) }}, divide::Rounding::{}, &mut {y});",
                w.x(*x),
                rounding::name(*rounding)
            ),
        ],
        Kernel::Quotient {
            a,
            b,
            shift,
            bits,
            rounding,
            limits: (low, high),
            remainder,
        } => {
            let rounding = rounding::name(*rounding);
            vec![
                w.start(),
                format!("quotient::quotient::<{}, _, _, _>(", unsigned(*remainder)),
                format!("&{},", w.x(*a)),
                format!("&{},", w.x(*b)),
                format!(
                    "quotient::Form {{ shift: {shift}, bits: {bits}, rounding: divide::Rounding::{rounding}, limits: ({low}, {high}) }},"
                ),
                format!("&mut {y},"),
                ");".into(),
            ]
        }
        Kernel::SquareRoot {
            x,
            shift,
            bits,
            remainder,
        } => vec![
            w.start(),
            format!(
                "root::square_root::<{}, _, _>(&{}, {shift}, {bits}, &mut {y});",
                unsigned(*remainder),
                w.x(*x)
            ),
        ],
        // Another file's.
        _ => vec![],
    }
}

/// The integer of a division's remainders.
fn unsigned(remainder: Accumulator) -> &'static str {
    match remainder {
        Accumulator::I32 => "u32",
        Accumulator::I64 => "u64",
    }
}
