//! Packing and proof that the layouts for DSP instructions share: see `hodoscope_kernels::layout`.

use super::{Constants, Layer, Packed, Storage};
use crate::plan::cost::Mix;
use crate::plan::{Accumulator, Requantise};

/// Rows that are computed at once.
pub(super) const ROWS: usize = 4;

/// What makes one of the layouts.
pub(super) struct Form {
    /// Appends the words of four rows and four columns.
    pub quad: fn(rows: [[i64; 4]; 4], words: &mut Vec<i32>),
    /// The words with which accumulators start, from those of the rows a, b, c, d.
    pub start: fn(rows: [i64; 4]) -> [i32; 4],
    /// What the rows a and c are shifted by beyond their own shift.
    pub upper_shift: i64,
}

/// Length filled up to whole fours.
pub fn filled(length: usize) -> usize {
    length.next_multiple_of(ROWS)
}

/// What all of them ask for: 16-bit activations, 32-bit sums, and shifts into a type's own range.
pub(super) fn prove(layer: &Layer<'_>) -> Result<(), String> {
    let bits = layer.operand.storage().width;
    if bits > 16 {
        return Err(format!("its operand has {bits} bits, not 16"));
    }
    if layer.accumulator != Accumulator::I32 {
        return Err("its sums are not proved to fit in 32 bits".into());
    }
    let Some((requantise, (low, high))) = layer.rescale else {
        return Ok(());
    };
    let is_scaled = matches!(requantise, Requantise::Scaled { .. });
    let Some(folded) = requantise.folded() else {
        return shifted_into(low, high).and(match is_scaled {
            true => Ok(()),
            false => Err("its rescale is more than a shift".into()),
        });
    };
    let fits = |row: usize| i32::try_from(layer.bias.data[row] + folded.addend(row)).is_ok();
    if let Some(row) = (0..layer.rows()).find(|row| !fits(*row)) {
        return Err(format!(
            "the first value of row {row} has more than 32 bits"
        ));
    }
    if folded.is_even() && (0..layer.rows()).any(|row| folded.shift(row) == 0) {
        return Err("halves go to even, and a row has nothing to round".into());
    }
    shifted_into(low, high)
}

/// Saturations that one instruction does.
fn shifted_into(low: i64, high: i64) -> Result<(), String> {
    let of_type = high > 0 && (high + 1) & high == 0 && (low == 0 || low == -high - 1);
    match of_type && high <= i16::MAX.into() {
        true => Ok(()),
        false => Err(format!("{low}..={high} is the range of no type of 16 bits")),
    }
}

/// Whether a word of shifts follows each block.
fn has_shifts(layer: &Layer<'_>) -> bool {
    layer.rescale.is_some() && !is_scaled(layer)
}

/// Whether halves go to even.
pub(super) fn is_even(layer: &Layer<'_>) -> bool {
    let folded = layer
        .rescale
        .and_then(|(requantise, _)| requantise.folded());
    folded.is_some_and(|folded| folded.is_even())
}

/// Whether one multiplier scales all sums.
pub(super) fn is_scaled(layer: &Layer<'_>) -> bool {
    matches!(layer.rescale, Some((Requantise::Scaled { .. }, _)))
}

/// The shift of each row, 0 where sums are not shifted.
pub(super) fn shifts(layer: &Layer<'_>) -> Vec<u8> {
    let folded = layer
        .rescale
        .and_then(|(requantise, _)| requantise.folded());
    let of = |row: usize| folded.map_or(0, |folded| folded.shift(row));
    (0..layer.rows()).map(of).collect()
}

/// Bias of each row, with what makes a shift round: of halves that go up half a count of the result.
pub(super) fn starts(layer: &Layer<'_>) -> Vec<i64> {
    let folded = layer
        .rescale
        .and_then(|(requantise, _)| requantise.folded());
    let addend = |row: usize| folded.map_or(0, |folded| folded.addend(row));
    let bias = layer.bias.data.iter().enumerate();
    bias.map(|(row, bias)| bias + addend(row)).collect()
}

