//! UF2, the form that boot loaders with a drive take: blocks of 512 bytes, each with its address
//! (<https://github.com/microsoft/uf2>).

use std::collections::BTreeMap;

use super::image::Segment;

/// Bytes of flash that a block holds.
const PAGE: u32 = 256;
/// A block's length.
const BLOCK: usize = 512;
/// The block names a family of chips.
const HAS_FAMILY: u32 = 0x2000;

/// The file that writes `segments` to a chip of `family`. What lies in no segment is 0 within a page that is written.
pub(super) fn encode(segments: &[Segment], family: u32) -> Vec<u8> {
    let mut pages = BTreeMap::<u32, [u8; PAGE as usize]>::new();
    for segment in segments {
        for (address, byte) in (segment.address..).zip(&segment.bytes) {
            let page = pages.entry(address / PAGE).or_insert([0; PAGE as usize]);
            page[(address % PAGE) as usize] = *byte;
        }
    }
    let mut file = Vec::with_capacity(pages.len() * BLOCK);
    for (number, (page, bytes)) in (0_u32..).zip(&pages) {
        let head = [
            0x0a32_4655,
            0x9e5d_5157,
            HAS_FAMILY,
            page * PAGE,
            PAGE,
            number,
            pages.len() as u32,
            family,
        ];
        let start = file.len();
        file.extend(head.iter().flat_map(|word: &u32| word.to_le_bytes()));
        file.extend(bytes);
        file.resize(start + BLOCK - 4, 0);
        file.extend(0x0ab1_6f30_u32.to_le_bytes());
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(block: &[u8], index: usize) -> u32 {
        u32::from_le_bytes(block[4 * index..4 * index + 4].try_into().unwrap())
    }

    #[test]
    fn blocks_hold_pages_and_say_where_they_belong() {
        let segments = [
            Segment {
                address: 0x1000_0000,
                bytes: vec![7; 256],
            },
            Segment {
                address: 0x1000_01fe,
                bytes: vec![1, 2, 3, 4],
            },
        ];
        let file = encode(&segments, 0xe48b_ff56);
        let blocks: Vec<_> = file.chunks(BLOCK).collect();
        assert_eq!((file.len(), blocks.len()), (3 * 512, 3));
        for (number, block) in (0_u32..).zip(&blocks) {
            assert_eq!(&block[..4], b"UF2\n");
            assert_eq!(
                (word(block, 1), word(block, 127)),
                (0x9e5d_5157, 0x0ab1_6f30)
            );
            assert_eq!((word(block, 2), word(block, 4)), (HAS_FAMILY, 256));
            assert_eq!((word(block, 5), word(block, 6)), (number, 3));
            assert_eq!(word(block, 7), 0xe48b_ff56);
        }
        let addresses: Vec<_> = blocks.iter().map(|block| word(block, 3)).collect();
        assert_eq!(addresses, [0x1000_0000, 0x1000_0100, 0x1000_0200]);
        assert!(blocks[0][32..288].iter().all(|byte| *byte == 7));
        assert_eq!(blocks[1][32 + 253..288], [0, 1, 2]);
        assert_eq!(blocks[2][32..35], [3, 4, 0]);
    }
}
