//! Whether operands of 16 bits are enough where they were asked for: a score of wide logits wants more of some layers.

use hodoscope_interpreter::{Event, Interpreter};
use hodoscope_program::Program;

use super::QuantiseError;

/// Bits of a layer's operand where 16 are not enough.
pub(super) const WIDE: u8 = 24;
/// What outputs may miss: root mean square over their range.
const BAR: f64 = 1.0 / 2048.0;
/// What nineteen of twenty values of a quantity may miss of themselves.
const RELATIVE: f64 = 1.0 / 1024.0;
/// The same where activations have 8 bits.
const FAR: f64 = 1.0 / 16.0;
/// By how much more one figure may be missed where the other gains.
const HARDLY: f64 = 1.1;
/// A gain worth twice the cost of a layer.
const WORTHWHILE: f64 = 0.5;

/// The root mean square by which outputs miss the float ones, over their range; the largest of all outputs.
pub(super) fn missed(
    program: &Program,
    sample: &[Event],
    outputs: &[Vec<Vec<f32>>],
) -> Result<f64, QuantiseError> {
    let errors = errors(program, sample, outputs)?;
    Ok(errors.iter().map(Error::over_range).fold(0.0, f64::max))
}

/// By how much the outputs of a program miss the float ones; of all outputs the largest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Missed {
    /// The root mean square, over the range.
    pub over_range: f64,
    /// What nineteen of twenty values miss at most of themselves.
    pub relative: f64,
    /// The same of outputs whose values have one sign alone: others are small where they cross zero.
    pub of_quantities: f64,
}

/// All of it, of one run over the sample.
pub(super) fn measured(
    program: &Program,
    sample: &[Event],
    outputs: &[Vec<Vec<f32>>],
) -> Result<Missed, QuantiseError> {
    let mut missed = Missed {
        over_range: 0.0,
        relative: 0.0,
        of_quantities: 0.0,
    };
    for error in errors(program, sample, outputs)? {
        let relative = error.relative();
        missed.over_range = missed.over_range.max(error.over_range());
        missed.relative = missed.relative.max(relative);
        if error.is_of_one_sign() {
            missed.of_quantities = missed.of_quantities.max(relative);
        }
    }
    Ok(missed)
}

fn errors(
    program: &Program,
    sample: &[Event],
    outputs: &[Vec<Vec<f32>>],
) -> Result<Vec<Error>, QuantiseError> {
    let interpreter = Interpreter::new(program)?;
    let mut errors = vec![Error::default(); outputs.len()];
    for (index, event) in sample.iter().enumerate() {
        let raws = interpreter
            .run(event)
            .map_err(|e| QuantiseError::Calibration(e.to_string()))?;
        let all = raws
            .iter()
            .zip(&program.outputs)
            .zip(outputs)
            .zip(&mut errors);
        for (((raws, output), floats), error) in all {
            let scale = &program.value(output.value).scale;
            let Some(row) = floats.get(index) else {
                continue;
            };
            for (c, (raw, float)) in raws.iter().zip(row).enumerate() {
                error.see(*raw as f64 * scale.lsb(c), f64::from(*float));
            }
        }
    }
    Ok(errors)
}

/// Whether so much is too much.
pub(super) fn is_missed(missed: f64) -> bool {
    missed > BAR
}

/// Whether a second program is worth it.
pub(super) fn gains(first: &Missed, second: &Missed) -> bool {
    let hardly = |own: f64, before: f64, bar: f64| own <= bar.max(before * HARDLY);
    is_better(second.of_quantities, first.of_quantities)
        && hardly(second.over_range, first.over_range, BAR)
        || is_better(second.over_range, first.over_range)
            && hardly(second.of_quantities, first.of_quantities, RELATIVE)
}

/// Whether so much of the values themselves is too much.
pub(super) fn is_missed_relatively(missed: f64) -> bool {
    missed > RELATIVE
}

/// Whether it is too much where few bits were asked for.
pub(super) fn is_missed_by_far(missed: f64) -> bool {
    missed > FAR
}

/// Whether wider operands are worth it.
pub(super) fn is_better(missed: f64, before: f64) -> bool {
    missed < WORTHWHILE * before
}

#[derive(Clone, Debug)]
struct Error {
    squares: f64,
    count: usize,
    ends: (f64, f64),
    /// Of each value.
    parts: Vec<f64>,
}

impl Default for Error {
    fn default() -> Self {
        Self {
            squares: 0.0,
            count: 0,
            ends: (f64::INFINITY, f64::NEG_INFINITY),
            parts: vec![],
        }
    }
}

impl Error {
    fn see(&mut self, fixed: f64, float: f64) {
        if float.is_finite() {
            self.squares += (fixed - float) * (fixed - float);
            self.count += 1;
            if float != 0.0 {
                self.parts.push(((fixed - float) / float).abs());
            }
            self.ends = (self.ends.0.min(float), self.ends.1.max(float));
        }
    }

    fn is_of_one_sign(&self) -> bool {
        self.ends.0 >= 0.0 || self.ends.1 <= 0.0
    }

    fn relative(&self) -> f64 {
        let mut parts = self.parts.clone();
        parts.sort_by(f64::total_cmp);
        let place = parts.len() * 19 / 20;
        parts.get(place).copied().unwrap_or(0.0)
    }

    fn over_range(&self) -> f64 {
        let range = self.ends.1 - self.ends.0;
        match range > 0.0 {
            true => libm::sqrt(self.squares / self.count as f64) / range,
            false => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_counts_in_ranges() {
        let mut error = Error::default();
        for (fixed, float) in [(0.5, 0.0), (1.5, 2.0), (9.0, f64::INFINITY)] {
            error.see(fixed, float);
        }
        assert_eq!(error.over_range(), 0.25);
        assert_eq!(error.relative(), 0.25);
        assert_eq!(Error::default().over_range(), 0.0);
        assert_eq!(Error::default().relative(), 0.0);
        assert!(is_missed(0.001) && !is_missed(0.0001));
        assert!(is_better(0.001, 0.01) && !is_better(0.009, 0.01));
    }
}
