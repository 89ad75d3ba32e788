//! Vectors of 128 bits.

use core::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_loadl_epi64, _mm_loadu_si128, _mm_madd_epi16, _mm_setzero_si128,
    _mm_srai_epi16, _mm_storeu_si128, _mm_unpackhi_epi32, _mm_unpackhi_epi64, _mm_unpacklo_epi8,
    _mm_unpacklo_epi32, _mm_unpacklo_epi64,
};

use super::ROWS;

/// Halves of a vector.
pub const LANES: usize = 8;

/// Eight halves, or four words.
#[derive(Clone, Copy)]
pub struct Vector(__m128i);

impl Vector {
    #[inline(always)]
    pub fn zero() -> Self {
        // SAFETY: every processor of x86-64 has SSE2.
        Self(unsafe { _mm_setzero_si128() })
    }

    /// Words, each with two products of halves added.
    #[inline(always)]
    pub fn add_products(self, a: Self, b: Self) -> Self {
        // SAFETY: every processor of x86-64 has SSE2.
        Self(unsafe { _mm_add_epi32(self.0, _mm_madd_epi16(a.0, b.0)) })
    }

    #[inline(always)]
    pub fn bytes(bytes: &[i8; LANES]) -> Self {
        // SAFETY: eight bytes are there, and need no alignment; and every processor of x86-64 has SSE2.
        Self(unsafe {
            let bytes = _mm_loadl_epi64(bytes.as_ptr().cast());
            // Each byte in the upper half of a half, and shifted down with its sign.
            _mm_srai_epi16::<8>(_mm_unpacklo_epi8(bytes, bytes))
        })
    }

    #[inline(always)]
    pub fn halves(halves: &[i16; LANES]) -> Self {
        // SAFETY: 16 bytes are there, and need no alignment; and every processor of x86-64 has SSE2.
        Self(unsafe { _mm_loadu_si128(halves.as_ptr().cast()) })
    }

    #[inline(always)]
    fn words(self) -> [i32; 4] {
        let mut words = [0; 4];
        // SAFETY: 16 bytes have room, and need no alignment; and every processor of x86-64 has SSE2.
        unsafe { _mm_storeu_si128(words.as_mut_ptr().cast(), self.0) };
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
    let [a, b, c, d] = four([a, b, c, d]);
    let [e, f, g, h] = four([e, f, g, h]);
    [a, b, c, d, e, f, g, h]
}

#[inline(always)]
fn four([a, b, c, d]: [Vector; 4]) -> [i32; 4] {
    // SAFETY: every processor of x86-64 has SSE2.
    Vector(unsafe {
        // Of a and b in turn two sums of halves each, then of all four one.
        let ab = _mm_add_epi32(_mm_unpacklo_epi32(a.0, b.0), _mm_unpackhi_epi32(a.0, b.0));
        let cd = _mm_add_epi32(_mm_unpacklo_epi32(c.0, d.0), _mm_unpackhi_epi32(c.0, d.0));
        _mm_add_epi32(_mm_unpacklo_epi64(ab, cd), _mm_unpackhi_epi64(ab, cd))
    })
    .words()
}