/// How results are stored: halves where they are rescaled, else the sums.
pub(super) fn result(rescaled: bool) -> Storage {
    match rescaled {
        true => Storage::Pairs,
        false => Storage::Words,
    }
}

pub(super) fn pack(layer: &Layer<'_>, form: &Form) -> Constants {
    let (starts, shifts) = (starts(layer), shifts(layer));
    let rows: Vec<&[i64]> = layer.each_row().collect();
    let at = |row: usize, column: usize| {
        let row = rows.get(row).copied().unwrap_or_default();
        row.get(column).copied().unwrap_or(0)
    };
    let mut words = vec![];
    if let Some((
        Requantise::Scaled {
            multiplier,
            offset,
            shift,
        },
        _,
    )) = layer.rescale
    {
        words.extend([*multiplier, *offset, (*shift).into()]);
    }
    for block in (0..layer.rows()).step_by(ROWS) {
        let own = [0, 1, 2, 3].map(|row| block + row);
        let start = own.map(|row| starts.get(row).copied().unwrap_or(0));
        words.extend((form.start)(start));
        for column in (0..layer.columns()).step_by(4) {
            let weights = own.map(|row| [0, 1, 2, 3].map(|c| at(row, column + c)));
            (form.quad)(weights, &mut words);
        }
        if has_shifts(layer) {
            let [a, b, c, d] = own.map(|row| shifts.get(row).copied().map_or(0, i64::from));
            // Where halves go to even, upper sums are divided before they are shifted.
            let upper_shift = if is_even(layer) { 0 } else { form.upper_shift };
            let bytes = [b, a + upper_shift, d, c + upper_shift];
            words.push(i32::from_le_bytes(bytes.map(|shift| shift as u8)));
        }
    }
    Constants {
        stream: Some(Packed {
            element: "i32",
            data: words.into_iter().map(i64::from).collect(),
        }),
        ..Constants::default()
    }
}

/// The word of two halves.
pub(super) fn word(low: i64, high: i64) -> i32 {
    (i32::from(high as i16) << 16) | (i32::from(low as i16) & 0xffff)
}

/// Instructions of one run: `quad` is those of four rows and four columns.
pub(super) fn mix(layer: &Layer<'_>, quad: &Mix, subtractions: u64) -> Mix {
    let blocks = (filled(layer.rows()) / ROWS) as u64;
    let quads = (filled(layer.columns()) / 4) as u64;
    let shares = layer.shares();
    let twins = shares - 1;
    let results = 4 * shares;
    let rescales = u64::from(has_shifts(layer));
    let scales = u64::from(is_scaled(layer));
    let evens = u64::from(is_even(layer));
    // Two constituents compute eight columns between two branches, one computes sixteen.
    let branches = match layer.twins {
        true => quads.div_ceil(2),
        false => quads.div_ceil(4),
    };
    // Start, test, and the way to the next block; the rescale's epilogue.
    let per_block = Mix {
        arithmetic: 2
            + subtractions * shares / 2
            + rescales * (results + 3 + results + results / 2)
            + scales * (subtractions / 2 + results + results + results / 2)
            + evens * (subtractions / 2 + 3 * results)
            + branches,
        multiplies: scales * results,
        loads: rescales + scales,
        multiple_loads: 3 + twins + scales,
        loaded_words: 8 + 4 * twins + 2 * scales,
        stores: 3,
        branches: 1 + branches,
    };
    let per_call = Mix {
        arithmetic: 10,
        loads: 1,
        stores: 8,
        multiple_loads: 1,
        loaded_words: 9,
        branches: 1,
        ..Mix::default()
    };
    let all = quad.times(quads).plus(&per_block).times(blocks);
    all.plus(&per_call)
}
