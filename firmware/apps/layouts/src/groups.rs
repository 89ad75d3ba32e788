//! The layouts of eight rows at a time.

use hodoscope_kernels::layout::groups::{LONGEST_BLOCK, ROWS};
use hodoscope_kernels::layout::{byte_quads, packed_words, row_blocks};
use hodoscope_kernels::rescale::Shift;

use crate::random::{Random, Style};
use crate::{Difference, FLIPS, Kernel, LONGEST};

/// Layers that are compared per layout.
const CASES: usize = 200;
/// Groups of the largest layer.
const GROUPS: usize = 3;
/// Words of a column of a group, at most.
const MOST_WORDS: usize = ROWS / 2;
/// Elements around the results that nobody may change.
const GUARD: usize = ROWS;

/// A layer as these layouts take it.
struct Layer<'a, L: Layout + ?Sized> {
    x: &'a [L::X],
    words: &'a [L::Word],
    blocks: &'a [u8],
    bias: &'a [i32],
    shifts: &'a [u8],
}

/// A layout: its portable body, and the functions that take the core's own.
trait Layout {
    type X: Copy + Default;
    type Word: Copy + Default;
    const NAME: &'static str;
    /// Words of a column of a group.
    const WORDS: usize;

    fn element(word: u32) -> Self::X;
    fn word(word: u32) -> Self::Word;
    fn flipped(word: Self::Word, bit: u32) -> Self::Word;

