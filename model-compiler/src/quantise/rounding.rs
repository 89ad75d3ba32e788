//! Rounding of a layer's weights together: what one weight's rounding adds to the sum, others take back.
//!
//! Rounded to nearest, each weight errs on its own by up to half a count, and over operands that go up and down
//! together (latent channels of one jet) the errors add up. The error that counts is the sum's: eᵀ·C·e, where e is the
//! error of the row and C the covariance of the operand among the calibration events; the mean goes into the bias.
//! The least e on the grid is a closest-vector problem: Babai's nearest plane ("On Lovász' lattice reduction and the
//! nearest lattice point problem", 1986; the walk of "GPTQ", Frantar and others, 2023), then single steps of one count
//! as long as one helps.

use std::collections::BTreeMap;

use nalgebra::DMatrix;

use crate::format;

/// Added to each variance, as a fraction of the mean one: events that the calibration does not show.
const DAMPING: f64 = 0.2;
/// Rows that a covariance is taken from, at most about, and products of them.
pub(super) const MOMENT_ROWS: usize = 16_384;
const WORK: usize = 1 << 30;
/// Passes of single steps; two or three are enough nearly always.
const PASSES: usize = 16;

/// Rows that were rounded, for the next trial of other widths: most layers are then what they were.
#[derive(Debug, Default)]
pub(super) struct Roundings {
    done: BTreeMap<Key, Rounded>,
}

/// Layer, fraction bits of its rows, and bits of the gains of its operand.
type Key = (usize, Vec<i32>, Vec<u64>);

/// The weights of a layer on their grids.
#[derive(Clone, Debug)]
pub(super) struct Rounded {
    /// `[out, in]`, in counts of 2^−frac of their row.
    pub raws: Vec<i64>,
    /// `[out]`: what the rounding adds to each sum on average.
    pub shifts: Vec<f64>,
}

impl Roundings {
    /// Rounds the rows of `node`, given as `rows` at `fracs`, on an operand that was divided by `gains`.
    pub fn of(
        &mut self,
        node: usize,
        rows: &[Vec<f64>],
        fracs: &[i32],
        gains: &[f64],
        limit: f64,
        moments: Option<&Moments>,
    ) -> &Rounded {
        let bits = gains.iter().map(|gain| gain.to_bits()).collect();
        let key = (node, fracs.to_vec(), bits);
        self.done.entry(key).or_insert_with(|| {
            let rounder = match moments {
                Some(moments) => moments.rounder(gains),
                None => Rounder::to_nearest(gains.len()),
            };
            let mut rounded = Rounded {
                raws: Vec::with_capacity(rows.len() * gains.len()),
                shifts: Vec::with_capacity(rows.len()),
            };
            for (row, frac) in rows.iter().zip(fracs) {
                let counts: Vec<f64> = row.iter().map(|w| libm::ldexp(*w, *frac)).collect();
                let (raws, shift) = rounder.round(&counts, limit);
                rounded.raws.extend(raws);
                rounded.shifts.push(libm::ldexp(shift, -frac));
            }
            rounded
        })
    }
}

/// Mean and covariance of a layer's operand.
#[derive(Clone, Debug)]
pub(super) struct Moments {
    count: f64,
    sum: Vec<f64>,
    /// Σ x·xᵀ, lower triangle by rows.
    products: Vec<f64>,
}

impl Moments {
    /// Those of `channels` values, none seen so far.
    pub fn new(channels: usize) -> Self {
        Self {
            count: 0.0,
            sum: vec![0.0; channels],
            products: vec![0.0; channels * (channels + 1) / 2],
        }
    }

    /// Values of an operand.
    pub fn channels(&self) -> usize {
        self.sum.len()
    }

    /// Operands that are enough, about: as many as take a while.
    pub fn rows(&self) -> usize {
        (WORK / self.products.len()).clamp(1, MOMENT_ROWS)
    }

    /// Takes one operand.
    pub fn add(&mut self, row: &[f32]) {
        self.count += 1.0;
        let mut at = 0;
        for (i, a) in row.iter().enumerate() {
            let a = f64::from(*a);
            self.sum[i] += a;
            let line = &mut self.products[at..][..=i];
            at += i + 1;
            if a == 0.0 {
                continue;
            }
            for (product, b) in line.iter_mut().zip(row) {
                *product += a * f64::from(*b);
            }
        }
    }

