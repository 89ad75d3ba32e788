//! Builds firmware: the app of a board family, joined with a compiled model.
//!
//! A build has a directory of its own in the cache, named by what goes into it:
//!
//! ```text
//! builds/MODEL-BOARD-HASH/model/     copy of DIR/Cargo.toml, DIR/crate and DIR/kernels
//!                         firmware/  generated: a binary crate that joins app and model
//!                         MODEL.elf  the result, and for a soft-core MODEL.hex, its memory
//! ```
//!
//! The copies are compared by content, so that a file that was put back with an old modification
//! time is built all the same. There is one `hodoscope-kernels`, the model's own: the embedded
//! firmware asks for it by version only, and the generated workspace patches in `model/kernels`.
//! What a user changes in DIR, weights or kernels, is therefore what runs.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::board::{Board, Runner};
use super::sources::{self, Cache, Sources};
use super::{TargetError, cargo, files, hex, rtl};

/// How firmware is built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct BuildOptions {
    /// Firmware that can show every layer.
    pub trace: bool,
    /// Little optimisation, and overflow checks on.
    pub checked: bool,
}

/// Which program a firmware must be of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramIdentity {
    /// The name of the model's package.
    pub name: String,
    /// SHA-256 of the program's text form.
    pub program: [u8; 32],
}

/// A firmware.
#[derive(Clone, Debug)]
pub struct Built {
    /// The file.
    pub elf: PathBuf,
    /// The program that it is of.
    pub identity: ProgramIdentity,
    /// The program that runs it, where that was built too.
    pub(super) simulator: Option<PathBuf>,
    pub(super) scripts: PathBuf,
    pub(super) sources: Sources,
    pub(super) cache: Cache,
}

/// Builds the firmware of the compiled model in `dir` for `board`.
///
/// Builds of any number of processes at once wait for each other where they must.
///
/// # Errors
/// When `dir` is not a compiled model, a tool or target is missing, or cargo fails.
pub fn build(
    dir: &Path,
    board: &Board,
    options: &BuildOptions,
    cache: &Cache,
) -> Result<Built, TargetError> {
    let model = Model::read(dir)?;
    let sources = sources::unpack(cache)?;
    let target = cargo::Target::find(board.target.as_deref(), cache)?;

    let place = cache.root().join("builds").join(format!(
        "{}-{}-{}",
        model.identity.name,
        board.name,
        key(dir, board, options, &sources)?
    ));
    fs::create_dir_all(&place).map_err(TargetError::io("create", &place))?;
    let lock = place.join(".lock");
    let lock = File::create(&lock).and_then(|file| file.lock().map(|()| file));
    let lock = lock.map_err(TargetError::io("lock", &place))?;

    files::mirror(&model.files, &place.join("model"))?;
    let package = format!("{}-{}", model.identity.name, board.name);
    // Binaries of all builds lie side by side in the shared target directory.
    let binary = unique(&place);
    let scripts = place.join("firmware/linker");
    let flags = Flags::of(board, &scripts);
    Firmware {
        dir: place.join("firmware"),
        package: &package,
        binary: &binary,
        model: &model.identity.name,
        board,
        flags: &flags,
        options,
        sources: &sources,
    }
    .generate()?;
    let built = cargo::build(&cargo::Build {
        what: format!("firmware of {} for {}", model.identity.name, board.name),
        dir: place.join("firmware"),
        target: &target,
        release: !options.checked,
        flags: &flags.rustc,
        env: &board.env,
        features: &[],
        artefact: &binary,
        output: cache.root().join("target"),
    })?;
    let elf = place.join(format!("{package}.elf"));
    let bytes = fs::read(&built).map_err(TargetError::io("read", &built))?;
    files::write_executable(&elf, &bytes)?;
    if matches!(board.runner, Runner::Rtl(_)) {
        rtl::write_image(&elf, &rtl::image_path(&elf))?;
    }
    drop(lock);
    let simulator = match &board.runner {
        Runner::Rtl(design) => Some(rtl::build(&board.name, design, &sources, cache)?),
        _ => None,
    };
    Ok(Built {
        elf,
        simulator,
        identity: model.identity,
        scripts,
        sources,
        cache: cache.clone(),
    })
}

