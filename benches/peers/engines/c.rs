//! An engine in C: `engine_infer` of the library `engine`.
#![no_std]
#![no_main]

use hodoscope_peers_bare::{Engine, bench};

#[link(name = "engine", kind = "static")]
unsafe extern "C" {
    fn engine_infer(input: *const u8, output: *mut u8);
}

struct Peer;

impl Engine for Peer {
    const INPUT: usize = @INPUTS@;
    const OUTPUT: usize = @OUTPUTS@;

    fn infer(input: &[u8], output: &mut [u8]) {
        // SAFETY: the library reads `INPUT` bytes and writes `OUTPUT`; the bench's buffers are as
        // long, and aligned to eight bytes.
        unsafe { engine_infer(input.as_ptr(), output.as_mut_ptr()) }
    }
}

bench!(Peer);