    /// For weights on the operand divided by `gains`.
    fn rounder(&self, gains: &[f64]) -> Rounder {
        let n = self.sum.len();
        let count = self.count.max(1.0);
        let means: Vec<f64> = self
            .sum
            .iter()
            .zip(gains)
            .map(|(s, g)| s / count / g)
            .collect();
        let mut covariance = DMatrix::<f64>::zeros(n, n);
        let mut at = 0;
        for i in 0..n {
            for j in 0..=i {
                let product = self.products[at] / count / (gains[i] * gains[j]);
                at += 1;
                let value = product - means[i] * means[j];
                covariance[(i, j)] = value;
                covariance[(j, i)] = value;
            }
        }
        let damping = DAMPING * covariance.trace() / n.max(1) as f64;
        for i in 0..n {
            covariance[(i, i)] += damping;
        }
        let factor = covariance.clone().cholesky().map(|c| c.unpack());
        Rounder {
            means,
            covariance,
            factor,
        }
    }
}

/// Rounds rows of weights on one operand.
#[derive(Clone, Debug)]
struct Rounder {
    means: Vec<f64>,
    covariance: DMatrix<f64>,
    /// C = L·Lᵀ; none where the operand never changes.
    factor: Option<DMatrix<f64>>,
}

impl Rounder {
    /// Where nothing is known of the operand.
    fn to_nearest(operands: usize) -> Self {
        Self {
            means: vec![0.0; operands],
            covariance: DMatrix::zeros(0, 0),
            factor: None,
        }
    }

    /// Whole numbers within ±`limit` for `row`, in counts, and the mean of what they add to the sum.
    fn round(&self, row: &[f64], limit: f64) -> (Vec<i64>, f64) {
        let nearest: Vec<f64> = row
            .iter()
            .map(|w| (w + 0.5).floor().clamp(-limit, limit))
            .collect();
        let raws = match &self.factor {
            Some(factor) => {
                let mut planes = self.planes(factor, row, limit);
                self.descend(row, &mut planes, limit);
                if self.error(row, &planes) < self.error(row, &nearest) {
                    planes
                } else {
                    nearest
                }
            }
            None => nearest,
        };
        let shift = raws
            .iter()
            .zip(row)
            .zip(&self.means)
            .map(|((r, w), m)| (r - w) * m)
            .sum();
        (raws.iter().map(|r| *r as i64).collect(), shift)
    }

    /// Nearest plane: each weight in turn takes up what those before it left over.
    fn planes(&self, factor: &DMatrix<f64>, row: &[f64], limit: f64) -> Vec<f64> {
        let n = row.len();
        let mut raws = vec![0.0; n];
        let mut errors = vec![0.0; n];
        for i in (0..n).rev() {
            let carried: f64 = (i + 1..n).map(|j| factor[(j, i)] * errors[j]).sum();
            let target = row[i] - carried / factor[(i, i)];
            raws[i] = (target + 0.5).floor().clamp(-limit, limit);
            errors[i] = raws[i] - row[i];
        }
        raws
    }

    /// Steps of one count, as long as one lessens the error.
    fn descend(&self, row: &[f64], raws: &mut [f64], limit: f64) {
        let n = row.len();
        let mut slope = self.slope(row, raws);
        for _ in 0..PASSES {
            let mut moved = false;
            for i in 0..n {
                let step = if slope[i] > 0.0 { -1.0 } else { 1.0 };
                let gain = 2.0 * step * slope[i] + self.covariance[(i, i)];
                if gain >= 0.0 || (raws[i] + step).abs() > limit {
                    continue;
                }
                raws[i] += step;
                moved = true;
                for (s, c) in slope.iter_mut().zip(self.covariance.column(i).iter()) {
                    *s += step * c;
                }
            }
            if !moved {
                break;
            }
        }
    }

    /// C·e.
    fn slope(&self, row: &[f64], raws: &[f64]) -> Vec<f64> {
        let mut slope = vec![0.0; row.len()];
        for (i, (raw, w)) in raws.iter().zip(row).enumerate() {
            for (s, c) in slope.iter_mut().zip(self.covariance.column(i).iter()) {
                *s += (raw - w) * c;
            }
        }
        slope
    }

    /// eᵀ·C·e.
    fn error(&self, row: &[f64], raws: &[f64]) -> f64 {
        let slope = self.slope(row, raws);
        raws.iter()
            .zip(row)
            .zip(slope)
            .map(|((r, w), s)| (r - w) * s)
            .sum()
    }
}

