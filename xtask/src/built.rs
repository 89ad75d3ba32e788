//! What cargo builds, and where it puts it: `CARGO_TARGET_DIR` and cargo's configuration decide.

use std::{path::PathBuf, process::Command};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::shell;

/// Builds, and returns cargo's messages of what there is now; warnings and errors are shown.
pub fn messages(cargo: &mut Command) -> Result<Vec<Value>> {
    cargo.arg("--message-format=json-render-diagnostics");
    let (messages, status) = shell::output_whatever(cargo)?;
    if !status.success() {
        bail!("`{}`: {status}", shell::line(cargo));
    }
    let parse = |line| serde_json::from_str(line).context("a message of cargo's");
    messages.lines().map(parse).collect()
}

/// Builds, and returns the first file that `file` finds in a message.
pub fn file(cargo: &mut Command, file: impl Fn(&Value) -> Option<&str>) -> Result<PathBuf> {
    let messages = messages(cargo)?;
    let found = messages.iter().find_map(file).map(PathBuf::from);
    found.with_context(|| format!("`{}` names no such file", shell::line(cargo)))
}

/// As [`file()`], of an executable.
pub fn executable(cargo: &mut Command) -> Result<PathBuf> {
    file(cargo, |message| message["executable"].as_str())
}
