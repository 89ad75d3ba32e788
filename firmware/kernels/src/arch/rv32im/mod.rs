//! RV32IM: a multiplier, and no packed arithmetic.

pub mod byte_quads;
mod layer;
pub mod packed_words;
pub mod row_blocks;
