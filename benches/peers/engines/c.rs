//! An engine in C: `engine_infer` of the library `engine`.
#![no_std]
#![no_main]

use hodoscope_peers_bare::{Bytes, Engine, bench};

#[link(name = "engine", kind = "static")]
unsafe extern "C" {
    fn engine_infer(input: *const u8, output: *mut u8);
}

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
    fn infer(event: &Self::Event, answer: &mut Self::Answer) {
        // SAFETY: the library reads `INPUT` bytes and writes `OUTPUT`; both are as long, and aligned to
        // eight bytes.
        unsafe { engine_infer(event.0.as_ptr(), answer.0.as_mut_ptr()) }
    }

    fn bytes(answer: &Self::Answer, output: &mut [u8]) {
        output.copy_from_slice(&answer.0);
    }
}

bench!(Peer);
