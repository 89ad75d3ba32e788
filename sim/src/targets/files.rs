//! Writing files so that another process never sees half of one.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{TargetError, hex};

/// Writes `path` unless it already has this content: a file that did not change keeps its
/// modification time, and cargo has nothing to do.
pub(super) fn write(path: &Path, content: &[u8]) -> Result<(), TargetError> {
    write_with_mode(path, content, 0o666)
}

/// As [`write`], and others may execute it.
pub(super) fn write_executable(path: &Path, content: &[u8]) -> Result<(), TargetError> {
    write_with_mode(path, content, 0o777)
}

fn write_with_mode(path: &Path, content: &[u8], mode: u32) -> Result<(), TargetError> {
    if fs::read(path).is_ok_and(|old| old == content) {
        return Ok(());
    }
    let dir = path.parent().unwrap_or(Path::new("."));
    let replace = || -> io::Result<()> {
        fs::create_dir_all(dir)?;
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
        #[cfg(not(unix))]
        let _ = mode;
        let mut file = builder.prefix(".write-").tempfile_in(dir)?;
        file.write_all(content)?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    replace().map_err(TargetError::io("write", path))
}

/// Where the checksum of a built program stands, beside it.
fn checksum_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".sha256");
    path.with_file_name(name)
}

/// Says that a program was built and is whole.
pub(super) fn made(path: &Path) -> Result<(), TargetError> {
    let bytes = fs::read(path).map_err(TargetError::io("read", path))?;
    write(&checksum_path(path), hex(&Sha256::digest(bytes)).as_bytes())
}

/// Whether a program is there as it was built: what was truncated or replaced is built again, and never run.
pub(super) fn is_as_made(path: &Path) -> bool {
    let is_same = |bytes: Vec<u8>| {
        fs::read(checksum_path(path))
            .is_ok_and(|checksum| checksum == hex(&Sha256::digest(bytes)).as_bytes())
    };
    path.is_file() && fs::read(path).is_ok_and(is_same)
}

/// Every file below `dir` by its path in it, without hidden files and build output.
pub(super) fn read_tree(dir: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>, TargetError> {
    let mut files = BTreeMap::new();
    let mut pending = vec![PathBuf::new()];
    while let Some(relative) = pending.pop() {
        let path = dir.join(&relative);
        let entries = fs::read_dir(&path).map_err(TargetError::io("read", &path))?;
        for entry in entries {
            let entry = entry.map_err(TargetError::io("read", &path))?;
            let name = entry.file_name();
            if name.to_string_lossy().starts_with('.') || name == "target" {
                continue;
            }
            let relative = relative.join(&name);
            let path = entry.path();
            if path.is_dir() {
                pending.push(relative);
            } else {
                let content = fs::read(&path).map_err(TargetError::io("read", &path))?;
                files.insert(relative, content);
            }
        }
    }
    Ok(files)
}

/// Removes `dir` with all that is in it.
pub(super) fn remove_tree(dir: &Path) -> Result<(), TargetError> {
    fs::remove_dir_all(dir).map_err(TargetError::io("remove", dir))
}

/// Makes `dir` hold exactly `files`.
pub(super) fn mirror(files: &BTreeMap<PathBuf, Vec<u8>>, dir: &Path) -> Result<(), TargetError> {
    fs::create_dir_all(dir).map_err(TargetError::io("create", dir))?;
    for (relative, content) in files {
        write(&dir.join(relative), content)?;
    }
    for relative in read_tree(dir)?.keys() {
        if !files.contains_key(relative) {
            let path = dir.join(relative);
            fs::remove_file(&path).map_err(TargetError::io("remove", &path))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirror_replaces_adds_and_removes_and_leaves_equal_files_alone() {
        let from = tempfile::tempdir().unwrap();
        let to = tempfile::tempdir().unwrap();
        write(&from.path().join("src/lib.rs"), b"new").unwrap();
        write(&from.path().join("equal"), b"equal").unwrap();
        write(&from.path().join("target/x"), b"skipped").unwrap();
        write(&to.path().join("src/lib.rs"), b"old").unwrap();
        write(&to.path().join("src/gone.rs"), b"gone").unwrap();
        write(&to.path().join("equal"), b"equal").unwrap();
        let modified = |path: &str| {
            let metadata = fs::metadata(to.path().join(path)).unwrap();
            metadata.modified().unwrap()
        };
        let before = modified("equal");
        let files = read_tree(from.path()).unwrap();
        mirror(&files, to.path()).unwrap();
        assert_eq!(read_tree(to.path()).unwrap(), files);
        assert_eq!(files.len(), 2);
        assert_eq!(modified("equal"), before);
    }
}
