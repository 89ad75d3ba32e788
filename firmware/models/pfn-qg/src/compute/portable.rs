//! The layers as planned for portable, in the program's order. Each value carries its number in the
//! program.

use hodoscope_kernels::{layout::rows, model::Observer, plans, reduce, rescale};

use crate::weights as w;
use crate::{Constituent, Outputs};

use super::{Plan, Sums};

/// What a constituent adds to the sums.
pub struct Summands {
    v10: [i16; 16], // phi_phi.5_Relu
}

impl Plan for plans::Portable {
    type Summands = Summands;

    #[inline]
    fn constituent<O: Observer>(words: &Constituent, row: u16, observer: &mut O) -> Summands {
        // x
        let mut v0 = [0i16; 3];
        rescale::words(&words.x, &w::S0_MINIMUM, &w::S0_MAXIMUM, &mut v0);
        observer.values(0, row, &v0);
        // Mul.q
        let mut v1 = [0i8; 3];
        rescale::rescale::<i32, _, _>(
            &v0,
            rescale::Affine { multipliers: &w::S1_MULTIPLIERS, offsets: &w::S1_OFFSETS, shifts: &w::S1_SHIFTS },
            (-128, 127),
            &mut v1,
        );
        observer.values(1, row, &v1);
        // phi_phi.1_Relu
        let mut v4 = [0i8; 32];
        rows::dense_rescale::<i32, _, _, _, _>(
            &v1,
            &w::C0_PHI_PHI_0_MATMUL_WEIGHTS,
            &w::C1_PHI_PHI_0_MATMUL_BIAS,
            rescale::Shift(&w::S4_SHIFTS),
            (0, 127),
            &mut v4,
        );
        observer.values(4, row, &v4);
        // phi_phi.3_Relu
        let mut v7 = [0i8; 32];
        rows::dense_rescale::<i32, _, _, _, _>(
            &v4,
            &w::C2_PHI_PHI_2_MATMUL_WEIGHTS,
            &w::C3_PHI_PHI_2_MATMUL_BIAS,
            rescale::Shift(&w::S7_SHIFTS),
            (0, 127),
            &mut v7,
        );
        observer.values(7, row, &v7);
        // phi_phi.5_Relu
        let mut v10 = [0i16; 16];
        rows::dense_rescale::<i32, _, _, _, _>(
            &v7,
            &w::C4_PHI_PHI_4_MATMUL_WEIGHTS,
            &w::C5_PHI_PHI_4_MATMUL_BIAS,
            rescale::Shift(&w::S10_SHIFTS),
            (0, 32767),
            &mut v10,
        );
        observer.values(10, row, &v10);
        Summands { v10 }
    }

    #[inline(always)]
    fn add(sums: &mut Sums, summands: &Summands) {
        reduce::add(&mut sums.v11, &summands.v10);
    }

    #[inline(always)]
    fn subtract(sums: &mut Sums, summands: &Summands) {
        reduce::subtract(&mut sums.v11, &summands.v10);
    }

    #[inline]
    fn event<O: Observer>(sums: &Sums, observer: &mut O) -> Outputs {
        let v11 = sums.v11;
        observer.values(11, 0, &v11);
        // ReduceSum.q
        let mut v12 = [0i8; 16];
        rescale::rescale::<i32, _, _>(
            &v11,
            rescale::Shift(&w::S12_SHIFTS),
            (-128, 127),
            &mut v12,
        );
        observer.values(12, 0, &v12);
        // f_f.1_Relu
        let mut v15 = [0i8; 32];
        rows::dense_rescale::<i32, _, _, _, _>(
            &v12,
            &w::C6_F_F_0_GEMM_WEIGHTS,
            &w::C7_F_F_0_GEMM_BIAS,
            rescale::Shift(&w::S15_SHIFTS),
            (0, 127),
            &mut v15,
        );
        observer.values(15, 0, &v15);
        // f_f.2_Gemm
        let mut v16 = [0i32; 1];
        rows::dense::<i32, _, _, _, _>(&v15, &w::C8_F_F_2_GEMM_WEIGHTS, &w::C9_F_F_2_GEMM_BIAS, &mut v16);
        observer.values(16, 0, &v16);
        Outputs { logit: v16 }
    }
}
