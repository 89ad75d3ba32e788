//! A network of one input and one output, both of bytes.
#![no_std]
#![no_main]

use @CRATE@::{Deployed, Event};
use hodoscope_peers_bare::{Engine, bench};

struct Peer;

impl Engine for Peer {
    const INPUT: usize = @INPUTS@;
    const OUTPUT: usize = @OUTPUTS@;

    fn infer(input: &[u8], output: &mut [u8]) {
        let mut event = Event { @INPUT@: [0; @INPUTS@] };
        for (word, byte) in event.@INPUT@.iter_mut().zip(input) {
            *word = byte.cast_signed();
        }
        let outputs = Deployed::run(&event);
        for (byte, raw) in output.iter_mut().zip(outputs.@OUTPUT@) {
            *byte = raw.cast_unsigned();
        }
    }
}

bench!(Peer);
