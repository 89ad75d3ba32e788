//! Divisions and roots.

use hodoscope_compiler::plan::{Accumulator, Kernel};
use hodoscope_kernels::{divide, quotient, root};
use hodoscope_program::Rounding;

use crate::Array;
use crate::row::Row;

/// A quotient or a root of each element.
pub(crate) fn number(row: &Row<'_>) -> Array {
    let mut y = row.zeros();
    let out = &mut y;
    match &row.step.kernel {
        Kernel::Divide {
            x,
            divisor,
            rounding,
        } => {
            let divisor = divide::Divisor::new(*divisor);
            let rounding = quotient(*rounding);
            each!(row.value(*x), x => each!(out, y => divide::divide(x, divisor, rounding, y)));
        }
        Kernel::Quotient {
            a,
            b,
            shift,
            bits,
            rounding,
            limits,
            remainder,
        } => {
            let form = quotient::Form {
                shift: (*shift).into(),
                bits: (*bits).into(),
                rounding: quotient(*rounding),
                limits: *limits,
            };
            // The operands' own types matter to nothing but their conversion.
            let (a, b) = (row.value(*a).raws(), row.value(*b).raws());
            each!(out, y => match remainder {
                Accumulator::I32 => quotient::quotient::<u32, _, _, _>(&a, &b, form, y),
                Accumulator::I64 => quotient::quotient::<u64, _, _, _>(&a, &b, form, y),
            });
        }
        Kernel::SquareRoot {
            x,
            shift,
            bits,
            remainder,
        } => {
            let (shift, bits) = (u32::from(*shift), u32::from(*bits));
            let x = row.value(*x).raws();
            each!(out, y => match remainder {
                Accumulator::I32 => root::square_root::<u32, _, _>(&x, shift, bits, y),
                Accumulator::I64 => root::square_root::<u64, _, _>(&x, shift, bits, y),
            });
        }
        other => panic!("{other:?} is no division"),
    }
    y
}

fn quotient(rounding: Rounding) -> divide::Rounding {
    match rounding {
        Rounding::Trn => divide::Rounding::Trn,
        Rounding::TrnZero => divide::Rounding::TrnZero,
        Rounding::Rnd => divide::Rounding::Rnd,
        Rounding::RndConv => divide::Rounding::RndConv,
        Rounding::RndZero => divide::Rounding::RndZero,
        Rounding::RndInf => divide::Rounding::RndInf,
        Rounding::RndMinInf => divide::Rounding::RndMinInf,
    }
}
