//! How far a program's outputs are from the float ones.

use hodoscope_interpreter::{Event, Interpreter};
use hodoscope_program::Program;

use super::QuantiseError;

/// The distance between a program and the float network, over the sample events.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loss {
    /// Of outputs with one value: the fraction of pairs of events that float and integer scores
    /// order differently; a tie counts half.
    pub disordered: f64,
    /// Of outputs with several values: rms error over the rms of the float values.
    pub relative_rms: f64,
}

/// What a program may lose before activations are widened.
pub(super) const TOLERATED: Loss = Loss {
    disordered: 0.02,
    relative_rms: 0.03,
};

impl Loss {
    /// Largest ratio to what is tolerated: above 1 is too much.
    pub(super) fn excess(&self) -> f64 {
        let disordered = self.disordered / TOLERATED.disordered;
        disordered.max(self.relative_rms / TOLERATED.relative_rms)
    }
}

pub(super) fn measure(
    program: &Program,
    sample: &[Event],
    outputs: &[Vec<Vec<f32>>],
) -> Result<Loss, QuantiseError> {
    let interpreter = Interpreter::new(program)?;
    let mut fixed: Vec<Vec<Vec<f64>>> = vec![vec![]; program.outputs.len()];
    for event in sample {
        let raws = interpreter
            .run(event)
            .map_err(|e| QuantiseError::Calibration(e.to_string()))?;
        for ((raws, output), values) in raws.iter().zip(&program.outputs).zip(&mut fixed) {
            let scale = &program.value(output.value).scale;
            let value = |(c, raw): (usize, &i64)| *raw as f64 * scale.lsb(c);
            values.push(raws.iter().enumerate().map(value).collect());
        }
    }
    let mut loss = Loss {
        disordered: 0.0,
        relative_rms: 0.0,
    };
    for (float, fixed) in outputs.iter().zip(&fixed) {
        let scalar = float.iter().all(|row| row.len() == 1);
        if scalar && float.len() > 1 {
            let pairs: Vec<(f64, f64)> = float
                .iter()
                .zip(fixed)
                .map(|(a, b)| (a[0].into(), b[0]))
                .collect();
            loss.disordered = loss.disordered.max(disordered(&pairs));
        } else {
            let pairs = float.iter().flatten().zip(fixed.iter().flatten());
            let (mut error, mut signal) = (0.0, 0.0);
            for (float, fixed) in pairs {
                let float = f64::from(*float);
                error += (float - fixed) * (float - fixed);
                signal += float * float;
            }
            let rms = libm::sqrt(error / f64::max(signal, f64::MIN_POSITIVE));
            loss.relative_rms = loss.relative_rms.max(rms);
        }
    }
    Ok(loss)
}

/// Fraction of pairs with different float scores that the fixed ones do not order alike.
fn disordered(scores: &[(f64, f64)]) -> f64 {
    let (mut wrong, mut pairs) = (0.0, 0usize);
    for (i, a) in scores.iter().enumerate() {
        for b in &scores[..i] {
            if a.0 == b.0 {
                continue;
            }
            pairs += 1;
            let (float, fixed) = (a.0 - b.0, a.1 - b.1);
            if fixed == 0.0 {
                wrong += 0.5;
            } else if (float > 0.0) != (fixed > 0.0) {
                wrong += 1.0;
            }
        }
    }
    wrong / pairs.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disorder_counts_swapped_pairs_and_half_the_ties() {
        let same = [(1.0, 10.0), (2.0, 20.0), (3.0, 30.0)];
        assert_eq!(disordered(&same), 0.0);
        let swapped = [(1.0, 20.0), (2.0, 10.0), (3.0, 30.0)];
        assert_eq!(disordered(&swapped), 1.0 / 3.0);
        let tied = [(1.0, 10.0), (2.0, 10.0), (3.0, 30.0)];
        assert_eq!(disordered(&tied), 0.5 / 3.0);
    }
}
