//! What is emitted: its text, that it compiles without a warning, and that it computes what the interpreter computes.
#![allow(clippy::unwrap_used)] // A test that unwraps fails with the line that is wrong.

mod builds;
mod decisions;
mod golden;
mod random;

#[path = "../emit_programs/mod.rs"]
mod emit_programs;
#[path = "../import_support/mod.rs"]
mod import_support;
#[path = "../../program/tests/support/mod.rs"]
mod support;
