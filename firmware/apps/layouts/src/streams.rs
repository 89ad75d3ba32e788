//! The layouts for DSP instructions.

use hodoscope_kernels::layout::pairs::{Pairs, Twins};
use hodoscope_kernels::layout::{byte_pairs, half_pairs, nested_pairs};
use hodoscope_kernels::rescale::{Requantise, Scaled};

use crate::random::{Random, Style};
use crate::{Difference, FLIPS, Kernel, LONGEST};

/// Layers that are compared per layout.
const CASES: usize = 200;
/// Longest operand, in fours.
const QUADS: usize = LONGEST / 4;
/// Most results, in fours.
const BLOCKS: usize = 5;
/// Words of the largest layer, with 8 for each four columns of four rows.
const STREAM: usize = SCALE + BLOCKS * (5 + 8 * QUADS);
/// Words before them, where one multiplier scales all sums.
const SCALE: usize = 3;

/// The portable body of a layout.
type Portable = fn(&[i16], &[i32], bool, &mut dyn FnMut(usize, i32));

/// Draws a layer's constants, `words` of them for each four columns of four rows, in `blocks` blocks.
fn draw<'a>(
    random: &mut Random,
    stream: &'a mut [i32; STREAM],
    (quads, blocks, words): (usize, usize, usize),
    rescaled: bool,
) -> &'a mut [i32] {
    let block = 4 + words * quads + usize::from(rescaled);
    let stream = &mut stream[..blocks * block];
    let style = Style::draw(random);
    stream.fill_with(|| style.word(random).cast_signed());
    if rescaled {
        for block in stream.chunks_exact_mut(block) {
            if let Some(shifts) = block.last_mut() {
                *shifts = (random.word() & 0x1f1f_1f1f).cast_signed();
            }
        }
    }
    stream
}

/// Puts a scale before the first `length` words: any multiplier, any shift, and all offsets that the planner lets pass.
fn draw_scale(random: &mut Random, stream: &mut [i32; STREAM], length: usize) -> Scaled {
    let style = Style::draw(random);
    let scale = Scaled {
        multiplier: style.word(random).cast_signed(),
        offset: (random.word().cast_signed() | 1) >> (2 + random.below(24)),
        shift: random.below(32) as u8,
    };
    stream.copy_within(..length, SCALE);
    stream[0] = scale.multiplier;
    stream[1] = scale.offset;
    stream[2] = scale.shift.into();
    scale
}

fn lengths(random: &mut Random, case: usize) -> (usize, usize) {
    let quads = match case {
        0..20 => case + 1,
        20..24 => QUADS + 20 - case,
        _ => 1 + random.below(40),
    };
    (quads, 1 + random.below(BLOCKS))
}

/// A portable body: of operand and stream it gives each row's result.
type Body<'b> = dyn Fn(&[i16], &[i32], &mut dyn FnMut(usize, i32)) + 'b;

/// Compares results with those of the portable body.
struct Held {
    name: &'static str,
    results: u32,
}

impl Held {
    fn rows<T: Copy + Into<i32>>(
        &mut self,
        portable: Portable,
        (x, stream): (&[i16], &[i32]),
        limits: Option<(i32, i32)>,
        y: &[T],
    ) -> Result<(), Difference> {
        self.finished(portable, (x, stream), limits.is_some(), y, &|_, exact| {
            limits.map_or(exact, |(low, high)| exact.clamp(low, high))
        })
    }

    /// As [`Held::rows`], where `finish` makes results of what the portable body gives.
    fn finished<T: Copy + Into<i32>>(
        &mut self,
        portable: Portable,
        (x, stream): (&[i16], &[i32]),
        rescaled: bool,
        y: &[T],
        finish: &dyn Fn(usize, i32) -> i32,
    ) -> Result<(), Difference> {
        self.compared(
            &|x, stream, result| portable(x, stream, rescaled, result),
            (x, stream),
            y,
            finish,
        )
    }

    /// As [`Held::finished`], of any portable body.
    fn compared<T: Copy + Into<i32>>(
        &mut self,
        portable: &Body<'_>,
        (x, stream): (&[i16], &[i32]),
        y: &[T],
        finish: &dyn Fn(usize, i32) -> i32,
    ) -> Result<(), Difference> {
        let mut different = None;
        portable(x, stream, &mut |row, exact| {
            let exact = finish(row, exact);
            let assembly = y[row].into();
            self.results += 1;
            if assembly != exact && different.is_none() {
                different = Some(Difference::Result {
                    name: self.name,
                    shape: (x.len(), y.len()),
                    row,
                    assembly: assembly.into(),
                    portable: exact.into(),
                });
            }
        });
        different.map_or(Ok(()), Err)
    }
}

macro_rules! rescaled {
    ($held:ident, $module:ident, $constants:expr, $rows:expr, $($low:literal..=$high:literal),+) => {$(
        let (x, stream) = $constants;
        let mut y = Pairs::<{ 4 * BLOCKS }>::ZERO;
        $module::dense_rescale::<$low, $high>(x, stream, &mut y[..$rows]);
        $held.rows($module::portable, (x, stream), Some(($low, $high)), &y[..$rows])?;
    )+};
}

macro_rules! even {
    ($held:ident, $module:ident, $constants:expr, $rows:expr, $($low:literal..=$high:literal),+) => {$(
        let (x, stream) = $constants;
        let mut y = Pairs::<{ 4 * BLOCKS }>::ZERO;
        $module::dense_even::<$low, $high>(x, stream, &mut y[..$rows]);
        let finish = |_, exact: i32| exact.clamp($low, $high);
        $held.compared(&$module::portable_even, (x, stream), &y[..$rows], &finish)?;
    )+};
}

