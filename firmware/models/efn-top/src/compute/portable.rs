//! The layers as planned for portable, in the program's order. Each value carries its number in the
//! program.

use hodoscope_kernels::{layout::rows, model::Observer, plans, reduce, rescale, unary};

use crate::weights as w;
use crate::{Constituent, Outputs};

use super::{Plan, Sums};

/// What a constituent adds to the sums.
pub struct Summands {
    v13: [i32; 16], // Mul_2
}

impl Plan for plans::Portable {
    type Summands = Summands;

    #[inline]
    fn constituent<O: Observer>(words: &Constituent, row: u16, observer: &mut O) -> Summands {
        // x
        let mut v0 = [0i16; 3];
        rescale::words(&words.x, &w::S0_MINIMUM, &w::S0_MAXIMUM, &mut v0);
        observer.values(0, row, &v0);
        // Slice_1.moved.selected
        let v1 = [v0[1], v0[2]];
        observer.values(1, row, &v1);
        // Mul_1.q
        let mut v2 = [0i8; 2];
        rescale::rescale::<i32, _, _>(
            &v1,
            rescale::Affine { multipliers: &w::S2_MULTIPLIERS, offsets: &w::S2_OFFSETS, shifts: &w::S2_SHIFTS },
            (-128, 127),
            &mut v2,
        );
        observer.values(2, row, &v2);
        // phi_phi.1_Relu
        let mut v5 = [0i8; 32];
        rows::dense_rescale::<i32, _, _, _, _>(
            &v2,
            &w::C0_PHI_PHI_0_MATMUL_WEIGHTS,
            &w::C1_PHI_PHI_0_MATMUL_BIAS,
            rescale::Shift(&w::S5_SHIFTS),
            (0, 127),
            &mut v5,
        );
        observer.values(5, row, &v5);
        // phi_phi.3_Relu
        let mut v8 = [0i8; 32];
        rows::dense_rescale::<i32, _, _, _, _>(
            &v5,
            &w::C2_PHI_PHI_2_MATMUL_WEIGHTS,
            &w::C3_PHI_PHI_2_MATMUL_BIAS,
            rescale::Shift(&w::S8_SHIFTS),
            (0, 127),
            &mut v8,
        );
        observer.values(8, row, &v8);
        // phi_phi.5_Relu
        let mut v11 = [0i8; 16];
        rows::dense_rescale::<i32, _, _, _, _>(
            &v8,
            &w::C4_PHI_PHI_4_MATMUL_WEIGHTS,
            &w::C5_PHI_PHI_4_MATMUL_BIAS,
            rescale::Shift(&w::S11_SHIFTS),
            (0, 127),
            &mut v11,
        );
        observer.values(11, row, &v11);
        // Slice.moved.selected
        let v12 = [v0[0]];
        observer.values(12, row, &v12);
        // Mul_2
        let mut v13 = [0i32; 16];
        unary::mul::<i32, _, _, _>(&v12, &v11, &mut v13);
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

    #[inline]
    fn event<O: Observer>(sums: &Sums, observer: &mut O) -> Outputs {
        let v14 = sums.v14;
        observer.values(14, 0, &v14);
        // ReduceSum.q
        let mut v15 = [0i8; 16];
        rescale::rescale::<i64, _, _>(
            &v14,
            rescale::Affine { multipliers: &w::S15_MULTIPLIERS, offsets: &w::S15_OFFSETS, shifts: &w::S15_SHIFTS },
            (-128, 127),
            &mut v15,
        );
        observer.values(15, 0, &v15);
        // f_f.1_Relu
        let mut v18 = [0i8; 32];
        rows::dense_rescale::<i32, _, _, _, _>(
            &v15,
            &w::C6_F_F_0_GEMM_WEIGHTS,
            &w::C7_F_F_0_GEMM_BIAS,
            rescale::Shift(&w::S18_SHIFTS),
            (0, 127),
            &mut v18,
        );
        observer.values(18, 0, &v18);
        // f_f.2_Gemm.q
        let mut v20 = [0i16; 1];
        rows::dense_rescale::<i32, _, _, _, _>(
            &v18,
            &w::C8_F_F_2_GEMM_WEIGHTS,
            &w::C9_F_F_2_GEMM_BIAS,
            rescale::Shift(&w::S20_SHIFTS),
            (-2048, 2047),
            &mut v20,
        );
        observer.values(20, 0, &v20);
        // Sigmoid.q
        let mut v21 = [0i16; 1];
        unary::table(&v20, -2048, &w::C10_SIGMOID_Q_TABLE, &mut v21);
        observer.values(21, 0, &v21);
        Outputs { probability: v21 }
    }

    #[inline]
    fn decision<O: Observer>(sums: &Sums, observer: &mut O) -> i32 {
        let v14 = sums.v14;
        observer.values(14, 0, &v14);
        // ReduceSum.q
        let mut v15 = [0i8; 16];
        rescale::rescale::<i64, _, _>(
            &v14,
            rescale::Affine { multipliers: &w::S15_MULTIPLIERS, offsets: &w::S15_OFFSETS, shifts: &w::S15_SHIFTS },
            (-128, 127),
            &mut v15,
        );
        observer.values(15, 0, &v15);
        // f_f.1_Relu
        let mut v18 = [0i8; 32];
        rows::dense_rescale::<i32, _, _, _, _>(
            &v15,
            &w::C6_F_F_0_GEMM_WEIGHTS,
            &w::C7_F_F_0_GEMM_BIAS,
            rescale::Shift(&w::S18_SHIFTS),
            (0, 127),
            &mut v18,
        );
        observer.values(18, 0, &v18);
        // f_f.2_Gemm.q
        let mut v20 = [0i16; 1];
        rows::dense_rescale::<i32, _, _, _, _>(
            &v18,
            &w::C8_F_F_2_GEMM_WEIGHTS,
            &w::C9_F_F_2_GEMM_BIAS,
            rescale::Shift(&w::S20_SHIFTS),
            (-2048, 2047),
            &mut v20,
        );
        observer.values(20, 0, &v20);
        i32::from(v20[0])
    }
}
