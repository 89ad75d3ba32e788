//! What computes with the contract's arithmetic. Overflow checks are on in debug and off in release: bits have to be the same
//! in both, and CI runs this program in both.
#![allow(clippy::unwrap_used)] // A test that unwraps fails with the line that is wrong.

mod cms;
mod kernels_layouts;
mod kernels_models;
mod kernels_random;
mod layouts;
mod plan_grid;
mod program_quantised;
mod reference_models;

#[path = "../emit_programs/mod.rs"]
mod emit_programs;
#[path = "../import_support/mod.rs"]
mod import_support;
#[path = "../../program/tests/support/mod.rs"]
mod support;
