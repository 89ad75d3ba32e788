//! microflow: reads the tflite file when it is compiled, answers in float.
#![no_std]
#![no_main]

use hodoscope_peers_bare::{Engine, bench};
use nalgebra::SMatrix;

#[microflow::model("@TFLITE@")]
struct Network;

struct Peer;

struct Answer(SMatrix<f32, 1, @OUTPUTS@>);

impl Default for Answer {
    fn default() -> Self {
        Self(SMatrix::zeros())
    }
}

impl Engine for Peer {
    type Event = SMatrix<i8, 1, @INPUTS@>;
    type Answer = Answer;
    const INPUT: usize = @INPUTS@;
    const OUTPUT: usize = 4 * @OUTPUTS@;

    fn event(input: &[u8]) -> Self::Event {
        SMatrix::from_iterator(input.iter().map(|byte| byte.cast_signed()))
    }

    #[inline(never)]
    fn infer(event: &Self::Event, answer: &mut Self::Answer) {
        answer.0 = Network::predict_quantized(*event);
    }

    fn bytes(answer: &Self::Answer, output: &mut [u8]) {
        for (bytes, value) in output.chunks_exact_mut(4).zip(answer.0.iter()) {
            bytes.copy_from_slice(&value.to_le_bytes());
        }
    }
}

bench!(Peer);
