//! What a firmware's image must be like.

use core::ptr::{from_ref, with_exposed_provenance};

use hodoscope_trigger::{Checksum, Guard, Part, Region, Seal};

/// Words of the seal.
const WORDS: usize = 32;

/// Words of a region: what lies in it, its address, its bytes, their sum.
const REGION: usize = 4;

/// The first word of a seal that is written: `HODO`.
const MAGIC: u32 = 0x4f44_4f48;

/// What the image must be like. It is written into the image once that is linked: a mark, the number of regions, the regions, zeros, and
/// the CRC-32C of all words before the last. Zeros are an image that nobody has sealed.
// SAFETY: no other symbol of a firmware has this name; the section is one of constants.
#[unsafe(no_mangle)]
#[unsafe(link_section = ".rodata.hodoscope_seal")]
#[used]
static HODOSCOPE_SEAL: [u32; WORDS] = [0; WORDS];

fn word(index: usize) -> u32 {
    // What was compiled is not what is there: the compiler must not know it.
    let words = from_ref(&HODOSCOPE_SEAL).cast::<u32>();
    // SAFETY: the place lies within the static, or is its first word.
    unsafe {
        words
            .add(if index < WORDS { index } else { 0 })
            .read_volatile()
    }
}

/// The code and the constants of this firmware, as its seal says.
#[derive(Clone, Copy, Debug, Default)]
pub struct Image;

impl Guard for Image {
    const WATCHES: bool = true;

    fn seal(&self) -> Seal {
        let mut sum = Checksum::new();
        let mut any = 0;
        for index in 0..WORDS - 1 {
            any |= word(index);
            sum.update(&word(index).to_le_bytes());
        }
        let last = word(WORDS - 1);
        if any | last == 0 {
            Seal::Missing
        } else if last == sum.value() && word(0) == MAGIC {
            Seal::Sound
        } else {
            Seal::Broken
        }
    }

    fn region(&self, index: u8) -> Option<Region> {
        if word(0) != MAGIC || u32::from(index) >= word(1) {
            return None;
        }
        let first = 2 + REGION * usize::from(index);
        let [part, _, len, sum] = core::array::from_fn(|place| word(first + place));
        Some(Region {
            part: if part == 0 {
                Part::Code
            } else {
                Part::Constants
            },
            len,
            sum,
        })
    }

    fn read(&self, index: u8, offset: u32, bytes: &mut [u8]) {
        let address = word(2 + REGION * usize::from(index) + 1).wrapping_add(offset);
        for (place, byte) in bytes.iter_mut().enumerate() {
            let from = with_exposed_provenance::<u8>(address as usize + place);
            // SAFETY: the seal names memory that the linker has filled with code and constants: its sum was right at the start of the pass
            // that reads. Should a bit of it have flipped since, the address may be any: this reads a byte once, volatile, and writes nothing,
            // and where nothing answers at it the processor faults, which starts the chip again with BUSY up.
            *byte = unsafe { from.read_volatile() };
        }
    }
}
