//! Builds the libraries of a compiled model: a shared one and a static one, with one symbol.
//!
//! ```text
//! workshops/TARGET-library/Cargo.toml  generated: a static library that joins interface and model
//!                          src/lib.rs  what differs from model to model
//!                          model/      copy of DIR/Cargo.toml, DIR/crate and DIR/kernels
//!                          hodoscope/  the embedded firmware, of which the interface is part
//! builds/NAME-library-HASH/            the result
//! ```
//!
//! What rustc makes is an archive with all of Rust's core library in it, whose symbols two such archives in one program
//! would both define. So what the one function needs is linked into a single object, all of whose symbols but that one
//! are made local.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use hodoscope_compiler::emit::emulator::{Emulator, MODEL_CRATE};
use sha2::{Digest, Sha256};

use crate::ending::{self, Folder};

use super::build::Model;
use super::sources::{self, Cache, Sources};
use super::{TargetError, cargo, files, hex, tool};

/// For whom libraries are built.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LibraryOptions {
    /// Rust's name of the target; that of this machine where there is none.
    pub triple: Option<String>,
    /// The processor, as rustc's `-C target-cpu` names it; any of the target where there is none.
    pub cpu: Option<String>,
}

/// Built libraries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Library {
    /// The shared library.
    pub shared: PathBuf,
    /// The static library.
    pub archive: PathBuf,
    /// Licences of what is in them: a list, and texts.
    pub licences: PathBuf,
    /// Rust's name of the target.
    pub triple: String,
}

impl Library {
    /// The licences by their path in a folder of them.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn licences(&self) -> Result<BTreeMap<PathBuf, Vec<u8>>, TargetError> {
        files::read_tree(&self.licences)
    }
}

/// A target for which libraries are made.
struct Platform {
    triple: &'static str,
    /// What the names of its binutils and compiler begin with, where it is not this machine.
    prefix: &'static str,
    /// What has them, where it is not this machine.
    package: &'static str,
}

const PLATFORMS: [Platform; 2] = [
    Platform {
        triple: "x86_64-unknown-linux-gnu",
        prefix: "x86_64-linux-gnu-",
        package: "gcc-x86-64-linux-gnu",
    },
    Platform {
        triple: "aarch64-unknown-linux-gnu",
        prefix: "aarch64-linux-gnu-",
        package: "gcc-aarch64-linux-gnu",
    },
];

/// Targets for which libraries are made, by Rust's names.
pub fn library_targets() -> impl Iterator<Item = &'static str> {
    PLATFORMS.iter().map(|platform| platform.triple)
}

/// Builds the libraries of the compiled model in `dir`.
///
/// Builds of any number of processes at once wait for each other where they must.
///
/// # Errors
/// When `dir` holds another program than `emulator`, no library can be made for the target, a tool is missing, or one fails.
pub fn build_library(
    dir: &Path,
    emulator: &Emulator<'_>,
    options: &LibraryOptions,
    cache: &Cache,
) -> Result<Library, TargetError> {
    let model = Model::read(dir)?;
    let found = hex(&model.identity.program);
    if found != emulator.hash() {
        return Err(TargetError::Identity {
            what: dir.display().to_string(),
            found,
            expected: emulator.hash().to_owned(),
        });
    }
    let sources = sources::unpack(cache)?;
    let target = cargo::Target::find(options.triple.as_deref(), cache)?;
    let tools = Tools::find(&target.triple, options.triple.is_some(), cache)?;

    let mut digest = Sha256::new();
    digest.update(model.digest());
    digest.update(emulator.shim());
    let sources_hash = sources.hash();
    digest.update(format!(
        "{options:?} {sources_hash} {target:?} {}",
        emulator.name()
    ));
    let key = hex(&digest.finalize()[..8]);
    let place = cache.root().join("builds");
    let place = place.join(format!("{}-library-{key}", emulator.name()));
    fs::create_dir_all(&place).map_err(TargetError::io("create", &place))?;
    let _lock = lock(&place)?;
    let library = Library {
        shared: place.join(emulator.shared().0),
        archive: place.join(emulator.archive()),
        licences: place.join("licences"),
        triple: target.triple.clone(),
    };
    let whole = place.join("checksums");
    if !is_whole(&library, &whole) {
        let rust = workshop(&model, emulator, options, &target, &sources, cache)?;
        tools.link(&rust, emulator, &library)?;
        files::mirror(&licences(&target.triple, cache)?, &library.licences)?;
        files::write(&whole, checksums(&library)?.as_bytes())?;
    }
    Ok(library)
}

/// Whether the libraries are there as they were built.
fn is_whole(library: &Library, checksums_file: &Path) -> bool {
    let now = checksums(library).ok();
    now.is_some_and(|now| fs::read(checksums_file).is_ok_and(|then| then == now.as_bytes()))
}

