//! The layers as planned for armv6m, in the program's order. Each value carries its number in the
//! program.

use hodoscope_kernels::{layout::byte_quads, layout::row_blocks, model::Observer, plans, reduce, rescale};

use crate::weights as w;
use crate::{Event, Outputs};

use super::Plan;

impl Plan for plans::ArmV6m {
    #[inline]
    fn event<O: Observer>(words: &Event, observer: &mut O) -> Outputs {
        // x
        let mut v0 = [0i16; 57];
        rescale::words(&words.x, &w::S0_MINIMUM, &w::S0_MAXIMUM, &mut v0);
        observer.values(0, 0, &v0);
        // Mul.q
        let mut v1 = [0i16; 57];
        rescale::rescale::<i32, _, _>(
            &v0,
            rescale::Affine { multipliers: &w::S1_MULTIPLIERS, offsets: &w::S1_OFFSETS, shifts: &w::S1_SHIFTS },
            (-32768, 32767),
            &mut v1,
        );
        observer.values(1, 0, &v1);
        // trunk_trunk.2_Relu
        let mut v4 = [0i8; 32];
        row_blocks::dense_rescale(
            &v1,
            &w::S4_ROW_BLOCKS_WEIGHTS,
            &w::S4_ROW_BLOCKS_BIAS,
            rescale::Shift(&w::S4_ROW_BLOCKS_SHIFTS),
            (0, 127),
            &mut v4,
        );
        observer.values(4, 0, &v4);
        // trunk_trunk.5_Relu
        let mut v7 = [0i8; 16];
        byte_quads::dense_rescale(
            &v4,
            (&w::S7_BYTE_QUADS_WEIGHTS, &w::S7_BYTE_QUADS_BLOCKS),
            &w::S7_BYTE_QUADS_BIAS,
            rescale::Shift(&w::S7_BYTE_QUADS_SHIFTS),
            (0, 127),
            &mut v7,
        );
        observer.values(7, 0, &v7);
        // mu_Gemm.q
        let mut v9 = [0i16; 8];
        row_blocks::dense_rescale(
            &v7,
            &w::S9_ROW_BLOCKS_WEIGHTS,
            &w::S9_ROW_BLOCKS_BIAS,
            rescale::Shift(&w::S9_ROW_BLOCKS_SHIFTS),
            (-4096, 4095),
            &mut v9,
        );
        observer.values(9, 0, &v9);
        // ReduceSum
        let v10 = [reduce::sum_squares::<i32, _>(&v9)];
        observer.values(10, 0, &v10);
        Outputs { score: v10 }
    }
}
