//! Words as they arrive: clamped, rescaled at once, or looked up together.

use hodoscope_compiler::plan::{Accumulator, Requantise, Stage};
use hodoscope_kernels::rescale;
use hodoscope_program::{Field, InputId, ValueId};

use crate::Array;
use crate::array::{ends, exact, narrowed};
use crate::row::Row;
use crate::rules::{by_rules, chained, factors};

/// The entry that the words of a constituent choose.
pub(crate) fn looked_up(row: &Row<'_>, words: ValueId) -> Array {
    let mut grids = row.executor.plan.grids.iter();
    let grid = grids.find(|grid| grid.result == row.step.result);
    let grid = grid.expect("the table of a step that looks it up");
    let words = row.value(words).raws();
    let cell = grid.axes.iter().fold(0, |cell, axis| {
        let at = usize::try_from(words[axis.channel] - axis.minimum);
        cell * axis.extent + at.expect("words are in their ranges")
    });
    let channels = row.program().value(row.step.result).shape.channels();
    row.result(&grid.entries[cell * channels..][..channels])
}

/// Words, clamped to their fields' ranges.
pub(crate) fn words(row: &Row<'_>, input: InputId) -> Array {
    let fields = &row.program().input(input).fields;
    let ends = |end: fn(&Field) -> i64| row.result(&fields.iter().map(end).collect::<Vec<i64>>());
    let mut y = row.zeros();
    let range = (ends(|f| f.minimum), ends(|f| f.maximum));
    match (&row.words[input.index()], range, &mut y) {
        (Array::I8(x), (Array::I8(a), Array::I8(b)), Array::I8(y)) => rescale::words(x, &a, &b, y),
        (Array::I16(x), (Array::I16(a), Array::I16(b)), Array::I16(y)) => {
            rescale::words(x, &a, &b, y)
        }
        (Array::I32(x), (Array::I32(a), Array::I32(b)), Array::I32(y)) => {
            rescale::words(x, &a, &b, y)
        }
        _ => panic!("words are stored as they arrive"),
    }
    y
}

/// Words, clamped and rescaled at once.
pub(crate) fn rescaled(
    row: &Row<'_>,
    input: InputId,
    accumulator: Accumulator,
    before: &[Stage],
    requantise: &Requantise,
    limits: (i64, i64),
) -> Array {
    let fields = &row.program().input(input).fields;
    let minima: Vec<i64> = fields.iter().map(|f| f.minimum).collect();
    let maxima: Vec<i64> = fields.iter().map(|f| f.maximum).collect();
    if !before.is_empty() {
        let raws = row.words[input.index()].raws().into_iter();
        let raws = raws.zip(fields.iter().cycle());
        let raws = raws.map(|(raw, field)| raw.clamp(field.minimum, field.maximum));
        let x = chained(before, accumulator, raws.collect());
        return row.result(&by_rules(accumulator, &x, requantise, limits));
    }
    let mut y = row.zeros();
    let out = &mut y;
    macro_rules! at_once {
        ($t:ty, $x:expr, $a:ty) => {{
            let (minimum, maximum) = (exact::<$t>(&minima), exact::<$t>(&maxima));
            let (ranges, limits) = ((&minimum[..], &maximum[..]), ends::<$a>(limits));
            let factors = factors::<$a>(requantise);
            match requantise {
                Requantise::Scaled { .. } => panic!("words are no sums"),
                // As wide as it is computed: there are as many instances as rules.
                Requantise::Imported { rounding, overflow, shifts, .. } => {
                    let mut wide: Vec<$a> = vec![0; $x.len()];
                    imported!(*rounding, *overflow, $a, factors, shifts, q => {
                        rescale::words_rescaled::<$a, _, _>($x, ranges, q, limits, &mut wide)
                    });
                    return row.result(&narrowed(&wide));
                }
                Requantise::Shift(shifts) => {
                    let shift = rescale::Shift(shifts);
                    each!(out, y => rescale::words_rescaled::<$a, _, _>($x, ranges, shift, limits, y));
                }
                Requantise::Affine { shifts, .. } => {
                    let (multipliers, offsets) = factors.expect("an affine rescale");
                    let affine = rescale::Affine { multipliers: &multipliers, offsets: &offsets, shifts };
                    each!(out, y => rescale::words_rescaled::<$a, _, _>($x, ranges, affine, limits, y));
                }
            }
        }};
    }
    match (&row.words[input.index()], accumulator) {
        (Array::I8(x), Accumulator::I32) => at_once!(i8, x, i32),
        (Array::I8(x), Accumulator::I64) => at_once!(i8, x, i64),
        (Array::I16(x), Accumulator::I32) => at_once!(i16, x, i32),
        (Array::I16(x), Accumulator::I64) => at_once!(i16, x, i64),
        (Array::I32(x), Accumulator::I32) => at_once!(i32, x, i32),
        (Array::I32(x), Accumulator::I64) => at_once!(i32, x, i64),
        _ => panic!("words of 32 bits at most"),
    }
    y
}
