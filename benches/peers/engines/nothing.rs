//! No engine: what the bench itself costs.
#![no_std]
#![no_main]

use hodoscope_peers_bare::{Bytes, Engine, bench};

struct Peer;

impl Engine for Peer {
    type Event = Bytes<@INPUTS@>;
    type Answer = Bytes<@OUTPUTS@>;
    const INPUT: usize = @INPUTS@;
    const OUTPUT: usize = @OUTPUTS@;

    fn event(input: &[u8]) -> Self::Event {
        Bytes::of(input)
    }

    #[inline(never)]
    fn infer(_: &Self::Event, _: &mut Self::Answer) {}

    fn bytes(answer: &Self::Answer, output: &mut [u8]) {
        output.copy_from_slice(&answer.0);
    }
}

bench!(Peer);
