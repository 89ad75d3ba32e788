//! The command from outside: what it prints, what it writes, and how it ends.

mod bad_input;
mod bad_model;
mod boards;
mod budget;
mod ending;
mod flash;
mod good;
mod host;
mod layouts;
mod loss;
mod menu;
mod own_firmware;
mod package;
mod replay;
mod rtl;
mod stream;
mod verify;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ndarray_npy::NpzWriter;
use serde_json::Value;
use tempfile::TempDir;

/// A directory of its own for each test, with the files of a small reference model at hand.
struct Place {
    dir: TempDir,
}

impl Place {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().expect("a temporary directory"),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes an archive and returns its path.
    fn npz(&self, name: &str, fill: impl FnOnce(&mut NpzWriter<fs::File>)) -> PathBuf {
        let path = self.path(name);
        let mut writer = NpzWriter::new(fs::File::create(&path).expect("a file"));
        fill(&mut writer);
        writer.finish().expect("an archive");
        path
    }

    /// Compiles the reference model into `DIR/model`.
    fn compiled(&self) -> PathBuf {
        let dir = self.path("model");
        succeeds(&mut compile(&model(), &calibration(), &dir));
        dir
    }
}

fn models() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models")
}

fn model() -> PathBuf {
    models().join("pfn-qg/model.onnx")
}

fn calibration() -> PathBuf {
    models().join("pfn-qg/calibration.npz")
}

fn test_events() -> PathBuf {
    models().join("pfn-qg/test.npz")
}

fn hodoscope() -> Command {
    Command::new(env!("CARGO_BIN_EXE_hodoscope"))
}

/// A command whose builds are kept in the cache of the run, or else below cargo's target directory.
fn cached(mut command: Command) -> Command {
    if std::env::var_os("HODOSCOPE_CACHE").is_none() {
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hodoscope");
        command.env("HODOSCOPE_CACHE", cache);
    }
    command
}

/// `hodoscope compile MODEL --calibration NPZ -o DIR`.
fn compile(model: &Path, calibration: &Path, dir: &Path) -> Command {
    let mut command = hodoscope();
    command
        .arg("compile")
        .arg(model)
        .arg("--calibration")
        .arg(calibration)
        .arg("-o")
        .arg(dir);
    command
}

/// `hodoscope NAME DIR --inputs NPZ`.
fn on_events(name: &str, dir: &Path, events: &Path) -> Command {
    let mut command = hodoscope();
    command.arg(name).arg(dir).arg("--inputs").arg(events);
    command
}

/// Standard output of a command that ends with 0.
fn succeeds(command: &mut Command) -> String {
    let (code, out, err) = ends(command);
    assert_eq!(code, 0, "{command:?}\n{err}");
    out
}

/// The object that a command prints with `--json`.
fn json(command: &mut Command) -> Value {
    let text = succeeds(command.arg("--json"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Runs a command that must end with `code`, print nothing on stdout, and name every one of `names`.
fn fails(command: &mut Command, code: i32, names: &[&str]) {
    let (got, out, err) = ends(command);
    assert_eq!(got, code, "{command:?}\n{err}");
    assert_eq!(out, "", "{command:?}");
    for name in names {
        assert!(err.contains(name), "{command:?}: `{name}` is not in: {err}");
    }
    assert!(!err.contains("panicked"), "{err}");
}

fn ends(command: &mut Command) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().expect("the command runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (
        status.code().expect("an exit code"),
        text(stdout),
        text(stderr),
    )
}

/// Every file below a directory with its contents.
fn tree(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let relative = path.strip_prefix(dir).expect("below").to_owned();
                files.push((relative, fs::read(&path).expect("a file")));
            }
        }
    }
    files.sort();
    files
}
