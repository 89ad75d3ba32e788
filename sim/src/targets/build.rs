//! Builds firmware: the app of a board family, joined with a compiled model.
//!
//! A build has a directory of its own in the cache, named by what goes into it:
//!
//! ```text
//! builds/MODEL-BOARD-HASH/linker/          the board's linker scripts
//!                         MODEL-BOARD.elf  the result, and for a soft-core its memory, .hex
//! ```
//!
//! It is made in a [workshop](super::workshop). What a user changes in DIR, weights or kernels, is
//! therefore what runs, and what has not changed is not built again, whatever DIR is called.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::board::{Board, Flashing, Runner};
use super::options::BuildOptions;
use super::rtl::Network;
use super::sources::{self, Cache, Sources};
use super::workshop::{Firmware, ModelPackage};
use super::{TargetError, cargo, files, flash, hex, rtl, seal};

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
    build_main(dir, board, options, cache, None)
}

/// As [`build`], a program of the host that has this text as its `main.rs` instead of serving the model: the model's crate is
/// called `model` there.
///
/// # Errors
/// As for [`build`].
pub fn build_host(
    dir: &Path,
    native: &Board,
    options: &BuildOptions,
    cache: &Cache,
    main: &str,
) -> Result<PathBuf, TargetError> {
    Ok(build_main(dir, native, options, cache, Some(main))?.elf)
}

fn build_main(
    dir: &Path,
    board: &Board,
    options: &BuildOptions,
    cache: &Cache,
    main: Option<&str>,
) -> Result<Built, TargetError> {
    let model = Model::read(dir)?;
    let network = match board.has_network() {
        true if options.trace => {
            return Err(TargetError::Instruction {
                board: board.name.clone(),
                message: "the network is an instruction, and shows no layer; a board that computes them in software does"
                    .to_owned(),
            });
        }
        true => Some(Network::read(dir, model.identity.program)?),
        false => None,
    };
    let models = [ModelPackage {
        alias: "model".to_owned(),
        package: model.identity.name.clone(),
        folder: "crate".to_owned(),
    }];
    build_firmware(
        model,
        &models,
        board,
        options,
        cache,
        main,
        network.as_ref(),
    )
}

/// Builds `main`, or what serves the one model, with the packages `models` among the files of `model`. Where a board's core has
/// the network as an instruction, it is `network`.
pub(super) fn build_firmware(
    model: Model,
    models: &[ModelPackage],
    board: &Board,
    options: &BuildOptions,
    cache: &Cache,
    main: Option<&str>,
    network: Option<&Network>,
) -> Result<Built, TargetError> {
    let own = network.map(|network| network.main(&board.name));
    let main = main.or(own.as_deref());
    let sources = sources::unpack(cache)?;
    let target = cargo::Target::find(board.target.as_deref(), cache)?;

    let other = if main.is_some() && network.is_none() {
        "-ways"
    } else {
        ""
    };
    let package = format!("{}-{}{other}", model.identity.name, board.name);
    let place = cache.root().join("builds").join(format!(
        "{package}-{}",
        key(&model, board, options, &sources, &target, main)
    ));
    fs::create_dir_all(&place).map_err(TargetError::io("create", &place))?;
    let lock = place.join(".lock");
    let lock = File::create(&lock).and_then(|file| file.lock().map(|()| file));
    let lock = lock.map_err(TargetError::io("lock", &place))?;

    let scripts = place.join("linker");
    files::mirror(&board.scripts, &scripts)?;
    let elf = place.join(format!("{package}.elf"));
    if !files::is_as_made(&elf) {
        let firmware = Firmware {
            package: &package,
            of: &model.identity.name,
            models,
            files: &model.files,
            board,
            options,
            sources: &sources,
            target: &target,
            main,
        };
        let mut image = firmware.build(cache)?;
        if target.triple.contains("-none-") {
            seal::seal(&mut image).map_err(|message| TargetError::Elf {
                path: elf.clone(),
                message,
            })?;
        }
        files::write_executable(&elf, &image)?;
        files::made(&elf)?;
    }
    if matches!(board.runner, Runner::Rtl(_)) {
        rtl::write_image(&elf, &rtl::image_path(&elf))?;
    }
    if let Some(Flashing::Uf2 { family, .. }) = board.flashing {
        flash::write_uf2(&elf, family)?;
    }
    drop(lock);
    let simulator = match &board.runner {
        Runner::Rtl(design) => {
            let none = BTreeMap::new();
            let verilog = network.map_or(&none, |network| &network.verilog);
            let name = &board.name;
            Some(rtl::build(name, design, verilog, &sources, cache)?)
        }
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
pub(super) struct Model {
    pub(super) identity: ProgramIdentity,
    pub(super) files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Model {
    pub(super) fn read(dir: &Path) -> Result<Self, TargetError> {
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

    /// What tells its files from all others.
    pub(super) fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        for (path, content) in &self.files {
            digest.update(Sha256::digest(path.to_string_lossy().as_bytes()));
            digest.update(Sha256::digest(content));
        }
        digest.finalize().into()
    }
}

pub(super) fn package_name(manifest: &str) -> Option<String> {
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

/// What tells this build from all others: all that its code depends on, and nothing of where it is.
fn key(
    model: &Model,
    board: &Board,
    options: &BuildOptions,
    sources: &Sources,
    target: &cargo::Target,
    main: Option<&str>,
) -> String {
    let mut digest = Sha256::new();
    digest.update(main.unwrap_or_default());
    digest.update(model.digest());
    let sources = sources.hash();
    digest.update(format!("{board:?} {options:?} {sources} {target:?}"));
    hex(&digest.finalize()[..8])
}
