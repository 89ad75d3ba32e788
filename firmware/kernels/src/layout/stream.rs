//! What the layouts for DSP instructions share: one stream of words for a whole layer.
//!
//! For each block of four rows a, b, c, d the stream holds the words with which the four
//! accumulators start (bias, and half a count of the result where a rescale follows), then the
//! weights of four columns after four columns, and last, where a rescale follows, a word with the
//! shifts of b, a, d and c, lowest byte first. Rows and columns are filled up with zeros.
//!
//! Where halves go to even, a start has half a count less one, and the shifts of a and c divide by nothing else.
//!
//! Where one multiplier scales all sums, no shifts follow the blocks, and the stream begins with that multiplier, an
//! offset and a shift.

/// Halves of a word, as numbers.
#[inline(always)]
pub(super) fn halves(word: i32) -> (i32, i32) {
    ((word as i16).into(), word >> 16)
}

/// `SMLAD`: sum + the products of lower and upper halves, modulo 2³².
#[inline(always)]
pub(super) fn multiply_pairs(weights: i32, x: i32, sum: i32) -> i32 {
    let ((w0, w1), (x0, x1)) = (halves(weights), halves(x));
    sum.wrapping_add((w0 * x0).wrapping_add(w1 * x1))
}

/// `SXTB16`: the bytes 0 and 2, as halves.
#[inline(always)]
pub(super) fn even_bytes(word: i32) -> i32 {
    let byte = |shift: u32| i32::from((word >> shift) as i8);
    (byte(16) << 16) | (byte(0) & 0xffff)
}

/// Two halves of x as a word.
#[inline(always)]
pub(super) fn word(x: &[i16]) -> i32 {
    (i32::from(x[1]) << 16) | (i32::from(x[0]) & 0xffff)
}

/// The shift of byte `byte` of the last word of a block.
#[inline(always)]
pub(super) fn shift(word: i32, byte: u32) -> u32 {
    (word >> (8 * byte)) as u32 & 31
}

/// What becomes of the sums of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// They are the result.
    Sums,
    /// They are shifted.
    Shifted,
    /// They are shifted, halves to even: shifts are 1 at least.
    Even,
}

impl Ending {
    /// Words of shifts behind a block.
    #[inline(always)]
    pub(super) fn words(self) -> usize {
        match self {
            Self::Sums => 0,
            Self::Shifted | Self::Even => 1,
        }
    }

    /// What a sum becomes.
    #[inline(always)]
    pub(super) fn of(self, sum: i32, shift: u32) -> i32 {
        match self {
            Self::Sums => sum,
            Self::Shifted => sum >> shift,
            Self::Even => sum.wrapping_add((sum >> shift) & 1) >> shift,
        }
    }
}

/// Checks, where the lengths are constants at compile time, what the assembly bodies rely on.
#[inline(always)]
pub(super) fn check<const HALVES: usize>(
    x: &[i16],
    stream: &[i32],
    results: usize,
    words_per_quad: usize,
    tail: usize,
) {
    let (quads, blocks) = (x.len() / HALVES, results / 4);
    assert!(!x.is_empty() && x.len().is_multiple_of(HALVES) && x.as_ptr().addr().is_multiple_of(4));
    assert!(blocks > 0 && results.is_multiple_of(4));
    assert!(stream.len() == blocks * (4 + words_per_quad * quads + tail));
}

/// Words of a [`crate::rescale::Scaled`] before the blocks.
pub(super) const SCALE: usize = 3;

/// The scale at the head of a stream.
#[cfg(not(any(hodoscope_isa = "armv7em", hodoscope_isa = "armv8m-dsp")))]
#[inline(always)]
pub(super) fn scale(stream: &[i32]) -> crate::rescale::Scaled {
    crate::rescale::Scaled {
        multiplier: stream[0],
        offset: stream[1],
        shift: stream[2] as u8,
    }
}

