//! Packages of PyPI that hold the Verilog of a core.

use std::env;
use std::fs::{self, File};
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use zip::ZipArchive;

use super::super::{Cache, TargetError, files, hex};

/// A package at one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wheel {
    /// The package's name.
    pub package: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its file, in hexadecimal digits.
    pub sha256: String,
}

impl Wheel {
    /// The name of its file.
    #[must_use]
    pub fn file_name(&self) -> String {
        let package = self.package.replace('-', "_");
        format!("{package}-{}-py3-none-any.whl", self.version)
    }

    /// The arguments of `python3` that download it into `directory`.
    #[must_use]
    pub fn download(&self, directory: &Path) -> Vec<String> {
        let mut arguments: Vec<String> = ["-m", "pip", "download", "--no-deps"]
            .map(str::to_owned)
            .into();
        arguments.extend(["--only-binary=:all:".to_owned(), "--dest".to_owned()]);
        arguments.push(directory.to_string_lossy().into_owned());
        arguments.push(format!("{}=={}", self.package, self.version));
        arguments
    }

    /// Where wheels are: `$HODOSCOPE_CORES`, else `cores` in the cache of this user, whatever
    /// `HODOSCOPE_CACHE` says: what is downloaded is the same for all.
    ///
    /// # Errors
    /// When the user has no cache.
    pub fn directory() -> Result<PathBuf, TargetError> {
        match env::var_os("HODOSCOPE_CORES").filter(|value| !value.is_empty()) {
            Some(directory) => Ok(directory.into()),
            None => Ok(Cache::of_user()?.root().join("cores")),
        }
    }

    /// Its file, with what it should be.
    ///
    /// # Errors
    /// [`TargetError::MissingTool`] with the command that downloads it, and when the file has
    /// another hash.
    pub fn read(&self) -> Result<Vec<u8>, TargetError> {
        let directory = Self::directory()?;
        let path = directory.join(self.file_name());
        let Ok(bytes) = fs::read(&path) else {
            return Err(TargetError::MissingTool {
                tool: format!("{} {}", self.package, self.version),
                install: format!("run: python3 {}", self.download(&directory).join(" ")),
            });
        };
        let found = hex(&Sha256::digest(&bytes));
        if found != self.sha256 {
            return Err(TargetError::Wheel {
                path,
                message: format!("its SHA-256 is {found}, not {}; remove it", self.sha256),
            });
        }
        Ok(bytes)
    }

    /// Unpacks its Verilog below the cache, and returns the directory.
    pub(crate) fn unpack(&self, cache: &Cache) -> Result<PathBuf, TargetError> {
        let directory = cache.root().join("cores").join(format!(
            "{}-{}",
            self.package.replace('-', "_"),
            self.version
        ));
        let done = directory.join(".unpacked");
        if done.is_file() {
            return Ok(directory);
        }
        let bytes = self.read()?;
        fs::create_dir_all(&directory).map_err(TargetError::io("create", &directory))?;
        let lock = directory.join(".lock");
        let lock = File::create(&lock).and_then(|file| file.lock().map(|()| file));
        let lock = lock.map_err(TargetError::io("lock", &directory))?;
        for (path, content) in self.verilog(bytes)? {
            files::write(&directory.join(path), &content)?;
        }
        files::write(&done, b"")?;
        drop(lock);
        Ok(directory)
    }

    fn verilog(&self, bytes: Vec<u8>) -> Result<Vec<(PathBuf, Vec<u8>)>, TargetError> {
        let broken = |message: String| TargetError::Wheel {
            path: PathBuf::from(self.file_name()),
            message,
        };
        let archive = ZipArchive::new(Cursor::new(bytes));
        let mut archive = archive.map_err(|error| broken(error.to_string()))?;
        let mut found = Vec::new();
        for index in 0..archive.len() {
            let mut file = archive
                .by_index(index)
                .map_err(|error| broken(error.to_string()))?;
            let verilog = |path: &PathBuf| {
                path.extension()
                    .is_some_and(|end| ["v", "sv", "svh", "vh"].iter().any(|known| end == *known))
            };
            let Some(path) = file.enclosed_name().filter(verilog) else {
                continue;
            };
            let mut content = Vec::new();
            file.read_to_end(&mut content)
                .map_err(|error| broken(error.to_string()))?;
            found.push((path, content));
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_command_are_pips() {
        let wheel = Wheel {
            package: "pythondata-cpu-abacus".to_owned(),
            version: "1.0.post3".to_owned(),
            sha256: String::new(),
        };
        assert_eq!(
            wheel.file_name(),
            "pythondata_cpu_abacus-1.0.post3-py3-none-any.whl"
        );
        assert_eq!(
            wheel.download(Path::new("there")).join(" "),
            "-m pip download --no-deps --only-binary=:all: --dest there pythondata-cpu-abacus==1.0.post3"
        );
    }

    #[test]
    fn a_wheel_that_is_none_is_refused() {
        let wheel = Wheel {
            package: "abacus".to_owned(),
            version: "1".to_owned(),
            sha256: String::new(),
        };
        let error = wheel.verilog(b"nonsense".to_vec()).unwrap_err();
        assert!(error.to_string().starts_with("abacus-1-py3-none-any.whl: "));
    }
}
