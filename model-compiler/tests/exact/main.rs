//! Quantised networks become the integers that they state, or are refused by name.
#![allow(clippy::unwrap_used)] // A test that unwraps fails with the line that is wrong.

mod activations;
mod ends;
mod fixed_point;
mod idioms;
mod jets;
mod mlperf;
mod oracle;
mod refusals;
mod rescale;
mod sets;
mod words;

#[path = "../import_support/mod.rs"]
mod import_support;
#[path = "../networks/mod.rs"]
mod networks;
#[path = "../../program/tests/support/mod.rs"]
mod support;
