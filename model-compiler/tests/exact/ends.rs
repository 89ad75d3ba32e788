//! Outputs behind the last quantiser: functions, means, and what a mean over rows gives a quantiser of any scale.

use crate::activations::{Network, largest_difference, program};
use hodoscope_compiler::graph::{Op, Reduction, Tensor, Unary, ValueId};

/// A layer of a scale that is no power of two, so that its sums have many bits.
fn layer(net: &mut Network) -> ValueId {
    let weights: Vec<f32> = (0..16).map(|i| (i * 7 % 15) as f32 * 0.1 - 0.7).collect();
    let dense = Op::Dense {
        weights: Tensor::new(vec![4, 4], weights).unwrap(),
        bias: vec![0.25, -0.5, 0.0, 1.0],
    };
    net.push(dense, &[net.x])
}

#[test]
fn functions_of_sums_and_of_few_bits_end_a_network() {
    // Results are at most 30.
    for (function, bar) in [
        (Unary::Sigmoid, 4e-5),
        (Unary::Tanh, 4e-5),
        (Unary::Elu { alpha: 1.0 }, 6e-5),
        (Unary::Softplus, 6e-5),
    ] {
        for wide in [false, true] {
            let mut net = Network::new(&[1, 4], 4, 8);
            let x = if wide { layer(&mut net) } else { net.x };
            let y = net.push(Op::Unary(function), &[x]);
            let difference = largest_difference(&net.finish(y), 4.0);
            println!("{function:?}, wide {wide}: {difference:.1e}");
            assert!(difference <= bar, "{function:?} {wide}: {difference}");
        }
    }
}

#[test]
fn exponentials_end_a_network_where_none_is_large() {
    let mut net = Network::new(&[1, 4], 5, 8);
    let y = net.push(Op::Unary(Unary::Exp), &[net.x]);
    assert!(largest_difference(&net.finish(y), 4.0) <= 1e-5);
    let mut net = Network::new(&[1, 4], 4, 8);
    let y = net.push(Op::Unary(Unary::Exp), &[net.x]);
    let error = program(&net.finish(y)).unwrap_err().to_string();
    assert!(error.contains("a Exp, is not quantised"), "{error}");
}

#[test]
fn logarithms_of_softmax_end_a_network() {
    for wide in [false, true] {
        let mut net = Network::new(&[1, 4], 3, 8);
        let x = if wide { layer(&mut net) } else { net.x };
        let y = net.push(Op::LogSoftmax { axis: 1 }, &[x]);
        let difference = largest_difference(&net.finish(y), 10.0);
        println!("wide {wide}: {difference:.1e}");
        assert!(difference <= 2e-4, "{wide}: {difference}");
    }
}

#[test]
fn a_mean_ends_a_network() {
    let mut net = Network::new(&[1, 3, 4], 4, 8);
    let y = net.reduced(Reduction::Mean, 1, net.x);
    assert!(largest_difference(&net.finish(y), 8.0) <= 1e-5);
    // Of squares of a scale that is no power of two: the score of an autoencoder.
    let mut net = Network::new(&[1, 4], 4, 8);
    let x = net.quantised_by(net.x, Tensor::scalar(0.037), 8);
    let x = net.push(Op::Unary(Unary::Square), &[x]);
    let y = net.reduced(Reduction::Mean, 1, x);
    assert!(largest_difference(&net.finish(y), 8.0) <= 1e-5);
}

#[test]
fn a_mean_over_rows_is_quantised_by_any_scale() {
    let mut net = Network::new(&[1, 3, 4], 4, 8);
    let mean = net.reduced(Reduction::Mean, 1, net.x);
    let scale = Tensor::scalar(0.037);
    let y = net.quantised_by(mean, scale, 8);
    // As in single precision, but for ties.
    assert!(largest_difference(&net.finish(y), 4.0) <= 1e-6);
}
