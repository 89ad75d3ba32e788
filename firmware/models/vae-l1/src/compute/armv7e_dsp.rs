//! The layers as planned for armv7em, in the program's order. Each value carries its number in the
//! program.

use hodoscope_kernels::{layout::nested_pairs, layout::half_pairs, layout::pairs::Pairs, model::Observer, plans, reduce, rescale, slot};

use crate::weights as w;
use crate::{Event, Outputs};

use super::Plan;

impl Plan for plans::ArmV7eDsp {
    #[inline]
    fn event<O: Observer>(words: &Event, observer: &mut O) -> Outputs {
        let mut slot0 = Pairs::<60>::ZERO;
        let mut slot1 = Pairs::<60>::ZERO;
        // x
        let v0 = slot::start::<_, 57>(&mut slot1[..]);
        rescale::words(&words.x, &w::S0_MINIMUM, &w::S0_MAXIMUM, &mut v0[..57]);
        observer.values(0, 0, &v0[..57]);
        // Mul.q
        let v1 = slot::start::<_, 60>(&mut slot0[..]);
        rescale::rescale::<i32, _, _>(
            &v0[..57],
            rescale::Affine { multipliers: &w::S1_MULTIPLIERS, offsets: &w::S1_OFFSETS, shifts: &w::S1_SHIFTS },
            (-32768, 32767),
            &mut v1[..57],
        );
        observer.values(1, 0, &v1[..57]);
        // trunk_trunk.2_Relu
        let v4 = slot::start::<_, 32>(&mut slot1[..]);
        half_pairs::dense_rescale::<0, 127>(&v1[..], &w::S4_HALF_PAIRS_STREAM, &mut v4[..]);
        observer.values(4, 0, &v4[..32]);
        // trunk_trunk.5_Relu
        let v7 = slot::start::<_, 16>(&mut slot0[..]);
        nested_pairs::dense_rescale::<0, 127>(&v4[..], &w::S7_NESTED_PAIRS_STREAM, &mut v7[..]);
        observer.values(7, 0, &v7[..16]);
        // mu_Gemm.q
        let mut v9 = Pairs::<8>::ZERO;
        nested_pairs::dense_rescale::<-4096, 4095>(&v7[..], &w::S9_NESTED_PAIRS_STREAM, &mut v9[..]);
        observer.values(9, 0, &v9[..8]);
        // ReduceSum
        let v10 = [reduce::sum_squares::<i32, _>(&v9[..8])];
        observer.values(10, 0, &v10);
        Outputs { score: v10 }
    }
}
