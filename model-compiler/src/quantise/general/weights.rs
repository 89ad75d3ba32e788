//! Weights and biases on power-of-two grids.

use crate::graph::Tensor;
use crate::quantise::rounding::{Moments, Roundings, row_frac};

/// Bits that a bias may take of an accumulator, and one more: with operands of 16 bits, and of more.
const ROOM: i32 = 30;
const WIDE_ROOM: i32 = 46;

/// The rows of a layer's weights, one for each output, and its biases.
#[derive(Debug)]
pub(super) struct Layer<'a> {
    /// The layer among others of its graph.
    pub index: usize,
    pub weights: &'a mut Tensor,
    pub bias: &'a mut [f32],
    /// Places of each output's weights, and the fraction bits of the operand that each multiplies.
    pub rows: Vec<Vec<(usize, i32)>>,
    /// What each of a row's operands was divided by, where it was.
    pub gains: Option<Vec<f64>>,
    /// Bits of a weight.
    pub width: u8,
    /// Bits of the operand.
    pub operand: u8,
    /// Mean and covariance of the operand, where all rows read the same.
    pub moments: Option<&'a Moments>,
}

impl Layer<'_> {
    /// Rounds each row to its own format, all its weights together where the operand's covariance is known. A weight is
    /// rounded as the integer that multiplies counts of its operand, so that operands on different grids share the sum's.
    pub fn round(self, roundings: &mut Roundings) {
        let limit = libm::ldexp(1.0, i32::from(self.width) - 1) - 1.0;
        let room = match self.operand > 16 {
            true => WIDE_ROOM,
            false => ROOM,
        };
        let gain = |column: usize| self.gains.as_ref().map_or(1.0, |gains| gains[column]);
        let counts = |row: &Vec<(usize, i32)>| -> Vec<f64> {
            let of = |(column, (place, frac)): (usize, &(usize, i32))| {
                libm::ldexp(f64::from(self.weights.data[*place]) * gain(column), -frac)
            };
            row.iter().enumerate().map(of).collect()
        };
        let rows: Vec<Vec<f64>> = self.rows.iter().map(counts).collect();
        let fracs: Vec<i32> = rows
            .iter()
            .zip(self.bias.iter())
            .map(|(row, bias)| row_frac(row, f64::from(*bias), 0, limit, room))
            .collect();
        // One count of the operand.
        let first = self.rows.first().map_or(&[][..], Vec::as_slice);
        let of_count =
            |(column, (_, frac)): (usize, &(usize, i32))| libm::ldexp(gain(column), -frac);
        let gains: Vec<f64> = first.iter().enumerate().map(of_count).collect();
        let rounded = roundings.of(self.index, &rows, &fracs, &gains, limit, self.moments);
        let raws = rounded.raws.chunks(gains.len().max(1));
        let of_rows = self.rows.iter().zip(&fracs).zip(raws.zip(&rounded.shifts));
        for (((row, frac), (raws, shift)), bias) in of_rows.zip(self.bias) {
            for ((place, own), raw) in row.iter().zip(raws) {
                self.weights.data[*place] = libm::ldexp(*raw as f64, own - frac) as f32;
            }
            let raw = (libm::ldexp(f64::from(*bias) - shift, *frac) + 0.5).floor();
            *bias = libm::ldexp(raw, -frac) as f32;
        }
    }
}

/// The multiple of 2^−frac that is nearest.
pub(super) fn on_grid(value: f32, frac: i32) -> f32 {
    let raw = (libm::ldexp(f64::from(value), frac) + 0.5).floor();
    libm::ldexp(raw, -frac) as f32
}

/// A factor with a mantissa of 16 bits.
pub(super) fn factor(value: f64) -> f64 {
    mantissa(value, 16)
}

/// A factor with a mantissa of 24 bits, as single precision has.
pub(super) fn fine_factor(value: f64) -> f64 {
    mantissa(value, 24)
}

fn mantissa(value: f64, bits: i32) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let shift = bits - 1 - libm::ilogb(value);
    libm::ldexp((libm::ldexp(value, shift) + 0.5).floor(), -shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_integers_on_counts_of_their_operands() {
        let mut weights = Tensor::new(vec![1, 2], vec![0.3, 5.0e-4]).unwrap();
        let mut bias = [0.1];
        let rows = vec![vec![(0, 4), (1, -6)]];
        Layer {
            index: 0,
            weights: &mut weights,
            bias: &mut bias,
            rows,
            gains: None,
            width: 8,
            operand: 16,
            moments: None,
        }
        .round(&mut Roundings::default());
        // Counts of 2^−4 and 2^6: products of 0.01875 and 0.032.
        let products = [weights.data[0] / 16.0, weights.data[1] * 64.0];
        let unit = 2f32.powi(-11);
        for product in products.iter().chain(&bias) {
            let counts = product / unit;
            assert_eq!(counts, counts.round(), "{product}");
        }
        assert!((weights.data[0] / 0.3 - 1.0).abs() < 0.02);
        assert!((weights.data[1] / 5.0e-4 - 1.0).abs() < 0.02);
        assert!((bias[0] - 0.1).abs() < unit);
    }
}
