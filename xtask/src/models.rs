//! The reference models, and how each is compiled: the same way for the demonstration and for the
//! crates in `firmware/models`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{built, shell};

/// Boards that QEMU emulates: a Cortex-M4F and an RV32IMAC.
pub const BOARDS: [&str; 2] = ["mps2-an386", "virt-rv32"];

/// A folder of `models/` that holds a `model.onnx`.
pub struct Model {
    /// The folder's name.
    pub name: String,
}

impl Model {
    /// All of them, by name; or those that are asked for.
    pub fn all(only: &[&str]) -> Result<Vec<Self>> {
        let folder = shell::root().join("models");
        let mut names: Vec<String> = fs::read_dir(&folder)
            .with_context(|| folder.display().to_string())?
            .flatten()
            .filter(|entry| entry.path().join("model.onnx").is_file())
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        if let Some(unknown) = only.iter().find(|name| !names.iter().any(|n| n == **name)) {
            bail!("no model `{unknown}`: there are {}", names.join(", "));
        }
        // In the order in which they were asked for.
        if !only.is_empty() {
            names = only.iter().map(|&name| name.to_owned()).collect();
        }
        Ok(names.into_iter().map(|name| Self { name }).collect())
    }

    /// Its folder.
    pub fn folder(&self) -> PathBuf {
        shell::root().join("models").join(&self.name)
    }

    /// The committed test events.
    pub fn test_events(&self) -> PathBuf {
        self.folder().join("test.npz")
    }

    /// Where its crate is committed.
    pub fn firmware(&self) -> PathBuf {
        shell::root().join("firmware/models").join(&self.name)
    }

    /// `hodoscope compile` for it, into `directory`.
    pub fn compile(&self, hodoscope: &Hodoscope, directory: &Path) -> Command {
        let folder = self.folder();
        let mut command = hodoscope.command("compile");
        // The detector words lie beside the model, in `inputs.toml`.
        command
            .arg(folder.join("model.onnx"))
            .arg("--calibration")
            .arg(folder.join("calibration.npz"))
            .arg("--force")
            // What reference models lose is stated in models/README.md, and judged by tests.
            .arg("--accept-loss")
            .arg("-o")
            .arg(directory);
        command
    }
}

/// The command of this repository.
pub struct Hodoscope {
    program: PathBuf,
}

impl Hodoscope {
    /// Builds it in release.
    pub fn build() -> Result<Self> {
        Self::in_profile("release")
    }

    /// Builds it in the profile of tests, where it is there already: it compiles few models, and these to the same bytes.
    pub fn of_tests() -> Result<Self> {
        Self::in_profile("dev")
    }

    fn in_profile(profile: &str) -> Result<Self> {
        let mut build = shell::cargo();
        build.args(["build", "--profile", profile]);
        build.args(["--package", "hodoscope", "--bin", "hodoscope"]);
        let program = built::executable(&mut build)?;
        Ok(Self { program })
    }

    /// The file.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// How to call it from the top of the checkout.
    pub fn name(&self) -> String {
        let below = self.program.strip_prefix(shell::root());
        below.unwrap_or(&self.program).display().to_string()
    }

    /// One of its subcommands.
    pub fn command(&self, subcommand: &str) -> Command {
        let mut command = shell::at_root(&self.program);
        command.arg(subcommand).envs(shell::cache());
        command
    }
}
