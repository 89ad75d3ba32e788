//! The oldest toolchain that is promised to work.

use anyhow::{Context, Result, bail};

use super::say;
use crate::shell;

/// Its version: `rust-version` of both workspaces.
pub const OLDEST: &str = "1.93.0";

/// Whether it is there.
pub fn is_there() -> bool {
    shell::succeeds(shell::at_root("rustup").args(["run", OLDEST, "cargo", "--version"]))
}

/// Installs it beside the one in use.
pub fn install() -> Result<()> {
    if is_there() {
        return Ok(());
    }
    if shell::find("rustup").is_none() {
        bail!("Rust {OLDEST} cannot be had without rustup");
    }
    say(format_args!("installing Rust {OLDEST} with rustup"));
    shell::run(
        shell::at_root("rustup")
            .args(["toolchain", "install", OLDEST, "--profile", "minimal"])
            .arg("--no-self-update"),
    )
    .with_context(|| format!("Rust {OLDEST} cannot be had"))
}
