//! The layers as planned for armv7em, in the program's order. Each value carries its number in the
//! program.

use hodoscope_kernels::{layout::nested_pairs, layout::pairs::Pairs, model::Observer, plans, reduce, rescale, slot, unary};

use crate::weights as w;
use crate::{Event, Outputs};

use super::Plan;

impl Plan for plans::ArmV7eDsp {
    #[inline]
    fn event<O: Observer>(words: &Event, observer: &mut O) -> Outputs {
        let mut slot0 = Pairs::<48>::ZERO;
        let mut slot1 = Pairs::<32>::ZERO;
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
        let v6 = slot::start::<_, 32>(&mut slot0[..]);
        {
            let mut operand = Pairs::<48>::ZERO;
            unary::copy(&v2, &mut operand[..48]);
            nested_pairs::dense_rescale::<0, 127>(&operand[..], &w::S6_NESTED_PAIRS_STREAM, &mut v6[..]);
        }
        observer.values(6, 0, &v6[..32]);
        // encoder_encoder.3_Relu
        let v9 = slot::start::<_, 16>(&mut slot1[..]);
        nested_pairs::dense_rescale::<0, 127>(&v6[..], &w::S9_NESTED_PAIRS_STREAM, &mut v9[..]);
        observer.values(9, 0, &v9[..16]);
        // encoder_encoder.4_Gemm.q
        let mut v11 = Pairs::<8>::ZERO;
        nested_pairs::dense_rescale::<-128, 127>(&v9[..], &w::S11_NESTED_PAIRS_STREAM, &mut v11[..]);
        observer.values(11, 0, &v11[..6]);
        // decoder_decoder.1_Relu
        let v14 = slot::start::<_, 16>(&mut slot0[..]);
        nested_pairs::dense_rescale::<0, 127>(&v11[..], &w::S14_NESTED_PAIRS_STREAM, &mut v14[..]);
        observer.values(14, 0, &v14[..16]);
        // decoder_decoder.3_Relu
        let v17 = slot::start::<_, 32>(&mut slot1[..]);
        nested_pairs::dense_rescale::<0, 127>(&v14[..], &w::S17_NESTED_PAIRS_STREAM, &mut v17[..]);
        observer.values(17, 0, &v17[..32]);
        // decoder_decoder.4_Gemm.q
        let v19 = slot::start::<_, 48>(&mut slot0[..]);
        nested_pairs::dense_rescale::<-1024, 1023>(&v17[..], &w::S19_NESTED_PAIRS_STREAM, &mut v19[..]);
        observer.values(19, 0, &v19[..48]);
        // score
        let v20 = [reduce::squared_error::<i32, _, _>(&v19[..48], &v2)];
        observer.values(20, 0, &v20);
        Outputs { score: v20 }
    }
}
