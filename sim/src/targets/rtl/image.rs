//! Memory images, as `$readmemh` reads them.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use object::{Object, ObjectSegment};

use super::super::{TargetError, files};

/// Writes what the firmware `elf` has in memory to `path`, in words.
pub(in super::super) fn write(elf: &Path, path: &Path) -> Result<(), TargetError> {
    let error = |message: String| TargetError::Elf {
        path: elf.to_owned(),
        message,
    };
    let bytes = fs::read(elf).map_err(TargetError::io("read", elf))?;
    let text = words(&bytes).map_err(error)?;
    files::write(path, text.as_bytes())
}

fn words(elf: &[u8]) -> Result<String, String> {
    let file = object::File::parse(elf).map_err(|error| error.to_string())?;
    let mut text = String::new();
    for segment in file.segments() {
        let data = segment.data().map_err(|error| error.to_string())?;
        if data.is_empty() {
            continue;
        }
        if segment.address() % 4 != 0 {
            return Err(format!("a segment at {:#x}", segment.address()));
        }
        let _ = writeln!(text, "@{:x}", segment.address() / 4);
        for chunk in data.chunks(4) {
            let mut word = [0; 4];
            word[..chunk.len()].copy_from_slice(chunk);
            let _ = writeln!(text, "{:08x}", u32::from_le_bytes(word));
        }
    }
    Ok(text)
}
