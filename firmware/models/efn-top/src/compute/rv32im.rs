//! The layers as planned for rv32im, in the program's order. Each value carries its number in the
//! program.

use hodoscope_kernels::{layout::rows, layout::packed_words, grid, model::Observer, plans, reduce, rescale, unary};

use crate::weights as w;
use crate::{Constituent, Outputs};

use super::{Plan, Sums};

/// What a constituent adds to the sums.
pub struct Summands {
    v13: [i32; 16], // Mul_2
}

impl Plan for plans::Rv32im {
    type Summands = Summands;

    #[inline]
    fn constituent<O: Observer>(words: &Constituent, row: u16, observer: &mut O) -> Summands {
        // x
        let mut v0 = [0i16; 3];
        rescale::words(&words.x, &w::S0_MINIMUM, &w::S0_MAXIMUM, &mut v0);
        observer.values(0, row, &v0);
        // phi_phi.5_Relu
        let v11 = grid::pick(&v0, &[grid::Axis { channel: 1, minimum: -51, extent: 103 }, grid::Axis { channel: 2, minimum: -51, extent: 103 }], &w::G11_CELLS.0);
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
        packed_words::dense_rescale(
            &v15,
            (&w::S18_PACKED_WORDS_WEIGHTS, &w::S18_PACKED_WORDS_BLOCKS),
            &w::S18_PACKED_WORDS_BIAS,
            rescale::Shift(&w::S18_PACKED_WORDS_SHIFTS),
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
        packed_words::dense_rescale(
            &v15,
            (&w::S18_PACKED_WORDS_WEIGHTS, &w::S18_PACKED_WORDS_BLOCKS),
            &w::S18_PACKED_WORDS_BIAS,
            rescale::Shift(&w::S18_PACKED_WORDS_SHIFTS),
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
