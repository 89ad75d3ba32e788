//! embedded-nn: a call per layer, with its parameters beside it.
#![no_std]
#![no_main]

use embedded_nn::fully_connected::fully_connected_s8;
use embedded_nn::types::{Activation, Dims, FcParams, PerTensorQuantParams};
use hodoscope_peers_bare::{Engine, bench, failed};

mod network;

use network::{LAYERS, Layer, WIDEST};

struct Peer;

impl Engine for Peer {
    type Event = [i8; @INPUTS@];
    type Answer = Answer;
    const INPUT: usize = @INPUTS@;
    const OUTPUT: usize = @OUTPUTS@;

    fn event(input: &[u8]) -> Self::Event {
        let mut event = [0; @INPUTS@];
        for (to, from) in event.iter_mut().zip(input) {
            *to = from.cast_signed();
        }
        event
    }

    #[inline(never)]
    fn infer(event: &Self::Event, answer: &mut Answer) {
        let (mut x, mut y) = ([0i8; WIDEST], [0i8; WIDEST]);
        for (index, layer) in LAYERS.iter().enumerate() {
            let input = if index == 0 { &event[..] } else { &x[..] };
            let last = index + 1 == LAYERS.len();
            dense(layer, input, if last { &mut answer.0 } else { &mut y });
            core::mem::swap(&mut x, &mut y);
        }
    }

    fn bytes(answer: &Answer, output: &mut [u8]) {
        for (to, from) in output.iter_mut().zip(answer.0) {
            *to = from.cast_unsigned();
        }
    }
}

/// As many as the output has.
struct Answer([i8; @OUTPUTS@]);

impl Default for Answer {
    fn default() -> Self {
        Self([0; @OUTPUTS@])
    }
}

fn dense(layer: &Layer, x: &[i8], y: &mut [i8]) {
    let dims = |n: usize, c: usize| Dims { n: n as i32, h: 1, w: 1, c: c as i32 };
    let done = fully_connected_s8(
        &FcParams {
            input_offset: layer.input_offset,
            filter_offset: 0,
            output_offset: layer.output_offset,
            activation: Activation { min: layer.minimum, max: 127 },
        },
        &PerTensorQuantParams { multiplier: layer.multiplier, shift: layer.shift },
        &dims(1, layer.inputs),
        &x[..layer.inputs],
        &dims(layer.inputs, layer.outputs),
        layer.weights,
        Some(layer.bias),
        &dims(1, layer.outputs),
        &mut y[..layer.outputs],
    );
    if done.is_err() {
        failed();
    }
}

bench!(Peer);
