//! What an image must be like, written into it: a firmware can then find that it has changed.
//!
//! The firmware's half is `apps/support/src/image.rs`. An image without the place for it, as of an app that watches nothing, is left as
//! it is.

use hodoscope_wire::Checksum;
use object::{Object, ObjectSection, ObjectSymbol, SectionFlags, elf};

/// The name of the place.
const SYMBOL: &str = "HODOSCOPE_SEAL";
/// Its words: a mark, the number of regions, four words of each, and the sum of all others.
const WORDS: usize = 32;
const REGION: usize = 4;
const MOST: usize = (WORDS - 3) / REGION;
/// `HODO`.
const MAGIC: u32 = 0x4f44_4f48;

/// Sections without the flag of instructions that are code all the same: vectors, what a boot ROM looks for, and ways into a secure world.
const CODE: [&str; 4] = [".vector_table", ".boot2", ".start_block", ".gnu.sgstubs"];

/// A stretch of memory that must not change.
struct Region {
    /// 0 for code, 1 for constants.
    part: u32,
    address: u32,
    len: u32,
    sum: u32,
}

/// Writes the sums of the code and the constants of the firmware `elf` into it: whether it has a place for them.
///
/// # Errors
/// When it is no ELF of 32 bits, or has more parts than there is room for.
pub(super) fn seal(elf: &mut [u8]) -> Result<bool, String> {
    let Some((at, regions)) = regions(elf)? else {
        return Ok(false);
    };
    if regions.len() > MOST {
        return Err(format!("{} parts to watch, not {MOST}", regions.len()));
    }
    let mut words = [0; WORDS];
    words[0] = MAGIC;
    words[1] = regions.len() as u32;
    for (region, place) in regions.iter().zip(words[2..].chunks_mut(REGION)) {
        place.copy_from_slice(&[region.part, region.address, region.len, region.sum]);
    }
    let mut bytes: Vec<u8> = words.into_iter().flat_map(u32::to_le_bytes).collect();
    let sum = Checksum::of(&bytes[..4 * (WORDS - 1)]);
    bytes.splice(4 * (WORDS - 1).., sum.to_le_bytes());
    elf[at..at + bytes.len()].copy_from_slice(&bytes);
    Ok(true)
}

/// Where in the file the seal lies, and what it has to list.
fn regions(elf: &[u8]) -> Result<Option<(usize, Vec<Region>)>, String> {
    let file = object::File::parse(elf).map_err(|error| error.to_string())?;
    let place = file
        .symbols()
        .find(|symbol| symbol.is_definition() && symbol.name() == Ok(SYMBOL));
    let Some(place) = place else {
        return Ok(None);
    };
    let len = 4 * WORDS as u64;
    let seal = place.address()..place.address() + len;
    let mut at = None;
    let mut regions = Vec::new();
    for section in file.sections() {
        let SectionFlags::Elf { sh_flags, .. } = section.flags() else {
            continue;
        };
        let has = |flag: elf::SectionFlags| sh_flags.0 & flag.0 != 0;
        let Some((offset, _)) = section.file_range().filter(|(_, size)| *size > 0) else {
            continue;
        };
        if !has(elf::SHF_ALLOC) || has(elf::SHF_WRITE) {
            continue;
        }
        let data = section.data().map_err(|error| error.to_string())?;
        let (start, end) = (section.address(), section.address() + data.len() as u64);
        let is_code =
            has(elf::SHF_EXECINSTR) || section.name().is_ok_and(|name| CODE.contains(&name));
        let part = u32::from(!is_code);
        let parts = if start <= seal.start && seal.end <= end {
            at = Some((offset + seal.start - start) as usize);
            [start..seal.start, seal.end..end]
        } else {
            [start..end, end..end]
        };
        for own in parts.into_iter().filter(|own| !own.is_empty()) {
            let bytes = &data[(own.start - start) as usize..(own.end - start) as usize];
            let narrow = |address: u64| u32::try_from(address).map_err(|error| error.to_string());
            regions.push(Region {
                part,
                address: narrow(own.start)?,
                len: narrow(own.end - own.start)?,
                sum: Checksum::of(bytes),
            });
        }
    }
    match at {
        Some(at) if place.size() == len => Ok(Some((at, regions))),
        _ => Err(format!("`{SYMBOL}` is no constant of {len} bytes")),
    }
}
