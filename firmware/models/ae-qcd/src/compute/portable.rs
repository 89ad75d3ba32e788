//! The layers as planned for portable, in the program's order. Each value carries its number in the
//! program.

use hodoscope_kernels::{layout::rows, model::Observer, plans, reduce, rescale, slot};

use crate::weights as w;
use crate::{Event, Outputs};

use super::Plan;

impl Plan for plans::Portable {
    #[inline]
    fn event<O: Observer>(words: &Event, observer: &mut O) -> Outputs {
        let mut slot0 = [0i16; 48];
        let mut slot1 = [0i8; 32];
        // x
        let v0 = slot::start::<_, 48>(&mut slot0[..]);
        rescale::words(&words.x, &w::S0_MINIMUM, &w::S0_MAXIMUM, &mut v0[..48]);
        observer.values(0, 0, &v0[..48]);
        // Mul.q
        let mut v1 = [0i8; 48];
        rescale::rescale::<i32, _, _>(
            &v0[..48],
            rescale::Affine { multipliers: &w::S1_MULTIPLIERS, offsets: &w::S1_OFFSETS, shifts: &w::S1_SHIFTS },
            (-128, 127),
            &mut v1,
        );
        observer.values(1, 0, &v1);
        // encoder_encoder.1_Relu
        let v4 = slot::start::<_, 32>(&mut slot1[..]);
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
        let v15 = slot::start::<_, 32>(&mut slot1[..]);
        rows::dense_rescale::<i32, _, _, _, _>(
            &v12,
            &w::C8_DECODER_DECODER_2_GEMM_WEIGHTS,
            &w::C9_DECODER_DECODER_2_GEMM_BIAS,
            rescale::Shift(&w::S15_SHIFTS),
            (0, 127),
            &mut v15[..32],
        );
        observer.values(15, 0, &v15[..32]);
        // decoder_decoder.4_Gemm.q
        let v17 = slot::start::<_, 48>(&mut slot0[..]);
        rows::dense_rescale::<i32, _, _, _, _>(
            &v15[..32],
            &w::C10_DECODER_DECODER_4_GEMM_WEIGHTS,
            &w::C11_DECODER_DECODER_4_GEMM_BIAS,
            rescale::Shift(&w::S17_SHIFTS),
            (-32768, 32767),
            &mut v17[..48],
        );
        observer.values(17, 0, &v17[..48]);
        // ReduceMean
        let v18 = [reduce::squared_error::<i32, _, _>(&v17[..48], &v1)];
        observer.values(18, 0, &v18);
        Outputs { score: v18 }
    }
}
