//! rustfmt and clippy.

use anyhow::{Context, Result, bail};

use super::say;
use crate::shell;

/// Adds the components that the toolchain lacks.
pub fn install() -> Result<()> {
    for (component, subcommand) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
        if shell::succeeds(shell::cargo().args([subcommand, "--version"])) {
            continue;
        }
        if shell::find("rustup").is_none() {
            bail!("`cargo {subcommand}` is missing, and there is no rustup to add it");
        }
        say(format_args!("installing {component} with rustup"));
        shell::run(shell::at_root("rustup").args(["component", "add", component]))
            .with_context(|| format!("`cargo {subcommand}` cannot be had"))?;
    }
    Ok(())
}
