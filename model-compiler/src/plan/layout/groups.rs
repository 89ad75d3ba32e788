//! What the layouts of eight rows at a time share: `hodoscope_kernels::layout::groups`.

use super::{Constants, Layer, Packed};
use crate::plan::cost::Mix;
use crate::plan::{Accumulator, Folded, Isa};

/// Rows that are computed together.
pub(super) const ROWS: usize = 8;

/// Largest number of columns in a block.
const LONGEST_BLOCK: usize = 16;

/// Sums of a block that come apart from those of the row they share a word with: of 16 bits.
const BLOCK: std::ops::RangeInclusive<i128> = -(1 << 15)..=(1 << 15) - 1;

/// Groups of rows; the last may be smaller.
pub(super) fn groups<'a>(layer: &'a Layer<'_>) -> impl Iterator<Item = Vec<&'a [i64]>> {
    let rows: Vec<&[i64]> = layer.each_row().collect();
    let groups: Vec<_> = rows.chunks(ROWS).map(<[&[i64]]>::to_vec).collect();
    groups.into_iter()
}

/// Weight of a row of a group, 0 where the group has no such row.
pub(super) fn weight(group: &[&[i64]], row: usize, column: usize) -> i64 {
    group.get(row).map_or(0, |weights| weights[column])
}

/// Smallest and largest product of a weight.
fn products(layer: &Layer<'_>, weight: i64) -> (i128, i128) {
    let product = |x: i128| i128::from(weight) * x;
    let (a, b) = (
        product(layer.interval.minimum),
        product(layer.interval.maximum),
    );
    (a.min(b), a.max(b))
}

/// Proves what all three need: sums of 32 bits, bytes as weights, an operand of at most `bits`, and a rescale that only
/// shifts, whose half and upper limit fit into the sums.
pub(super) fn prove(layer: &Layer<'_>, bits: u8) -> Result<(), String> {
    if layer.accumulator != Accumulator::I32 {
        return Err("its sums take 64 bits".into());
    }
    let stored = layer.weights.element.storage().width;
    if stored != 8 {
        return Err(format!("its weights have {stored} bits, not 8"));
    }
    let stored = layer.operand.storage().width;
    if stored > bits {
        return Err(format!("its operand has {stored} bits, not {bits}"));
    }
    let Some((requantise, (low, high))) = layer.rescale else {
        return Ok(());
    };
    let Some(folded) = requantise.folded().filter(|folded| !folded.is_even()) else {
        return Err("its rescale is more than a shift".into());
    };
    if layer.result.storage().width > 32 {
        return Err("its result has 64 bits".into());
    }
    let fits = |value: i128| i32::try_from(value).is_ok();
    for (row, weights) in layer.each_row().enumerate() {
        let start = i128::from(layer.bias.data[row]) + fold(&folded, row, high);
        let sums = weights.iter().fold((start, start), |(low, high), w| {
            let (least, most) = products(layer, *w);
            (low + least, high + most)
        });
        if !fits(start) || !fits(sums.0) || !fits(sums.1) {
            return Err("no room in 32 bits for the upper limit of its rescale".into());
        }
    }
    if !fits(i128::from(high) - i128::from(low)) {
        return Err("the limits of its rescale are too far apart".into());
    }
    Ok(())
}

/// What a rescale adds to a bias: its offset and what rounds, less the upper limit before the shift.
fn fold(folded: &Folded<'_>, row: usize, high: i64) -> i128 {
    i128::from(folded.addend(row)) - (i128::from(high) << folded.shift(row))
}

/// The rescale that follows, and its upper limit.
fn folded<'a>(layer: &'a Layer<'_>) -> Option<(Folded<'a>, i64)> {
    let (requantise, (_, high)) = layer.rescale?;
    Some((requantise.folded()?, high))
}

/// The bias of each row of each group, with what the rescale adds.
pub(super) fn biases(layer: &Layer<'_>) -> Vec<i64> {
    let mut biases = layer.bias.data.clone();
    if let Some((folded, high)) = folded(layer) {
        for (row, bias) in biases.iter_mut().enumerate() {
            // It fits, as was proved.
            *bias += fold(&folded, row, high) as i64;
        }
    }
    biases.resize(layer.rows().next_multiple_of(ROWS), 0);
    biases
}

/// A shift for each row of each group.
fn shifts(layer: &Layer<'_>) -> Option<Packed> {
    let (folded, _) = folded(layer)?;
    let own = |row: usize| match row < layer.rows() {
        true => folded.shift(row).into(),
        false => 0,
    };
    let padded = layer.rows().next_multiple_of(ROWS);
    Some(Packed {
        element: "u8",
        data: (0..padded).map(own).collect(),
    })
}