/// The functions of a layout: its `portable` body, and in `arch` a module of its own name.
macro_rules! functions {
    ($module:ident, $words_per_quad:literal) => {
        /// The portable body: gives each row's result, with `rescaled` not yet saturated.
        pub fn portable(
            x: &[i16],
            stream: &[i32],
            rescaled: bool,
            result: &mut dyn FnMut(usize, i32),
        ) {
            let ending = match rescaled {
                true => Ending::Shifted,
                false => Ending::Sums,
            };
            let words = |pair: usize| crate::layout::stream::word(&x[2 * pair..]);
            body(x.len() / 4, words, stream, ending, result);
        }

        /// The portable body of [`dense_even`], not yet saturated.
        pub fn portable_even(x: &[i16], stream: &[i32], result: &mut dyn FnMut(usize, i32)) {
            let words = |pair: usize| crate::layout::stream::word(&x[2 * pair..]);
            body(x.len() / 4, words, stream, Ending::Even, result);
        }

        /// The sums of a dense layer, bias included.
        ///
        /// `x`: `[in]`, `y`: `[out]`, both filled up to a multiple of four.
        ///
        /// # Panics
        /// If the lengths do not belong together.
        #[inline(always)]
        pub fn dense(x: &[i16], stream: &[i32], y: &mut [i32]) {
            crate::layout::stream::check::<4>(x, stream, y.len(), $words_per_quad, 0);
            #[cfg(any(hodoscope_isa = "armv7em", hodoscope_isa = "armv8m-dsp"))]
            crate::arch::armv7em::$module::dense(x, stream, y);
            #[cfg(not(any(hodoscope_isa = "armv7em", hodoscope_isa = "armv8m-dsp")))]
            portable(x, stream, false, &mut |row, sum| y[row] = sum);
        }

        /// A dense layer with its rescale, saturated into `LOW..=HIGH`: the range of a signed
        /// type, or of an unsigned one of at most 15 bits.
        ///
        /// `x`: `[in]`, `y`: `[out]`, both filled up to a multiple of four.
        ///
        /// # Panics
        /// If the lengths do not belong together.
        #[inline(always)]
        pub fn dense_rescale<const LOW: i32, const HIGH: i32>(
            x: &[i16],
            stream: &[i32],
            y: &mut [i16],
        ) {
            crate::layout::stream::check::<4>(x, stream, y.len(), $words_per_quad, 1);
            #[cfg(any(hodoscope_isa = "armv7em", hodoscope_isa = "armv8m-dsp"))]
            crate::arch::armv7em::$module::dense_rescale::<LOW, HIGH>(x, stream, y);
            #[cfg(not(any(hodoscope_isa = "armv7em", hodoscope_isa = "armv8m-dsp")))]
            portable(x, stream, true, &mut |row, exact: i32| {
                y[row] = exact.clamp(LOW, HIGH) as i16;
            });
        }

        /// As [`dense_rescale`], halves to even.
        ///
        /// # Panics
        /// If the lengths do not belong together.
        #[inline(always)]
        pub fn dense_even<const LOW: i32, const HIGH: i32>(
            x: &[i16],
            stream: &[i32],
            y: &mut [i16],
        ) {
            crate::layout::stream::check::<4>(x, stream, y.len(), $words_per_quad, 1);
            #[cfg(any(hodoscope_isa = "armv7em", hodoscope_isa = "armv8m-dsp"))]
            crate::arch::armv7em::$module::dense_even::<LOW, HIGH>(x, stream, y);
            #[cfg(not(any(hodoscope_isa = "armv7em", hodoscope_isa = "armv8m-dsp")))]
            portable_even(x, stream, &mut |row, exact: i32| {
                y[row] = exact.clamp(LOW, HIGH) as i16;
            });
        }

        /// A dense layer whose sums one [`crate::rescale::Scaled`], in the stream's first words, scales;
        /// saturated as those of [`dense_rescale`].
        ///
        /// `x`: `[in]`, `y`: `[out]`, both filled up to a multiple of four.
        ///
        /// # Panics
        /// If the lengths do not belong together.
        #[inline(always)]
        pub fn dense_scale<const LOW: i32, const HIGH: i32>(
            x: &[i16],
            stream: &[i32],
            y: &mut [i16],
        ) {
            let blocks = &stream[crate::layout::stream::SCALE..];
            crate::layout::stream::check::<4>(x, blocks, y.len(), $words_per_quad, 0);
            #[cfg(any(hodoscope_isa = "armv7em", hodoscope_isa = "armv8m-dsp"))]
            crate::arch::armv7em::$module::dense_scale::<LOW, HIGH>(x, stream, y);
            #[cfg(not(any(hodoscope_isa = "armv7em", hodoscope_isa = "armv8m-dsp")))]
            {
                let scale = crate::layout::stream::scale(stream);
                portable(x, blocks, false, &mut |row, sum| {
                    let exact = crate::rescale::Requantise::apply(&scale, row, sum);
                    y[row] = exact.clamp(LOW, HIGH) as i16;
                });
            }
        }
    };
    ($module:ident, $words_per_quad:literal, twins) => {
        crate::layout::stream::functions!($module, $words_per_quad);

        /// [`dense_rescale`] of two constituents at once: the weights are loaded once.
        ///
        /// # Panics
        /// If the lengths do not belong together.
        #[inline(always)]
        pub fn dense_rescale_twins<
            const LOW: i32,
            const HIGH: i32,
            const N: usize,
            const M: usize,
        >(
            x: &crate::layout::pairs::Twins<N>,
            stream: &[i32],
            y: &mut crate::layout::pairs::Twins<M>,
        ) {
            crate::layout::stream::check::<8>(&**x, stream, M / 2, $words_per_quad, 1);
            #[cfg(any(hodoscope_isa = "armv7em", hodoscope_isa = "armv8m-dsp"))]
            crate::arch::armv7em::$module::dense_rescale_twins::<LOW, HIGH>(&**x, stream, &mut **y);
            #[cfg(not(any(hodoscope_isa = "armv7em", hodoscope_isa = "armv8m-dsp")))]
            for which in 0..2 {
                let words = |pair: usize| crate::layout::stream::word(&x[4 * pair + 2 * which..]);
                body(N / 8, words, stream, Ending::Shifted, |row, exact| {
                    y[crate::layout::pairs::twin(row, which)] = exact.clamp(LOW, HIGH) as i16;
                });
            }
        }
    };
}
pub(super) use functions;
