//! What of a firmware lies in flash.

use std::fs;
use std::path::Path;

use object::Endianness;
use object::elf::PT_LOAD;
use object::read::elf::{ElfFile32, ProgramHeader as _};

use crate::targets::TargetError;

/// Bytes of a firmware that follow each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Where they are loaded: in flash, even where they are copied to RAM later.
    pub address: u32,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// What has to be loaded for the firmware `elf`, by address.
///
/// # Errors
/// When it cannot be read, or parts of it overlap.
pub fn segments(elf: &Path) -> Result<Vec<Segment>, TargetError> {
    let bytes = fs::read(elf).map_err(TargetError::io("read", elf))?;
    parse(&bytes).map_err(|message| TargetError::Elf {
        path: elf.to_owned(),
        message,
    })
}

fn parse(bytes: &[u8]) -> Result<Vec<Segment>, String> {
    let file = ElfFile32::<Endianness>::parse(bytes).map_err(|error| error.to_string())?;
    let endian = file.endian();
    let mut segments = Vec::new();
    for header in file.elf_program_headers() {
        if header.p_type(endian) != PT_LOAD || header.p_filesz(endian) == 0 {
            continue;
        }
        let data = header
            .data(endian, bytes)
            .map_err(|()| "a segment lies outside of the file".to_owned())?;
        segments.push(Segment {
            address: header.p_paddr(endian),
            bytes: data.to_vec(),
        });
    }
    segments.sort_by_key(|segment| segment.address);
    for pair in segments.windows(2) {
        if u64::from(pair[0].address) + pair[0].bytes.len() as u64 > u64::from(pair[1].address) {
            return Err(format!("two segments at {:#x}", pair[1].address));
        }
    }
    Ok(segments)
}
