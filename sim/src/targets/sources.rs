//! The embedded sources of what runs on a target, and where they are unpacked.

use std::collections::BTreeSet;
use std::env;
use std::path::{self, Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{TargetError, files, hex, manifest};

include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// The directory that holds unpacked sources, generated crates and build output. It can be deleted
/// at any time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    /// The cache of this user: `$HODOSCOPE_CACHE`, else `$XDG_CACHE_HOME/hodoscope`, else
    /// `~/.cache/hodoscope`.
    ///
    /// # Errors
    /// When none of these is set.
    pub fn from_env() -> Result<Self, TargetError> {
        match directory("HODOSCOPE_CACHE") {
            Some(root) => Ok(Self::at(root)),
            None => Self::of_user(),
        }
    }

    /// As [`from_env`](Self::from_env), whatever `HODOSCOPE_CACHE` says.
    pub(super) fn of_user() -> Result<Self, TargetError> {
        directory("XDG_CACHE_HOME")
            .map(|cache| cache.join("hodoscope"))
            .or_else(|| directory("HOME").map(|home| home.join(".cache/hodoscope")))
            .map(Self::at)
            .ok_or_else(|| TargetError::MissingTool {
                tool: "a cache directory".to_owned(),
                install: "set HODOSCOPE_CACHE to one".to_owned(),
            })
    }

    /// A cache in `root`.
    #[must_use]
    pub fn at(root: PathBuf) -> Self {
        // Generated manifests name it, wherever they are.
        Self {
            root: path::absolute(&root).unwrap_or(root),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }
}

/// The directory that a variable names.
fn directory(name: &str) -> Option<PathBuf> {
    env::var_os(name)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

/// Unpacked sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sources {
    root: PathBuf,
}

impl Sources {
    /// The hash of all of them.
    pub(super) fn hash(&self) -> String {
        let name = self.root.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// The firmware workspace.
    #[must_use]
    pub fn firmware(&self) -> PathBuf {
        self.root.join("firmware")
    }

    /// One directory for each board.
    #[must_use]
    pub fn boards(&self) -> PathBuf {
        self.root.join("boards")
    }

    /// The system on chip of soft-cores, and its testbench.
    #[must_use]
    pub fn rtl(&self) -> PathBuf {
        self.root.join("rtl")
    }

    /// The package of QEMU's plugin.
    #[must_use]
    pub fn timing_plugin(&self) -> PathBuf {
        self.root.join("timing-plugin")
    }
}

/// Every embedded file, by its path in the repository.
pub(super) fn embedded() -> impl Iterator<Item = (&'static str, &'static [u8])> {
    FILES.iter().copied()
}

/// Unpacks the embedded sources into a directory named by their hash, and completes what is
/// missing there. Any number of processes may do so at once.
///
/// # Errors
/// When the cache cannot be written.
pub fn unpack(cache: &Cache) -> Result<Sources, TargetError> {
    let files = unpacked()?;
    let mut digest = Sha256::new();
    for (path, content) in &files {
        digest.update((path.len() as u64).to_le_bytes());
        digest.update(path);
        digest.update((content.len() as u64).to_le_bytes());
        digest.update(content);
    }
    let hash = hex(&digest.finalize()[..8]);
    let root = cache.root.join("sources").join(hash);
    for (path, content) in &files {
        files::write(&root.join(path), content)?;
    }
    Ok(Sources { root })
}

/// Copies the kernels to `dir` as a package of its own: what an emitted crate is built with.
///
/// # Errors
/// When `dir` cannot be written.
pub fn write_kernels(dir: &Path) -> Result<(), TargetError> {
    const PREFIX: &str = "firmware/kernels/";
    let workspace = text("firmware/Cargo.toml")?;
    for (path, content) in embedded() {
        let Some(relative) = path.strip_prefix(PREFIX) else {
            continue;
        };
        if relative == "Cargo.toml" {
            let package = manifest::standalone(text(path)?, workspace).map_err(broken(path))?;
            files::write(&dir.join(relative), package.as_bytes())?;
        } else {
            files::write(&dir.join(relative), content)?;
        }
    }
    Ok(())
}

/// The version of the kernels, which an emitted crate asks for exactly.
#[must_use]
pub fn kernels_version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// The files of the cache: manifests are changed so that they need nothing of the repository.
fn unpacked() -> Result<Vec<(String, Vec<u8>)>, TargetError> {
    let mut all = Vec::new();
    for (path, content) in embedded() {
        let (path, content) = match path {
            "Cargo.toml" => continue,
            "firmware/Cargo.toml" => {
                let text = manifest::firmware(text(path)?, &firmware_members());
                (path, text.map_err(broken(path))?.into_bytes())
            }
            "sim/timing-plugin/Cargo.toml" => {
                let text = manifest::standalone(text(path)?, text("Cargo.toml")?);
                // A cache may lie below some other workspace.
                let text = format!("{}\n[workspace]\n", text.map_err(broken(path))?);
                (&path["sim/".len()..], text.into_bytes())
            }
            _ => (path.strip_prefix("sim/").unwrap_or(path), content.to_vec()),
        };
        all.push((path.to_owned(), content));
    }
    Ok(all)
}

/// Directories of the embedded firmware packages. The kernels are none: see `build`.
fn firmware_members() -> Vec<String> {
    let members: BTreeSet<_> = embedded()
        .filter_map(|(path, _)| path.strip_prefix("firmware/")?.strip_suffix("/Cargo.toml"))
        .filter(|member| *member != "kernels")
        .map(str::to_owned)
        .collect();
    members.into_iter().collect()
}

/// The text of the embedded file `path`.
pub(super) fn text(path: &str) -> Result<&'static str, TargetError> {
    embedded()
        .find(|(name, _)| *name == path)
        .and_then(|(_, content)| str::from_utf8(content).ok())
        .ok_or_else(|| broken(path)("it is not embedded".to_owned()))
}

fn broken(path: &str) -> impl FnOnce(String) -> TargetError {
    move |message| TargetError::Build {
        what: format!("the embedded {path}"),
        stderr: message,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn unpack_is_idempotent_and_completes_what_is_missing() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path().to_owned());
        let sources = unpack(&cache).unwrap();
        let manifest = sources.firmware().join("Cargo.toml");
        let first = fs::metadata(&manifest).unwrap().modified().unwrap();
        fs::remove_file(sources.firmware().join("wire/src/lib.rs")).unwrap();
        assert_eq!(unpack(&cache).unwrap(), sources);
        assert_eq!(fs::metadata(&manifest).unwrap().modified().unwrap(), first);
        for path in [
            sources.firmware().join("wire/src/lib.rs"),
            sources.firmware().join("Cargo.lock"),
            sources.timing_plugin().join("src/lib.rs"),
        ] {
            assert!(path.is_file(), "{}", path.display());
        }
        assert!(!sources.firmware().join("target").exists());
    }

    #[test]
    fn kernels_need_no_workspace() {
        let dir = tempfile::tempdir().unwrap();
        write_kernels(dir.path()).unwrap();
        let manifest = fs::read_to_string(dir.path().join("Cargo.toml")).unwrap();
        let manifest: toml::Table = manifest.parse().unwrap();
        assert_eq!(
            manifest["package"]["version"].as_str(),
            Some(kernels_version())
        );
        assert!(dir.path().join("src/model.rs").is_file());
    }
}
