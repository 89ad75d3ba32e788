//! The Python package: built as `pip install ./python` builds it, and tested.

use std::{env, path::PathBuf, process::Command};

use anyhow::{Context, Result};

use crate::{
    models::Hodoscope,
    shell,
    steps::Outcome::{self, Done, Skipped},
};

/// Below `target/`: its environment.
const HOME: &str = "python";

/// The variable that allows to go on without.
const WITHOUT: &str = "HODOSCOPE_WITHOUT_PYTHON";

/// Builds the wheel with the profile of tests, installs it into an environment of its own, runs its tests and its example.
pub fn test() -> Result<Outcome> {
    if shell::is_set(WITHOUT) {
        return Ok(Skipped(format!("{WITHOUT}=1")));
    }
    let python = environment(HOME, "python/requirements.txt").with_context(|| {
        format!("the packages of python/requirements.txt are needed; {WITHOUT}=1 goes on without")
    })?;
    let programs = python.parent().unwrap_or(&python).to_owned();
    let mut path = vec![programs];
    path.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    shell::run(
        pip(&python)
            .args(["--no-build-isolation", "--no-deps", "./python"])
            // What cargo has built for the tests is built already.
            .env("MATURIN_PEP517_ARGS", "--profile dev")
            .env("CARGO_TARGET_DIR", shell::target())
            .env("PATH", env::join_paths(path)?),
    )?;
    let hodoscope = Hodoscope::of_tests()?;
    let run = |arguments: &[&str]| {
        shell::run(
            shell::at_root(&python)
                .args(arguments)
                .envs(shell::cache())
                .env("HODOSCOPE", hodoscope.program())
                .env("PYTHONDONTWRITEBYTECODE", "1"),
        )
    };
    run(&[
        "-m",
        "pytest",
        "-q",
        "-c",
        "python/pyproject.toml",
        "--rootdir",
        "python",
        "python/tests",
    ])?;
    run(&["python/examples/tagger.py"])?;
    Ok(Done(String::new()))
}

/// A Python in `target/HOME/venv` with the packages of a list.
pub fn environment(home: &str, requirements: &str) -> Result<PathBuf> {
    let environment = shell::target().join(home).join("venv");
    let python = environment.join("bin/python");
    if !python.is_file() {
        eprintln!("making a Python environment in {}", environment.display());
        shell::run(
            shell::at_root("python3")
                .args(["-m", "venv"])
                .arg(&environment),
        )?;
    }
    shell::run(pip(&python).args(["-r", requirements]))?;
    Ok(python)
}

fn pip(python: &PathBuf) -> Command {
    let mut command = shell::at_root(python);
    command.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]);
    command
}
