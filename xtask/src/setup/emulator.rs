//! QEMU and Node, from the system's packages, and an emulator of the RP2040, from npm's.

use std::{env, path::PathBuf, process::Command};

use anyhow::{Context, Result, anyhow, bail};

use super::say;
use crate::shell;

/// A program and the package that has it.
const PROGRAMS: [(&str, &str); 4] = [
    ("qemu-system-arm", "qemu-system-arm"),
    ("qemu-system-riscv32", "qemu-system-misc"),
    ("node", "nodejs"),
    ("npm", "npm"),
];

/// The emulator of the Raspberry Pi Pico's chip, a package of npm (MIT).
const RP2040: &str = "rp2040js";
const RP2040_VERSION: &str = "1.4.1";

/// The variable that allows to go on without.
const WITHOUT: &str = "HODOSCOPE_WITHOUT_EMULATOR";

/// Whether emulated boards can run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Emulators {
    /// All of them.
    There,
    /// No, and that was allowed.
    OptedOut,
}

impl Emulators {
    /// Looks for them.
    ///
    /// # Errors
    /// When one is missing and that was not allowed.
    pub fn look() -> Result<Self> {
        let missing = missing();
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

fn missing() -> Vec<&'static str> {
    let programs = PROGRAMS.iter().map(|(program, _)| *program);
    let mut missing: Vec<_> = programs
        .filter(|program| shell::find(program).is_none())
        .collect();
    if !has_rp2040() {
        missing.push(RP2040);
    }
    missing
}

/// Where packages of npm are put; `boards/pico/rp2040.cjs` looks there.
fn node_modules() -> Result<PathBuf> {
    let directory = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    if let Some(place) = directory("HODOSCOPE_NODE") {
        return Ok(place.into());
    }
    let cache = directory("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(directory("HOME")?).join(".cache")))
        .context("neither HODOSCOPE_NODE, XDG_CACHE_HOME nor HOME is set")?;
    Ok(cache.join("hodoscope/node"))
}

fn has_rp2040() -> bool {
    node_modules().is_ok_and(|place| {
        let package = place.join("node_modules").join(RP2040).join("package.json");
        let text = std::fs::read_to_string(package).unwrap_or_default();
        text.contains(&format!("\"version\": \"{RP2040_VERSION}\""))
    })
}

fn from_npm() -> Result<()> {
    let place = node_modules()?;
    say(format_args!(
        "installing {RP2040} {RP2040_VERSION} with npm into {}",
        place.display()
    ));
    shell::run(
        Command::new("npm")
            .args(["install", "--no-audit", "--no-fund", "--prefix"])
            .arg(&place)
            .arg(format!("{RP2040}@{RP2040_VERSION}")),
    )
}

/// Installs what is missing.
pub fn install() -> Result<()> {
    if missing().is_empty() {
        return Ok(());
    }
    if shell::is_set(WITHOUT) {
        say(format_args!(
            "{WITHOUT}=1: going on without {}; nothing runs on emulated boards",
            missing().join(" and ")
        ));
        return Ok(());
    }
    let installed = from_debian().and_then(|()| match has_rp2040() {
        true => Ok(()),
        false => from_npm(),
    });
    installed.map_err(|error| {
        anyhow!(
            "{error:#}; no {}: install QEMU 7 or later, Node 18 or later and rp2040js, or set {WITHOUT}=1 to go on without",
            missing().join(", no ")
        )
    })
}

fn from_debian() -> Result<()> {
    // A Node of one's own comes from elsewhere.
    let lacking = PROGRAMS
        .iter()
        .filter(|(program, _)| shell::find(program).is_none());
    let packages: Vec<&str> = lacking.map(|(_, package)| *package).collect();
    if packages.is_empty() {
        return Ok(());
    }
    say(format_args!(
        "installing {} with apt-get",
        packages.join(" and ")
    ));
    shell::apt_install(&packages)?;
    let there = |(program, _): &(&str, &str)| shell::find(program).is_some();
    if !PROGRAMS.iter().all(there) {
        bail!("apt-get installed {}", packages.join(" and "));
    }
    Ok(())
}
