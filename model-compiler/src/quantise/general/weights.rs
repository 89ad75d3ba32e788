//! Weights and biases on power-of-two grids.

use crate::graph::Tensor;
use crate::quantise::format;

/// Bits that a bias may take of an accumulator: with operands of 16 bits, and of more.
const BIAS_BITS: i32 = 29;
const WIDE_BIAS_BITS: i32 = 45;

/// The rows of a layer's weights, one for each output, and its biases.
#[derive(Debug)]
pub(super) struct Layer<'a> {
    pub weights: &'a mut Tensor,
    pub bias: &'a mut [f32],
    /// Places of each output's weights, and the fraction bits of the operand that each multiplies.
    pub rows: Vec<Vec<(usize, i32)>>,
    /// Bits of a weight.
    pub width: u8,
    /// Bits of the operand.
    pub operand: u8,
}

impl Layer<'_> {
    /// Rounds each row to its own format. A weight is rounded as the integer that multiplies counts of its operand, so
    /// that operands on different grids share the sum's.
    pub fn round(self) {
        let limit = libm::ldexp(1.0, i32::from(self.width) - 1) - 1.0;
        let most = match self.operand > 16 {
            true => WIDE_BIAS_BITS,
            false => BIAS_BITS,
        };
        for (row, bias) in self.rows.iter().zip(self.bias) {
            let per_count: Vec<f32> = row
                .iter()
                .map(|(place, frac)| {
                    libm::ldexp(f64::from(self.weights.data[*place]), -frac) as f32
                })
                .collect();
            let room = most - libm::ilogb(f64::from(bias.abs().max(f32::MIN_POSITIVE)));
            let frac = format::best_frac_of_any_size(&per_count, self.width).min(room);
            for ((place, own), weight) in row.iter().zip(&per_count) {
                let raw = (libm::ldexp(f64::from(*weight), frac) + 0.5).floor();
                let raw = raw.clamp(-limit, limit);
                self.weights.data[*place] = libm::ldexp(raw, own - frac) as f32;
            }
            *bias = on_grid(*bias, frac);
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
            weights: &mut weights,
            bias: &mut bias,
            rows,
            width: 8,
            operand: 16,
        }
        .round();
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
