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
        // x.view
        observer.values(1, 0, &v0[..48]);
        // Mul.q
        let mut v2 = [0i8; 48];
        for (row, v0) in v2.as_chunks_mut::<3>().0.iter_mut().zip(v0.as_chunks::<3>().0) {
            let v0 = *v0;
            let mut v2 = [0i8; 3];
            rescale::rescale::<i32, _, _>(
                &v0,
                rescale::Affine { multipliers: &w::S2_MULTIPLIERS, offsets: &w::S2_OFFSETS, shifts: &w::S2_SHIFTS },
                (-128, 127),
                &mut v2,
            );
            *row = v2;
        }
        observer.values(2, 0, &v2);
        // Mul.q.view
        observer.values(3, 0, &v2);
        // encoder_encoder.1_Relu
        let v6 = slot::start::<_, 32>(&mut slot1[..]);
        rows::dense_rescale::<i32, _, _, _, _>(
            &v2,
            &w::C0_ENCODER_ENCODER_0_GEMM_WEIGHTS,
            &w::C1_ENCODER_ENCODER_0_GEMM_BIAS,
            rescale::Shift(&w::S6_SHIFTS),
            (0, 127),
            &mut v6[..32],
        );
        observer.values(6, 0, &v6[..32]);
        // encoder_encoder.3_Relu
        let mut v9 = [0i8; 16];
        rows::dense_rescale::<i32, _, _, _, _>(
            &v6[..32],
            &w::C2_ENCODER_ENCODER_2_GEMM_WEIGHTS,
            &w::C3_ENCODER_ENCODER_2_GEMM_BIAS,
            rescale::Shift(&w::S9_SHIFTS),
            (0, 127),
            &mut v9,
        );
        observer.values(9, 0, &v9);
        // encoder_encoder.4_Gemm.q
        let mut v11 = [0i8; 6];
        rows::dense_rescale::<i32, _, _, _, _>(
            &v9,
            &w::C4_ENCODER_ENCODER_4_GEMM_WEIGHTS,
            &w::C5_ENCODER_ENCODER_4_GEMM_BIAS,
            rescale::Shift(&w::S11_SHIFTS),
            (-128, 127),
            &mut v11,
        );
        observer.values(11, 0, &v11);
        // decoder_decoder.1_Relu
        let mut v14 = [0i8; 16];
        rows::dense_rescale::<i32, _, _, _, _>(
            &v11,
            &w::C6_DECODER_DECODER_0_GEMM_WEIGHTS,
            &w::C7_DECODER_DECODER_0_GEMM_BIAS,
            rescale::Shift(&w::S14_SHIFTS),
            (0, 127),
            &mut v14,
        );
        observer.values(14, 0, &v14);
        // decoder_decoder.3_Relu
        let v17 = slot::start::<_, 32>(&mut slot1[..]);
        rows::dense_rescale::<i32, _, _, _, _>(
            &v14,
            &w::C8_DECODER_DECODER_2_GEMM_WEIGHTS,
            &w::C9_DECODER_DECODER_2_GEMM_BIAS,
            rescale::Shift(&w::S17_SHIFTS),
            (0, 127),
            &mut v17[..32],
        );
        observer.values(17, 0, &v17[..32]);
        // decoder_decoder.4_Gemm.q
        let v19 = slot::start::<_, 48>(&mut slot0[..]);
        rows::dense_rescale::<i32, _, _, _, _>(
            &v17[..32],
            &w::C10_DECODER_DECODER_4_GEMM_WEIGHTS,
            &w::C11_DECODER_DECODER_4_GEMM_BIAS,
            rescale::Shift(&w::S19_SHIFTS),
            (-1024, 1023),
            &mut v19[..48],
        );
        observer.values(19, 0, &v19[..48]);
        // score
        let v20 = [reduce::squared_error::<i32, _, _>(&v19[..48], &v2)];
        observer.values(20, 0, &v20);
        Outputs { score: v20 }
    }
}
