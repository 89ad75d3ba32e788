//! A tagger of a set: the multiplicity, and as many constituents.
#![no_std]
#![no_main]

use @CRATE@::{Constituent, Deployed};
use hodoscope_peers_bare::{Engine, bench};

const CAPACITY: usize = @CAPACITY@;
const WORDS: usize = @WORDS@;

struct Peer;

struct Event {
    multiplicity: usize,
    constituents: [Constituent; CAPACITY],
}

impl Engine for Peer {
    type Event = Event;
    type Answer = [i64; @OUTPUTS@];
    const INPUT: usize = 2 + 2 * WORDS * CAPACITY;
    const OUTPUT: usize = 4 * @OUTPUTS@;

    fn event(input: &[u8]) -> Event {
        let word = |at: usize| i16::from_le_bytes([input[at], input[at + 1]]);
        let multiplicity = usize::from(word(0).cast_unsigned()).min(CAPACITY);
        let mut constituents = [Constituent { @FIELD@: [0; WORDS] }; CAPACITY];
        for (constituent, index) in constituents[..multiplicity].iter_mut().zip(0..) {
            for (to, field) in constituent.@FIELD@.iter_mut().zip(0..) {
                *to = word(2 + 2 * (WORDS * index + field));
            }
        }
        Event { multiplicity, constituents }
    }

    #[inline(never)]
    fn infer(event: &Event, answer: &mut Self::Answer) {
        let constituents = event.constituents.get(..event.multiplicity).unwrap_or(&event.constituents);
        *answer = Deployed::run(constituents).raws();
    }

    fn bytes(answer: &Self::Answer, output: &mut [u8]) {
        for (bytes, raw) in output.chunks_exact_mut(4).zip(answer) {
            bytes.copy_from_slice(&(*raw as i32).to_le_bytes());
        }
    }
}

bench!(Peer);
