//! Runs cargo for targets, shielded from the settings of whatever runs `hodoscope`.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::sources::Cache;
use super::{TargetError, tool};
use crate::ending;

const RUSTUP: &str = "install Rust as https://rustup.rs says";

/// A Rust target that is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub triple: String,
    /// What the compiler says of itself: its version, commit and host.
    pub compiler: String,
}

impl Target {
    /// The target `triple`, or that of this machine.
    ///
    /// # Errors
    /// When its core library is not there.
    pub fn find(triple: Option<&str>, cache: &Cache) -> Result<Self, TargetError> {
        let compiler = rustc(&["-vV"], cache)?;
        let Some(triple) = triple else {
            return Ok(Self {
                triple: fact(&compiler, "host").to_owned(),
                compiler,
            });
        };
        let missing = || TargetError::MissingTarget {
            triple: triple.to_owned(),
        };
        let libraries =
            rustc(&["--print", "target-libdir", "--target", triple], cache).map_err(|error| {
                match error {
                    TargetError::Build { .. } => missing(),
                    other => other,
                }
            })?;
        let has_core = Path::new(libraries.trim())
            .read_dir()
            .is_ok_and(|mut entries| {
                entries.any(|entry| {
                    entry.is_ok_and(|entry| {
                        entry.file_name().to_string_lossy().starts_with("libcore")
                    })
                })
            });
        if has_core {
            Ok(Self {
                triple: triple.to_owned(),
                compiler,
            })
        } else {
            Err(missing())
        }
    }
}

/// A line of `rustc -vV`.
fn fact<'a>(compiler: &'a str, name: &str) -> &'a str {
    let mut lines = compiler.lines();
    let found = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    found.unwrap_or_default()
}

/// Arguments of rustc that take what belongs to this machine out of the paths that messages of a
/// panic name: their lengths would move everything behind them, and with it what a cache holds.
/// Packages below the directory of the build have relative paths already.
pub(super) fn remapped(target: &Target, cache: &Cache) -> Result<String, TargetError> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    let packages = home.unwrap_or_default().join("registry/src");
    // Where the component rust-src is installed, the library's paths are those of this machine too.
    let sysroot = rustc(&["--print", "sysroot"], cache)?;
    let library = Path::new(sysroot.trim()).join("lib/rustlib/src/rust");
    Ok(format!(
        "--remap-path-prefix={}=/registry\n--remap-path-prefix={}=/rustc/{}\n",
        packages.display(),
        library.display(),
        fact(&target.compiler, "commit-hash"),
    ))
}

/// A build to run.
pub(super) struct Build<'a> {
    /// For messages.
    pub what: String,
    /// Of the package.
    pub dir: PathBuf,
    pub target: &'a Target,
    pub release: bool,
    /// For rustc.
    pub flags: &'a [String],
    pub env: &'a BTreeMap<String, String>,
    pub features: &'a [&'a str],
    /// File name of what it makes.
    pub artefact: &'a str,
    /// Cargo's target directory.
    pub output: PathBuf,
}

/// Runs a build, and returns the path of its artefact.
pub(super) fn build(build: &Build<'_>) -> Result<PathBuf, TargetError> {
    let mut command = shielded("cargo", &build.dir)?;
    command
        .args(["build", "--quiet", "--color", "never", "--target"])
        .arg(&build.target.triple)
        .arg("--target-dir")
        .arg(&build.output)
        .env("CARGO_ENCODED_RUSTFLAGS", build.flags.join("\u{1f}"))
        .envs(build.env);
    if build.release {
        command.arg("--release");
    }
    for feature in build.features {
        command.args(["--features", feature]);
    }
    run(&mut command, &build.what)?;
    let profile = if build.release { "release" } else { "debug" };
    Ok(build
        .output
        .join(&build.target.triple)
        .join(profile)
        .join(build.artefact))
}

/// What cargo says of the package in `dir` and all that it is built of.
pub(super) fn metadata(dir: &Path, triple: &str) -> Result<serde_json::Value, TargetError> {
    let what = "asking cargo what was built";
    let mut command = shielded("cargo", dir)?;
    command.args([
        "metadata",
        "--format-version=1",
        "--filter-platform",
        triple,
    ]);
    let output = run(&mut command, what)?;
    serde_json::from_slice(&output.stdout).map_err(|error| TargetError::Build {
        what: what.to_owned(),
        stderr: error.to_string(),
    })
}

fn rustc(arguments: &[&str], cache: &Cache) -> Result<String, TargetError> {
    let mut command = shielded("rustc", cache.root())?;
    let output = run(command.args(arguments), "asking rustc")?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn run(command: &mut Command, what: &str) -> Result<Output, TargetError> {
    let output = ending::output(command).map_err(|error| TargetError::Build {
        what: what.to_owned(),
        stderr: error.to_string(),
    })?;
    if output.status.success() {
        return Ok(output);
    }
    Err(TargetError::Build {
        what: what.to_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// A command whose result depends on no flags, profiles or wrappers of the environment. Which
/// toolchain and registry it uses does.
fn shielded(name: &str, dir: &Path) -> Result<Command, TargetError> {
    let mut command = Command::new(tool::find(name, RUSTUP)?);
    command.current_dir(dir);
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if [
            "CARGO_BUILD_",
            "CARGO_PROFILE_",
            "CARGO_TARGET_",
            "CARGO_PKG_",
        ]
        .iter()
        .any(|prefix| text.starts_with(prefix))
        {
            command.env_remove(&name);
        }
    }
    for name in ["RUSTFLAGS", "CARGO_INCREMENTAL", "RUSTC_WORKSPACE_WRAPPER"] {
        command.env_remove(name);
    }
    Ok(command)
}
