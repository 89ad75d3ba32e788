//! Whether a directory may be made or replaced: nothing of a user's is overwritten.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// Who makes a directory, for messages.
pub struct Maker {
    /// `hodoscope compile`.
    pub command: &'static str,
    /// What it puts there: `a compiled model`.
    pub makes: &'static str,
}

/// The names in a directory; none where it can be made.
///
/// # Errors
/// When its parent is missing, or it is something else.
pub fn names(dir: &Path) -> Result<Vec<OsString>> {
    let metadata = match fs::symlink_metadata(dir) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
            if let Some(parent) = parent.filter(|parent| !parent.is_dir()) {
                bail!(
                    "{}: no such directory to write {} into",
                    parent.display(),
                    dir.display()
                );
            }
            return Ok(vec![]);
        }
        Err(error) => return Err(error).with_context(|| format!("{}", dir.display())),
    };
    if !metadata.is_dir() {
        bail!(
            "{}: exists and is not a directory; nothing was written",
            dir.display()
        );
    }
    let entries = fs::read_dir(dir).with_context(|| format!("{}", dir.display()))?;
    let names = entries.map(|entry| Ok(entry?.file_name()));
    names.collect()
}

impl Maker {
    /// Refuses a directory that holds something and that the command did not make, and with `force` permits one that it made.
    /// `foreign`: names in it that are not the command's; nothing where all of it is somebody else's.
    ///
    /// # Errors
    /// Says what is in the way.
    pub fn check(&self, dir: &Path, force: bool, foreign: Option<Vec<String>>) -> Result<()> {
        let (dir, command) = (dir.display(), self.command);
        let Some(mut foreign) = foreign else {
            bail!("{dir}: exists and was not made by `{command}`; nothing was written");
        };
        if !force {
            bail!(
                "{dir}: holds {} already; --force replaces it. Nothing was written",
                self.makes
            );
        }
        if !foreign.is_empty() {
            foreign.sort();
            bail!(
                "{dir}: holds files that `{command}` did not make ({}); nothing was written",
                foreign.join(", ")
            );
        }
        Ok(())
    }
}
