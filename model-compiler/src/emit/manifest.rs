//! Manifests and the README of an emitted crate.

use hodoscope_program::Program;

use super::{KERNELS_VERSION, crate_name, type_name};

/// Generated code is laid out by its generator.
pub(super) const FORMATTING: &str = "disable_all_formatting = true\n";

const EDITION: &str = "2024";
const RUST_VERSION: &str = env!("CARGO_PKG_RUST_VERSION");

pub(super) fn package(program: &Program) -> String {
    let name = crate_name(program);
    format!(
        r#"# Made by Hodoscope {KERNELS_VERSION}; made anew by every `hodoscope compile`.
[package]
name = "{name}"
version = "0.1.0"
edition = "{EDITION}"
rust-version = "{RUST_VERSION}"
description = "The tagger {title}, compiled to integers"
publish = false

[dependencies]
hodoscope-kernels = "={KERNELS_VERSION}"
"#,
        title = program.name,
    )
}

pub(super) fn readme(program: &Program) -> String {
    let (name, ty) = (crate_name(program), "Deployed");
    let module = name.replace('-', "_");
    let call = if program.sets.is_empty() {
        format!("let outputs = {ty}::run(&event);")
    } else {
        let (first, only) = match program.inputs.iter().any(|input| input.set.is_none()) {
            true => ("&header, ", "&header"),
            false => ("", ""),
        };
        format!(
            "// A whole event,\n\
             let outputs = {ty}::run({first}&constituents);\n\
             // or constituents as they arrive, until the event ends.\n\
             let mut tagger = {ty}::new();\n\
             tagger.push(&constituent);\n\
             let outputs = tagger.finish({only});"
        )
    };
    format!(
        "# {name}\n\nMade by Hodoscope {KERNELS_VERSION} from the program `{title}`. `no_std`, no heap.\n\n\
         `Deployed` is the tagger as planned for the core that it is built for, `{own}<ArmV7eDsp>` and its like\n\
         that of another: the same bits everywhere.\n\n\
         ```rust,ignore\nuse {module}::{ty};\n{call}\n```\n\n\
         In another workspace, depend on this folder by path and patch the kernels:\n\n\
         ```toml\n[patch.crates-io]\nhodoscope-kernels = {{ path = \"…/kernels\" }}\n```\n",
        title = program.name,
        own = type_name(program),
    )
}

pub(super) fn workspace() -> String {
    format!(
        r#"# Made by Hodoscope {KERNELS_VERSION}: a workspace of the emitted crate and its kernels.
[workspace]
members = ["crate", "kernels"]
resolver = "3"

[workspace.package]
version = "{KERNELS_VERSION}"
edition = "{EDITION}"
rust-version = "{RUST_VERSION}"
license = "MIT OR Apache-2.0"
authors = ["The Hodoscope developers"]

[workspace.lints.rust]
missing_docs = "warn"

[patch.crates-io]
hodoscope-kernels = {{ path = "kernels" }}

[profile.release]
opt-level = 3
lto = "fat"
codegen-units = 1
"#
    )
}
