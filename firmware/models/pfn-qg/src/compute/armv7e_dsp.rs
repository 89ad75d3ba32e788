//! The layers as planned for armv7em, in the program's order. Each value carries its number in the
//! program.

use hodoscope_kernels::{layout::rows, layout::nested_pairs, layout::pairs::{Pairs, Twins}, model::Observer, plans, reduce, rescale};

use crate::weights as w;
use crate::{Constituent, Outputs};

use super::{Plan, Sums};

/// What a constituent adds to the sums.
pub struct Summands {
    v10: Pairs<16>, // phi_phi.5_Relu
}

impl Plan for plans::ArmV7eDsp {
    type Summands = Summands;

    #[inline]
    fn constituent<O: Observer>(words: &Constituent, row: u16, observer: &mut O) -> Summands {
        // x
        let mut v0 = [0i16; 3];
        rescale::words(&words.x, &w::S0_MINIMUM, &w::S0_MAXIMUM, &mut v0);
        observer.values(0, row, &v0);
        // Mul.q
        let mut v1 = Pairs::<4>::ZERO;
        rescale::rescale::<i32, _, _>(
            &v0,
            rescale::Affine { multipliers: &w::S1_MULTIPLIERS, offsets: &w::S1_OFFSETS, shifts: &w::S1_SHIFTS },
            (-128, 127),
            &mut v1[..3],
        );
        observer.values(1, row, &v1[..3]);
        // phi_phi.1_Relu
        let mut v4 = Pairs::<32>::ZERO;
        nested_pairs::dense_rescale::<0, 127>(&v1[..], &w::S4_NESTED_PAIRS_STREAM, &mut v4[..]);
        observer.values(4, row, &v4[..32]);
        // phi_phi.3_Relu
        let mut v7 = Pairs::<32>::ZERO;
        nested_pairs::dense_rescale::<0, 127>(&v4[..], &w::S7_NESTED_PAIRS_STREAM, &mut v7[..]);
        observer.values(7, row, &v7[..32]);
        // phi_phi.5_Relu
        let mut v10 = Pairs::<16>::ZERO;
        nested_pairs::dense_rescale::<0, 32767>(&v7[..], &w::S10_NESTED_PAIRS_STREAM, &mut v10[..]);
        observer.values(10, row, &v10[..16]);
        Summands { v10 }
    }

    #[inline(always)]
    fn add(sums: &mut Sums, summands: &Summands) {
        reduce::add(&mut sums.v11, &summands.v10[..16]);
    }

    #[inline(always)]
    fn subtract(sums: &mut Sums, summands: &Summands) {
        reduce::subtract(&mut sums.v11, &summands.v10[..16]);
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
        let v11 = sums.v11;
        observer.values(11, 0, &v11);
        // ReduceSum.q
        let mut v12 = Pairs::<16>::ZERO;
        rescale::rescale::<i32, _, _>(
            &v11,
            rescale::Shift(&w::S12_SHIFTS),
            (-128, 127),
            &mut v12[..16],
        );
        observer.values(12, 0, &v12[..16]);
        // f_f.1_Relu
        let mut v15 = Pairs::<32>::ZERO;
        nested_pairs::dense_rescale::<0, 127>(&v12[..], &w::S15_NESTED_PAIRS_STREAM, &mut v15[..]);
        observer.values(15, 0, &v15[..32]);
        // f_f.2_Gemm
        let mut v16 = [0i32; 1];
        rows::dense::<i32, _, _, _, _>(&v15[..32], &w::C8_F_F_2_GEMM_WEIGHTS, &w::C9_F_F_2_GEMM_BIAS, &mut v16);
        observer.values(16, 0, &v16);
        Outputs { logit: v16 }
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
    // Mul.q
    let mut v1a = Pairs::<4>::ZERO;
    rescale::rescale::<i32, _, _>(
        &v0a,
        rescale::Affine { multipliers: &w::S1_MULTIPLIERS, offsets: &w::S1_OFFSETS, shifts: &w::S1_SHIFTS },
        (-128, 127),
        &mut v1a[..3],
    );
    observer.values(1, row, &v1a[..3]);
    // Mul.q
    let mut v1b = Pairs::<4>::ZERO;
    rescale::rescale::<i32, _, _>(
        &v0b,
        rescale::Affine { multipliers: &w::S1_MULTIPLIERS, offsets: &w::S1_OFFSETS, shifts: &w::S1_SHIFTS },
        (-128, 127),
        &mut v1b[..3],
    );
    observer.values(1, row + 1, &v1b[..3]);
    let t1 = Twins::<8>::of(&v1a[..3], &v1b[..3]);
    // phi_phi.1_Relu
    let mut t4 = Twins::<64>::ZERO;
    nested_pairs::dense_rescale_twins::<0, 127, _, _>(&t1, &w::S4_NESTED_PAIRS_STREAM, &mut t4);
    observer.values(4, row, &t4.row::<32>(0));
    observer.values(4, row + 1, &t4.row::<32>(1));
    // phi_phi.3_Relu
    let mut t7 = Twins::<64>::ZERO;
    nested_pairs::dense_rescale_twins::<0, 127, _, _>(&t4, &w::S7_NESTED_PAIRS_STREAM, &mut t7);
    observer.values(7, row, &t7.row::<32>(0));
    observer.values(7, row + 1, &t7.row::<32>(1));
    // phi_phi.5_Relu
    let mut t10 = Twins::<32>::ZERO;
    nested_pairs::dense_rescale_twins::<0, 32767, _, _>(&t7, &w::S10_NESTED_PAIRS_STREAM, &mut t10);
    observer.values(10, row, &t10.row::<16>(0));
    observer.values(10, row + 1, &t10.row::<16>(1));
    t10.add_to(&mut sums.v11);
}
