//! A hand-written model, to prove boards, links and the event loop without a compiler.
//!
//! It has a fixed word, and a set of up to [`CAPACITY`] constituents of two words each. Its first
//! raw is the fixed word plus the sum of the products of each constituent's words; every further
//! raw is one more than the one before it.
#![no_std]
#![forbid(unsafe_code)]

use hodoscope_kernels::model::{EventError, InputInfo, Model, Observer, OutputInfo};

/// Largest multiplicity that is computed. Constituents behind it count for nothing.
pub const CAPACITY: usize = 8;

/// Payload bytes of the fixed word.
pub const FIXED: usize = 2;

/// Payload bytes of a constituent.
pub const ROW: usize = 4;

/// The model, with `RAWS` raws: one in the output `score`, the others in `more`.
#[derive(Clone, Copy, Debug)]
pub struct Toy<const RAWS: usize = 2>;

impl<const RAWS: usize> Model for Toy<RAWS> {
    const NAME: &'static str = "toy";
    const PROGRAM: [u8; 32] = [0x70; 32];
    const CAPACITY: usize = CAPACITY;
    const INPUTS: &'static [InputInfo] = &[
        InputInfo {
            name: "met",
            words: 1,
            bytes: 2,
            set: false,
        },
        InputInfo {
            name: "jets",
            words: 2,
            bytes: 2,
            set: true,
        },
    ];
    const OUTPUTS: &'static [OutputInfo] = &[
        OutputInfo {
            name: "score",
            len: 1,
        },
        OutputInfo {
            name: "more",
            len: RAWS - 1,
        },
    ];
    type Raws = [i64; RAWS];

    fn infer<O: Observer>(payload: &[u8], observer: &mut O) -> Result<[i64; RAWS], EventError> {
        let length = EventError::Length {
            got: payload.len(),
            fixed: FIXED,
            row: ROW,
        };
        let Some((&met, jets)) = payload.split_first_chunk::<FIXED>() else {
            return Err(length);
        };
        let (jets, []) = jets.as_chunks::<ROW>() else {
            return Err(length);
        };
        let met = i16::from_le_bytes(met);
        observer.values(0, 0, &[met]);
        let mut score = i64::from(met);
        for (row, &[a, b, c, d]) in jets.iter().take(CAPACITY).enumerate() {
            let words = [i16::from_le_bytes([a, b]), i16::from_le_bytes([c, d])];
            observer.values(1, row as u16, &words);
            score += i64::from(words[0]) * i64::from(words[1]);
        }
        let raws = core::array::from_fn(|index| score + index as i64);
        observer.values(2, 0, &raws);
        Ok(raws)
    }
}
