//! The layers as planned for armv7em, in the program's order. Each value carries its number in the
//! program.

use hodoscope_kernels::{layout::nested_pairs, layout::half_pairs, layout::pairs::Pairs, model::Observer, plans, reduce, rescale};

use crate::weights as w;
use crate::{Event, Outputs};

use super::Plan;

impl Plan for plans::ArmV7eDsp {
    #[inline]
    fn event<O: Observer>(words: &Event, observer: &mut O) -> Outputs {
        // x
        let mut v0 = [0i16; 57];
        rescale::words(&words.x, &w::S0_MINIMUM, &w::S0_MAXIMUM, &mut v0);
        observer.values(0, 0, &v0);
        // Mul.q
        let mut v1 = Pairs::<60>::ZERO;
        rescale::rescale::<i32, _, _>(
            &v0,
            rescale::Affine { multipliers: &w::S1_MULTIPLIERS, offsets: &w::S1_OFFSETS, shifts: &w::S1_SHIFTS },
            (-32768, 32767),
            &mut v1[..57],
        );
        observer.values(1, 0, &v1[..57]);
        // trunk_trunk.2_Relu
        let mut v4 = Pairs::<32>::ZERO;
        half_pairs::dense_rescale::<0, 127>(&v1[..], &w::S4_HALF_PAIRS_STREAM, &mut v4[..]);
        observer.values(4, 0, &v4[..32]);
        // trunk_trunk.5_Relu
        let mut v7 = Pairs::<16>::ZERO;
        nested_pairs::dense_rescale::<0, 127>(&v4[..], &w::S7_NESTED_PAIRS_STREAM, &mut v7[..]);
        observer.values(7, 0, &v7[..16]);
        // mu_Gemm.q
        let mut v9 = Pairs::<8>::ZERO;
        nested_pairs::dense_rescale::<-32768, 32767>(&v7[..], &w::S9_NESTED_PAIRS_STREAM, &mut v9[..]);
        observer.values(9, 0, &v9[..8]);
        // ReduceSum
        let v10 = [reduce::sum_squares::<i32, _>(&v9[..8])];
        observer.values(10, 0, &v10);
        Outputs { score: v10 }
    }
}
