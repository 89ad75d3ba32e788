//! From a plan to a `no_std` crate.
//!
//! The crate is readable Rust: the program's weights as statics, one kernel call per step, and an
//! API of the model's own (`PfnQg::run`, `push`, `finish`). It depends on `hodoscope-kernels` only.

mod api;
mod code;
mod compute;
mod manifest;
mod names;
mod weights;

use std::collections::BTreeMap;

use hodoscope_program::Program;
use sha2::{Digest, Sha256};

use crate::plan::Plan;
pub use names::{crate_name, type_name};

/// Version of the kernels that an emitted crate asks for: this compiler's own.
pub const KERNELS_VERSION: &str = env!("CARGO_PKG_VERSION");

/// Files by their path, with `/` between folders.
pub type Files = BTreeMap<String, String>;

/// The files of the crate of `plan`: `Cargo.toml`, `src/lib.rs`, ….
pub fn emit_crate(plan: &Plan<'_>) -> Files {
    let mut files = Files::new();
    let mut add = |path: &str, text: String| files.insert(path.into(), text);
    add("Cargo.toml", manifest::package(plan.program));
    add("README.md", manifest::readme(plan.program));
    add("rustfmt.toml", manifest::FORMATTING.into());
    add("src/lib.rs", api::library(plan));
    add("src/compute.rs", compute::layers(plan));
    add("src/weights.rs", weights::statics(plan));
    files
}

/// The manifest of the workspace that holds `crate/` and `kernels/`.
pub fn workspace_manifest() -> String {
    manifest::workspace()
}

/// SHA-256 of the program's text: how host and board know that they mean the same program.
pub fn program_hash(program: &Program) -> [u8; 32] {
    Sha256::digest(program.to_text().as_bytes()).into()
}