macro_rules! scaled {
    ($held:ident, $module:ident, $constants:expr, $scale:expr, $rows:expr, $($low:literal..=$high:literal),+) => {$(
        let (x, stream) = $constants;
        let mut y = Pairs::<{ 4 * BLOCKS }>::ZERO;
        $module::dense_scale::<$low, $high>(x, stream, &mut y[..$rows]);
        let finish = |row, sum| $scale.apply(row, sum).clamp($low, $high);
        $held.finished($module::portable, (x, &stream[SCALE..]), false, &y[..$rows], &finish)?;
    )+};
}

macro_rules! layout {
    ($random:ident, $memory:ident, $seen:ident, $module:ident, $words:literal) => {
        let mut held = Held {
            name: stringify!($module),
            results: 0,
        };
        let mut row = Pairs::<LONGEST>::ZERO;
        for case in 0..CASES {
            let (quads, blocks) = lengths($random, case);
            let style = Style::draw($random);
            row.fill_with(|| style.word($random) as i16);
            let x = &row[..4 * quads];

            let stream = draw($random, $memory, (quads, blocks, $words), false);
            let mut sums = [0; 4 * BLOCKS];
            $module::dense(x, stream, &mut sums[..4 * blocks]);
            held.rows($module::portable, (x, stream), None, &sums[..4 * blocks])?;

            let stream = draw($random, $memory, (quads, blocks, $words), true);
            rescaled!(
                held,
                $module,
                (x, &*stream),
                4 * blocks,
                0..=127,
                -128..=127,
                -32768..=32767,
                0..=32767,
                -8..=7,
                0..=1
            );

            let stream = draw($random, $memory, (quads, blocks, $words), true);
            even!(
                held,
                $module,
                (x, &*stream),
                4 * blocks,
                0..=127,
                -128..=127,
                -32768..=32767,
                0..=1023
            );

            let length = draw($random, $memory, (quads, blocks, $words), false).len();
            let scale = draw_scale($random, $memory, length);
            let stream = &$memory[..SCALE + length];
            scaled!(
                held,
                $module,
                (x, stream),
                scale,
                4 * blocks,
                0..=127,
                -128..=127,
                -32768..=32767
            );
        }
        for _ in 0..FLIPS {
            let (quads, blocks) = lengths($random, CASES);
            row.fill_with(|| $random.word() as i16);
            // Every column has an element whose products see each bit of a weight.
            row.iter_mut().for_each(|x| *x |= 1);
            let x = &row[..4 * quads];
            let stream = draw($random, $memory, (quads, blocks, $words), false);
            let mut sums = [0; 4 * BLOCKS];
            $module::dense(x, stream, &mut sums[..4 * blocks]);
            let block = $random.below(blocks);
            let word = block * (4 + $words * quads) + 4 + $random.below($words * quads);
            let bit = $random.below(32) as u32;
            stream[word] ^= 1 << bit;
            let mut ignored = Held {
                name: held.name,
                results: 0,
            };
            let same = ignored.rows($module::portable, (x, stream), None, &sums[..4 * blocks]);
            if same.is_ok() {
                return Err(Difference::Unseen {
                    name: held.name,
                    shape: (x.len(), 4 * blocks),
                    flipped: (word, bit),
                });
            }
        }
        $seen(Kernel {
            name: held.name,
            results: held.results,
            flips: FLIPS,
        });
    };
}

macro_rules! twins {
    ($random:ident, $memory:ident, $seen:ident, $module:ident, $words:literal,
     $($quads:literal x $blocks:literal),+) => {
        let mut held = Held { name: concat!(stringify!($module), " of two"), results: 0 };
        $(for _ in 0..16 {
            let mut rows = [Pairs::<{ 4 * $quads }>::ZERO; 2];
            for row in &mut rows {
                let style = Style::draw($random);
                row.fill_with(|| style.word($random) as i16);
            }
            let x = Twins::<{ 8 * $quads }>::of(&rows[0][..], &rows[1][..]);
            let stream = draw($random, $memory, ($quads, $blocks, $words), true);
            let mut y = Twins::<{ 8 * $blocks }>::ZERO;
            $module::dense_rescale_twins::<-128, 127, _, _>(&x, stream, &mut y);
            for (which, row) in rows.iter().enumerate() {
                let own: [i16; 4 * $blocks] = y.row(which);
                held.rows($module::portable, (&row[..], stream), Some((-128, 127)), &own)?;
            }
        })+
        $seen(Kernel { name: held.name, results: held.results, flips: 0 });
    };
}

/// Compares all of them.
pub fn check(random: &mut Random, seen: &mut dyn FnMut(Kernel)) -> Result<(), Difference> {
    let memory = &mut [0; STREAM];
    layout!(random, memory, seen, nested_pairs, 4);
    layout!(random, memory, seen, half_pairs, 8);
    layout!(random, memory, seen, byte_pairs, 4);
    twins!(random, memory, seen, nested_pairs, 4, 1 x 1, 2 x 5, 3 x 2, 8 x 4, 9 x 3, 256 x 1);
    twins!(random, memory, seen, half_pairs, 8, 1 x 1, 2 x 5, 3 x 2, 8 x 4, 9 x 3, 256 x 1);
    Ok(())
}
