//! Changes of a program: what a wrong compiler, kernel or memory could do to it.
//!
//! Events that tell a program from such mutants also tell it from what went wrong in the same way on a target (mutation testing: DeMillo,
//! Lipton and Sayward, "Hints on test data selection", 1978).

mod operations;
mod sets;

use std::collections::BTreeSet;

use hodoscope_interpreter::{Difference, Event, Interpreter, Trace, difference};
use hodoscope_program::{
    ConstantId, Field, InputId, Operation, Program, Set, SetId, ValueId, VerifyError,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::words::Source;

/// One change.
#[derive(Clone, Debug)]
pub enum Change {
    /// Another raw at an index of a constant: a weight, a bias, an entry of a table, a node.
    Raw(ConstantId, usize, i64),
    /// A value is computed otherwise.
    Operation(ValueId, Operation),
    /// Other constituents are live, or in another order.
    Set(SetId, Set),
    /// A word is clamped otherwise.
    Field(InputId, usize, Field),
}

/// A program that differs from another in one thing.
#[derive(Clone, Debug)]
pub struct Mutant {
    /// The difference.
    pub change: Change,
    /// What is computed otherwise at once; nothing where it is the words of an input.
    values: Vec<ValueId>,
}

impl Mutant {
    fn new(program: &Program, change: Change) -> Self {
        let values = match &change {
            Change::Raw(constant, ..) => {
                let reads = |id: &ValueId| {
                    let operation = &program.value(*id).operation;
                    operation.constants().contains(constant)
                };
                program.values().map(|(id, _)| id).filter(reads).collect()
            }
            Change::Operation(value, _) => vec![*value],
            Change::Set(..) | Change::Field(..) => vec![],
        };
        Self { change, values }
    }

    /// Exchanges what differs: makes the mutant of its program, and the program of its mutant.
    pub fn exchange(&mut self, program: &mut Program) {
        match &mut self.change {
            Change::Raw(constant, index, raw) => {
                let constant = &mut program.constants[constant.index()];
                std::mem::swap(&mut constant.data[*index], raw);
            }
            Change::Operation(value, operation) => {
                std::mem::swap(&mut program.values[value.index()].operation, operation);
            }
            Change::Set(set, definition) => {
                std::mem::swap(&mut program.sets[set.index()], definition);
            }
            Change::Field(input, field, definition) => {
                let fields = &mut program.inputs[input.index()].fields;
                std::mem::swap(&mut fields[*field], definition);
            }
        }
    }

    /// How far the mutant is seen in an event; `mutated` is the program, already exchanged.
    ///
    /// # Errors
    /// When the verifier does not accept the mutant.
    pub fn difference(
        &self,
        mutated: &Program,
        event: &Event,
        trace: &Trace,
    ) -> Result<Difference, VerifyError> {
        if !self.values.is_empty() {
            return Ok(difference(mutated, trace, &self.values));
        }
        let outputs = Interpreter::new(mutated)?.run(event);
        let known = mutated.outputs.iter();
        let known = known.map(|output| &trace.values[output.value.index()]);
        Ok(Difference {
            in_output: outputs.is_ok_and(|outputs| !outputs.iter().eq(known)),
            last: None,
        })
    }

    /// What was changed.
    #[must_use]
    pub fn text(&self, program: &Program) -> String {
        match &self.change {
            Change::Raw(constant, index, raw) => {
                let constant = program.constant(*constant);
                let own = constant.data[*index];
                format!("{}[{index}] is {own}, not {raw}", constant.name)
            }
            Change::Operation(value, operation) => {
                let value = program.value(*value);
                format!("{}: {:?}, not {operation:?}", value.name, value.operation)
            }
            Change::Set(set, definition) => {
                format!("{:?}, not {definition:?}", program.set(*set))
            }
            Change::Field(input, field, definition) => {
                let own = &program.input(*input).fields[*field];
                format!("{own:?}, not {definition:?}")
            }
        }
    }
}

/// Other raws of a constant's element.
const RAWS: [fn(i64) -> i64; 4] = [|raw| raw ^ 1, |raw| raw ^ 4, |raw| -raw, |raw| raw + 1];

/// Mutants of a program, the same for a seed on every host: all, or a sample of `most`.
#[must_use]
pub fn of(program: &Program, most: usize, seed: u64) -> Vec<Mutant> {
    let random = ChaCha8Rng::seed_from_u64(seed);
    list(&mut Source { program, random }, most)
}

/// Mutants of a program that its verifier accepts; of more than `most` a sample, half of it of constants.
pub(super) fn list(source: &mut Source<'_>, most: usize) -> Vec<Mutant> {
    let program = source.program;
    let mut changes = operations::changes(program);
    changes.extend(sets::changes(program));
    let raws = raws(program);
    let room = most.saturating_sub(changes.len()).max(most / 2);
    let room = room.min(raws.len());
    let few = changes.len().min(most - room);
    let mut changes = sample(source, changes.len(), few)
        .into_iter()
        .map(|index| changes[index].clone())
        .collect::<Vec<_>>();
    for index in sample(source, raws.len(), room) {
        let (constant, at, how) = raws.at(index);
        let (data, element) = (
            &program.constant(constant).data,
            program.constant(constant).element,
        );
        let raw = RAWS[how](data[at]);
        if raw != data[at] && element.contains(raw) {
            changes.push(Change::Raw(constant, at, raw));
        }
    }
    let mut scratch = program.clone();
    let mut accepted = Vec::with_capacity(changes.len());
    for change in changes {
        let mut mutant = Mutant::new(program, change);
        mutant.exchange(&mut scratch);
        let is_accepted = scratch.verify().is_ok();
        mutant.exchange(&mut scratch);
        if is_accepted {
            accepted.push(mutant);
        }
    }
    accepted
}

/// `few` of the numbers below `all`, in order.
fn sample(source: &mut Source<'_>, all: usize, few: usize) -> Vec<usize> {
    if few >= all {
        return (0..all).collect();
    }
    let mut chosen = BTreeSet::new();
    while chosen.len() < few {
        chosen.insert(source.below(all));
    }
    chosen.into_iter().collect()
}

/// Raws of constants that an operation reads, each with every way to change it.
struct Raws {
    /// Constants, and the number of the first raw behind each.
    ends: Vec<(ConstantId, usize)>,
}

fn raws(program: &Program) -> Raws {
    let read: BTreeSet<ConstantId> = program
        .values
        .iter()
        .flat_map(|value| value.operation.constants())
        .collect();
    let mut end = 0;
    let ends = read.into_iter().map(|constant| {
        end += program.constant(constant).data.len();
        (constant, end)
    });
    Raws {
        ends: ends.collect(),
    }
}

impl Raws {
    fn len(&self) -> usize {
        RAWS.len() * self.ends.last().map_or(0, |(_, end)| *end)
    }

    /// Constant, index in it, and way.
    fn at(&self, index: usize) -> (ConstantId, usize, usize) {
        let (raw, how) = (index / RAWS.len(), index % RAWS.len());
        let of = self.ends.partition_point(|(_, end)| *end <= raw);
        let first = of.checked_sub(1).map_or(0, |before| self.ends[before].1);
        (self.ends[of].0, raw - first, how)
    }
}