fn checksums(library: &Library) -> Result<String, TargetError> {
    let mut text = String::new();
    for path in [&library.shared, &library.archive] {
        let bytes = fs::read(path).map_err(TargetError::io("read", path))?;
        text += &hex(&Sha256::digest(bytes));
        text.push('\n');
    }
    Ok(text)
}

fn lock(dir: &Path) -> Result<File, TargetError> {
    let file = File::create(dir.join(".lock"));
    let file = file.and_then(|file| file.lock().map(|()| file));
    file.map_err(TargetError::io("lock", dir))
}

/// Has cargo build the archive, and returns its path.
fn workshop(
    model: &Model,
    emulator: &Emulator<'_>,
    options: &LibraryOptions,
    target: &cargo::Target,
    sources: &Sources,
    cache: &Cache,
) -> Result<Vec<u8>, TargetError> {
    let dir = cache.root().join("workshops");
    let dir = dir.join(format!("{}-library", target.triple));
    fs::create_dir_all(&dir).map_err(TargetError::io("create", &dir))?;
    let _lock = lock(&dir)?;
    files::mirror(&model.files, &dir.join("model"))?;
    files::mirror(
        &files::read_tree(&sources.firmware())?,
        &dir.join("hodoscope"),
    )?;
    files::write(
        &dir.join("Cargo.toml"),
        manifest(&model.identity.name).as_bytes(),
    )?;
    files::write(&dir.join("src/lib.rs"), emulator.shim().as_bytes())?;
    let versions = sources::text("firmware/Cargo.lock")?;
    files::write(&dir.join("Cargo.lock"), versions.as_bytes())?;
    let remapped = dir.join("remapped.args");
    files::write(&remapped, cargo::remapped(target, cache)?.as_bytes())?;
    let mut flags = vec![format!("@{}", remapped.display())];
    if let Some(cpu) = &options.cpu {
        flags.push(format!("-Ctarget-cpu={cpu}"));
    }
    let built = cargo::build(&cargo::Build {
        what: format!("the library of {} for {}", emulator.name(), target.triple),
        dir,
        target,
        release: true,
        flags: &flags,
        env: &BTreeMap::new(),
        features: &[],
        artefact: "libhodoscope_package.a",
        output: cache.root().join("target"),
    })?;
    fs::read(&built).map_err(TargetError::io("read", &built))
}

fn manifest(model: &str) -> String {
    format!(
        r#"# Generated by hodoscope.
[package]
name = "hodoscope-package"
version = "0.0.0"
edition = "2024"
publish = false

[lib]
path = "src/lib.rs"
crate-type = ["staticlib"]
test = false
bench = false

[dependencies]
hodoscope-emulator = {{ path = "hodoscope/emulator" }}
{MODEL_CRATE} = {{ package = "{model}", path = "model/crate" }}

[patch.crates-io]
hodoscope-kernels = {{ path = "model/kernels" }}

[workspace]
exclude = ["hodoscope", "model"]

[profile.dev]
panic = "abort"

[profile.release]
opt-level = 3
lto = "fat"
codegen-units = 1
panic = "abort"
"#
    )
}

/// Programs that make libraries of objects.
struct Tools {
    ld: PathBuf,
    objcopy: PathBuf,
    ar: PathBuf,
    cc: PathBuf,
}

impl Tools {
    /// Those for `triple`; `asked` says that it was asked for by name.
    fn find(triple: &str, asked: bool, cache: &Cache) -> Result<Self, TargetError> {
        let platform = PLATFORMS.iter().find(|platform| platform.triple == triple);
        let platform = platform.ok_or_else(|| TargetError::NoLibrary {
            triple: triple.to_owned(),
            targets: library_targets().collect::<Vec<_>>().join(", "),
        })?;
        let is_own = !asked || cargo::Target::find(None, cache)?.triple == triple;
        let (prefix, package) = match is_own {
            true => ("", "gcc"),
            false => (platform.prefix, platform.package),
        };
        let install = format!("run: apt-get install {package}");
        let find = |name: &str| tool::find(&format!("{prefix}{name}"), &install);
        Ok(Self {
            ld: find("ld")?,
            objcopy: find("objcopy")?,
            ar: find("ar")?,
            cc: find("gcc")?,
        })
    }