    /// The portable body: the sums of a group, and how many blocks they took.
    fn group(x: &[Self::X], words: &[Self::Word], blocks: &[u8], sums: &mut [i32; ROWS]) -> usize;
    fn sums(layer: &Layer<'_, Self>, y: &mut [i32]);
    fn bytes(layer: &Layer<'_, Self>, limits: (i32, i32), y: &mut [i8]);
    fn halves(layer: &Layer<'_, Self>, limits: (i32, i32), y: &mut [i16]);
    fn words(layer: &Layer<'_, Self>, limits: (i32, i32), y: &mut [i32]);
}

macro_rules! layout {
    ($layout:ident, $name:literal, $module:ident, $x:ty, $word:ty, $words:literal,
     |$layer:ident| $weights:expr, $group:expr) => {
        struct $layout;

        impl Layout for $layout {
            type X = $x;
            type Word = $word;
            const NAME: &'static str = $name;
            const WORDS: usize = $words;

            fn element(word: u32) -> $x {
                word as $x
            }

            fn word(word: u32) -> $word {
                word as $word
            }

            fn flipped(word: $word, bit: u32) -> $word {
                word ^ (1 << bit)
            }

            fn group(x: &[$x], words: &[$word], blocks: &[u8], sums: &mut [i32; ROWS]) -> usize {
                $group(x, words, blocks, sums)
            }

            fn sums($layer: &Layer<'_, Self>, y: &mut [i32]) {
                $module::dense($layer.x, $weights, $layer.bias, y);
            }

            fn bytes($layer: &Layer<'_, Self>, limits: (i32, i32), y: &mut [i8]) {
                let shifts = Shift($layer.shifts);
                $module::dense_rescale($layer.x, $weights, $layer.bias, shifts, limits, y);
            }

            fn halves($layer: &Layer<'_, Self>, limits: (i32, i32), y: &mut [i16]) {
                let shifts = Shift($layer.shifts);
                $module::dense_rescale($layer.x, $weights, $layer.bias, shifts, limits, y);
            }

            fn words($layer: &Layer<'_, Self>, limits: (i32, i32), y: &mut [i32]) {
                let shifts = Shift($layer.shifts);
                $module::dense_rescale($layer.x, $weights, $layer.bias, shifts, limits, y);
            }
        }
    };
}

layout!(
    PackedWords,
    "packed_words",
    packed_words,
    i8,
    i32,
    4,
    |layer| (layer.words, layer.blocks),
    packed_words::portable
);
layout!(
    ByteQuads,
    "byte_quads",
    byte_quads,
    i8,
    u32,
    2,
    |layer| (layer.words, layer.blocks),
    byte_quads::portable
);
layout!(
    RowBlocks8,
    "row_blocks of i8",
    row_blocks,
    i8,
    u32,
    2,
    |layer| layer.words,
    without_blocks
);
layout!(
    RowBlocks16,
    "row_blocks of i16",
    row_blocks,
    i16,
    u32,
    2,
    |layer| layer.words,
    without_blocks
);

/// [`row_blocks::portable`] has no blocks to count.
fn without_blocks<X: Copy + Into<i32>>(
    x: &[X],
    words: &[u32],
    _blocks: &[u8],
    sums: &mut [i32; ROWS],
) -> usize {
    row_blocks::portable(x, &words[..2 * x.len()], sums);
    0
}

/// Compares all of them.
pub fn check(random: &mut Random, seen: &mut dyn FnMut(Kernel)) -> Result<(), Difference> {
    seen(compare::<PackedWords>(random)?);
    seen(compare::<ByteQuads>(random)?);
    seen(compare::<RowBlocks8>(random)?);
    seen(compare::<RowBlocks16>(random)?);
    Ok(())
}

/// Room for the largest layer.
struct Memory<L: Layout + ?Sized> {
    /// One element more, so that a row may begin at an odd address.
    x: [L::X; LONGEST + 1],
    words: [L::Word; GROUPS * LONGEST * MOST_WORDS],
    blocks: [u8; GROUPS * LONGEST],
    bias: [i32; GROUPS * ROWS],
    shifts: [u8; GROUPS * ROWS],
    shape: Shape,
}

#[derive(Clone, Copy)]
struct Shape {
    columns: usize,
    rows: usize,
    /// Elements before x and before y.
    offset: usize,
}

impl Shape {
    fn groups(self) -> usize {
        self.rows.div_ceil(ROWS)
    }

    fn name(self) -> (usize, usize) {
        (self.columns, self.rows)
    }
}

impl<L: Layout> Memory<L> {
    fn new() -> Self {
        Self {
            x: [L::X::default(); _],
            words: [L::Word::default(); _],
            blocks: [0; _],
            bias: [0; _],
            shifts: [0; _],
            shape: Shape {
                columns: 1,
                rows: 1,
                offset: 0,
            },
        }
    }

    /// Draws a layer.
    fn draw(&mut self, random: &mut Random, case: usize) {
        let columns = match case {
            0..20 => case + 1,
            20..24 => LONGEST + 20 - case,
            _ => 1 + random.below(80),
        };
        let rows = 1 + random.below(GROUPS * ROWS);
        self.shape = Shape {
            columns,
            rows,
            offset: random.below(2),
        };
        let (x, words) = (Style::draw(random), Style::draw(random));
        self.x.fill_with(|| L::element(x.word(random)));
        let count = self.shape.groups() * columns * L::WORDS;
        self.words[..count].fill_with(|| L::word(words.word(random)));
        let bias = random.one_of(&[
            Style::Any,
            Style::Any,
            Style::Either(0x8000_0000, 0x7fff_ffff),
        ]);
        self.bias.fill_with(|| bias.word(random).cast_signed());
        self.shifts.fill_with(|| random.below(32) as u8);
        let longest = random.one_of(&[1, 2, LONGEST_BLOCK, LONGEST_BLOCK]);
        let shortest = random.one_of(&[1, longest]);
        let mut blocks = self.blocks.iter_mut();
        for _ in 0..self.shape.groups() {
            let mut left = columns;
            while left > 0 {
                let drawn = shortest + random.below(longest - shortest + 1);
                let length = drawn.min(left);
                // There are as many lengths as columns at most.
                if let Some(block) = blocks.next() {
                    *block = length as u8;
                }
                left -= length;
            }
        }
    }

    fn layer(&self) -> Layer<'_, L> {
        let (groups, columns) = (self.shape.groups(), self.shape.columns);
        let mut left = groups * columns;
        let lengths = self.blocks.iter().take_while(|length| {
            let more = left > 0;
            left = left.saturating_sub(usize::from(**length));
            more
        });
        let blocks = lengths.count();
        Layer {
            x: &self.x[self.shape.offset..][..columns],
            words: &self.words[..groups * columns * L::WORDS],
            blocks: &self.blocks[..blocks],
            bias: &self.bias[..groups * ROWS],
            shifts: &self.shifts[..groups * ROWS],
        }
    }
}

/// What the portable body gives for each row of a layer: the sum, or with limits the result.
fn portable<L: Layout>(
    layer: &Layer<'_, L>,
    limits: Option<(i32, i32)>,
    mut result: impl FnMut(usize, i32),
) {
    let (mut words, mut blocks) = (layer.words, layer.blocks);
    for (index, bias) in layer.bias.as_chunks::<ROWS>().0.iter().enumerate() {
        let mut sums = *bias;
        let used = L::group(layer.x, words, blocks, &mut sums);
        words = &words[L::WORDS * layer.x.len()..];
        blocks = &blocks[used..];
        for (row, sum) in sums.into_iter().enumerate() {
            let row = ROWS * index + row;
            let exact = match limits {
                None => sum,
                // The bias has the upper limit in it already.
                Some((low, high)) => {
                    let (low, high) = (i64::from(low), i64::from(high));
                    (i64::from(sum >> layer.shifts[row]) + high).clamp(low, high) as i32
                }
            };
            result(row, exact);
        }
    }
}

/// Lets `body` write results into the middle of other numbers, and compares both.
fn held<L: Layout, Y: Copy + PartialEq + Into<i32>>(
    memory: &Memory<L>,
    limits: Option<(i32, i32)>,
    other: Y,
    body: impl FnOnce(&Layer<'_, L>, &mut [Y]),
) -> Result<u32, Difference> {
    let Shape { rows, offset, .. } = memory.shape;
    let mut all = [other; GUARD + GROUPS * ROWS + GUARD];
    let first = GUARD - offset;
    let layer = memory.layer();
    body(&layer, &mut all[first..][..rows]);
    let difference = |row, assembly: Y, portable| Difference::Result {
        name: L::NAME,
        shape: memory.shape.name(),
        row,
        assembly: i64::from(assembly.into()),
        portable: i64::from(portable),
    };
    let mut compared = Ok(0);
    portable(&layer, limits, |row, exact| {
        if let Ok(count) = &mut compared
            && row < rows
        {
            let assembly = all[first + row];
            *count += 1;
            if assembly.into() != exact {
                compared = Err(difference(row, assembly, exact));
            }
        }
    });
    let around = all[..first].iter().chain(&all[first + rows..]);
    match around.copied().find(|y| *y != other) {
        Some(changed) => compared.and(Err(difference(usize::MAX, changed, other.into()))),
        None => compared,
    }
}

fn compare<L: Layout>(random: &mut Random) -> Result<Kernel, Difference> {
    let memory = &mut Memory::<L>::new();
    let mut results = 0;
    for case in 0..CASES {
        memory.draw(random, case);
        results += held(memory, None, 0x5a5a_5a5a, L::sums)?;
        for limits in [(-128, 127), (0, 127), (-8, 7)] {
            results += held(memory, Some(limits), 0x5ai8, |layer, y| {
                L::bytes(layer, limits, y)
            })?;
        }
        for limits in [(-32_768, 32_767), (0, 32_767), (0, 255)] {
            results += held(memory, Some(limits), 0x5a5ai16, |layer, y| {
                L::halves(layer, limits, y)
            })?;
        }
        for limits in [(-(1 << 30), (1 << 30) - 1), (0, i32::MAX)] {
            results += held(memory, Some(limits), 0x5a5a_5a5a, |layer, y| {
                L::words(layer, limits, y)
            })?;
        }
    }
    for _ in 0..FLIPS {
        memory.draw(random, CASES);
        flip(memory, random)?;
    }
    Ok(Kernel {
        name: L::NAME,
        results,
        flips: FLIPS,
    })
}

/// Flips a bit for the portable body only, in a column whose element is 1.
fn flip<L: Layout>(memory: &mut Memory<L>, random: &mut Random) -> Result<(), Difference> {
    // Rows that fill up the last group have no result.
    memory.shape.rows = ROWS * memory.shape.groups();
    let Shape {
        columns,
        rows,
        offset,
    } = memory.shape;
    let column = random.below(columns);
    memory.x[offset + column] = L::element(1);
    let group = random.below(memory.shape.groups());
    let word = (group * columns + column) * L::WORDS + random.below(L::WORDS);
    let bit = random.below(32) as u32;
    let mut y = [0; GROUPS * ROWS];
    L::sums(&memory.layer(), &mut y[..rows]);
    memory.words[word] = L::flipped(memory.words[word], bit);
    let mut seen = false;
    portable(&memory.layer(), None, |row, sum| seen |= y[row] != sum);
    match seen {
        true => Ok(()),
        false => Err(Difference::Unseen {
            name: L::NAME,
            shape: memory.shape.name(),
            flipped: (word, bit),
        }),
    }
}
