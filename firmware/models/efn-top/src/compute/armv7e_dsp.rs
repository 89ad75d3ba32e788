//! The layers as planned for armv7em, in the program's order. Each value carries its number in the
//! program.

use hodoscope_kernels::{layout::rows, layout::nested_pairs, layout::pairs::{Pairs, Twins}, model::Observer, plans, reduce, rescale, unary};

use crate::weights as w;
use crate::{Constituent, Outputs};

use super::{Plan, Sums};

/// What a constituent adds to the sums.
pub struct Summands {
    v13: [i32; 16], // Mul_2
}

impl Plan for plans::ArmV7eDsp {
    type Summands = Summands;

    #[inline]
    fn constituent<O: Observer>(words: &Constituent, row: u16, observer: &mut O) -> Summands {
        // x
        let mut v0 = [0i16; 3];
        rescale::words(&words.x, &w::S0_MINIMUM, &w::S0_MAXIMUM, &mut v0);
        observer.values(0, row, &v0);
        // Slice
        let v1 = [v0[0]];
        observer.values(1, row, &v1);
        // Slice_1
        let v2 = [v0[1], v0[2]];
        observer.values(2, row, &v2);
        // Mul_1.q
        let mut v3 = Pairs::<4>::ZERO;
        rescale::rescale::<i32, _, _>(
            &v2,
            rescale::Affine { multipliers: &w::S3_MULTIPLIERS, offsets: &w::S3_OFFSETS, shifts: &w::S3_SHIFTS },
            (-128, 127),
            &mut v3[..2],
        );
        observer.values(3, row, &v3[..2]);
        // phi_phi.1_Relu
        let mut v6 = Pairs::<32>::ZERO;
        nested_pairs::dense_rescale::<0, 127>(&v3[..], &w::S6_NESTED_PAIRS_STREAM, &mut v6[..]);
        observer.values(6, row, &v6[..32]);
        // phi_phi.3_Relu
        let mut v9 = Pairs::<32>::ZERO;
        nested_pairs::dense_rescale::<0, 127>(&v6[..], &w::S9_NESTED_PAIRS_STREAM, &mut v9[..]);
        observer.values(9, row, &v9[..32]);
        // phi_phi.5_Relu
        let mut v12 = Pairs::<16>::ZERO;
        nested_pairs::dense_rescale::<0, 127>(&v9[..], &w::S12_NESTED_PAIRS_STREAM, &mut v12[..]);
        observer.values(12, row, &v12[..16]);
        // Mul_2
        let mut v13 = [0i32; 16];
        unary::mul::<i32, _, _, _>(&v1, &v12[..16], &mut v13);
        observer.values(13, row, &v13);
        Summands { v13 }
    }

    #[inline(always)]
    fn add(sums: &mut Sums, summands: &Summands) {
        reduce::add(&mut sums.v14, &summands.v13);
    }

    #[inline(always)]
    fn subtract(sums: &mut Sums, summands: &Summands) {
        reduce::subtract(&mut sums.v14, &summands.v13);
    }

    #[inline(always)]
    fn constituents<'a, O: Observer>(all: impl Iterator<Item = &'a Constituent>, observer: &mut O) -> Sums {
        let mut sums = Sums::ZERO;
        let mut all = all.zip(0u16..);
        while let Some((first, row)) = all.next() {
            let Some((second, _)) = all.next() else {
                Self::add(&mut sums, &Self::constituent(first, row, observer));
                break;
            };
            twins(first, second, row, &mut sums, observer);
        }
        sums
    }

    #[inline]
    fn event<O: Observer>(sums: &Sums, observer: &mut O) -> Outputs {
        let v14 = sums.v14;
        observer.values(14, 0, &v14);
        // ReduceSum.q
        let mut v15 = Pairs::<16>::ZERO;
        rescale::rescale::<i64, _, _>(
            &v14,
            rescale::Affine { multipliers: &w::S15_MULTIPLIERS, offsets: &w::S15_OFFSETS, shifts: &w::S15_SHIFTS },
            (-128, 127),
            &mut v15[..16],
        );
        observer.values(15, 0, &v15[..16]);
        // f_f.1_Relu
        let mut v18 = Pairs::<32>::ZERO;
        nested_pairs::dense_rescale::<0, 127>(&v15[..], &w::S18_NESTED_PAIRS_STREAM, &mut v18[..]);
        observer.values(18, 0, &v18[..32]);
        // f_f.2_Gemm.q
        let mut v20 = [0i16; 1];
        rows::dense_rescale::<i32, _, _, _, _>(
            &v18[..32],
            &w::C8_F_F_2_GEMM_WEIGHTS,
            &w::C9_F_F_2_GEMM_BIAS,
            rescale::Shift(&w::S20_SHIFTS),
            (-2048, 2047),
            &mut v20,
        );
        observer.values(20, 0, &v20);
        // Sigmoid
        let mut v21 = [0i16; 1];
        unary::table(&v20, -2048, &w::C10_SIGMOID_TABLE, &mut v21);
        observer.values(21, 0, &v21);
        Outputs { probability: v21 }
    }
}

