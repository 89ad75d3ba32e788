//! Layouts of eight rows at a time, called as an emitted crate calls them.

use hodoscope_compiler::plan::layout::{Constants, Layout, Packed};
use hodoscope_kernels::layout::{byte_quads, packed_words, row_blocks};
use hodoscope_kernels::rescale::Shift;

use crate::Array;
use crate::array::ends;

/// Whether `layout` is one of these.
pub fn are(layout: Layout) -> bool {
    matches!(
        layout,
        Layout::PackedWords | Layout::ByteQuads | Layout::RowBlocks
    )
}

/// Elements as an emitted static has them: a literal must fit.
fn literals<T: TryFrom<i64, Error: std::fmt::Debug>>(packed: Option<&Packed>) -> Vec<T> {
    let data = packed.map_or(&[][..], |packed| &packed.data);
    data.iter()
        .map(|e| T::try_from(*e).expect("a literal of its type"))
        .collect()
}

/// `$body` for results that these layouts may have.
macro_rules! results {
    ($array:expr, $y:ident => $body:expr) => {
        match $array {
            Array::I8($y) => $body,
            Array::I16($y) => $body,
            Array::I32($y) => $body,
            Array::I64(_) => panic!("rescaled to 64 bits"),
        }
    };
}

/// A layer; `limits` where it is rescaled.
pub fn dense(
    layout: Layout,
    constants: &Constants,
    x: &Array,
    limits: Option<(i64, i64)>,
    y: &mut Array,
) {
    let bias: Vec<i32> = literals(constants.bias.as_ref());
    let blocks: Vec<u8> = literals(constants.blocks.as_ref());
    let shifts: Vec<u8> = literals(constants.shifts.as_ref());
    let unsigned: Vec<u32> = match layout {
        Layout::PackedWords => vec![],
        _ => literals(constants.weights.as_ref()),
    };
    match (layout, x, limits.map(ends::<i32>)) {
        (Layout::PackedWords, Array::I8(x), limits) => {
            let words: Vec<i32> = literals(constants.weights.as_ref());
            let weights = (&words[..], &blocks[..]);
            match limits {
                None => each!(y, y => packed_words::dense(x, weights, &bias, y)),
                Some(limits) => {
                    results!(y, y => packed_words::dense_rescale(x, weights, &bias, Shift(&shifts), limits, y))
                }
            }
        }
        (Layout::ByteQuads, Array::I8(x), limits) => {
            let weights = (&unsigned[..], &blocks[..]);
            match limits {
                None => each!(y, y => byte_quads::dense(x, weights, &bias, y)),
                Some(limits) => {
                    results!(y, y => byte_quads::dense_rescale(x, weights, &bias, Shift(&shifts), limits, y))
                }
            }
        }
        (Layout::RowBlocks, Array::I8(x), None) => {
            each!(y, y => row_blocks::dense(x, &unsigned, &bias, y))
        }
        (Layout::RowBlocks, Array::I16(x), None) => {
            each!(y, y => row_blocks::dense(x, &unsigned, &bias, y))
        }
        (Layout::RowBlocks, Array::I8(x), Some(limits)) => {
            results!(y, y => row_blocks::dense_rescale(x, &unsigned, &bias, Shift(&shifts), limits, y))
        }
        (Layout::RowBlocks, Array::I16(x), Some(limits)) => {
            results!(y, y => row_blocks::dense_rescale(x, &unsigned, &bias, Shift(&shifts), limits, y))
        }
        _ => panic!("{layout} takes no such operand"),
    }
}
