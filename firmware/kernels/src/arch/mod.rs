//! Kernels per instruction set.
//!
//! Stable Rust has no `cfg` for a core's DSP instructions, so the build script derives
//! `hodoscope_isa` from the target and its cpu. A layout that has an assembly body for it selects
//! the body here, next to its portable one; today every layout is
//! portable, and only order without branches is an instruction set's own.

#[cfg(hodoscope_isa = "rv32im")]
pub mod rv32im;

/// The instruction set that this build is for: `portable`, `armv6m`, `armv7m`, `armv7em`,
/// `armv8m-dsp` or `rv32im`.
pub const INSTRUCTION_SET: &str = env!("HODOSCOPE_ISA");
