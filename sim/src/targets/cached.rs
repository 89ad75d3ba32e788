//! What lies in the cache, and its removal.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::sources::Cache;
use super::{TargetError, files};

/// What is made again where it is missing. Cores of soft-cores and tools that somebody fetched lie beside it, and stay.
const MADE: [&str; 5] = ["builds", "rtl", "sources", "target", "workshops"];

/// A folder of the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cached {
    /// Its name.
    pub name: &'static str,
    /// Bytes of its files.
    pub bytes: u64,
    /// Number of its files.
    pub files: u64,
}

/// What was removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cleaned {
    /// The folders that were there.
    pub removed: Vec<Cached>,
}

/// The folders of a cache that builds made.
///
/// # Errors
/// When one cannot be read.
pub fn cached(cache: &Cache) -> Result<Vec<Cached>, TargetError> {
    let mut folders = vec![];
    for name in MADE {
        let path = cache.root().join(name);
        let mut folder = Cached {
            name,
            bytes: 0,
            files: 0,
        };
        match count(&path, &mut folder) {
            Ok(()) => folders.push(folder),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !path.exists() => {}
            Err(error) => return Err(TargetError::io("read", &path)(error)),
        }
    }
    Ok(folders)
}

fn count(path: &Path, folder: &mut Cached) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        // What another process removes meanwhile is not there.
        let Ok(metadata) = fs::symlink_metadata(entry.path()) else {
            continue;
        };
        if metadata.is_dir() {
            count(&entry.path(), folder)?;
        } else {
            folder.bytes += metadata.len();
            folder.files += 1;
        }
    }
    Ok(())
}

/// Removes the folders of a cache that builds made.
///
/// # Errors
/// When a build is under way there, or a folder cannot be removed.
pub fn clean(cache: &Cache) -> Result<Cleaned, TargetError> {
    let removed = cached(cache)?;
    let mut locks = vec![];
    for name in ["builds", "rtl", "workshops"] {
        let folder = cache.root().join(name);
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries.flatten() {
            let lock = entry.path().join(".lock");
            let Ok(file) = File::open(&lock) else {
                continue;
            };
            if file.try_lock().is_err() {
                return Err(TargetError::InUse { path: entry.path() });
            }
            locks.push(file);
        }
    }
    for folder in &removed {
        let path = cache.root().join(folder.name);
        files::remove_tree(&path)?;
    }
    Ok(Cleaned { removed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_builds_made_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path().to_owned());
        assert_eq!(cached(&cache).unwrap(), []);
        for name in ["builds/a", "cores/b", "mine"] {
            fs::create_dir_all(dir.path().join(name)).unwrap();
            fs::write(dir.path().join(name).join("file"), [0; 7]).unwrap();
        }
        let there = cached(&cache).unwrap();
        assert_eq!(there.len(), 1);
        assert_eq!(
            (there[0].name, there[0].bytes, there[0].files),
            ("builds", 7, 1)
        );
        let lock = File::create(dir.path().join("builds/a/.lock")).unwrap();
        lock.lock().unwrap();
        let refused = clean(&cache).unwrap_err();
        assert!(refused.to_string().contains("in use"), "{refused}");
        drop(lock);
        assert_eq!(clean(&cache).unwrap().removed[0].name, "builds");
        assert!(!dir.path().join("builds").exists());
        assert!(
            dir.path().join("cores/b/file").is_file() && dir.path().join("mine/file").is_file()
        );
    }

    #[test]
    fn a_replaced_program_is_not_the_one_that_was_made() {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("a.elf");
        assert!(!files::is_as_made(&program));
        fs::write(&program, "as built").unwrap();
        assert!(!files::is_as_made(&program), "nothing says so");
        files::made(&program).unwrap();
        assert!(files::is_as_made(&program));
        for other in ["as", "", "another"] {
            fs::write(&program, other).unwrap();
            assert!(!files::is_as_made(&program), "{other}");
        }
    }
}
