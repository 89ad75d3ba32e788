//! Integer kernels of Hodoscope: what emitted crates call.
#![no_std]

pub mod model;
