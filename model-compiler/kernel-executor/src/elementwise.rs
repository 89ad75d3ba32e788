//! Functions of an element, and of pairs of elements.

use hodoscope_compiler::plan::{Accumulator, Kernel, Pair};
use hodoscope_kernels::{function, unary};
use hodoscope_program::ValueId;

use crate::Array;
use crate::array::{ends, exact};
use crate::row::Row;

/// A function of each element.
pub(crate) fn function(row: &Row<'_>) -> Array {
    let mut y = row.zeros();
    let out = &mut y;
    match &row.step.kernel {
        Kernel::Relu { x } => each!(row.value(*x), x => each!(out, y => unary::relu(x, y))),
        Kernel::Clip {
            x,
            minimum,
            maximum,
            accumulator,
        } => {
            accumulate!(accumulator, x = row.value(*x) => {
                let (low, high) = ends::<A>((*minimum, *maximum));
                each!(out, y => unary::clip::<A, _, _>(x, low, high, y));
            });
        }
        Kernel::LeakyRelu {
            x,
            multiplier,
            shift,
            accumulator,
        } => {
            accumulate!(accumulator, x = row.value(*x) => {
                let multiplier = exact::<A>(&[*multiplier])[0];
                each!(out, y => unary::leaky_relu::<A, _, _>(x, multiplier, *shift, y));
            });
        }
        Kernel::Table { x, table, first } => {
            let entries = row.constant(*table);
            let first = i32::try_from(*first).expect("a table's index has 16 bits");
            each32!(row.value(*x), x => each!(&entries, e => each!(out, y => unary::table(x, first, e, y))));
        }
        Kernel::Interpolate {
            x,
            table,
            first,
            shift,
            accumulator,
        } => {
            let entries = row.constant(*table);
            let (x, shift) = (row.value(*x).raws(), u32::from(*shift));
            accumulate!(accumulator, e = entries => each!(out, y => {
                function::interpolate::<A, _, _, _>(&x, *first, shift, &e[..], y)
            }));
        }
        Kernel::Exponent { x } => {
            let x = row.value(*x).raws();
            each!(out, y => function::exponent(&x, y));
        }
        Kernel::Mantissa { x, bits } => {
            let x = row.value(*x).raws();
            each!(out, y => function::mantissa(&x, u32::from(*bits), y));
        }
        other => panic!("{other:?} is no function of an element"),
    }
    y
}

/// A function of two elements.
pub(crate) fn pair(
    row: &Row<'_>,
    operator: Pair,
    [a, b]: [ValueId; 2],
    accumulator: Accumulator,
) -> Array {
    let mut y = row.zeros();
    let out = &mut y;
    accumulate!(accumulator, a = row.value(a), b = row.value(b) => each!(out, y => match operator {
        Pair::Mul => unary::mul::<A, _, _, _>(a, b, y),
        Pair::Add => unary::add::<A, _, _, _>(a, b, y),
        Pair::Sub => unary::sub::<A, _, _, _>(a, b, y),
        Pair::Larger => unary::larger::<A, _, _, _>(a, b, y),
        Pair::Smaller => unary::smaller::<A, _, _, _>(a, b, y),
    }));
    y
}
