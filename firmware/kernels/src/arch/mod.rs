//! Kernels per instruction set.
//!
//! Stable Rust has no `cfg` for a core's DSP instructions, so the build script derives
//! `hodoscope_isa` from the target and its cpu. A layout that has an assembly body for it takes it
//! from here in place of its portable one.

#[cfg(hodoscope_isa = "armv6m")]
pub mod armv6m;
#[cfg(any(hodoscope_isa = "armv7em", hodoscope_isa = "armv8m-dsp"))]
pub mod armv7em;
#[cfg(hodoscope_masks)]
pub mod masks;
#[cfg(hodoscope_isa = "rv32i")]
mod rv32i;
#[cfg(hodoscope_isa = "rv32im")]
pub mod rv32im;
#[cfg(target_arch = "x86_64")]
pub mod x86_64;

/// The instruction set that this build is for: `portable`, `armv6m`, `armv7m`, `armv7em`,
/// `armv8m-dsp`, `rv32im` or `rv32i`.
pub const INSTRUCTION_SET: &str = env!("HODOSCOPE_ISA");

/// Whether the compiler makes vectors of loops.
pub(crate) const HAS_VECTORS: bool = cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));
