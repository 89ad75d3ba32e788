//! Kinds of files, by their first bytes.

use std::path::Path;

use super::NpzError;

/// What a file of events is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A single array.
    Npy,
    /// None of those that are known: an archive, or nothing that is read.
    Other,
}

/// Kinds that physicists have and that are not read here: first bytes and name.
const ELSEWHERE: [(&[u8], &str); 4] = [
    (b"root", "a ROOT file"),
    (b"PAR1", "a parquet file"),
    (b"\x89HDF", "an HDF5 file"),
    (b"ARROW1", "an Arrow file"),
];

/// What a file is that begins with `head`.
///
/// # Errors
/// When it is of a kind that the Python package reads, and says so.
pub(super) fn of(head: &[u8], path: &Path) -> Result<Kind, NpzError> {
    if head.starts_with(b"\x93NUMPY") {
        return Ok(Kind::Npy);
    }
    match ELSEWHERE.iter().find(|(begin, _)| head.starts_with(begin)) {
        Some((_, kind)) => Err(NpzError::Elsewhere {
            path: path.into(),
            kind,
        }),
        None => Ok(Kind::Other),
    }
}

/// The file of `FILE:TREE`, where there is one of that name.
pub(super) fn before_tree(path: &Path) -> Option<&Path> {
    let (file, _) = path.to_str()?.rsplit_once(':')?;
    let file = Path::new(file);
    file.is_file().then_some(file)
}
