//! Row-major: portable Rust, any width, exact wherever the verifier's accumulators are.

use super::{Constants, Definition, Layer, Storage};
use crate::plan::cost::Mix;
use crate::plan::{Accumulator, Isa};

/// Instructions of a multiplication in software, with its call: `arch/rv32i.rs` of the kernels.
const SOFTWARE_MULTIPLY: u64 = 215;

/// The most weights for which the compiler writes every multiplication out.
const UNROLLED: u64 = 150;

/// Rows of a block: any number is exact, few are not worth it.
const BLOCK: usize = 4;

pub(super) struct Rows;

/// A layer that is written out, as measured on 14 shapes: weights are immediates, and operands stay in registers while there
/// are enough. Code of six bytes per weight more is for loops over rows only, which run it more than once.
fn unrolled(rows: u64, macs: u64, columns: usize) -> Mix {
    let reloads = if columns > 9 { macs / 2 } else { 0 };
    Mix {
        arithmetic: macs * 5 / 4 + 5 * rows,
        multiplies: macs,
        loads: columns as u64 + reloads,
        stores: rows,
        ..Mix::default()
    }
}

impl Definition for Rows {
    fn name(&self) -> &'static str {
        "rows"
    }

    fn suits(&self, _isa: Isa) -> bool {
        true
    }

    fn prove(&self, _layer: &Layer<'_>) -> Result<(), String> {
        Ok(())
    }

    /// What the compiler makes of it, unrolled: two loads and a multiply-accumulate per weight; a
    /// 64-bit accumulator takes about twice that.
    fn mix(&self, layer: &Layer<'_>, isa: Isa) -> Mix {
        let (rows, macs) = (layer.rows() as u64, layer.weights.data.len() as u64);
        let is_unrolled = macs <= UNROLLED && layer.accumulator == Accumulator::I32;
        if isa == Isa::ArmV7eDsp && is_unrolled && layer.is_viewed {
            return unrolled(rows, macs, layer.columns());
        }
        let wide = match layer.accumulator {
            Accumulator::I32 => 1,
            Accumulator::I64 => 2,
        };
        // Cores without a multiply-accumulate add apart, and saturate in many steps.
        let (adds, saturation) = match isa {
            Isa::ArmV7eDsp | Isa::Portable => (0, 6),
            Isa::ArmV6m | Isa::Rv32im => (macs, 22),
            Isa::Rv32i => (SOFTWARE_MULTIPLY * macs, 22),
        };
        let multiplies = match isa {
            Isa::Rv32i => 0,
            _ => wide * macs,
        };
        Mix {
            arithmetic: wide * adds + saturation * rows * wide,
            multiplies,
            loads: 2 * macs + 2 * rows,
            stores: rows,
            branches: rows,
            ..Mix::default()
        }
    }

    fn constants(&self, _layer: &Layer<'_>) -> Constants {
        Constants::default()
    }

    fn generics(&self, accumulator: Accumulator) -> String {
        format!("::<{}, _, _, _, _>", accumulator.name())
    }

    fn block_rows(&self) -> Option<usize> {
        Some(BLOCK)
    }

    fn operand(&self) -> Storage {
        Storage::Narrowest
    }

    fn result(&self, _rescaled: bool) -> Storage {
        Storage::Narrowest
    }
}
