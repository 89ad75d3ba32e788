//! No engine: what the bench itself costs.
#![no_std]
#![no_main]

use hodoscope_peers_bare::{Engine, bench};

struct Peer;

impl Engine for Peer {
    const INPUT: usize = @INPUTS@;
    const OUTPUT: usize = @OUTPUTS@;

    fn infer(_input: &[u8], _output: &mut [u8]) {}
}

bench!(Peer);
