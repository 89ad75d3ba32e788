//! x86-64: products of 16 bits, two of which one instruction multiplies and adds in each lane.
//!
//! AVX2 where the build is for processors that have it, else SSE2, which all have. Sums are of integers modulo 2^32: their
//! order, and so the width of a vector, cannot be seen in them.

#[cfg(target_feature = "avx2")]
mod avx2;
#[cfg(not(target_feature = "avx2"))]
mod sse2;

#[cfg(target_feature = "avx2")]
use avx2 as vectors;
#[cfg(not(target_feature = "avx2"))]
use sse2 as vectors;

use vectors::{LANES, Vector};

/// Rows whose sums are made together.
const ROWS: usize = 8;

/// An integer of which vectors can be made.
pub trait Element: Copy {
    /// Whether 16 bits hold it.
    const IS_HALF: bool;

    /// Its lower 16 bits.
    fn half(self) -> i16;

    /// So many, of 16 bits at most.
    fn load(elements: &[Self; LANES]) -> Vector;
}

impl Element for i8 {
    const IS_HALF: bool = true;

    #[inline(always)]
    fn half(self) -> i16 {
        self.into()
    }

    #[inline(always)]
    fn load(elements: &[Self; LANES]) -> Vector {
        Vector::bytes(elements)
    }
}

impl Element for i16 {
    const IS_HALF: bool = true;

    #[inline(always)]
    fn half(self) -> i16 {
        self
    }

    #[inline(always)]
    fn load(elements: &[Self; LANES]) -> Vector {
        Vector::halves(elements)
    }
}

macro_rules! wide {
    ($($ty:ty),+) => {$(
        impl Element for $ty {
            const IS_HALF: bool = false;

            #[inline(always)]
            fn half(self) -> i16 {
                self as i16
            }

            #[inline(always)]
            fn load(elements: &[Self; LANES]) -> Vector {
                Vector::halves(&elements.map(Self::half))
            }
        }
    )+};
}
wide!(i32, i64);

/// Σ weights · x of as many rows from `first` on as `sums` has room for, modulo 2^32.
///
/// `x`: `[in]`, `weights`: `[out, in]`, both of 16 bits at most.
#[inline(always)]
pub fn dots<X: Element, W: Element>(x: &[X], weights: &[W], first: usize, sums: &mut [i32]) {
    let row = |row: usize| (first + row) * x.len();
    let (groups, rest) = sums.as_chunks_mut::<ROWS>();
    let behind = ROWS * groups.len();
    for (group, sums) in groups.iter_mut().enumerate() {
        let rows = core::array::from_fn(|index| row(ROWS * group + index));
        *sums = vectors::each_sum(products(x, weights, rows));
    }
    match rest {
        [] => {}
        [sum] => {
            let [own] = products(x, weights, [row(behind)]);
            *sum = own.sum();
        }
        // Together with the last of them again.
        sums => {
            let last = sums.len() - 1;
            let rows = core::array::from_fn(|index| row(behind + index.min(last)));
            let own = vectors::each_sum(products(x, weights, rows));
            sums.copy_from_slice(&own[..sums.len()]);
        }
    }
}

/// Vectors whose words add up to the sums of the rows that begin at `rows`.
#[inline(always)]
fn products<X: Element, W: Element, const N: usize>(
    x: &[X],
    weights: &[W],
    rows: [usize; N],
) -> [Vector; N] {
    let mut sums = [Vector::zero(); N];
    let (chunks, rest) = x.as_chunks::<LANES>();
    for (index, x) in chunks.iter().enumerate() {
        let x = X::load(x);
        for (sum, row) in sums.iter_mut().zip(rows) {
            // All of them lie within the row.
            let w = weights.get(row + LANES * index..);
            if let Some(w) = w.and_then(<[W]>::first_chunk) {
                *sum = sum.add_products(x, W::load(w));
            }
        }
    }
    if !rest.is_empty() {
        let column = LANES * chunks.len();
        let x = Vector::halves(&halves(rest));
        for (sum, row) in sums.iter_mut().zip(rows) {
            // What stands beside zeros may be anything: weights of the next row.
            let weights = weights.get(row + column..).unwrap_or_default();
            let w = match weights.first_chunk() {
                Some(w) => W::load(w),
                None => Vector::halves(&halves(weights)),
            };
            *sum = sum.add_products(x, w);
        }
    }
    sums
}

/// Fewer elements than a vector has, with zeros behind them.
#[inline(always)]
fn halves<T: Element>(elements: &[T]) -> [i16; LANES] {
    let mut halves = [0; LANES];
    for (half, element) in halves.iter_mut().zip(elements) {
        *half = element.half();
    }
    halves
}