/// The frac of a row's weights with the least squared error, such that the bias stays within the
/// accumulator.
pub(super) fn row_frac(row: &[f64], bias: f64, x_frac: i32, limit: f64, room: i32) -> i32 {
    let largest = row.iter().fold(0.0f64, |m, w| m.max(w.abs()));
    let highest = {
        let mut frac = room - x_frac;
        while frac > -64 && libm::ldexp(bias.abs(), x_frac + frac) > libm::ldexp(1.0, room - 1) {
            frac -= 1;
        }
        frac
    };
    if largest == 0.0 {
        // Only the bias is left: 16 bits of it.
        return highest.min(format::covering_frac(bias.abs(), 16) - x_frac);
    }
    let mut covering = 30 - libm::ilogb(largest);
    while libm::ldexp(largest, covering) > limit + 0.5 {
        covering -= 1;
    }
    let error = |frac: i32| {
        let (scale, lsb) = (libm::ldexp(1.0, frac), libm::ldexp(1.0, -frac));
        row.iter().fold(0.0, |sum, w| {
            let raw = (w * scale + 0.5).floor().clamp(-limit, limit);
            sum + (raw * lsb - w) * (raw * lsb - w)
        })
    };
    // One bit more clips the largest weights: worth it where they are few.
    let best = if error(covering + 1) < error(covering) {
        covering + 1
    } else {
        covering
    };
    best.min(highest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn moments(rows: &[Vec<f32>]) -> Moments {
        let mut moments = Moments::new(rows[0].len());
        rows.iter().for_each(|row| moments.add(row));
        moments
    }

    #[test]
    fn operands_that_move_together_take_back_each_others_errors() {
        let rows: Vec<Vec<f32>> = (0..100).map(|i| vec![i as f32, i as f32 + 0.01]).collect();
        let rounder = moments(&rows).rounder(&[1.0, 1.0]);
        let (raws, _) = rounder.round(&[3.4, 5.4], 127.0);
        // To nearest 3 and 5: 0.8 too little of what is one value.
        assert_eq!(raws.iter().sum::<i64>(), 9);
    }

    #[test]
    fn an_operand_that_never_changes_is_the_biases() {
        let rounder = moments(&[vec![2.0, -1.0], vec![2.0, -1.0]]).rounder(&[1.0, 0.5]);
        let (raws, shift) = rounder.round(&[3.4, 5.4], 127.0);
        assert_eq!(raws, [3, 5]);
        assert!((shift - (-0.4 * 2.0 + 0.4 * 2.0)).abs() < 1e-12, "{shift}");
    }

    #[test]
    fn a_layer_is_rounded_once() {
        let mut roundings = Roundings::default();
        let rows = [vec![0.3, 0.7]];
        let first = roundings
            .of(4, &rows, &[6], &[1.0, 1.0], 127.0, None)
            .raws
            .clone();
        assert_eq!(first, [19, 45]);
        let wrong = [vec![0.0, 0.0]];
        assert_eq!(
            roundings.of(4, &wrong, &[6], &[1.0, 1.0], 127.0, None).raws,
            first
        );
        assert_eq!(
            roundings.of(5, &wrong, &[6], &[1.0, 1.0], 127.0, None).raws,
            [0, 0]
        );
    }

    proptest! {
        #[test]
        fn never_worse_than_to_nearest_and_the_mean_is_as_stated(
            rows in prop::collection::vec(prop::collection::vec(-4.0f32..4.0, 5), 2..40),
            weights in prop::collection::vec(-20.0f64..20.0, 5),
            limit in 1u8..18,
        ) {
            let limit = f64::from(limit);
            let rounder = moments(&rows).rounder(&[1.0; 5]);
            let (raws, shift) = rounder.round(&weights, limit);
            prop_assert!(raws.iter().all(|raw| raw.abs() as f64 <= limit));
            let together: Vec<f64> = raws.iter().map(|raw| *raw as f64).collect();
            let nearest: Vec<f64> =
                weights.iter().map(|w| (w + 0.5).floor().clamp(-limit, limit)).collect();
            prop_assert!(rounder.error(&weights, &together) <= rounder.error(&weights, &nearest));
            let error = |row: &Vec<f32>| -> f64 {
                let errors = together.iter().zip(&weights).map(|(r, w)| r - w);
                errors.zip(row).map(|(e, x)| e * f64::from(*x)).sum()
            };
            let mean = rows.iter().map(error).sum::<f64>() / rows.len() as f64;
            prop_assert!((mean - shift).abs() < 1e-6 * (1.0 + mean.abs()), "{mean} {shift}");
        }
    }
}
