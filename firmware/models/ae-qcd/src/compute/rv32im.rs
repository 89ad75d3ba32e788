//! The layers as planned for rv32im, in the program's order. Each value carries its number in the
//! program.

use hodoscope_kernels::{layout::packed_words, model::Observer, plans, reduce, rescale, slot};

use crate::weights as w;
use crate::{Event, Outputs};

use super::Plan;

impl Plan for plans::Rv32im {
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
        packed_words::dense_rescale(
            &v2,
            (&w::S6_PACKED_WORDS_WEIGHTS, &w::S6_PACKED_WORDS_BLOCKS),
            &w::S6_PACKED_WORDS_BIAS,
            rescale::Shift(&w::S6_PACKED_WORDS_SHIFTS),
            (0, 127),
            &mut v6[..32],
        );
        observer.values(6, 0, &v6[..32]);
        // encoder_encoder.3_Relu
        let mut v9 = [0i8; 16];
        packed_words::dense_rescale(
            &v6[..32],
            (&w::S9_PACKED_WORDS_WEIGHTS, &w::S9_PACKED_WORDS_BLOCKS),
            &w::S9_PACKED_WORDS_BIAS,
            rescale::Shift(&w::S9_PACKED_WORDS_SHIFTS),
            (0, 127),
            &mut v9,
        );
        observer.values(9, 0, &v9);
        // encoder_encoder.4_Gemm.q
        let mut v11 = [0i8; 6];
        packed_words::dense_rescale(
            &v9,
            (&w::S11_PACKED_WORDS_WEIGHTS, &w::S11_PACKED_WORDS_BLOCKS),
            &w::S11_PACKED_WORDS_BIAS,
            rescale::Shift(&w::S11_PACKED_WORDS_SHIFTS),
            (-128, 127),
            &mut v11,
        );
        observer.values(11, 0, &v11);
        // decoder_decoder.1_Relu
        let mut v14 = [0i8; 16];
        packed_words::dense_rescale(
            &v11,
            (&w::S14_PACKED_WORDS_WEIGHTS, &w::S14_PACKED_WORDS_BLOCKS),
            &w::S14_PACKED_WORDS_BIAS,
            rescale::Shift(&w::S14_PACKED_WORDS_SHIFTS),
            (0, 127),
            &mut v14,
        );
        observer.values(14, 0, &v14);
        // decoder_decoder.3_Relu
        let v17 = slot::start::<_, 32>(&mut slot1[..]);
        packed_words::dense_rescale(
            &v14,
            (&w::S17_PACKED_WORDS_WEIGHTS, &w::S17_PACKED_WORDS_BLOCKS),
            &w::S17_PACKED_WORDS_BIAS,
            rescale::Shift(&w::S17_PACKED_WORDS_SHIFTS),
            (0, 127),
            &mut v17[..32],
        );
        observer.values(17, 0, &v17[..32]);
        // decoder_decoder.4_Gemm.q
        let v19 = slot::start::<_, 48>(&mut slot0[..]);
        packed_words::dense_rescale(
            &v17[..32],
            (&w::S19_PACKED_WORDS_WEIGHTS, &w::S19_PACKED_WORDS_BLOCKS),
            &w::S19_PACKED_WORDS_BIAS,
            rescale::Shift(&w::S19_PACKED_WORDS_SHIFTS),
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
