//! A network of one input and one output.
#![no_std]
#![no_main]

use @CRATE@::{Deployed, Event, Outputs};
use hodoscope_peers_bare::{Engine, bench};

const WORD: usize = size_of::<@WORD@>();
const RAW: usize = size_of::<@RAW@>();

struct Peer;

struct Answer(Outputs);

impl Default for Answer {
    fn default() -> Self {
        Self(Outputs { @OUTPUT@: @EMPTY@ })
    }
}

impl Engine for Peer {
    type Event = Event;
    type Answer = Answer;
    const INPUT: usize = WORD * @INPUTS@;
    const OUTPUT: usize = RAW * @OUTPUTS@;

    fn event(input: &[u8]) -> Event {
        let mut event = Event { @INPUT@: [0; @INPUTS@] };
        for (word, bytes) in event.@INPUT@.iter_mut().zip(input.chunks_exact(WORD)) {
            let mut own = [0; WORD];
            own.copy_from_slice(bytes);
            *word = <@WORD@>::from_le_bytes(own);
        }
        event
    }

    #[inline(never)]
    fn infer(event: &Event, answer: &mut Answer) {
        answer.0 = Deployed::run(event);
    }

    fn bytes(answer: &Answer, output: &mut [u8]) {
        for (bytes, raw) in output.chunks_exact_mut(RAW).zip(@RAWS@) {
            bytes.copy_from_slice(&raw.to_le_bytes());
        }
    }
}

bench!(Peer);
