//! microflow: reads the tflite file when it is compiled, answers in float.
#![no_std]
#![no_main]

use hodoscope_peers_bare::{Engine, bench};
use nalgebra::SMatrix;

#[microflow::model("@TFLITE@")]
struct Network;

struct Peer;

impl Engine for Peer {
    const INPUT: usize = @INPUTS@;
    const OUTPUT: usize = 4 * @OUTPUTS@;

    fn infer(input: &[u8], output: &mut [u8]) {
        let input = SMatrix::<i8, 1, @INPUTS@>::from_iterator(input.iter().map(|byte| byte.cast_signed()));
        let answer = Network::predict_quantized(input);
        for (bytes, value) in output.chunks_exact_mut(4).zip(answer.iter()) {
            bytes.copy_from_slice(&value.to_le_bytes());
        }
    }
}

bench!(Peer);
