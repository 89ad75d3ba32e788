//! Where firmware is built: one directory for each target, used by one build after the other.
//!
//! ```text
//! workshops/TARGET-PROFILE/Cargo.toml  generated: a binary package that joins app and model
//!                          linker/     the board's linker scripts
//!                          model/      copy of DIR/Cargo.toml, DIR/crate and DIR/kernels
//!                          hodoscope/  the embedded firmware: apps, trigger, wire
//! ```
//!
//! All packages lie below the workspace's root. Of such a package cargo and rustc see the path
//! relative to the root only: in the hash that its symbols bear, and in the messages of its panics.
//! So the linker finds the same functions of the same names in the same order wherever the cache
//! is, and their addresses are the same: on a core with caches the cycles depend on them. Were the
//! packages outside, two caches would give two firmwares (of `ae-qcd` on VexRiscv Full: 23,804 and 23,875
//! cycles).
//!
//! Files are compared by content and written only when they differ, as an editor would: what cargo
//! finds to be newer than its last build has changed, and all that has changed is newer. There is one
//! `hodoscope-kernels`, the model's own: the embedded firmware asks for it by version only, and the
//! generated workspace patches it in.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::board::Board;
use super::options::BuildOptions;
use super::sources::{self, Cache, Sources};
use super::{TargetError, cargo, files};

/// A firmware to build.
pub(super) struct Firmware<'a> {
    /// Its package, which is also its binary.
    pub package: &'a str,
    /// What it is of, for messages.
    pub of: &'a str,
    /// Packages of models.
    pub models: &'a [ModelPackage],
    /// Their files, and those of the kernels.
    pub files: &'a BTreeMap<PathBuf, Vec<u8>>,
    pub board: &'a Board,
    pub options: &'a BuildOptions,
    pub sources: &'a Sources,
    pub target: &'a cargo::Target,
    /// What is built instead of the app that serves the model.
    pub main: Option<&'a str>,
}

/// The package of a model, below the folder `model` of the workshop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ModelPackage {
    /// What the firmware calls it.
    pub alias: String,
    /// Its own name.
    pub package: String,
    /// Its folder there.
    pub folder: String,
}

impl Firmware<'_> {
    /// Builds it and returns the ELF file.
    pub fn build(&self, cache: &Cache) -> Result<Vec<u8>, TargetError> {
        let release = !self.options.checked;
        let profile = if release { "release" } else { "debug" };
        let triple = &self.target.triple;
        let dir = cache
            .root()
            .join("workshops")
            .join(format!("{triple}-{profile}"));
        fs::create_dir_all(&dir).map_err(TargetError::io("create", &dir))?;
        let lock = dir.join(".lock");
        let lock = File::create(&lock).and_then(|file| file.lock().map(|()| file));
        let lock = lock.map_err(TargetError::io("lock", &dir))?;

        let flags = Flags::of(self.board, &dir.join("linker"));
        self.furnish(&dir, &flags)?;
        // Cargo takes flags that are written out for part of what a package is called, but never
        // those that remap paths: boards of one target would undo each other's builds.
        let remapped = dir.join("remapped.args");
        files::write(&remapped, cargo::remapped(self.target, cache)?.as_bytes())?;
        let mut rustc = vec![format!("@{}", remapped.display())];
        rustc.extend(flags.rustc);
        let built = cargo::build(&cargo::Build {
            what: format!("firmware of {} for {}", self.of, self.board.name),
            dir,
            target: self.target,
            release,
            flags: &rustc,
            env: &self.board.env,
            features: &[],
            artefact: self.package,
            output: cache.root().join("target"),
        })?;
        let bytes = fs::read(&built).map_err(TargetError::io("read", &built))?;
        drop(lock);
        Ok(bytes)
    }

    fn furnish(&self, dir: &Path, flags: &Flags) -> Result<(), TargetError> {
        files::mirror(self.files, &dir.join("model"))?;
        let embedded = files::read_tree(&self.sources.firmware())?;
        files::mirror(&embedded, &dir.join("hodoscope"))?;
        files::mirror(&self.board.scripts, &dir.join("linker"))?;
        files::write(&dir.join("Cargo.toml"), self.manifest().as_bytes())?;
        files::write(&dir.join("build.rs"), flags.build_script().as_bytes())?;
        let serves = main_of(&self.board.name);
        let main = self.main.unwrap_or(&serves);
        files::write(&dir.join("src/main.rs"), main.as_bytes())?;
        // The versions that the firmware was tested with; cargo takes out what is not needed.
        let lock = sources::text("firmware/Cargo.lock")?;
        files::write(&dir.join("Cargo.lock"), lock.as_bytes())
    }

    fn manifest(&self) -> String {
        let features: &[&str] = if self.options.trace { &["trace"] } else { &[] };
        let models: String = self
            .models
            .iter()
            .map(|model| {
                format!(
                    "{} = {{ package = {:?}, path = \"model/{}\" }}\n",
                    model.alias, model.package, model.folder
                )
            })
            .collect();
        format!(
            r#"# Generated by hodoscope.
[package]
name = "{package}"
version = "0.0.0"
edition = "2024"
publish = false

[[bin]]
name = "{package}"
path = "src/main.rs"
test = false
bench = false

[dependencies]
app = {{ package = "hodoscope-app-{app}", path = "hodoscope/apps/{app}", features = {features:?} }}
{models}
[patch.crates-io]
hodoscope-kernels = {{ path = "model/kernels" }}

[workspace]
exclude = ["hodoscope", "model"]

[profile.dev]
opt-level = 1
panic = "abort"

[profile.release]
opt-level = 3
lto = "fat"
codegen-units = 1
panic = "abort"
debug = "line-tables-only"
"#,
            package = self.package,
            app = self.board.app,
        )
    }
}

/// A board's flags, apart by whom they are for. What only the linker reads must not be among the
/// flags of every package: it would build all of them again.
struct Flags {
    rustc: Vec<String>,
    linker: Vec<String>,
}

impl Flags {
    fn of(board: &Board, scripts: &Path) -> Self {
        let (mut rustc, mut linker) = (Vec::new(), Vec::new());
        for flag in &board.rustflags {
            let flag = flag.replace("{board}", &scripts.to_string_lossy());
            match flag.strip_prefix("-Clink-arg=") {
                Some(argument) => linker.push(argument.to_owned()),
                None => rustc.push(flag),
            }
        }
        Self { rustc, linker }
    }

    fn build_script(&self) -> String {
        let mut script = String::from("//! Generated by hodoscope.\n\nfn main() {\n");
        for line in self
            .linker
            .iter()
            .map(|argument| format!("cargo::rustc-link-arg-bins={argument}"))
            .chain(["cargo::rerun-if-changed=linker".to_owned()])
        {
            script.push_str(&format!("    println!(\"{{}}\", {line:?});\n"));
        }
        script.push_str("}\n");
        script
    }
}

/// The firmware's `main.rs`: it says which board it is on.
fn main_of(board: &str) -> String {
    format!(
        "\
//! Generated by hodoscope.
#![cfg_attr(target_os = \"none\", no_std, no_main)]

app::app!(model::Deployed, on({board:?}));
"
    )
}
