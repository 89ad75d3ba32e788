//! The layers as planned for portable, in the program's order. Each value carries its number in the
//! program.

use hodoscope_kernels::{layout::rows, model::Observer, plans, reduce, rescale, slot};

use crate::weights as w;
use crate::{Event, Outputs};

use super::Plan;

impl Plan for plans::Portable {
    #[inline]
    fn event<O: Observer>(words: &Event, observer: &mut O) -> Outputs {
        let mut slot0 = [0i8; 32];
        // Mul.q
        let mut v1 = [0i8; 48];
        rescale::words_rescaled::<i32, _, _>(
            &words.x, (&w::S0_MINIMUM, &w::S0_MAXIMUM),
            rescale::Affine { multipliers: &w::S1_MULTIPLIERS, offsets: &w::S1_OFFSETS, shifts: &w::S1_SHIFTS },
            (-128, 127),
            &mut v1,
        );
        observer.values(1, 0, &v1);
        // encoder_encoder.1_Relu
        let v4 = slot::start::<_, 32>(&mut slot0[..]);
        rows::dense_rescale::<i32, _, _, _, _>(
            &v1,
            &w::C0_ENCODER_ENCODER_0_GEMM_WEIGHTS,
            &w::C1_ENCODER_ENCODER_0_GEMM_BIAS,
            rescale::Shift(&w::S4_SHIFTS),
            (0, 127),
            &mut v4[..32],
        );
        observer.values(4, 0, &v4[..32]);
        // encoder_encoder.3_Relu
        let mut v7 = [0i8; 16];
        rows::dense_rescale::<i32, _, _, _, _>(
            &v4[..32],
            &w::C2_ENCODER_ENCODER_2_GEMM_WEIGHTS,
            &w::C3_ENCODER_ENCODER_2_GEMM_BIAS,
            rescale::Shift(&w::S7_SHIFTS),
            (0, 127),
            &mut v7,
        );
        observer.values(7, 0, &v7);
        // encoder_encoder.4_Gemm.q
        let mut v9 = [0i8; 6];
        rows::dense_rescale::<i32, _, _, _, _>(
            &v7,
            &w::C4_ENCODER_ENCODER_4_GEMM_WEIGHTS,
            &w::C5_ENCODER_ENCODER_4_GEMM_BIAS,
            rescale::Shift(&w::S9_SHIFTS),
            (-128, 127),
            &mut v9,
        );
        observer.values(9, 0, &v9);
        // decoder_decoder.1_Relu
        let mut v12 = [0i8; 16];
        rows::dense_rescale::<i32, _, _, _, _>(
            &v9,
            &w::C6_DECODER_DECODER_0_GEMM_WEIGHTS,
            &w::C7_DECODER_DECODER_0_GEMM_BIAS,
            rescale::Shift(&w::S12_SHIFTS),
            (0, 127),
            &mut v12,
        );
        observer.values(12, 0, &v12);
        // decoder_decoder.3_Relu
        let v15 = slot::start::<_, 32>(&mut slot0[..]);
        rows::dense_rescale::<i32, _, _, _, _>(
            &v12,
            &w::C8_DECODER_DECODER_2_GEMM_WEIGHTS,
            &w::C9_DECODER_DECODER_2_GEMM_BIAS,
            rescale::Shift(&w::S15_SHIFTS),
            (0, 127),
            &mut v15[..32],
        );
        observer.values(15, 0, &v15[..32]);
        // ReduceMean
        // of decoder_decoder.4_Gemm.q, 4 rows at a time
        let mut v17 = [0i16; 4];
        let mut e18 = 0i32;
        for (((other, weights), bias), shifts) in v1.chunks_exact(4).zip(w::C10_DECODER_DECODER_4_GEMM_WEIGHTS.chunks_exact(128)).zip(w::C11_DECODER_DECODER_4_GEMM_BIAS.chunks_exact(4)).zip(w::S17_SHIFTS.chunks_exact(4)) {
            let block = &mut v17[..4];
            rows::dense_rescale::<i32, _, _, _, _>(
                &v15[..32],
                weights,
                bias,
                rescale::Shift(shifts),
                (-32768, 32767),
                block,
            );
            e18 += reduce::squared_error::<i32, _, _>(block, other);
        }
        let v18 = [e18];
        observer.values(18, 0, &v18);
        Outputs { score: v18 }
    }
}
