//! One type per instruction set that has a plan of its own: the `P` of an emitted `Tagger<P>`.
//!
//! An emitted crate computes the same bits with each of them, on every machine; the one made for a
//! core is fast there.

macro_rules! plans {
    ($($(#[doc = $doc:literal])+ $name:ident),+ $(,)?) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name;
    )+};
}

plans! {
    /// Any core: row-major weights, portable Rust.
    Portable,
    /// ARMv6-M: Cortex-M0, M0+ and M1.
    ArmV6m,
    /// ARMv7E-M, and ARMv8-M with the DSP extension: Cortex-M4, M7, M33 and later.
    ArmV7eDsp,
    /// RISC-V RV32IM.
    Rv32im,
    /// RISC-V RV32I: no multiplier.
    Rv32i,
}

/// The plan of the core that this build is for.
#[cfg(hodoscope_isa = "armv6m")]
pub type Target = ArmV6m;
/// The plan of the core that this build is for.
#[cfg(any(hodoscope_isa = "armv7em", hodoscope_isa = "armv8m-dsp"))]
pub type Target = ArmV7eDsp;
/// The plan of the core that this build is for.
#[cfg(hodoscope_isa = "rv32im")]
pub type Target = Rv32im;
/// The plan of the core that this build is for.
#[cfg(hodoscope_isa = "rv32i")]
pub type Target = Rv32i;
/// The plan of the core that this build is for.
#[cfg(any(hodoscope_isa = "portable", hodoscope_isa = "armv7m"))]
pub type Target = Portable;
