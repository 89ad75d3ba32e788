//! DIR: what `hodoscope compile` makes.
//!
//! ```text
//! DIR/program.txt    the integer program, text form
//!     report.json    what was compiled and how; `"generator": "hodoscope"` marks the directory as ours
//!     report.html    the same for people
//!     model.onnx     the model as it was given, and inputs.toml and budget.toml
//!     Cargo.toml     a workspace of crate/ and kernels/
//!     crate/         the emitted crate
//!     kernels/       what it calls
//!     rtl/           where `hodoscope rtl` was asked for it, the model as logic
//! ```

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use hodoscope_compiler::emit::{Files, workspace_manifest};
use hodoscope_compiler::import;
use hodoscope_compiler::quantise::Score;
use hodoscope_program::Program;
use hodoscope_sim::ending::Passing;
use hodoscope_sim::targets::sources::write_kernels;
use serde_json::Value;

use crate::writable::{self, Maker};

/// The value of `"generator"` in a report of ours.
pub const GENERATOR: &str = "hodoscope";

/// A compiled model.
#[derive(Debug)]
pub struct ModelDir {
    /// Where it is.
    pub dir: PathBuf,
    /// Its program, verified.
    pub program: Program,
    /// Its report.
    pub report: Value,
}

impl ModelDir {
    /// Reads DIR.
    pub fn read(dir: &Path) -> Result<Self> {
        if !dir.is_dir() {
            bail!(
                "{}: no such directory; `hodoscope compile … -o {0}` makes it",
                dir.display()
            );
        }
        let path = dir.join("program.txt");
        let text = fs::read_to_string(&path).with_context(|| {
            format!(
                "{}: not a compiled model: cannot read program.txt",
                dir.display()
            )
        })?;
        let program = Program::from_text(&text).with_context(|| format!("{}", path.display()))?;
        program
            .verify()
            .with_context(|| format!("{}: the program does not verify", path.display()))?;
        let report =
            read_report(dir).with_context(|| format!("{}: not a compiled model", dir.display()))?;
        Ok(Self {
            dir: dir.to_owned(),
            program,
            report,
        })
    }

    /// The model as it was given to `compile`.
    pub fn onnx(&self) -> PathBuf {
        self.dir.join("model.onnx")
    }

    /// The score that was added to the model, if one was.
    pub fn score(&self) -> Option<Score> {
        let score = self.report["options"]["score"].as_str()?;
        // The parser knows no wrong text: what is not a rule names an output.
        score.parse().ok()
    }

    /// What the model's file left open.
    pub fn import_options(&self) -> import::Options {
        let extents = self.report["options"]["extents"].as_object();
        let extents = extents.into_iter().flatten().filter_map(|(axis, extent)| {
            let extent = usize::try_from(extent.as_u64()?).ok()?;
            Some((axis.clone(), extent))
        });
        import::Options {
            extents: extents.collect(),
        }
    }
}

fn read_report(dir: &Path) -> Result<Value> {
    let path = dir.join("report.json");
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let report: Value =
        serde_json::from_str(&text).with_context(|| format!("{}", path.display()))?;
    if report.get("generator").and_then(Value::as_str) != Some(GENERATOR) {
        bail!("{} has no \"generator\": \"{GENERATOR}\"", path.display());
    }
    Ok(report)
}

/// What `compile` or cargo put into a directory.
const OURS: [&str; 12] = [
    "Cargo.lock",
    "Cargo.toml",
    "budget.toml",
    "crate",
    "inputs.toml",
    "kernels",
    "model.onnx",
    "program.txt",
    "report.html",
    "report.json",
    "rtl",
    "target",
];

/// Writes what a firmware is built from: the program's text, its crate and the kernels.
pub fn write_crate(dir: &Path, program: &str, files: &Files) -> Result<()> {
    put(dir, "program.txt", program)?;
    put(dir, "Cargo.toml", &workspace_manifest())?;
    for (name, content) in files {
        put(dir, &format!("crate/{name}"), content)?;
    }
    write_kernels(&dir.join("kernels"))?;
    Ok(())
}

/// Writes a file, and the folders that it lies in.
pub fn put(dir: &Path, name: &str, content: &str) -> Result<()> {
    let path = dir.join(name);
    let folder = path.parent().unwrap_or(dir);
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))
}

const MAKER: Maker = Maker {
    command: "hodoscope compile",
    makes: "a compiled model",
};

/// Refuses a DIR that `compile` did not make, and with `force` permits one that it made.
pub fn check_writable(dir: &Path, force: bool) -> Result<()> {
    let names = writable::names(dir)?;
    if names.is_empty() {
        return Ok(());
    }
    let is_ours = |name: &OsString| {
        let data = |name: &str| name.ends_with(".onnx.data");
        OURS.iter().any(|ours| name == *ours) || name.to_str().is_some_and(data)
    };
    let foreign = names.iter().filter(|name| !is_ours(name));
    let foreign = foreign.map(|name| name.to_string_lossy().into_owned());
    let made = read_report(dir).is_ok();
    MAKER.check(dir, force, made.then(|| foreign.collect()))
}

