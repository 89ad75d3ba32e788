//! Targets, verification and physics figures.

pub mod bound;
pub mod elf;
pub mod encode;
pub mod ending;
pub mod menu;
pub mod metrics;
pub mod npz;
pub mod own;
pub mod stream;
pub mod synth;
pub mod targets;
pub mod timing;
