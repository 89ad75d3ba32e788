//! The layers as planned for armv7em, in the program's order. Each value carries its number in the
//! program.

use hodoscope_kernels::{layout::nested_pairs, layout::pairs::Pairs, model::Observer, plans, reduce, rescale, slot};

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
        // Mul.q
        let mut v1 = Pairs::<48>::ZERO;
        rescale::rescale::<i32, _, _>(
            &v0[..48],
            rescale::Affine { multipliers: &w::S1_MULTIPLIERS, offsets: &w::S1_OFFSETS, shifts: &w::S1_SHIFTS },
            (-128, 127),
            &mut v1[..48],
        );
        observer.values(1, 0, &v1[..48]);
        // encoder_encoder.1_Relu
        let v4 = slot::start::<_, 32>(&mut slot0[..]);
        nested_pairs::dense_rescale::<0, 127>(&v1[..], &w::S4_NESTED_PAIRS_STREAM, &mut v4[..]);
        observer.values(4, 0, &v4[..32]);
        // encoder_encoder.3_Relu
        let v7 = slot::start::<_, 16>(&mut slot1[..]);
        nested_pairs::dense_rescale::<0, 127>(&v4[..], &w::S7_NESTED_PAIRS_STREAM, &mut v7[..]);
        observer.values(7, 0, &v7[..16]);
        // encoder_encoder.4_Gemm.q
        let mut v9 = Pairs::<8>::ZERO;
        nested_pairs::dense_rescale::<-128, 127>(&v7[..], &w::S9_NESTED_PAIRS_STREAM, &mut v9[..]);
        observer.values(9, 0, &v9[..6]);
        // decoder_decoder.1_Relu
        let v12 = slot::start::<_, 16>(&mut slot0[..]);
        nested_pairs::dense_rescale::<0, 127>(&v9[..], &w::S12_NESTED_PAIRS_STREAM, &mut v12[..]);
        observer.values(12, 0, &v12[..16]);
        // decoder_decoder.3_Relu
        let v15 = slot::start::<_, 32>(&mut slot1[..]);
        nested_pairs::dense_rescale::<0, 127>(&v12[..], &w::S15_NESTED_PAIRS_STREAM, &mut v15[..]);
        observer.values(15, 0, &v15[..32]);
        // decoder_decoder.4_Gemm.q
        let v17 = slot::start::<_, 48>(&mut slot0[..]);
        nested_pairs::dense_rescale::<-32768, 32767>(&v15[..], &w::S17_NESTED_PAIRS_STREAM, &mut v17[..]);
        observer.values(17, 0, &v17[..48]);
        // ReduceMean
        let v18 = [reduce::squared_error::<i32, _, _>(&v17[..48], &v1[..48])];
        observer.values(18, 0, &v18);
        Outputs { score: v18 }
    }
}
