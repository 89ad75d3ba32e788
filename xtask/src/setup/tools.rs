//! Tools that cargo installs, below `target/tools`: nothing outside of the checkout changes.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context, Result};

use super::say;
use crate::shell;

/// A tool at one version: its checks must not change on a day when nothing here changed.
pub struct Tool {
    /// Package and program.
    pub name: &'static str,
    version: &'static str,
    options: &'static [&'static str],
}

/// Builds the book; its web server and search index are left out.
pub const MDBOOK: Tool = Tool {
    name: "mdbook",
    version: "0.5.4",
    options: &["--no-default-features"],
};

/// Checks licences and duplicates of dependencies.
pub const DENY: Tool = Tool {
    name: "cargo-deny",
    version: "0.20.2",
    options: &[],
};

impl Tool {
    fn home() -> PathBuf {
        shell::target().join("tools")
    }

    /// The tool, where this version is installed.
    pub fn command(&self) -> Option<Command> {
        let path = Self::home().join("bin").join(self.name);
        let found = shell::output(Command::new(&path).arg("--version")).ok()?;
        found.ends_with(self.version).then(|| shell::at_root(&path))
    }

    /// Installs it.
    pub fn install(&self) -> Result<()> {
        if self.command().is_some() {
            return Ok(());
        }
        let Self { name, version, .. } = self;
        say(format_args!(
            "installing {name} {version} into target/tools with cargo; this compiles for some minutes, once"
        ));
        let build = Self::home().join("build");
        shell::run(
            shell::cargo()
                // Unoptimised: it compiles in half of the time, and works for seconds only.
                .args(["install", name, "--version", version, "--locked", "--debug"])
                .args(self.options)
                .env("CARGO_PROFILE_DEV_DEBUG", "0")
                .arg("--root")
                .arg(Self::home())
                .arg("--target-dir")
                .arg(&build),
        )
        .with_context(|| format!("{name} {version} cannot be had"))?;
        fs::remove_dir_all(&build).with_context(|| build.display().to_string())
    }
}
