//! Holds the assembly body of each dense layout to its portable body, on the board: random streams
//! and activations, and those of extreme values, over many lengths. Exits with 0 when all agree.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(not(target_os = "none"))]
fn main() {}

#[cfg(target_os = "none")]
use hodoscope_app_mps2 as _;

#[cfg(target_os = "none")]
mod board {
    use hodoscope_kernels::layout::pairs::{Pairs, Twins};
    use hodoscope_kernels::layout::{byte_pairs, half_pairs, nested_pairs};

    /// Longest operand and result, in fours.
    const QUADS: usize = 160;
    const BLOCKS: usize = 5;
    const STREAM: usize = BLOCKS * (5 + 8 * QUADS);

    type Portable = fn(&[i16], &[i32], bool, &mut dyn FnMut(usize, i32));

    struct Random(u32);

    impl Random {
        fn next(&mut self) -> u32 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 17;
            self.0 ^= self.0 << 5;
            self.0
        }

        /// Any word, or one of extreme bytes and halves.
        fn word(&mut self, style: usize) -> i32 {
            match style % 4 {
                0 => self.next() as i32,
                1 => 0x8080_8080_u32 as i32,
                2 => 0x7f7f_7f7f,
                _ => 0x8000_8000_u32 as i32,
            }
        }
    }

    /// A layer's constants of `words` words per quad, for these lengths.
    fn fill<'a>(
        random: &mut Random,
        into: &'a mut [i32; STREAM],
        style: usize,
        (quads, blocks, words): (usize, usize, usize),
        rescaled: bool,
    ) -> &'a [i32] {
        let block = 4 + words * quads + usize::from(rescaled);
        let stream = &mut into[..blocks * block];
        for word in stream.iter_mut() {
            *word = random.word(style);
        }
        if rescaled {
            // Shifts of 0 to 31.
            for block in stream.chunks_exact_mut(block) {
                let last = block.len() - 1;
                block[last] = (random.next() & 0x1f1f_1f1f) as i32;
            }
        }
        stream
    }

    macro_rules! layout {
        ($failed:ident, $random:ident, $memory:ident, $module:ident, $words:literal) => {
            for case in 0..60 {
                let quads = match case {
                    0..=19 => case + 1,
                    20 => QUADS,
                    _ => 1 + $random.next() as usize % 40,
                };
                let (blocks, style) = (1 + case % BLOCKS, case / 5);
                let mut x = Pairs::<{ 4 * QUADS }>::ZERO;
                for half in x.iter_mut() {
                    *half = $random.word(style / 4) as i16;
                }
                let x = &x[..4 * quads];
                let portable: Portable = $module::portable;
                let lengths = (quads, blocks, $words);

                let stream = fill(&mut $random, $memory, style, lengths, false);
                let mut sums = [0i32; 4 * BLOCKS];
                $module::dense(x, stream, &mut sums[..4 * blocks]);
                portable(x, stream, false, &mut |row, sum| {
                    $failed |= sums[row] != sum
                });

                let stream = fill(&mut $random, $memory, style, lengths, true);
                rescaled!($failed, $module, x, stream, blocks, 0, 127);
                rescaled!($failed, $module, x, stream, blocks, -128, 127);
                rescaled!($failed, $module, x, stream, blocks, -32768, 32767);
                rescaled!($failed, $module, x, stream, blocks, 0, 32767);
                rescaled!($failed, $module, x, stream, blocks, -8, 7);
            }
        };
    }

    macro_rules! rescaled {
        ($failed:ident, $module:ident, $x:ident, $stream:ident, $blocks:ident, $low:literal, $high:literal) => {
            let mut y = Pairs::<{ 4 * BLOCKS }>::ZERO;
            $module::dense_rescale::<$low, $high>($x, $stream, &mut y[..4 * $blocks]);
            let portable: Portable = $module::portable;
            portable($x, $stream, true, &mut |row, exact| {
                $failed |= i32::from(y[row]) != exact.clamp($low, $high);
            });
        };
    }

    macro_rules! twins {
        ($failed:ident, $random:ident, $memory:ident, $module:ident, $words:literal, $($quads:literal x $blocks:literal),+) => {$(
            for style in 0..16 {
                let mut rows = [Pairs::<{ 4 * $quads }>::ZERO; 2];
                for half in rows.iter_mut().flat_map(|row| row.iter_mut()) {
                    *half = $random.word(style / 4) as i16;
                }
                let x = Twins::<{ 8 * $quads }>::of(&rows[0][..], &rows[1][..]);
                let stream = fill(&mut $random, $memory, style, ($quads, $blocks, $words), true);
                let mut y = Twins::<{ 8 * $blocks }>::ZERO;
                $module::dense_rescale_twins::<-128, 127, _, _>(&x, stream, &mut y);
                for (which, row) in rows.iter().enumerate() {
                    let own: [i16; 4 * $blocks] = y.row(which);
                    let portable: Portable = $module::portable;
                    portable(&row[..], stream, true, &mut |row, exact| {
                        $failed |= i32::from(own[row]) != exact.clamp(-128, 127);
                    });
                }
            }
        )+};
    }

    // SAFETY: the run-time crate calls the one `main` after it has set up memory.
    #[unsafe(no_mangle)]
    extern "C" fn main() -> ! {
        let mut random = Random(0x9e37_79b9);
        let memory = &mut [0; STREAM];
        let mut failed = false;
        layout!(failed, random, memory, nested_pairs, 4);
        layout!(failed, random, memory, half_pairs, 8);
        layout!(failed, random, memory, byte_pairs, 4);
        twins!(failed, random, memory, nested_pairs, 4, 1 x 1, 2 x 5, 3 x 2, 8 x 4, 9 x 3, 160 x 1);
        twins!(failed, random, memory, half_pairs, 8, 1 x 1, 2 x 5, 3 x 2, 8 x 4, 9 x 3, 160 x 1);
        // The comparison notices a difference.
        let (x, stream) = (Pairs::<4>::from([1, 0, 0, 0]), [0, 0, 0, 0, 1, 0, 0, 0]);
        let mut sums = [0; 4];
        byte_pairs::dense(&x[..], &stream, &mut sums);
        failed |= sums != [1, 0, 0, 0];
        semihosting::process::exit(failed.into())
    }
}
