//! The golden model: every other target must agree with it, bit for bit.
//!
//! It reads only the program and is written to be obviously right: one 64-bit integer per raw,
//! one function per operation, no fusion, no layouts. It shares no arithmetic with the kernels:
//! otherwise their agreement would prove nothing.

mod arithmetic;
mod event;
mod follow;
mod operations;
mod trees;

use hodoscope_program::{Live, Operation, Program, Proof, SetId, ValueId, VerifyError};

pub use event::{Event, EventError};
pub use follow::{Difference, difference};

/// Interprets one program.
#[derive(Debug)]
pub struct Interpreter<'p> {
    program: &'p Program,
    proof: Proof,
}

/// All values of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Number of live constituents of each set, at most its capacity.
    pub multiplicity: Vec<usize>,
    /// Raws of each value, row-major: `[rows, channels]`.
    pub values: Vec<Vec<i64>>,
}

impl<'p> Interpreter<'p> {
    /// Verifies `program` and prepares to run it.
    ///
    /// # Errors
    /// The first invariant that the program breaks.
    pub fn new(program: &'p Program) -> Result<Self, VerifyError> {
        let proof = program.verify()?;
        Ok(Self { program, proof })
    }

    /// The program.
    pub fn program(&self) -> &'p Program {
        self.program
    }

    /// What the verifier proved about it.
    pub fn proof(&self) -> &Proof {
        &self.proof
    }

    /// Computes one event: the raws of each output, in the program's order.
    ///
    /// # Errors
    /// When the event has not the program's inputs.
    pub fn run(&self, event: &Event) -> Result<Vec<Vec<i64>>, EventError> {
        let mut trace = self.trace(event)?;
        let mut taken = |id: ValueId| std::mem::take(&mut trace.values[id.index()]);
        let mut outputs: Vec<Vec<i64>> = Vec::with_capacity(self.program.outputs.len());
        for (index, output) in self.program.outputs.iter().enumerate() {
            // Two outputs may name one value.
            let earlier = self.program.outputs[..index]
                .iter()
                .position(|o| o.value == output.value);
            outputs.push(match earlier {
                Some(earlier) => outputs[earlier].clone(),
                None => taken(output.value),
            });
        }
        Ok(outputs)
    }

    /// Computes one event and keeps every value.
    ///
    /// # Errors
    /// When the event has not the program's inputs.
    pub fn trace(&self, event: &Event) -> Result<Trace, EventError> {
        event.check(self.program)?;
        let live: Vec<Vec<usize>> = (0..self.program.sets.len())
            .map(|set| self.live_rows(SetId::new(set), event))
            .collect();
        let multiplicity: Vec<usize> = live.iter().map(Vec::len).collect();
        let mut values: Vec<Vec<i64>> = Vec::with_capacity(self.program.values.len());
        for value in &self.program.values {
            let raws = match &value.operation {
                Operation::Input(id) => {
                    let rows = self.program.input(*id).set.map(|set| &*live[set.index()]);
                    operations::input(self.program.input(*id), &event.inputs[id.index()], rows)
                }
                operation => {
                    operations::compute(self.program, value, operation, &values, &multiplicity)
                }
            };
            values.push(raws);
        }
        Ok(Trace {
            multiplicity,
            values,
        })
    }

    /// Slots of `set` that hold a constituent, in order: the hardest where too many are live.
    fn live_rows(&self, set: SetId, event: &Event) -> Vec<usize> {
        let definition = self.program.set(set);
        let word = |at: hodoscope_program::WordRef, row: usize| {
            let input = self.program.input(at.input);
            let word = event.inputs[at.input.index()][row * input.channels + at.channel];
            let field = input.field(at.channel);
            word.clamp(field.minimum, field.maximum)
        };
        let is_live = |row: &usize| match definition.live {
            Live::Always => true,
            Live::NotEmpty { input } => {
                let channels = self.program.input(input).channels;
                (0..channels).any(|channel| {
                    let at = hodoscope_program::WordRef { input, channel };
                    word(at, *row) != self.program.input(input).field(channel).empty
                })
            }
            Live::Above {
                word: at,
                threshold,
            } => word(at, *row) > threshold,
            Live::NotEqual { word: at, empty } => word(at, *row) != empty,
        };
        let rows = event.rows(self.program, set);
        let mut live: Vec<usize> = (0..rows).filter(is_live).collect();
        if live.len() > definition.capacity {
            if let Some(order) = definition.order {
                // Stable: among equals the earlier slot comes first.
                live.sort_by_key(|row| std::cmp::Reverse(word(order, *row)));
            }
            live.truncate(definition.capacity);
            live.sort_unstable();
        }
        live
    }
}
