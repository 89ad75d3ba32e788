//! Float networks through the whole compiler: each program is held to its float graph, and its kernels to the interpreter.
#![allow(clippy::unwrap_used)] // A test that unwraps fails with the line that is wrong.

mod general;
mod idioms;
mod jets;
mod lsb;
mod masks;
mod operators;
mod refusals;
mod sentinels;
mod sets;
mod trees;

#[path = "../import_support/mod.rs"]
mod import_support;
#[path = "../jets_support/mod.rs"]
mod jets_support;
#[path = "../networks/mod.rs"]
mod networks;
#[path = "../quantised_support/mod.rs"]
mod quantised_support;