/// Weights and biases with the shifts, and the blocks of packed sums.
pub(super) fn constants(
    layer: &Layer<'_>,
    weights: Packed,
    bias: Vec<i64>,
    blocks: Option<&[Vec<u8>]>,
) -> Constants {
    let bytes = |blocks: &[Vec<u8>]| blocks.concat().into_iter().map(i64::from).collect();
    Constants {
        weights: Some(weights),
        bias: Some(Packed {
            element: "i32",
            data: bias,
        }),
        shifts: shifts(layer),
        blocks: blocks.map(|blocks| Packed {
            element: "u8",
            data: bytes(blocks),
        }),
        stream: None,
        is_code: false,
    }
}

/// The longest blocks of columns, of each group, in which no sum of a row leaves 16 bits, whatever
/// the operand.
pub(super) fn blocks(layer: &Layer<'_>) -> Result<Vec<Vec<u8>>, String> {
    groups(layer)
        .map(|group| {
            let mut lengths: Vec<u8> = vec![];
            let mut sums = vec![(0, 0); group.len()];
            for column in 0..layer.columns() {
                let add = |sums: &[(i128, i128)]| -> Option<Vec<(i128, i128)>> {
                    let sums = sums.iter().zip(&group).map(|((low, high), weights)| {
                        let (least, most) = products(layer, weights[column]);
                        let sum = (low + least, high + most);
                        (BLOCK.contains(&sum.0) && BLOCK.contains(&sum.1)).then_some(sum)
                    });
                    sums.collect()
                };
                let goes_on = match lengths.last_mut() {
                    Some(length) if usize::from(*length) < LONGEST_BLOCK => {
                        add(&sums).inspect(|_| *length += 1)
                    }
                    _ => None,
                };
                sums = match goes_on {
                    Some(sums) => sums,
                    None => {
                        lengths.push(1);
                        add(&[(0, 0); ROWS][..group.len()])
                            .ok_or_else(|| format!("products of column {column} leave 16 bits"))?
                    }
                };
            }
            Ok(lengths)
        })
        .collect()
}

/// x · n.
fn times(n: u64, x: Mix) -> Mix {
    Mix {
        arithmetic: n * x.arithmetic,
        multiplies: n * x.multiplies,
        loads: n * x.loads,
        multiple_loads: n * x.multiple_loads,
        loaded_words: n * x.loaded_words,
        stores: n * x.stores,
        branches: n * x.branches,
    }
}

/// Σ n · x.
pub(super) fn sum(parts: &[(usize, Mix)]) -> Mix {
    parts.iter().fold(Mix::default(), |sum, (n, part)| {
        let part = times(*n as u64, *part);
        Mix {
            arithmetic: sum.arithmetic + part.arithmetic,
            multiplies: sum.multiplies + part.multiplies,
            loads: sum.loads + part.loads,
            multiple_loads: sum.multiple_loads + part.multiple_loads,
            loaded_words: sum.loaded_words + part.loaded_words,
            stores: sum.stores + part.stores,
            branches: sum.branches + part.branches,
        }
    })
}

/// What all groups take besides their columns: bias, rescale, results; and the call.
pub(super) fn frame(layer: &Layer<'_>, isa: Isa) -> Mix {
    let groups = layer.rows().div_ceil(ROWS);
    let (call, group, row) = match isa {
        // Counted in the assembly.
        Isa::Rv32im => (
            (40, 30, 30, 6),
            (11, 14, 2, 1),
            match layer.rescale {
                Some(_) => (8, 1, 1),
                None => (0, 0, 1),
            },
        ),
        // Counted in the assembly, and seen in what the compiler makes of the rest.
        _ => ((20, 10, 10, 4), (60, 24, 24, 6), (12, 2, 1)),
    };
    sum(&[
        (
            1,
            Mix {
                arithmetic: call.0,
                loads: call.1,
                stores: call.2,
                branches: call.3,
                ..Mix::default()
            },
        ),
        (
            groups,
            Mix {
                arithmetic: group.0,
                loads: group.1,
                stores: group.2,
                branches: group.3,
                ..Mix::default()
            },
        ),
        (
            groups * ROWS,
            Mix {
                arithmetic: row.0,
                loads: row.1,
                stores: row.2,
                ..Mix::default()
            },
        ),
    ])
}
