//! This engine beside its peers: `benches/peers`, run in a Python environment of its own.

mod check;

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, bail};

use crate::{
    built,
    models::Hodoscope,
    python,
    setup::{self, Emulators},
    shell,
};

pub use check::check;

/// Below `target/`: their Python, and what they generate.
const HOME: &str = "peers";

/// Networks from outside: their licences are not ours, so they lie beside the checkout.
const MLPERF: &str = "../shared/data/mlperf-tiny";

/// What the C engines are built with.
const COMPILER: (&str, &str) = (
    "arm-none-eabi-gcc",
    "gcc-arm-none-eabi libnewlib-arm-none-eabi",
);

/// Installs what is missing, builds, measures and prints the table.
pub fn run(arguments: &[&str]) -> Result<()> {
    setup::run(setup::Need::Everything)?;
    if Emulators::look()? == Emulators::OptedOut {
        bail!("the peers are measured in QEMU, which is not there");
    }
    let (program, packages) = COMPILER;
    if shell::find(program).is_none() {
        eprintln!(
            "`{program}` is not there: engines in C are left out; `apt-get install {packages}` brings it"
        );
    }
    let hodoscope = Hodoscope::build()?;
    let plugin = built::file(
        release().args(["--package", "hodoscope-timing-plugin"]),
        |message| {
            (message["target"]["kind"][0] == "cdylib").then(|| message["filenames"][0].as_str())?
        },
    )?;
    let price = ["--package", "hodoscope-sim", "--example", "price"];
    let price = built::executable(release().args(price))?;
    let home = shell::target().join(HOME);
    let python = python()?;
    tests(&python)?;
    let mut command = shell::at_root(python);
    command
        .args(["-m", "peers", "--hodoscope"])
        .arg(hodoscope.program())
        .arg("--plugin")
        .arg(plugin)
        .arg("--price")
        .arg(price)
        .arg("--place")
        .arg(&home)
        .env("PYTHONPATH", shell::root().join("benches/peers"));
    let mlperf = shell::root().join(MLPERF);
    if mlperf.is_dir() && !arguments.contains(&"--mlperf") {
        command.arg("--mlperf").arg(mlperf);
    }
    shell::run(command.args(arguments))
}

fn release() -> Command {
    let mut command = shell::cargo();
    command.args(["build", "--release"]);
    command
}

/// A Python with the packages of `requirements.txt`.
pub fn python() -> Result<PathBuf> {
    python::environment(HOME, "benches/peers/requirements.txt")
}

/// The unit tests of what compares and prints.
fn tests(python: &Path) -> Result<()> {
    shell::run(
        shell::at_root(python)
            .args(["-m", "unittest", "discover", "--start-directory"])
            .arg("benches/peers/tests")
            .env("PYTHONPATH", "benches/peers")
            .env("PYTHONDONTWRITEBYTECODE", "1"),
    )
}
