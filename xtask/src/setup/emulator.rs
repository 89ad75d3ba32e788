//! QEMU, from the system's packages.

use anyhow::{Result, anyhow, bail};

use super::say;
use crate::shell;

/// A program of QEMU and the package that has it.
const PROGRAMS: [(&str, &str); 2] = [
    ("qemu-system-arm", "qemu-system-arm"),
    ("qemu-system-riscv32", "qemu-system-misc"),
];

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
    PROGRAMS
        .iter()
        .map(|(program, _)| *program)
        .filter(|program| shell::find(program).is_none())
        .collect()
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
    from_debian().map_err(|error| {
        anyhow!(
            "{error:#}; no {}: install QEMU 7 or later, or set {WITHOUT}=1 to go on without",
            missing().join(", no ")
        )
    })
}

fn from_debian() -> Result<()> {
    let packages: Vec<&str> = PROGRAMS.iter().map(|(_, package)| *package).collect();
    say(format_args!(
        "installing {} with apt-get",
        packages.join(" and ")
    ));
    shell::apt_install(&packages)?;
    if !missing().is_empty() {
        bail!("apt-get installed {}", packages.join(" and "));
    }
    Ok(())
}
