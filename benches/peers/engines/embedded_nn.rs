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
    const INPUT: usize = @INPUTS@;
    const OUTPUT: usize = @OUTPUTS@;

    fn infer(input: &[u8], output: &mut [u8]) {
        let (mut x, mut y) = ([0i8; WIDEST], [0i8; WIDEST]);
        for (to, from) in x.iter_mut().zip(input) {
            *to = from.cast_signed();
        }
        for layer in &LAYERS {
            dense(layer, &x, &mut y);
            core::mem::swap(&mut x, &mut y);
        }
        for (to, from) in output.iter_mut().zip(x) {
            *to = from.cast_unsigned();
        }
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
