//! What a network makes of each cell of the detector's grid, looked up.

/// One axis of a grid: a channel of the words, and the words that it can take.
#[derive(Clone, Copy, Debug)]
pub struct Axis {
    /// Channel of the row of words.
    pub channel: usize,
    /// Smallest word.
    pub minimum: i32,
    /// Number of words.
    pub extent: usize,
}

/// Entries of a grid's cells. They begin where a line of 32 bytes of a data cache does, so that entries
/// of 2, 4, 8, 16 or 32 bytes lie within one.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
pub struct Cells<T>(pub T);

/// The entry of the cell that `words`, clamped into their ranges before, lie in.
///
/// `words`: detector words of a row, `entries`: `[cells][channels]`, the last axis fastest.
#[inline(always)]
pub fn pick<W, Y, const N: usize>(words: &[W], axes: &[Axis], entries: &[[Y; N]]) -> [Y; N]
where
    W: Copy + Into<i32>,
    Y: Copy,
{
    let mut cell = 0;
    for axis in axes {
        let step = words[axis.channel].into() - axis.minimum;
        cell = cell * axis.extent + step as usize;
    }
    entries[cell]
}
