//! Soft-cores as register transfer level: the core's own Verilog in the small system of `sim/rtl`,
//! made a program by Verilator.
//!
//! The Verilog of the cores comes from packages of PyPI, one wheel at one version and with one hash.
//! Nothing of it is part of hodoscope: `cargo xtask setup`, or the command that a message names,
//! downloads it. Where a core has a port for instructions, a model's own Verilog may stand behind it. Programs are kept in the cache by what they were made of.

pub mod fabric;
mod image;
pub mod network;
mod verilate;
mod wheel;

pub use verilate::Design;
pub use wheel::Wheel;

pub(super) use image::write as write_image;
pub(super) use network::Network;
pub(super) use verilate::{build, image_path};