/// Fills a directory beside `dir` and gives it that name when `fill` is done: a failure leaves
/// `dir` as it was. Without `force` a `dir` that holds something by then is left to whoever filled it.
pub fn replace(dir: &Path, force: bool, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let parent = match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    // As any directory that a program makes; a temporary one is its owner's only.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
    let temporary = builder
        .prefix(".hodoscope-")
        .tempdir_in(parent)
        .with_context(|| format!("cannot write into {}", parent.display()))?;
    let passing = Passing::new(temporary.path());
    let new = temporary.path().join("new");
    fs::create_dir(&new).with_context(|| format!("cannot create {}", new.display()))?;
    fill(&new)?;
    // From here on it may hold what a user had.
    drop(passing);
    let moved = |what: &str| format!("cannot move {what} to {}", dir.display());
    if !force {
        // The system moves a directory onto none or an empty one only, whoever else writes one at this moment.
        return fs::rename(&new, dir).map_err(|error| match error.kind() {
            ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists => anyhow!(
                "{}: another command wrote into it meanwhile; nothing was overwritten: choose another directory, or --force",
                dir.display()
            ),
            _ => anyhow::Error::from(error).context(moved("the result")),
        });
    }
    let old = temporary.path().join("old");
    let replaced = fs::symlink_metadata(dir).is_ok();
    if replaced {
        fs::rename(dir, &old).with_context(|| moved("the old directory away"))?;
    }
    if let Err(error) = fs::rename(&new, dir) {
        if replaced {
            fs::rename(&old, dir).with_context(|| moved("the old directory back"))?;
        }
        return Err(error).with_context(|| moved("the result"));
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn ours(dir: &Path) {
        fs::create_dir(dir).unwrap();
        fs::write(dir.join("report.json"), r#"{"generator": "hodoscope"}"#).unwrap();
    }

    #[test]
    fn only_our_directories_are_replaced() {
        let temporary = tempfile::tempdir().unwrap();
        let at = |name: &str| temporary.path().join(name);
        check_writable(&at("new"), false).unwrap();
        check_writable(&at("missing/new"), false).unwrap_err();
        fs::create_dir(at("empty")).unwrap();
        check_writable(&at("empty"), false).unwrap();

        fs::create_dir(at("theirs")).unwrap();
        fs::write(at("theirs/thesis.tex"), "").unwrap();
        check_writable(&at("theirs"), true).unwrap_err();
        fs::write(at("file"), "").unwrap();
        check_writable(&at("file"), true).unwrap_err();

        ours(&at("ours"));
        let refused = check_writable(&at("ours"), false).unwrap_err();
        assert!(refused.to_string().contains("--force"));
        check_writable(&at("ours"), true).unwrap();
        fs::write(at("ours/notes.txt"), "").unwrap();
        let refused = check_writable(&at("ours"), true).unwrap_err();
        assert!(refused.to_string().contains("notes.txt"), "{refused}");
    }

    #[test]
    fn a_failure_leaves_everything_as_it_was() {
        let temporary = tempfile::tempdir().unwrap();
        let dir = temporary.path().join("ours");
        ours(&dir);
        let failed = replace(&dir, true, |new| {
            fs::write(new.join("half"), "")?;
            bail!("disk full")
        });
        assert!(failed.is_err());
        assert!(dir.join("report.json").exists());
        assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 1);

        let fill = |new: &Path| Ok(fs::write(new.join("program.txt"), "x")?);
        replace(&dir, true, fill).unwrap();
        assert!(dir.join("program.txt").exists() && !dir.join("report.json").exists());
        assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 1);
    }

    #[test]
    fn of_two_commands_at_once_the_second_overwrites_nothing() {
        let temporary = tempfile::tempdir().unwrap();
        let dir = temporary.path().join("ours");
        let write = |dir: &Path, text: &str| Ok(fs::write(dir.join("program.txt"), text)?);
        let failed = replace(&dir, false, |new| {
            write(new, "second")?;
            // The first one ends while the second is at it.
            replace(&dir, false, |new| write(new, "first"))
        });
        let told = failed.unwrap_err().to_string();
        assert!(told.contains("another command wrote into it"), "{told}");
        let read = || fs::read_to_string(dir.join("program.txt")).unwrap();
        assert_eq!(read(), "first");
        replace(&dir, true, |new| write(new, "third")).unwrap();
        assert_eq!(read(), "third");
        assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 1);
        // An empty one is nobody's.
        let empty = temporary.path().join("empty");
        fs::create_dir(&empty).unwrap();
        replace(&empty, false, |new| write(new, "own")).unwrap();
        assert!(empty.join("program.txt").exists());
    }
}