    fn link(
        &self,
        rust: &[u8],
        emulator: &Emulator<'_>,
        library: &Library,
    ) -> Result<(), TargetError> {
        let own = Folder::new().map_err(TargetError::io("create", &std::env::temp_dir()))?;
        let at = |name: &str| own.path().join(name);
        let (symbol, what) = (emulator.symbol(), emulator.name());
        files::write(&at("rust.a"), rust)?;
        // One object of what the function needs; nothing but its symbol stays global.
        run(
            &self.ld,
            what,
            &[
                "-r".as_ref(),
                "--gc-sections".as_ref(),
                // Groups of one name would be taken for the same by whoever links two of these.
                "--force-group-allocation".as_ref(),
                "-u".as_ref(),
                symbol.as_ref(),
                "-o".as_ref(),
                at("joined.o").as_os_str(),
                at("rust.a").as_os_str(),
            ],
        )?;
        let keep = format!("--keep-global-symbol={symbol}");
        run(
            &self.objcopy,
            what,
            &[
                keep.as_ref(),
                "--strip-unneeded".as_ref(),
                // Of the core library's objects: bitcode, which is none any more behind each other.
                "--remove-section=.llvmbc".as_ref(),
                "--remove-section=.llvmcmd".as_ref(),
                at("joined.o").as_os_str(),
                at(&format!("{symbol}.o")).as_os_str(),
            ],
        )?;
        let object = at(&format!("{symbol}.o"));
        run(
            &self.ar,
            what,
            &["rcsD".as_ref(), at("own.a").as_os_str(), object.as_os_str()],
        )?;
        let script = format!("{{ global: {symbol}; local: *; }};\n");
        files::write(&at("symbols.map"), script.as_bytes())?;
        let soname = format!("-Wl,-soname,{}", emulator.shared().0);
        let map = format!("-Wl,--version-script={}", at("symbols.map").display());
        // Without start files there is no symbol of the loader in it either. All that is taken from libc is memory's copying,
        // comparing and setting.
        run(
            &self.cc,
            what,
            &[
                "-shared".as_ref(),
                "-nostartfiles".as_ref(),
                "-Wl,-z,defs,-z,now,-z,relro,-z,noexecstack".as_ref(),
                "-Wl,--build-id=sha1,--gc-sections,--strip-all".as_ref(),
                map.as_ref(),
                soname.as_ref(),
                "-o".as_ref(),
                at("own.so").as_os_str(),
                object.as_os_str(),
            ],
        )?;
        let read = |name: &str| fs::read(at(name)).map_err(TargetError::io("read", &at(name)));
        files::write(&library.archive, &read("own.a")?)?;
        files::write_executable(&library.shared, &read("own.so")?)
    }
}

fn run(program: &Path, what: &str, arguments: &[&OsStr]) -> Result<(), TargetError> {
    let failed = |stderr: String| TargetError::Build {
        what: format!("the library of {what} with {}", program.display()),
        stderr,
    };
    let output = ending::output(Command::new(program).args(arguments));
    let output = output.map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed(String::from_utf8_lossy(&output.stderr).into_owned()))
}

/// The header that all libraries share.
///
/// # Errors
/// When it is not embedded.
pub fn library_header() -> Result<&'static str, TargetError> {
    sources::text("firmware/emulator/include/hodoscope/emulator.h")
}

/// Licences of what was built last for `triple`, by their path: a list, and texts.
fn licences(triple: &str, cache: &Cache) -> Result<BTreeMap<PathBuf, Vec<u8>>, TargetError> {
    let dir = cache.root().join("workshops");
    let metadata = cargo::metadata(&dir.join(format!("{triple}-library")), triple)?;
    let mut all = BTreeMap::new();
    let mut list = String::from(
        "What the libraries are built from, and its licences. Texts are in the folders beside this file.\n\n\
         hodoscope-emulator, hodoscope-kernels and generated code: MIT OR Apache-2.0\n\
         Rust's core library and compiler-builtins (https://www.rust-lang.org): MIT OR Apache-2.0, and parts of LLVM's compiler-rt: Apache-2.0 WITH LLVM-exception\n",
    );
    for name in ["LICENSE-APACHE", "LICENSE-MIT"] {
        all.insert(PathBuf::from(name), sources::text(name)?.into());
    }
    let packages = metadata["packages"].as_array();
    for package in packages
        .into_iter()
        .flatten()
        .filter(|package| !package["source"].is_null())
    {
        let text = |key: &str| package[key].as_str().unwrap_or_default();
        let name = format!("{}-{}", text("name"), text("version"));
        list += &format!(
            "{} {}: {}\n",
            text("name"),
            text("version"),
            text("license")
        );
        let folder = Path::new(text("manifest_path")).parent();
        let entries = folder.and_then(|folder| folder.read_dir().ok());
        for entry in entries.into_iter().flatten().flatten() {
            let file = entry.file_name().to_string_lossy().into_owned();
            let upper = file.to_ascii_uppercase();
            let is_licence = ["LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE"];
            if is_licence.iter().any(|start| upper.starts_with(start)) && entry.path().is_file() {
                let content =
                    fs::read(entry.path()).map_err(TargetError::io("read", &entry.path()))?;
                all.insert(Path::new(&name).join(file), content);
            }
        }
    }
    all.insert(PathBuf::from("LICENSES"), list.into_bytes());
    Ok(all)
}