/// The layers of two constituents at once, in the rows `row` and `row + 1`.
#[inline]
fn twins<O: Observer>(first: &Constituent, second: &Constituent, row: u16, sums: &mut Sums, observer: &mut O) {
    // x
    let mut v0a = [0i16; 3];
    rescale::words(&first.x, &w::S0_MINIMUM, &w::S0_MAXIMUM, &mut v0a);
    observer.values(0, row, &v0a);
    // x
    let mut v0b = [0i16; 3];
    rescale::words(&second.x, &w::S0_MINIMUM, &w::S0_MAXIMUM, &mut v0b);
    observer.values(0, row + 1, &v0b);
    // Slice
    let v1a = [v0a[0]];
    observer.values(1, row, &v1a);
    // Slice
    let v1b = [v0b[0]];
    observer.values(1, row + 1, &v1b);
    // Slice_1
    let v2a = [v0a[1], v0a[2]];
    observer.values(2, row, &v2a);
    // Slice_1
    let v2b = [v0b[1], v0b[2]];
    observer.values(2, row + 1, &v2b);
    // Mul_1.q
    let mut v3a = Pairs::<4>::ZERO;
    rescale::rescale::<i32, _, _>(
        &v2a,
        rescale::Affine { multipliers: &w::S3_MULTIPLIERS, offsets: &w::S3_OFFSETS, shifts: &w::S3_SHIFTS },
        (-128, 127),
        &mut v3a[..2],
    );
    observer.values(3, row, &v3a[..2]);
    // Mul_1.q
    let mut v3b = Pairs::<4>::ZERO;
    rescale::rescale::<i32, _, _>(
        &v2b,
        rescale::Affine { multipliers: &w::S3_MULTIPLIERS, offsets: &w::S3_OFFSETS, shifts: &w::S3_SHIFTS },
        (-128, 127),
        &mut v3b[..2],
    );
    observer.values(3, row + 1, &v3b[..2]);
    let t3 = Twins::<8>::of(&v3a[..2], &v3b[..2]);
    // phi_phi.1_Relu
    let mut t6 = Twins::<64>::ZERO;
    nested_pairs::dense_rescale_twins::<0, 127, _, _>(&t3, &w::S6_NESTED_PAIRS_STREAM, &mut t6);
    observer.values(6, row, &t6.row::<32>(0));
    observer.values(6, row + 1, &t6.row::<32>(1));
    // phi_phi.3_Relu
    let mut t9 = Twins::<64>::ZERO;
    nested_pairs::dense_rescale_twins::<0, 127, _, _>(&t6, &w::S9_NESTED_PAIRS_STREAM, &mut t9);
    observer.values(9, row, &t9.row::<32>(0));
    observer.values(9, row + 1, &t9.row::<32>(1));
    // phi_phi.5_Relu
    let mut t12 = Twins::<32>::ZERO;
    nested_pairs::dense_rescale_twins::<0, 127, _, _>(&t9, &w::S12_NESTED_PAIRS_STREAM, &mut t12);
    observer.values(12, row, &t12.row::<16>(0));
    observer.values(12, row + 1, &t12.row::<16>(1));
    let v12a = t12.row::<16>(0);
    let v12b = t12.row::<16>(1);
    // Mul_2
    let mut v13a = [0i32; 16];
    unary::mul::<i32, _, _, _>(&v1a, &v12a[..16], &mut v13a);
    observer.values(13, row, &v13a);
    // Mul_2
    let mut v13b = [0i32; 16];
    unary::mul::<i32, _, _, _>(&v1b, &v12b[..16], &mut v13b);
    observer.values(13, row + 1, &v13b);
    reduce::add(&mut sums.v14, &v13a);
    reduce::add(&mut sums.v14, &v13b);
}
