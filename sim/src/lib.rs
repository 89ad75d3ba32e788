//! Targets, verification and physics figures.

pub mod encode;
pub mod metrics;
pub mod npz;