/// A compiled model.
struct Model {
    identity: ProgramIdentity,
    files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Model {
    fn read(dir: &Path) -> Result<Self, TargetError> {
        let no_model = |message: String| TargetError::Model {
            path: dir.to_owned(),
            message,
        };
        let program = fs::read(dir.join("program.txt"))
            .map_err(|error| no_model(format!("program.txt: {error}")))?;
        let manifest = fs::read_to_string(dir.join("crate/Cargo.toml"))
            .map_err(|error| no_model(format!("crate/Cargo.toml: {error}")))?;
        let name = package_name(&manifest)
            .filter(|name| is_package_name(name))
            .ok_or_else(|| no_model("crate/Cargo.toml names no package".to_owned()))?;
        let kernels = fs::read_to_string(dir.join("kernels/Cargo.toml"))
            .map_err(|error| no_model(format!("kernels/Cargo.toml: {error}")))?;
        let version = package_field(&kernels, "version").unwrap_or_default();
        if version != sources::kernels_version() {
            return Err(no_model(format!(
                "its kernels are of version {version}, this is {}; compile it again",
                sources::kernels_version()
            )));
        }
        let mut files = BTreeMap::new();
        for part in ["crate", "kernels"] {
            for (path, content) in files::read_tree(&dir.join(part))? {
                files.insert(Path::new(part).join(path), content);
            }
        }
        // It may hold what the two packages inherit.
        if let Ok(workspace) = fs::read(dir.join("Cargo.toml")) {
            files.insert(PathBuf::from("Cargo.toml"), workspace);
        }
        Ok(Self {
            identity: ProgramIdentity {
                name,
                program: Sha256::digest(&program).into(),
            },
            files,
        })
    }
}

fn package_name(manifest: &str) -> Option<String> {
    package_field(manifest, "name")
}

/// The name becomes part of paths and manifests.
fn is_package_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

fn package_field(manifest: &str, field: &str) -> Option<String> {
    let manifest: toml::Table = manifest.parse().ok()?;
    let value = manifest.get("package")?.get(field)?.as_str()?;
    Some(value.to_owned())
}

/// What tells this build from all others.
fn key(
    dir: &Path,
    board: &Board,
    options: &BuildOptions,
    sources: &Sources,
) -> Result<String, TargetError> {
    let dir = fs::canonicalize(dir).map_err(TargetError::io("find", dir))?;
    let parts = format!("{dir:?} {board:?} {options:?} {sources:?}");
    Ok(hex(&Sha256::digest(parts)[..8]))
}

fn unique(place: &Path) -> String {
    let name = place.file_name().unwrap_or(OsStr::new("firmware"));
    name.to_string_lossy().into_owned()
}

/// A board's flags, apart by whom they are for. What only the linker reads must not be among the
/// flags of every package: it names paths, and each new path would build all of them again.
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
}

/// The crate that joins app and model.
struct Firmware<'a> {
    dir: PathBuf,
    package: &'a str,
    binary: &'a str,
    model: &'a str,
    board: &'a Board,
    flags: &'a Flags,
    options: &'a BuildOptions,
    sources: &'a Sources,
}

impl Firmware<'_> {
    fn generate(&self) -> Result<(), TargetError> {
        let dir = &self.dir;
        files::write(&dir.join("Cargo.toml"), self.manifest().as_bytes())?;
        files::write(&dir.join("build.rs"), self.build_script().as_bytes())?;
        files::write(&dir.join("src/main.rs"), MAIN.as_bytes())?;
        files::mirror(&self.board.scripts, &dir.join("linker"))?;
        let lock = dir.join("Cargo.lock");
        if !lock.exists() {
            // The versions that the firmware was tested with; cargo takes out what is not needed.
            let seed = sources::text("firmware/Cargo.lock")?;
            files::write(&lock, seed.as_bytes())?;
        }
        Ok(())
    }

    fn manifest(&self) -> String {
        let app = &self.board.app;
        let path = self.sources.firmware().join("apps").join(app);
        let features: &[&str] = if self.options.trace { &["trace"] } else { &[] };
        format!(
            r#"# Generated by hodoscope.
[package]
name = "{package}"
version = "0.0.0"
edition = "2024"
publish = false

[[bin]]
name = "{binary}"
path = "src/main.rs"
test = false
bench = false

[dependencies]
app = {{ package = "hodoscope-app-{app}", path = {path}, features = {features:?} }}
model = {{ package = "{model}", path = "../model/crate" }}

[patch.crates-io]
hodoscope-kernels = {{ path = "../model/kernels" }}

[workspace]

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
            binary = self.binary,
            path = toml::Value::String(path.to_string_lossy().into_owned()),
            model = self.model,
        )
    }

    fn build_script(&self) -> String {
        let mut script = String::from("//! Generated by hodoscope.\n\nfn main() {\n");
        let arguments = self.flags.linker.iter();
        for line in arguments
            .map(|argument| format!("cargo::rustc-link-arg-bins={argument}"))
            .chain(["cargo::rerun-if-changed=linker".to_owned()])
        {
            script.push_str(&format!("    println!(\"{{}}\", {line:?});\n"));
        }
        script.push_str("}\n");
        script
    }
}

const MAIN: &str = "\
//! Generated by hodoscope.
#![cfg_attr(target_os = \"none\", no_std, no_main)]

app::app!(model::Deployed);
";
