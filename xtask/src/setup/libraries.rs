//! CMake and pkg-config, with which tests build the examples of libraries for C and C++.

use anyhow::{Context, Result};

use super::say;
use crate::shell;

/// Programs; the packages of the system are called the same.
const PROGRAMS: [&str; 2] = ["cmake", "pkg-config"];

/// Installs what is missing.
pub fn install() -> Result<()> {
    let missing = PROGRAMS.iter().copied();
    let missing: Vec<&str> = missing
        .filter(|program| shell::find(program).is_none())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    say(format_args!(
        "installing {} with apt-get",
        missing.join(" and ")
    ));
    shell::apt_install(&missing).context(
        "CMake 3.16 or later and pkg-config are needed; `pip install cmake` has the first, too",
    )
}
