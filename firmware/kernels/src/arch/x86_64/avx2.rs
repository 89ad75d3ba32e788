//! Vectors of 256 bits.

use core::arch::x86_64::{
    __m256i, _mm_loadu_si128, _mm256_add_epi32, _mm256_cvtepi8_epi16, _mm256_hadd_epi32,
    _mm256_loadu_si256, _mm256_madd_epi16, _mm256_permute2x128_si256, _mm256_setzero_si256,
    _mm256_storeu_si256,
};

use super::ROWS;

/// Halves of a vector.
pub const LANES: usize = 16;

/// Sixteen halves, or eight words.
#[derive(Clone, Copy)]
pub struct Vector(__m256i);

impl Vector {
    #[inline(always)]
    pub fn zero() -> Self {
        // SAFETY: this module is built where every processor has AVX2.
        Self(unsafe { _mm256_setzero_si256() })
    }

    /// Words, each with two products of halves added.
    #[inline(always)]
    pub fn add_products(self, a: Self, b: Self) -> Self {
        // SAFETY: this module is built where every processor has AVX2.
        Self(unsafe { _mm256_add_epi32(self.0, _mm256_madd_epi16(a.0, b.0)) })
    }

    #[inline(always)]
    pub fn bytes(bytes: &[i8; LANES]) -> Self {
        // SAFETY: sixteen bytes are there, and need no alignment; and this module is built where every processor has AVX2.
        Self(unsafe { _mm256_cvtepi8_epi16(_mm_loadu_si128(bytes.as_ptr().cast())) })
    }

    #[inline(always)]
    pub fn halves(halves: &[i16; LANES]) -> Self {
        // SAFETY: 32 bytes are there, and need no alignment; and this module is built where every processor has AVX2.
        Self(unsafe { _mm256_loadu_si256(halves.as_ptr().cast()) })
    }

    #[inline(always)]
    fn words(self) -> [i32; ROWS] {
        let mut words = [0; ROWS];
        // SAFETY: 32 bytes have room, and need no alignment; and this module is built where every processor has AVX2.
        unsafe { _mm256_storeu_si256(words.as_mut_ptr().cast(), self.0) };
        words
    }

    /// The sum of its words.
    #[inline(always)]
    pub fn sum(self) -> i32 {
        self.words().into_iter().fold(0, i32::wrapping_add)
    }
}

/// The sum of the words of each.
#[inline(always)]
pub fn each_sum([a, b, c, d, e, f, g, h]: [Vector; ROWS]) -> [i32; ROWS] {
    let join = |a: Vector, b: Vector| {
        // SAFETY: this module is built where every processor has AVX2.
        Vector(unsafe { _mm256_hadd_epi32(a.0, b.0) })
    };
    let (low, high) = (join(join(a, b), join(c, d)), join(join(e, f), join(g, h)));
    // Each has the sums of four rows' lower halves, and of their upper halves.
    // SAFETY: this module is built where every processor has AVX2.
    Vector(unsafe {
        let lower = _mm256_permute2x128_si256::<0x20>(low.0, high.0);
        let upper = _mm256_permute2x128_si256::<0x31>(low.0, high.0);
        _mm256_add_epi32(lower, upper)
    })
    .words()
}
