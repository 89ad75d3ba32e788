//! Kinds of files, by their first bytes.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// What a file of events is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An archive of arrays, a single array, or nothing that is read.
    Numpy,
    Parquet,
    Hdf5,
    /// Of which only the Python package reads any.
    Root,
    Arrow,
}

impl Kind {
    /// For messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Numpy => "an archive of arrays",
            Self::Parquet => "a parquet file",
            Self::Hdf5 => "an HDF5 file",
            Self::Root => "a ROOT file",
            Self::Arrow => "an Arrow file",
        }
    }

    /// What a file is.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn of(path: &Path) -> io::Result<Self> {
        let mut head = vec![];
        File::open(path)?.take(8).read_to_end(&mut head)?;
        let kinds = [
            (&b"root"[..], Self::Root),
            (b"PAR1", Self::Parquet),
            // Its columns are encrypted, and so is its schema.
            (b"PARE", Self::Parquet),
            (b"\x89HDF\r\n\x1a\n", Self::Hdf5),
            (b"ARROW1", Self::Arrow),
        ];
        let found = kinds.iter().find(|(begin, _)| head.starts_with(begin));
        Ok(found.map_or(Self::Numpy, |(_, kind)| *kind))
    }
}

/// File and tree of `FILE:TREE`; a file whose own name has a colon is the file.
pub(crate) fn split(path: &Path) -> (PathBuf, Option<String>) {
    if !path.exists()
        && let Some((file, tree)) = path.to_str().and_then(|text| text.rsplit_once(':'))
        && Path::new(file).is_file()
    {
        return (file.into(), Some(tree.to_owned()));
    }
    (path.into(), None)
}
