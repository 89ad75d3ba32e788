//! From a plan to a `no_std` crate.
//!
//! The crate is readable Rust: the program's weights as statics, one kernel call per step, and an
//! API of the model's own (`run`, `push`, `finish`). Each plan is a type, the `P` of `PfnQg<P>`. It depends on `hodoscope-kernels` only.

mod adders;
mod api;
mod code;
mod compute;
mod decide;
pub mod emulator;
mod manifest;
mod names;
mod network;
mod ways;
mod weights;

use std::collections::BTreeMap;

use hodoscope_program::Program;
use sha2::{Digest, Sha256};

use crate::plan::{Decision, Plan};
pub use names::{crate_name, type_name};
pub use network::main_of_network;
pub use ways::main_of_ways;
pub use weights::table_statics;

/// Version of the kernels that an emitted crate asks for: this compiler's own.
pub const KERNELS_VERSION: &str = env!("CARGO_PKG_VERSION");

/// Files by their path, with `/` between folders.
pub type Files = BTreeMap<String, String>;

/// The files of the crate of a program: `Cargo.toml`, `src/lib.rs`, …. Its `plans` are of different
/// instruction sets; one that has none here takes the first. Without a plan there is no file.
pub fn emit_crate(plans: &[Plan<'_>]) -> Files {
    let mut files = Files::new();
    let Some(program) = plans.first().map(|plan| plan.program) else {
        return files;
    };
    let decision = Decision::of(plans);
    // What all outputs take is computed where it is no more than what the decision takes.
    let apart = decision
        .as_ref()
        .filter(|decision| plans.iter().any(|plan| decision.is_shorter(plan)));
    compute::modules(plans, apart, &mut files);
    let adders = adders::module(plans);
    let mut add = |path: &str, text: String| files.insert(path.into(), text);
    add("Cargo.toml", manifest::package(program));
    add("README.md", manifest::readme(program));
    add("rustfmt.toml", manifest::FORMATTING.into());
    add(
        "src/lib.rs",
        api::library(
            program,
            adders.is_some(),
            decision.as_ref(),
            apart.is_some(),
        ),
    );
    add("src/weights.rs", weights::statics(plans));
    if let Some(adders) = adders {
        add("src/adders.rs", adders);
    }
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
