//! One event's detector words.

use hodoscope_program::{Program, SetId};

/// One event: for each input of the program its words, row-major.
///
/// An input of a set has as many rows as slots are filled, live or not, also more than the
/// capacity; all inputs of one set have equally many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// Words of each input, in the program's order.
    pub inputs: Vec<Vec<i64>>,
}

/// Why an event is not one of the program's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// Not as many inputs as the program has.
    #[error("the event has {got} inputs, the program {expected}")]
    Inputs {
        /// Inputs of the program.
        expected: usize,
        /// Inputs of the event.
        got: usize,
    },
    /// An input with a wrong number of words.
    #[error("input '{input}': {got} words, not {expected}")]
    Words {
        /// Name of the input.
        input: String,
        /// What was expected.
        expected: String,
        /// Words of the event.
        got: usize,
    },
}

impl Event {
    /// Rows of the inputs of `set`.
    pub(crate) fn rows(&self, program: &Program, set: SetId) -> usize {
        let inputs = program.inputs.iter().zip(&self.inputs);
        inputs
            .filter(|(input, _)| input.set == Some(set))
            .map(|(input, words)| words.len() / input.channels)
            .next()
            .unwrap_or(0)
    }

    pub(crate) fn check(&self, program: &Program) -> Result<(), EventError> {
        if self.inputs.len() != program.inputs.len() {
            return Err(EventError::Inputs {
                expected: program.inputs.len(),
                got: self.inputs.len(),
            });
        }
        for (input, words) in program.inputs.iter().zip(&self.inputs) {
            let expected = match input.set {
                None => input.channels,
                Some(set) => self.rows(program, set) * input.channels,
            };
            if words.len() != expected {
                let expected = match input.set {
                    None => expected.to_string(),
                    Some(_) => format!("{expected}, as its set's first input asks"),
                };
                return Err(EventError::Words {
                    input: input.name.clone(),
                    expected,
                    got: words.len(),
                });
            }
        }
        Ok(())
    }
}
