//! Which line of an emitted crate computes which layer.
//!
//! Emitted code shows every value to an observer, as `observer.values(NUMBER, …)`: lines of a function
//! up to such a call compute that value. A line without a call behind it, as in the sums over
//! constituents, belongs to the first value `vNUMBER` that it names.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::targets::TargetError;

/// Values by file (relative to the crate's `src`) and line.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    files: BTreeMap<PathBuf, Vec<Option<usize>>>,
}

impl Lines {
    /// Reads the sources of the emitted crate in `DIR/crate`.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn read(dir: &Path) -> Result<Self, TargetError> {
        let root = dir.join("crate/src");
        let mut files = BTreeMap::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            let entries = fs::read_dir(&folder).map_err(TargetError::io("read", &folder))?;
            for entry in entries {
                let path = entry.map_err(TargetError::io("read", &folder))?.path();
                if path.is_dir() {
                    folders.push(path);
                } else if let Ok(relative) = path.strip_prefix(&root)
                    && path.extension().is_some_and(|extension| extension == "rs")
                {
                    let text = fs::read_to_string(&path).map_err(TargetError::io("read", &path))?;
                    files.insert(relative.to_owned(), values(&text));
                }
            }
        }
        Ok(Self { files })
    }

    /// Whether a debugger's name of a source file is one of the emitted crate, and what the line
    /// computes.
    #[must_use]
    pub fn find(&self, file: &str, line: u32) -> Option<Option<usize>> {
        let (_, relative) = file.rsplit_once("/crate/src/")?;
        let lines = self.files.get(Path::new(relative))?;
        let index = (line as usize).checked_sub(1)?;
        Some(lines.get(index).copied().flatten())
    }
}

/// The value of each line.
fn values(text: &str) -> Vec<Option<usize>> {
    let mut found: Vec<Option<usize>> = Vec::new();
    // Lines of the present function that no call has claimed yet.
    let mut unclaimed = 0;
    for (index, line) in text.lines().enumerate() {
        found.push(named(line));
        if line.trim_start().starts_with("fn ") || line.contains(" fn ") {
            unclaimed = index + 1;
        }
        if let Some(value) = observed(line) {
            found[unclaimed..=index].fill(Some(value));
            unclaimed = index + 1;
        }
    }
    found
}

fn observed(line: &str) -> Option<usize> {
    let (_, call) = line.split_once("observer.values(")?;
    call.split(',').next()?.trim().parse().ok()
}

/// The first `vNUMBER` of a line.
fn named(line: &str) -> Option<usize> {
    line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .find_map(|word| word.strip_prefix('v')?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_belong_to_the_value_that_is_shown_next() {
        let text = "\
fn add(sums: &mut Sums, summands: &Summands) {
    reduce::add(&mut sums.v11, &summands.v10);
}

pub(crate) fn event() {
    // x
    let mut v3 = [0i16; 3];
    rescale::words(&words.x, &mut v3);
    observer.values(3, row, &v3);
    let mut v4 = [0; 2];
    observer.values(4, 0, &v4);
    Outputs { logit: v4 }
}
";
        let some = |numbers: &[usize]| numbers.iter().copied().map(Some).collect::<Vec<_>>();
        let found = values(text);
        assert_eq!(found[1], Some(11));
        assert_eq!(found[3], None);
        assert_eq!(found[5..11], some(&[3, 3, 3, 3, 4, 4]));
        assert_eq!(found[11], Some(4));
        assert_eq!(found[12], None);
    }

    #[test]
    fn files_outside_of_the_crate_are_none() {
        let mut lines = Lines::default();
        lines
            .files
            .insert(PathBuf::from("compute/portable.rs"), vec![None, Some(5)]);
        let find = |file, line| lines.find(file, line);
        assert_eq!(
            find("/x/model/crate/src/compute/portable.rs", 2),
            Some(Some(5))
        );
        assert_eq!(
            find("/x/model/crate/src/compute/portable.rs", 1),
            Some(None)
        );
        assert_eq!(
            find("/x/model/crate/src/compute/portable.rs", 9),
            Some(None)
        );
        assert_eq!(find("/x/model/kernels/src/layer.rs", 2), None);
        assert_eq!(find("/x/model/crate/src/lib.rs", 2), None);
    }
}
